/** What a page says when it makes a `WebRTCE2EE`, checked: pages are not type-checked. */
import { USER_ID_MAX_CHARS } from './e2ee-format.ts';
import type { WebRTCE2EEOptions } from './e2ee-types.ts';
import { randomPeerId } from './keys/key-ring.ts';
import { TaiError } from './protocol/errors.ts';
import { parsePeerId } from './protocol/ids.ts';
import type { PeerId } from './protocol/ids.ts';
import { ROOM_SECRET_BYTES } from './protocol/invite.ts';
import type { RoomSecret } from './protocol/invite.ts';

const ROOM_ID_MAX_CHARS = 256;

export type ClientOptions = Pick<WebRTCE2EEOptions, 'relay' | 'registry'> & {
  readonly name: string;
  readonly userId: string;
  readonly room: RoomSecret;
  readonly self: PeerId;
  readonly identity: 'guest' | 'device';
  readonly now: () => number;
};

/** Throws `TaiError`: `usage`, `insecure-context`. The message names the option, never its value. */
export function checkedClientOptions(roomId: string, userId: string, options: WebRTCE2EEOptions): ClientOptions {
  if (globalThis.crypto?.subtle === undefined) {
    throw new TaiError('insecure-context', 'the page must be served over https (or from this machine)');
  }
  if (!isName(roomId, ROOM_ID_MAX_CHARS)) throw new TaiError('usage', 'roomId: 1 to 256 characters');
  if (!isName(userId, USER_ID_MAX_CHARS)) throw new TaiError('usage', 'userId: 1 to 256 characters');
  const { relay, registry, identity = 'guest', peerId, now = Date.now } = options;
  const room = options.room?.room;
  if (!(room?.secret instanceof Uint8Array) || room.secret.length !== ROOM_SECRET_BYTES) {
    throw new TaiError('usage', 'room: from resolveRoom or createPrivateRoom');
  }
  if (relay !== undefined && registry !== undefined) throw new TaiError('usage', 'relay, registry: one of them');
  if (identity !== 'guest' && identity !== 'device') throw new TaiError('usage', 'identity: "guest" or "device"');
  const self = peerId === undefined ? randomPeerId() : parsePeerId(peerId);
  if (!self) throw new TaiError('usage', 'peerId: "0x" and 32 lower-case hexadecimal digits');
  return {
    name: roomId,
    userId,
    room,
    self,
    identity,
    now,
    ...(relay !== undefined && { relay }),
    ...(registry && { registry }),
  };
}

function isName(value: unknown, maxChars: number): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= maxChars;
}
