/**
 * What a socket must remember while the room's object sleeps (PROTOCOL.md RL6). Binary, because the platform keeps at
 * most 16,384 bytes a socket and later parts (a pre-key bundle) need most of them.
 *
 * ```text
 *  0        1              33             49                55                 61
 *  +--------+--------------+--------------+-----------------+------------------+
 *  | v = 2  | room id (32) | peer id (16) | join number (6) | admitted, ms (6) |
 *  +--------+--------------+--------------+-----------------+------------------+
 * ```
 */
import { concatBytes, readUint, uintBytes } from '../src/engine/protocol/bytes.ts';
import { PEER_ID_BYTES, ROOM_ID_BYTES, idBytes, peerIdFromBytes, roomIdFromBytes } from '../src/engine/protocol/ids.ts';
import type { PeerId, RoomId } from '../src/engine/protocol/ids.ts';

const ATTACHMENT_VERSION = 2;
const ROOM_AT = 1;
const PEER_AT = ROOM_AT + ROOM_ID_BYTES;
const JOIN_NUMBER_AT = PEER_AT + PEER_ID_BYTES;
const JOIN_NUMBER_BYTES = 6;
const ADMITTED_AT = JOIN_NUMBER_AT + JOIN_NUMBER_BYTES;
const ADMITTED_BYTES = 6;
export const ATTACHMENT_BYTES = ADMITTED_AT + ADMITTED_BYTES;

export type Attachment = {
  readonly roomId: RoomId;
  readonly peerId: PeerId;
  readonly joinNumber: number;
  /** Since 1970. The first sign of life of a socket. */
  readonly admittedMs: number;
};

export function formatAttachment(attachment: Attachment): Uint8Array<ArrayBuffer> {
  return concatBytes(
    uintBytes(ATTACHMENT_VERSION, 1),
    idBytes(attachment.roomId),
    idBytes(attachment.peerId),
    uintBytes(attachment.joinNumber, JOIN_NUMBER_BYTES),
    uintBytes(attachment.admittedMs, ADMITTED_BYTES),
  );
}

/** `undefined` for a socket that was never admitted, and for the layout of another version. */
export function parseAttachment(value: unknown): Attachment | undefined {
  if (!(value instanceof Uint8Array) || value.length !== ATTACHMENT_BYTES || value[0] !== ATTACHMENT_VERSION) {
    return undefined;
  }
  const roomId = roomIdFromBytes(value.subarray(ROOM_AT, PEER_AT));
  const peerId = peerIdFromBytes(value.subarray(PEER_AT, JOIN_NUMBER_AT));
  const joinNumber = readUint(value, JOIN_NUMBER_AT, JOIN_NUMBER_BYTES);
  const admittedMs = readUint(value, ADMITTED_AT, ADMITTED_BYTES);
  if (!roomId || !peerId || joinNumber === undefined || admittedMs === undefined) return undefined;
  return { roomId, peerId, joinNumber, admittedMs };
}
