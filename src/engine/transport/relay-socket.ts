/**
 * The socket to the relay: partysocket, tuned. Its own first retry is exactly 3 s without jitter, so that all clients
 * of a restarted relay come back in the same instant; here every wait is random between 0 and a growing bound
 * ("full jitter"), cut short when the network or the page comes back.
 */
import ReconnectingWebSocket from 'partysocket/ws';
import { CLOSE_CODES, closeReasonOf } from '../protocol/errors.ts';
import type { CloseReason } from '../protocol/errors.ts';
import type { PeerId, RoomId } from '../protocol/ids.ts';
import {
  PING_TEXT,
  PONG_TEXT,
  formatRequest,
  parseExpiredClose,
  parseHandedBundle,
  parseRelayText,
} from '../protocol/relay.ts';
import type { ClientRequest, HandedBundle, RelayMessage, RelayNotification, SealedBundle } from '../protocol/relay.ts';
import { SUBPROTOCOL } from '../protocol/token.ts';

export const FIRST_RETRY_MAX_MS = 300;
/** A call that waits for its relay must not wait long … */
export const RETRY_MAX_MS = 2_000;
/** … but one that has waited for this many attempts (about half a minute) is patient. */
const IMPATIENT_ATTEMPTS = 30;
export const PATIENT_RETRY_MAX_MS = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** A socket is asked for a sign of life this often … */
export const PING_EVERY_MS = 5_000;
/** … and given up when none came for this long after the question: half-open sockets look alive for ever. */
export const PONG_WAIT_MS = 7_000;

export type WakeSource = {
  readonly target: EventTarget;
  readonly type: string;
  /** Where the event alone does not say that something is back. */
  readonly isAwake?: () => boolean;
};

export type RelaySocketOptions = {
  readonly url: string;
  readonly roomId: RoomId;
  readonly token: (nowS: number) => Promise<string>;
  /** What is offered beside the token: a host's claim, an operator's JWT. Asked anew at every attempt. */
  readonly companions?: (nowS: number) => Promise<readonly string[]>;
  onNotification(notification: RelayNotification): void;
  /** Gone, and being tried again. */
  onLost(): void;
  /** Gone for a reason that the relay gave. It is tried again all the same, until `close`. */
  onClosed(reason: CloseReason): void;
  onDropped(reason: string): void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** From 0 to 1. */
  readonly random?: () => number;
  readonly webSocket?: typeof WebSocket;
  /** Tells of `online` and of the page being shown again. */
  readonly wakeSources?: readonly WakeSource[];
};

/** The longest wait before attempt number `attempt` (0 = the first, at once). */
export function retryBound(attempt: number): number {
  if (attempt > IMPATIENT_ATTEMPTS) return PATIENT_RETRY_MAX_MS;
  return attempt === 0 ? 0 : Math.min(FIRST_RETRY_MAX_MS * 2 ** (attempt - 1), RETRY_MAX_MS);
}

export type RelayAnswer = Exclude<RelayMessage, { readonly type: 'notification' }>;

export class RelaySocket {
  readonly #options: RelaySocketOptions;
  readonly #now: () => number;
  readonly #socket: ReconnectingWebSocket;
  readonly #unlisten = new AbortController();
  #attempt = 0;
  #clockOffsetS = 0;
  /** When the question was asked that nothing was heard after; `undefined` = none is open. */
  #askedAt: number | undefined;
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  #wake: (() => void) | undefined;
  /** Questions to the relay that are not answered yet. */
  readonly #questions = new Map<number, (answer: RelayAnswer | undefined) => void>();
  #lastQuestion = 0;
  #isClosed = false;

  constructor(options: RelaySocketOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#socket = new ReconnectingWebSocket(options.url, () => this.#nextProtocols(), {
      ...(options.webSocket ? { WebSocket: options.webSocket } : {}),
      // The waiting is done in #nextProtocols, where it can be cut short.
      minReconnectionDelay: 0,
      maxReconnectionDelay: 0,
      connectionTimeout: CONNECT_TIMEOUT_MS,
      // What could not be sent is said anew, sealed anew, after the next welcome.
      maxEnqueuedMessages: 0,
    });
    const { signal } = this.#unlisten;
    this.#socket.addEventListener('open', () => this.#opened(), { signal });
    this.#socket.addEventListener('message', (event) => this.#heard(event.data), { signal });
    this.#socket.addEventListener('close', (event) => this.#lost(event.code, event.reason), { signal });
    // Without a listener, Node and some browsers report a failed attempt as unhandled.
    this.#socket.addEventListener('error', () => undefined, { signal });
    for (const { target, type, isAwake } of options.wakeSources ?? []) {
      target.addEventListener(type, () => (isAwake?.() ?? true) && this.#wakeUp(), { signal });
    }
  }

  send(to: PeerId, payload: string): boolean {
    if (this.#isClosed || this.#socket.readyState !== this.#socket.OPEN) return false;
    const params = { target_peer_id: to, room_id: this.#options.roomId, payload };
    this.#socket.send(formatRequest({ method: 'relay_message', params }));
    return true;
  }

  /** What newcomers find of us at the relay, until this socket ends. */
  publish(bundle: SealedBundle): boolean {
    if (this.#isClosed || this.#socket.readyState !== this.#socket.OPEN) return false;
    const params = { room_id: this.#options.roomId, ...bundle };
    this.#socket.send(formatRequest({ method: 'publish_bundle', params }));
    return true;
  }

  /** What the relay has of a peer; `undefined` where it has nothing, or is away. */
  async fetchBundle(peerId: PeerId): Promise<HandedBundle | undefined> {
    const answer = await this.#ask({
      method: 'fetch_bundle',
      params: { room_id: this.#options.roomId, peer_id: peerId },
    });
    return answer?.type === 'result' ? parseHandedBundle(answer.result) : undefined;
  }

  /** AD10: a host's statement; `undefined` where the relay is away, or goes before it has answered. */
  sayAsHost(statement: string): Promise<RelayAnswer | undefined> {
    return this.#ask({ method: 'host_statement', params: { room_id: this.#options.roomId, statement } });
  }

  /** AD12. */
  knock(note: string): void {
    void this.#ask({ method: 'knock', params: { room_id: this.#options.roomId, note } });
  }

  close(): void {
    if (this.#isClosed) return;
    if (this.#socket.readyState === this.#socket.OPEN) {
      this.#socket.send(formatRequest({ method: 'leave', params: { room_id: this.#options.roomId } }));
    }
    this.#end();
  }

  async #nextProtocols(): Promise<string[]> {
    const bound = retryBound(this.#attempt++);
    if (bound > 0) await this.#wait((this.#options.random ?? Math.random)() * bound);
    const nowS = Math.floor(this.#now() / 1000) + this.#clockOffsetS;
    try {
      const [token, companions] = await Promise.all([this.#options.token(nowS), this.#options.companions?.(nowS)]);
      return [SUBPROTOCOL, token, ...(companions ?? [])];
    } catch (error) {
      this.#options.onLost();
      throw error;
    }
  }

  #wait(delay_ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delay_ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #opened(): void {
    this.#askedAt = undefined;
    clearInterval(this.#heartbeat);
    this.#heartbeat = setInterval(() => this.#beat(), PING_EVERY_MS);
  }

  #beat(): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    // Judged by the answer to a question, not by the time since the last word: a page that slept has heard nothing either.
    if (this.#askedAt !== undefined && this.#now() - this.#askedAt >= PONG_WAIT_MS) {
      this.#askedAt = undefined;
      this.#socket.reconnect();
      return;
    }
    this.#askedAt ??= this.#now();
    this.#socket.send(PING_TEXT);
  }

  #wakeUp(): void {
    this.#wake?.();
    // After sleep the socket may be dead without knowing it: ask at once rather than at the next beat. What was asked before
    // the sleep counts from now.
    this.#askedAt = undefined;
    this.#beat();
  }

  #heard(data: unknown): void {
    this.#askedAt = undefined;
    if (data === PONG_TEXT) return;
    const message = typeof data === 'string' ? parseRelayText(data) : undefined;
    if (!message) this.#options.onDropped('relay-malformed');
    else if (message.type === 'notification') {
      if (message.method === 'welcome' || message.method === 'waiting') this.#attempt = 1;
      this.#options.onNotification(message);
    } else this.#answered(message);
  }

  #ask(request: ClientRequest): Promise<RelayAnswer | undefined> {
    if (this.#isClosed || this.#socket.readyState !== this.#socket.OPEN) return Promise.resolve(undefined);
    const id = ++this.#lastQuestion;
    this.#socket.send(formatRequest(request, id));
    return new Promise((resolve) => this.#questions.set(id, resolve));
  }

  #answered(message: RelayAnswer): void {
    const question = typeof message.id === 'number' ? this.#questions.get(message.id) : undefined;
    if (typeof message.id === 'number') this.#questions.delete(message.id);
    if (message.type === 'error') this.#options.onDropped(`relay-${message.reason}`);
    question?.(message);
  }

  #forgetQuestions(): void {
    for (const resolve of this.#questions.values()) resolve(undefined);
    this.#questions.clear();
  }

  #lost(code: number, reasonText: string): void {
    clearInterval(this.#heartbeat);
    this.#forgetQuestions();
    if (this.#isClosed) return;
    const relayNowS = parseExpiredClose(code, reasonText);
    if (relayNowS !== undefined) this.#clockOffsetS = relayNowS - Math.floor(this.#now() / 1000);
    // 1000 is also what any proxy may say.
    const reason = code === CLOSE_CODES.left ? undefined : closeReasonOf(code);
    if (reason) this.#options.onClosed(reason);
    else this.#options.onLost();
  }

  #end(): void {
    this.#isClosed = true;
    clearInterval(this.#heartbeat);
    this.#forgetQuestions();
    this.#unlisten.abort();
    this.#wake?.();
    this.#socket.close(CLOSE_CODES.left);
  }
}
