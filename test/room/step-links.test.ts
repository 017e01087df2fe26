/** `step`, link by link: who offers, what fails, what is dropped. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Effect, RoomEvent } from '../../src/engine/room/events.ts';
import { LINK_CHECK_MAX_MS, LINK_CHECK_MS, LINK_RETRY_MS, UNREACHABLE_ATTEMPTS } from '../../src/engine/room/peers.ts';
import { BOB, CAROL } from '../helpers/samples.ts';
import {
  answer,
  effectOf,
  goneTimer,
  join,
  linkTimer,
  linked,
  listed,
  newcomer,
  offer,
  onLink,
  present,
  transport,
  unlisted,
  welcome,
  senderOf,
} from './step-fixtures.ts';
import { StepRunner, messagesOf, momentsOf, typesOf } from './step-runner.ts';

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
    const message = {
      type: 'offer',
      link: 1,
      round: 1,
      seq: 1,
      sdp: 'my offer',
      presence: { name: '', publications: [] },
    };
    assert.deepEqual(made, [
      { type: 'send', to: BOB, message },
      { type: 'start-timer', id: `link:${BOB}`, delay_ms: LINK_CHECK_MS },
    ]);
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
    assert.deepEqual(typesOf(accepted), ['send', 'start-timer']);
    // an answer to the offer given up meets nothing
    assert.deepEqual(room.run(answer(1, 1)), [{ type: 'drop', reason: 'stale-answer' }]);
  });

  it('on a link that has stood are settled by a rollback', () => {
    const room = linked();
    room.run(transport('failed'), linkTimer, { type: 'offer-made', ...onLink, round: 2, sdp: 'o' });
    assert.deepEqual(typesOf(room.run(offer(1, 1))), ['accept-offer']);
    const accepted = room.run({ type: 'offer-accepted', ...onLink, round: 1, sdp: 'a' });
    // the answer goes out before our own offer is made again
    assert.deepEqual(typesOf(accepted), ['send', 'make-offer', 'start-timer']);
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
    const early: RoomEvent = {
      type: 'message',
      from: BOB,
      sender: senderOf(BOB),
      message: { type: 'candidates', link: 1, candidates: [] },
    };
    assert.equal(reasonOf(present(), early), 'stale-link');
    assert.deepEqual(typesOf(linked().run(early)), ['add-candidates']);
  });

  it('are dropped where a newer offer of the link was taken up, also after a failure', () => {
    const room = present();
    const takesUp = (link: number, round: number): string | undefined => {
      const effects = room.run(offer(link, round, `offer ${round}`));
      return effectOf(effects, 'drop')?.reason ?? effectOf(effects, 'accept-offer')?.sdp;
    };
    const accepted = (round: number, generation = 1): RoomEvent => {
      return { type: 'offer-accepted', peerId: BOB, generation, round, sdp: 'answer' };
    };
    assert.equal(takesUp(1, 2), 'offer 2');
    assert.equal(takesUp(1, 1), 'stale-offer');
    room.run({ type: 'negotiation-failed', ...onLink, work: 'accepting-offer', round: 2 });
    assert.deepEqual([takesUp(1, 1), takesUp(1, 2)], ['stale-offer', 'stale-offer']);
    // begins with a new connection of the same number
    assert.equal(takesUp(1, 3), 'offer 3');
    room.run(accepted(3));
    assert.equal(takesUp(1, 1), 'stale-offer');
    room.run(transport('connected'));
    assert.deepEqual([takesUp(1, 2), takesUp(1, 5)], ['stale-offer', 'offer 5']);
    room.run(accepted(5));
    assert.equal(takesUp(1, 4), 'stale-offer');
    assert.equal(room.peer(BOB)?.link.negotiation.at, 'stable');
    assert.equal(takesUp(2, 1), 'offer 1', 'each link counts anew');
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
      const restart: Effect | undefined = effectOf(room.run(linkTimer), 'make-offer');
      assert.deepEqual(restart, { type: 'make-offer', ...onLink, round, isRestart: true });
      room.run({ type: 'offer-made', ...onLink, round, sdp: 'o' });
    }
    const replaced = room.run(linkTimer);
    assert.deepEqual(typesOf(replaced).slice(0, 3), ['close-link', 'open-link', 'make-offer']);
    assert.equal(room.peer(BOB)?.link.generation, 2);
    assert.deepEqual(momentsOf(replaced), [
      { type: 'error', code: 'peer-unreachable', isRecoverable: true, peerId: BOB },
    ]);
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

  it('names nobody of whom the relay alone has told', () => {
    const room = newcomer();
    const errors = Array.from({ length: 10 }, () => momentsOf(room.run(linkTimer))).flat();
    assert.deepEqual(errors, [{ type: 'error', code: 'peer-unreachable', isRecoverable: true }]);
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

describe('an offer that is not answered', () => {
  it('is said once more, so that a slow answer to the first one counts as well', () => {
    const room = newcomer();
    room.run({ type: 'offer-made', ...onLink, round: 1, sdp: 'o' });
    const effects = room.run(linkTimer);
    assert.deepEqual(effectOf(effects, 'repeat-offer'), { type: 'repeat-offer', ...onLink, round: 1 });
    const again = room.run({ type: 'offer-made', ...onLink, round: 1, sdp: 'o with candidates' });
    assert.deepEqual(messagesOf(again), ['offer']);
    assert.equal(effectOf(room.run(answer(1, 1)), 'accept-answer')?.round, 1);
  });

  it('whose answer was lost is answered once more; what is still being answered is waited for', () => {
    const room = present();
    room.run(offer());
    assert.deepEqual(room.run(offer()), [{ type: 'drop', reason: 'stale-offer' }]);
    room.run({ type: 'offer-accepted', ...onLink, round: 1, sdp: 'a' });
    assert.deepEqual(typesOf(room.run(offer())), ['repeat-answer']);
    assert.deepEqual(room.run(offer()), [{ type: 'drop', reason: 'ignored-offer' }]);
    const again = room.run({ type: 'offer-accepted', ...onLink, round: 1, sdp: 'a' });
    assert.deepEqual(messagesOf(again), ['answer']);
  });

  it('is given more and more time, and every step further the whole of it', () => {
    const room = newcomer();
    const delays = Array.from({ length: 6 }, () => effectOf(room.run(linkTimer), 'start-timer')?.delay_ms);
    assert.deepEqual(delays, [5_000, 5_000, 10_000, 20_000, LINK_CHECK_MAX_MS, LINK_CHECK_MAX_MS]);
    const { generation = 0, round } = room.peer(BOB)?.link ?? { round: 0 };
    const made = room.run({ type: 'offer-made', peerId: BOB, generation, round, sdp: 'o' });
    assert.deepEqual(typesOf(made), ['send', 'start-timer']);
    room.run(answer(generation, round));
    const accepted = room.run({ type: 'answer-accepted', peerId: BOB, generation, round });
    assert.equal(effectOf(accepted, 'start-timer')?.delay_ms, LINK_CHECK_MAX_MS);
    // a link that stands is looked after as one at its beginning
    room.run({ type: 'transport-changed', peerId: BOB, generation, transport: 'connected' });
    const lost = room.run({ type: 'transport-changed', peerId: BOB, generation, transport: 'disconnected' });
    assert.equal(effectOf(lost, 'start-timer')?.delay_ms, LINK_CHECK_MS);
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
