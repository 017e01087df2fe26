/** AD11–AD15 in the pure room: what a host's page wants, what it says, and what a relay's word may and may not do. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RESHUT_MS } from '../../src/engine/room/desk.ts';
import type { Effect, RoomEvent } from '../../src/engine/room/events.ts';
import type { RoomState } from '../../src/engine/room/state.ts';
import { INITIAL_STATE, isPresent } from '../../src/engine/room/state.ts';
import { step } from '../../src/engine/room/step.ts';
import { ALICE, BOB, CAROL, peerIdOf } from '../helpers/samples.ts';

const WELCOME = { type: 'welcome', joinNumber: 5, certificate: 'A'.repeat(43), peers: [] } as const;
const LISTED = [{ peerId: BOB, joinNumber: 1 }];

function play(start: RoomState, ...events: readonly RoomEvent[]): { state: RoomState; effects: readonly Effect[] } {
  let state = start;
  let effects: readonly Effect[] = [];
  for (const event of events) [state, effects] = step(state, event);
  return { state, effects };
}

function hostActs(effects: readonly Effect[]): readonly string[] {
  return effects.flatMap((effect) => (effect.type === 'act-as-host' ? [effect.action] : []));
}

const JOIN = { type: 'join', peerId: ALICE } as const;
const HOST = play(INITIAL_STATE, { type: 'host-known' }, JOIN, WELCOME).state;
const GUEST = play(INITIAL_STATE, JOIN, WELCOME).state;

describe('AD11: the door', () => {
  it('is asked of the relay, and is what the relay says', () => {
    const locking = play(HOST, { type: 'lock', isOn: true });
    assert.deepEqual(hostActs(locking.effects), ['lock']);
    assert.equal(locking.state.desk.door, 'open', 'nothing is optimistic');
    const { state } = play(locking.state, { type: 'door-changed', door: 'locked' });
    assert.equal(state.desk.door, 'locked');
    assert.deepEqual(hostActs(play(state, { type: 'lock', isOn: true }).effects), []);
    assert.deepEqual(hostActs(play(state, { type: 'lock', isOn: false }).effects), ['open']);
  });

  it('goes back to knocking when a lock ends that was put over it', () => {
    const { state } = play(
      HOST,
      { type: 'set-knock', isOn: true },
      { type: 'door-changed', door: 'knock' },
      { type: 'lock', isOn: true },
      { type: 'door-changed', door: 'locked' },
    );
    assert.deepEqual(hostActs(play(state, { type: 'lock', isOn: false }).effects), ['knock']);
  });

  it('is not a guest’s to ask for', () => {
    for (const event of [
      { type: 'lock', isOn: true },
      { type: 'set-knock', isOn: true },
      { type: 'kick', peerId: BOB },
    ] as const) {
      assert.deepEqual(hostActs(play(GUEST, event).effects), []);
    }
  });

  it('AD15: that is less shut than a joining host wants is shut at once; what is shut more stays', () => {
    const wanting = play(INITIAL_STATE, { type: 'host-known' }, { type: 'set-knock', isOn: true }, JOIN).state;
    assert.deepEqual(hostActs(play(wanting, WELCOME).effects), ['knock']);
    const locked = play(wanting, { ...WELCOME, door: 'locked' });
    assert.deepEqual(hostActs(locked.effects), []);
    assert.deepEqual(locked.state.desk.wish, { isLocked: true, isKnock: true });
  });

  it('AD15: that a relay has forgotten is shut again once those who were in had 5 s', () => {
    const locked = play(HOST, { type: 'lock', isOn: true }, { type: 'door-changed', door: 'locked' }).state;
    const back = play(locked, { type: 'relay-lost' }, WELCOME);
    assert.deepEqual(hostActs(back.effects), []);
    const timer = back.effects.find((effect) => effect.type === 'start-timer' && effect.id === 'host-door');
    assert.deepEqual(timer, { type: 'start-timer', id: 'host-door', delay_ms: RESHUT_MS });
    assert.deepEqual(hostActs(play(back.state, { type: 'timer', id: 'host-door' }).effects), ['lock']);
    const opened = play(back.state, { type: 'lock', isOn: false }, { type: 'timer', id: 'host-door' });
    assert.deepEqual(hostActs(opened.effects), [], 'it was opened meanwhile');
    const away = play(back.state, { type: 'relay-lost' }, { type: 'timer', id: 'host-door' });
    assert.deepEqual(hostActs(away.effects), [], 'the relay is gone again');
  });
});

describe('AD12: knocks', () => {
  it('are the host’s to hear, as many as a person can look at, and end', () => {
    const knock = (n: number): RoomEvent => ({ type: 'peer-knocked', peerId: peerIdOf(n), name: ' N\u202e ' });
    const one = play(HOST, knock(1));
    const moment = { type: 'knocked', peerId: peerIdOf(1), name: 'N' } as const;
    assert.deepEqual(one.effects, [{ type: 'tell', moment }]);
    assert.deepEqual(play(one.state, knock(1)).effects, [], 'told once');
    assert.equal(play(GUEST, knock(1)).state.desk.knocks.size, 0);
    const many = play(HOST, ...Array.from({ length: 40 }, (_, n) => knock(n + 1))).state;
    assert.equal(many.desk.knocks.size, 16);
    const ended = play(many, { type: 'knock-ended', peerId: peerIdOf(1) }).state;
    assert.equal(ended.desk.knocks.size, 15);
    assert.equal(play(ended, { type: 'knock-ended', peerId: peerIdOf(1) }).state, ended);
    assert.equal(play(ended, WELCOME).state.desk.knocks.size, 0, 'told anew after each welcome');
    assert.equal(play(ended, { type: 'leave' }).state.desk.knocks.size, 0);
  });

  it('are said when the relay has us wait, on the way in and back, and at no other time', () => {
    const joining = play(INITIAL_STATE, { type: 'set-name', name: 'Eve' }, JOIN).state;
    const waiting = play(joining, { type: 'waiting' });
    assert.deepEqual(waiting.effects, [{ type: 'knock', name: 'Eve' }]);
    assert.equal(waiting.state.desk.isWaiting, true);
    assert.equal(play(waiting.state, WELCOME).state.desk.isWaiting, false);
    assert.equal(play(play(GUEST, { type: 'relay-lost' }).state, { type: 'waiting' }).effects.length, 1);
    assert.deepEqual(play(INITIAL_STATE, { type: 'waiting' }).effects, []);
  });

  it('are turned away for good, without an error; a lock is told as one', () => {
    const joining = play(INITIAL_STATE, JOIN).state;
    const declined = play(joining, { type: 'relay-closed', reason: 'declined' });
    assert.deepEqual(declined.state.call, { phase: 'left', reason: 'declined' });
    assert.ok(!declined.effects.some((effect) => effect.type === 'tell' && effect.moment.type === 'error'));
    const locked = play(joining, { type: 'relay-closed', reason: 'room-locked' });
    assert.deepEqual(locked.state.call, { phase: 'left', reason: 'room-locked' });
  });
});

describe('AD13, RL14: who is put out', () => {
  it('is told to those who are here as well, sealed', () => {
    const state = play(HOST, { type: 'peer-listed', peerId: BOB, joinNumber: 9 }).state;
    const { effects } = play(state, { type: 'kick', peerId: BOB });
    assert.deepEqual(effects, [{ type: 'act-as-host', action: 'kick', target: BOB, to: [BOB] }]);
  });

  it('is gone for the rest of the join; ourselves, we leave, and say no `leave` that would be believed', () => {
    const { state } = play(GUEST, { ...WELCOME, peers: LISTED }, { type: 'peer-kicked', peerId: BOB });
    assert.ok(isPresent(state.call) && state.call.peers.size === 0 && state.call.refused.has(BOB));
    const again = play(state, { type: 'peer-listed', peerId: BOB, joinNumber: 1 });
    assert.deepEqual(again.effects, [{ type: 'drop', reason: 'refused-peer' }]);
    const absent = play(state, { type: 'peer-kicked', peerId: CAROL }).state;
    assert.ok(isPresent(absent.call) && absent.call.refused.has(CAROL));
    const out = play(state, { type: 'peer-kicked', peerId: ALICE });
    assert.deepEqual(out.state.call, { phase: 'left', reason: 'kicked' });
    assert.ok(!out.effects.some(({ type }) => type === 'send'));
    assert.equal(play(INITIAL_STATE, { type: 'peer-kicked', peerId: BOB }).state, INITIAL_STATE);
  });

  it('attack: is not put out by what the relay does alone', () => {
    for (const reason of ['kicked', 'declined', 'room-locked', 'origin-refused', 'jwt-invalid'] as const) {
      const { state } = play(GUEST, { type: 'relay-closed', reason });
      assert.equal(state.call.phase, 'reconnecting', reason);
    }
    const joining = play(INITIAL_STATE, JOIN).state;
    for (const reason of ['kicked', 'origin-refused', 'jwt-invalid'] as const) {
      assert.deepEqual(play(joining, { type: 'relay-closed', reason }).state.call, {
        phase: 'left',
        reason: 'refused',
      });
    }
  });
});
