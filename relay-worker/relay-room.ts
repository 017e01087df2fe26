/**
 * One room: who is in it, and what passes between them (PROTOCOL.md RL1–RL13). Sees recipients, sizes and rates,
 * never a body. Pure: sockets and time come in from outside, so that tests run it on sockets in memory.
 *
 * An event that reaches the room for a socket that is not (or no longer) in it does nothing.
 */
import { CLOSE_CODES } from '../src/engine/protocol/errors.ts';
import type { CloseReason, RpcErrorReason } from '../src/engine/protocol/errors.ts';
import type { PeerId, RoomId } from '../src/engine/protocol/ids.ts';
import { formatError, formatNotification, formatResult, parseClientText } from '../src/engine/protocol/relay.ts';
import type { ClientRequest, IceServer, PeerPlace, RpcId, Welcome } from '../src/engine/protocol/relay.ts';
import {
  BEHIND_CLOSE_BYTES,
  BUFFERED_DROP_BYTES,
  FAULTS_MAX,
  ROOM_MESSAGES_BURST,
  ROOM_MESSAGES_PER_S,
  SocketBudget,
  TEXT_CLOSE_BYTES,
  TokenBucket,
} from './limits.ts';

/** How far ahead of our clock a join number may lie that a returning peer shows: numbers are times, so none is later. */
export const JOIN_NUMBER_AHEAD_MAX_MS = 60_000;

/** The part of a WebSocket that the room needs. `send` may throw on a socket that is ending. */
export type RoomSocket = {
  /** Bytes that wait for the other side to read. */
  readonly bufferedAmount: number;
  send(text: string): void;
  close(code: number, reason: string): void;
};

export type RoomOptions = {
  readonly roomId: RoomId;
  /** Names this instance; after a restart or a sleep it is another, and `n` starts again. */
  readonly ep: string;
  readonly maxPeers: number;
  readonly iceServers: readonly IceServer[];
};

type Member<S> = {
  readonly socket: S;
  readonly peerId: PeerId;
  readonly joinNumber: number;
  readonly budget: SocketBudget;
  faults: number;
  /** `n` of the last message that was meant for this socket, dropped ones included: a hole in it can be seen. */
  n: number;
  /** Of messages that were not forwarded because this socket does not read; forgotten once it has read. */
  droppedBytes: number;
};

export class RelayRoom<S extends RoomSocket> {
  readonly #options: RoomOptions;
  readonly #bySocket = new Map<S, Member<S>>();
  readonly #byPeer = new Map<PeerId, Member<S>>();
  readonly #messages = new TokenBucket(ROOM_MESSAGES_PER_S, ROOM_MESSAGES_BURST);

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  /** Takes up a socket that was admitted before this instance began. Nothing is told to anyone. */
  restore(socket: S, place: PeerPlace): void {
    this.#add(socket, place, new SocketBudget());
  }

  /** A peer that is here already may always replace its own socket. */
  hasPlaceFor(peerId: PeerId): boolean {
    return this.#byPeer.has(peerId) || this.#byPeer.size < this.#options.maxPeers;
  }

  /**
   * Lets a peer in whose token was checked and for whom there is a place, and tells it and the others. A live socket
   * of the same peer is replaced without the others noticing.
   */
  admit(socket: S, peerId: PeerId, joinNumberShown: number, nowMs: number): PeerPlace {
    const old = this.#byPeer.get(peerId);
    // The others know a replaced peer by its number already; and its budget goes on, or reconnecting would refill it.
    const place = {
      peer_id: peerId,
      join_number: old?.joinNumber ?? this.#joinNumber(joinNumberShown, nowMs),
    };
    if (old) this.#remove(old, 'replaced');
    const member = this.#add(socket, place, old?.budget ?? new SocketBudget());
    send(socket, formatNotification({ method: 'welcome', params: this.#welcome(member) }));
    if (!old) this.#tellOthers(member, formatNotification({ method: 'peer_joined', params: place }));
    return place;
  }

  /** A frame from a socket; binary ones are none of ours. */
  receive(socket: S, data: string | ArrayBuffer, nowMs: number): void {
    const member = this.#bySocket.get(socket);
    if (!member) return;
    const bytes = typeof data === 'string' ? data.length : data.byteLength;
    if (bytes > TEXT_CLOSE_BYTES) return this.#dismiss(member, 'too-large');
    const verdict = member.budget.judge(bytes, this.#messages, nowMs);
    if (verdict === 'close') return this.#dismiss(member, 'rate-limited');
    if (verdict === 'drop') return;
    if (verdict === 'refuse') {
      // Told even where no answer was asked for: it is about the socket, and its owner should slow down.
      const parsed = typeof data === 'string' ? parseClientText(data) : undefined;
      return this.#answerError(member, parsed?.id ?? null, 'rate-limited');
    }
    if (typeof data !== 'string') return this.#fault(member, null, 'invalid-request');
    const parsed = parseClientText(data);
    if (parsed.type === 'fault') return this.#fault(member, parsed.id, parsed.reason);
    this.#handle(member, parsed.request, parsed.id);
  }

  /** A socket has ended by itself. */
  gone(socket: S): void {
    const member = this.#bySocket.get(socket);
    if (!member) return;
    this.#bySocket.delete(socket);
    this.#byPeer.delete(member.peerId);
    this.#tellLeft(member);
  }

  #handle(member: Member<S>, request: ClientRequest, id: RpcId | undefined): void {
    if (request.params.room_id !== this.#options.roomId) return this.#fault(member, id, 'room-mismatch');
    switch (request.method) {
      case 'join':
        if (request.params.peer_id !== member.peerId) return this.#fault(member, id, 'peer-mismatch');
        if (id !== undefined) send(member.socket, formatResult(id, this.#welcome(member)));
        return;
      case 'leave':
        this.#answerDone(member, id);
        return this.#dismiss(member, 'left');
      case 'relay_message':
        return this.#forward(member, request.params.target_peer_id, request.params.payload, id);
    }
  }

  #forward(sender: Member<S>, targetPeerId: PeerId, payload: string, id: RpcId | undefined): void {
    const target = this.#byPeer.get(targetPeerId);
    if (!target || target === sender) return this.#answerError(sender, id, 'peer-unknown');
    target.n++;
    const waiting = target.socket.bufferedAmount;
    if (waiting > BUFFERED_DROP_BYTES) {
      target.droppedBytes += payload.length;
      if (waiting + target.droppedBytes > BEHIND_CLOSE_BYTES) this.#dismiss(target, 'slow-reader');
      return this.#answerError(sender, id, 'rate-limited');
    }
    target.droppedBytes = 0;
    const { roomId, ep } = this.#options;
    const params = { sender_peer_id: sender.peerId, room_id: roomId, payload, n: target.n, ep };
    send(target.socket, formatNotification({ method: 'relay_message', params }));
    this.#answerDone(sender, id);
  }

  #welcome(member: Member<S>): Welcome {
    const { roomId, ep, iceServers } = this.#options;
    const peers = [...this.#byPeer.values()]
      .filter((other) => other !== member)
      .map((other) => placeOf(other))
      .toSorted((a, b) => a.join_number - b.join_number);
    return { room_id: roomId, ...placeOf(member), ep, peers, ice_servers: iceServers };
  }

  /** A number that was shown is kept while it is nobody else's; a new one is above all others. */
  #joinNumber(shown: number, nowMs: number): number {
    const taken = [...this.#byPeer.values()].map((member) => member.joinNumber);
    const isPlausible = shown > 0 && shown <= nowMs + JOIN_NUMBER_AHEAD_MAX_MS;
    return isPlausible && !taken.includes(shown) ? shown : Math.max(nowMs, ...taken.map((number) => number + 1));
  }

  #add(socket: S, place: PeerPlace, budget: SocketBudget): Member<S> {
    const member = {
      socket,
      peerId: place.peer_id,
      joinNumber: place.join_number,
      budget,
      faults: 0,
      n: 0,
      droppedBytes: 0,
    };
    this.#bySocket.set(socket, member);
    this.#byPeer.set(place.peer_id, member);
    return member;
  }

  #remove(member: Member<S>, reason: CloseReason): void {
    this.#bySocket.delete(member.socket);
    this.#byPeer.delete(member.peerId);
    closeSocket(member.socket, reason);
  }

  #dismiss(member: Member<S>, reason: CloseReason): void {
    this.#remove(member, reason);
    this.#tellLeft(member);
  }

  #fault(member: Member<S>, id: RpcId | null | undefined, reason: RpcErrorReason): void {
    this.#answerError(member, id, reason);
    member.faults++;
    if (member.faults >= FAULTS_MAX) this.#dismiss(member, 'bad-input');
  }

  #answerDone(member: Member<S>, id: RpcId | undefined): void {
    if (id !== undefined) send(member.socket, formatResult(id, {}));
  }

  #answerError(member: Member<S>, id: RpcId | null | undefined, reason: RpcErrorReason): void {
    if (id !== undefined) send(member.socket, formatError(id, reason));
  }

  #tellLeft(member: Member<S>): void {
    this.#tellOthers(member, formatNotification({ method: 'peer_left', params: { peer_id: member.peerId } }));
  }

  #tellOthers(member: Member<S>, text: string): void {
    for (const other of this.#byPeer.values()) if (other !== member) send(other.socket, text);
  }
}

function placeOf(member: Member<unknown>): PeerPlace {
  return { peer_id: member.peerId, join_number: member.joinNumber };
}

function send(socket: RoomSocket, text: string): void {
  try {
    socket.send(text);
  } catch {
    // The socket is ending and will say so itself; the others must not suffer from it.
  }
}

function closeSocket(socket: RoomSocket, reason: CloseReason): void {
  try {
    socket.close(CLOSE_CODES[reason], reason);
  } catch {
    // Already closed.
  }
}
