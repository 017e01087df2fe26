/** Asks the relay for TURN credentials, once (PROTOCOL.md TU1, TU5, TU6). Loaded where a relay issues some. */
import type { CallsPort } from './ports.ts';
import { TURN_PATH, formatTurnRequest, parseIssuedServers, parseTurnChallenge } from './protocol/turn.ts';
import type { IssuedServers } from './protocol/turn.ts';
import { parseTurnMessage } from './protocol/turn-message.ts';
import { CALL_ID } from './relay-calls.ts';
import type { CallOutcome } from './relay-calls.ts';
import type { TurnWallet } from './session-types.ts';

export type TurnAnswer =
  | { readonly ok: true; readonly issued: IssuedServers }
  /** `unavailable`: also for an answer that is none. */
  | { readonly ok: false; readonly reason: Extract<CallOutcome, { ok: false }>['reason'] };

export type WalletPlace = {
  readonly calls: CallsPort;
  /** Host and port. */
  readonly relayHost: string;
  /** As the browser tells it the relay. */
  readonly pageOrigin: string;
};

/** Rejects where the relay cannot be reached. `isEarly`: it has not said yet whether it issues any. */
export async function issueForToken(calls: CallsPort, signal: AbortSignal, isEarly = false): Promise<TurnAnswer> {
  const params = isEarly ? ({ if_any: true } as const) : {};
  return answerOf(await calls.ask(formatTurnRequest({ method: 'turn_credentials', params }, CALL_ID), signal));
}

/** TU6: nothing is shown to the wallet but the text of this very relay for this very page. Rejects as `issueForToken`. */
export async function issueForWallet(wallet: TurnWallet, place: WalletPlace, signal: AbortSignal): Promise<TurnAnswer> {
  const { chain, address } = wallet;
  const asking = formatTurnRequest({ method: 'turn_challenge', params: { chain, address } }, CALL_ID);
  const answer = await place.calls.askOpenly(TURN_PATH, asking, signal);
  if (!answer.ok) return answer;
  const message = parseTurnChallenge(answer.result)?.message;
  if (message === undefined || !isOurs(message, wallet, place)) return { ok: false, reason: 'refused' };
  const signature = await signedBy(wallet, message);
  if (signature === undefined) return { ok: false, reason: 'wallet-refused' };
  const redeeming = formatTurnRequest({ method: 'turn_redeem', params: { message, signature } }, CALL_ID);
  return answerOf(await place.calls.askOpenly(TURN_PATH, redeeming, signal));
}

function answerOf(answer: CallOutcome): TurnAnswer {
  if (!answer.ok) return answer;
  const issued = parseIssuedServers(answer.result);
  return issued ? { ok: true, issued } : { ok: false, reason: 'unavailable' };
}

function isOurs(text: string, { chain, address }: TurnWallet, { relayHost, pageOrigin }: WalletPlace): boolean {
  const message = parseTurnMessage(text);
  const uri = message && URL.parse(message.uri);
  return (
    uri?.host === relayHost &&
    uri.pathname === TURN_PATH &&
    message?.origin === pageOrigin &&
    message.chain === chain &&
    message.address.toLowerCase() === address.toLowerCase()
  );
}

/** `undefined` where it does not sign. */
async function signedBy(wallet: TurnWallet, message: string): Promise<string | undefined> {
  try {
    const signature: unknown = await wallet.sign(message);
    return typeof signature === 'string' ? signature : undefined;
  } catch {
    // What a wallet says about it is for its own window.
    return undefined;
  }
}
