/** The relay's calls over HTTP, from a page: one JSON-RPC 2.0 call a request, and nothing of a browser's identity in it (RL20, MB1). */
import { RPC_ERRORS, TaiError } from './protocol/errors.ts';
import type { ErrorCode } from './protocol/errors.ts';
import { isRecord, parseCount, parseJson } from './protocol/json.ts';
import { RELAY_TEXT_MAX, parseRelayText } from './protocol/relay.ts';
import { relayUrl } from './relay-address.ts';

export const CALL_TIMEOUT_MS = 10_000;
export const CALL_ID = 1;
const TIME_S_MAX = 10 ** 12;
/** Errors of the relay that are not refusals. */
const CODES: { readonly [reason: string]: ErrorCode } = {
  'rate-limited': 'rate-limited',
  'mailbox-full': 'rate-limited',
  'too-large': 'too-large',
  unavailable: 'relay-unreachable',
};

export type RelayCallsOptions = {
  /** `wss:`/`https:` address of the relay (`ws:`/`http:` for loopback only); the path is ignored. */
  readonly relay: string;
  /** Of one call as a whole; `CALL_TIMEOUT_MS` where none is given. */
  readonly timeoutMs?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly fetch?: typeof globalThis.fetch;
};

/** What stands behind `Bearer` with this body; `nowS` is the relay's clock as far as it is known. */
export type Authorize = (nowS: number, body: string) => Promise<string>;

type Answer =
  | { readonly ok: true; readonly result: unknown }
  /** `relayNowS`: the relay's clock, with `token-expired`. */
  | { readonly ok: false; readonly reason: string; readonly relayNowS: number | undefined };

export class RelayCalls {
  readonly #options: RelayCallsOptions;
  readonly #url: string;
  readonly #authorize: Authorize;
  readonly #now: () => number;
  readonly #fetch: typeof globalThis.fetch;
  #clockOffsetS = 0;

  /** Throws `TaiError('usage')` for a bad address. */
  constructor(options: RelayCallsOptions, path: string, authorize: Authorize) {
    this.#options = options;
    this.#authorize = authorize;
    this.#now = options.now ?? Date.now;
    // called as a method of something else, a browser's own throws
    this.#fetch = options.fetch ?? ((...call) => globalThis.fetch(...call));
    const { protocol, host } = relayUrl(options.relay);
    this.#url = `${protocol === 'wss:' ? 'https:' : 'http:'}//${host}${path}`;
  }

  /**
   * The result of the call in `body`, whose id is `CALL_ID`; `undefined` for one of these errors. Rejects with a `TaiError`:
   * `relay-unreachable` (network, timeout, an aborted signal, an answer that is none), `relay-refused`, `rate-limited`, `too-large`.
   */
  async call(body: string, signal?: AbortSignal, expected: readonly string[] = []): Promise<unknown> {
    const timeout = AbortSignal.timeout(this.#options.timeoutMs ?? CALL_TIMEOUT_MS);
    const either = signal ? AbortSignal.any([signal, timeout]) : timeout;
    let answer = await this.#post(body, either);
    if (!answer.ok && answer.relayNowS !== undefined) {
      // AD5: a wrong clock locks nobody out
      this.#clockOffsetS = answer.relayNowS - this.#ownNowS();
      answer = await this.#post(body, either);
    }
    if (answer.ok) return answer.result;
    if (expected.includes(answer.reason)) return undefined;
    // words of its own are not for the page
    const reason = Object.hasOwn(RPC_ERRORS, answer.reason) ? answer.reason : 'refused';
    throw new TaiError(CODES[reason] ?? 'relay-refused', `relay: ${reason}`);
  }

  async #post(body: string, signal: AbortSignal): Promise<Answer> {
    const token = await this.#authorize(this.#ownNowS() + this.#clockOffsetS, body);
    try {
      signal.throwIfAborted();
      const response = await this.#fetch(this.#url, {
        method: 'POST',
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
        body,
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

export function unreachable(why: string): TaiError {
  return new TaiError('relay-unreachable', `relay: ${why}`);
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
