/**
 * Issues TURN credentials (PROTOCOL.md TU1–TU9), by the operator's settings. It is asked by the Worker and answers it; the room's object
 * is not asked and does not learn of it: a room must not wait for another host, and need not know who is behind which address.
 */
import type { RpcErrorReason } from '../src/engine/protocol/errors.ts';
import type { IceServer } from '../src/engine/protocol/relay.ts';
import type { IssuedServers, TurnChallenge, TurnWalletRequest } from '../src/engine/protocol/turn.ts';
import type { TurnSettings } from './ice-issuer.ts';
import { TriedChallenges, makeChallenge, readChallenge } from './turn-challenges.ts';
import type { Place } from './turn-challenges.ts';
import { cloudflareServers } from './turn-cloudflare.ts';
import type { Fetch } from './turn-fetch.ts';
import { TurnLimits } from './turn-limits.ts';
import { restServers } from './turn-rest.ts';
import { suiStakeCheck } from './turn-stake.ts';
import type { StakeCheck } from './turn-stake.ts';
import { checksummed, isSignedByWallet } from './turn-wallet.ts';

export type TurnOutcome = { readonly result: IssuedServers | TurnChallenge } | { readonly reason: RpcErrorReason };

/** What one instance of the Worker remembers: by rooms and wallets, so that none gets in another's way. */
export type TurnMemory = { readonly limits: TurnLimits; readonly tried: TriedChallenges };

export function turnMemory(): TurnMemory {
  return { limits: new TurnLimits(), tried: new TriedChallenges() };
}

export type TurnDeskOptions = {
  readonly settings: TurnSettings;
  readonly memory: TurnMemory;
  readonly fetch: Fetch;
  readonly nowMs: number;
  /** In place of what the settings ask for. */
  readonly stake?: StakeCheck;
};

export class TurnDesk {
  readonly #options: TurnDeskOptions;
  readonly #nowS: number;

  constructor(options: TurnDeskOptions) {
    this.#options = options;
    this.#nowS = Math.floor(options.nowMs / 1000);
  }

  /** TU1: for a peer whose token was checked. `room`: a name of its room, for the limit alone. */
  async forToken(room: string): Promise<TurnOutcome> {
    const { settings, memory, nowMs } = this.#options;
    if (settings.offer === 'wallet') return { reason: 'wallet-required' };
    return memory.limits.takeForRoom(room, nowMs) ? this.#issue() : { reason: 'rate-limited' };
  }

  /** TU5. `place`: `undefined` where the request does not say of which page it is. */
  async forWallet(request: TurnWalletRequest, place: Place | undefined): Promise<TurnOutcome> {
    if (this.#options.settings.offer !== 'wallet') return { reason: 'method-not-found' };
    if (!place) return { reason: 'wallet-refused' };
    return request.method === 'turn_challenge'
      ? this.#challenge(request.params, place)
      : this.#redeem(request.params, place);
  }

  async #challenge(
    { chain, address }: Extract<TurnWalletRequest, { method: 'turn_challenge' }>['params'],
    place: Place,
  ): Promise<TurnOutcome> {
    const { memory, nowMs } = this.#options;
    if (!memory.limits.takeChallenge(nowMs)) return { reason: 'rate-limited' };
    const account = chain === 'ethereum' ? checksummed(address) : address;
    return { result: { message: await makeChallenge(this.#secret, { chain, address: account }, place, this.#nowS) } };
  }

  /** Cheapest first; what is counted against a wallet is only what it has signed. */
  async #redeem(
    { message: text, signature }: Extract<TurnWalletRequest, { method: 'turn_redeem' }>['params'],
    place: Place,
  ): Promise<TurnOutcome> {
    const { settings, memory, nowMs } = this.#options;
    const message = await readChallenge(this.#secret, text, place, this.#nowS);
    if (!message || memory.tried.isSpent(message)) return { reason: 'wallet-refused' };
    if (!memory.limits.takeCheck(nowMs)) return { reason: 'rate-limited' };
    if (!isSignedByWallet(message, text, signature)) {
      memory.tried.fail(message, this.#nowS);
      return { reason: 'wallet-refused' };
    }
    if (!memory.tried.spend(message, this.#nowS)) return { reason: 'wallet-refused' };
    if (!memory.limits.takeForWallet(`${message.chain} ${message.address}`, nowMs)) return { reason: 'rate-limited' };
    const stake = this.#options.stake ?? (settings.stake && suiStakeCheck(settings.stake, this.#options.fetch));
    try {
      if (stake && !(await stake(message))) return { reason: 'stake-too-low' };
    } catch {
      return { reason: 'unavailable' };
    }
    return this.#issue();
  }

  async #issue(): Promise<TurnOutcome> {
    const { ttlS } = this.#options.settings;
    try {
      return { result: { ice_servers: await this.#servers(ttlS), ttl_s: ttlS } };
    } catch {
      // What Cloudflare says about it is not for clients.
      return { reason: 'unavailable' };
    }
  }

  #servers(ttlS: number): Promise<readonly IceServer[]> {
    const { settings, fetch } = this.#options;
    const { issuer } = settings;
    return issuer.type === 'rest' ? restServers(issuer, this.#nowS + ttlS) : cloudflareServers(issuer, ttlS, fetch);
  }

  /** Of the issuer's making: so that challenges need no setting of their own. */
  get #secret(): string {
    const { issuer } = this.#options.settings;
    return issuer.type === 'rest' ? issuer.secret : issuer.apiToken;
  }
}
