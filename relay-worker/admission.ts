/**
 * Who may come in (PROTOCOL.md AD1–AD6, RL20): whoever shows a fresh token signed with the key that the room's id is made
 * of. No account, no database, no secret of the relay's own; checked before a room's object is touched.
 */
import { asciiBytes, concatBytes, equalBytes, toBase64Url } from '../src/engine/protocol/bytes.ts';
import { idBytes } from '../src/engine/protocol/ids.ts';
import type { RoomId } from '../src/engine/protocol/ids.ts';
import {
  SUBPROTOCOL,
  TOKEN_SUBPROTOCOL_PREFIX,
  parseToken,
  roomIdPreimage,
  tokenTimeFault,
} from '../src/engine/protocol/token.ts';
import type { ParsedToken, TokenClaims, TokenTimeFault } from '../src/engine/protocol/token.ts';

const OBJECT_LABEL = asciiBytes('tai/1 object');

/** A token and its companions are 300 characters; nothing longer is looked at. */
const OFFER_TEXT_MAX = 1024;

export type Offer = {
  /** Whether the client speaks our protocol at all; only then may the answer select it. */
  readonly isOurs: boolean;
  readonly token: ParsedToken | undefined;
};

export type Admission =
  | { readonly type: 'admitted'; readonly claims: TokenClaims }
  | { readonly type: 'refused'; readonly reason: TokenTimeFault };

/** Reads `Sec-WebSocket-Protocol`. Two tokens are as good as none: which one would count? */
export function parseOffer(header: string | null): Offer {
  if (header === null || header.length > OFFER_TEXT_MAX) return { isOurs: false, token: undefined };
  const offered = header.split(',').map((name) => name.trim());
  const tokens = offered.filter((name) => name.startsWith(TOKEN_SUBPROTOCOL_PREFIX));
  const only = tokens.length === 1 ? tokens[0] : undefined;
  return { isOurs: offered.includes(SUBPROTOCOL), token: only === undefined ? undefined : parseToken(only) };
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

/** Cheapest check first. Never throws: a key or signature that the platform cannot read is a refusal. */
export async function admit(offer: Offer, nowS: number): Promise<Admission> {
  const { isOurs, token } = offer;
  if (!isOurs || !token) return { type: 'refused', reason: 'token-invalid' };
  const timeFault = tokenTimeFault(token.claims, nowS);
  if (timeFault) return { type: 'refused', reason: timeFault };
  const isGenuine = (await isRoomOfKeys(token.claims)) && (await isSigned(token));
  return isGenuine ? { type: 'admitted', claims: token.claims } : { type: 'refused', reason: 'token-invalid' };
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

async function isSigned(token: ParsedToken): Promise<boolean> {
  try {
    const key = await crypto.subtle.importKey('raw', token.claims.pkRoom, { name: 'Ed25519' }, false, ['verify']);
    return await crypto.subtle.verify({ name: 'Ed25519' }, key, token.signature, token.signed);
  } catch {
    return false;
  }
}
