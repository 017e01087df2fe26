/**
 * One room: who is in it, and what passes between them (PROTOCOL.md RL1–RL24, AD7–AD15, LM1–LM17). Sees recipients, sizes and
 * rates, never a body. Pure: sockets and time come in from outside, so that tests run it on sockets in memory.
 *
 * An event that reaches the room for a socket that is not (or no longer) in it does nothing.
 */
import type { PeerId } from '../src/engine/protocol/ids.ts';
import {
  RELAY_TEXT_MAX,
  formatNotification,
  formatResult,
  parseClientText,
  parsePlainText,
} from '../src/engine/protocol/relay.ts';
import type { ClientRequest, PeerPlace, RpcId, Welcome } from '../src/engine/protocol/relay.ts';
import type { KeptPeer } from './attachment.ts';
import { BundleDesk } from './bundle-desk.ts';
import { BUFFERED_DROP_BYTES, RoomBudget, SocketBudget, TEXT_CLOSE_BYTES } from './limits.ts';
import { Members, keptOf, memberOf, placeOf } from './members.ts';
import type { Member, NewMember } from './members.ts';
import { Porch } from './porch.ts';
import { Post } from './post.ts';
import { closeSocket, sizeOf } from './room-socket.ts';
import type { RoomSocket, SocketEnd } from './room-socket.ts';
import { errorAnswer, isBundleRequest } from './room-types.ts';
import type { Arrival, CallAnswer, Caller, EntryRefusal, RoomOptions } from './room-types.ts';
import { Silence } from './silence.ts';
import { Voice } from './voice.ts';

export type { Arrival, CallAnswer, Caller, EntryRefusal, RoomOptions } from './room-types.ts';

export class RelayRoom<S extends RoomSocket> {
  readonly #options: RoomOptions<S>;
  readonly #members = new Members<S>();
  readonly #voice = new Voice<S>((member, reason) => this.#dismiss(member, reason));
  readonly #bundles = new BundleDesk(this.#members, (owner) => this.#tellPublished(owner));
  readonly #budget = new RoomBudget();
  readonly #porch: Porch<S>;
  readonly #post: Post<S>;
  readonly #silence: Silence<S>;

  constructor(options: RoomOptions<S>) {
    this.#options = options;
    const { roomId, ep, answeredAtMs } = options;
    this.#post = new Post({
      roomId,
      ep,
      members: this.#members,
      offer: (target, text) => this.#voice.offer(target, text),
    });
    this.#silence = new Silence({
      everybody: () => [...this.#members.list(), ...this.#porch.outside.list()],
      answeredAtMs,
      probe: (member) =>
        this.#voice.tell([member], formatNotification({ method: 'probe', params: { room_id: roomId } })),
      onLost: (member, nowMs) => this.#dismissLost(member, nowMs),
    });
    this.#porch = new Porch({
      ...options,
      seats: this.#post,
      verify: options.verifyHost,
      members: this.#members,
      letIn: (member, nowMs) => this.#letIn(member, nowMs),
      dismiss: (member, reason) => this.#dismiss(member, reason),
      tell: (targets, text) => this.#voice.tell(targets, text),
      save: (member) => this.#save(member),
    });
  }

  /** Takes up a socket that was admitted before this instance began. Nothing is told to anyone. */
  restore(socket: S, kept: KeptPeer): void {
    this.#porch.restore(kept.record);
    this.#add(
      socket,
      { ...kept, waiting: kept.waiting && { ...kept.waiting, place: undefined } },
      new SocketBudget(),
      0,
    );
  }

  /**
   * Asked once before each `enter`: takes silent sockets out of the room, and the price of an admission from a bucket, which is another
   * for those who come back: strangers must not be able to keep them out (LM8).
   * A peer that is here needs no place, as it replaces its own socket; which only its own page can (AD8).
   */
  refusalOf(peerId: PeerId, nowMs: number, arrival: Arrival): EntryRefusal | undefined {
    this.#silence.look(nowMs);
    const refusal = this.#porch.refusalOf(peerId, arrival, nowMs);
    if (refusal) return refusal;
    if (!this.#members.get(peerId) && this.#members.size >= this.#options.maxPeers) return 'room-full';
    const { admissions, returns } = this.#budget;
    const bucket = this.#porch.isExpected(peerId, arrival, nowMs) ? returns : admissions;
    return bucket.take(1, nowMs) ? undefined : 'rate-limited';
  }

  /** Into the room, or outside to wait where its host wants to be asked (AD12). Only for who was not refused. */
  enter(socket: S, peerId: PeerId, joinNumberShown: number, nowMs: number, arrival: Arrival): void {
    if (this.#porch.mustWait(peerId, arrival, nowMs)) this.#wait(socket, peerId, joinNumberShown, nowMs, arrival);
    else this.admit(socket, peerId, joinNumberShown, nowMs, arrival);
  }

  /**
   * Lets a peer in whose token was checked and who was not refused, and tells it and the others. A live socket
   * of the same peer is replaced without the others noticing. `place`: where a peer that is back is in our messages (RL21).
   */
  admit(
    socket: S,
    peerId: PeerId,
    joinNumberShown: number,
    nowMs: number,
    { proof, isHost, place }: Arrival,
    budget = new SocketBudget(),
  ): PeerPlace {
    const old = this.#members.get(peerId);
    const seat = old ?? this.#post.takeSeat(peerId, joinNumberShown, nowMs);
    // The others know a replaced peer by its number already; its budget goes on, or reconnecting would refill it; and
    // so do its pre-keys, whose private halves are in the page still.
    const joinNumber = old?.joinNumber ?? this.#members.joinNumber(joinNumberShown, nowMs);
    const shelf = old?.shelf.record;
    if (old) this.#remove(old, 'replaced');
    this.#replaceOutside(peerId);
    const kept = { peerId, joinNumber, admittedMs: nowMs, shelf, proof, isHost, waiting: undefined };
    const member = this.#add(socket, kept, old?.budget ?? budget, seat?.n ?? 0);
    this.#porch.entered(member);
    this.#save(member);
    const welcome = this.#welcome(member);
    const params = joinNumberShown === 0 ? this.#bundles.withBundles(welcome) : welcome;
    this.#voice.tell([member], formatNotification({ method: 'welcome', params }));
    // before anything newer is said to it; and only to who knows the number of this join
    if (place) this.#post.catchUp(member, place, seat?.joinNumber === joinNumberShown, nowMs);
    this.#porch.tellWaiting(member);
    const own = placeOf(member);
    if (!old) this.#voice.tell(this.#members.list(member), formatNotification({ method: 'peer_joined', params: own }));
    return own;
  }

  /** A frame from a socket; binary ones are none of ours. */
  receive(socket: S, data: string | ArrayBuffer, nowMs: number): void | Promise<void> {
    const member = this.#of(socket);
    if (!member) return;
    member.heardMs = nowMs;
    this.#silence.lookNowAndThen(nowMs);
    // nearly all; that it is ASCII is known by then
    const plain = typeof data === 'string' ? parsePlainText(data) : undefined;
    const bytes = plain && typeof data === 'string' ? data.length : sizeOf(data);
    if (bytes > TEXT_CLOSE_BYTES) return this.#dismiss(member, 'too-large');
    const { messages, outside } = this.#budget;
    const verdict = member.budget.judge(bytes, member.waiting ? outside : messages, nowMs);
    if (verdict === 'close') return this.#dismiss(member, 'rate-limited');
    if (verdict === 'drop') return;
    if (verdict === 'refuse') {
      // Told even where no answer was asked for: it is about the socket, and its owner should slow down.
      const parsed = plain ?? (typeof data === 'string' ? parseClientText(data) : undefined);
      return this.#voice.answerError(member, parsed?.id ?? null, 'rate-limited');
    }
    if (typeof data !== 'string') return this.#voice.fault(member, null, 'invalid-request');
    if (bytes > RELAY_TEXT_MAX) return this.#voice.fault(member, null, 'too-large');
    const parsed = plain ?? parseClientText(data);
    if (parsed.type === 'fault') return this.#voice.fault(member, parsed.id, parsed.reason);
    return this.#handle(member, parsed.request, parsed.id, nowMs);
  }

  /**
   * RL20: a call over HTTP of a peer whose token was checked, and which need not have a socket here. It is paid from the
   * room's own buckets and never from those of the peer's socket: whoever holds the link can make a token in its name. Such
   * a token is found out by its nonce alone (AD8), and refused before anything is done in that name; so is who would not be let in.
   */
  call({ peerId, nonce }: Caller, text: string, nowMs: number): CallAnswer {
    const { calls, messages } = this.#budget;
    if (!calls.take(1, nowMs) || !messages.take(1, nowMs)) return errorAnswer(null, 'rate-limited');
    const refusal = this.#porch.callRefusalOf(peerId, { proof: nonce, isHost: false }, nowMs);
    if (refusal) return errorAnswer(null, refusal);
    const parsed = parseClientText(text);
    if (parsed.type === 'fault') return errorAnswer(parsed.id, parsed.reason);
    const { request, id } = parsed;
    if (!isBundleRequest(request)) return errorAnswer(id, 'method-not-found');
    if (request.params.room_id !== this.#options.roomId) return errorAnswer(id, 'room-mismatch');
    const outcome = this.#bundles.handle(peerId, request, id !== undefined);
    if ('reason' in outcome) return errorAnswer(id, outcome.reason);
    return id === undefined ? {} : { text: formatResult(id, outcome.result) };
  }

  /** A socket has ended by itself. Its peer may be back soon: what is meant for it is kept (RL21). */
  gone(socket: S, nowMs: number): void {
    const member = this.#of(socket);
    if (!member) return;
    this.#forget(member);
    // who waits outside has been told nothing, and has no seat
    if (!member.waiting) this.#post.keepSeat(member, nowMs);
    this.#depart(member, false);
  }

  #handle(member: Member<S>, request: ClientRequest, id: RpcId | undefined, nowMs: number): void | Promise<void> {
    if (request.params.room_id !== this.#options.roomId) return this.#voice.fault(member, id, 'room-mismatch');
    const isForWaiting = request.method === 'knock' || request.method === 'leave';
    if (member.waiting && !isForWaiting) return this.#voice.fault(member, id, 'not-admitted');
    switch (request.method) {
      case 'join':
        if (request.params.peer_id !== member.peerId) return this.#voice.fault(member, id, 'peer-mismatch');
        return this.#voice.answer(member, id, this.#welcome(member));
      case 'leave':
        this.#voice.answer(member, id, {});
        return this.#dismiss(member, 'left');
      case 'relay_message':
        return this.#forward(member, request.params.target_peer_id, request.params.payload, id, nowMs);
      case 'resume':
        if (member.socket.bufferedAmount > BUFFERED_DROP_BYTES) return this.#voice.askAgain(member, id);
        this.#post.catchUp(member, request.params, true, nowMs);
        return this.#voice.answer(member, id, {});
      case 'knock': {
        const reason = this.#porch.knock(member, request.params.note);
        if (reason === 'invalid-params') return this.#voice.fault(member, id, reason);
        return reason ? this.#voice.answerError(member, id, reason) : this.#voice.answer(member, id, {});
      }
      case 'host_statement':
        return this.#takeStatement(member, request.params.statement, id, nowMs);
      case 'publish_bundle':
      case 'fetch_bundle':
      case 'delete_bundle':
      case 'exchange_bundles': {
        const outcome = this.#bundles.handle(member.peerId, request, id !== undefined);
        if ('reason' in outcome) return this.#voice.answerError(member, id, outcome.reason);
        return this.#voice.answer(member, id, outcome.result);
      }
    }
  }

  #forward(sender: Member<S>, to: PeerId, payload: string, id: RpcId | undefined, nowMs: number): void {
    const reason = this.#post.forward(sender, to, payload, nowMs);
    if (reason) this.#voice.answerError(sender, id, reason);
    else this.#voice.answer(sender, id, {});
  }

  /** RL19: those that came in later and have found nothing. */
  #tellPublished(owner: Member<S>): void {
    const later = this.#members.list(owner).filter((member) => member.joinNumber > owner.joinNumber);
    this.#voice.tell(later, formatNotification({ method: 'bundle_published', params: { peer_id: owner.peerId } }));
  }

  async #takeStatement(member: Member<S>, text: string, id: RpcId | undefined, nowMs: number): Promise<void> {
    // AD9: before it costs a signature, or the host one of its own statements (LM17)
    if (!member.isHost) return this.#voice.fault(member, id, 'host-invalid');
    const { reason, data } = await this.#porch.takeStatement(text, member.peerId, nowMs);
    // it may have gone while the signature was checked
    if (this.#of(member.socket) !== member) return;
    if (reason === 'host-invalid') this.#voice.fault(member, id, reason);
    else if (reason) this.#voice.answerError(member, id, reason, data);
    else this.#voice.answer(member, id, {});
  }

  #welcome(member: Member<S>): Welcome {
    const { roomId, ep, iceServers, turn } = this.#options;
    const { door } = this.#porch.record;
    const peers = this.#members
      .list(member)
      .map((other) => placeOf(other))
      .toSorted((a, b) => a.join_number - b.join_number);
    const welcome = { room_id: roomId, ...placeOf(member), ep, peers, ice_servers: iceServers };
    return { ...welcome, ...(turn && { turn }), ...(door !== 'open' && { door }) };
  }

  /** AD12: outside, with what it had knocked with before where it comes back to wait. */
  #wait(socket: S, peerId: PeerId, joinNumberShown: number, nowMs: number, arrival: Arrival): void {
    const { roomId, ep } = this.#options;
    const { proof, isHost, place } = arrival;
    const old = this.#porch.outside.get(peerId);
    if (old) this.#remove(old, 'replaced');
    else this.#porch.makeRoom();
    const waiting = { note: old?.waiting?.note, place };
    const kept = {
      peerId,
      joinNumber: joinNumberShown,
      admittedMs: nowMs,
      proof,
      isHost,
      waiting,
    };
    const member = this.#add(socket, kept, old?.budget ?? new SocketBudget(), 0);
    this.#save(member);
    const params = { room_id: roomId, peer_id: peerId, ep };
    this.#voice.tell([member], formatNotification({ method: 'waiting', params }));
  }

  /** Who has waited, and comes in otherwise: as the host, or since the door is open to it. */
  #replaceOutside(peerId: PeerId): void {
    const waiting = this.#porch.outside.get(peerId);
    if (!waiting) return;
    this.#remove(waiting, 'replaced');
    this.#depart(waiting, true);
  }

  #letIn(member: Member<S>, nowMs: number): void {
    const { socket, peerId, joinNumber, proof, isHost, waiting, budget } = member;
    this.#porch.outside.remove(member);
    this.admit(socket, peerId, joinNumber, nowMs, { proof, isHost, place: waiting?.place }, budget);
  }

  #of(socket: S): Member<S> | undefined {
    return this.#members.of(socket) ?? this.#porch.outside.of(socket);
  }

  #add(socket: S, kept: Omit<NewMember, 'budget' | 'n'>, budget: SocketBudget, n: number): Member<S> {
    const member = memberOf(socket, { ...kept, budget, n }, (shelf) => this.#save(member, shelf));
    (member.waiting ? this.#porch.outside : this.#members).add(member);
    return member;
  }

  #save(member: Member<S>, shelf?: KeptPeer['shelf']): void {
    this.#options.save(member.socket, { ...keptOf(member, shelf), record: this.#porch.record });
  }

  #forget(member: Member<S>): void {
    (member.waiting ? this.#porch.outside : this.#members).remove(member);
  }

  #remove(member: Member<S>, reason: SocketEnd): void {
    this.#forget(member);
    closeSocket(member.socket, reason);
  }

  /** Does nothing for a member that was dismissed on the way here, for being too far behind. */
  #dismiss(member: Member<S>, reason: SocketEnd): void {
    if (this.#of(member.socket) !== member) return;
    this.#remove(member, reason);
    // who is ended for what it did begins afresh
    if (!member.waiting) this.#post.forget(member.peerId);
    this.#depart(member, reason === 'left' || reason === 'kicked');
  }

  #depart(member: Member<S>, isForGood: boolean): void {
    this.#porch.departed(member, isForGood);
    if (!member.waiting) this.#tellLeft(member);
  }

  /** As if its socket had ended by itself. */
  #dismissLost(member: Member<S>, nowMs: number): void {
    if (this.#of(member.socket) !== member) return;
    closeSocket(member.socket, 'silent');
    this.gone(member.socket, nowMs);
  }

  #tellLeft(member: Member<S>): void {
    const params = { peer_id: member.peerId };
    this.#voice.tell(this.#members.list(member), formatNotification({ method: 'peer_left', params }));
  }
}
