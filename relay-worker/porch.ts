/**
 * Before a room's door (PROTOCOL.md AD8–AD15, LM16): who waits there for the host's word, and what the host's statements
 * do. Who waits is told nothing of the room, and nothing is forwarded to or from it but its own knock, to hosts.
 */
import { equalBytes, fromBase64Url, toBase64Url } from '../src/engine/protocol/bytes.ts';
import type { Bytes } from '../src/engine/protocol/bytes.ts';
import type { RpcErrorReason } from '../src/engine/protocol/errors.ts';
import { DOOR_AFTER } from '../src/engine/protocol/host.ts';
import type { HostStatement } from '../src/engine/protocol/host.ts';
import type { PeerId } from '../src/engine/protocol/ids.ts';
import { formatNotification } from '../src/engine/protocol/relay.ts';
import type { ErrorData } from '../src/engine/protocol/relay.ts';
import { DoorBook } from './door-book.ts';
import type { DoorRecord, Visitor } from './door-book.ts';
import { HostDesk } from './host-desk.ts';
import type { HostDeskOptions } from './host-desk.ts';
import { WAITING_MAX } from './limits.ts';
import { Members } from './members.ts';
import type { Member } from './members.ts';
import type { SocketEnd } from './room-socket.ts';

/** The part of the post that knows who is away for a moment. */
export type Seats = {
  proofOfSeat(peerId: PeerId, nowMs: number): Bytes | undefined;
  forget(peerId: PeerId): void;
};

export type PorchOptions<S> = HostDeskOptions & {
  readonly members: Members<S>;
  readonly maxPeers: number;
  /** RL21: who has just lost its socket is in as far as the door is concerned. */
  readonly seats: Seats;
  /** From outside into the room. */
  letIn(member: Member<S>, nowMs: number): void;
  dismiss(member: Member<S>, reason: SocketEnd): void;
  /** What must not be missed. */
  tell(targets: readonly Member<S>[], text: string): void;
  save(member: Member<S>): void;
};

export type PorchRefusal = 'token-invalid' | 'kicked' | 'room-locked' | 'room-full';

export type Taken = { readonly reason?: RpcErrorReason; readonly data?: ErrorData };

export class Porch<S> {
  readonly outside = new Members<S>();
  readonly #options: PorchOptions<S>;
  readonly #book = new DoorBook();
  readonly #desk: HostDesk;
  /** Signatures are not checked in the order in which they came, and what is said last has to stand. */
  #statements: Promise<unknown> = Promise.resolve();

  constructor(options: PorchOptions<S>) {
    this.#options = options;
    this.#desk = new HostDesk(options);
  }

  get record(): DoorRecord {
    return this.#book.record;
  }

  /** All sockets of a room keep the same record. */
  restore(record: DoorRecord): void {
    this.#book.record = record;
  }

  refusalOf(peerId: PeerId, visitor: Visitor, nowMs: number): PorchRefusal | undefined {
    if (this.#isAnothers(peerId, visitor.proof, nowMs)) return 'token-invalid';
    const waiting = this.outside.get(peerId);
    const refusal = this.#book.refusalOf(peerId, this.isExpected(peerId, visitor, nowMs));
    if (refusal) return refusal;
    const isOneMore = !waiting && this.mustWait(peerId, visitor, nowMs);
    return isOneMore && this.outside.size >= WAITING_MAX && !this.#hasNotKnocked() ? 'room-full' : undefined;
  }

  /**
   * RL20: of a call without a socket. What is there is told to nobody whom the door would not let in now; and by one word, whosever
   * name it is made in, or the word would tell who is in.
   */
  callRefusalOf(peerId: PeerId, visitor: Visitor, nowMs: number): 'not-admitted' | 'token-invalid' | undefined {
    const isShut = this.#book.refusalOf(peerId, this.isExpected(peerId, visitor, nowMs)) !== undefined;
    if (isShut || this.mustWait(peerId, visitor, nowMs)) return 'not-admitted';
    return this.#isAnothers(peerId, visitor.proof, nowMs) ? 'token-invalid' : undefined;
  }

  /** The host; or who is in the room, has a seat, or is expected back, by its proof. */
  isExpected(peerId: PeerId, { proof, isHost }: Visitor, nowMs: number): boolean {
    const known = this.#proofOf(peerId, nowMs);
    return isHost || (known !== undefined && equalBytes(known, proof));
  }

  /** LM16: for one more outside, who has not knocked gives way: whoever does not ask for the host's word need not wait for it. */
  makeRoom(): void {
    const idle = this.outside.size >= WAITING_MAX ? this.#hasNotKnocked() : undefined;
    if (idle) this.#options.dismiss(idle, 'room-full');
  }

  mustWait(peerId: PeerId, visitor: Visitor, nowMs: number): boolean {
    return this.#book.door === 'knock' && !this.isExpected(peerId, visitor, nowMs);
  }

  /** It is in the room, and not expected any more. */
  entered({ peerId }: Member<S>): void {
    if (this.#book.forget(peerId)) this.#saveAll();
  }

  /** A host hears who waits. */
  tellWaiting(member: Member<S>): void {
    if (!member.isHost) return;
    for (const waiting of this.outside.list()) this.#tellKnock([member], waiting);
  }

  /** It has lost its socket (and will be expected back), or has left for good. */
  departed(member: Member<S>, isForGood: boolean): void {
    if (member.waiting) return this.#endKnock(member);
    // without a host nothing is ever locked
    if (!this.#options.verify) return;
    if (isForGood) this.#book.forget(member.peerId);
    else this.#book.expect(member.peerId, member.proof);
    // at an open door too: it may be shut before they are back
    this.#saveAll();
  }

  /** AD12. Once for each socket; who was let in meanwhile has no need to. */
  knock(member: Member<S>, text: string): 'invalid-params' | 'rate-limited' | undefined {
    const note = fromBase64Url(text);
    if (!note) return 'invalid-params';
    if (!member.waiting) return undefined;
    if (member.waiting.note) return 'rate-limited';
    member.waiting = { ...member.waiting, note };
    this.#options.save(member);
    this.#tellKnock(this.#hosts(), member);
    return undefined;
  }

  /** `from`: the peer over whose socket it came. Without a reason it was carried out. */
  takeStatement(text: string, from: PeerId, nowMs: number): Promise<Taken> {
    const taken = this.#statements.then(() => this.#take(text, from, nowMs));
    this.#statements = taken.catch(() => undefined);
    return taken;
  }

  async #take(text: string, from: PeerId, nowMs: number): Promise<Taken> {
    const verdict = await this.#desk.judge(text, from, nowMs);
    if (verdict.type === 'bad') return verdict;
    const reason = this.#carryOut(verdict.statement, text, nowMs);
    return reason ? { reason } : {};
  }

  #carryOut({ claims }: HostStatement, text: string, nowMs: number): RpcErrorReason | undefined {
    const { members, maxPeers, seats, letIn, dismiss, tell } = this.#options;
    const { action, target } = claims;
    const waiting = target && this.outside.get(target);
    switch (action) {
      case 'claim':
        return 'host-invalid';
      case 'open':
      case 'knock':
      case 'lock': {
        const door = DOOR_AFTER[action];
        this.#book.setDoor(door);
        this.#saveAll();
        tell(members.list(), formatNotification({ method: 'door_changed', params: { door } }));
        for (const member of door === 'knock' ? [] : this.outside.list()) {
          if (door === 'locked') dismiss(member, 'room-locked');
          else if (members.size < maxPeers) letIn(member, nowMs);
          else dismiss(member, 'room-full');
        }
        return undefined;
      }
      case 'admit':
        if (!waiting) return 'peer-unknown';
        if (members.size >= maxPeers) return 'room-full';
        this.#endKnock(waiting);
        letIn(waiting, nowMs);
        return undefined;
      case 'decline':
        if (!waiting) return 'peer-unknown';
        dismiss(waiting, 'declined');
        return undefined;
      case 'kick': {
        if (!target) return 'host-invalid';
        const inside = members.get(target);
        // told to the one it is about as well, before its socket goes: its page has to know whose word it was
        tell(members.list(), formatNotification({ method: 'peer_kicked', params: { statement: text } }));
        this.#book.kick(target);
        this.#saveAll();
        const kicked = inside ?? waiting;
        if (kicked) dismiss(kicked, 'kicked');
        // also of one that is away: neither its seat nor what was kept for it
        seats.forget(target);
        return undefined;
      }
    }
  }

  /**
   * AD8: somebody else's peer id, whose page is here, was here a moment ago, is expected back, or waits outside. In this order: by
   * standing outside under an id nobody keeps its owner from coming back.
   */
  #isAnothers(peerId: PeerId, proof: Bytes, nowMs: number): boolean {
    const known = this.#proofOf(peerId, nowMs) ?? this.outside.get(peerId)?.proof;
    return known !== undefined && !equalBytes(known, proof);
  }

  #proofOf(peerId: PeerId, nowMs: number): Bytes | undefined {
    const { members, seats } = this.#options;
    return members.get(peerId)?.proof ?? seats.proofOfSeat(peerId, nowMs) ?? this.#book.proofOf(peerId);
  }

  /** Who has stood outside for longest without a word. */
  #hasNotKnocked(): Member<S> | undefined {
    const silent = this.outside.list().filter(({ waiting }) => !waiting?.note);
    return silent.toSorted((a, b) => a.admittedMs - b.admittedMs)[0];
  }

  #hosts(): Member<S>[] {
    return this.#options.members.list().filter(({ isHost }) => isHost);
  }

  #tellKnock(hosts: readonly Member<S>[], { peerId, waiting }: Member<S>): void {
    if (!waiting?.note) return;
    const params = { peer_id: peerId, note: toBase64Url(waiting.note) };
    this.#options.tell(hosts, formatNotification({ method: 'peer_knocked', params }));
  }

  #endKnock({ peerId, waiting }: Member<S>): void {
    if (!waiting?.note) return;
    this.#options.tell(this.#hosts(), formatNotification({ method: 'knock_ended', params: { peer_id: peerId } }));
  }

  #saveAll(): void {
    for (const member of [...this.#options.members.list(), ...this.outside.list()]) this.#options.save(member);
  }
}
