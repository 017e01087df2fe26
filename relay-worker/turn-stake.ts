/**
 * Whether a wallet has a stake, where the operator asks for one (PROTOCOL.md TU8). A check is a function, so that another chain, or
 * another interface of the same, is another function. The one here asks a Sui full node over JSON-RPC for what the address has staked
 * with validators (`suix_getStakes`), or has of one coin (`suix_getBalance`).
 */
import { isRecord, parseText } from '../src/engine/protocol/json.ts';
import type { TurnMessage } from '../src/engine/protocol/turn-message.ts';
import type { StakeSettings } from './ice-issuer.ts';
import { askOutside } from './turn-fetch.ts';
import type { Fetch } from './turn-fetch.ts';

/** Rejects where nobody can say: then nothing is issued. */
export type StakeCheck = (wallet: Pick<TurnMessage, 'chain' | 'address'>) => Promise<boolean>;

/** 2^128 has 39 digits. */
const AMOUNT = /^(?:0|[1-9][0-9]{0,38})$/;
const STAKES_MAX = 1000;
/** `Unstaked` is what was taken back; `Pending` counts from the next epoch on, and is bound already. */
const BOUND = ['Active', 'Pending'];

export function suiStakeCheck(settings: StakeSettings, fetch: Fetch): StakeCheck {
  const { rpcUrl, minimum, coinType } = settings;
  return async ({ chain, address }) => {
    // nothing is staked there that this could see
    if (chain !== 'sui') return false;
    const method = coinType === undefined ? 'suix_getStakes' : 'suix_getBalance';
    const params = coinType === undefined ? [address] : [address, coinType];
    const answer = await askOutside({ url: rpcUrl, body: { jsonrpc: '2.0', id: 1, method, params }, fetch });
    const result = isRecord(answer) && answer['id'] === 1 ? answer['result'] : undefined;
    const amount = coinType === undefined ? stakedIn(result) : balanceIn(result, coinType);
    if (amount === undefined) throw new Error('turn: no answer about the stake');
    return amount >= minimum;
  };
}

/** The sum of all principals; `undefined` for what is no answer of `suix_getStakes`. */
function stakedIn(result: unknown): bigint | undefined {
  if (!Array.isArray(result) || result.length > STAKES_MAX) return undefined;
  let sum = 0n;
  for (const validator of result as readonly unknown[]) {
    const stakes: unknown = isRecord(validator) ? validator['stakes'] : undefined;
    if (!Array.isArray(stakes) || stakes.length > STAKES_MAX) return undefined;
    for (const stake of stakes as readonly unknown[]) {
      const principal = isRecord(stake) ? parseAmount(stake['principal']) : undefined;
      const status = isRecord(stake) ? parseText(stake['status'], 32) : undefined;
      if (principal === undefined || status === undefined) return undefined;
      if (BOUND.includes(status)) sum += principal;
    }
  }
  return sum;
}

function balanceIn(result: unknown, coinType: string): bigint | undefined {
  // the full form of an address in it is the node's to choose: compared is what comes behind
  const isSameCoin = isRecord(result) && nameOf(result['coinType']) === nameOf(coinType);
  return isSameCoin ? parseAmount(result['totalBalance']) : undefined;
}

/** Without leading zeros of the address. */
function nameOf(coinType: unknown): string | undefined {
  return typeof coinType === 'string' ? coinType.replace(/^0x0*/, '0x') : undefined;
}

function parseAmount(value: unknown): bigint | undefined {
  return typeof value === 'string' && AMOUNT.test(value) ? BigInt(value) : undefined;
}
