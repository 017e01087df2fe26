/**
 * Challenges for wallets without a store (PROTOCOL.md TU6): the nonce of each is random and carries a MAC of the whole text, so that
 * what comes back is known for our own by itself. Those that were redeemed, or tried in vain, are remembered until they expire, by this
 * instance of the Worker alone; TU9 says what that leaves.
 */
import { asciiBytes, equalBytes, toHex } from '../src/engine/protocol/bytes.ts';
import { formatTurnMessage, parseTurnMessage } from '../src/engine/protocol/turn-message.ts';
import type { TurnMessage } from '../src/engine/protocol/turn-message.ts';

/** Somebody has to read it, and find their hardware wallet. */
export const CHALLENGE_LIFE_S = 300;
/** Clocks of one platform's machines. */
const SKEW_MAX_S = 5;
const RANDOM_BYTES = 16;
const MAC_BYTES = 16;
const KEY_LABEL = asciiBytes('tai/1 turn challenge');
/** Signatures that are looked at for one challenge: wallets sign well, and who does not must not use up the checks of all (LM19). */
export const CHALLENGE_TRIES = 3;
/** More than the limit of checks (LM19) lets in within a challenge's life. */
const TRIED_MAX = 8192;
const HMAC = { name: 'HMAC', hash: 'SHA-256' };

export type Wallet = Pick<TurnMessage, 'chain' | 'address'>;
/** Where the wallet's page is, and where we are. */
export type Place = Pick<TurnMessage, 'origin' | 'uri'>;

/** `secret`: the issuer's own. */
export async function makeChallenge(secret: string, wallet: Wallet, place: Place, nowS: number): Promise<string> {
  const random = toHex(crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)));
  const times = { issuedAt: timeText(nowS), expiresAt: timeText(nowS + CHALLENGE_LIFE_S) };
  const open = { ...wallet, ...place, ...times, nonce: random };
  return formatTurnMessage({ ...open, nonce: random + (await macOf(secret, open)) });
}

/** What the text says, where we have made it for this place and it has not expired; its signature is another matter. */
export async function readChallenge(
  secret: string,
  text: string,
  place: Place,
  nowS: number,
): Promise<TurnMessage | undefined> {
  const message = parseTurnMessage(text);
  if (!message || message.origin !== place.origin || message.uri !== place.uri) return undefined;
  // no number, no time: `NaN` compares with nothing
  if (!(secondsOf(message.expiresAt) > nowS && secondsOf(message.issuedAt) <= nowS + SKEW_MAX_S)) return undefined;
  const random = message.nonce.slice(0, 2 * RANDOM_BYTES);
  const mac = message.nonce.slice(2 * RANDOM_BYTES);
  const expected = await macOf(secret, { ...message, nonce: random });
  // of MACs that whoever compares has made anew: the time that it takes says nothing about the key
  return (await isSame(mac, expected)) ? message : undefined;
}

type Tried = { readonly untilS: number; readonly triesLeft: number };
type Challenge = Pick<TurnMessage, 'nonce' | 'expiresAt'>;

/** Challenges for which a signature was looked at. */
export class TriedChallenges {
  readonly #tried = new Map<string, Tried>();

  isSpent({ nonce }: Challenge): boolean {
    return this.#tried.get(nonce)?.triesLeft === 0;
  }

  /** It was redeemed. `false` where there is no room to remember that. */
  spend(challenge: Challenge, nowS: number): boolean {
    return this.#keep(challenge, 0, nowS);
  }

  /** Its signature was bad. */
  fail(challenge: Challenge, nowS: number): void {
    const { triesLeft } = this.#tried.get(challenge.nonce) ?? { triesLeft: CHALLENGE_TRIES };
    this.#keep(challenge, triesLeft - 1, nowS);
  }

  #keep({ nonce, expiresAt }: Challenge, triesLeft: number, nowS: number): boolean {
    for (const [each, { untilS }] of this.#tried) if (untilS <= nowS) this.#tried.delete(each);
    if (!this.#tried.has(nonce) && this.#tried.size >= TRIED_MAX) return false;
    this.#tried.set(nonce, { untilS: secondsOf(expiresAt), triesLeft });
    return true;
  }
}

/** HMAC-SHA-256 cut to 16 bytes, in hexadecimal, under a key that serves for nothing else. */
async function macOf(secret: string, message: TurnMessage): Promise<string> {
  const root = await crypto.subtle.importKey('raw', asciiBytes(secret), HMAC, false, ['sign']);
  const raw = await crypto.subtle.sign('HMAC', root, KEY_LABEL);
  const key = await crypto.subtle.importKey('raw', raw, HMAC, false, ['sign']);
  const mac = await crypto.subtle.sign('HMAC', key, asciiBytes(formatTurnMessage(message)));
  return toHex(new Uint8Array(mac).subarray(0, MAC_BYTES));
}

/** Hashed under a random key first, so that how far they agree cannot be told by the time. */
async function isSame(a: string, b: string): Promise<boolean> {
  const key = await crypto.subtle.importKey('raw', crypto.getRandomValues(new Uint8Array(32)), HMAC, false, ['sign']);
  const [x, y] = await Promise.all([a, b].map((text) => crypto.subtle.sign('HMAC', key, asciiBytes(text))));
  return x !== undefined && y !== undefined && equalBytes(new Uint8Array(x), new Uint8Array(y));
}

function timeText(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

function secondsOf(text: string): number {
  return Date.parse(text) / 1000;
}
