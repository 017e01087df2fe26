/** `step`: joining, the relay, peers that come and go, leaving. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CLOSE_CODES } from '../../src/engine/protocol/errors.ts';
import type { CloseReason } from '../../src/engine/protocol/errors.ts';
import { parsePeerId } from '../../src/engine/protocol/ids.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { RoomEvent } from '../../src/engine/room/events.ts';
import { GONE_FAILED_MS, GONE_MS, LINK_RETRY_MS } from '../../src/engine/room/peers.ts';
import { INITIAL_STATE } from '../../src/engine/room/state.ts';
import { step } from '../../src/engine/room/step.ts';
import { ALICE, BOB, CAROL } from '../helpers/samples.ts';
import {
  effectOf,
  goneTimer,
  join,
  linkTimer,
  linked,
  listed,
  newcomer,
  offer,
  onLink,
  presence,
  present,
  transport,
  unlisted,
  welcome,
  senderOf,
} from './step-fixtures.ts';
import { StepRunner, messagesOf, momentsOf, typesOf } from './step-runner.ts';

describe('joining', () => {
  it('idle → ConnectRelay → joining → joined', () => {
    const room = new StepRunner();
    assert.deepEqual(room.run(join), [{ type: 'connect-relay', peerId: ALICE }]);
    assert.equal(room.state.call.phase, 'joining');
    assert.deepEqual(room.run(welcome(1)), [{ type: 'tell', moment: { type: 'joined' } }]);
    assert.equal(room.state.call.phase, 'joined');
  });

  it('twice is joining once', () => {
    const room = new StepRunner();
    assert.deepEqual(room.run(join, { type: 'join', peerId: CAROL }), []);
    assert.deepEqual(room.run(welcome(1), { type: 'join', peerId: CAROL }), []);
  });

  it('does not see itself in the list', () => {
    const room = new StepRunner();
    room.run(join, welcome(1, { [ALICE]: 1 }), listed(ALICE, 1));
    assert.equal(room.peer(ALICE), undefined);
  });

  it('tells that the relay cannot be reached, and goes on trying', () => {
    const room = new StepRunner();
    const effects = room.run(join, { type: 'relay-lost' });
    assert.deepEqual(momentsOf(effects), [{ type: 'error', code: 'relay-unreachable', isRecoverable: true }]);
    assert.equal(room.state.call.phase, 'joining');
  });
});

describe('what the relay closes with', () => {
  it('refuses who is on the way in, with its reason', () => {
    for (const [reason, leaveReason, code] of [
      ['room-full', 'room-full', 'room-full'],
      ['token-invalid', 'refused', 'relay-refused'],
    ] as const) {
      const [joining] = step(INITIAL_STATE, { type: 'join', peerId: ALICE });
      const [state, effects] = step(joining, { type: 'relay-closed', reason });
      assert.deepEqual(state.call, { phase: 'left', reason: leaveReason });
      const told = momentsOf(effects).map((moment) => (moment.type === 'error' ? moment.code : moment.type));
      assert.deepEqual(told, [code, 'left']);
    }
  });

  it('RL14: is never the end of a call that stands, whatever the reason', () => {
    for (const reason of Object.keys(CLOSE_CODES) as CloseReason[]) {
      const room = linked();
      const effects = room.run({ type: 'relay-closed', reason });
      assert.equal(room.state.call.phase, 'reconnecting', reason);
      assert.ok(room.peer(BOB));
      assert.ok(!effects.some(({ type }) => type === 'close-link' || type === 'disconnect-relay'));
    }
  });

  it('tells why once, however often the door is tried, and not at all for a clock that is wrong', () => {
    const codes = (reason: CloseReason): readonly string[] => {
      const room = linked();
      const first = room.run({ type: 'relay-closed', reason });
      assert.deepEqual(momentsOf(room.run({ type: 'relay-closed', reason }, { type: 'relay-lost' })), []);
      return momentsOf(first).map((moment) => (moment.type === 'error' ? moment.code : moment.type));
    };
    assert.deepEqual(codes('room-full'), ['room-full']);
    assert.deepEqual(codes('token-invalid'), ['relay-refused']);
    assert.deepEqual(codes('rate-limited'), ['rate-limited']);
    assert.deepEqual(codes('token-expired'), []);
    assert.deepEqual(codes('replaced'), []);
  });

  it('is told once while joining, and joining goes on', () => {
    let [state] = step(INITIAL_STATE, { type: 'join', peerId: ALICE });
    const told: string[] = [];
    for (const event of [{ type: 'relay-lost' }, { type: 'relay-lost' }] satisfies RoomEvent[]) {
      const [next, effects] = step(state, event);
      state = next;
      told.push(...momentsOf(effects).map((moment) => (moment.type === 'error' ? moment.code : moment.type)));
    }
    assert.deepEqual(told, ['relay-unreachable']);
    assert.equal(state.call.phase, 'joining');
  });

  it('without keys nobody joins', () => {
    const [joining] = step(INITIAL_STATE, { type: 'join', peerId: ALICE });
    const [state, effects] = step(joining, { type: 'keys-failed' });
    assert.deepEqual(state.call, { phase: 'left', reason: 'refused' });
    assert.ok(effects.some(({ type }) => type === 'disconnect-relay'));
  });

  it('lists no more peers than any mesh has', () => {
    const room = linked();
    for (let i = 0; i < 100; i++) {
      const peerId = parsePeerId(`0x${i.toString(16).padStart(32, 'c')}`);
      if (peerId) room.run({ type: 'peer-listed', peerId, joinNumber: 1000 + i });
    }
    assert.ok(room.state.call.phase === 'joined' && room.state.call.peers.size === 64);
  });
});

describe('a peer that goes', () => {
  it('has left where it said so', () => {
    const room = linked();
    const effects = room.run({ type: 'message', from: BOB, sender: senderOf(BOB), message: { type: 'leave' } });
    assert.deepEqual(momentsOf(effects), [{ type: 'peer-left', peerId: BOB, reason: 'left' }]);
    assert.ok(effectOf(effects, 'close-link'));
    assert.equal(typesOf(effects).filter((type) => type === 'stop-timer').length, 2);
    assert.equal(room.peer(BOB), undefined);
  });

  it('is not gone because the relay says so, while its link stands', () => {
    const room = linked();
    assert.deepEqual(room.run(unlisted), []);
    assert.deepEqual(room.run(goneTimer), []);
    assert.ok(room.peer(BOB));
    assert.deepEqual(room.run({ type: 'relay-lost' }, welcome(2)), []);
    assert.ok(room.peer(BOB));
  });

  it('is lost where neither relay nor link have it', () => {
    const room = linked();
    room.run(unlisted);
    for (const [state, delay_ms] of [
      ['disconnected', GONE_MS],
      ['failed', GONE_FAILED_MS],
    ] as const) {
      const gone = room
        .run(transport(state))
        .find((effect) => effect.type === 'start-timer' && effect.id === `gone:${BOB}`);
      assert.deepEqual(gone, { type: 'start-timer', id: `gone:${BOB}`, delay_ms });
    }
    assert.deepEqual(momentsOf(room.run(goneTimer)), [{ type: 'peer-left', peerId: BOB, reason: 'connection-lost' }]);
  });

  it('is lost at once where both have ended it', () => {
    for (const events of [
      [{ type: 'ended-by-peer', ...onLink }, unlisted],
      [unlisted, { type: 'ended-by-peer', ...onLink }],
    ] as readonly (readonly RoomEvent[])[]) {
      assert.deepEqual(momentsOf(linked().run(...events)), [
        { type: 'peer-left', peerId: BOB, reason: 'connection-lost' },
      ]);
    }
  });

  it('is kept where it comes back in time', () => {
    const room = linked();
    room.run(unlisted, transport('failed'));
    const back = room.run(listed(BOB, 1));
    assert.deepEqual(back, [
      { type: 'stop-timer', id: `gone:${BOB}` },
      { type: 'start-timer', id: `link:${BOB}`, delay_ms: LINK_RETRY_MS },
    ]);
    assert.deepEqual(room.run(goneTimer), []);
  });

  it('and comes back after it was given up, gets a connection newer than the one it may still have', () => {
    const room = linked();
    room.run(unlisted, transport('failed'), goneTimer);
    const effects = room.run(listed(BOB, 1));
    assert.equal(effectOf(effects, 'make-offer')?.generation, 2);
    const again = new StepRunner(room.state);
    again.run(unlisted, goneTimer);
    assert.equal(effectOf(again.run({ type: 'relay-lost' }, welcome(2, { [BOB]: 1 })), 'make-offer')?.generation, 3);
  });

  it('is remembered, but not any number that the relay invents', () => {
    const room = new StepRunner();
    room.run(join, welcome(1));
    for (let i = 0; i < 1_000; i++) {
      const peerId = `0x${i.toString(16).padStart(32, '0')}` as PeerId;
      room.run(listed(peerId, i + 2), { type: 'peer-unlisted', peerId }, { type: 'timer', id: `gone:${peerId}` });
    }
    assert.ok('generations' in room.state.call && room.state.call.generations.size === 64);
  });
});

describe('losing the relay', () => {
  it('joined → reconnecting → joined, with all links kept', () => {
    const room = linked();
    assert.deepEqual(room.run({ type: 'relay-lost' }), []);
    assert.equal(room.state.call.phase, 'reconnecting');
    const back = room.run(welcome(2, { [BOB]: 1 }));
    assert.equal(room.state.call.phase, 'joined');
    assert.deepEqual(momentsOf(back), []);
    assert.equal(effectOf(back, 'close-link'), undefined);
  });

  it('asks everyone afterwards for what was missed', () => {
    const room = linked();
    const { message } = effectOf(room.run({ type: 'relay-lost' }, welcome(2, { [BOB]: 1 })), 'send')!;
    assert.deepEqual(message, {
      type: 'presence',
      link: 1,
      seq: 2,
      presence: { name: '', publications: [] },
      isAsking: true,
    });
  });

  it('who is asked, answers; who is only told, does not', () => {
    const room = linked();
    const { message } = effectOf(room.run(presence(1, true)), 'send')!;
    assert.deepEqual(message, {
      type: 'presence',
      link: 1,
      seq: 2,
      presence: { name: '', publications: [] },
      isAsking: false,
    });
    assert.deepEqual(room.run(presence(1)), []);
  });

  it('meets who came meanwhile, and starts to give up who went', () => {
    const room = newcomer();
    const effects = room.run({ type: 'relay-lost' }, welcome(2, { [CAROL]: 3 }));
    assert.ok(room.peer(CAROL));
    assert.ok(effects.some((effect) => effect.type === 'start-timer' && effect.id === `gone:${BOB}`));
  });

  it('makes a new connection at once with a peer that had given us up', () => {
    const room = linked();
    const effects = room.run(presence(2));
    assert.equal(effectOf(effects, 'make-offer')?.generation, 3);
    // the peer offers in the other case
    const other = present();
    other.run(offer());
    assert.deepEqual(other.run(presence(2)), []);
  });
});

describe('leaving', () => {
  it('says so to everyone, closes everything, and tells the page last', () => {
    const room = linked();
    const effects = room.run({ type: 'leave' });
    assert.deepEqual(typesOf(effects), [
      'send',
      'stop-timer',
      'stop-timer',
      'close-link',
      'disconnect-relay',
      'tell left',
    ]);
    assert.deepEqual(messagesOf(effects), ['leave']);
    assert.deepEqual(room.state.call, { phase: 'left', reason: 'left' });
  });

  it('is silent where the relay has ended it', () => {
    assert.deepEqual(messagesOf(linked().run({ type: 'relay-closed', reason: 'replaced' })), []);
  });

  it('once is enough, and before joining it is nothing', () => {
    assert.deepEqual(linked().run({ type: 'leave' }, { type: 'leave' }), []);
    assert.deepEqual(new StepRunner().run({ type: 'leave' }), []);
  });

  it('has no effects afterwards, whatever still arrives', () => {
    const late: readonly RoomEvent[] = [
      welcome(3, { [BOB]: 1 }),
      listed(CAROL, 5),
      unlisted,
      { type: 'relay-lost' },
      { type: 'relay-closed', reason: 'room-full' },
      { type: 'offer-made', ...onLink, round: 1, sdp: '' },
      { type: 'offer-accepted', ...onLink, round: 1, sdp: '' },
      { type: 'answer-accepted', ...onLink, round: 1 },
      { type: 'negotiation-failed', ...onLink, round: 1, work: 'making-offer' },
      { type: 'candidates-found', ...onLink, candidates: [] },
      transport('failed'),
      { type: 'ended-by-peer', ...onLink },
      { type: 'remote-track', ...onLink, kind: 'camera', trackId: 't' },
      linkTimer,
      goneTimer,
    ];
    for (const event of late) assert.deepEqual(linked().run({ type: 'leave' }, event), [], event.type);
    assert.deepEqual(linked().run({ type: 'leave' }, offer()), [{ type: 'drop', reason: 'wrong-phase' }]);
  });

  it('can be followed by joining again, with nothing left of before', () => {
    const room = linked();
    room.run({ type: 'leave' }, { type: 'join', peerId: CAROL }, welcome(9));
    assert.equal(room.state.call.phase, 'joined');
    assert.equal(room.peer(BOB), undefined);
  });
});
