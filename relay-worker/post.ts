/**
 * What the peers of a room say to each other (PROTOCOL.md RL10, RL21–RL24): passed on with a number, and kept for a while, so that who
 * comes back is given what it has missed. Sees recipients and sizes, never a body.
 */
import type { Bytes } from '../src/engine/protocol/bytes.ts';
import type { PeerId, RoomId } from '../src/engine/protocol/ids.ts';
import { formatNotification } from '../src/engine/protocol/relay.ts';
import type { StreamPlace } from '../src/engine/protocol/resume.ts';
import type { Member, Members } from './members.ts';
import { Replay } from './replay.ts';
import type { Seat } from './replay.ts';
import { send } from './room-socket.ts';
import type { RoomSocket } from './room-socket.ts';

export type PostOptions<S> = {
  readonly roomId: RoomId;
  readonly ep: string;
  readonly members: Members<S>;
  /** `false` where it was dropped. */
  offer(target: Member<S>, text: string): boolean;
};

export class Post<S extends RoomSocket> {
  readonly #options: PostOptions<S>;
  readonly #replay = new Replay();

  constructor(options: PostOptions<S>) {
    this.#options = options;
  }

  /** Without a reason it was taken: by the target's socket, or for when it is back. */
  forward(sender: Member<S>, to: PeerId, payload: string, nowMs: number): 'peer-unknown' | 'rate-limited' | undefined {
    const { roomId, ep, members, offer } = this.#options;
    const target = members.get(to);
    if (target === sender) return 'peer-unknown';
    const n = target ? ++target.n : this.#replay.nextAway(to, nowMs);
    if (n === undefined) return 'peer-unknown';
    const params = { sender_peer_id: sender.peerId, room_id: roomId, payload, n, ep };
    const text = formatNotification({ method: 'relay_message', params });
    this.#replay.keep(to, n, text, nowMs);
    return !target || offer(target, text) ? undefined : 'rate-limited';
  }

  /**
   * RL21–RL23: what came after this place, in order, or the news that some of it is lost. Each message is said once more to a socket at
   * most, so that asking for it costs its sender more than us.
   */
  catchUp(member: Member<S>, { ep, n }: StreamPlace, isKnown: boolean, nowMs: number): void {
    const { roomId, ep: ownEp } = this.#options;
    const isOurs = isKnown && ep === ownEp;
    const from = Math.max(n, member.replayedTo);
    const missed = isOurs ? this.#replay.missed(member.peerId, from, member.n, nowMs) : undefined;
    for (const text of missed ?? []) send(member.socket, text);
    member.replayedTo = member.n;
    if (missed) return;
    const params = { room_id: roomId, ep: ownEp, n: member.n };
    send(member.socket, formatNotification({ method: 'gap', params }));
  }

  /** Its socket has ended by itself. It may be back soon: what is meant for it is kept. */
  keepSeat(member: Member<S>, nowMs: number): void {
    this.#replay.leave(member.peerId, member, nowMs);
  }

  takeSeat(peerId: PeerId, joinNumberShown: number, nowMs: number): Seat | undefined {
    return this.#replay.take(peerId, joinNumberShown, nowMs);
  }

  /** With what a peer was here whose seat is kept (AD8). */
  proofOfSeat(peerId: PeerId, nowMs: number): Bytes | undefined {
    return this.#replay.proofOf(peerId, nowMs);
  }

  /** Who was ended for what it did, or put out, begins afresh if at all. */
  forget(peerId: PeerId): void {
    this.#replay.forget(peerId);
  }
}
