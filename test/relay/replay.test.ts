/** What a room remembers for peers that are away, and that it is never more than it may be. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RING_AGE_MAX_MS, RING_BYTES_MAX, RING_MESSAGES_MAX, SEATS_MAX } from '../../relay-worker/limits.ts';
import { Replay } from '../../relay-worker/replay.ts';
import { Random } from '../helpers/random.ts';
import { ALICE, BOB, CAROL, peerIdOf } from '../helpers/samples.ts';
import { NOW_MS, proofOf } from './room-stage.ts';

const NUMBER = 1_700_000_000_000;
const PROOF = proofOf(ALICE);

/** Messages 1 to `count` for Alice, one each millisecond. */
function filled(count: number, text = (n: number): string => `to alice ${n}`): Replay {
  const replay = new Replay();
  for (let n = 1; n <= count; n++) replay.keep(ALICE, n, text(n), NOW_MS + n);
  return replay;
}

describe('LM13: the ring', () => {
  it('gives what came after a place, of one peer, in order', () => {
    const replay = filled(3);
    replay.keep(BOB, 1, 'to bob', NOW_MS);
    assert.deepEqual(replay.missed(ALICE, 1, 3, NOW_MS), ['to alice 2', 'to alice 3']);
    assert.deepEqual(replay.missed(ALICE, 3, 3, NOW_MS), []);
    assert.deepEqual(replay.missed(BOB, 0, 1, NOW_MS), ['to bob']);
    assert.deepEqual(replay.missed(CAROL, 0, 0, NOW_MS), []);
  });

  it('gives nothing where a part is missing, or the place is ahead of all that was sent', () => {
    const replay = filled(3);
    assert.equal(replay.missed(ALICE, 4, 3, NOW_MS), undefined);
    assert.equal(replay.missed(ALICE, 0, 4, NOW_MS), undefined);
  });

  it(`keeps ${RING_MESSAGES_MAX} messages`, () => {
    const replay = filled(RING_MESSAGES_MAX + 1);
    assert.equal(replay.missed(ALICE, 0, RING_MESSAGES_MAX + 1, NOW_MS), undefined);
    assert.equal(replay.missed(ALICE, 1, RING_MESSAGES_MAX + 1, NOW_MS)?.length, RING_MESSAGES_MAX);
  });

  it('keeps 512 KiB', () => {
    const text = 'x'.repeat(64 * 1024);
    const replay = filled(9, () => text);
    assert.equal(replay.bytes, RING_BYTES_MAX);
    assert.equal(replay.missed(ALICE, 0, 9, NOW_MS), undefined);
    assert.equal(replay.missed(ALICE, 1, 9, NOW_MS)?.length, 8);
  });

  it('holds no more memory for what stood between the messages of who has left', () => {
    const replay = new Replay();
    const small = 'a'.repeat(250);
    const filler = 'b'.repeat(13_000);
    for (let round = 1; round <= 30; round++) {
      for (let n = 1; n <= 7; n++) {
        replay.keep(ALICE, 7 * round + n, small, NOW_MS);
        for (let part = 0; part < 5; part++) replay.keep(BOB, 5 * n + part, filler, NOW_MS);
      }
      replay.forget(BOB);
    }
    assert.equal(replay.bytes, 30 * 7 * small.length);
    assert.ok(replay.memory <= RING_BYTES_MAX / 2, `${replay.memory}`);
    assert.equal(replay.missed(ALICE, 7, 7 * 31, NOW_MS)?.length, 30 * 7);
    assert.deepEqual(replay.missed(ALICE, 7 * 31 - 1, 7 * 31, NOW_MS), [small]);
  });

  it('keeps 30 s', () => {
    const replay = filled(2);
    assert.equal(replay.missed(ALICE, 0, 2, NOW_MS + 1 + RING_AGE_MAX_MS)?.length, 2);
    assert.equal(replay.missed(ALICE, 0, 2, NOW_MS + 2 + RING_AGE_MAX_MS), undefined);
    assert.equal(replay.missed(ALICE, 1, 2, NOW_MS + 2 + RING_AGE_MAX_MS)?.length, 1);
    assert.deepEqual([RING_MESSAGES_MAX, RING_BYTES_MAX, RING_AGE_MAX_MS], [256, 512 * 1024, 30_000]);
  });
});

describe('RL21: a seat', () => {
  it('goes on counting for who is away, for 30 s', () => {
    const replay = new Replay();
    replay.leave(ALICE, { joinNumber: NUMBER, n: 7, proof: PROOF }, NOW_MS);
    assert.equal(replay.nextAway(ALICE, NOW_MS), 8);
    assert.equal(replay.nextAway(ALICE, NOW_MS + RING_AGE_MAX_MS), 9);
    assert.equal(replay.nextAway(ALICE, NOW_MS + RING_AGE_MAX_MS + 1), undefined);
    assert.equal(replay.nextAway(BOB, NOW_MS), undefined);
  });

  it('is given up by who takes it, and only to who knows its number', () => {
    const replay = new Replay();
    replay.leave(ALICE, { joinNumber: NUMBER, n: 7, proof: PROOF }, NOW_MS);
    assert.equal(replay.take(ALICE, NUMBER, NOW_MS)?.n, 7);
    assert.equal(replay.take(ALICE, NUMBER, NOW_MS), undefined);
    replay.leave(BOB, { joinNumber: NUMBER, n: 1, proof: PROOF }, NOW_MS);
    assert.equal(replay.take(BOB, NUMBER + 1, NOW_MS), undefined);
    assert.equal(replay.nextAway(BOB, NOW_MS), undefined, 'whoever that was, it is not here any more');
  });

  it('that is gone takes its messages with it: the next count begins with 1 again', () => {
    const replay = filled(2);
    replay.keep(BOB, 1, 'to bob', NOW_MS);
    assert.equal(replay.take(ALICE, NUMBER, NOW_MS), undefined);
    assert.equal(replay.bytes, 'to bob'.length);
    replay.keep(ALICE, 1, 'new', NOW_MS);
    assert.deepEqual(replay.missed(ALICE, 0, 1, NOW_MS), ['new']);
  });

  it(`is there for ${SEATS_MAX} peers, and the first of them give way`, () => {
    const replay = new Replay();
    for (let i = 0; i <= SEATS_MAX; i++) replay.leave(peerIdOf(i), { joinNumber: i + 1, n: 0, proof: PROOF }, NOW_MS);
    assert.equal(replay.nextAway(peerIdOf(0), NOW_MS), undefined);
    assert.equal(replay.nextAway(peerIdOf(1), NOW_MS), 1);
  });
});

describe('LM13: whatever happens', () => {
  it('fuzz: is bounded, and gives what was kept or nothing', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new Random(seed);
      const replay = new Replay();
      const peers = [ALICE, BOB, CAROL];
      const sent = new Map(peers.map((peerId) => [peerId, [] as string[]]));
      let nowMs = NOW_MS;
      let given = 0;
      for (let i = 0; i < 2_000; i++) {
        nowMs += random.below(200) - 20;
        const peerId = random.pick(peers);
        const texts = sent.get(peerId) ?? [];
        if (random.chance(0.01)) {
          replay.forget(peerId);
          texts.length = 0;
        }
        texts.push(`${i} ${'x'.repeat(random.chance(0.1) ? random.below(60_000) : random.below(500))}`);
        replay.keep(peerId, texts.length, texts.at(-1) ?? '', nowMs);
        assert.ok(replay.bytes <= RING_BYTES_MAX, `seed ${seed}`);
        const from = Math.max(0, texts.length - random.below(60));
        const missed = replay.missed(peerId, from, texts.length, nowMs);
        if (missed) assert.deepEqual(missed, texts.slice(from), `seed ${seed}`);
        given += missed?.length ?? 0;
      }
      assert.ok(given > 2_000, `seed ${seed}: ${given} given`);
    }
  });
});
