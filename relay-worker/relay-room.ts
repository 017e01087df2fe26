/**
 * One room: who is in it, and what passes between them (PROTOCOL.md RL1–RL20, AD7–AD15, LM1–LM17). Sees recipients, sizes and
 * rates, never a body. Pure: sockets and time come in from outside, so that tests run it on sockets in memory.
 *
 * An event that reaches the room for a socket that is not (or no longer) in it does nothing.
 */
import type { RpcErrorReason } from '../src/engine/protocol/errors.ts';
import type { PeerId } from '../src/engine/protocol/ids.ts';
import {
  RELAY_TEXT_MAX,
  formatError,
  formatNotification,
  formatResult,
  parseClientText,
} from '../src/engine/protocol/relay.ts';
import type { ClientRequest, ErrorData, PeerPlace, RpcId, RpcResult, Welcome } from '../src/engine/protocol/relay.ts';
import type { KeptPeer } from './attachment.ts';
import { BundleDesk } from './bundle-desk.ts';
import { BundleShelf, EMPTY_SHELF } from './bundle-shelf.ts';
import type { ShelfRecord } from './bundle-shelf.ts';
import { NO_VISITOR } from './door-book.ts';
import type { Visitor } from './door-book.ts';
import {
  BUFFERED_DROP_BYTES,
  FAULTS_MAX,
  HTTP_CALLS_BURST,
  HTTP_CALLS_PER_S,
  ROOM_ADMISSIONS_BURST,
  ROOM_ADMISSIONS_PER_S,
  ROOM_MESSAGES_BURST,
  ROOM_MESSAGES_PER_S,
  SILENCE_LOOK_EVERY_MS,
  SILENCE_MAX_MS,
  SocketBudget,
  TEXT_CLOSE_BYTES,
  bucketOf,
} from './limits.ts';
import { Members, isBehind, placeOf } from './members.ts';
import type { Member } from './members.ts';
import { Porch } from './porch.ts';
import { closeSocket, send, sizeOf } from './room-socket.ts';
import type { RoomSocket, SocketEnd } from './room-socket.ts';
import { errorAnswer, isBundleRequest } from './room-types.ts';
import type { CallAnswer, EntryRefusal, RoomOptions } from './room-types.ts';

export type { CallAnswer, EntryRefusal, RoomOptions } from './room-types.ts';

export class RelayRoom<S extends RoomSocket> {
  readonly #options: RoomOptions<S>;
  readonly #members = new Members<S>();
  readonly #bundles = new BundleDesk(this.#members, (owner) => this.#tellPublished(owner));
  readonly #messages = bucketOf(ROOM_MESSAGES_PER_S, ROOM_MESSAGES_BURST);
  readonly #admissions = bucketOf(ROOM_ADMISSIONS_PER_S, ROOM_ADMISSIONS_BURST);
  readonly #calls = bucketOf(HTTP_CALLS_PER_S, HTTP_CALLS_BURST);
  readonly #porch: Porch<S>;
  #lookedMs = 0;

  constructor(options: RoomOptions<S>) {
    this.#options = options;
    this.#porch = new Porch({
      ...options,
      verify: options.verifyHost,
      members: this.#members,
      letIn: (member, nowMs) => this.#letIn(member, nowMs),
      dismiss: (member, reason) => this.#dismiss(member, reason),
      tell: (targets, text) => this.#tell(targets, text),
      save: (member) => this.#save(member),
    });
  }

  /** Takes up a socket that was admitted before this instance began. Nothing is told to anyone. */
  restore(socket: S, kept: KeptPeer): void {
    this.#porch.restore(kept.record);
    this.#add(socket, kept, new SocketBudget());
  }

  /**
   * Asked once before each `enter`: takes silent sockets out of the room, and the price of an admission from its bucket.
   * A peer that is here needs no place, as it replaces its own socket; which only its own page can (AD8).
   */
  refusalOf(peerId: PeerId, nowMs: number, visitor: Visitor = NO_VISITOR): EntryRefusal | undefined {
    this.#dismissSilent(nowMs);
    const refusal = this.#porch.refusalOf(peerId, visitor);
    if (refusal) return refusal;
    if (!this.#members.get(peerId) && this.#members.size >= this.#options.maxPeers) return 'room-full';
    return this.#admissions.take(1, nowMs) ? undefined : 'rate-limited';
  }

  /** Into the room, or outside to wait where its host wants to be asked (AD12). Only for who was not refused. */
  enter(socket: S, peerId: PeerId, joinNumberShown: number, nowMs: number, visitor: Visitor): void {
    if (this.#porch.mustWait(peerId, visitor)) this.#wait(socket, peerId, joinNumberShown, nowMs, visitor);
    else this.admit(socket, peerId, joinNumberShown, nowMs, visitor);
  }

  /**
   * Lets a peer in whose token was checked and who was not refused, and tells it and the others. A live socket
   * of the same peer is replaced without the others noticing.
   */
  admit(
    socket: S,
    peerId: PeerId,
    joinNumberShown: number,
    nowMs: number,
    { proof, isHost }: Visitor = NO_VISITOR,
    budget = new SocketBudget(),
  ): PeerPlace {
    const old = this.#members.get(peerId);
    // The others know a replaced peer by its number already; its budget goes on, or reconnecting would refill it; and
    // so do its pre-keys, whose private halves are in the page still.
    const joinNumber = old?.joinNumber ?? this.#members.joinNumber(joinNumberShown, nowMs);
    const shelf = old?.shelf.record ?? EMPTY_SHELF;
    if (old) this.#remove(old, 'replaced');
    const place = { peerId, joinNumber, admittedMs: nowMs, shelf, proof, isHost, waiting: undefined };
    const member = this.#add(socket, place, old?.budget ?? budget);
    this.#porch.entered(member);
    this.#save(member);
    const welcome = this.#welcome(member);
    const params = joinNumberShown === 0 ? this.#bundles.withBundles(welcome) : welcome;
    this.#tell([member], formatNotification({ method: 'welcome', params }));
    this.#porch.tellWaiting(member);
    if (!old) {
      const joined = formatNotification({ method: 'peer_joined', params: placeOf(member) });
      this.#tell(this.#members.list(member), joined);
    }
    return placeOf(member);
  }

  /** A frame from a socket; binary ones are none of ours. */
  receive(socket: S, data: string | ArrayBuffer, nowMs: number): void | Promise<void> {
    const member = this.#of(socket);
    if (!member) return;
    member.heardMs = nowMs;
    if (Math.abs(nowMs - this.#lookedMs) >= SILENCE_LOOK_EVERY_MS) this.#dismissSilent(nowMs);
    const bytes = sizeOf(data);
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
    if (bytes > RELAY_TEXT_MAX) return this.#fault(member, null, 'too-large');
    const parsed = parseClientText(data);
    if (parsed.type === 'fault') return this.#fault(member, parsed.id, parsed.reason);
    return this.#handle(member, parsed.request, parsed.id, nowMs);
  }

  /**
   * RL20: a call over HTTP of a peer whose token was checked, and which need not have a socket here. It is paid from the
   * room's own buckets and never from those of the peer's socket: whoever holds the link can make a token in its name.
   */
  call(peerId: PeerId, text: string, nowMs: number): CallAnswer {
    if (!this.#calls.take(1, nowMs) || !this.#messages.take(1, nowMs)) return errorAnswer(null, 'rate-limited');
    const parsed = parseClientText(text);
    if (parsed.type === 'fault') return errorAnswer(parsed.id, parsed.reason);
    const { request, id } = parsed;
    if (!isBundleRequest(request)) return errorAnswer(id, 'method-not-found');
    if (request.params.room_id !== this.#options.roomId) return errorAnswer(id, 'room-mismatch');
    const outcome = this.#bundles.handle(peerId, request, id !== undefined);
    if ('reason' in outcome) return errorAnswer(id, outcome.reason);
    return id === undefined ? {} : { text: formatResult(id, outcome.result) };
  }

  /** A socket has ended by itself. */
  gone(socket: S): void {
    const member = this.#of(socket);
    if (!member) return;
    this.#forget(member);
    this.#depart(member, false);
  }

  #handle(member: Member<S>, request: ClientRequest, id: RpcId | undefined, nowMs: number): void | Promise<void> {
    if (request.params.room_id !== this.#options.roomId) return this.#fault(member, id, 'room-mismatch');
    const isForWaiting = request.method === 'knock' || request.method === 'leave';
    if (member.waiting && !isForWaiting) return this.#fault(member, id, 'not-admitted');
    switch (request.method) {
      case 'join':
        if (request.params.peer_id !== member.peerId) return this.#fault(member, id, 'peer-mismatch');
        return this.#answer(member, id, this.#welcome(member));
      case 'leave':
        this.#answer(member, id, {});
        return this.#dismiss(member, 'left');
      case 'relay_message':
        return this.#forward(member, request.params.target_peer_id, request.params.payload, id);
      case 'knock': {
        const reason = this.#porch.knock(member, request.params.note);
        if (reason === 'invalid-params') return this.#fault(member, id, reason);
        return reason ? this.#answerError(member, id, reason) : this.#answer(member, id, {});
      }
      case 'host_statement':
        return this.#takeStatement(member, request.params.statement, id, nowMs);
      case 'publish_bundle':
      case 'fetch_bundle':
      case 'delete_bundle':
      case 'exchange_bundles': {
        const outcome = this.#bundles.handle(member.peerId, request, id !== undefined);
        if ('reason' in outcome) return this.#answerError(member, id, outcome.reason);
        return this.#answer(member, id, outcome.result);
      }
    }
  }

  #forward(sender: Member<S>, targetPeerId: PeerId, payload: string, id: RpcId | undefined): void {
    const target = this.#members.get(targetPeerId);
    if (!target || target === sender) return this.#answerError(sender, id, 'peer-unknown');
    target.n++;
    const { roomId, ep } = this.#options;
    const params = { sender_peer_id: sender.peerId, room_id: roomId, payload, n: target.n, ep };
    const isTaken = this.#offer(target, formatNotification({ method: 'relay_message', params }));
    if (isTaken) this.#answer(sender, id, {});
    else this.#answerError(sender, id, 'rate-limited');
  }

  /** RL19: those that came in later and have found nothing. */
  #tellPublished(owner: Member<S>): void {
    const later = this.#members.list(owner).filter((member) => member.joinNumber > owner.joinNumber);
    this.#tell(later, formatNotification({ method: 'bundle_published', params: { peer_id: owner.peerId } }));
  }

  async #takeStatement(member: Member<S>, text: string, id: RpcId | undefined, nowMs: number): Promise<void> {
    const { reason, data } = await this.#porch.takeStatement(text, member.peerId, nowMs);
    // it may have gone while the signature was checked
    if (this.#of(member.socket) !== member) return;
    if (reason === 'host-invalid') this.#fault(member, id, reason);
    else if (reason) this.#answerError(member, id, reason, data);
    else this.#answer(member, id, {});
  }

  #welcome(member: Member<S>): Welcome {
    const { roomId, ep, iceServers } = this.#options;
    const { door } = this.#porch.record;
    const peers = this.#members
      .list(member)
      .map((other) => placeOf(other))
      .toSorted((a, b) => a.join_number - b.join_number);
    const welcome = { room_id: roomId, ...placeOf(member), ep, peers, ice_servers: iceServers };
    return door === 'open' ? welcome : { ...welcome, door };
  }

  /** AD12: outside, with what it had knocked with before where it comes back to wait. */
  #wait(socket: S, peerId: PeerId, joinNumberShown: number, nowMs: number, { proof, isHost }: Visitor): void {
    const { roomId, ep } = this.#options;
    const old = this.#porch.outside.get(peerId);
    if (old) this.#remove(old, 'replaced');
    const waiting = { note: old?.waiting?.note };
    const place = {
      peerId,
      joinNumber: joinNumberShown,
      admittedMs: nowMs,
      shelf: EMPTY_SHELF,
      proof,
      isHost,
      waiting,
    };
    const member = this.#add(socket, place, old?.budget ?? new SocketBudget());
    this.#save(member);
    const params = { room_id: roomId, peer_id: peerId, ep };
    this.#tell([member], formatNotification({ method: 'waiting', params }));
  }

  #letIn(member: Member<S>, nowMs: number): void {
    this.#porch.outside.remove(member);
    this.admit(member.socket, member.peerId, member.joinNumber, nowMs, member, member.budget);
  }

  #of(socket: S): Member<S> | undefined {
    return this.#members.of(socket) ?? this.#porch.outside.of(socket);
  }

  #add(socket: S, kept: Omit<KeptPeer, 'record'>, budget: SocketBudget): Member<S> {
    const { peerId, joinNumber, admittedMs, proof, isHost, waiting } = kept;
    const shelf = new BundleShelf(kept.shelf, (changed: ShelfRecord) => this.#save(member, changed));
    const counts = { heardMs: admittedMs, faults: 0, n: 0, droppedBytes: 0 };
    const member: Member<S> = {
      socket,
      peerId,
      joinNumber,
      admittedMs,
      proof,
      isHost,
      waiting,
      budget,
      shelf,
      ...counts,
    };
    (waiting ? this.#porch.outside : this.#members).add(member);
    return member;
  }

  #save(member: Member<S>, shelf: ShelfRecord = member.shelf.record): void {
    const { socket, peerId, joinNumber, admittedMs, proof, isHost, waiting } = member;
    const { record } = this.#porch;
    this.#options.save(socket, { peerId, joinNumber, admittedMs, proof, isHost, waiting, shelf, record });
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
    this.#depart(member, reason === 'left' || reason === 'kicked');
  }

  #depart(member: Member<S>, isForGood: boolean): void {
    this.#porch.departed(member, isForGood);
    if (!member.waiting) this.#tellLeft(member);
  }

  /** LM9: without it a half-open socket would keep its place, and be seen by the others, for as long as the room lives. */
  #dismissSilent(nowMs: number): void {
    this.#lookedMs = nowMs;
    for (const member of [...this.#members.list(), ...this.#porch.outside.list()]) {
      const lastMs = Math.max(member.heardMs, this.#options.answeredAtMs(member.socket) ?? 0);
      if (nowMs - lastMs > SILENCE_MAX_MS) this.#dismiss(member, 'silent');
    }
  }

  #fault(member: Member<S>, id: RpcId | null | undefined, reason: RpcErrorReason): void {
    this.#answerError(member, id, reason);
    member.faults++;
    if (member.faults >= FAULTS_MAX) this.#dismiss(member, 'bad-input');
  }

  #answer(member: Member<S>, id: RpcId | undefined, result: RpcResult): void {
    if (id !== undefined) this.#offer(member, formatResult(id, result));
  }

  #answerError(member: Member<S>, id: RpcId | null | undefined, reason: RpcErrorReason, data?: ErrorData): void {
    if (id !== undefined) this.#offer(member, formatError(id, reason, data));
  }

  #tellLeft(member: Member<S>): void {
    const params = { peer_id: member.peerId };
    this.#tell(this.#members.list(member), formatNotification({ method: 'peer_left', params }));
  }

  /** LM6 for what must not be missing: waits with the rest. Who is too far behind leaves only when all have been told. */
  #tell(targets: readonly Member<S>[], text: string): void {
    for (const target of targets) send(target.socket, text);
    for (const target of targets) if (isBehind(target)) this.#dismiss(target, 'slow-reader');
  }

  /** LM6 for everything else: `false` where it was dropped. */
  #offer(target: Member<S>, text: string): boolean {
    if (target.socket.bufferedAmount <= BUFFERED_DROP_BYTES) {
      target.droppedBytes = 0;
      send(target.socket, text);
      return true;
    }
    target.droppedBytes += text.length;
    if (isBehind(target)) this.#dismiss(target, 'slow-reader');
    return false;
  }
}
