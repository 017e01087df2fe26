import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { RoomMessage } from '../../src/engine/protocol/peer.ts';
import type { Effect, RoomEvent } from '../../src/engine/room/events.ts';
import { isPresent } from '../../src/engine/room/state.ts';
import type { Present } from '../../src/engine/room/state.ts';
import { ALICE, BOB, CAROL, peerIdOf } from '../helpers/samples.ts';
import {
  certificateOf,
  effectOf,
  goneTimer,
  join,
  linked,
  listed,
  newcomer,
  offer,
  onLink,
  senderOf,
  unlisted,
  welcome,
} from './step-fixtures.ts';
import { StepRunner, messagesOf, typesOf } from './step-runner.ts';

const STALE: Effect = { type: 'drop', reason: 'stale-state' };
const VERDICT: RoomEvent = { type: 'timer', id: 'roster-verdict' };
const MUTED = [{ kind: 'microphone', isMuted: true }] as const;
const LOUD = [{ kind: 'microphone', isMuted: false }] as const;

type Publications = typeof MUTED | typeof LOUD | readonly [];

function from(peerId: PeerId, message: RoomMessage): RoomEvent {
  return { type: 'message', from: peerId, sender: senderOf(peerId), message };
}

function says(seq: number, name: string, publications: Publications = [], isAsking = false, link = 1): RoomEvent {
  return from(BOB, { type: 'presence', link, seq, presence: { name, publications }, isAsking });
}

function reports(seq: number, seen: readonly PeerId[], isAsking = false): RoomEvent {
  const members = seen.map((peerId) => ({ peerId, certificate: certificateOf(peerId) }));
  return from(BOB, { type: 'roster', seq, members, mac: certificateOf(BOB), isAsking });
}

function callOf(room: StepRunner): Present {
  assert.ok(isPresent(room.state.call));
  return room.state.call;
}

/** We are Alice; Bob and Carol came after us, and have spoken. */
function three(): StepRunner {
  const room = new StepRunner();
  const carol = from(CAROL, {
    type: 'presence',
    link: 1,
    seq: 1,
    presence: { name: 'C', publications: [] },
    isAsking: false,
  });
  room.run(join, welcome(1), listed(BOB, 2), listed(CAROL, 3), says(1, 'Bob'), carol);
  return room;
}

/** The numbers of what these effects say about us. */
function numbersOf(effects: readonly Effect[]): readonly number[] {
  return effects.flatMap((effect) => {
    if (effect.type === 'announce-roster') return [effect.seq];
    return effect.type === 'send' && 'seq' in effect.message ? [effect.message.seq] : [];
  });
}

describe('PM11: what we say about ourselves', () => {
  it('has a number that grows with every step that says it, of whatever kind it is', () => {
    const room = linked();
    const numbers = [
      { type: 'set-name', name: 'Ada' },
      says(2, 'Bob', [], true),
      { type: 'timer', id: 'roster-announce' },
      { type: 'timer', id: 'roster-beat' },
      reports(3, [ALICE, BOB], true),
      { type: 'set-name', name: 'Eve' },
    ] satisfies readonly RoomEvent[];
    const said = numbers.flatMap((event) => numbersOf(room.run(event)));
    assert.equal(said.length, numbers.length);
    assert.deepEqual(
      said,
      said.map((_, i) => said[0]! + i),
    );
  });

  it('keeps its number where nothing is said', () => {
    const room = linked();
    const before = callOf(room).said;
    room.run({ type: 'candidates-found', ...onLink, candidates: [] }, VERDICT, says(1, 'Bob'));
    assert.equal(callOf(room).said, before);
  });

  it('is numbered in offers and answers too, and goes on when the relay comes back', () => {
    const room = newcomer();
    const first = numbersOf(room.run({ type: 'offer-made', ...onLink, round: 1, sdp: 'offer' }));
    assert.deepEqual(first, [1]);
    room.run(says(1, 'Bob'), { type: 'relay-lost' });
    const back = room.run(welcome(2, { [BOB]: 1 }));
    assert.deepEqual(messagesOf(back), ['presence']);
    assert.deepEqual(numbersOf(back), [2]);
    const answering = new StepRunner();
    answering.run(join, welcome(1), listed(BOB, 2), offer());
    const answered = answering.run({ type: 'offer-accepted', ...onLink, round: 1, sdp: 'answer' });
    assert.deepEqual([messagesOf(answered), numbersOf(answered)], [['answer'], [1]]);
  });

  it('begins again with the next join: no number shows that two joins are of one page', () => {
    const room = linked();
    room.run({ type: 'set-name', name: 'Ada' }, { type: 'leave' }, { type: 'join', peerId: peerIdOf(7) }, welcome(9));
    assert.equal(callOf(room).said, 0);
  });
});

describe('PM11: what a peer says about itself', () => {
  it('counts by its number, in whatever order it comes: an old mute, an old name are not taken back', () => {
    const room = linked();
    room.run(says(5, 'Bob', MUTED));
    assert.deepEqual(room.run(says(4, 'Old Bob', LOUD)), [STALE]);
    assert.deepEqual(room.peer(BOB)?.presence, { name: 'Bob', publications: MUTED });
    room.run(says(5, 'Bob', MUTED));
    assert.equal(room.peer(BOB)?.heard.presence, 5, 'the same again is not old');
    room.run(says(6, 'Bob', LOUD));
    assert.deepEqual(room.peer(BOB)?.presence, { name: 'Bob', publications: LOUD });
  });

  it('is numbered for each kind: a presence does not make a roster old', () => {
    const room = three();
    room.run(says(9, 'Bob'));
    assert.equal(effectOf(room.run(reports(8, [ALICE, BOB, CAROL])), 'drop'), undefined);
    assert.deepEqual(room.peer(BOB)?.heard, { presence: 9, roster: 8 });
  });

  it('RO2: an old roster does not take a mismatch back, nor make one', () => {
    const room = three();
    for (const peerId of [BOB, CAROL])
      room.run({ type: 'transport-changed', peerId, generation: 1, transport: 'connected' });
    room.run(reports(2, [ALICE, BOB]), VERDICT, VERDICT);
    assert.equal(callOf(room).roster.verdict, 'mismatch');
    assert.deepEqual(room.run(reports(1, [ALICE, BOB, CAROL])), [STALE]);
    assert.equal(callOf(room).roster.verdict, 'mismatch');
    room.run(reports(3, [ALICE, BOB, CAROL]), reports(2, [ALICE, BOB]), VERDICT, VERDICT);
    assert.deepEqual(callOf(room).roster.mismatches, []);
  });

  it('is answered where it asks, however old: the question is not', () => {
    const room = three();
    room.run(reports(5, [ALICE, BOB, CAROL]));
    const [dropped, answer, ...more] = room.run(reports(4, [ALICE, BOB], true));
    assert.deepEqual([dropped, answer?.type, more], [STALE, 'announce-roster', []]);
    const asked = linked();
    asked.run(says(5, 'Bob'));
    assert.deepEqual(typesOf(asked.run(says(4, 'Old Bob', [], true))), ['drop', 'send']);
    assert.equal(asked.peer(BOB)?.presence?.name, 'Bob');
  });

  it('in an old offer is ignored, and the offer is not: its link and round decide', () => {
    const room = new StepRunner();
    room.run(join, welcome(1), listed(BOB, 2), says(2, 'Bob', MUTED));
    const effects = room.run(offer());
    assert.deepEqual(typesOf(effects), ['drop', 'open-link', 'accept-offer']);
    assert.deepEqual(room.peer(BOB)?.presence, { name: 'Bob', publications: MUTED });
  });

  it('tells in an old message too that it waits for a newer connection', () => {
    const room = linked();
    room.run(says(5, 'Bob'));
    room.run(says(4, 'Old Bob', [], false, 3));
    assert.equal(room.peer(BOB)?.link.generation, 4);
  });

  it('is heard from the beginning again where it has begun its session anew', () => {
    const room = three();
    room.run(says(7, 'Bob'), reports(8, [ALICE, BOB, CAROL]));
    const told = effectOf(room.run({ type: 'peer-renewed', peerId: BOB }), 'announce-roster');
    assert.deepEqual(told?.to, [BOB]);
    room.run(says(1, 'Bob anew'));
    assert.equal(room.peer(BOB)?.presence?.name, 'Bob anew');
  });

  it('is heard from the beginning under another peer id', () => {
    const room = three();
    const again = peerIdOf(0x77);
    room.run(says(7, 'Bob'), from(BOB, { type: 'leave' }), listed(again, 4));
    room.run(
      from(again, {
        type: 'presence',
        link: 1,
        seq: 1,
        presence: { name: 'Bob again', publications: [] },
        isAsking: false,
      }),
    );
    assert.equal(room.peer(again)?.presence?.name, 'Bob again');
  });
});

describe('PM11: a peer that is gone', () => {
  it('and comes back under its peer id is not shown as it was before', () => {
    const room = three();
    room.run(says(7, 'Bob', MUTED), unlisted, goneTimer);
    assert.equal(room.peer(BOB), undefined);
    assert.deepEqual(effectOf(room.run(listed(BOB, 2), says(6, 'Old Bob', LOUD)), 'drop'), STALE);
    assert.equal(room.peer(BOB)?.presence, undefined);
    room.run(says(8, 'Bob'));
    assert.equal(room.peer(BOB)?.presence?.name, 'Bob');
    // and by a list that comes with our own return
    room.run(unlisted, goneTimer, { type: 'relay-lost' }, welcome(1, { [BOB]: 2, [CAROL]: 3 }));
    assert.equal(room.peer(BOB)?.heard.presence, 8);
  });

  it('is not remembered where it has never spoken: the relay can list any number of them', () => {
    const room = new StepRunner();
    room.run(join, welcome(1), listed(BOB, 2), unlisted, goneTimer);
    assert.equal(callOf(room).gone.size, 0);
  });

  it('PM7: because it has left does not come back under its peer id, whatever the relay lists and brings', () => {
    const room = three();
    room.run(says(7, 'Bob'), from(BOB, { type: 'leave' }));
    assert.deepEqual(room.run(listed(BOB, 2)), [{ type: 'drop', reason: 'left-peer' }]);
    assert.deepEqual(room.run(says(6, 'Bob')), [{ type: 'drop', reason: 'unknown-peer' }]);
    room.run({ type: 'relay-lost' }, welcome(1, { [BOB]: 2, [CAROL]: 3 }));
    assert.deepEqual([room.peer(BOB), room.peer(CAROL)?.presence?.name], [undefined, 'C']);
  });

  it('is remembered among many, and no more of them than there can be sessions, twice over', () => {
    const room = new StepRunner();
    room.run(join, welcome(1));
    const idOf = (i: number): PeerId => `0x${i.toString(16).padStart(32, '0')}` as PeerId;
    for (let i = 1; i <= 300; i++) room.run(listed(idOf(i), 10 + i), from(idOf(i), { type: 'leave' }));
    const { gone } = callOf(room);
    assert.equal(gone.size, 256);
    assert.deepEqual([gone.has(idOf(44)), gone.has(idOf(45)), gone.has(idOf(300))], [false, true, true]);
  });
});
