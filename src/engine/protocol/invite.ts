/**
 * The room's link: everything that is needed to be let in, in the part of a URL that browsers never send
 * (PROTOCOL.md LK1–LK5): `#tai=<base64url>`, or `#tai.<room>=<base64url>` so that two rooms fit in one page.
 *
 * ```text
 *  0                32               64                96
 *  +----------------+----------------+-----------------+
 *  | secret (32)    | pk_host (32)   | host seed (32)  |   64 bytes for a guest, 96 for the host
 *  +----------------+----------------+-----------------+
 * ```
 */
import { concatBytes, fromBase64Url, toBase64Url } from './bytes.ts';

export const ROOM_SECRET_BYTES = 32;
const PK_HOST_BYTES = 32;
export const HOST_SEED_BYTES = 32;
const GUEST_BYTES = ROOM_SECRET_BYTES + PK_HOST_BYTES;
const HOST_BYTES = GUEST_BYTES + HOST_SEED_BYTES;
/** A room's name in an attribute and in a fragment. */
const ROOM_NAME = /^[A-Za-z0-9._-]{1,64}$/;

export type RoomSecret = {
  /** 32 random bytes, or derived from the name of an open room. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** 32 bytes; zeros = a room without host tools. */
  readonly pkHost: Uint8Array<ArrayBuffer>;
  /** Only in the host's own link; never in what is given to guests. */
  readonly hostSeed?: Uint8Array<ArrayBuffer>;
};

export type FragmentRoom =
  | { readonly type: 'none' }
  | { readonly type: 'invalid' }
  | { readonly type: 'room'; readonly room: RoomSecret };

export function isRoomName(name: string): boolean {
  return ROOM_NAME.test(name);
}

/** The text after `=`; a guest's form unless `asHost`. */
export function formatRoomSecret(room: RoomSecret, asHost = false): string {
  const seed = asHost ? room.hostSeed : undefined;
  // a room without host tools needs no more than its secret
  if (!seed && room.pkHost.every((byte) => byte === 0)) return toBase64Url(room.secret);
  return toBase64Url(seed ? concatBytes(room.secret, room.pkHost, seed) : concatBytes(room.secret, room.pkHost));
}

/** Also takes the 32 bytes of a bare secret (a page's `roomSecret` property). */
export function parseRoomSecret(text: string): RoomSecret | undefined {
  const bytes = fromBase64Url(text);
  return bytes && roomSecretFromBytes(bytes);
}

/** 32 (secret), 64 (guest's link) or 96 bytes (host's link); `undefined` otherwise, and for an all-zero secret. */
export function roomSecretFromBytes(bytes: Uint8Array): RoomSecret | undefined {
  if (![ROOM_SECRET_BYTES, GUEST_BYTES, HOST_BYTES].includes(bytes.length)) return undefined;
  const secret = bytes.slice(0, ROOM_SECRET_BYTES);
  if (secret.every((byte) => byte === 0)) return undefined;
  const pkHost = new Uint8Array(PK_HOST_BYTES);
  pkHost.set(bytes.slice(ROOM_SECRET_BYTES, GUEST_BYTES));
  const room = { secret, pkHost };
  return bytes.length === HOST_BYTES ? { ...room, hostSeed: bytes.slice(GUEST_BYTES) } : room;
}

/** Finds a room's entry in a fragment (with or without `#`); other entries, split by `&`, are the page's own. */
export function parseFragment(fragment: string, roomName = ''): FragmentRoom {
  const entry = fragmentEntry(fragment, roomName);
  if (entry === undefined) return { type: 'none' };
  const room = parseRoomSecret(entryValue(entry, entryKey(roomName)) ?? '');
  return room ? { type: 'room', room } : { type: 'invalid' };
}

/** The text of this room's entry, whole or damaged; `undefined` where there is none. */
export function fragmentEntry(fragment: string, roomName = ''): string | undefined {
  const key = entryKey(roomName);
  return fragmentEntries(fragment).find((entry) => entryValue(entry, key) !== undefined);
}

/** The fragment, with `#`, after this room's entry was set; the page's other entries stay as they are. */
export function withFragmentRoom(fragment: string, room: RoomSecret, roomName = '', asHost = false): string {
  const key = entryKey(roomName);
  const others = fragmentEntries(fragment).filter((entry) => entryValue(entry, key) === undefined);
  return `#${[...others, `${key}=${formatRoomSecret(room, asHost)}`].join('&')}`;
}

/**
 * Some ways of sending a link write `=` as `%3D`, or cut it off there. Both still are this room's entry: were they taken
 * for none, its guest would silently stand in another room (LK4).
 */
function entryValue(entry: string, key: string): string | undefined {
  if (!entry.startsWith(key)) return undefined;
  const rest = entry.slice(key.length);
  const sign = /^(=|%3d|$)/i.exec(rest)?.[0];
  return sign === undefined ? undefined : rest.slice(sign.length);
}

function entryKey(roomName: string): string {
  return roomName === '' ? 'tai' : `tai.${roomName}`;
}

function fragmentEntries(fragment: string): readonly string[] {
  return fragment
    .replace(/^#/, '')
    .split('&')
    .filter((part) => part !== '');
}
