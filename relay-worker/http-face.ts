/**
 * The relay's answers over HTTP: what every face shares, and the calls that stand beside the socket (PROTOCOL.md RL20), for
 * pages and tools without one: one JSON-RPC 2.0 call a request, the same admission token, no cookies. Only what concerns
 * pre-key bundles; nothing is ever encrypted or decrypted here.
 */
import type { RpcErrorReason } from '../src/engine/protocol/errors.ts';
import { RELAY_TEXT_MAX, formatError } from '../src/engine/protocol/relay.ts';
import type { TokenClaims, TokenTimeFault } from '../src/engine/protocol/token.ts';
import { JWT_HEADER } from '../src/engine/protocol/jwt.ts';
import { admit, parseCallOffer } from './admission.ts';
import { readBounded } from './bounded-text.ts';
import type { BodyFault } from './bounded-text.ts';
import type { Door } from './door.ts';
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
  'wallet-required': 403,
  'wallet-refused': 403,
  'stake-too-low': 403,
  'mailbox-forbidden': 403,
  'not-admitted': 403,
  'origin-refused': 403,
  'mailbox-off': 404,
  'too-large': 413,
  'rate-limited': 429,
  unavailable: 503,
};

/**
 * No credentials are allowed, and none are looked at: what counts is the token, which no browser adds by itself, so that
 * a foreign page can do no more with a visitor's browser than with its own. Which origins may read is the door's to say.
 */
const CORS_HEADERS = {
  'Access-Control-Allow-Methods': 'POST',
  'Access-Control-Allow-Headers': `Authorization, Content-Type, ${JWT_HEADER}`,
  'Access-Control-Expose-Headers': 'Retry-After',
  'Access-Control-Max-Age': '86400',
};

/** What a face makes of a request. */
export type Answer = CallAnswer & {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Asks the room that an admitted token names. Rejects where it cannot be reached. */
export type RoomCall = (claims: TokenClaims, text: string) => Promise<CallAnswer>;

/**
 * The way in for every face that takes a POST (AD16, LM15): `answer` is asked for what has passed the operator's origins and
 * limit, and for nothing else. Rejects only where `answer` does.
 */
export async function behindDoor(request: Request, door: Door, answer: () => Promise<Answer>): Promise<Response> {
  const { headers } = request;
  const { text, reason, ...extras } = await passDoor(request, door, answer);
  const status = extras.status ?? (reason ? ERROR_STATUS[reason] : undefined) ?? (text === undefined ? 204 : 200);
  return new Response(text ?? null, {
    status,
    headers: {
      ...CORS_HEADERS,
      ...door.corsOrigin(headers),
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      ...(text === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}),
      ...(status === 429 || status === 503 ? { 'Retry-After': '1' } : {}),
      ...extras.headers,
    },
  });
}

async function passDoor({ headers, method }: Request, door: Door, answer: () => Promise<Answer>): Promise<Answer> {
  // A preflight costs nothing and carries nothing; the call that it is for is counted.
  if (!door.allows(headers)) return refusal('origin-refused');
  if (method === 'OPTIONS') return {};
  const outside = await door.refusalOf(headers, Date.now());
  if (outside) return refusal(outside);
  if (method !== 'POST') return refusal('invalid-request', { status: 405, headers: { Allow: 'POST, OPTIONS' } });
  return await answer();
}

/** RL20. Never rejects. No room is asked for a caller without a good token, or for a body that is too long. */
export async function answerCall(request: Request, askRoom: RoomCall, door: Door): Promise<Response> {
  return await behindDoor(request, door, async () => {
    const nowS = Math.floor(Date.now() / 1000);
    const offer = parseCallOffer(request.headers);
    const admission = await admit(offer, nowS);
    if (admission.type === 'refused') return unknownCaller(admission.reason, nowS);
    const { claims } = admission;
    const verdict = await door.jwt.check(offer.jwt, claims.roomId);
    if (verdict !== 'passed') return refusal(verdict);
    const body = await readCall(request.body);
    return typeof body === 'string' ? await asked(() => askRoom(claims, body)) : refusal(body.fault);
  });
}

/** The caller's token, or pass, is not good now. */
export function unknownCaller(reason: TokenTimeFault, nowS: number): Answer {
  return { text: formatError(null, reason, reason === 'token-expired' ? { now: nowS } : {}), reason };
}

export function refusal(reason: RpcErrorReason, extras: Pick<Answer, 'status' | 'headers'> = {}): Answer {
  return { text: formatError(null, reason), reason, ...extras };
}

/** What an object answers, or that there is nobody to answer. */
export async function asked(ask: () => Promise<CallAnswer>): Promise<Answer> {
  try {
    return await ask();
  } catch {
    // The object is being moved or is overloaded; what the platform says about it is not for clients.
    return refusal('unavailable');
  }
}

/** As long as a call may be. */
export async function readCall(body: Request['body']): Promise<string | BodyFault> {
  return await readBounded(body, RELAY_TEXT_MAX);
}

/** What is no call, and is for people and their tools. */
export function json(
  status: number,
  body: Readonly<Record<string, boolean | string>>,
  headers: Record<string, string> = {},
): Response {
  return Response.json(body, {
    status,
    headers: { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', ...headers },
  });
}
