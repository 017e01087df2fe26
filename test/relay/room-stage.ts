/** A room on sockets in memory, its clock in the test's hand, and what its messages look like. */
import assert from 'node:assert/strict';
import { RelayRoom } from '../../relay-worker/relay-room.ts';
import type { EntryRefusal } from '../../relay-worker/relay-room.ts';
import { RPC_ERRORS } from '../../src/engine/protocol/errors.ts';
import type { RpcErrorReason } from '../../src/engine/protocol/errors.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { formatRequest } from '../../src/engine/protocol/relay.ts';
import type { ClientRequest, RelayMessage, RpcId } from '../../src/engine/protocol/relay.ts';
import { MemorySocket } from '../helpers/memory-socket.ts';
import { ROOM } from '../helpers/samples.ts';

export const NOW_MS = 1_800_000_000_000;
export const ICE_SERVERS = [{ urls: ['stun:stun.example'] }];

export class Stage {
  nowMs = NOW_MS;
  /** When the platform answered a ping of a socket; for most it never did. */
  readonly answeredAtMs = new Map<MemorySocket, number>();
  readonly room: RelayRoom<MemorySocket>;

  constructor(maxPeers = 8) {
    this.room = new RelayRoom({
      roomId: ROOM,
      ep: 'ep-1',
      maxPeers,
      iceServers: ICE_SERVERS,
      answeredAtMs: (socket) => this.answeredAtMs.get(socket),
    });
  }

  refusalOf(peerId: PeerId): EntryRefusal | undefined {
    return this.room.refusalOf(peerId, this.nowMs);
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

export function toPeer(target: PeerId, payload = 'AQID'): ClientRequest {
  return { method: 'relay_message', params: { target_peer_id: target, room_id: ROOM, payload } };
}

export function errorOf(id: RpcId | null, reason: RpcErrorReason): RelayMessage {
  return { type: 'error', id, code: RPC_ERRORS[reason], reason };
}

export function leftOf(peerId: PeerId): RelayMessage {
  return { type: 'notification', method: 'peer_left', params: { peer_id: peerId } };
}

export function nth<T>(list: readonly T[], index: number): T {
  const item = list[index];
  assert.ok(item !== undefined);
  return item;
}
