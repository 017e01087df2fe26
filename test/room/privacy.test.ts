/** PR2, PR9–PR11 as transitions of the room. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RoomEvent } from '../../src/engine/room/events.ts';
import { isPresent } from '../../src/engine/room/state.ts';
import { BOB, CAROL } from '../helpers/samples.ts';
import {
  answer,
  effectOf,
  join,
  linkTimer,
  linked,
  listed,
  offer,
  onLink,
  present,
  presence,
  transport,
} from './step-fixtures.ts';
import { goneTimer, unlisted, welcome } from './step-fixtures.ts';
import { StepRunner, messagesOf, momentsOf, typesOf } from './step-runner.ts';

const on: RoomEvent = { type: 'set-private', isOn: true };
const off: RoomEvent = { type: 'set-private', isOn: false };
const barred: RoomEvent = { type: 'link-barred', ...onLink };
const exposed: RoomEvent = { type: 'path-exposed', ...onLink };

/** The link of who was there before stands. */
function answered(): StepRunner {
  const room = present();
  room.run(offer(), { type: 'offer-accepted', ...onLink, round: 1, sdp: 'a' }, transport('connected'));
  return room;
}

describe('PR11: hiding', () => {
  it('goes on and off outside a call, and only on inside one', () => {
    const room = new StepRunner();
    assert.deepEqual(room.run(on), [{ type: 'hide-addresses', isOn: true }]);
    assert.deepEqual(room.run(on), []);
    assert.deepEqual(room.run(off), [{ type: 'hide-addresses', isOn: false }]);
    room.run(on, join);
    assert.deepEqual(room.run(off), [], 'on the way in');
    room.run(welcome(1));
    assert.deepEqual(room.run(off), [], 'in the room');
    room.run({ type: 'leave' });
    assert.equal(effectOf(room.run(off), 'hide-addresses')?.isOn, false);
  });

  it('in a call makes who offers offer anew, on a newer link, which is hidden before it opens', () => {
    const room = linked();
    const effects = room.run(on);
    assert.deepEqual(typesOf(effects), ['hide-addresses', 'close-link', 'open-link', 'make-offer', 'start-timer']);
    assert.equal(effectOf(effects, 'open-link')?.generation, 2);
    assert.equal(room.peer(BOB)?.link.transport, 'new');
    const [sent] = room.run({ type: 'offer-made', peerId: BOB, generation: 2, round: 1, sdp: 'o' });
    assert.ok(sent?.type === 'send' && sent.message.type === 'offer' && sent.message.presence.isPrivate, 'it says so');
  });

  it('in a call makes who does not offer ask for it: first closed, so that nothing is said over what ends', () => {
    const room = answered();
    const effects = room.run(on);
    assert.deepEqual(typesOf(effects), ['hide-addresses', 'close-link', 'send', 'start-timer']);
    const sent = effectOf(effects, 'send');
    assert.ok(sent?.message.type === 'presence' && sent.message.link === 2 && sent.message.presence.isPrivate);
    // the other makes a newer one, or, where that was lost, the next
    for (const link of [3, 2]) {
      const each = new StepRunner(room.state);
      assert.deepEqual(typesOf(each.run(offer(link))).slice(-2), ['open-link', 'accept-offer'], `${link}`);
    }
  });

  it('asked for so, who offers makes a newer link at once', () => {
    const room = linked();
    const effects = room.run(presence(2));
    assert.deepEqual(effectOf(effects, 'open-link')?.generation, 3);
  });

  it('gives up, after a while, who was there by nothing but the connection that is closed', () => {
    for (const room of [linked(), answered()]) {
      room.run(unlisted);
      const started: readonly string[] = room
        .run(on)
        .flatMap((effect) => (effect.type === 'start-timer' ? [effect.id] : []));
      assert.ok(started.includes(`gone:${BOB}`));
      room.run(goneTimer);
      assert.equal(room.peer(BOB), undefined);
    }
  });

  it('leaves alone who has no connection yet, and who was refused', () => {
    const room = answered();
    room.run(listed(CAROL, 3), { type: 'peer-refused', peerId: BOB });
    assert.deepEqual(typesOf(room.run(on)), ['hide-addresses']);
  });
});

describe('PR2: a link that was not opened', () => {
  it('is as before the first one, says who we are once, and is told once', () => {
    const room = new StepRunner();
    room.run(on, join, welcome(2, { [BOB]: 1 }));
    const effects = room.run(barred);
    assert.deepEqual(messagesOf(effects), ['presence']);
    assert.deepEqual(momentsOf(effects), [{ type: 'error', code: 'turn-unavailable', isRecoverable: true }]);
    assert.equal(room.state.local.privacy, 'turn-unavailable');
    assert.equal(room.peer(BOB)?.link.negotiation.at, 'new');
    // tried again, on the same link
    assert.equal(effectOf(room.run(linkTimer), 'open-link')?.generation, 1);
    assert.deepEqual(room.run(barred), [], 'and nothing is said twice');
  });

  it('opens as soon as there is a TURN host; who does not offer asks for it', () => {
    const offerer = new StepRunner();
    offerer.run(on, join, welcome(2, { [BOB]: 1 }), barred);
    assert.deepEqual(typesOf(offerer.run({ type: 'turn-found' })), ['open-link', 'make-offer', 'start-timer']);
    assert.equal(offerer.state.local.privacy, 'on');
    assert.deepEqual(offerer.run({ type: 'turn-found' }), []);
    const other = new StepRunner();
    other.run(on, join, welcome(1), listed(BOB, 2), offer(), barred);
    assert.deepEqual(messagesOf(other.run({ type: 'turn-found' })), ['presence']);
  });

  it('of an older generation means nothing', () => {
    const room = linked();
    assert.deepEqual(room.run({ type: 'link-barred', peerId: BOB, generation: 7 }), []);
  });
});

describe('PR9: a path that is exposed', () => {
  it('is closed and told, and nothing opens to that peer again, whatever is heard or strikes', () => {
    for (const room of [linked(), answered()]) {
      room.run(on);
      const generation = room.peer(BOB)?.link.generation ?? 0;
      const effects = room.run({ ...exposed, generation });
      assert.deepEqual(typesOf(effects), ['close-link', 'stop-timer', 'tell error']);
      assert.deepEqual(momentsOf(effects), [
        { type: 'error', code: 'privacy-failed', isRecoverable: false, peerId: BOB },
      ]);
      assert.equal(room.state.local.privacy, 'failed');
      const later = [
        ...room.run(linkTimer),
        ...room.run(offer(9)),
        ...room.run(answer(generation)),
        ...room.run(presence(9)),
        ...room.run({ type: 'peer-unlisted', peerId: BOB }, listed(BOB, 2), linkTimer),
        ...room.run({ type: 'turn-found' }),
        // the relay forgets it, and lists it anew: as one that we offer to, and as one that was here first
        ...[1, 9].flatMap((number) => [
          ...room.run(unlisted, goneTimer),
          ...room.run(listed(BOB, number), presence(9), linkTimer, offer(12)),
        ]),
      ];
      assert.equal(room.peer(BOB)?.isExposed, true);
      assert.deepEqual(
        later.filter(({ type }) => ['open-link', 'make-offer', 'accept-offer'].includes(type)),
        [],
      );
      assert.ok(later.some((effect) => effect.type === 'drop' && effect.reason === 'exposed-peer'));
    }
  });

  it('ends with the join: the next one hides as before', () => {
    const room = linked();
    room.run(on, { ...exposed, generation: 2 }, { type: 'leave' });
    assert.equal(room.state.local.privacy, 'on');
    room.run(join, welcome(2, { [BOB]: 1 }));
    assert.ok(isPresent(room.state.call) && !room.peer(BOB)?.isExposed);
  });
});
