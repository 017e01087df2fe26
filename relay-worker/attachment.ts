/**
 * What a socket must remember while the room's object sleeps (PROTOCOL.md RL6), the pre-keys of its peer among it
 * (RL16). Binary, because the platform keeps at most 16,384 bytes a socket.
 *
 * ```text
 *  0        1              33             49                55                 61
 *  +--------+--------------+--------------+-----------------+------------------+
 *  | v = 4  | room id (32) | peer id (16) | join number (6) | admitted, ms (6) |
 *  +--------+--------------+--------------+-----------------+------------------+
 * 61           77             109         110               112
 *  +------------+--------------+-----------+-----------------+------+
 *  | proof (16) | pk_host (32) | flags (1) | note length (2) | note |
 *  +------------+--------------+-----------+-----------------+------+
 *  +------------+----------------+------------+-------------------------------+
 *  | kicked (1) | 16 bytes a peer| absent (1) | peer id (16) ‖ proof (16), …  |
 *  +------------+----------------+------------+-------------------------------+
 *  +-------------------+--------------------+------------------------+
 *  | has published (1) | peers in list (1)  | handed to (16 a peer)  |
 *  +-----------------+-+----+---------------+-----+------------------+---+
 *  | head length (2) | head | one-time blobs (1)  | length (2) ‖ blob, … |
 *  +-----------------+------+---------------------+----------------------+
 * ```
 * Flags: bits 0 and 1 the door (its place in `DOORS`), 4 a host, 8 waits outside, 16 has knocked.
 * A head length of 0 is the end: no bundle is published.
 */
import { BUNDLE_HEAD_MAX_BYTES, ONE_TIME_BLOBS_MAX, ONE_TIME_BLOB_MAX_BYTES } from '../src/engine/protocol/bundle.ts';
import { concatBytes, readUint, uintBytes } from '../src/engine/protocol/bytes.ts';
import type { Bytes } from '../src/engine/protocol/bytes.ts';
import { DOORS } from '../src/engine/protocol/host.ts';
import { PEER_ID_BYTES, ROOM_ID_BYTES, idBytes, peerIdFromBytes, roomIdFromBytes } from '../src/engine/protocol/ids.ts';
import type { PeerId, RoomId } from '../src/engine/protocol/ids.ts';
import { TOKEN_NONCE_BYTES } from '../src/engine/protocol/token.ts';
import type { KeptBundle, ShelfRecord } from './bundle-shelf.ts';
import type { DoorRecord, Visitor } from './door-book.ts';
import { ABSENT_MAX, HANDED_PEERS_MAX, KICKED_MAX } from './limits.ts';

const ATTACHMENT_VERSION = 4;
const ROOM_AT = 1;
const PEER_AT = ROOM_AT + ROOM_ID_BYTES;
const JOIN_NUMBER_AT = PEER_AT + PEER_ID_BYTES;
const JOIN_NUMBER_BYTES = 6;
const ADMITTED_AT = JOIN_NUMBER_AT + JOIN_NUMBER_BYTES;
const ADMITTED_BYTES = 6;
const PROOF_AT = ADMITTED_AT + ADMITTED_BYTES;
const PK_HOST_AT = PROOF_AT + TOKEN_NONCE_BYTES;
const PK_HOST_BYTES = 32;
const FLAGS_AT = PK_HOST_AT + PK_HOST_BYTES;
const LISTS_AT = FLAGS_AT + 1;
const DOOR_MASK = 3;
const HOST_FLAG = 4;
const WAITING_FLAG = 8;
const KNOCKED_FLAG = 16;
const COUNT_BYTES = 1;
const BLOB_LENGTH_BYTES = 2;

/** Of a peer that has published nothing and given nothing away. */
export const ATTACHMENT_MIN_BYTES = LISTS_AT + 4 * COUNT_BYTES + 2 * BLOB_LENGTH_BYTES;
/** Of a peer that is in; one that waits outside has a note and no pre-keys, which is less. */
export const ATTACHMENT_MAX_BYTES =
  ATTACHMENT_MIN_BYTES +
  KICKED_MAX * PEER_ID_BYTES +
  ABSENT_MAX * (PEER_ID_BYTES + TOKEN_NONCE_BYTES) +
  HANDED_PEERS_MAX * PEER_ID_BYTES +
  BUNDLE_HEAD_MAX_BYTES +
  COUNT_BYTES +
  ONE_TIME_BLOBS_MAX * (BLOB_LENGTH_BYTES + ONE_TIME_BLOB_MAX_BYTES);

/** What a room knows of one peer for as long as its socket lives. */
export type KeptPeer = Visitor & {
  readonly peerId: PeerId;
  readonly joinNumber: number;
  /** Since 1970. The first sign of life of a socket. */
  readonly admittedMs: number;
  readonly shelf: ShelfRecord;
  /** Set while it stands outside; `note` once it has knocked. */
  readonly waiting: { readonly note: Bytes | undefined } | undefined;
  /** What the host has decided for the whole room. */
  readonly record: DoorRecord;
};

/** `pkHost`: 32 bytes; zeros in a room without host tools. */
export type Attachment = KeptPeer & { readonly roomId: RoomId; readonly pkHost: Bytes };

export function formatAttachment(attachment: Attachment): Bytes {
  const { handedTo, hasPublished, bundle } = attachment.shelf;
  const { record, waiting, isHost } = attachment;
  const flags =
    DOORS.indexOf(record.door) |
    (isHost ? HOST_FLAG : 0) |
    (waiting ? WAITING_FLAG : 0) |
    (waiting?.note ? KNOCKED_FLAG : 0);
  return concatBytes(
    uintBytes(ATTACHMENT_VERSION, 1),
    idBytes(attachment.roomId),
    idBytes(attachment.peerId),
    uintBytes(attachment.joinNumber, JOIN_NUMBER_BYTES),
    uintBytes(attachment.admittedMs, ADMITTED_BYTES),
    attachment.proof,
    attachment.pkHost,
    uintBytes(flags, 1),
    ...formatBlob(waiting?.note ?? new Uint8Array()),
    uintBytes(record.kicked.length, COUNT_BYTES),
    ...record.kicked.map((peerId) => idBytes(peerId)),
    uintBytes(record.absent.length, COUNT_BYTES),
    ...record.absent.flatMap(({ peerId, proof }) => [idBytes(peerId), proof]),
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
  const flags = value[FLAGS_AT] ?? 0;
  const door = DOORS[flags & DOOR_MASK];
  const lists = parseLists(value.subarray(LISTS_AT));
  if (!roomId || !peerId || joinNumber === undefined || admittedMs === undefined || !door || !lists) return undefined;
  const { note, kicked, absent, shelf } = lists;
  const isWaiting = (flags & WAITING_FLAG) !== 0;
  return {
    roomId,
    peerId,
    joinNumber,
    admittedMs,
    proof: new Uint8Array(value.subarray(PROOF_AT, PK_HOST_AT)),
    pkHost: new Uint8Array(value.subarray(PK_HOST_AT, FLAGS_AT)),
    isHost: (flags & HOST_FLAG) !== 0,
    waiting: isWaiting ? { note: (flags & KNOCKED_FLAG) === 0 ? undefined : note } : undefined,
    record: { door, kicked, absent },
    shelf,
  };
}

function formatBundle({ head, oneTime }: KeptBundle): readonly Uint8Array[] {
  const count = uintBytes(oneTime.length, COUNT_BYTES);
  return [...formatBlob(head), count, ...oneTime.flatMap((blob) => formatBlob(blob))];
}

function formatBlob(blob: Bytes): readonly Uint8Array[] {
  return [uintBytes(blob.length, BLOB_LENGTH_BYTES), blob];
}

type Lists = Omit<DoorRecord, 'door'> & { readonly note: Bytes; readonly shelf: ShelfRecord };

/** Reads on where bytes are missing, as if they were zeros, and refuses in the end. */
function parseLists(bytes: Uint8Array): Lists | undefined {
  let at = 0;
  const take = (length: number): Bytes => {
    const part = new Uint8Array(bytes.subarray(at, at + length));
    at += length;
    return part;
  };
  const count = (length: number): number => readUint(take(length), 0, length) ?? 0;
  const list = <T>(length: number, read: () => T | undefined): T[] =>
    Array.from({ length }, read).filter((item) => item !== undefined);
  const takePeer = (): PeerId | undefined => peerIdFromBytes(take(PEER_ID_BYTES));
  const takeBlob = (): Bytes => take(count(BLOB_LENGTH_BYTES));

  const note = takeBlob();
  const kicked = list(count(COUNT_BYTES), takePeer);
  const absent = list(count(COUNT_BYTES), () => {
    const peerId = takePeer();
    const proof = take(TOKEN_NONCE_BYTES);
    return peerId && { peerId, proof };
  });
  const hasPublished = count(COUNT_BYTES) === 1;
  const handedTo = list(count(COUNT_BYTES), takePeer);
  const head = takeBlob();
  const bundle = head.length > 0 ? { head, oneTime: list(count(COUNT_BYTES), takeBlob) } : undefined;
  if (at !== bytes.length) return undefined;
  return { note, kicked, absent, shelf: { hasPublished, bundle, handedTo } };
}
