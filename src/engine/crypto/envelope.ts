/**
 * The outer envelope of every signalling body (PROTOCOL.md EN1–EN6): AES-256-GCM under a key of its own for each
 * direction of each pair of peers.
 *
 * ```text
 *  0     1      2         10          22
 *  +-----+------+---------+-----------+-----------------------------------------------+
 *  | v=1 | kind | id (8)  | nonce(12) | AES-256-GCM( length (4) ‖ body ‖ zeros ) ‖ tag |
 *  +-----+------+---------+-----------+-----------------------------------------------+
 * ```
 * AAD = label ‖ the 22 header bytes ‖ room id ‖ from ‖ to: a body cannot be moved to another room, sender, receiver
 * or place in the order. The plaintext is padded to a bucket, so that its length tells only the bucket.
 */
import { asciiBytes, concatBytes, readUint, uintBytes } from '../protocol/bytes.ts';
import { idBytes } from '../protocol/ids.ts';
import type { PeerId, RoomId } from '../protocol/ids.ts';

export const ENVELOPE_VERSION = 1;
/** Sealed under the room's keys. Other kinds belong to the key agreement between devices. */
export const ENVELOPE_KIND_ROOM = 1;

const LABEL = asciiBytes('tai/1 envelope');
const ID_AT = 2;
const ID_BYTES = 8;
const NONCE_AT = ID_AT + ID_BYTES;
const NONCE_BYTES = 12;
const HEADER_BYTES = NONCE_AT + NONCE_BYTES;
const TAG_BYTES = 16;
const LENGTH_BYTES = 4;
export const PADDING_BUCKETS_BYTES = [512, 2048, 8192, 32768] as const;
/** The longest body that fits the largest bucket. */
export const BODY_MAX_BYTES = PADDING_BUCKETS_BYTES[3] - LENGTH_BYTES;

export type EnvelopeContext = { readonly roomId: RoomId; readonly from: PeerId; readonly to: PeerId };

/** `undefined` for a body over `BODY_MAX_BYTES`. `id` must never repeat for the same key. */
export async function sealEnvelope(
  key: CryptoKey,
  context: EnvelopeContext,
  id: number,
  body: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const padded = pad(body);
  if (!padded) return undefined;
  const nonce = globalThis.crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const header = concatBytes(Uint8Array.of(ENVELOPE_VERSION, ENVELOPE_KIND_ROOM), uintBytes(id, ID_BYTES), nonce);
  const sealed = await globalThis.crypto.subtle.encrypt(gcm(nonce, header, context), key, padded);
  return concatBytes(header, new Uint8Array(sealed));
}

export type OpenedEnvelope = { readonly id: number; readonly body: Uint8Array<ArrayBuffer> };

/** `undefined` for whatever does not open: wrong layout, key, room, peers, or a flipped bit. The caller checks for replay. */
export async function openEnvelope(
  key: CryptoKey,
  context: EnvelopeContext,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<OpenedEnvelope | undefined> {
  const id = readUint(bytes, ID_AT, ID_BYTES);
  if (bytes[0] !== ENVELOPE_VERSION || bytes[1] !== ENVELOPE_KIND_ROOM || id === undefined) return undefined;
  if (!isSealedLength(bytes.length)) return undefined;
  const header = bytes.slice(0, HEADER_BYTES);
  const nonce = bytes.slice(NONCE_AT, HEADER_BYTES);
  try {
    const padded = await globalThis.crypto.subtle.decrypt(gcm(nonce, header, context), key, bytes.slice(HEADER_BYTES));
    const body = unpad(new Uint8Array(padded));
    return body && { id, body };
  } catch {
    return undefined;
  }
}

function gcm(nonce: Uint8Array<ArrayBuffer>, header: Uint8Array, context: EnvelopeContext): AesGcmParams {
  const { roomId, from, to } = context;
  const additionalData = concatBytes(LABEL, header, idBytes(roomId), idBytes(from), idBytes(to));
  return { name: 'AES-GCM', iv: nonce, additionalData, tagLength: TAG_BYTES * 8 };
}

function isSealedLength(length: number): boolean {
  return PADDING_BUCKETS_BYTES.some((bucket) => length === HEADER_BYTES + bucket + TAG_BYTES);
}

function pad(body: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const bucket = PADDING_BUCKETS_BYTES.find((bytes) => LENGTH_BYTES + body.length <= bytes);
  if (bucket === undefined) return undefined;
  const padded = new Uint8Array(bucket);
  padded.set(uintBytes(body.length, LENGTH_BYTES));
  padded.set(body, LENGTH_BYTES);
  return padded;
}

function unpad(padded: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
  const length = readUint(padded, 0, LENGTH_BYTES);
  return length !== undefined && LENGTH_BYTES + length <= padded.length
    ? padded.slice(LENGTH_BYTES, LENGTH_BYTES + length)
    : undefined;
}
