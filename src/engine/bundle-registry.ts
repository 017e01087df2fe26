/**
 * The relay's bundles over HTTP, for pages without a socket of ours (PROTOCOL.md RL16–RL20): one JSON-RPC 2.0 call a request,
 * under the same admission token. What is published lives as long as a socket of its peer (relay-registry.ts holds one).
 */
import type { Admission } from './e2ee-types.ts';
import type { BundleRequest } from './protocol/bundle.ts';
import { RPC_ERRORS, TaiError } from './protocol/errors.ts';
import type { ErrorCode } from './protocol/errors.ts';
import { parsePeerId } from './protocol/ids.ts';
import type { PeerId } from './protocol/ids.ts';
import { isRecord, parseCount, parseJson } from './protocol/json.ts';
import { RELAY_RPC_PATH, RELAY_TEXT_MAX, formatRequest, parseHandedBundle, parseRelayText } from './protocol/relay.ts';
import type { HandedBundle, SealedBundle } from './protocol/relay.ts';
import { relayUrl } from './relay-address.ts';

export const CALL_TIMEOUT_MS = 10_000;
const CALL_ID = 1;
const TIME_S_MAX = 10 ** 12;
/** Errors of the relay that are not refusals. */
const CODES: { readonly [reason: string]: ErrorCode } = {
  'rate-limited': 'rate-limited',
  'too-large': 'too-large',
  unavailable: 'relay-unreachable',
};
const NOT_THERE = ['peer-unknown', 'no-bundle'];

export type BundleRegistryOptions = {
  /** `wss:`/`https:` address of the relay (`ws:`/`http:` for loopback only); the path is ignored. */
  readonly relay: string;
  readonly admission: Admission;
  /** Of one call as a whole; `CALL_TIMEOUT_MS` where none is given. */
  readonly timeoutMs?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly fetch?: typeof globalThis.fetch;
};

type Answer =
  | { readonly ok: true; readonly result: unknown }
  /** `relayNowS`: the relay's clock, with `token-expired`. */
  | { readonly ok: false; readonly reason: string; readonly relayNowS: number | undefined };

/**
 * Every method rejects with a `TaiError`: `relay-unreachable` (network, timeout, an aborted signal, an answer that is none),
 * `relay-refused` (a token that is not taken, or no socket of ours there), `rate-limited` (try again in a second), `too-large`.
 */
export class BundleRegistry {
  readonly #options: BundleRegistryOptions;
  readonly #url: string;
  readonly #now: () => number;
  readonly #fetch: typeof globalThis.fetch;
  #clockOffsetS = 0;

  /** Throws `TaiError('usage')` for a bad address. */
  constructor(options: BundleRegistryOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    // called as a method of something else, a browser's own throws
    this.#fetch = options.fetch ?? ((...call) => globalThis.fetch(...call));
    const { protocol, host } = relayUrl(options.relay);
    this.#url = `${protocol === 'wss:' ? 'https:' : 'http:'}//${host}${RELAY_RPC_PATH}`;
  }

  /** Takes the place of what we had there. */
  async publish(bundle: SealedBundle, signal?: AbortSignal): Promise<void> {
    const { roomId } = this.#options.admission;
    const { head, one_time } = bundle;
    await this.#call({ method: 'publish_bundle', params: { room_id: roomId, head, one_time } }, signal);
  }

  /**
   * What a peer has published; `undefined` where it is not there or has nothing. With a one-time record only for who has a
   * socket there itself, and once (RL18).
   */
  async fetch(peerId: PeerId, signal?: AbortSignal): Promise<HandedBundle | undefined> {
    const { roomId } = this.#options.admission;
    return this.#ask({ method: 'fetch_bundle', params: { room_id: roomId, peer_id: peerId } }, peerId, signal);
  }

  /** `publish` and `fetch` in one call; `undefined` also where nothing was published, because we have no socket there. */
  async exchange(peerId: PeerId, bundle: SealedBundle, signal?: AbortSignal): Promise<HandedBundle | undefined> {
    const params = { room_id: this.#options.admission.roomId, peer_id: peerId, ...bundle };
    return this.#ask({ method: 'exchange_bundles', params }, peerId, signal);
  }

  async remove(signal?: AbortSignal): Promise<void> {
    await this.#call({ method: 'delete_bundle', params: { room_id: this.#options.admission.roomId } }, signal);
  }

  async #ask(request: BundleRequest, peerId: PeerId, signal?: AbortSignal): Promise<HandedBundle | undefined> {
    const result = await this.#call(request, signal, NOT_THERE);
    if (result === undefined) return undefined;
    const bundle =
      isRecord(result) && parsePeerId(result['peer_id']) === peerId ? parseHandedBundle(result) : undefined;
    if (!bundle) throw unreachable('an answer that is none');
    return bundle;
  }

  /** The result; `undefined` for one of these errors. */
  async #call(request: BundleRequest, signal?: AbortSignal, expected: readonly string[] = []): Promise<unknown> {
    const timeout = AbortSignal.timeout(this.#options.timeoutMs ?? CALL_TIMEOUT_MS);
    const either = signal ? AbortSignal.any([signal, timeout]) : timeout;
    let answer = await this.#post(request, either);
    if (!answer.ok && answer.relayNowS !== undefined) {
      // AD5: a wrong clock locks nobody out
      this.#clockOffsetS = answer.relayNowS - this.#ownNowS();
      answer = await this.#post(request, either);
    }
    if (answer.ok) return answer.result;
    if (expected.includes(answer.reason)) return undefined;
    // words of its own are not for the page
    const reason = Object.hasOwn(RPC_ERRORS, answer.reason) ? answer.reason : 'refused';
    throw new TaiError(CODES[reason] ?? 'relay-refused', `relay: ${reason}`);
  }

  async #post(request: BundleRequest, signal: AbortSignal): Promise<Answer> {
    const token = await this.#options.admission.token(this.#ownNowS() + this.#clockOffsetS);
    try {
      signal.throwIfAborted();
      const response = await this.#fetch(this.#url, {
        method: 'POST',
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
        body: formatRequest(request, CALL_ID),
        signal,
        // what identifies us is the token alone
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
        cache: 'no-store',
        redirect: 'error',
      });
      const answer = parseAnswer(await readText(response));
      if (answer) return answer;
    } catch {
      // What the platform says about the network is not for the page.
    }
    throw unreachable(signal.aborted ? 'given up' : 'no answer');
  }

  #ownNowS(): number {
    return Math.floor(this.#now() / 1000);
  }
}

function parseAnswer(text: string): Answer | undefined {
  const message = parseRelayText(text);
  if (message?.type === 'result') return message.id === CALL_ID ? { ok: true, result: message.result } : undefined;
  // `null`: refused before the call was read
  if (message?.type !== 'error' || (message.id !== CALL_ID && message.id !== null)) return undefined;
  const { reason } = message;
  return { ok: false, reason, relayNowS: reason === 'token-expired' ? relayNowS(text) : undefined };
}

/** `data.now` of an error. */
function relayNowS(text: string): number | undefined {
  const message = parseJson(text);
  const error = isRecord(message) ? message['error'] : undefined;
  const data = isRecord(error) ? error['data'] : undefined;
  return isRecord(data) ? parseCount(data['now'], TIME_S_MAX) : undefined;
}

/** Rejects for more than the longest text. */
async function readText(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    bytes += part.value.length;
    if (bytes > RELAY_TEXT_MAX) {
      await reader?.cancel();
      throw new Error('too long');
    }
    text += decoder.decode(part.value, { stream: true });
  }
  return text + decoder.decode();
}

function unreachable(why: string): TaiError {
  return new TaiError('relay-unreachable', `relay: ${why}`);
}
