/** FO1–FO8 as transitions of the room: the standby, and which of both connections carries. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { STANDBY_FROM } from '../../src/engine/protocol/peer.ts';
import type { PeerMessage } from '../../src/engine/protocol/peer.ts';
import type { Effect, RoomEvent } from '../../src/engine/room/events.ts';
import {
  DIRECT_RETRY_MS,
  OVERLAP_MS,
  RETURN_AFTER_MS,
  STANDBY_AFTER_MS,
  STANDBY_CHECK_MS,
} from '../../src/engine/room/standby.ts';
import { GONE_FAILED_MS, UNREACHABLE_ATTEMPTS } from '../../src/engine/room/peers.ts';
import { BOB } from '../helpers/samples.ts';
import { PRESENCE, effectOf, linked, listed, offer, onLink, present, senderOf, transport } from './step-fixtures.ts';
import { goneTimer, linkTimer, unlisted } from './step-fixtures.ts';
import type { StepRunner } from './step-runner.ts';
import { typesOf } from './step-runner.ts';

const FIRST = STANDBY_FROM + 1;
const onStandby = { peerId: BOB, generation: FIRST } as const;
const direct: RoomEvent = { type: 'path-found', ...onLink, isRelayed: false };
const relayed: RoomEvent = { type: 'path-found', ...onLink, isRelayed: true };
const SPEAKING = { name: 'Bob', publications: [{ kind: 'microphone', isMuted: false }] } as const;

function timer(name: 'standby' | 'overlap' | 'return' | 'direct'): RoomEvent {
  return { type: 'timer', id: `${name}:${BOB}` };
}

function flow(isFlowing: boolean, generation = 1): RoomEvent {
  return { type: 'frames-flow', peerId: BOB, generation, isFlowing };
}

/** Of sound, and it opens. */
function sounds(generation = 1): RoomEvent {
  return { type: 'frames-flow', peerId: BOB, generation, isFlowing: true, kind: 'microphone' };
}

function says(message: Extract<RoomEvent, { type: 'message' }>['message']): RoomEvent {
  return { type: 'message', from: BOB, sender: senderOf(BOB), message };
}

function wants(link: number, seq = 1): RoomEvent {
  return says({ type: 'route', link, seq });
}

const speaks = says({ type: 'presence', link: 1, seq: 2, presence: SPEAKING, isAsking: false });

/** We came after Bob, and have opened a standby, which stands. Bob speaks. */
function ready(): StepRunner {
  const room = linked();
  room.run(speaks, direct, timer('standby'));
  room.run(
    { type: 'offer-made', ...onStandby, round: 1, sdp: 'standby' },
    says({ type: 'answer', link: FIRST, round: 1, seq: 3, sdp: 'a', presence: SPEAKING }),
    { type: 'answer-accepted', ...onStandby, round: 1 },
    { ...transport('connected'), generation: FIRST } as RoomEvent,
    flow(true),
  );
  return room;
}

function timers(effects: readonly Effect[]): readonly string[] {
  return effects.flatMap((effect) =>
    effect.type === 'start-timer' ? [`${effect.id.split(':')[0]} ${effect.delay_ms}`] : [],
  );
}

function sentIn(effects: readonly Effect[]): readonly PeerMessage[] {
  return effects.flatMap((effect) => (effect.type === 'send' ? [effect.message] : []));
}

function routesIn(effects: readonly Effect[]): readonly unknown[] {
  return sentIn(effects).filter(({ type }) => type === 'route');
}

function shown(room: StepRunner): string | undefined {
  return room.peer(BOB)?.route.shown.microphone;
}

describe('FO1: a standby', () => {
  it('is opened by the newcomer once its first connection is found to go straight, sends nothing, and is negotiated by itself', () => {
    const room = linked();
    assert.deepEqual(timers(room.run(direct)), [`standby ${STANDBY_AFTER_MS}`]);
    const opened = room.run(timer('standby'));
    assert.deepEqual(typesOf(opened), ['open-link', 'make-offer', 'start-timer']);
    assert.deepEqual(effectOf(opened, 'open-link'), { type: 'open-link', ...onStandby, isIdle: true });
    assert.deepEqual(timers(opened), [`standby ${STANDBY_CHECK_MS}`]);
    const [sent] = sentIn(room.run({ type: 'offer-made', ...onStandby, round: 1, sdp: 'standby' }));
    assert.ok(sent?.type === 'offer' && sent.link === FIRST);
    assert.deepEqual(room.peer(BOB)?.link.negotiation, { at: 'stable' }, 'the first connection is as it was');
    const found = { type: 'candidates-found', ...onStandby, candidates: [] } as const;
    assert.deepEqual(sentIn(room.run(found)), [{ type: 'candidates', link: FIRST, candidates: [] }]);
  });

  it('is not opened by who was there before, beside a relayed one, nor where somebody hides', () => {
    const before = present();
    before.run(offer(), { type: 'offer-accepted', ...onLink, round: 1, sdp: 'a' }, transport('connected'));
    assert.deepEqual(timers(before.run(direct)), []);
    assert.deepEqual(timers(linked().run(relayed)), [`direct ${DIRECT_RETRY_MS}`]);
    const hiding = linked();
    const presence = { ...PRESENCE, isPrivate: true } as const;
    hiding.run(says({ type: 'presence', link: 1, seq: 2, presence, isAsking: false }));
    assert.deepEqual(timers(hiding.run(direct)), []);
    assert.deepEqual(timers(hiding.run(relayed)), []);
  });

  it('of the newcomer is taken up by the other; of nobody else, and none that is older', () => {
    const room = present();
    room.run(offer(), { type: 'offer-accepted', ...onLink, round: 1, sdp: 'a' }, transport('connected'));
    const second = says({ type: 'offer', link: FIRST + 1, round: 1, seq: 2, sdp: 's', presence: SPEAKING });
    const effects = room.run(second);
    assert.deepEqual(typesOf(effects), ['open-link', 'accept-offer']);
    assert.equal(effectOf(effects, 'open-link')?.isIdle, true);
    const first = says({ type: 'offer', link: FIRST, round: 1, seq: 2, sdp: 's', presence: SPEAKING });
    assert.deepEqual(typesOf(room.run(first)), ['drop']);
    const third = says({ type: 'offer', link: FIRST + 2, round: 1, seq: 2, sdp: 's', presence: SPEAKING });
    assert.deepEqual(typesOf(room.run(third)), ['close-standby', 'stop-timer', 'open-link', 'accept-offer']);
    assert.deepEqual(typesOf(linked().run(first)), ['drop'], 'we offer, not Bob');
  });

  it('without a TURN host waits until there is one', () => {
    const room = linked();
    room.run(direct, timer('standby'));
    room.run({ type: 'link-barred', ...onStandby });
    assert.equal(room.peer(BOB)?.standby, undefined);
    assert.deepEqual(timers(room.run({ type: 'turn-found' })), [`standby ${STANDBY_AFTER_MS}`]);
  });

  it('that does not come to stand, or ends, is made anew, more and more rarely; one that stands is left alone', () => {
    const room = linked();
    room.run(direct, timer('standby'));
    const again = room.run(timer('standby'));
    assert.equal(effectOf(again, 'open-link')?.generation, FIRST + 1);
    assert.deepEqual(timers(again), [`standby ${2 * STANDBY_CHECK_MS}`]);
    const failed = room.run({ type: 'transport-changed', peerId: BOB, generation: FIRST + 1, transport: 'failed' });
    assert.ok(typesOf(failed).includes('close-standby'));
    assert.deepEqual(timers(failed), [`standby ${2 * STANDBY_CHECK_MS}`]);
    assert.deepEqual(ready().run(timer('standby')), []);
  });

  it('goes with its peer, with our own end, and with hiding', () => {
    assert.ok(typesOf(ready().run(says({ type: 'leave' }))).includes('close-standby'));
    assert.ok(typesOf(ready().run({ type: 'leave' })).includes('close-standby'));
    const hidden = ready();
    assert.ok(typesOf(hidden.run({ type: 'set-private', isOn: true })).includes('close-standby'));
    assert.equal(hidden.peer(BOB)?.standby, undefined);
    const half = ready();
    half.run({ type: 'ended-by-peer', ...onLink }, linkTimer);
    assert.ok(
      typesOf(half.run({ type: 'set-private', isOn: true })).includes('close-standby'),
      'whatever became of the first',
    );
    const refused = ready();
    assert.ok(typesOf(refused.run({ type: 'peer-refused', peerId: BOB })).includes('close-standby'));
    assert.equal(refused.peer(BOB)?.standby, undefined);
  });
});

describe('FO3–FO5: a path that dies', () => {
  it('is left as soon as frames cease: asked for by us, shown once they come', () => {
    const room = ready();
    const effects = room.run(flow(false));
    assert.deepEqual(routesIn(effects), [{ type: 'route', link: FIRST, seq: 1 }]);
    assert.deepEqual(timers(effects), [`return ${RETURN_AFTER_MS}`]);
    assert.equal(shown(room), 'link', 'nothing has come over the other yet');
    room.run(flow(true, FIRST));
    assert.equal(shown(room), 'link', 'what comes may not open');
    room.run(sounds(FIRST));
    assert.equal(shown(room), 'standby');
    assert.equal(room.peer(BOB)?.route.shown.camera, 'link', 'of pictures none has come');
    assert.deepEqual(room.run(flow(false)), [], 'that the first is silent now is known');
  });

  it('is not left where nobody sends, where there is no other, or where the other does not stand', () => {
    const silent = linked();
    silent.run(direct, timer('standby'), { ...transport('connected'), generation: FIRST } as RoomEvent, flow(true));
    assert.deepEqual(routesIn(silent.run(flow(false))), []);
    const alone = linked();
    alone.run(speaks, flow(true));
    assert.deepEqual(routesIn(alone.run(flow(false))), []);
    const waiting = linked();
    waiting.run(speaks, direct, timer('standby'), flow(true));
    assert.deepEqual(routesIn(waiting.run(flow(false))), []);
    const late = waiting.run({ type: 'transport-changed', peerId: BOB, generation: FIRST, transport: 'connected' });
    assert.deepEqual(routesIn(late), [{ type: 'route', link: FIRST, seq: 1 }], 'once it does');
  });

  it('is left as well where the connection itself says that it is over; who is off the list stays while the standby stands', () => {
    const room = ready();
    room.run(unlisted);
    const effects = room.run(transport('failed'));
    assert.equal(routesIn(effects).length, 1);
    assert.deepEqual(room.run(goneTimer), []);
    assert.ok(room.peer(BOB));
    const last = room.run({ type: 'transport-changed', peerId: BOB, generation: FIRST, transport: 'failed' });
    assert.ok(timers(last).includes(`gone ${GONE_FAILED_MS}`), timers(last).join());
    assert.ok(typesOf(room.run(goneTimer)).includes('close-link'));
    assert.equal(room.peer(BOB), undefined);
  });

  it('FO4: the peer asks for ours: sent over both for a second, then over that one alone; old wishes and unknown links count nothing', () => {
    const room = ready();
    const asked = room.run(wants(FIRST, 5));
    assert.deepEqual(effectOf(asked, 'use-link'), { type: 'use-link', ...onStandby, isOnly: false });
    assert.deepEqual(timers(asked), [`overlap ${OVERLAP_MS}`]);
    assert.deepEqual(room.run(timer('overlap')), [{ type: 'use-link', ...onStandby, isOnly: true }]);
    assert.deepEqual(room.run(wants(FIRST, 5)), [], 'by the other way, the same again');
    assert.deepEqual(room.run(wants(1, 4)), [{ type: 'drop', reason: 'stale-state' }]);
    assert.deepEqual(timers(room.run(wants(FIRST, 6))), [], 'and again does not have us send over both');
    assert.deepEqual(room.run(wants(7, 7)), [{ type: 'drop', reason: 'stale-link' }]);
    assert.equal(effectOf(room.run(wants(1, 8)), 'use-link')?.generation, 1);
  });

  it('a first connection that is made anew meanwhile sends nothing until it is asked to', () => {
    const room = ready();
    room.run(wants(FIRST), timer('overlap'), { type: 'ended-by-peer', ...onLink });
    const renewed = room.run(linkTimer);
    assert.deepEqual(effectOf(renewed, 'open-link'), { type: 'open-link', peerId: BOB, generation: 2, isIdle: true });
    assert.ok(room.peer(BOB)?.standby, 'and the standby stays');
  });

  it('FO5: where the standby is gone, everything goes over the first one again', () => {
    const room = ready();
    room.run(flow(false), flow(true, FIRST), sounds(FIRST), wants(FIRST), timer('overlap'));
    const effects = room.run({ type: 'ended-by-peer', ...onStandby });
    assert.deepEqual(effectOf(effects, 'use-link'), { type: 'use-link', ...onLink, isOnly: true });
    assert.equal(shown(room), 'link');
    assert.equal(room.peer(BOB)?.route.wanted, 'link');
  });
});

describe('FO4, FO8: when both are in trouble', () => {
  it('both paths die: the first that stands again is asked for at once, whatever the standby says of itself', () => {
    const room = ready();
    // asked for once more as ICE tells what the frames have told
    room.run(flow(false));
    assert.equal(routesIn(room.run(transport('disconnected'))).length, 1);
    assert.deepEqual(routesIn(room.run(transport('connected'))), [{ type: 'route', link: 1, seq: 3 }]);
  });

  it('what was asked for in vain is asked for again as the path is told dead; once the standby carries, not any more', () => {
    const room = ready();
    room.run(flow(false));
    assert.deepEqual(routesIn(room.run(transport('disconnected'))), [{ type: 'route', link: FIRST, seq: 2 }]);
    room.run(flow(true, FIRST), sounds(FIRST));
    assert.deepEqual(routesIn(room.run(transport('failed'))), []);
  });

  it('a standby that ends while it carries is not sent on into: the peer is told', () => {
    const room = ready();
    room.run(flow(false), flow(true, FIRST), sounds(FIRST));
    const effects = room.run({ type: 'transport-changed', peerId: BOB, generation: FIRST, transport: 'failed' });
    assert.deepEqual(routesIn(effects), [{ type: 'route', link: 1, seq: 2 }]);
    assert.ok(effects.some((effect) => effect.type === 'stop-timer' && effect.id === `return:${BOB}`));
  });

  it('a way that was asked for and brings nothing is left when the other has ceased as well', () => {
    const room = ready();
    room.run(flow(false), flow(true, FIRST), sounds(FIRST), timer('return'));
    assert.deepEqual(routesIn(room.run(flow(false, FIRST))), [{ type: 'route', link: FIRST, seq: 3 }]);
    const silent = ready();
    silent.run(flow(false), flow(true, FIRST), timer('return'));
    silent.run(says({ type: 'presence', link: 1, seq: 4, presence: PRESENCE, isAsking: false }));
    assert.deepEqual(routesIn(silent.run(flow(false, FIRST))), [], 'not of who publishes nothing');
  });

  it('a first connection that is made anew under a route is asked for once more when it stands', () => {
    const room = ready();
    room.run({ type: 'ended-by-peer', ...onStandby }, direct, timer('standby'));
    const second = FIRST + 1;
    room.run({ ...transport('connected'), generation: second } as RoomEvent, wants(second, 1), {
      type: 'ended-by-peer',
      ...onLink,
    });
    room.run(linkTimer, { type: 'frames-flow', peerId: BOB, generation: second, isFlowing: false });
    const stands = room.run({ ...transport('connected'), generation: 2 } as RoomEvent);
    assert.ok(routesIn(stands).some((route) => (route as { link: number }).link === 2));
  });

  it('whoever is reached by the standby is not told as out of reach, nor dropped when the list says so', () => {
    const room = ready();
    room.run(flow(false), flow(true, FIRST), transport('failed'));
    const told = Array.from({ length: UNREACHABLE_ATTEMPTS + 1 }, () => room.run(linkTimer)).flat();
    assert.ok(!told.some(({ type }) => type === 'tell'));
    room.run({ type: 'ended-by-peer', peerId: BOB, generation: room.peer(BOB)?.link.generation ?? 0 });
    room.run(unlisted);
    assert.ok(room.peer(BOB)?.standby);
  });

  it('SK7: frames that went past the seal on either end the standby as well', () => {
    for (const generation of [1, FIRST]) {
      const room = ready();
      const effects = room.run({ type: 'frames-unsealed', peerId: BOB, generation });
      assert.ok(typesOf(effects).includes('close-standby'));
      assert.ok(room.peer(BOB)?.isUnsealed && !room.peer(BOB)?.standby);
      assert.deepEqual(timers(room.run({ type: 'turn-found' })), [], 'and there is no other');
    }
  });

  it('a standby that is over does not come back, and its numbers outlive the peer', () => {
    const room = present();
    room.run(offer(), { type: 'offer-accepted', ...onLink, round: 1, sdp: 'a' }, transport('connected'));
    const offered = (link: number): RoomEvent =>
      says({ type: 'offer', link, round: 1, seq: 2, sdp: 's', presence: SPEAKING });
    room.run(offered(FIRST), { type: 'ended-by-peer', ...onStandby });
    assert.deepEqual(typesOf(room.run(offered(FIRST))), ['drop']);
    const away = ready();
    away.run(flow(false), unlisted, transport('failed'));
    away.run({ type: 'transport-changed', peerId: BOB, generation: FIRST, transport: 'failed' }, goneTimer);
    assert.equal(away.peer(BOB), undefined);
    away.run(listed(BOB, 1));
    assert.equal(away.peer(BOB)?.standbys, 1);
    assert.equal(away.peer(BOB)?.route.asked, 3);
  });

  it('waits for a first connection that does not stand just now, for a standby and for a straight way', () => {
    const room = linked();
    room.run(direct, transport('disconnected'));
    assert.deepEqual(timers(room.run(timer('standby'))), [`standby ${STANDBY_CHECK_MS}`]);
    assert.deepEqual(timers(room.run(transport('connected'))), [`standby ${STANDBY_AFTER_MS}`]);
    const relay = linked();
    relay.run(relayed, transport('disconnected'));
    assert.deepEqual(timers(relay.run(timer('direct'))), [`direct ${DIRECT_RETRY_MS}`]);
  });
});

describe('FO6: the way back', () => {
  it('is taken after fifteen seconds on which the first connection stands, and shown when its frames come', () => {
    const room = ready();
    room.run(flow(false), flow(true, FIRST), sounds(FIRST));
    const back = room.run(timer('return'));
    assert.deepEqual(routesIn(back), [{ type: 'route', link: 1, seq: 2 }]);
    assert.equal(shown(room), 'standby');
    room.run(flow(true), sounds());
    assert.equal(shown(room), 'link');
  });

  it('waits until there is one, and then for its time', () => {
    const room = ready();
    room.run(flow(false), flow(true, FIRST), sounds(FIRST), transport('disconnected'));
    assert.deepEqual(timers(room.run(timer('return'))), [`return ${RETURN_AFTER_MS}`]);
    assert.deepEqual(timers(room.run(transport('connected'))), [`return ${RETURN_AFTER_MS}`]);
    assert.equal(routesIn(room.run(timer('return'))).length, 1);
  });

  it('that did not last is tried later each time; one that lasted begins anew', () => {
    const room = ready();
    room.run(flow(false), flow(true, FIRST), timer('return'), flow(true));
    assert.deepEqual(timers(room.run(flow(false))), [`return ${2 * RETURN_AFTER_MS}`]);
    room.run(timer('return'), flow(true));
    assert.deepEqual(timers(room.run(flow(false))), [`return ${4 * RETURN_AFTER_MS}`]);
    room.run(timer('return'), flow(true));
    // the same timer, once the return has lasted
    room.run(timer('return'));
    assert.deepEqual(timers(room.run(flow(false))), [`return ${RETURN_AFTER_MS}`]);
  });

  it('FO7: a connection through a TURN host looks for a straight way by restarts, more and more rarely, until it has one', () => {
    const room = linked();
    room.run(relayed);
    const first = room.run(timer('direct'));
    assert.equal(effectOf(first, 'make-offer')?.isRestart, true);
    assert.deepEqual(timers(first).at(-1), `direct ${2 * DIRECT_RETRY_MS}`);
    assert.deepEqual(
      timers(room.run(timer('direct'))),
      [`direct ${4 * DIRECT_RETRY_MS}`],
      'not while one is under way',
    );
    assert.deepEqual(timers(room.run(direct)), [`standby ${STANDBY_AFTER_MS}`]);
    assert.deepEqual(room.run(timer('direct')), []);
  });

  it('means nothing for who is gone', () => {
    const room = ready();
    room.run(says({ type: 'leave' }));
    for (const name of ['standby', 'overlap', 'return', 'direct'] as const) assert.deepEqual(room.run(timer(name)), []);
    room.run(listed(BOB, 3));
  });
});
