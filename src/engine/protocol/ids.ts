/** Names of rooms and peers on the wire: lower-case hexadecimal behind `0x` (PROTOCOL.md ID1, ID2). */
import { fromHex, toHex } from './bytes.ts';

declare const brand: unique symbol;

/** 32 bytes: SHA-256 of the room's public admission keys. */
export type RoomId = `0x${string}` & { readonly [brand]: 'room' };
/** 16 random bytes, new at every full join. */
export type PeerId = `0x${string}` & { readonly [brand]: 'peer' };

export const ROOM_ID_BYTES = 32;
export const PEER_ID_BYTES = 16;

export function parseRoomId(value: unknown): RoomId | undefined {
  return isHexId(value, ROOM_ID_BYTES) ? (value as RoomId) : undefined;
}

export function parsePeerId(value: unknown): PeerId | undefined {
  return isHexId(value, PEER_ID_BYTES) ? (value as PeerId) : undefined;
}

/** `undefined` where the length is not 32 bytes. */
export function roomIdFromBytes(bytes: Uint8Array): RoomId | undefined {
  return parseRoomId(`0x${toHex(bytes)}`);
}

/** `undefined` where the length is not 16 bytes. */
export function peerIdFromBytes(bytes: Uint8Array): PeerId | undefined {
  return parsePeerId(`0x${toHex(bytes)}`);
}

export function idBytes(id: RoomId | PeerId): Uint8Array<ArrayBuffer> {
  return fromHex(id.slice(2)) ?? new Uint8Array();
}

function isHexId(value: unknown, bytes: number): boolean {
  return typeof value === 'string' && value.length === 2 + 2 * bytes && /^0x[0-9a-f]+$/.test(value);
}
