/**
 * The relay's calls over HTTP, for pages and tools without a socket (PROTOCOL.md RL20): one JSON-RPC 2.0 call a request,
 * the same admission token, any origin, no cookies. Only what concerns pre-key bundles; nothing is ever encrypted or
 * decrypted here.
 */
import type { RpcErrorReason } from '../src/engine/protocol/errors.ts';
import { RELAY_TEXT_MAX, formatError } from '../src/engine/protocol/relay.ts';
import type { TokenClaims } from '../src/engine/protocol/token.ts';
import { JWT_HEADER } from '../src/engine/protocol/jwt.ts';
import { admit, parseCallOffer } from './admission.ts';
import { Door } from './door.ts';
import type { CallAnswer } from './relay-room.ts';

/** Errors that are told by the status as well; all others come with 200, as the answers of a method. */
const ERROR_STATUS: Partial<Record<RpcErrorReason, number>> = {
  'parse-error': 400,
  'invalid-request': 400,
  'method-not-found': 400,
  'invalid-params': 400,
  'token-invalid': 401,
  'token-expired': 401,
  'jwt-invalid': 401,
  'origin-refused': 403,
  'too-large': 413,
  'rate-limited': 429,
  unavailable: 503,
};

/**
 * No credentials are allowed, and none are looked at: what counts is the token, which no browser adds by itself, so that
 * a foreign page can do no more with a visitor's browser than with its own.
 */
const CORS_HEADERS = {
  'Access-Control-Allow-Methods': 'POST',
  'Access-Control-Allow-Headers': `Authorization, Content-Type, ${JWT_HEADER}`,
  'Access-Control-Expose-Headers': 'Retry-After',
  'Access-Control-Max-Age': '86400',
};

/** Asks the room that an admitted token names. Rejects where it cannot be reached. */
export type RoomCall = (claims: TokenClaims, text: string) => Promise<CallAnswer>;

/** The door of a relay whose operator has set nothing. */
const OPEN_DOOR = new Door({});

/** Never rejects. No room is asked for a caller without a good token, or for a body that is too long. */
export async function answerCall(request: Request, askRoom: RoomCall, door: Door = OPEN_DOOR): Promise<Response> {
  const { headers } = request;
  const cors = { ...CORS_HEADERS, ...door.corsOrigin(headers) };
  const { text, reason, extras } = await answerOf(request, askRoom, door);
  const status = extras?.status ?? (reason ? ERROR_STATUS[reason] : undefined) ?? (text === undefined ? 204 : 200);
  return new Response(text ?? null, {
    status,
    headers: {
      ...cors,
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      ...(text === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(status === 429 || status === 503 ? { 'Retry-After': '1' } : {}),
      ...extras?.headers,
    },
  });
}

type Extras = { readonly status?: number; readonly headers?: Readonly<Record<string, string>> };
type Answer = CallAnswer & { readonly extras?: Extras };

async function answerOf(request: Request, askRoom: RoomCall, door: Door): Promise<Answer> {
  const { headers, method } = request;
  const nowMs = Date.now();
  // A preflight costs nothing and carries nothing; the call that it is for is counted.
  if (!door.allows(headers)) return refusal('origin-refused');
  if (method === 'OPTIONS') return {};
  const outside = await door.refusalOf(headers, nowMs);
  if (outside) return refusal(outside);
  if (method !== 'POST') return refusal('invalid-request', { status: 405, headers: { Allow: 'POST, OPTIONS' } });
  const nowS = Math.floor(nowMs / 1000);
  const offer = parseCallOffer(headers);
  const admission = await admit(offer, nowS);
  const unknown = { headers: { 'WWW-Authenticate': 'Bearer' } };
  if (admission.type === 'refused') {
    const text = formatError(null, admission.reason, admission.reason === 'token-expired' ? { now: nowS } : {});
    return { text, reason: admission.reason, extras: unknown };
  }
  const { claims } = admission;
  const verdict = await door.jwt.check(offer.jwt, claims.roomId);
  if (verdict !== 'passed') return refusal(verdict, verdict === 'jwt-invalid' ? unknown : {});
  const body = await readText(request.body);
  if (typeof body !== 'string') return refusal(body.fault);
  try {
    return await askRoom(claims, body);
  } catch {
    // The object is being moved or is overloaded; what the platform says about it is not for clients.
    return refusal('unavailable');
  }
}

function refusal(reason: RpcErrorReason, extras: Extras = {}): Answer {
  return { text: formatError(null, reason), reason, extras };
}

type BodyFault = { readonly fault: 'too-large' | 'parse-error' };

/** Reads no further than the longest text; what its sender says of its length counts for nothing. */
async function readText(body: ReadableStream<Uint8Array> | null): Promise<string | BodyFault> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const reader = body?.getReader();
  let text = '';
  let bytes = 0;
  try {
    for (let part = await reader?.read(); part?.value; part = await reader?.read()) {
      bytes += part.value.length;
      if (bytes > RELAY_TEXT_MAX) {
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
