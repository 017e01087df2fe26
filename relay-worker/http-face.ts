/**
 * The relay's calls over HTTP, for pages and tools without a socket (PROTOCOL.md RL20): one JSON-RPC 2.0 call a request,
 * the same admission token, any origin, no cookies. Only what concerns pre-key bundles; nothing is ever encrypted or
 * decrypted here.
 */
import type { RpcErrorReason } from '../src/engine/protocol/errors.ts';
import { RELAY_TEXT_MAX, formatError } from '../src/engine/protocol/relay.ts';
import type { TokenClaims } from '../src/engine/protocol/token.ts';
import { admit, parseBearer } from './admission.ts';
import type { CallAnswer } from './relay-room.ts';

/** Errors that are told by the status as well; all others come with 200, as the answers of a method. */
const ERROR_STATUS: Partial<Record<RpcErrorReason, number>> = {
  'parse-error': 400,
  'invalid-request': 400,
  'method-not-found': 400,
  'invalid-params': 400,
  'token-invalid': 401,
  'token-expired': 401,
  'wallet-required': 403,
  'wallet-refused': 403,
  'stake-too-low': 403,
  'mailbox-forbidden': 403,
  'mailbox-off': 404,
  'too-large': 413,
  'rate-limited': 429,
  unavailable: 503,
};

/**
 * No credentials are allowed, and none are looked at: what counts is the token, which no browser adds by itself, so that
 * a foreign page can do no more with a visitor's browser than with its own.
 */
export const CORS_HEADERS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'POST',
  'Access-Control-Allow-Headers': 'Authorization, Content-Type',
  'Access-Control-Expose-Headers': 'Retry-After',
  'Access-Control-Max-Age': '86400',
};

/** Asks the room that an admitted token names. Rejects where it cannot be reached. */
export type RoomCall = (claims: TokenClaims, text: string) => Promise<CallAnswer>;

/** Never rejects. No room is asked for a caller without a good token, or for a body that is too long. */
export async function answerCall(request: Request, askRoom: RoomCall): Promise<Response> {
  if (request.method === 'OPTIONS') return preflight();
  if (request.method !== 'POST') return refuse('invalid-request', { status: 405, headers: { Allow: 'POST, OPTIONS' } });
  const nowS = Math.floor(Date.now() / 1000);
  const admission = await admit({ isOurs: true, token: parseBearer(request.headers.get('Authorization')) }, nowS);
  if (admission.type === 'refused') {
    const text = formatError(null, admission.reason, admission.reason === 'token-expired' ? { now: nowS } : {});
    return respond({ text, reason: admission.reason }, { headers: { 'WWW-Authenticate': 'Bearer' } });
  }
  const body = await readText(request.body);
  if (typeof body !== 'string') return refuse(body.fault);
  try {
    return respond(await askRoom(admission.claims, body));
  } catch {
    // The object is being moved or is overloaded; what the platform says about it is not for clients.
    return refuse('unavailable');
  }
}

export function preflight(): Response {
  return new Response(null, { status: 204, headers: CORS_HEADERS });
}

export type Extras = { readonly status?: number; readonly headers?: Readonly<Record<string, string>> };

export function refuse(reason: RpcErrorReason, extras?: Extras): Response {
  return respond({ text: formatError(null, reason), reason }, extras);
}

export function respond({ text, reason }: CallAnswer, { status, headers }: Extras = {}): Response {
  const told = status ?? (reason ? ERROR_STATUS[reason] : undefined) ?? (text === undefined ? 204 : 200);
  return new Response(text ?? null, {
    status: told,
    headers: {
      ...CORS_HEADERS,
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      ...(text === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(told === 429 || told === 503 ? { 'Retry-After': '1' } : {}),
      ...headers,
    },
  });
}

export type BodyFault = { readonly fault: 'too-large' | 'parse-error' };

/** Reads no further than the longest text, in bytes; what its sender says of its length counts for nothing. */
export async function readText(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number = RELAY_TEXT_MAX,
): Promise<string | BodyFault> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const reader = body?.getReader();
  let text = '';
  let bytes = 0;
  try {
    for (let part = await reader?.read(); part?.value; part = await reader?.read()) {
      bytes += part.value.length;
      if (bytes > maxBytes) {
        await reader?.cancel();
        return { fault: 'too-large' };
      }
      text += decoder.decode(part.value, { stream: true });
    }
    return text + decoder.decode();
  } catch {
    // No UTF-8, or a sender that has gone and hears no answer.
    return { fault: 'parse-error' };
  }
}
