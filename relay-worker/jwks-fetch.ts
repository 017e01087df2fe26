/** How the Worker fetches an operator's JWKS: bounded in size, number, and in how often it runs into the same wall. */
import { isRecord, parseJson } from '../src/engine/protocol/json.ts';
import { readBounded } from './bounded-text.ts';

export const JWKS_MAX_BYTES = 64 * 1024;
export const JWKS_KEYS_MAX = 64;
/** After a failure nobody waits for the same host again for so long. */
export const JWKS_RETRY_AFTER_MS = 5_000;
/** The platform lets no request wait for another's fetch, so each that needs the keys fetches them. */
const FETCHES_AT_ONCE_MAX = 8;

type Fetch = (url: string, options: RequestInit) => Promise<Response>;

/** A `fetch` for one key set. Rejects for whatever is no small, plain answer; redirects are none. */
export function fetchKeys(
  fetchUrl: Fetch = (url, options) => fetch(url, options),
  now: () => number = Date.now,
): Fetch {
  let failedMs = -Infinity;
  let underway = 0;
  return async (url, options) => {
    if (now() - failedMs < JWKS_RETRY_AFTER_MS || underway >= FETCHES_AT_ONCE_MAX) throw new Error('jwks: not now');
    underway++;
    try {
      const response = await fetchUrl(url, options);
      if (response.status !== 200) throw new Error('jwks: no answer');
      const text = await readBounded(response.body, JWKS_MAX_BYTES);
      if (typeof text !== 'string') throw new Error('jwks: no text, or too long');
      const value = parseJson(text);
      const keys: unknown = isRecord(value) ? value['keys'] : undefined;
      if (!Array.isArray(keys) || keys.length > JWKS_KEYS_MAX) throw new Error('jwks: no key set');
      return new Response(text, { headers: { 'Content-Type': 'application/json' } });
    } catch (error) {
      failedMs = now();
      throw error;
    } finally {
      underway--;
    }
  };
}
