/** RL1–RL6, RL10–RL13, AD7, LM1, LM5–LM7 on sockets in memory: what the room tells whom. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BEHIND_CLOSE_BYTES, BUFFERED_DROP_BYTES, FAULTS_MAX, TEXT_CLOSE_BYTES } from '../../relay-worker/limits.ts';
import { JOIN_NUMBER_AHEAD_MAX_MS, RelayRoom } from '../../relay-worker/relay-room.ts';
import { RPC_ERRORS } from '../../src/engine/protocol/errors.ts';
import type { RpcErrorReason } from '../../src/engine/protocol/errors.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { RELAY_TEXT_MAX, formatRequest } from '../../src/engine/protocol/relay.ts';
import type { ClientRequest, RelayMessage, RpcId } from '../../src/engine/protocol/relay.ts';
import { MemorySocket } from '../helpers/memory-socket.ts';
import { ALICE, BOB, CAROL, ROOM, roomIdOf } from '../helpers/samples.ts';

const NOW_MS = 1_800_000_000_000;
const ICE_SERVERS = [{ urls: ['stun:stun.example'] }];

class Stage {
  nowMs = NOW_MS;
  readonly room: RelayRoom<MemorySocket>;

  constructor(maxPeers = 8) {
    this.room = new RelayRoom({ roomId: ROOM, ep: 'ep-1', maxPeers, iceServers: ICE_SERVERS });
  }

  /** A peer that is let in; its `welcome` is still to be taken. */
  enter(peerId: PeerId, joinNumberShown = 0): MemorySocket {
    const socket = new MemorySocket();
    this.room.admit(socket, peerId, joinNumberShown, this.nowMs);
    return socket;
  }

  /** Peers that have taken all that was said to them while they came in. */
  gather(...peerIds: readonly PeerId[]): MemorySocket[] {
    const sockets = peerIds.map((peerId) => this.enter(peerId));
    for (const socket of sockets) socket.take();
    return sockets;
  }

  receive(socket: MemorySocket, data: string | ArrayBuffer): void {
    this.room.receive(socket, data, this.nowMs);
  }

  send(socket: MemorySocket, request: ClientRequest, id?: RpcId): void {
    this.receive(socket, formatRequest(request, id));
  }
}

function toPeer(target: PeerId, payload = 'AQID'): ClientRequest {
  return { method: 'relay_message', params: { target_peer_id: target, room_id: ROOM, payload } };
}

function errorOf(id: RpcId | null, reason: RpcErrorReason): RelayMessage {
  return { type: 'error', id, code: RPC_ERRORS[reason], reason };
}

function leftOf(peerId: PeerId): RelayMessage {
  return { type: 'notification', method: 'peer_left', params: { peer_id: peerId } };
}

function nth<T>(list: readonly T[], index: number): T {
  const item = list[index];
  assert.ok(item !== undefined);
  return item;
}

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
      ).join_number;
    });
    assert.deepEqual(numbers, [NOW_MS, NOW_MS + 1, NOW_MS + 2, NOW_MS + 5000]);
  });

  it('AD7: a number that is shown again is kept, unless it is another’s or from the future', () => {
    const stage = new Stage();
    const number = (peerId: PeerId, shown: number): number =>
      stage.room.admit(new MemorySocket(), peerId, shown, NOW_MS).join_number;
    assert.equal(number(ALICE, 17), 17);
    assert.equal(number(BOB, 17), NOW_MS);
    assert.equal(number(CAROL, NOW_MS + JOIN_NUMBER_AHEAD_MAX_MS + 1), NOW_MS + 1);
  });

  it('RL5: a live socket of the same peer is replaced, and the others see nothing', () => {
    const stage = new Stage(2);
    const [old, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    assert.equal(stage.room.hasPlaceFor(ALICE), true);
    const again = stage.enter(ALICE, 12_345);
    assert.deepEqual(old.closed, { code: 4004, reason: 'replaced' });
    const welcome = nth(again.take(), 0);
    assert.ok(welcome.type === 'notification' && welcome.method === 'welcome');
    assert.equal(welcome.params.join_number, NOW_MS, 'the number that the others know');
    stage.room.gone(old);
    stage.receive(old, formatRequest(toPeer(BOB)));
    assert.deepEqual([old.take(), bob.take()], [[], []]);
    stage.send(bob, toPeer(ALICE));
    assert.equal(again.take().length, 1);
  });

  it('LM7: there is no place beyond the limit until somebody leaves', () => {
    const stage = new Stage(2);
    const [alice] = stage.gather(ALICE, BOB) as [MemorySocket];
    assert.equal(stage.room.hasPlaceFor(CAROL), false);
    stage.room.gone(alice);
    assert.equal(stage.room.hasPlaceFor(CAROL), true);
  });

  it('RL6: a room that slept goes on with the places of its sockets', () => {
    const stage = new Stage();
    const alice = new MemorySocket();
    const bob = new MemorySocket();
    stage.room.restore(alice, { peer_id: ALICE, join_number: 5 });
    stage.room.restore(bob, { peer_id: BOB, join_number: 6 });
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
    stage.room.gone(alice);
    assert.deepEqual(bob.take(), [leftOf(ALICE)]);
  });

  it('RL10: a socket that is gone is told once; one that cannot be written to harms nobody', () => {
    const stage = new Stage();
    const [alice, bob, carol] = stage.gather(ALICE, BOB, CAROL) as [MemorySocket, MemorySocket, MemorySocket];
    bob.isBroken = true;
    stage.send(alice, toPeer(BOB), 1);
    stage.room.gone(alice);
    stage.room.gone(alice);
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

  it('LM1: a text of 1 MiB is answered, a longer one ends the socket', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    stage.receive(alice, 'x'.repeat(TEXT_CLOSE_BYTES));
    assert.deepEqual(alice.take(), [errorOf(null, 'too-large')]);
    stage.receive(alice, 'x'.repeat(TEXT_CLOSE_BYTES + 1));
    assert.deepEqual(alice.closed, { code: 4006, reason: 'too-large' });
    stage.receive(bob, new ArrayBuffer(TEXT_CLOSE_BYTES + 1));
    assert.deepEqual(bob.closed, { code: 4006, reason: 'too-large' });
  });

  it('LM5: over the rate is told with the request’s id, then the flooder is closed; a replaced socket goes on counting', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    for (let i = 0; i < 155; i++) stage.send(alice, toPeer(BOB), i);
    const refused = alice.take().filter((one) => one.type === 'error');
    assert.deepEqual(
      refused,
      [150, 151, 152, 153, 154].map((id) => errorOf(id, 'rate-limited')),
    );
    assert.equal(bob.take().length, 150);

    const again = stage.enter(ALICE);
    again.take();
    stage.send(again, toPeer(BOB), 'x');
    assert.deepEqual(again.take(), [errorOf('x', 'rate-limited')]);
    for (let i = 0; i < 1000; i++) stage.send(again, toPeer(BOB));
    assert.deepEqual(again.closed, { code: 4005, reason: 'rate-limited' });
    assert.deepEqual(bob.take(), [leftOf(ALICE)]);
  });

  it('LM6: a peer that does not read gets no more, and is closed when it is 1 MiB behind', () => {
    const stage = new Stage();
    const [alice, bob, carol] = stage.gather(ALICE, BOB, CAROL) as [MemorySocket, MemorySocket, MemorySocket];
    const payload = 'A'.repeat(60_000);
    bob.bufferedAmount = BUFFERED_DROP_BYTES + 1;
    stage.send(alice, toPeer(BOB, payload), 1);
    assert.deepEqual(alice.take(), [errorOf(1, 'rate-limited')]);
    assert.deepEqual(bob.take(), []);

    bob.bufferedAmount = 0;
    stage.send(alice, toPeer(BOB), 2);
    const seen = nth(bob.take(), 0);
    assert.ok(seen.type === 'notification' && seen.method === 'relay_message');
    assert.equal(seen.params.n, 2, 'the hole can be seen');

    bob.bufferedAmount = BUFFERED_DROP_BYTES + 1;
    const untilClosed = Math.ceil((BEHIND_CLOSE_BYTES - BUFFERED_DROP_BYTES) / payload.length);
    for (let i = 1; i < untilClosed; i++) stage.send(alice, toPeer(BOB, payload));
    assert.equal(bob.closed, undefined);
    stage.send(alice, toPeer(BOB, payload));
    assert.deepEqual(bob.closed, { code: 4008, reason: 'slow-reader' });
    assert.deepEqual(carol.take(), [leftOf(BOB)]);
  });
});
