/**
 * What keys look like on the wire (PROTOCOL.md EN1, EN2): payloads for a peer, and bundles for the relay to keep.
 *
 * ```text
 *  kind 1, e2ee_public_key:         | 1 | 1 | sealed handshake header (1348) | ratchet message |
 *  kind 2, e2ee_encrypted_message:  | 1 | 2 | ratchet message |
 * ```
 * The header holds a certificate, which is nobody's business without the link: it is sealed under the room's keys, as are
 * the parts of a bundle.
 */
import { HEADER_BYTES } from '../crypto/pqxdh-header.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { ROOM_SEAL_BYTES, openForRoom, sealForRoom } from '../crypto/room-seal.ts';
import { asciiBytes, concatBytes, fromBase64Url, toBase64Url } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import type { HandedBundle, SealedBundle } from '../protocol/bundle.ts';
import { idBytes } from '../protocol/ids.ts';
import type { PeerId } from '../protocol/ids.ts';

const VERSION = 1;
/** A handshake and the first message after it. */
export const KIND_PUBLIC_KEY = 1;
/** A message of a session that stands. */
export const KIND_ENCRYPTED_MESSAGE = 2;
const PREFIX_BYTES = 2;
const MESSAGE_AT = PREFIX_BYTES + HEADER_BYTES + ROOM_SEAL_BYTES;

const HANDSHAKE_CONTEXT = asciiBytes('e2ee_public_key');
const HEAD_CONTEXT = asciiBytes('bundle head');
const ONE_TIME_CONTEXT = asciiBytes('bundle one-time');

/** As it came, nothing opened. */
export type Payload =
  | { readonly kind: typeof KIND_PUBLIC_KEY; readonly sealedHeader: Bytes; readonly message: Bytes }
  | { readonly kind: typeof KIND_ENCRYPTED_MESSAGE; readonly message: Bytes };

/** A bundle's parts, opened but not verified. */
export type OpenedBundle = { readonly head: Bytes; readonly oneTime: Bytes | undefined };

/** `undefined` for another version or kind. */
export function parsePayload(payload: Bytes): Payload | undefined {
  if (payload[0] !== VERSION) return undefined;
  switch (payload[1]) {
    case KIND_PUBLIC_KEY: {
      const sealedHeader = payload.slice(PREFIX_BYTES, MESSAGE_AT);
      return { kind: KIND_PUBLIC_KEY, sealedHeader, message: payload.slice(MESSAGE_AT) };
    }
    case KIND_ENCRYPTED_MESSAGE:
      return { kind: KIND_ENCRYPTED_MESSAGE, message: payload.slice(PREFIX_BYTES) };
    default:
      return undefined;
  }
}

export function formatMessage(message: Bytes): Bytes {
  return concatBytes(Uint8Array.of(VERSION, KIND_ENCRYPTED_MESSAGE), message);
}

export async function formatHandshake(
  room: RoomKeys,
  from: PeerId,
  to: PeerId,
  header: Bytes,
  message: Bytes,
): Promise<Bytes> {
  const sealed = await sealForRoom(await room.envelopeKey(from, to), handshakeContext(room, from, to), header);
  return concatBytes(Uint8Array.of(VERSION, KIND_PUBLIC_KEY), sealed, message);
}

/** `undefined` where it was not sealed by a holder of the link, from this peer for that one. */
export async function openHandshake(
  room: RoomKeys,
  from: PeerId,
  to: PeerId,
  sealedHeader: Bytes,
): Promise<Bytes | undefined> {
  return openForRoom(await room.envelopeKey(from, to), handshakeContext(room, from, to), sealedHeader);
}

export async function sealBundle(
  room: RoomKeys,
  owner: PeerId,
  head: Bytes,
  oneTime: readonly Bytes[],
): Promise<SealedBundle> {
  const key = await room.bundleKey(owner);
  const seal = async (part: Bytes, bytes: Bytes): Promise<string> =>
    toBase64Url(await sealForRoom(key, bundleContext(room, part, owner), bytes));
  const [sealedHead, one_time] = await Promise.all([
    seal(HEAD_CONTEXT, head),
    Promise.all(oneTime.map((record) => seal(ONE_TIME_CONTEXT, record))),
  ]);
  return { head: sealedHead, one_time };
}

/** `undefined` where a part does not open: a relay that breaks one must not be able to choose what is left. */
export async function openSealedBundle(
  room: RoomKeys,
  owner: PeerId,
  handed: HandedBundle,
): Promise<OpenedBundle | undefined> {
  const key = await room.bundleKey(owner);
  const open = async (part: Bytes, text: string): Promise<Bytes | undefined> => {
    const sealed = fromBase64Url(text);
    return sealed && openForRoom(key, bundleContext(room, part, owner), sealed);
  };
  const [head, oneTime] = await Promise.all([
    open(HEAD_CONTEXT, handed.head),
    handed.one_time === undefined ? undefined : open(ONE_TIME_CONTEXT, handed.one_time),
  ]);
  if (!head || (handed.one_time !== undefined && !oneTime)) return undefined;
  return { head, oneTime };
}

function handshakeContext({ roomId }: RoomKeys, from: PeerId, to: PeerId): Bytes {
  return concatBytes(HANDSHAKE_CONTEXT, idBytes(roomId), idBytes(from), idBytes(to));
}

function bundleContext({ roomId }: RoomKeys, part: Bytes, owner: PeerId): Bytes {
  return concatBytes(part, idBytes(roomId), idBytes(owner));
}
