/** Which room, and where its secret comes from (PROTOCOL.md LK1–LK5). */
import { hostSigner, openRoomSecret, withHost } from './keys/key-ring.ts';
import { TaiError } from './protocol/errors.ts';
import {
  ROOM_SECRET_BYTES,
  isRoomName,
  parseFragment,
  parseRoomSecret,
  roomSecretFromBytes,
  withFragmentRoom,
} from './protocol/invite.ts';
import type { RoomSecret } from './protocol/invite.ts';
import { relayUrl } from './relay-address.ts';

/** `private`: only holders of the link can join; `open`: anyone who sees the page can. */
export type RoomKind = 'private' | 'open';
export type RoomAddress = { readonly kind: RoomKind; readonly room: RoomSecret };

export type RoomAddressOptions = {
  /** Address of the relay: its origin is part of an open room's name. */
  readonly relay: string;
  /** Name in the page's HTML: letters, digits, `.`, `_`, `-`, at most 64. */
  readonly roomName?: string;
  /** `location.hash`. */
  readonly fragment?: string;
  /** 32, 64 or 96 bytes, or their base64url: goes before the fragment. */
  readonly roomSecret?: Uint8Array | string;
};

/** A new private room from 32 random bytes, without host tools. */
export function createPrivateRoom(): RoomAddress {
  const room = roomSecretFromBytes(globalThis.crypto.getRandomValues(new Uint8Array(ROOM_SECRET_BYTES)));
  if (!room) throw new Error('room secret: no randomness');
  return { kind: 'private', room };
}

/**
 * A new private room with host tools. Its address holds the host's key: what is given to guests is `roomFragment`, and
 * never what `hostFragment` writes.
 */
export async function createHostedRoom(): Promise<RoomAddress> {
  return { kind: 'private', room: await withHost(createPrivateRoom().room.secret) };
}

/**
 * Property, then fragment, then the open room of that name; `undefined` where there is none of them.
 * Throws `TaiError`: `usage` for a bad name or secret, `link-invalid` for a broken link (never silently another room).
 */
export async function resolveRoom(options: RoomAddressOptions): Promise<RoomAddress | undefined> {
  const { roomName = '', roomSecret, fragment = '' } = options;
  if (globalThis.crypto?.subtle === undefined) {
    throw new TaiError('insecure-context', 'the page must be served over https (or from this machine)');
  }
  if (roomName !== '' && !isRoomName(roomName)) {
    throw new TaiError('usage', 'room: use 1 to 64 letters, digits, ".", "_" or "-"');
  }
  if (roomSecret !== undefined) {
    const room = parseSecret(roomSecret);
    if (!room || !(await isWhole(room))) {
      throw new TaiError('usage', 'roomSecret: 32, 64 or 96 bytes, not all zero, or their base64url');
    }
    return { kind: 'private', room };
  }
  const found = parseFragment(fragment, roomName);
  if (found.type === 'invalid' || (found.type === 'room' && !(await isWhole(found.room)))) {
    throw new TaiError('link-invalid', 'the link of this room is damaged or cut short');
  }
  if (found.type === 'room') return { kind: 'private', room: found.room };
  if (roomName === '') return undefined;
  const room = roomSecretFromBytes(await openRoomSecret(relayUrl(options.relay).host, roomName));
  return room && { kind: 'open', room };
}

/** LK4: a host's link whose two keys do not belong together was damaged on its way. */
async function isWhole(room: RoomSecret): Promise<boolean> {
  return room.hostSeed === undefined || (await hostSigner(room)) !== undefined;
}

/** Pages are not type-checked: anything may come here. */
function parseSecret(value: unknown): RoomSecret | undefined {
  if (typeof value === 'string') return parseRoomSecret(value);
  return value instanceof Uint8Array ? roomSecretFromBytes(value) : undefined;
}

/** The fragment (with `#`) of the link that lets a guest into this room; the page's other entries are kept. */
export function roomFragment(fragment: string, address: RoomAddress, roomName = ''): string {
  return withFragmentRoom(fragment, address.room, roomName);
}

/** The fragment (with `#`) of the host's own link; `undefined` where we are no host. Whoever has it is the host. */
export function hostFragment(address: RoomAddress, roomName = ''): string | undefined {
  return address.room.hostSeed && withFragmentRoom('', address.room, roomName, true);
}
