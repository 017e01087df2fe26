/** What the issuer asks other hosts: one JSON text there, one back, within a time and a size (PROTOCOL.md LM20). */
import { parseJson } from '../src/engine/protocol/json.ts';
import { readBounded } from './bounded-text.ts';

export const OUTSIDE_TIMEOUT_MS = 5_000;
export const OUTSIDE_TEXT_MAX = 64 * 1024;

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export type OutsideCall = {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly fetch: Fetch;
  readonly timeoutMs?: number;
};

/**
 * Rejects where no JSON text comes in time, or another status than 2xx. What it rejects with says nothing of why: it could hold
 * an address with a key in it.
 */
export async function askOutside({ url, headers, body, fetch, timeoutMs }: OutsideCall): Promise<unknown> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
      // a redirect would take the key elsewhere; "error" is not known to the platform
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs ?? OUTSIDE_TIMEOUT_MS),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error('status');
    }
    const text = await readBounded(response.body, OUTSIDE_TEXT_MAX);
    const answer = typeof text === 'string' ? parseJson(text) : undefined;
    if (answer !== undefined) return answer;
  } catch {
    // said below, in words without anything in them
  }
  throw new Error('turn: no answer from outside');
}
