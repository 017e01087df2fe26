/** Calls to the relay over HTTP: one JSON-RPC 2.0 call a request, and nothing of a browser's identity in it (PROTOCOL.md RL20, TU5, MB1). */
import { RPC_ERRORS, TaiError } from './protocol/errors.ts';
import type { ErrorCode } from './protocol/errors.ts';
import { isRecord, parseCount, parseJson } from './protocol/json.ts';
import { JWT_HEADER } from './protocol/jwt.ts';
import { RELAY_RPC_PATH, RELAY_TEXT_MAX, parseRelayText } from './protocol/relay.ts';
import { relayUrl } from './relay-address.ts';

export const CALL_TIMEOUT_MS = 10_000;
/** A request holds one call: the relay need not tell them apart. */
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
  /** What stands behind `Bearer` with this body, fresh. `nowS`: the relay's clock, as far as it is known. */
  token(nowS: number, body: string): Promise<string>;
  /** An operator's JWT, which goes with a token (AD17); none where nothing is given. */
  readonly jwt?: (() => Promise<string | undefined>) | undefined;
  /** Of what is asked under a token; `RELAY_RPC_PATH` where none is given. */
  readonly path?: string | undefined;
  /** Of one call as a whole; `CALL_TIMEOUT_MS` where none is given. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
};

/** `reason`: one of `RPC_ERRORS`, or `refused`; words of the relay's own are not for the page. */
export type CallOutcome =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly reason: keyof typeof RPC_ERRORS | 'refused' };

/** `relayNowS`: the relay's clock, with `token-expired`. */
type Answer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly reason: string; readonly relayNowS: number | undefined };

/** Its calls reject with `TaiError('relay-unreachable')`: network, timeout, an aborted signal, an answer that is none. */
export class RelayCalls {
  readonly #options: RelayCallsOptions;
  readonly #origin: string;
  readonly #now: () => number;
  readonly #fetch: typeof globalThis.fetch;
  #clockOffsetS = 0;

  /** Throws `TaiError('usage')` for a bad address. */
  constructor(options: RelayCallsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    // called as a method of something else, a browser's own throws
    this.#fetch = options.fetch ?? ((...call) => globalThis.fetch(...call));
    const { protocol, host } = relayUrl(options.relay);
    this.#origin = `${protocol === 'wss:' ? 'https:' : 'http:'}//${host}`;
  }

  /** `text`: a request with the id `CALL_ID`. Under a token; by the relay's clock where ours is wrong (AD5). */
  async ask(text: string, signal?: AbortSignal): Promise<CallOutcome> {
    const either = this.#within(signal);
    const { path = RELAY_RPC_PATH } = this.#options;
    let answer = await this.#post(path, text, either, await this.#papers(text));
    if (!answer.ok && answer.relayNowS !== undefined) {
      // AD5: a wrong clock locks nobody out
      this.#clockOffsetS = answer.relayNowS - this.#ownNowS();
      answer = await this.#post(path, text, either, await this.#papers(text));
    }
    return outcomeOf(answer);
  }

  /** As `ask`: the result; `undefined` for one of these errors. Rejects for others too: `relay-refused`, `rate-limited`, `too-large`. */
  async call(text: string, signal?: AbortSignal, expected: readonly string[] = []): Promise<unknown> {
    const answer = await this.ask(text, signal);
    if (answer.ok) return answer.result;
    const { reason } = answer;
    if (expected.includes(reason)) return undefined;
    throw new TaiError(CODES[reason] ?? 'relay-refused', `relay: ${reason}`);
  }

  /** Without a token: the relay must not learn which room this is of. */
  async askOpenly(path: string, text: string, signal?: AbortSignal): Promise<CallOutcome> {
    return outcomeOf(await this.#post(path, text, this.#within(signal)));
  }

  #within(signal: AbortSignal | undefined): AbortSignal {
    const timeout = AbortSignal.timeout(this.#options.timeoutMs ?? CALL_TIMEOUT_MS);
    return signal ? AbortSignal.any([signal, timeout]) : timeout;
  }

  async #papers(body: string): Promise<Record<string, string>> {
    const { token, jwt } = this.#options;
    const [bearer, shown] = await Promise.all([token(this.#ownNowS() + this.#clockOffsetS, body), jwt?.()]);
    return { Authorization: `Bearer ${bearer}`, ...(shown !== undefined && { [JWT_HEADER]: shown }) };
  }

  async #post(path: string, body: string, signal: AbortSignal, papers: Record<string, string> = {}): Promise<Answer> {
    try {
      signal.throwIfAborted();
      const response = await this.#fetch(this.#origin + path, {
        method: 'POST',
        headers: { ...papers, 'Content-Type': 'application/json' },
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

function outcomeOf(answer: Answer): CallOutcome {
  if (answer.ok) return { ok: true, result: answer.result };
  const reason = Object.hasOwn(RPC_ERRORS, answer.reason) ? (answer.reason as keyof typeof RPC_ERRORS) : 'refused';
  return { ok: false, reason };
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
