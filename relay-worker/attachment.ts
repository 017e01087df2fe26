/**
 * What a socket must remember while the room's object sleeps (PROTOCOL.md RL6), the pre-keys of its peer among it
 * (RL16). Binary, because the platform keeps at most 16,384 bytes a socket.
 *
 * ```text
 *  0        1              33             49                55                 61
 *  +--------+--------------+--------------+-----------------+------------------+
 *  | v = 3  | room id (32) | peer id (16) | join number (6) | admitted, ms (6) |
 *  +--------+--------------+--------------+-----------------+------------------+
 * 61                  62                   63
 *  +-------------------+--------------------+------------------------+
 *  | has published (1) | peers in list (1)  | handed to (16 a peer)  |
 *  +-----------------+-+----+---------------+-----+------------------+---+
 *  | head length (2) | head | one-time blobs (1)  | length (2) ‖ blob, … |
 *  +-----------------+------+---------------------+----------------------+
 * ```
 * A head length of 0 is the end: no bundle is published.
 */
import { BUNDLE_HEAD_MAX_BYTES, ONE_TIME_BLOBS_MAX, ONE_TIME_BLOB_MAX_BYTES } from '../src/engine/protocol/bundle.ts';
import { concatBytes, readUint, uintBytes } from '../src/engine/protocol/bytes.ts';
import type { Bytes } from '../src/engine/protocol/bytes.ts';
import { PEER_ID_BYTES, ROOM_ID_BYTES, idBytes, peerIdFromBytes, roomIdFromBytes } from '../src/engine/protocol/ids.ts';
import type { PeerId, RoomId } from '../src/engine/protocol/ids.ts';
import type { KeptBundle, ShelfRecord } from './bundle-shelf.ts';
import { HANDED_PEERS_MAX } from './limits.ts';

const ATTACHMENT_VERSION = 3;
const ROOM_AT = 1;
const PEER_AT = ROOM_AT + ROOM_ID_BYTES;
const JOIN_NUMBER_AT = PEER_AT + PEER_ID_BYTES;
const JOIN_NUMBER_BYTES = 6;
const ADMITTED_AT = JOIN_NUMBER_AT + JOIN_NUMBER_BYTES;
const ADMITTED_BYTES = 6;
const SHELF_AT = ADMITTED_AT + ADMITTED_BYTES;
const COUNT_BYTES = 1;
const BLOB_LENGTH_BYTES = 2;

/** Of a peer that has published nothing and given nothing away. */
export const ATTACHMENT_MIN_BYTES = SHELF_AT + 2 * COUNT_BYTES + BLOB_LENGTH_BYTES;
export const ATTACHMENT_MAX_BYTES =
  ATTACHMENT_MIN_BYTES +
  HANDED_PEERS_MAX * PEER_ID_BYTES +
  BUNDLE_HEAD_MAX_BYTES +
  COUNT_BYTES +
  ONE_TIME_BLOBS_MAX * (BLOB_LENGTH_BYTES + ONE_TIME_BLOB_MAX_BYTES);

/** What a room knows of one peer for as long as its socket lives. */
export type KeptPeer = {
  readonly peerId: PeerId;
  readonly joinNumber: number;
  /** Since 1970. The first sign of life of a socket. */
  readonly admittedMs: number;
  readonly shelf: ShelfRecord;
};

export type Attachment = KeptPeer & { readonly roomId: RoomId };

export function formatAttachment(attachment: Attachment): Bytes {
  const { handedTo, hasPublished, bundle } = attachment.shelf;
  return concatBytes(
    uintBytes(ATTACHMENT_VERSION, 1),
    idBytes(attachment.roomId),
    idBytes(attachment.peerId),
    uintBytes(attachment.joinNumber, JOIN_NUMBER_BYTES),
    uintBytes(attachment.admittedMs, ADMITTED_BYTES),
    uintBytes(hasPublished ? 1 : 0, COUNT_BYTES),
    uintBytes(handedTo.length, COUNT_BYTES),
    ...handedTo.map((peerId) => idBytes(peerId)),
    ...(bundle ? formatBundle(bundle) : [uintBytes(0, BLOB_LENGTH_BYTES)]),
  );
}

/** `undefined` for a socket that was never admitted, and for the layout of another version. */
export function parseAttachment(value: unknown): Attachment | undefined {
  if (!(value instanceof Uint8Array) || value[0] !== ATTACHMENT_VERSION) return undefined;
  const roomId = roomIdFromBytes(value.subarray(ROOM_AT, PEER_AT));
  const peerId = peerIdFromBytes(value.subarray(PEER_AT, JOIN_NUMBER_AT));
  const joinNumber = readUint(value, JOIN_NUMBER_AT, JOIN_NUMBER_BYTES);
  const admittedMs = readUint(value, ADMITTED_AT, ADMITTED_BYTES);
  const shelf = parseShelf(value.subarray(SHELF_AT));
  if (!roomId || !peerId || joinNumber === undefined || admittedMs === undefined || !shelf) return undefined;
  return { roomId, peerId, joinNumber, admittedMs, shelf };
}

function formatBundle({ head, oneTime }: KeptBundle): readonly Uint8Array[] {
  const count = uintBytes(oneTime.length, COUNT_BYTES);
  return [...formatBlob(head), count, ...oneTime.flatMap((blob) => formatBlob(blob))];
}

function formatBlob(blob: Bytes): readonly Uint8Array[] {
  return [uintBytes(blob.length, BLOB_LENGTH_BYTES), blob];
}

/** Reads on where bytes are missing, as if they were zeros, and refuses in the end. */
function parseShelf(bytes: Uint8Array): ShelfRecord | undefined {
  let at = 0;
  const take = (length: number): Bytes => {
    const part = new Uint8Array(bytes.subarray(at, at + length));
    at += length;
    return part;
  };
  const count = (length: number): number => readUint(take(length), 0, length) ?? 0;
  const list = <T>(length: number, read: () => T): T[] => Array.from({ length }, read);

  const hasPublished = count(COUNT_BYTES) === 1;
  const handedTo = list(count(COUNT_BYTES), () => peerIdFromBytes(take(PEER_ID_BYTES))).filter(
    (peerId) => peerId !== undefined,
  );
  const takeBlob = (): Bytes => take(count(BLOB_LENGTH_BYTES));
  const head = takeBlob();
  const bundle = head.length > 0 ? { head, oneTime: list(count(COUNT_BYTES), takeBlob) } : undefined;
  return at === bytes.length ? { hasPublished, handedTo, bundle } : undefined;
}
