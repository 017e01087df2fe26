/** AD8, RL20, LM11 without HTTP: what a call does that comes without a socket. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CallAnswer } from '../../relay-worker/relay-room.ts';
import { HTTP_CALLS_BURST, HTTP_CALLS_PER_S, RING_AGE_MAX_MS, ROOM_MESSAGES_BURST } from '../../relay-worker/limits.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { formatError, formatRequest, formatResult } from '../../src/engine/protocol/relay.ts';
import type { ClientRequest } from '../../src/engine/protocol/relay.ts';
import { createHostedTestRoom } from '../helpers/hosts.ts';
import type { MemorySocket } from '../helpers/memory-socket.ts';
import { ALICE, BOB, CAROL, REQUESTS, ROOM, peerIdOf, roomIdOf } from '../helpers/samples.ts';
import { HostedStage } from './hosted-stage.ts';
import { Stage, bundleOf, fetchOf, nth, proofOf, publish, toPeer } from './room-stage.ts';

const REMOVE: ClientRequest = { method: 'delete_bundle', params: { room_id: ROOM } };
const STRANGER = peerIdOf(0x99);
const { head, one_time } = bundleOf('alice', 2);

function call(stage: Stage, peerId: PeerId, request: ClientRequest, nonce?: Bytes): CallAnswer {
  return stage.call(peerId, formatRequest(request, 1), nonce);
}

describe('a call over HTTP', () => {
  it('RL20: publishes, asks and takes away for the peer that the token names', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    assert.deepEqual(call(stage, ALICE, publish({ head, one_time })), { text: formatResult(1, {}) });
    assert.deepEqual(
      bob.take().map((one) => one.type === 'notification' && one.method),
      ['bundle_published'],
    );
    const first = { peer_id: ALICE, head, one_time: nth(one_time, 0) };
    assert.deepEqual(call(stage, BOB, fetchOf(ALICE)), { text: formatResult(1, first) });
    assert.deepEqual(call(stage, BOB, fetchOf(ALICE)), { text: formatResult(1, { peer_id: ALICE, head }) });
    const exchange: ClientRequest = {
      method: 'exchange_bundles',
      params: { room_id: ROOM, peer_id: ALICE, ...bundleOf('bob', 0) },
    };
    assert.deepEqual(call(stage, BOB, exchange), { text: formatResult(1, { peer_id: ALICE, head }) });
    assert.equal(stage.ask(alice, fetchOf(BOB)).type, 'result');
    assert.deepEqual(call(stage, ALICE, REMOVE), { text: formatResult(1, {}) });
    const none = { reason: 'no-bundle', text: formatError(1, 'no-bundle') };
    assert.deepEqual(call(stage, BOB, fetchOf(ALICE)), none);
  });

  it('RL20: of a peer without a socket publishes nothing, and is given heads alone', () => {
    const stage = new Stage();
    const [alice] = stage.gather(ALICE) as [MemorySocket];
    stage.ask(alice, publish({ head, one_time }));
    const unknown = { reason: 'peer-unknown', text: formatError(1, 'peer-unknown') };
    const exchange: ClientRequest = {
      method: 'exchange_bundles',
      params: { room_id: ROOM, peer_id: ALICE, head, one_time },
    };
    for (const request of [publish({ head, one_time }), REMOVE, exchange]) {
      assert.deepEqual(call(stage, STRANGER, request), unknown);
    }
    assert.deepEqual(call(stage, STRANGER, fetchOf(STRANGER)), unknown);
    assert.deepEqual(call(stage, STRANGER, fetchOf(BOB)), unknown);
    for (let i = 0; i < 5; i++) {
      assert.deepEqual(call(stage, STRANGER, fetchOf(ALICE)), { text: formatResult(1, { peer_id: ALICE, head }) });
    }
    const bob = stage.enter(BOB);
    const [welcome] = bob.take();
    assert.ok(welcome?.type === 'notification' && welcome.method === 'welcome');
    assert.deepEqual(welcome.params.peers[0]?.bundle, { head, one_time: nth(one_time, 0) }, 'none was used up');
    stage.gone(alice);
    assert.deepEqual(call(stage, ALICE, publish({ head, one_time })), unknown, 'gone is gone');
  });

  it('RL20: does nothing else, and nothing in another room', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    const others = REQUESTS.filter(({ method }) => ['join', 'leave', 'relay_message'].includes(method));
    assert.equal(others.length, 3);
    for (const request of [...others, toPeer(BOB)]) {
      const refusal = { reason: 'method-not-found', text: formatError(1, 'method-not-found') };
      assert.deepEqual(call(stage, ALICE, request), refusal);
    }
    const foreign: ClientRequest = { method: 'delete_bundle', params: { room_id: roomIdOf(0xbb) } };
    assert.deepEqual(call(stage, ALICE, foreign), { reason: 'room-mismatch', text: formatError(1, 'room-mismatch') });
    assert.deepEqual([alice.take(), bob.take(), alice.closed], [[], [], undefined]);
  });

  it('RL4, RL20: is answered as JSON-RPC has it; a notification is not', () => {
    const stage = new Stage();
    const [alice] = stage.gather(ALICE, BOB) as [MemorySocket];
    const answer = (text: string): unknown => stage.call(ALICE, text);
    assert.deepEqual(answer('x'), { reason: 'parse-error', text: formatError(null, 'parse-error') });
    assert.deepEqual(answer('[]'), { reason: 'invalid-request', text: formatError(null, 'invalid-request') });
    const bad = '{"jsonrpc":"2.0","id":"i","method":"fetch_bundle","params":{}}';
    assert.deepEqual(answer(bad), { reason: 'invalid-params', text: formatError('i', 'invalid-params') });
    assert.deepEqual(answer(bad.replace('"id":"i",', '')), {});
    assert.deepEqual(answer(formatRequest(publish({ head, one_time }))), {});
    assert.deepEqual(answer(formatRequest(fetchOf(CAROL))), {});
    assert.deepEqual(answer(formatRequest({ method: 'leave', params: { room_id: ROOM } })), {});
    assert.equal(alice.closed, undefined);
    assert.equal(call(stage, BOB, fetchOf(ALICE)).reason, undefined);
  });
});

describe('AD8: a call in the name of a peer', () => {
  const mine = bundleOf('mallory', 1);
  const exchange: ClientRequest = { method: 'exchange_bundles', params: { room_id: ROOM, peer_id: BOB, ...mine } };
  const inHerName = [publish(mine), REMOVE, exchange, fetchOf(BOB)];
  const refused = { reason: 'token-invalid', text: formatError(null, 'token-invalid') };

  function assertRefused(stage: Stage, peerId = ALICE): void {
    for (const nonce of [proofOf(BOB), new Uint8Array(16)]) {
      for (const request of inHerName) assert.deepEqual(call(stage, peerId, request, nonce), refused, request.method);
      assert.deepEqual(stage.call(peerId, 'x', nonce), refused, 'whatever is called');
      // what a token is worth is said to notifications, too
      assert.deepEqual(stage.call(peerId, formatRequest(REMOVE), nonce), refused);
    }
  }

  function published(): { readonly stage: Stage; readonly alice: MemorySocket; readonly bob: MemorySocket } {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    stage.ask(alice, publish({ head, one_time }));
    bob.take();
    stage.ask(bob, publish(bundleOf('bob', 2)));
    return { stage, alice, bob };
  }

  it('that is here is refused to who has not its nonce, and changes and hands out nothing; its own page goes on', () => {
    const { stage, alice, bob } = published();
    assertRefused(stage);
    assert.deepEqual([alice.take(), bob.take(), alice.closed], [[], [], undefined]);
    const hers = { peer_id: ALICE, head, one_time: nth(one_time, 0) };
    assert.deepEqual(call(stage, BOB, fetchOf(ALICE)), { text: formatResult(1, hers) });
    const { head: bobs, one_time: blobs } = bundleOf('bob', 2);
    const his = { peer_id: BOB, head: bobs, one_time: nth(blobs, 0) };
    assert.deepEqual(call(stage, ALICE, fetchOf(BOB)), { text: formatResult(1, his) }, 'taken by nobody else');
    for (const own of [publish(bundleOf('alice', 1, 2)), REMOVE]) {
      assert.deepEqual(call(stage, ALICE, own), { text: formatResult(1, {}) });
    }
  });

  it('is refused after a sleep of the room as well', () => {
    const { stage } = published();
    stage.sleep();
    assertRefused(stage);
    assert.deepEqual(call(stage, ALICE, REMOVE), { text: formatResult(1, {}) });
  });

  it('whose seat is kept is refused; when that is over there is nothing that could be done in its name', () => {
    const { stage, alice, bob } = published();
    stage.gone(alice);
    assertRefused(stage);
    const heads = { text: formatResult(1, { peer_id: BOB, head: bundleOf('bob', 0).head }) };
    assert.deepEqual(call(stage, ALICE, fetchOf(BOB)), heads, 'its own page is handed what any page is');
    stage.nowMs += RING_AGE_MAX_MS + 1;
    stage.answeredAtMs.set(bob, stage.nowMs);
    const unknown = { reason: 'peer-unknown', text: formatError(1, 'peer-unknown') };
    for (const request of [publish(mine), REMOVE, exchange]) {
      assert.deepEqual(call(stage, ALICE, request, proofOf(BOB)), unknown);
    }
    assert.deepEqual(call(stage, ALICE, fetchOf(BOB), proofOf(BOB)), heads);
  });

  it('that waits outside is refused, and costs what any call costs', async () => {
    const stage = new HostedStage(await createHostedTestRoom());
    await stage.act('knock');
    stage.enter(CAROL);
    const refusals = Array.from({ length: HTTP_CALLS_BURST + 1 }, () => stage.call(CAROL, 'x', proofOf(BOB)).reason);
    assert.deepEqual(refusals, [...Array<string>(HTTP_CALLS_BURST).fill('not-admitted'), 'rate-limited']);
  });
});

describe('AD11, AD12: a call where the door is not open', () => {
  const refused = { reason: 'not-admitted', text: formatError(null, 'not-admitted') };

  async function hosted(): Promise<{
    stage: HostedStage;
    bob: MemorySocket;
    hears: (from: PeerId, nonce?: Bytes) => CallAnswer;
  }> {
    const stage = new HostedStage(await createHostedTestRoom());
    const bob = stage.enter(BOB);
    const room_id = stage.hosted.roomId;
    stage.alice.take();
    stage.ask(stage.alice, { method: 'publish_bundle', params: { room_id, head, one_time: [] } });
    bob.take();
    const fetch: ClientRequest = { method: 'fetch_bundle', params: { room_id, peer_id: ALICE } };
    return { stage, bob, hears: (from, nonce) => call(stage, from, fetch, nonce) };
  }
  const told = { text: formatResult(1, { peer_id: ALICE, head }) };

  for (const action of ['lock', 'knock'] as const) {
    it(`(${action}) tells nobody who would not come in who is there, not even by how it is refused`, async () => {
      const { stage, bob, hears } = await hosted();
      assert.deepEqual(hears(STRANGER), told);
      await stage.act(action);
      if (action === 'knock') stage.enter(CAROL);
      for (const outsider of [STRANGER, CAROL]) assert.deepEqual(hears(outsider), refused);
      assert.deepEqual(hears(BOB, proofOf(CAROL)), refused, 'in the name of somebody who is in');
      assert.deepEqual(hears(BOB), told);
      stage.gone(bob);
      assert.deepEqual(hears(BOB), told, 'it has a seat');
      assert.deepEqual(hears(BOB, proofOf(CAROL)), refused);
      stage.nowMs += RING_AGE_MAX_MS + 1;
      assert.deepEqual(hears(BOB), told, 'it is expected back');
      await stage.act('open');
      assert.deepEqual(hears(STRANGER), told);
    });
  }

  it('AD14: tells nothing to who was put out, at any door', async () => {
    const { stage, hears } = await hosted();
    await stage.act('kick', BOB);
    assert.deepEqual([hears(BOB), hears(CAROL)], [refused, told]);
    stage.sleep();
    assert.deepEqual(hears(BOB), refused);
  });
});

describe('calls over HTTP', () => {
  it('LM11: 32 at once in a room, then 4 a second, whoever makes them; sockets are not held back by them', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    const passed = (times: number): number => {
      let total = 0;
      for (let n = 0; n < times; n++) {
        const { reason, text } = call(stage, n % 2 ? ALICE : peerIdOf(n % 256), REMOVE);
        if (reason === 'rate-limited') assert.equal(text, formatError(null, 'rate-limited'));
        else total++;
      }
      return total;
    };
    assert.equal(passed(1000), HTTP_CALLS_BURST);
    stage.nowMs += 1000;
    assert.equal(passed(1000), HTTP_CALLS_PER_S);
    for (let i = 0; i < 150; i++) stage.send(alice, toPeer(BOB), i);
    assert.equal(bob.take().length, 150);
    assert.ok(alice.take().every((one) => one.type === 'result'));
    assert.deepEqual([HTTP_CALLS_BURST, HTTP_CALLS_PER_S], [32, 4]);
  });

  it('LM4: wait, too, for what the room as a whole may be asked', () => {
    const stage = new Stage();
    const ids = Array.from({ length: 7 }, (_, n) => peerIdOf(n + 1));
    const sockets = stage.gather(...ids);
    for (let sent = 0; sent < ROOM_MESSAGES_BURST; sent++) {
      const n = sent % sockets.length;
      stage.send(nth(sockets, n), toPeer(nth(ids, (n + 1) % ids.length)));
    }
    assert.equal(call(stage, ALICE, REMOVE).reason, 'rate-limited');
  });
});
