/** Keys of messages that have not come yet though later ones have: kept for a while, and never many. */
import type { Bytes } from '../protocol/bytes.ts';
import type { HeaderKey } from './ratchet-header.ts';

/** So many messages of one chain may be missing before one that comes: more would make one message expensive. */
export const SKIP_MAX = 256;
export const STORED_KEYS_MAX = 1_000;
/** Every chain with stored keys has a header key that is tried on every message. */
export const STORED_CHAINS_MAX = 8;
export const STORED_KEY_LIFE_MS = 5 * 60_000;

export type SkippedKey = {
  /** Of its chain. */
  readonly headerKey: HeaderKey;
  /** N of the message. */
  readonly number: number;
  readonly messageKey: Bytes;
  readonly storedMs: number;
};

/** Oldest first. */
export type SkippedKeys = readonly SkippedKey[];

/** The keys that are not too old at `nowMs`. */
export function unexpired(keys: SkippedKeys, nowMs: number): SkippedKeys {
  return keys.filter(({ storedMs }) => nowMs - storedMs < STORED_KEY_LIFE_MS);
}

/** The header keys to try, of the oldest chain first. */
export function chainsOf(keys: SkippedKeys): readonly HeaderKey[] {
  return [...new Set(keys.map(({ headerKey }) => headerKey))];
}

/** `added` is newer than all of `keys`. What is too much goes from the oldest on. */
export function storeKeys(keys: SkippedKeys, added: SkippedKeys): SkippedKeys {
  const kept = [...keys, ...added].slice(-STORED_KEYS_MAX);
  const chains = new Set(chainsOf(kept).slice(-STORED_CHAINS_MAX));
  return kept.filter(({ headerKey }) => chains.has(headerKey));
}
