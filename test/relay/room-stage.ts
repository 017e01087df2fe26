/** A room on sockets in memory, its clock in the test's hand, and what its messages look like. */
import assert from 'node:assert/strict';
import { isSignedByHost } from '../../relay-worker/admission.ts';
import { formatAttachment, parseAttachment } from '../../relay-worker/attachment.ts';
import type { Visitor } from '../../relay-worker/door-book.ts';
import { RelayRoom } from '../../relay-worker/relay-room.ts';
import type { Arrival, CallAnswer, EntryRefusal } from '../../relay-worker/relay-room.ts';
import { toBase64Url } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { RPC_ERRORS } from '../../src/engine/protocol/errors.ts';
import type { RpcErrorReason } from '../../src/engine/protocol/errors.ts';
import { idBytes } from '../../src/engine/protocol/ids.ts';
import type { PeerId, RoomId } from '../../src/engine/protocol/ids.ts';
import {
  BUNDLE_HEAD_MAX_BYTES,
  ONE_TIME_BLOBS_MAX,
  ONE_TIME_BLOB_MAX_BYTES,
} from '../../src/engine/protocol/bundle.ts';
import { formatRequest } from '../../src/engine/protocol/relay.ts';
import type { ClientRequest, IceServer, RelayMessage, RpcId, SealedBundle } from '../../src/engine/protocol/relay.ts';
import { MemorySocket } from '../helpers/memory-socket.ts';
import { ROOM } from '../helpers/samples.ts';

export const NOW_MS = 1_800_000_000_000;
export const ICE_SERVERS = [{ urls: ['stun:stun.example'] }];

/** The proof of a peer that the test says nothing else of: its own id. */
export function proofOf(peerId: PeerId): Bytes {
  return idBytes(peerId);
}

export type StageOptions = {
  readonly maxPeers?: number;
  readonly iceServers?: readonly IceServer[];
  readonly roomId?: RoomId;
  /** What the room's host has to sign with. Left out: a room without host tools. */
  readonly pkHost?: Bytes;
};

export class Stage {
  nowMs = NOW_MS;
  /** When the platform answered a ping of a socket; for most it never did. */
  readonly answeredAtMs = new Map<MemorySocket, number>();
  /** What the platform keeps of each socket, as it was at the last change. */
  readonly attachments = new Map<MemorySocket, Bytes>();
  room: RelayRoom<MemorySocket>;
  readonly #options: StageOptions;
  #ep = 0;

  constructor(options: StageOptions = {}) {
    this.#options = options;
    this.room = this.#wake();
  }

  /** The object is put to sleep and woken: its memory is lost, the sockets and what is attached to them are not. */
  sleep(): void {
    // nothing that was under way outlives the memory it was in
    this.room = this.#wake();
    for (const [socket, bytes] of this.attachments) {
      const kept = socket.closed ? undefined : parseAttachment(bytes);
      if (kept) this.room.restore(socket, kept);
    }
  }

  /** A socket ends by itself. */
  gone(socket: MemorySocket): void {
    this.attachments.delete(socket);
    this.room.gone(socket, this.nowMs);
  }

  refusalOf(peerId: PeerId, visitor: Partial<Visitor> = {}): EntryRefusal | undefined {
    return this.room.refusalOf(peerId, this.nowMs, { proof: proofOf(peerId), isHost: false, ...visitor });
  }

  /** A peer that is let in; its `welcome` is still to be taken. */
  enter(peerId: PeerId, joinNumberShown = 0, arrival: Partial<Arrival> = {}): MemorySocket {
    const socket = new MemorySocket();
    const shown = { proof: proofOf(peerId), isHost: false, ...arrival };
    this.room.enter(socket, peerId, joinNumberShown, this.nowMs, shown);
    return socket;
  }

  /** Peers that have taken all that was said to them while they came in. */
  gather(...peerIds: readonly PeerId[]): MemorySocket[] {
    const sockets = peerIds.map((peerId) => this.enter(peerId));
    for (const socket of sockets) socket.take();
    return sockets;
  }

  receive(socket: MemorySocket, data: string | ArrayBuffer): void | Promise<void> {
    return this.room.receive(socket, data, this.nowMs);
  }

  send(socket: MemorySocket, request: ClientRequest, id?: RpcId): void | Promise<void> {
    return this.receive(socket, formatRequest(request, id));
  }

  /** The one answer to a request over the socket; whatever else was said to it must have been taken before. */
  ask(socket: MemorySocket, request: ClientRequest): RelayMessage {
    void this.send(socket, request, 'asked');
    const [answer, ...rest] = socket.take();
    assert.ok(answer);
    assert.deepEqual(rest, []);
    return answer;
  }

  /** Over HTTP, with the nonce of the peer's own page unless another's is given. */
  call(peerId: PeerId, text: string, nonce = proofOf(peerId)): CallAnswer {
    return this.room.call({ peerId, nonce }, text, this.nowMs);
  }

  get ep(): string {
    return `ep-${this.#ep}`;
  }

  #wake(): RelayRoom<MemorySocket> {
    this.#ep++;
    const { roomId = ROOM, pkHost } = this.#options;
    return new RelayRoom({
      roomId,
      ep: this.ep,
      maxPeers: this.#options.maxPeers ?? 8,
      iceServers: this.#options.iceServers ?? ICE_SERVERS,
      answeredAtMs: (socket) => this.answeredAtMs.get(socket),
      save: (socket, kept) =>
        this.attachments.set(socket, formatAttachment({ ...kept, roomId, pkHost: pkHost ?? new Uint8Array(32) })),
      ...(pkHost && { verifyHost: (statement) => isSignedByHost(pkHost, statement) }),
    });
  }
}

/** A bundle whose blobs tell by themselves whose they are and which. */
export function bundleOf(owner: string, blobs: number, round = 1): SealedBundle {
  const blob = (name: string): string => toBase64Url(new TextEncoder().encode(`${owner} ${round} ${name}`));
  return { head: blob('head'), one_time: Array.from({ length: blobs }, (_, i) => blob(`one-time ${i}`)) };
}

/** The biggest that are allowed. */
export function biggestBundle(): SealedBundle {
  const blob = (bytes: number): string => toBase64Url(new Uint8Array(bytes).fill(0x5a));
  const one_time = Array.from({ length: ONE_TIME_BLOBS_MAX }, () => blob(ONE_TIME_BLOB_MAX_BYTES));
  return { head: blob(BUNDLE_HEAD_MAX_BYTES), one_time };
}

export function publish(bundle: SealedBundle): ClientRequest {
  return { method: 'publish_bundle', params: { room_id: ROOM, ...bundle } };
}

export function fetchOf(peerId: PeerId): ClientRequest {
  return { method: 'fetch_bundle', params: { room_id: ROOM, peer_id: peerId } };
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
