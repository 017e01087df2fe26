/** Which room, and where its secret comes from. */
import { asciiBytes, concatBytes, toBase64Url } from './protocol/bytes.ts';
import { TaiError } from './protocol/errors.ts';
import { ROOM_SECRET_BYTES, isRoomName, parseFragment, roomSecretFromBytes, withFragmentRoom } from './protocol/invite.ts';
import type { RoomSecret } from './protocol/invite.ts';

/** `private`: only holders of the link; `open`: anyone who sees the page can join. */
export type RoomKind = 'private' | 'open';
export type RoomAddress = { readonly kind: RoomKind; readonly room: RoomSecret };
