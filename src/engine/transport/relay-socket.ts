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
import type { ClientRequest, HandedBundle, RelayNotification, SealedBundle } from '../protocol/relay.ts';
import { formatResumeOffer } from '../protocol/resume.ts';
import type { StreamPlace } from '../protocol/resume.ts';
import { SUBPROTOCOL } from '../protocol/token.ts';
import { Questions } from './questions.ts';
import type { RelayAnswer } from './questions.ts';
import { StreamPosition } from './stream-position.ts';

export type { RelayAnswer } from './questions.ts';

/** Six that a relay has dropped in one instant come back over 200 ms at least, nearly always; half of it would be quicker, and a flood. */
export const FIRST_RETRY_MAX_MS = 500;
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
  /** Calls back again and again until it is told to stop; the page's own timer, which a hidden page slows down, where nothing is given. */
  readonly every?: Every;
  readonly webSocket?: typeof WebSocket;
  /** Tells of `online` and of the page being shown again. */
  readonly wakeSources?: readonly WakeSource[];
};

/** Returns the way to stop. */
export type Every = (delay_ms: number, tick: () => void) => () => void;

const everyByPage: Every = (delay_ms, tick) => {
  const timer = setInterval(tick, delay_ms);
  return () => clearInterval(timer);
};

/** The longest wait before attempt number `attempt` (0 = the first, at once). */
export function retryBound(attempt: number): number {
  if (attempt > IMPATIENT_ATTEMPTS) return PATIENT_RETRY_MAX_MS;
  return attempt === 0 ? 0 : Math.min(FIRST_RETRY_MAX_MS * 2 ** (attempt - 1), RETRY_MAX_MS);
}

export class RelaySocket {
  readonly #options: RelaySocketOptions;
  readonly #now: () => number;
  readonly #socket: ReconnectingWebSocket;
  readonly #unlisten = new AbortController();
  #attempt = 0;
  #clockOffsetS = 0;
  /** When the question was asked that nothing was heard after; `undefined` = none is open. */
  #askedAt: number | undefined;
  #stopHeartbeat = (): void => undefined;
  #wake: (() => void) | undefined;
  readonly #questions = new Questions();
  /** What has come of the relay's messages, over all sockets of this join. */
  readonly #position = new StreamPosition();
  /** Whether what is missing was asked for; `unheard`: to no avail. Of this socket alone: at the next one we show where we are. */
  #resuming: 'asked' | 'unheard' | undefined;
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
      const { place } = this.#position;
      return [SUBPROTOCOL, token, ...(companions ?? []), ...(place ? [formatResumeOffer(place)] : [])];
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
    this.#stopHeartbeat();
    this.#stopHeartbeat = (this.#options.every ?? everyByPage)(PING_EVERY_MS, () => this.#beat());
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
    this.#questions.expire(this.#now());
    if (this.#resuming === 'unheard' && this.#position.isMissingSome) this.#askForMissed();
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
    else if (message.type === 'notification') this.#notified(message);
    else this.#answered(message);
  }

  #notified(notification: RelayNotification): void {
    switch (notification.method) {
      case 'welcome':
        this.#attempt = 1;
        // of a new join nothing has come before; whoever is back is told what it has missed, or that it is lost
        if (!this.#position.place) this.#position.begin({ ep: notification.params.ep, n: 0 });
        break;
      case 'waiting':
        // outside is a place to stay as well; where we are in the messages is asked once we are let in
        this.#attempt = 1;
        break;
      case 'gap':
        this.#position.begin(notification.params);
        break;
      case 'relay_message':
        if (!this.#take(notification.params)) return;
        break;
      case 'probe':
        // answered by the platform, which notes the time; heard even where a hidden page's timers stand still
        if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(PING_TEXT);
        return;
    }
    this.#options.onNotification(notification);
  }

  /** RL24: `false` for what came before. */
  #take(place: StreamPlace): boolean {
    switch (this.#position.take(place)) {
      case 'next':
        return true;
      case 'ahead':
        this.#askForMissed();
        return true;
      case 'again':
        this.#options.onDropped('relay-repeated');
        return false;
      case 'lost': {
        const { ep, n } = this.#position.place ?? place;
        this.#options.onNotification({ method: 'gap', params: { room_id: this.#options.roomId, ep, n } });
        return true;
      }
    }
  }

  /** One request at a time: each brings all that is missing. */
  #askForMissed(): void {
    const { place } = this.#position;
    if (!place || this.#resuming === 'asked' || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#resuming = 'asked';
    const request: ClientRequest = { method: 'resume', params: { room_id: this.#options.roomId, ...place } };
    this.#put(request, (answer) => (this.#resuming = answer?.type === 'result' ? undefined : 'unheard'));
  }

  #ask(request: ClientRequest): Promise<RelayAnswer | undefined> {
    if (this.#isClosed || this.#socket.readyState !== this.#socket.OPEN) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#put(request, resolve));
  }

  #put(request: ClientRequest, onAnswer: (answer: RelayAnswer | undefined) => void): void {
    this.#socket.send(formatRequest(request, this.#questions.begin(this.#now(), onAnswer)));
  }

  #answered(message: RelayAnswer): void {
    if (message.type === 'error') this.#options.onDropped(`relay-${message.reason}`);
    this.#questions.answered(message);
  }

  #forgetQuestions(): void {
    this.#questions.forgetAll();
    this.#resuming = undefined;
  }

  #lost(code: number, reasonText: string): void {
    this.#stopHeartbeat();
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
    this.#stopHeartbeat();
    this.#forgetQuestions();
    this.#unlisten.abort();
    this.#wake?.();
    this.#socket.close(CLOSE_CODES.left);
  }
}
