/**
 * How often one address may come to the door (PROTOCOL.md LM15): asked of the platform's rate limiting binding before any
 * token is read. The binding counts by a key, and the key must tell nobody an address: it is 20 bits of a hash that changes
 * every day, shared by some 4,000 IPv4 addresses. Without an operator's secret in it anybody can work out which addresses share one.
 */
import { asciiBytes, concatBytes, toHex } from '../src/engine/protocol/bytes.ts';

/** The binding as the platform gives it. */
export type RateLimit = { limit(options: { readonly key: string }): Promise<{ readonly success: boolean }> };

const LABEL = asciiBytes('tai/1 door');
const DAY_MS = 86_400_000;
const KEY_DIGITS = 5;

/** `true` too where there is no binding, no address, or no answer: a limit that is down must not take the relay with it. */
export async function isWithinDoorLimit(
  limit: RateLimit | undefined,
  address: string | null,
  nowMs: number,
  secret = '',
): Promise<boolean> {
  if (!limit || address === null) return true;
  try {
    const { success } = await limit.limit({ key: await doorKey(address, nowMs, secret) });
    return success;
  } catch {
    return true;
  }
}

/** `secret`: the operator's; empty where there is none. */
export async function doorKey(address: string, nowMs: number, secret = ''): Promise<string> {
  const salt = secret === '' ? '' : ` ${secret}`;
  const text = new TextEncoder().encode(`${Math.floor(nowMs / DAY_MS)} ${addressBlock(address)}${salt}`);
  const hash = await crypto.subtle.digest('SHA-256', concatBytes(LABEL, text));
  return toHex(new Uint8Array(hash)).slice(0, KEY_DIGITS);
}

/** An IPv4 address as it is; of an IPv6 address the first 64 bits, since the rest is its holder's to choose. */
export function addressBlock(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - rest.length) }, () => '0');
  const whole = tail === undefined ? groups : [...groups, ...zeros, ...rest];
  return whole
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}
