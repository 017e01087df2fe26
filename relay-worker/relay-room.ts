/**
 * One room: who is in it, and what passes between them (PROTOCOL.md RL1–RL24, LM1–LM14). Sees recipients, sizes and
 * rates, never a body. Pure: sockets and time come in from outside, so that tests run it on sockets in memory.
 *
 * An event that reaches the room for a socket that is not (or no longer) in it does nothing.
 */
import type { RpcErrorReason } from '../src/engine/protocol/errors.ts';
import type { BundleRequest } from '../src/engine/protocol/bundle.ts';
import type { PeerId, RoomId } from '../src/engine/protocol/ids.ts';
import {
  RELAY_TEXT_MAX,
  formatError,
  formatNotification,
  formatResult,
  parseClientText,
} from '../src/engine/protocol/relay.ts';
import type {
  ClientRequest,
  IceServer,
  PeerPlace,
  RpcId,
  RpcResult,
  TurnOffer,
  Welcome,
} from '../src/engine/protocol/relay.ts';
import type { StreamPlace } from '../src/engine/protocol/resume.ts';
import type { KeptPeer } from './attachment.ts';
import { BundleDesk } from './bundle-desk.ts';
import { BundleShelf, EMPTY_SHELF } from './bundle-shelf.ts';
import type { ShelfRecord } from './bundle-shelf.ts';
import {
  BUFFERED_DROP_BYTES,
  FAULTS_MAX,
  HTTP_CALLS_BURST,
  HTTP_CALLS_PER_S,
  PROBE_WAIT_MS,
  ROOM_ADMISSIONS_BURST,
  ROOM_ADMISSIONS_PER_S,
  ROOM_MESSAGES_BURST,
  ROOM_MESSAGES_PER_S,
  SILENCE_LOOK_EVERY_MS,
  SILENCE_MAX_MS,
  SILENCE_PROBE_MS,
  SocketBudget,
  TEXT_CLOSE_BYTES,
  bucketOf,
} from './limits.ts';
import { Members, isBehind, placeOf } from './members.ts';
import type { Member } from './members.ts';
import { Replay } from './replay.ts';
import { closeSocket, send, sizeOf } from './room-socket.ts';
import type { RoomSocket, SocketEnd } from './room-socket.ts';

/** Why somebody is not let in whose token is good. */
export type EntryRefusal = 'room-full' | 'rate-limited';

export type RoomOptions<S> = {
  readonly roomId: RoomId;
  /** Names this instance; after a restart or a sleep it is another, and `n` starts again. */
  readonly ep: string;
  readonly maxPeers: number;
  readonly iceServers: readonly IceServer[];
  /** Said in `welcome`; by whom and how they are issued is not the room's to know (TU1). */
  readonly turn?: TurnOffer | undefined;
  /** When the platform last answered a ping of this socket for us (RL7). */
  answeredAtMs(socket: S): number | undefined;
  /** Keeps what `restore` is to bring back after a sleep. Called before anything that depends on it is told (RL18). */
  save(socket: S, kept: KeptPeer): void;
};

/** The answer to a call over HTTP. Without `text` there is none to give (JSON-RPC 2.0 §4.1). */
export type CallAnswer = { readonly text?: string; readonly reason?: RpcErrorReason };

export class RelayRoom<S extends RoomSocket> {
  readonly #options: RoomOptions<S>;
  readonly #members = new Members<S>();
  readonly #bundles = new BundleDesk(this.#members, (owner) => this.#tellPublished(owner));
  readonly #replay = new Replay();
  readonly #messages = bucketOf(ROOM_MESSAGES_PER_S, ROOM_MESSAGES_BURST);
  readonly #admissions = bucketOf(ROOM_ADMISSIONS_PER_S, ROOM_ADMISSIONS_BURST);
  readonly #calls = bucketOf(HTTP_CALLS_PER_S, HTTP_CALLS_BURST);
  #lookedMs = 0;

  constructor(options: RoomOptions<S>) {
    this.#options = options;
  }

  /** Takes up a socket that was admitted before this instance began. Nothing is told to anyone. */
  restore(socket: S, kept: KeptPeer): void {
    this.#add(socket, kept, new SocketBudget(), 0);
  }

  /**
   * Asked once before each `admit`: takes silent sockets out of the room, and the price of an admission from its bucket.
   * A peer that is here needs no place, as it replaces its own socket.
   */
  refusalOf(peerId: PeerId, nowMs: number): EntryRefusal | undefined {
    this.#dismissSilent(nowMs);
    if (!this.#members.get(peerId) && this.#members.size >= this.#options.maxPeers) return 'room-full';
    return this.#admissions.take(1, nowMs) ? undefined : 'rate-limited';
  }

  /**
   * Lets a peer in whose token was checked and who was not refused, and tells it and the others. A live socket
   * of the same peer is replaced without the others noticing. `place`: where a peer that is back is in our messages (RL21).
   */
  admit(socket: S, peerId: PeerId, joinNumberShown: number, nowMs: number, place?: StreamPlace): PeerPlace {
    const old = this.#members.get(peerId);
    const seat = old ?? this.#replay.take(peerId, joinNumberShown, nowMs);
    // The others know a replaced peer by its number already; its budget goes on, or reconnecting would refill it; and
    // so do its pre-keys, whose private halves are in the page still.
    const joinNumber = old?.joinNumber ?? this.#members.joinNumber(joinNumberShown, nowMs);
    const kept = { peerId, joinNumber, admittedMs: nowMs, shelf: old?.shelf.record ?? EMPTY_SHELF };
    if (old) this.#remove(old, 'replaced');
    this.#options.save(socket, kept);
    const member = this.#add(socket, kept, old?.budget ?? new SocketBudget(), seat?.n ?? 0);
    const welcome = this.#welcome(member);
    const params = joinNumberShown === 0 ? this.#bundles.withBundles(welcome) : welcome;
    this.#tell([member], formatNotification({ method: 'welcome', params }));
    // before anything newer is said to it; and only to who knows the number of this join
    if (place) this.#catchUp(member, place, seat?.joinNumber === joinNumberShown, nowMs);
    const own = placeOf(member);
    if (!old) this.#tell(this.#members.list(member), formatNotification({ method: 'peer_joined', params: own }));
    return own;
  }

  /** A frame from a socket; binary ones are none of ours. */
  receive(socket: S, data: string | ArrayBuffer, nowMs: number): void {
    const member = this.#members.of(socket);
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
    this.#handle(member, parsed.request, parsed.id, nowMs);
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
    if (isForSocket(request)) return errorAnswer(id, 'method-not-found');
    if (request.params.room_id !== this.#options.roomId) return errorAnswer(id, 'room-mismatch');
    const outcome = this.#bundles.handle(peerId, request, id !== undefined);
    if ('reason' in outcome) return errorAnswer(id, outcome.reason);
    return id === undefined ? {} : { text: formatResult(id, outcome.result) };
  }

  /** A socket has ended by itself. Its peer may be back soon: what is meant for it is kept (RL21). */
  gone(socket: S, nowMs: number): void {
    const member = this.#members.of(socket);
    if (!member) return;
    this.#members.remove(member);
    this.#replay.leave(member.peerId, member, nowMs);
    this.#tellLeft(member);
  }

  #handle(member: Member<S>, request: ClientRequest, id: RpcId | undefined, nowMs: number): void {
    if (request.params.room_id !== this.#options.roomId) return this.#fault(member, id, 'room-mismatch');
    switch (request.method) {
      case 'join':
        if (request.params.peer_id !== member.peerId) return this.#fault(member, id, 'peer-mismatch');
        return this.#answer(member, id, this.#welcome(member));
      case 'leave':
        this.#answer(member, id, {});
        return this.#dismiss(member, 'left');
      case 'relay_message':
        return this.#forward(member, request.params.target_peer_id, request.params.payload, id, nowMs);
      case 'resume':
        if (member.socket.bufferedAmount > BUFFERED_DROP_BYTES) return this.#answerError(member, id, 'rate-limited');
        this.#catchUp(member, request.params, true, nowMs);
        return this.#answer(member, id, {});
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

  #forward(sender: Member<S>, targetPeerId: PeerId, payload: string, id: RpcId | undefined, nowMs: number): void {
    const target = this.#members.get(targetPeerId);
    if (target === sender) return this.#answerError(sender, id, 'peer-unknown');
    const n = target ? ++target.n : this.#replay.nextAway(targetPeerId, nowMs);
    if (n === undefined) return this.#answerError(sender, id, 'peer-unknown');
    const { roomId, ep } = this.#options;
    const params = { sender_peer_id: sender.peerId, room_id: roomId, payload, n, ep };
    const text = formatNotification({ method: 'relay_message', params });
    this.#replay.keep(targetPeerId, n, text, nowMs);
    const isTaken = target ? this.#offer(target, text) : true;
    if (isTaken) this.#answer(sender, id, {});
    else this.#answerError(sender, id, 'rate-limited');
  }

  /**
   * RL21–RL23: what came after this place, in order, or the news that some of it is lost. Each message is said once more to a socket at
   * most, so that asking for it costs its sender more than us.
   */
  #catchUp(member: Member<S>, { ep, n }: StreamPlace, isKnown: boolean, nowMs: number): void {
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

  /** RL19: those that came in later and have found nothing. */
  #tellPublished(owner: Member<S>): void {
    const later = this.#members.list(owner).filter((member) => member.joinNumber > owner.joinNumber);
    this.#tell(later, formatNotification({ method: 'bundle_published', params: { peer_id: owner.peerId } }));
  }

  #welcome(member: Member<S>): Welcome {
    const { roomId, ep, iceServers, turn } = this.#options;
    const peers = this.#members
      .list(member)
      .map((other) => placeOf(other))
      .toSorted((a, b) => a.join_number - b.join_number);
    return { room_id: roomId, ...placeOf(member), ep, peers, ice_servers: iceServers, ...(turn && { turn }) };
  }

  #add(socket: S, kept: KeptPeer, budget: SocketBudget, n: number): Member<S> {
    const { peerId, joinNumber, admittedMs } = kept;
    const shelf = new BundleShelf(kept.shelf, (changed: ShelfRecord) => {
      this.#options.save(socket, { peerId, joinNumber, admittedMs, shelf: changed });
    });
    const counts = { heardMs: admittedMs, probedMs: 0, faults: 0, n, replayedTo: 0, droppedBytes: 0 };
    const member = { socket, peerId, joinNumber, budget, shelf, ...counts };
    this.#members.add(member);
    return member;
  }

  #remove(member: Member<S>, reason: SocketEnd): void {
    this.#members.remove(member);
    closeSocket(member.socket, reason);
  }

  /** Does nothing for a member that was dismissed on the way here, for being too far behind. */
  #dismiss(member: Member<S>, reason: SocketEnd): void {
    if (this.#members.of(member.socket) !== member) return;
    this.#remove(member, reason);
    // who is ended for what it did begins afresh
    this.#replay.forget(member.peerId);
    this.#tellLeft(member);
  }

  /**
   * LM9, LM12: without it a half-open socket would keep its place, and be seen by the others, for as long as the room lives. Who is silent is
   * asked first, for a hidden page may ping once a minute only.
   */
  #dismissSilent(nowMs: number): void {
    this.#lookedMs = nowMs;
    for (const member of this.#members.list()) {
      const lastMs = Math.max(member.heardMs, this.#options.answeredAtMs(member.socket) ?? 0);
      const silentMs = nowMs - lastMs;
      const isAsked = member.probedMs > lastMs;
      if (silentMs > SILENCE_MAX_MS || (isAsked && nowMs - member.probedMs >= PROBE_WAIT_MS))
        this.#dismissLost(member, nowMs);
      else if (silentMs > SILENCE_PROBE_MS && !isAsked) {
        member.probedMs = nowMs;
        this.#tell([member], formatNotification({ method: 'probe', params: { room_id: this.#options.roomId } }));
      }
    }
  }

  /** As if its socket had ended by itself. */
  #dismissLost(member: Member<S>, nowMs: number): void {
    if (this.#members.of(member.socket) !== member) return;
    closeSocket(member.socket, 'silent');
    this.gone(member.socket, nowMs);
  }

  #fault(member: Member<S>, id: RpcId | null | undefined, reason: RpcErrorReason): void {
    this.#answerError(member, id, reason);
    member.faults++;
    if (member.faults >= FAULTS_MAX) this.#dismiss(member, 'bad-input');
  }

  #answer(member: Member<S>, id: RpcId | undefined, result: RpcResult): void {
    if (id !== undefined) this.#offer(member, formatResult(id, result));
  }

  #answerError(member: Member<S>, id: RpcId | null | undefined, reason: RpcErrorReason): void {
    if (id !== undefined) this.#offer(member, formatError(id, reason));
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

/** What is not to be had over HTTP (RL20). */
function isForSocket(request: ClientRequest): request is Exclude<ClientRequest, BundleRequest> {
  const { method } = request;
  return method === 'join' || method === 'leave' || method === 'relay_message' || method === 'resume';
}

function errorAnswer(id: RpcId | null | undefined, reason: RpcErrorReason): CallAnswer {
  return id === undefined ? {} : { reason, text: formatError(id, reason) };
}
