/** Who is in a room, by socket and by peer: one live socket a peer id (PROTOCOL.md RL5). */
import type { Bytes } from '../src/engine/protocol/bytes.ts';
import type { PeerId } from '../src/engine/protocol/ids.ts';
import type { PeerPlace } from '../src/engine/protocol/relay.ts';
import type { StreamPlace } from '../src/engine/protocol/resume.ts';
import type { KeptPeer } from './attachment.ts';
import { BundleShelf, EMPTY_SHELF } from './bundle-shelf.ts';
import type { ShelfRecord } from './bundle-shelf.ts';
import type { Visitor } from './door-book.ts';
import { BEHIND_CLOSE_BYTES } from './limits.ts';
import type { SocketBudget } from './limits.ts';
import type { RoomSocket } from './room-socket.ts';

/** How far ahead of our clock a join number may lie that a returning peer shows: numbers are times, so none is later. */
export const JOIN_NUMBER_AHEAD_MAX_MS = 60_000;

export type Waiting = {
  /** What it has knocked with, if it has. */
  readonly note: Bytes | undefined;
  /** Where it is in our messages, if it was in before; looked at when it is let in (RL21). Forgotten in a sleep, as our messages are. */
  readonly place: StreamPlace | undefined;
};

/** Somebody with a socket: in the room, or (`waiting`) outside. */
export type Member<S> = Visitor & {
  readonly socket: S;
  readonly peerId: PeerId;
  readonly joinNumber: number;
  readonly budget: SocketBudget;
  readonly shelf: BundleShelf;
  readonly admittedMs: number;
  /** Of its admission or its last message; pings do not come this far. */
  heardMs: number;
  faults: number;
  /** When it was last asked for a sign of life; 0 = never. Forgotten in a sleep. */
  probedMs: number;
  /** `n` of the last message that was meant for this peer, dropped ones included: a hole in it can be seen. */
  n: number;
  /** Up to here nothing is said to this socket a second time, however often it asks. */
  replayedTo: number;
  /** Of texts that were not sent because this socket does not read; forgotten once it has read. */
  droppedBytes: number;
  /** While it stands outside. */
  waiting: Waiting | undefined;
};

/** What is known of a member that is added. Without a shelf it has published nothing. */
export type NewMember = Visitor &
  Pick<Member<unknown>, 'peerId' | 'joinNumber' | 'admittedMs' | 'budget' | 'n' | 'waiting'> & {
    readonly shelf?: ShelfRecord | undefined;
  };

/** `saveShelf`: as that of `BundleShelf`. */
export function memberOf<S>(socket: S, added: NewMember, saveShelf: (shelf: ShelfRecord) => void): Member<S> {
  const { peerId, joinNumber, admittedMs, proof, isHost, waiting, budget, n } = added;
  const shelf = new BundleShelf(added.shelf ?? EMPTY_SHELF, saveShelf);
  const counts = { heardMs: admittedMs, probedMs: 0, faults: 0, n, replayedTo: 0, droppedBytes: 0 };
  return { socket, peerId, joinNumber, admittedMs, proof, isHost, waiting, budget, shelf, ...counts };
}

/** What outlives a sleep of the room. `shelf`: one that is about to be the member's. */
export function keptOf<S>(member: Member<S>, shelf: ShelfRecord = member.shelf.record): Omit<KeptPeer, 'record'> {
  const { peerId, joinNumber, admittedMs, proof, isHost, waiting } = member;
  const kept = waiting && { note: waiting.note };
  return { peerId, joinNumber, admittedMs, proof, isHost, waiting: kept, shelf };
}

export class Members<S> {
  readonly #bySocket = new Map<S, Member<S>>();
  readonly #byPeer = new Map<PeerId, Member<S>>();

  get size(): number {
    return this.#byPeer.size;
  }

  get(peerId: PeerId): Member<S> | undefined {
    return this.#byPeer.get(peerId);
  }

  of(socket: S): Member<S> | undefined {
    return this.#bySocket.get(socket);
  }

  /** All, or all but one. Newly made: the room may change while it is walked through. */
  list(except?: Member<S>): Member<S>[] {
    return [...this.#byPeer.values()].filter((member) => member !== except);
  }

  add(member: Member<S>): void {
    this.#bySocket.set(member.socket, member);
    this.#byPeer.set(member.peerId, member);
  }

  remove(member: Member<S>): void {
    this.#bySocket.delete(member.socket);
    this.#byPeer.delete(member.peerId);
  }

  /** AD7: a number that was shown is kept while it is nobody else's; a new one is above all others. */
  joinNumber(shown: number, nowMs: number): number {
    const taken = this.list().map((member) => member.joinNumber);
    const isPlausible = shown > 0 && shown <= nowMs + JOIN_NUMBER_AHEAD_MAX_MS;
    return isPlausible && !taken.includes(shown) ? shown : Math.max(nowMs, ...taken.map((number) => number + 1));
  }
}

/** What waits and what was dropped; our texts are ASCII, but for names in the operator's ICE servers. */
export function isBehind(member: Member<RoomSocket>): boolean {
  return member.socket.bufferedAmount + member.droppedBytes > BEHIND_CLOSE_BYTES;
}

export function placeOf(member: Member<unknown>): PeerPlace {
  return { peer_id: member.peerId, join_number: member.joinNumber };
}
