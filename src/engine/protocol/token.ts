/**
 * Admission token: shows the relay that its bearer holds the room's link, and nothing else (PROTOCOL.md AD1–AD7).
 *
 * ```text
 *  0        1                33               65              97             113
 *  +--------+----------------+----------------+---------------+--------------+
 *  | v = 1  | room id (32)   | pk_room (32)   | pk_host (32)  | peer id (16) |
 *  +--------+----------------+----------------+---------------+--------------+
 *  | join number (6) | iat (5) | exp (5) | nonce (16) | Ed25519 signature (64) |
 *  +-----------------+---------+---------+------------+------------------------+
 * 113               119       124       129          145                      209
 * ```
 * Numbers are big-endian; iat and exp are Unix seconds; a join number of 0 asks the relay for a new one.
 */
import { asciiBytes, concatBytes, fromBase64Url, readUint, toBase64Url, uintBytes } from './bytes.ts';
import { PEER_ID_BYTES, ROOM_ID_BYTES, idBytes, peerIdFromBytes, roomIdFromBytes } from './ids.ts';
import type { PeerId, RoomId } from './ids.ts';

export const TOKEN_VERSION = 1;
export const TOKEN_LIFE_MAX_S = 120;
/** How far ahead of the relay's clock an `iat` may lie. */
export const TOKEN_SKEW_MAX_S = 60;

/** Chosen by the relay from `Sec-WebSocket-Protocol`; the token stands beside it, behind the prefix. */
export const SUBPROTOCOL = 'tai.1';
export const TOKEN_SUBPROTOCOL_PREFIX = 'tai.token.';

const KEY_BYTES = 32;
const JOIN_NUMBER_BYTES = 6;
const TIME_BYTES = 5;
export const TOKEN_NONCE_BYTES = 16;
const SIGNATURE_BYTES = 64;

const ROOM_AT = 1;
const PK_ROOM_AT = ROOM_AT + ROOM_ID_BYTES;
const PK_HOST_AT = PK_ROOM_AT + KEY_BYTES;
const PEER_AT = PK_HOST_AT + KEY_BYTES;
const JOIN_NUMBER_AT = PEER_AT + PEER_ID_BYTES;
const IAT_AT = JOIN_NUMBER_AT + JOIN_NUMBER_BYTES;
const EXP_AT = IAT_AT + TIME_BYTES;
const NONCE_AT = EXP_AT + TIME_BYTES;
const SIGNATURE_AT = NONCE_AT + TOKEN_NONCE_BYTES;
export const TOKEN_BYTES = SIGNATURE_AT + SIGNATURE_BYTES;

const SIGNING_LABEL = asciiBytes('tai/1 token');
const ROOM_LABEL = asciiBytes('tai/1 room');

export type TokenClaims = {
  readonly roomId: RoomId;
  /** Ed25519, 32 bytes: verifies this token. */
  readonly pkRoom: Uint8Array<ArrayBuffer>;
  /** Ed25519, 32 bytes: verifies host commands; zeros = a room without host tools. */
  readonly pkHost: Uint8Array<ArrayBuffer>;
  readonly peerId: PeerId;
  /** The number that the relay gave at the first join, shown again on every return; 0 = none yet. */
  readonly joinNumber: number;
  readonly iatS: number;
  readonly expS: number;
  /** 16 random bytes, the same in all tokens of one join: by them the relay knows who comes back (AD8). */
  readonly nonce: Uint8Array<ArrayBuffer>;
};

export type ParsedToken = {
  readonly claims: TokenClaims;
  /** The bytes under the signature, label included. */
  readonly signed: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
};

/** The bytes to hash for a room id: `SHA-256("tai/1 room" ‖ pk_room ‖ pk_host)` (AD1). */
export function roomIdPreimage(pkRoom: Uint8Array, pkHost: Uint8Array): Uint8Array<ArrayBuffer> {
  return concatBytes(ROOM_LABEL, pkRoom, pkHost);
}

/** The bytes to sign for these claims. */
export function tokenSigningBytes(claims: TokenClaims): Uint8Array<ArrayBuffer> {
  return concatBytes(SIGNING_LABEL, tokenBody(claims));
}

/** The value for `Sec-WebSocket-Protocol`, prefix included. */
export function formatToken(claims: TokenClaims, signature: Uint8Array): string {
  return TOKEN_SUBPROTOCOL_PREFIX + toBase64Url(concatBytes(tokenBody(claims), signature));
}

/** Reads the layout only; hash, signature and times are the relay's to check. `undefined` for anything malformed. */
export function parseToken(subprotocol: string): ParsedToken | undefined {
  if (!subprotocol.startsWith(TOKEN_SUBPROTOCOL_PREFIX)) return undefined;
  const bytes = fromBase64Url(subprotocol.slice(TOKEN_SUBPROTOCOL_PREFIX.length));
  if (bytes?.length !== TOKEN_BYTES || bytes[0] !== TOKEN_VERSION) return undefined;
  const roomId = roomIdFromBytes(bytes.subarray(ROOM_AT, PK_ROOM_AT));
  const peerId = peerIdFromBytes(bytes.subarray(PEER_AT, JOIN_NUMBER_AT));
  const joinNumber = readUint(bytes, JOIN_NUMBER_AT, JOIN_NUMBER_BYTES);
  const iatS = readUint(bytes, IAT_AT, TIME_BYTES);
  const expS = readUint(bytes, EXP_AT, TIME_BYTES);
  if (!roomId || !peerId || joinNumber === undefined || iatS === undefined || expS === undefined) return undefined;
  return {
    claims: {
      roomId,
      pkRoom: bytes.slice(PK_ROOM_AT, PK_HOST_AT),
      pkHost: bytes.slice(PK_HOST_AT, PEER_AT),
      peerId,
      joinNumber,
      iatS,
      expS,
      nonce: bytes.slice(NONCE_AT, SIGNATURE_AT),
    },
    signed: concatBytes(SIGNING_LABEL, bytes.subarray(0, SIGNATURE_AT)),
    signature: bytes.slice(SIGNATURE_AT),
  };
}

export type TokenTimeFault = 'token-invalid' | 'token-expired';

/** `undefined` where the times hold at `nowS` (AD4). A clock that is wrong gives `token-expired`, so that the client can correct it. */
export function tokenTimeFault(claims: Pick<TokenClaims, 'iatS' | 'expS'>, nowS: number): TokenTimeFault | undefined {
  const lifeS = claims.expS - claims.iatS;
  if (lifeS <= 0 || lifeS > TOKEN_LIFE_MAX_S) return 'token-invalid';
  return claims.expS <= nowS || claims.iatS > nowS + TOKEN_SKEW_MAX_S ? 'token-expired' : undefined;
}

function tokenBody(claims: TokenClaims): Uint8Array<ArrayBuffer> {
  return concatBytes(
    uintBytes(TOKEN_VERSION, 1),
    idBytes(claims.roomId),
    claims.pkRoom,
    claims.pkHost,
    idBytes(claims.peerId),
    uintBytes(claims.joinNumber, JOIN_NUMBER_BYTES),
    uintBytes(claims.iatS, TIME_BYTES),
    uintBytes(claims.expS, TIME_BYTES),
    claims.nonce,
  );
}
