import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { Presence } from '../../src/engine/protocol/peer.ts';
import type { Effect, RoomEvent } from '../../src/engine/room/events.ts';
import { GONE_MS, LINK_CHECK_MS, LINK_RETRY_MS, UNREACHABLE_ATTEMPTS } from '../../src/engine/room/peers.ts';
import { ALICE, BOB, CAROL } from '../helpers/samples.ts';
import { StepRunner, messagesOf, momentsOf, typesOf } from './step-runner.ts';

const PRESENCE: Presence = { name: 'Bob', publications: [] };
const join: RoomEvent = { type: 'join', peerId: ALICE };
const linkTimer: RoomEvent = { type: 'timer', id: `link:${BOB}` };
const goneTimer: RoomEvent = { type: 'timer', id: `gone:${BOB}` };
const unlisted: RoomEvent = { type: 'peer-unlisted', peerId: BOB };
const onLink = { peerId: BOB, generation: 1 } as const;

function welcome(joinNumber: number, peers: Readonly<Record<PeerId, number>> = {}): RoomEvent {
  const listed = Object.entries(peers).map(([peerId, number]) => ({ peerId: peerId as PeerId, joinNumber: number }));
  return { type: 'welcome', joinNumber, peers: listed };
}

function listed(peerId: PeerId, joinNumber: number): RoomEvent {
  return { type: 'peer-listed', peerId, joinNumber };
}

function offer(link = 1, round = 1, sdp = 'their offer'): RoomEvent {
  return { type: 'message', from: BOB, message: { type: 'offer', link, round, sdp, presence: PRESENCE } };
}

function answer(link = 1, round = 1): RoomEvent {
  return {
    type: 'message',
    from: BOB,
    message: { type: 'answer', link, round, sdp: 'their answer', presence: PRESENCE },
  };
}

function presence(link: number, isAsking = false): RoomEvent {
  return { type: 'message', from: BOB, message: { type: 'presence', link, presence: PRESENCE, isAsking } };
}

function transport(state: 'connected' | 'disconnected' | 'failed', generation = 1): RoomEvent {
  return { type: 'transport-changed', peerId: BOB, generation, transport: state };
}

/** We came after Bob: we offer, and are polite. */
function newcomer(): StepRunner {
  const room = new StepRunner();
  room.run(join, welcome(2, { [BOB]: 1 }));
  return room;
}

/** Bob came after us: he offers, and we are impolite. */
function present(): StepRunner {
  const room = new StepRunner();
  room.run(join, welcome(1), listed(BOB, 2));
  return room;
}

/** The newcomer's link stands. */
function linked(): StepRunner {
  const room = newcomer();
  room.run(
    { type: 'offer-made', ...onLink, round: 1, sdp: 'offer' },
    answer(),
    { type: 'answer-accepted', ...onLink, round: 1 },
    transport('connected'),
  );
  return room;
}

function effectOf<T extends Effect['type']>(
  effects: readonly Effect[],
  type: T,
): Extract<Effect, { type: T }> | undefined {
  return effects.find((effect): effect is Extract<Effect, { type: T }> => effect.type === type);
}

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
  const closed = (reason: Extract<RoomEvent, { type: 'relay-closed' }>['reason']): StepRunner => {
    const room = linked();
    room.run({ type: 'relay-closed', reason });
    return room;
  };

  it('ends the session where it is final, with its reason', () => {
    for (const [reason, leaveReason] of [
      ['replaced', 'replaced'],
      ['room-full', 'room-full'],
      ['token-invalid', 'refused'],
    ] as const) {
      assert.deepEqual(closed(reason).state.call, { phase: 'left', reason: leaveReason });
    }
  });

  it('is only a loss of the relay otherwise, and keeps the links', () => {
    for (const reason of ['token-expired', 'rate-limited', 'too-large', 'bad-input', 'slow-reader'] as const) {
      const room = closed(reason);
      assert.equal(room.state.call.phase, 'reconnecting', reason);
      assert.ok(room.peer(BOB));
    }
    assert.equal(closed('left').state.call.phase, 'joined');
  });

  it('tells why, except for a clock that is wrong', () => {
    const codes = (reason: Extract<RoomEvent, { type: 'relay-closed' }>['reason']): readonly string[] =>
      momentsOf(linked().run({ type: 'relay-closed', reason })).map((moment) =>
        moment.type === 'error' ? moment.code : moment.type,
      );
    assert.deepEqual(codes('room-full'), ['room-full', 'left']);
    assert.deepEqual(codes('token-invalid'), ['relay-refused', 'left']);
    assert.deepEqual(codes('rate-limited'), ['rate-limited']);
    assert.deepEqual(codes('token-expired'), []);
    assert.deepEqual(codes('replaced'), ['left']);
  });
});

describe('the newcomer', () => {
  it('offers to everyone present', () => {
    const room = new StepRunner();
    const effects = room.run(join, welcome(3, { [BOB]: 1, [CAROL]: 2 }));
    assert.deepEqual(
      effects.filter(({ type }) => type === 'make-offer'),
      [BOB, CAROL].map((peerId) => ({ type: 'make-offer', peerId, generation: 1, round: 1, isRestart: false })),
    );
  });

  it('exchanges offer and answer, and the link stands', () => {
    const room = newcomer();
    const made = room.run({ type: 'offer-made', ...onLink, round: 1, sdp: 'my offer' });
    const message = { type: 'offer', link: 1, round: 1, sdp: 'my offer', presence: { name: '', publications: [] } };
    assert.deepEqual(made, [{ type: 'send', to: BOB, message }]);
    const answered = room.run(answer());
    assert.deepEqual(effectOf(answered, 'accept-answer'), {
      type: 'accept-answer',
      ...onLink,
      round: 1,
      sdp: 'their answer',
    });
    assert.deepEqual(momentsOf(answered), [{ type: 'peer-joined', peerId: BOB }]);
    room.run({ type: 'answer-accepted', ...onLink, round: 1 }, transport('connected'));
    assert.deepEqual(room.peer(BOB)?.link.negotiation, { at: 'stable' });
    assert.deepEqual(room.run(linkTimer), []);
  });

  it('is not told of a peer that only the relay has named', () => {
    const room = newcomer();
    assert.equal(room.peer(BOB)?.presence, undefined);
    const effects = room.run(unlisted, goneTimer);
    assert.equal(room.peer(BOB), undefined);
    assert.deepEqual(momentsOf(effects), []);
  });
});

describe('the one who was there before', () => {
  it('opens no link before an offer comes, then answers it', () => {
    const room = present();
    assert.deepEqual(room.peer(BOB)?.link.negotiation, { at: 'new' });
    const effects = room.run(offer());
    assert.deepEqual(typesOf(effects), ['tell peer-joined', 'open-link', 'accept-offer']);
    const sent = room.run({ type: 'offer-accepted', ...onLink, round: 1, sdp: 'my answer' });
    assert.deepEqual(messagesOf(sent), ['answer']);
  });

  it('goes on with its own offer where two meet, once the link has stood', () => {
    const room = present();
    room.run(
      offer(),
      { type: 'offer-accepted', ...onLink, round: 1, sdp: 'a' },
      transport('connected'),
      transport('failed'),
      linkTimer,
      { type: 'offer-made', ...onLink, round: 1, sdp: 'o' },
    );
    assert.equal(room.peer(BOB)?.link.negotiation.at, 'have-local-offer');
    assert.deepEqual(room.run(offer(1, 2)), [{ type: 'drop', reason: 'ignored-offer' }]);
  });

  it('leaves it to the newcomer to try a link again that never stood', () => {
    const room = present();
    room.run(offer(), { type: 'offer-accepted', ...onLink, round: 1, sdp: 'a' });
    assert.deepEqual(typesOf(room.run(linkTimer)), ['start-timer']);
  });
});

describe('two first offers that meet', () => {
  it('make us begin anew, so that no places for tracks are left behind', () => {
    const room = newcomer();
    room.run({ type: 'offer-made', ...onLink, round: 1, sdp: 'o' });
    const effects = room.run(offer());
    assert.deepEqual(typesOf(effects), ['tell peer-joined', 'close-link', 'open-link', 'accept-offer']);
    assert.equal(room.peer(BOB)?.link.generation, 1);
    const accepted = room.run({ type: 'offer-accepted', ...onLink, round: 1, sdp: 'a' });
    assert.deepEqual(typesOf(accepted), ['send']);
    // an answer to the offer given up meets nothing
    assert.deepEqual(room.run(answer(1, 1)), [{ type: 'drop', reason: 'stale-answer' }]);
  });

  it('on a link that has stood are settled by a rollback', () => {
    const room = linked();
    room.run(transport('failed'), linkTimer, { type: 'offer-made', ...onLink, round: 2, sdp: 'o' });
    assert.deepEqual(typesOf(room.run(offer(1, 1))), ['accept-offer']);
    const accepted = room.run({ type: 'offer-accepted', ...onLink, round: 1, sdp: 'a' });
    // the answer goes out before our own offer is made again
    assert.deepEqual(typesOf(accepted), ['start-timer', 'send', 'make-offer']);
  });
});

describe('messages that do not fit', () => {
  it('are dropped with their reason', () => {
    const reasonOf = (room: StepRunner, event: RoomEvent): string | undefined =>
      effectOf(room.run(event), 'drop')?.reason;
    assert.equal(reasonOf(new StepRunner(), offer()), 'wrong-phase');
    assert.equal(reasonOf(linked(), { ...offer(), from: CAROL } as RoomEvent), 'unknown-peer');
    assert.equal(reasonOf(linked(), offer(2)), 'stale-link');
    assert.equal(reasonOf(linked(), offer(0)), 'stale-link');
    assert.equal(reasonOf(linked(), answer(2)), 'stale-link');
    assert.equal(reasonOf(linked(), answer(1, 7)), 'stale-answer');
    const early: RoomEvent = { type: 'message', from: BOB, message: { type: 'candidates', link: 1, candidates: [] } };
    assert.equal(reasonOf(present(), early), 'stale-link');
    assert.deepEqual(typesOf(linked().run(early)), ['add-candidates']);
  });

  it('of the clock, the list or a link, about nobody or an older connection, do nothing', () => {
    const events: readonly RoomEvent[] = [
      { type: 'timer', id: `link:${CAROL}` },
      { type: 'timer', id: `gone:${CAROL}` },
      { type: 'peer-unlisted', peerId: CAROL },
      transport('failed', 7),
      { type: 'ended-by-peer', peerId: CAROL, generation: 1 },
      { type: 'offer-made', peerId: BOB, generation: 7, round: 1, sdp: '' },
    ];
    const room = linked();
    const before = room.state;
    for (const event of events) assert.deepEqual(room.run(event), [], event.type);
    assert.equal(room.state, before);
  });
});

describe('a link that fails', () => {
  it('is looked after soon, restarted, and replaced when restarts do not help', () => {
    const room = linked();
    const failed = room.run(transport('failed'));
    assert.deepEqual(failed, [{ type: 'start-timer', id: `link:${BOB}`, delay_ms: LINK_RETRY_MS }]);
    for (const round of [2, 3]) {
      const restart = effectOf(room.run(linkTimer), 'make-offer');
      assert.deepEqual(restart, { type: 'make-offer', ...onLink, round, isRestart: true });
      room.run({ type: 'offer-made', ...onLink, round, sdp: 'o' });
    }
    const replaced = room.run(linkTimer);
    assert.deepEqual(typesOf(replaced).slice(0, 3), ['close-link', 'open-link', 'make-offer']);
    assert.equal(room.peer(BOB)?.link.generation, 2);
    assert.deepEqual(momentsOf(replaced), [{ type: 'error', code: 'peer-unreachable', isRecoverable: true }]);
    assert.equal(UNREACHABLE_ATTEMPTS, 3);
  });

  it('tells once that the peer cannot be reached, however long it lasts', () => {
    const room = newcomer();
    const errors = Array.from({ length: 10 }, () => momentsOf(room.run(linkTimer)).length);
    assert.equal(
      errors.reduce((sum, count) => sum + count, 0),
      1,
    );
  });

  it('is replaced at once by the newcomer where the peer has ended it', () => {
    const room = linked();
    room.run({ type: 'ended-by-peer', ...onLink });
    assert.deepEqual(typesOf(room.run(linkTimer)).slice(0, 3), ['close-link', 'open-link', 'make-offer']);
  });

  it('stays ended, whatever the connection says afterwards', () => {
    const room = linked();
    room.run(unlisted, listed(BOB, 1), { type: 'ended-by-peer', ...onLink });
    assert.deepEqual(room.run(transport('connected')), []);
    room.run({ type: 'relay-lost' }, welcome(2));
    assert.deepEqual(momentsOf(room.run(goneTimer)), [{ type: 'peer-left', peerId: BOB, reason: 'connection-lost' }]);
  });

  it('of a newer generation replaces the older, only where it is the peer that offers', () => {
    const room = present();
    room.run(offer(), { type: 'offer-accepted', ...onLink, round: 1, sdp: 'a' }, transport('connected'));
    assert.deepEqual(typesOf(room.run(offer(2))), ['close-link', 'open-link', 'accept-offer']);
    assert.equal(room.peer(BOB)?.link.generation, 2);
    assert.deepEqual(typesOf(linked().run(offer(2))), ['drop']);
  });

  it('that stands, with an offer that was never answered, gets the offer again and no restart', () => {
    const room = linked();
    room.run(
      transport('failed'),
      linkTimer,
      { type: 'offer-made', ...onLink, round: 2, sdp: 'o' },
      transport('connected'),
    );
    const effects = room.run(linkTimer);
    assert.deepEqual(effectOf(effects, 'make-offer'), { type: 'make-offer', ...onLink, round: 3, isRestart: false });
  });
});

describe('a peer that goes', () => {
  it('has left where it said so', () => {
    const room = linked();
    const effects = room.run({ type: 'message', from: BOB, message: { type: 'leave' } });
    assert.deepEqual(momentsOf(effects), [{ type: 'peer-left', peerId: BOB, reason: 'left' }]);
    assert.ok(effectOf(effects, 'close-link'));
    assert.equal(effects.filter(({ type }) => type === 'stop-timer').length, 2);
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
    const failed = room.run(transport('failed'));
    assert.ok(
      failed.some(
        (effect) => effect.type === 'start-timer' && effect.id === `gone:${BOB}` && effect.delay_ms === GONE_MS,
      ),
    );
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
    assert.deepEqual(message, { type: 'presence', link: 1, presence: { name: '', publications: [] }, isAsking: true });
  });

  it('who is asked, answers; who is only told, does not', () => {
    const room = linked();
    const { message } = effectOf(room.run(presence(1, true)), 'send')!;
    assert.deepEqual(message, { type: 'presence', link: 1, presence: { name: '', publications: [] }, isAsking: false });
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

describe('other things that a link tells', () => {
  it('candidates are sent under the link’s generation', () => {
    const candidates = [{ candidate: 'c', sdpMid: '0', sdpMLineIndex: 0, usernameFragment: null }];
    const effects = linked().run({ type: 'candidates-found', ...onLink, candidates });
    assert.deepEqual(effects, [{ type: 'send', to: BOB, message: { type: 'candidates', link: 1, candidates } }]);
  });

  it('tracks are kept with their peer, until its connection is replaced', () => {
    const room = linked();
    room.run({ type: 'remote-track', ...onLink, kind: 'camera', trackId: 't' });
    assert.deepEqual(room.peer(BOB)?.tracks, { camera: 't' });
    room.run({ type: 'ended-by-peer', ...onLink }, linkTimer);
    assert.deepEqual(room.peer(BOB)?.tracks, {});
  });

  it('work that failed leaves the link to its timer', () => {
    const room = newcomer();
    const failed: RoomEvent = { type: 'negotiation-failed', ...onLink, round: 1, work: 'making-offer' };
    assert.deepEqual(room.run(failed), []);
    assert.deepEqual(room.peer(BOB)?.link.negotiation, { at: 'stable' });
    assert.deepEqual(typesOf(room.run(linkTimer)).slice(0, 3), ['close-link', 'open-link', 'make-offer']);
    assert.equal(LINK_CHECK_MS, 5_000);
  });
});
