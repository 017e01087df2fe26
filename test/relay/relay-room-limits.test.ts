/** LM1, LM3, LM5–LM9 on sockets in memory: whom the room slows down, and whom it lets go. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  BEHIND_CLOSE_BYTES,
  BUFFERED_DROP_BYTES,
  PEERS_CEILING,
  ROOM_ADMISSIONS_BURST,
  ROOM_ADMISSIONS_PER_S,
  SILENCE_LOOK_EVERY_MS,
  SILENCE_MAX_MS,
  TEXT_CLOSE_BYTES,
} from '../../relay-worker/limits.ts';
import { RELAY_TEXT_MAX, formatRequest } from '../../src/engine/protocol/relay.ts';
import type { MemorySocket } from '../helpers/memory-socket.ts';
import { ALICE, BOB, CAROL, ROOM, peerIdOf } from '../helpers/samples.ts';
import { Stage, errorOf, leftOf, nth, toPeer } from './room-stage.ts';

const DAVE = peerIdOf(0xda);

describe('a message that is too long', () => {
  it('LM1: a text of 1 MiB is answered, a longer one ends the socket', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    stage.receive(alice, 'x'.repeat(TEXT_CLOSE_BYTES));
    assert.deepEqual(alice.take(), [errorOf(null, 'too-large')]);
    stage.receive(alice, 'x'.repeat(TEXT_CLOSE_BYTES + 1));
    assert.deepEqual(alice.closed, { code: 4006, reason: 'too-large' });
    stage.receive(bob, new ArrayBuffer(TEXT_CLOSE_BYTES + 1));
    assert.deepEqual(bob.closed, { code: 4006, reason: 'too-large' });
  });

  it('LM1, LM3: what counts are bytes, not characters', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    const join = (bytes: number): string => {
      const text = formatRequest({ method: 'join', params: { room_id: ROOM, peer_id: ALICE } }, 1);
      const filler = (length: number): string => `"x":"${'€'.repeat(length)}","params"`;
      return text.replace('"params"', filler((bytes - text.length - 7) / 3));
    };
    const longest = join(RELAY_TEXT_MAX);
    const bytes = new TextEncoder().encode(longest).length;
    assert.ok(bytes > RELAY_TEXT_MAX - 3 && bytes <= RELAY_TEXT_MAX && longest.length < RELAY_TEXT_MAX / 2);
    stage.receive(alice, longest);
    assert.equal(alice.take().at(0)?.type, 'result');
    stage.receive(alice, join(RELAY_TEXT_MAX + 3));
    assert.deepEqual(alice.take(), [errorOf(null, 'too-large')]);
    stage.receive(alice, '€'.repeat(TEXT_CLOSE_BYTES / 3 + 1));
    assert.deepEqual(alice.closed, { code: 4006, reason: 'too-large' });

    const filler = '€'.repeat(64 * 1024);
    for (let i = 0; i < 7; i++) stage.receive(bob, filler);
    const answers = bob.take().filter((one) => one.type === 'error');
    assert.deepEqual(
      answers.map((one) => one.reason),
      [...Array<string>(5).fill('too-large'), 'rate-limited', 'rate-limited'],
    );
  });
});

describe('a flood', () => {
  it('LM5: over the rate is told with the request’s id, then the flooder is closed; a replaced socket goes on counting', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    for (let i = 0; i < 155; i++) stage.send(alice, toPeer(BOB), i);
    const refused = alice.take().filter((one) => one.type === 'error');
    assert.deepEqual(
      refused,
      [150, 151, 152, 153, 154].map((id) => errorOf(id, 'rate-limited')),
    );
    assert.equal(bob.take().length, 150);

    const again = stage.enter(ALICE);
    again.take();
    stage.send(again, toPeer(BOB), 'x');
    assert.deepEqual(again.take(), [errorOf('x', 'rate-limited')]);
    for (let i = 0; i < 1000; i++) stage.send(again, toPeer(BOB));
    assert.deepEqual(again.closed, { code: 4005, reason: 'rate-limited' });
    assert.deepEqual(bob.take(), [leftOf(ALICE)]);
  });

  it('LM8: 64 newcomers at once, then 2 a second; nobody is told of the rest, and a full room takes nothing', () => {
    const stage = new Stage();
    const [watcher] = stage.gather(ALICE) as [MemorySocket];
    const admitted = (times: number): number => {
      let total = 0;
      for (let i = 0; i < times; i++) {
        if (stage.refusalOf(BOB) === undefined) {
          total++;
          stage.send(stage.enter(BOB), { method: 'leave', params: { room_id: ROOM } });
        } else assert.equal(stage.refusalOf(BOB), 'rate-limited');
      }
      return total;
    };
    assert.equal(admitted(200), ROOM_ADMISSIONS_BURST);
    assert.equal(watcher.take().length, 2 * ROOM_ADMISSIONS_BURST);
    stage.nowMs += 3000;
    assert.equal(admitted(20), 3 * ROOM_ADMISSIONS_PER_S);
    assert.deepEqual([ROOM_ADMISSIONS_BURST, ROOM_ADMISSIONS_PER_S], [PEERS_CEILING, 2]);

    const full = new Stage({ maxPeers: 1 });
    full.gather(ALICE);
    for (let i = 0; i < 200; i++) assert.equal(full.refusalOf(BOB), 'room-full');
    assert.equal(full.refusalOf(ALICE), undefined, 'it replaces its own socket');
  });

  it('LM8: attack: strangers keep nobody from coming back, who does so at a rate of its own', () => {
    const stage = new Stage();
    const [, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    stage.gone(bob);
    for (let n = 0; n < 100; n++) stage.refusalOf(peerIdOf(n));
    assert.equal(stage.refusalOf(CAROL), 'rate-limited');
    assert.equal(stage.refusalOf(ALICE), undefined, 'it is in');
    assert.equal(stage.refusalOf(BOB), undefined, 'it has a seat');
    assert.equal(stage.refusalOf(BOB, { proof: new Uint8Array(16) }), 'token-invalid');
    const [watcher] = [stage.enter(ALICE)];
    let backs = 0;
    while (stage.refusalOf(BOB) === undefined && backs < 200) {
      backs++;
      stage.gone(stage.enter(BOB));
    }
    assert.equal(backs, ROOM_ADMISSIONS_BURST - 2);
    assert.equal(watcher.closed, undefined);
  });
});

describe('a place', () => {
  it('LM7: there is no place beyond the limit until somebody leaves', () => {
    const stage = new Stage({ maxPeers: 2 });
    const [alice] = stage.gather(ALICE, BOB) as [MemorySocket];
    assert.equal(stage.refusalOf(CAROL), 'room-full');
    stage.gone(alice);
    assert.equal(stage.refusalOf(CAROL), undefined);
  });

  it('LM9: is taken from a socket without a sign of life for 90 s, when somebody wants in, and the others are told', () => {
    const stage = new Stage({ maxPeers: 3 });
    const [alice, bob, carol] = stage.gather(ALICE, BOB, CAROL) as [MemorySocket, MemorySocket, MemorySocket];
    stage.nowMs += SILENCE_MAX_MS;
    stage.send(alice, toPeer(CAROL));
    stage.answeredAtMs.set(carol, stage.nowMs - 5000);
    assert.equal(stage.refusalOf(DAVE), 'room-full', 'bob has been silent for 90 s and no longer');
    carol.take();
    stage.nowMs++;
    assert.equal(stage.refusalOf(DAVE), undefined);
    assert.deepEqual(bob.closed, { code: 1001, reason: 'silent' });
    assert.deepEqual([alice.take(), carol.take()], [[leftOf(BOB)], [leftOf(BOB)]]);
    assert.deepEqual([alice.closed, carol.closed], [undefined, undefined]);
    const welcome = nth(stage.enter(DAVE).take(), 0);
    assert.ok(welcome.type === 'notification' && welcome.method === 'welcome');
    assert.deepEqual(
      welcome.params.peers.map((peer) => peer.peer_id),
      [ALICE, CAROL],
    );
    assert.equal(SILENCE_MAX_MS, 90_000);
  });

  it('LM9: is taken too while the others talk, though not looked after at every message', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    stage.nowMs += SILENCE_MAX_MS;
    stage.send(alice, toPeer(BOB), 1);
    stage.nowMs += SILENCE_LOOK_EVERY_MS - 1;
    stage.send(alice, toPeer(BOB), 2);
    assert.equal(bob.closed, undefined);
    stage.nowMs += 1;
    stage.send(alice, toPeer(BOB), 3);
    assert.deepEqual(bob.closed, { code: 1001, reason: 'silent' });
    // RL21: it may be back, and what is said to it is kept
    assert.deepEqual(alice.take().slice(-2), [leftOf(BOB), { type: 'result', id: 3, result: {} }]);
  });

  it('LM9: is counted from the admission where a room slept', () => {
    const stage = new Stage();
    const [alice] = stage.gather(ALICE) as [MemorySocket];
    stage.nowMs += SILENCE_MAX_MS;
    stage.send(alice, toPeer(BOB));
    stage.sleep();
    assert.equal(stage.refusalOf(BOB), undefined);
    assert.equal(alice.closed, undefined);
    stage.nowMs++;
    assert.equal(stage.refusalOf(BOB), undefined);
    assert.deepEqual(alice.closed, { code: 1001, reason: 'silent' });
  });
});

describe('a peer that does not read', () => {
  it('LM6: a peer that does not read gets no more, and is closed when it is 1 MiB behind', () => {
    const stage = new Stage();
    const [alice, bob, carol] = stage.gather(ALICE, BOB, CAROL) as [MemorySocket, MemorySocket, MemorySocket];
    const payload = 'A'.repeat(60_000);
    bob.bufferedAmount = BUFFERED_DROP_BYTES + 1;
    stage.send(alice, toPeer(BOB, payload), 1);
    assert.deepEqual(alice.take(), [errorOf(1, 'rate-limited')]);
    assert.deepEqual(bob.take(), []);

    bob.bufferedAmount = 0;
    stage.send(alice, toPeer(BOB), 2);
    const seen = nth(bob.take(), 0);
    assert.ok(seen.type === 'notification' && seen.method === 'relay_message');
    assert.equal(seen.params.n, 2, 'the hole can be seen');

    bob.bufferedAmount = BUFFERED_DROP_BYTES + 1;
    const untilClosed = Math.ceil((BEHIND_CLOSE_BYTES - BUFFERED_DROP_BYTES) / payload.length);
    for (let i = 1; i < untilClosed; i++) stage.send(alice, toPeer(BOB, payload));
    assert.equal(bob.closed, undefined);
    stage.send(alice, toPeer(BOB, payload));
    assert.deepEqual(bob.closed, { code: 4008, reason: 'slow-reader' });
    assert.deepEqual(carol.take(), [leftOf(BOB)]);
  });

  it('LM6: gets answers and errors no more, and is closed for them as well', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    alice.bufferedAmount = BEHIND_CLOSE_BYTES - 200;
    const join = { method: 'join', params: { room_id: ROOM, peer_id: ALICE } } as const;
    stage.send(alice, toPeer(BOB), 1);
    stage.receive(alice, 'x');
    assert.deepEqual([alice.take(), alice.closed], [[], undefined]);
    stage.send(alice, join, 2);
    assert.deepEqual(alice.closed, { code: 4008, reason: 'slow-reader' });
    assert.deepEqual(
      bob.take().map((one) => one.type === 'notification' && one.method),
      ['relay_message', 'peer_left'],
    );
  });

  it('LM6: is told who comes and goes while it can catch up, and is closed for it when it cannot', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    bob.bufferedAmount = BUFFERED_DROP_BYTES + 1;
    const carol = stage.enter(CAROL);
    assert.deepEqual(
      bob.take().map((one) => one.type === 'notification' && one.method),
      ['peer_joined'],
    );
    bob.bufferedAmount = BEHIND_CLOSE_BYTES + 1;
    stage.gone(carol);
    assert.deepEqual(bob.closed, { code: 4008, reason: 'slow-reader' });
    assert.deepEqual(alice.take().slice(1), [leftOf(CAROL), leftOf(BOB)]);
  });

  it('LM6: several of them leave the rest with one view of the room', () => {
    const stage = new Stage();
    const [alice, bob, carol] = stage.gather(ALICE, BOB, CAROL) as [MemorySocket, MemorySocket, MemorySocket];
    alice.bufferedAmount = BEHIND_CLOSE_BYTES + 1;
    bob.bufferedAmount = BEHIND_CLOSE_BYTES + 1;
    const dave = stage.enter(DAVE);
    assert.deepEqual(
      [alice, bob].map((socket) => socket.closed?.reason),
      ['slow-reader', 'slow-reader'],
    );
    const told = (socket: MemorySocket): unknown[] =>
      socket
        .take()
        .map((one) => one.type === 'notification' && [one.method, 'peer_id' in one.params && one.params.peer_id]);
    assert.deepEqual(told(carol), [
      ['peer_joined', DAVE],
      ['peer_left', ALICE],
      ['peer_left', BOB],
    ]);
    assert.deepEqual(told(dave).slice(1), [
      ['peer_left', ALICE],
      ['peer_left', BOB],
    ]);
  });
});
