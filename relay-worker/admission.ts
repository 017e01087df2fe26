/**
 * Who may come in (PROTOCOL.md AD1–AD9, RL20): whoever shows a fresh token signed with the key that the room's id is made
 * of. No account, no database, no secret of the relay's own; checked before a room's object is touched.
 */
import { asciiBytes, concatBytes, equalBytes, toBase64Url } from '../src/engine/protocol/bytes.ts';
import type { Bytes } from '../src/engine/protocol/bytes.ts';
import { HOST_STATEMENT_SKEW_MAX_S, HOST_SUBPROTOCOL_PREFIX, parseHostStatement } from '../src/engine/protocol/host.ts';
import type { HostStatement } from '../src/engine/protocol/host.ts';
import { idBytes } from '../src/engine/protocol/ids.ts';
import type { RoomId } from '../src/engine/protocol/ids.ts';
import { JWT_HEADER, JWT_SUBPROTOCOL_PREFIX, JWT_TEXT_MAX, parseJwtText } from '../src/engine/protocol/jwt.ts';
import {
  SUBPROTOCOL,
  TOKEN_SUBPROTOCOL_PREFIX,
  parseToken,
  roomIdPreimage,
  tokenTimeFault,
} from '../src/engine/protocol/token.ts';
import type { ParsedToken, TokenClaims, TokenTimeFault } from '../src/engine/protocol/token.ts';

const OBJECT_LABEL = asciiBytes('tai/1 object');

/** A token and its companions, but for a JWT, are 300 characters, 600 with a host's claim; nothing longer is looked at. */
const OFFER_TEXT_MAX = 1024;

export type Offer = {
  /** Whether the client speaks our protocol at all; only then may the answer select it. */
  readonly isOurs: boolean;
  readonly token: ParsedToken | undefined;
  /** An operator's own, unread (AD17). */
  readonly jwt: string | undefined;
  /** AD9; `invalid` where one is shown that cannot be read, so that nobody is taken for a mere guest by a slip. */
  readonly claim: HostStatement | 'invalid' | undefined;
};

export type Admission =
  | { readonly type: 'admitted'; readonly claims: TokenClaims; readonly isHost: boolean }
  | { readonly type: 'refused'; readonly reason: TokenTimeFault };

const NOTHING: Offer = { isOurs: false, token: undefined, jwt: undefined, claim: undefined };

/** Reads `Sec-WebSocket-Protocol`. Two tokens are as good as none: which one would count? So it is with all of these. */
export function parseOffer(header: string | null): Offer {
  if (header === null || header.length > OFFER_TEXT_MAX + JWT_TEXT_MAX) return NOTHING;
  const offered = header.split(',').map((name) => name.trim());
  const only = (prefix: string): string | undefined => {
    const found = offered.filter((name) => name.startsWith(prefix));
    return found.length === 1 ? found[0] : undefined;
  };
  const jwtEntry = only(JWT_SUBPROTOCOL_PREFIX) ?? '';
  if (header.length - jwtEntry.length > OFFER_TEXT_MAX) return NOTHING;
  const token = only(TOKEN_SUBPROTOCOL_PREFIX);
  const hasClaim = offered.some((name) => name.startsWith(HOST_SUBPROTOCOL_PREFIX));
  const claim = parseHostStatement(only(HOST_SUBPROTOCOL_PREFIX)?.slice(HOST_SUBPROTOCOL_PREFIX.length)) ?? 'invalid';
  return {
    isOurs: offered.includes(SUBPROTOCOL),
    token: token === undefined ? undefined : parseToken(token),
    jwt: parseJwtText(jwtEntry.slice(JWT_SUBPROTOCOL_PREFIX.length)),
    claim: hasClaim ? claim : undefined,
  };
}

/** What stands behind `Bearer` (RFC 6750 §2.1). */
export function bearerOf(header: string | null): string | undefined {
  if (header === null || header.length > OFFER_TEXT_MAX) return undefined;
  return /^Bearer +(\S+)$/i.exec(header)?.[1];
}

/** RL20: reads `Authorization: Bearer tai.token.…`, the token in the form that the subprotocol has. */
export function parseBearer(header: string | null): ParsedToken | undefined {
  const token = bearerOf(header);
  return token === undefined ? undefined : parseToken(token);
}

/** The same over HTTP, where there is no host: a JWT stands in a header of its own. */
export function parseCallOffer(headers: Headers): Offer {
  const token = parseBearer(headers.get('Authorization'));
  return { isOurs: true, token, jwt: parseJwtText(headers.get(JWT_HEADER)), claim: undefined };
}

/** Cheapest check first. Never throws: a key or signature that the platform cannot read is a refusal. */
export async function admit(offer: Offer, nowS: number): Promise<Admission> {
  const { isOurs, token, claim } = offer;
  if (!isOurs || !token) return { type: 'refused', reason: 'token-invalid' };
  const timeFault = tokenTimeFault(token.claims, nowS);
  if (timeFault) return { type: 'refused', reason: timeFault };
  const { claims } = token;
  const isGenuine = (await isRoomOfKeys(claims)) && (await isSignedBy(claims.pkRoom, token));
  if (!isGenuine || claim === 'invalid') return { type: 'refused', reason: 'token-invalid' };
  if (claim && !(await isHostsClaim(claim, claims, nowS))) return { type: 'refused', reason: 'token-invalid' };
  return { type: 'admitted', claims, isHost: claim !== undefined };
}

/** AD10: whether this room's host has signed a statement. A room without host tools has none: its key is all zeros. */
export async function isSignedByHost(pkHost: Bytes, statement: HostStatement): Promise<boolean> {
  return pkHost.some((byte) => byte !== 0) && (await isSignedBy(pkHost, statement));
}

/** AD9: by the host's key, of this room and this peer, now. */
async function isHostsClaim(statement: HostStatement, token: TokenClaims, nowS: number): Promise<boolean> {
  const { action, roomId, hostPeerId, issuedS } = statement.claims;
  const isMeant = action === 'claim' && roomId === token.roomId && hostPeerId === token.peerId;
  const isFresh = Math.abs(nowS - issuedS) <= HOST_STATEMENT_SKEW_MAX_S;
  return isMeant && isFresh && (await isSignedByHost(token.pkHost, statement));
}

/**
 * The name of a room's object. The platform may keep and list names, so it is not the room's id: whoever reads that
 * list cannot tell a room by it without knowing the id already.
 */
export async function objectName(roomId: RoomId): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', concatBytes(OBJECT_LABEL, idBytes(roomId)))));
}

async function isRoomOfKeys(claims: TokenClaims): Promise<boolean> {
  const hash = await crypto.subtle.digest('SHA-256', roomIdPreimage(claims.pkRoom, claims.pkHost));
  return equalBytes(new Uint8Array(hash), idBytes(claims.roomId));
}

type Signed = { readonly signed: Bytes; readonly signature: Bytes };

async function isSignedBy(publicKey: Bytes, { signed, signature }: Signed): Promise<boolean> {
  try {
    const key = await crypto.subtle.importKey('raw', publicKey, { name: 'Ed25519' }, false, ['verify']);
    return await crypto.subtle.verify({ name: 'Ed25519' }, key, signature, signed);
  } catch {
    return false;
  }
}
