/** RL20, LM11 without HTTP: what a call does that comes without a socket. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HTTP_CALLS_BURST, HTTP_CALLS_PER_S, ROOM_MESSAGES_BURST } from '../../relay-worker/limits.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { formatError, formatRequest, formatResult } from '../../src/engine/protocol/relay.ts';
import type { ClientRequest } from '../../src/engine/protocol/relay.ts';
import type { MemorySocket } from '../helpers/memory-socket.ts';
import { ALICE, BOB, CAROL, REQUESTS, ROOM, peerIdOf, roomIdOf } from '../helpers/samples.ts';
import { Stage, bundleOf, fetchOf, nth, publish, toPeer } from './room-stage.ts';

const REMOVE: ClientRequest = { method: 'delete_bundle', params: { room_id: ROOM } };
const STRANGER = peerIdOf(0x99);
const { head, one_time } = bundleOf('alice', 2);

function call(stage: Stage, peerId: PeerId, request: ClientRequest): ReturnType<Stage['room']['call']> {
  return stage.room.call(peerId, formatRequest(request, 1), stage.nowMs);
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
    const answer = (text: string): unknown => stage.room.call(ALICE, text, stage.nowMs);
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
