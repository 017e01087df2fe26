/** RL21–RL23 where the room has a door: who comes back into a locked room, who was put out, and who waits. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { ABSENT_MAX, RING_AGE_MAX_MS } from '../../relay-worker/limits.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { RelayMessage } from '../../src/engine/protocol/relay.ts';
import type { StreamPlace } from '../../src/engine/protocol/resume.ts';
import { createHostedTestRoom } from '../helpers/hosts.ts';
import type { HostedRoom } from '../helpers/hosts.ts';
import type { MemorySocket } from '../helpers/memory-socket.ts';
import { BOB, CAROL, peerIdOf } from '../helpers/samples.ts';
import { HostedStage } from './hosted-stage.ts';
import { errorOf, nth } from './room-stage.ts';

const OTHER_PROOF = { proof: new Uint8Array(16).fill(9) };
const BOB_NUMBER = 1_700_000_000_000;

let room: HostedRoom;

before(async () => {
  room = await createHostedTestRoom();
});

function stageWithBob(maxPeers?: number): { readonly stage: HostedStage; readonly bob: MemorySocket } {
  const stage = new HostedStage(room, maxPeers);
  const bob = stage.enter(BOB, BOB_NUMBER);
  for (const socket of [stage.alice, bob]) socket.take();
  return { stage, bob };
}

/** The host says something to a peer. */
function sayTo(stage: HostedStage, target: PeerId, payload: string): RelayMessage {
  const params = { room_id: room.roomId, target_peer_id: target, payload };
  return stage.ask(stage.alice, { method: 'relay_message', params });
}

function payloadsOf(told: readonly RelayMessage[]): string[] {
  return told.flatMap((message) =>
    message.type === 'notification' && message.method === 'relay_message' ? [message.params.payload] : [],
  );
}

function methodsOf(told: readonly RelayMessage[]): string[] {
  return told.map((message) => (message.type === 'notification' ? message.method : message.type));
}

function placeAt(stage: HostedStage, n: number): { readonly place: StreamPlace } {
  return { place: { ep: stage.ep, n } };
}

const TAKEN = { type: 'result', id: 'asked', result: {} };

describe('RL21, AD11: a seat and a lock', () => {
  it('who has a seat comes back into a room that was locked meanwhile, and is given what it has missed', async () => {
    const { stage, bob } = stageWithBob();
    assert.deepEqual(sayTo(stage, BOB, 'Zmlyc3Q'), TAKEN);
    stage.gone(bob);
    stage.alice.take();
    await stage.act('lock');
    stage.alice.take();
    assert.deepEqual(sayTo(stage, BOB, 'c2Vjb25k'), TAKEN);
    assert.equal(stage.refusalOf(CAROL), 'room-locked');
    assert.equal(stage.refusalOf(BOB), undefined);
    const told = stage.enter(BOB, BOB_NUMBER, placeAt(stage, 1)).take();
    assert.deepEqual(methodsOf(told), ['welcome', 'relay_message']);
    assert.deepEqual(payloadsOf(told), ['c2Vjb25k']);
  });

  it('so does one for whom the list of those who are expected has no room, for as long as its seat is kept', async () => {
    const { stage, bob } = stageWithBob(ABSENT_MAX + 2);
    const others = Array.from({ length: ABSENT_MAX }, (_, index) => stage.enter(peerIdOf(index)));
    await stage.act('lock');
    stage.gone(bob);
    for (const other of others) stage.gone(other);
    assert.equal(stage.refusalOf(BOB), undefined);
    stage.nowMs += RING_AGE_MAX_MS + 1;
    stage.answeredAtMs.set(stage.alice, stage.nowMs);
    assert.equal(stage.refusalOf(BOB), 'room-locked');
    assert.equal(stage.refusalOf(peerIdOf(0)), undefined, 'one of the last eight');
  });

  it('nobody else comes in by it, or is given what was kept', async () => {
    const { stage, bob } = stageWithBob();
    stage.gone(bob);
    stage.alice.take();
    sayTo(stage, BOB, 'Zm9yIGJvYg');
    assert.equal(stage.refusalOf(BOB, OTHER_PROOF), 'token-invalid');
    await stage.act('lock');
    assert.equal(stage.refusalOf(BOB, OTHER_PROOF), 'token-invalid');
  });

  it('who has left for good has none', async () => {
    const { stage, bob } = stageWithBob();
    void stage.send(bob, { method: 'leave', params: { room_id: room.roomId } });
    stage.alice.take();
    await stage.act('lock');
    assert.equal(stage.refusalOf(BOB), 'room-locked');
    assert.deepEqual(sayTo(stage, BOB, 'AQ'), errorOf('asked', 'peer-unknown'));
  });

  it('AD12: who has a seat is not asked to knock', async () => {
    const { stage, bob } = stageWithBob();
    stage.gone(bob);
    await stage.act('knock');
    assert.equal(stage.refusalOf(BOB), undefined);
    assert.deepEqual(methodsOf(stage.enter(BOB, BOB_NUMBER, placeAt(stage, 0)).take()), ['welcome']);
  });
});

describe('RL21, AD13: a seat and a kick', () => {
  for (const isAway of [false, true]) {
    it(`who is put out ${isAway ? 'while it is away' : 'with its socket'} has no seat, and is brought nothing`, async () => {
      const { stage, bob } = stageWithBob();
      sayTo(stage, BOB, 'YmVmb3Jl');
      if (isAway) stage.gone(bob);
      stage.alice.take();
      await stage.act('kick', BOB);
      stage.alice.take();
      assert.deepEqual(sayTo(stage, BOB, 'YWZ0ZXI'), errorOf('asked', 'peer-unknown'), 'nothing is kept for it');
      assert.equal(stage.refusalOf(BOB), 'kicked');
      // as if its id had been pushed out of the list
      const told = stage.enter(BOB, BOB_NUMBER, placeAt(stage, 0)).take();
      assert.deepEqual(methodsOf(told), ['welcome', 'gap']);
      assert.deepEqual(payloadsOf(told), []);
    });
  }
});

describe('RL21, AD12: a place that is shown by who waits', () => {
  async function waiting(isBack: boolean): Promise<{ readonly stage: HostedStage; readonly carol: MemorySocket }> {
    const stage = new HostedStage(room);
    if (isBack) {
      const before = stage.enter(CAROL, BOB_NUMBER);
      stage.alice.take();
      for (const payload of ['AQ', 'Ag']) sayTo(stage, CAROL, payload);
      stage.gone(before);
      // neither its seat nor the list of those who are expected knows it any more
      for (let i = 0; i < ABSENT_MAX; i++) stage.gone(stage.enter(peerIdOf(i)));
      stage.nowMs += RING_AGE_MAX_MS + 1;
      stage.answeredAtMs.set(stage.alice, stage.nowMs);
    }
    await stage.act('knock');
    stage.alice.take();
    assert.equal(stage.refusalOf(CAROL), undefined);
    const carol = stage.enter(CAROL, BOB_NUMBER, placeAt(stage, 2));
    assert.deepEqual(methodsOf(carol.take()), ['waiting']);
    return { stage, carol };
  }

  it('brings nothing while it waits; nor does asking for it, and nothing is kept for it', async () => {
    const { stage, carol } = await waiting(true);
    const resume = { method: 'resume', params: { room_id: room.roomId, ep: stage.ep, n: 0 } } as const;
    assert.deepEqual(stage.ask(carol, resume), errorOf('asked', 'not-admitted'));
    assert.deepEqual(sayTo(stage, CAROL, 'Aw'), errorOf('asked', 'peer-unknown'));
    stage.gone(carol);
    assert.deepEqual(sayTo(stage, CAROL, 'BA'), errorOf('asked', 'peer-unknown'), 'no seat');
    assert.equal(stage.refusalOf(CAROL, OTHER_PROOF), undefined, 'no seat, which another could not take');
  });

  for (const way of ['admit', 'open'] as const) {
    it(`is looked at when it is let in (${way}): the numbers go on from what it is told`, async () => {
      const { stage, carol } = await waiting(true);
      await stage.act(way, way === 'admit' ? CAROL : undefined);
      stage.alice.take();
      const told = carol.take();
      assert.deepEqual(methodsOf(told), ['welcome', 'gap']);
      const gap = { method: 'gap', params: { room_id: room.roomId, ep: stage.ep, n: 0 } };
      assert.deepEqual(told.at(-1), { type: 'notification', ...gap });
      assert.deepEqual(sayTo(stage, CAROL, 'BQ'), TAKEN);
      const message = nth(carol.take(), 0);
      assert.ok(message.type === 'notification' && message.method === 'relay_message');
      assert.equal(message.params.n, 1);
    });
  }

  it('is forgotten in a sleep: the relay has another name then, by which the numbers are told apart', async () => {
    const { stage, carol } = await waiting(true);
    const before = stage.ep;
    stage.sleep();
    await stage.act('admit', CAROL);
    const [welcome, ...rest] = carol.take();
    assert.ok(welcome?.type === 'notification' && welcome.method === 'welcome');
    assert.notEqual(welcome.params.ep, before);
    assert.deepEqual(rest, []);
  });

  it('of somebody who was never in says nothing but that there is nothing', async () => {
    const { stage, carol } = await waiting(false);
    await stage.act('admit', CAROL);
    assert.deepEqual(methodsOf(carol.take()), ['welcome', 'gap']);
  });

  it('AD9: who comes back as the host is in once, and waits no longer', async () => {
    const { stage, carol } = await waiting(false);
    stage.knock(carol);
    assert.deepEqual(methodsOf(stage.alice.take()), ['peer_knocked']);
    const host = stage.enter(CAROL, BOB_NUMBER, { isHost: true });
    assert.equal(carol.closed?.reason, 'replaced');
    assert.deepEqual(methodsOf(stage.alice.take()), ['knock_ended', 'peer_joined']);
    assert.deepEqual(methodsOf(host.take()), ['welcome']);
    assert.deepEqual(sayTo(stage, CAROL, 'Bg'), TAKEN);
    assert.equal(payloadsOf(host.take()).length, 1);
  });
});
