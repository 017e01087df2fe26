/** The issuer's two faces: `turn_credentials` among the calls of RL20, and `/turn`, where a wallet speaks and no room is named. */
import type { RpcErrorReason } from '../src/engine/protocol/errors.ts';
import { formatError, formatResult } from '../src/engine/protocol/relay.ts';
import type { RpcId } from '../src/engine/protocol/relay.ts';
import { parsePageOrigin } from '../src/engine/protocol/turn-message.ts';
import { NONE_ISSUED, TURN_PATH, parseTurnText, parseTurnWalletText } from '../src/engine/protocol/turn.ts';
import type { Door } from './door.ts';
import { behindDoor, readCall, refusal } from './http-face.ts';
import type { Answer } from './http-face.ts';
import { parseTurnSettings } from './ice-issuer.ts';
import type { TurnEnv } from './ice-issuer.ts';
import type { CallAnswer } from './relay-room.ts';
import type { Place } from './turn-challenges.ts';
import { TurnDesk, turnMemory } from './turn-desk.ts';
import type { TurnOutcome } from './turn-desk.ts';
import type { Fetch } from './turn-fetch.ts';

export { TURN_PATH } from '../src/engine/protocol/turn.ts';

/** Said to a page that has asked on the chance of it, these would be errors in the console of every visitor. */
const NOT_FOR_TOKENS: readonly RpcErrorReason[] = ['method-not-found', 'wallet-required'];

export type TurnFaceOptions = {
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly fetch?: Fetch;
};

/** One for an instance of the Worker: what it remembers are limits, by rooms and wallets, which a restart may forget. */
export class TurnFace {
  readonly #memory = turnMemory();
  readonly #now: () => number;
  readonly #fetch: Fetch;

  constructor({ now = Date.now, fetch = globalThis.fetch }: TurnFaceOptions = {}) {
    this.#now = now;
    // called as a method of something else, the platform's own throws
    this.#fetch = (url, init) => fetch(url, init);
  }

  /**
   * TU1: the answer to a call of RL20 whose token was checked; `undefined` where it is none of ours. `roomName`: what nobody but
   * this room is called, for the limit.
   */
  async answerCall(text: string, roomName: string, env: TurnEnv): Promise<CallAnswer | undefined> {
    // A body without the word is another call, and is read once, by the room.
    const parsed = text.includes('turn_credentials') ? parseTurnText(text) : undefined;
    if (!parsed) return undefined;
    if (parsed.type === 'fault') return answer(parsed.id, { reason: parsed.reason });
    // issued and read by nobody, it would only be counted
    if (parsed.id === undefined) return {};
    const desk = this.#desk(env);
    const outcome = desk instanceof TurnDesk ? await desk.forToken(roomName) : { reason: desk };
    const isNone = 'reason' in outcome && NOT_FOR_TOKENS.includes(outcome.reason);
    return answer(parsed.id, isNone && parsed.request.params.if_any ? { result: NONE_ISSUED } : outcome);
  }

  /** TU5: never rejects. */
  async answerRequest(request: Request, env: TurnEnv, door: Door): Promise<Response> {
    return await behindDoor(request, door, () => this.#answerWallet(request, env));
  }

  async #answerWallet(request: Request, env: TurnEnv): Promise<Answer> {
    const body = await readCall(request.body);
    if (typeof body !== 'string') return refusal(body.fault);
    const parsed = parseTurnWalletText(body);
    if (parsed.type === 'fault') return answer(parsed.id, { reason: parsed.reason });
    if (parsed.id === undefined) return {};
    const desk = this.#desk(env);
    const isOpen = desk instanceof TurnDesk;
    return answer(parsed.id, isOpen ? await desk.forWallet(parsed.request, placeOf(request)) : { reason: desk });
  }

  /** Where nothing is issued: the reason to tell. TU4: settings that cannot be followed are told to the operator, not to clients. */
  #desk(env: TurnEnv): TurnDesk | RpcErrorReason {
    const setting = parseTurnSettings(env);
    if (setting.type !== 'on') return setting.type === 'off' ? 'method-not-found' : 'unavailable';
    return new TurnDesk({ settings: setting.settings, memory: this.#memory, fetch: this.#fetch, nowMs: this.#now() });
  }
}

/** The browser says of which page a request is; a page cannot say it in its stead. */
function placeOf(request: Request): Place | undefined {
  const origin = parsePageOrigin(request.headers.get('Origin'));
  return origin === undefined ? undefined : { origin, uri: new URL(request.url).origin + TURN_PATH };
}

function answer(id: RpcId | null | undefined, outcome: TurnOutcome): CallAnswer {
  if ('result' in outcome) return id === undefined || id === null ? {} : { text: formatResult(id, outcome.result) };
  const { reason } = outcome;
  return id === undefined ? {} : { text: formatError(id, reason), reason };
}
