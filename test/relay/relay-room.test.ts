/** RL1–RL6, RL10–RL13, AD7 on sockets in memory: what the room tells whom. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NO_VISITOR } from '../../relay-worker/door-book.ts';
import { FAULTS_MAX } from '../../relay-worker/limits.ts';
import { JOIN_NUMBER_AHEAD_MAX_MS } from '../../relay-worker/members.ts';
import { RPC_ERRORS } from '../../src/engine/protocol/errors.ts';
import type { RpcErrorReason } from '../../src/engine/protocol/errors.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { RELAY_TEXT_MAX, formatRequest } from '../../src/engine/protocol/relay.ts';
import type { ClientRequest, RpcId } from '../../src/engine/protocol/relay.ts';
import { MemorySocket } from '../helpers/memory-socket.ts';
import { ALICE, BOB, CAROL, ROOM, roomIdOf } from '../helpers/samples.ts';
import { ICE_SERVERS, NOW_MS, Stage, errorOf, leftOf, nth, toPeer } from './room-stage.ts';

describe('coming in', () => {
  it('RL1: the newcomer is welcomed with all that are here, and they are told of it', () => {
    const stage = new Stage();
    const alice = stage.enter(ALICE);
    const bob = stage.enter(BOB);
    const own = { room_id: ROOM, ep: 'ep-1', ice_servers: ICE_SERVERS };
    const first = { peer_id: ALICE, join_number: NOW_MS };
    const second = { peer_id: BOB, join_number: NOW_MS + 1 };
    assert.deepEqual(alice.take(), [
      { type: 'notification', method: 'welcome', params: { ...own, ...first, peers: [] } },
      { type: 'notification', method: 'peer_joined', params: second },
    ]);
    assert.deepEqual(bob.take(), [
      { type: 'notification', method: 'welcome', params: { ...own, ...second, peers: [first] } },
    ]);
  });

  it('RL2: join answers the same again and changes nothing', () => {
    const stage = new Stage();
    const alice = stage.enter(ALICE);
    const bob = stage.enter(BOB);
    const welcome = nth(bob.take(), 0);
    alice.take();
    const join: ClientRequest = { method: 'join', params: { room_id: ROOM, peer_id: BOB } };
    stage.send(bob, join, 'j');
    stage.send(bob, join, 'k');
    stage.send(bob, join);
    assert.ok(welcome.type === 'notification');
    assert.deepEqual(bob.take(), [
      { type: 'result', id: 'j', result: welcome.params },
      { type: 'result', id: 'k', result: welcome.params },
    ]);
    assert.deepEqual(alice.take(), []);
  });

  it('AD7: numbers grow with every newcomer, whatever the clock does', () => {
    const stage = new Stage();
    const numbers = [NOW_MS, NOW_MS, NOW_MS - 5000, NOW_MS + 5000].map((nowMs, index) => {
      return stage.room.admit(
        new MemorySocket(),
        nth([ALICE, BOB, CAROL, `0x${'dd'.repeat(16)}` as PeerId], index),
        0,
        nowMs,
        NO_VISITOR,
      ).join_number;
    });
    assert.deepEqual(numbers, [NOW_MS, NOW_MS + 1, NOW_MS + 2, NOW_MS + 5000]);
  });

  it('AD7: a number that is shown again is kept, unless it is another’s or from the future', () => {
    const stage = new Stage();
    const number = (peerId: PeerId, shown: number): number =>
      stage.room.admit(new MemorySocket(), peerId, shown, NOW_MS, NO_VISITOR).join_number;
    assert.equal(number(ALICE, 17), 17);
    assert.equal(number(BOB, 17), NOW_MS);
    assert.equal(number(CAROL, NOW_MS + JOIN_NUMBER_AHEAD_MAX_MS + 1), NOW_MS + 1);
  });

  it('RL5: a live socket of the same peer is replaced, and the others see nothing', () => {
    const stage = new Stage({ maxPeers: 2 });
    const [old, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    assert.equal(stage.refusalOf(ALICE), undefined);
    const again = stage.enter(ALICE, 12_345);
    assert.deepEqual(old.closed, { code: 4004, reason: 'replaced' });
    const welcome = nth(again.take(), 0);
    assert.ok(welcome.type === 'notification' && welcome.method === 'welcome');
    assert.equal(welcome.params.join_number, NOW_MS, 'the number that the others know');
    stage.gone(old);
    stage.receive(old, formatRequest(toPeer(BOB)));
    assert.deepEqual([old.take(), bob.take()], [[], []]);
    stage.send(bob, toPeer(ALICE));
    assert.equal(again.take().length, 1);
  });

  it('RL6: a room that slept goes on with the places of its sockets', () => {
    const stage = new Stage();
    const alice = stage.enter(ALICE, 5);
    const bob = stage.enter(BOB, 6);
    alice.take();
    bob.take();
    stage.sleep();
    assert.deepEqual([alice.take(), bob.take()], [[], []]);
    stage.send(alice, toPeer(BOB), 1);
    assert.deepEqual(alice.take(), [{ type: 'result', id: 1, result: {} }]);
    assert.equal(bob.take().length, 1);
    const carol = stage.enter(CAROL);
    const welcome = nth(carol.take(), 0);
    assert.ok(welcome.type === 'notification' && welcome.method === 'welcome');
    assert.deepEqual(
      welcome.params.peers.map((peer) => peer.join_number),
      [5, 6],
    );
  });
});

describe('passing on', () => {
  it('RL3: a payload goes to its target alone, as it is, with its sender, a count and the instance', () => {
    const stage = new Stage();
    const [alice, bob, carol] = stage.gather(ALICE, BOB, CAROL) as [MemorySocket, MemorySocket, MemorySocket];
    stage.send(alice, toPeer(BOB, 'first-_'), 'm');
    stage.send(carol, toPeer(BOB, 'second'));
    const message = { room_id: ROOM, ep: 'ep-1' };
    assert.deepEqual(bob.take(), [
      {
        type: 'notification',
        method: 'relay_message',
        params: { ...message, sender_peer_id: ALICE, payload: 'first-_', n: 1 },
      },
      {
        type: 'notification',
        method: 'relay_message',
        params: { ...message, sender_peer_id: CAROL, payload: 'second', n: 2 },
      },
    ]);
    assert.deepEqual(alice.take(), [{ type: 'result', id: 'm', result: {} }]);
    assert.deepEqual(carol.take(), []);
  });

  it('RL3: nobody to pass it to, or oneself, is peer-unknown', () => {
    const stage = new Stage();
    const [alice] = stage.gather(ALICE) as [MemorySocket];
    stage.send(alice, toPeer(BOB), 1);
    stage.send(alice, toPeer(ALICE), 2);
    assert.deepEqual(alice.take(), [errorOf(1, 'peer-unknown'), errorOf(2, 'peer-unknown')]);
  });

  it('RL4: what has no id is never answered', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    stage.send(alice, toPeer(BOB));
    stage.send(alice, toPeer(CAROL));
    stage.send(alice, { method: 'join', params: { room_id: ROOM, peer_id: CAROL } });
    stage.receive(alice, '{"jsonrpc":"2.0","method":"nothing"}');
    stage.receive(alice, '{"jsonrpc":"2.0","method":"join","params":{}}');
    assert.deepEqual(alice.take(), []);
    assert.equal(bob.take().length, 1);
  });

  it('RL13: a foreign room or another peer’s name is refused', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    const foreign = roomIdOf(0xbb);
    stage.send(alice, { method: 'join', params: { room_id: foreign, peer_id: ALICE } }, 1);
    stage.send(alice, { method: 'leave', params: { room_id: foreign } }, 2);
    stage.send(alice, { method: 'relay_message', params: { target_peer_id: BOB, room_id: foreign, payload: 'AA' } }, 3);
    stage.send(alice, { method: 'join', params: { room_id: ROOM, peer_id: BOB } }, 4);
    assert.deepEqual(alice.take(), [
      errorOf(1, 'room-mismatch'),
      errorOf(2, 'room-mismatch'),
      errorOf(3, 'room-mismatch'),
      errorOf(4, 'peer-mismatch'),
    ]);
    assert.deepEqual(bob.take(), []);
    assert.equal(alice.closed, undefined);
  });

  it('RL10: leaving is answered, told to the others, and ends the socket', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    stage.send(alice, { method: 'leave', params: { room_id: ROOM } }, 9);
    assert.deepEqual(alice.take(), [{ type: 'result', id: 9, result: {} }]);
    assert.deepEqual(alice.closed, { code: 1000, reason: 'left' });
    stage.gone(alice);
    assert.deepEqual(bob.take(), [leftOf(ALICE)]);
  });

  it('RL10: a socket that is gone is told once; one that cannot be written to harms nobody', () => {
    const stage = new Stage();
    const [alice, bob, carol] = stage.gather(ALICE, BOB, CAROL) as [MemorySocket, MemorySocket, MemorySocket];
    bob.isBroken = true;
    stage.send(alice, toPeer(BOB), 1);
    stage.gone(alice);
    stage.gone(alice);
    assert.deepEqual(carol.take(), [leftOf(ALICE)]);
  });
});

describe('bad input', () => {
  it('RL11: each kind is answered by its own code, and nothing of what was sent', () => {
    const stage = new Stage();
    const [alice] = stage.gather(ALICE) as [MemorySocket];
    const cases: readonly (readonly [string | ArrayBuffer, RpcId | null, RpcErrorReason])[] = [
      ['SECRET{', null, 'parse-error'],
      ['[{"jsonrpc":"2.0","id":1,"method":"join"}]', null, 'invalid-request'],
      ['{"jsonrpc":"1.0","id":2,"method":"join"}', 2, 'invalid-request'],
      ['{"jsonrpc":"2.0","id":3,"method":"SECRET"}', 3, 'method-not-found'],
      ['{"jsonrpc":"2.0","id":4,"method":"join","params":["SECRET"]}', 4, 'invalid-params'],
      [new ArrayBuffer(8), null, 'invalid-request'],
      ['x'.repeat(RELAY_TEXT_MAX + 1), null, 'too-large'],
    ];
    for (const [data, id, reason] of cases) {
      stage.receive(alice, data);
      const texts = alice.takeTexts();
      assert.deepEqual(
        texts.map((text) => JSON.parse(text)),
        [{ jsonrpc: '2.0', id, error: { code: RPC_ERRORS[reason], message: reason, data: { reason } } }],
      );
    }
    assert.equal(alice.closed, undefined);
  });

  it('RL12: 31 faults are borne, the 32nd ends the socket; unknown peers are no fault', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    for (let i = 0; i < 40; i++) stage.send(alice, toPeer(CAROL), i);
    for (let i = 1; i < FAULTS_MAX; i++) stage.receive(alice, 'x');
    assert.equal(alice.closed, undefined);
    stage.receive(alice, 'x');
    assert.deepEqual(alice.closed, { code: 4007, reason: 'bad-input' });
    assert.equal(alice.take().filter((one) => one.type === 'error' && one.reason === 'parse-error').length, 32);
    assert.deepEqual(bob.take(), [leftOf(ALICE)]);
  });
});
