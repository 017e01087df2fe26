/**
 * What a room's host says about its door and its guests (PROTOCOL.md AD9–AD15), signed with the key that only the host's
 * link holds and that the room's id commits to. The relay checks it before it acts, peers before they drop a link.
 *
 * ```text
 *  0        1            2               34               50              66
 *  +--------+------------+---------------+----------------+---------------+
 *  | v = 1  | action (1) | room id (32)  | host peer (16) | target (16)   |
 *  +--------+------------+---------------+----------------+---------------+
 *  | issued s (5) | nonce (16) | ep length (1) | ep (0 to 64) | Ed25519 signature (64) |
 *  +--------------+------------+---------------+--------------+------------------------+
 * 66             71           87              88
 * ```
 * Numbers are big-endian, the time Unix seconds. `target` is zeros for an action without one; `ep` is ASCII, and empty in a
 * claim, which is made before any `welcome`. Signed is `"tai/1 host"` and everything before the signature.
 */
import { asciiBytes, concatBytes, fromBase64Url, readUint, toBase64Url, uintBytes } from './bytes.ts';
import type { Bytes } from './bytes.ts';
import { PEER_ID_BYTES, ROOM_ID_BYTES, idBytes, peerIdFromBytes, roomIdFromBytes } from './ids.ts';
import type { PeerId, RoomId } from './ids.ts';

/** Who may come in: whoever has the link; whoever the host lets in; nobody new. */
export const DOORS = ['open', 'knock', 'locked'] as const;
export type Door = (typeof DOORS)[number];

/** The number on the wire is the place in this list, from 1. */
const ACTIONS = ['claim', 'open', 'knock', 'lock', 'admit', 'decline', 'kick'] as const;
export type HostAction = (typeof ACTIONS)[number];
export type DoorAction = Extract<HostAction, 'open' | 'knock' | 'lock'>;
export type TargetAction = Extract<HostAction, 'admit' | 'decline' | 'kick'>;

export const DOOR_AFTER: { readonly [A in DoorAction]: Door } = { open: 'open', knock: 'knock', lock: 'locked' };

/** Beside the token; shown where the socket is opened, by a host alone. */
export const HOST_SUBPROTOCOL_PREFIX = 'tai.host.';

/** How far the time of a statement may lie from the relay's clock, either way. */
export const HOST_STATEMENT_SKEW_MAX_S = 60;

const VERSION = 1;
const TIME_BYTES = 5;
export const HOST_NONCE_BYTES = 16;
const EP_MAX = 64;
const SIGNATURE_BYTES = 64;

const ROOM_AT = 2;
const HOST_PEER_AT = ROOM_AT + ROOM_ID_BYTES;
const TARGET_AT = HOST_PEER_AT + PEER_ID_BYTES;
const ISSUED_AT = TARGET_AT + PEER_ID_BYTES;
const NONCE_AT = ISSUED_AT + TIME_BYTES;
const EP_LENGTH_AT = NONCE_AT + HOST_NONCE_BYTES;
const EP_AT = EP_LENGTH_AT + 1;
const HOST_STATEMENT_MAX_BYTES = EP_AT + EP_MAX + SIGNATURE_BYTES;
/** In base64url digits. */
export const HOST_STATEMENT_TEXT_MAX = Math.ceil((HOST_STATEMENT_MAX_BYTES * 4) / 3);

const SIGNING_LABEL = asciiBytes('tai/1 host');
const NO_TARGET = new Uint8Array(PEER_ID_BYTES);

export type HostClaims = {
  readonly action: HostAction;
  readonly roomId: RoomId;
  /** Who says it: the peer whose socket it comes over. */
  readonly hostPeerId: PeerId;
  /** Of `admit`, `decline` and `kick` alone. */
  readonly target: PeerId | undefined;
  readonly issuedS: number;
  /** 16 random bytes. */
  readonly nonce: Bytes;
  /** The relay's instance that it is meant for, as `welcome` named it; empty in a claim. */
  readonly ep: string;
};

export type HostStatement = {
  readonly claims: HostClaims;
  /** The bytes under the signature, label included. */
  readonly signed: Bytes;
  readonly signature: Bytes;
};

export function hostSigningBytes(claims: HostClaims): Bytes {
  return concatBytes(SIGNING_LABEL, statementBody(claims));
}

/** base64url. */
export function formatHostStatement(claims: HostClaims, signature: Uint8Array): string {
  return toBase64Url(concatBytes(statementBody(claims), signature));
}

/** Reads the layout only; who has signed, and whether it is fresh, is for the reader to check. */
export function parseHostStatement(text: unknown): HostStatement | undefined {
  if (typeof text !== 'string' || text.length > HOST_STATEMENT_TEXT_MAX) return undefined;
  const bytes = fromBase64Url(text);
  const epLength = bytes?.[EP_LENGTH_AT];
  if (!bytes || bytes[0] !== VERSION || epLength === undefined || epLength > EP_MAX) return undefined;
  const signatureAt = EP_AT + epLength;
  if (bytes.length !== signatureAt + SIGNATURE_BYTES) return undefined;
  const action = ACTIONS[(bytes[1] ?? 0) - 1];
  const roomId = roomIdFromBytes(bytes.subarray(ROOM_AT, HOST_PEER_AT));
  const hostPeerId = peerIdFromBytes(bytes.subarray(HOST_PEER_AT, TARGET_AT));
  const targetBytes = bytes.subarray(TARGET_AT, ISSUED_AT);
  const target = targetBytes.some((byte) => byte !== 0) ? peerIdFromBytes(targetBytes) : undefined;
  const issuedS = readUint(bytes, ISSUED_AT, TIME_BYTES);
  const epBytes = bytes.subarray(EP_AT, signatureAt);
  if (!action || !roomId || !hostPeerId || issuedS === undefined) return undefined;
  if (hasTarget(action) !== (target !== undefined) || epBytes.some((byte) => byte < 0x21 || byte > 0x7e)) {
    return undefined;
  }
  if ((action === 'claim') !== (epLength === 0)) return undefined;
  return {
    claims: {
      action,
      roomId,
      hostPeerId,
      target,
      issuedS,
      nonce: bytes.slice(NONCE_AT, EP_LENGTH_AT),
      ep: String.fromCharCode(...epBytes),
    },
    signed: concatBytes(SIGNING_LABEL, bytes.subarray(0, signatureAt)),
    signature: bytes.slice(signatureAt),
  };
}

export function hasTarget(action: HostAction): action is TargetAction {
  return action === 'admit' || action === 'decline' || action === 'kick';
}

export function parseDoor(value: unknown): Door | undefined {
  return DOORS.find((door) => door === value);
}

function statementBody({ action, roomId, hostPeerId, target, issuedS, nonce, ep }: HostClaims): Bytes {
  return concatBytes(
    Uint8Array.of(VERSION, ACTIONS.indexOf(action) + 1),
    idBytes(roomId),
    idBytes(hostPeerId),
    target === undefined ? NO_TARGET : idBytes(target),
    uintBytes(issuedS, TIME_BYTES),
    nonce,
    uintBytes(ep.length, 1),
    asciiBytes(ep),
  );
}
