/** What the Worker and a room's object say to each other about somebody who wants in. */
import { RESUME_SUBPROTOCOL_PREFIX, parseResumeOffer } from '../src/engine/protocol/resume.ts';
import { SUBPROTOCOL, TOKEN_SUBPROTOCOL_PREFIX } from '../src/engine/protocol/token.ts';
import type { TokenClaims } from '../src/engine/protocol/token.ts';
import { parseOffer } from './admission.ts';
import type { Arrival, EntryRefusal } from './relay-room.ts';

export type Entry = { readonly claims: TokenClaims; readonly arrival: Arrival };

/** Tells the Worker to refuse: a socket that an object closes before its handshake is answered never ends cleanly. */
const REFUSAL_STATUS: Record<EntryRefusal, number> = {
  'room-full': 409,
  'rate-limited': 429,
  'room-locked': 423,
  kicked: 403,
  'token-invalid': 401,
};

/** Set by the Worker where the claim to be this room's host was checked. */
const HOST_HEADER = 'Tai-Host';

/** What goes on to the room's object of what was offered at the door; a host's claim and a JWT have been checked and stay there. */
const KEPT_PREFIXES = [TOKEN_SUBPROTOCOL_PREFIX, RESUME_SUBPROTOCOL_PREFIX];

/**
 * What a room's object is told of somebody who was let through the door: the token that was checked, and where it is in the
 * messages if it is back (RL21). No address, no JWT, no cookie, no name of a browser comes as far as this.
 */
export function entryRequest(request: Request, isHost: boolean): Request {
  const offered = (request.headers.get('Sec-WebSocket-Protocol') ?? '').split(',').map((name) => name.trim());
  const kept = offered.filter((name) => KEPT_PREFIXES.some((prefix) => name.startsWith(prefix)));
  const headers = { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': [SUBPROTOCOL, ...kept].join(', ') };
  return new Request(request.url, { headers: isHost ? { ...headers, [HOST_HEADER]: '1' } : headers });
}

/** Reads the same in the object; `undefined` for what the Worker has not made. */
export function parseEntry({ headers }: Request): Entry | undefined {
  const offered = headers.get('Sec-WebSocket-Protocol');
  const claims = parseOffer(offered).token?.claims;
  if (!claims) return undefined;
  const arrival = { proof: claims.nonce, isHost: headers.has(HOST_HEADER), place: parseResumeOffer(offered) };
  return { claims, arrival };
}

export function refusalAnswer(refusal: EntryRefusal): Response {
  return new Response(null, { status: REFUSAL_STATUS[refusal] });
}

/** Which refusal an object's answer is, if any. */
export function entryRefusalOf(status: number): EntryRefusal | undefined {
  return (Object.keys(REFUSAL_STATUS) as EntryRefusal[]).find((refusal) => REFUSAL_STATUS[refusal] === status);
}
