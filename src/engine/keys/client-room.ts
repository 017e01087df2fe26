/**
 * The room of `WebRTCE2EE`: of the same secret as a room with elements, but another one. Its id, pre-shared key and seals
 * share nothing with those of the room itself, so that neither's bundles and peer ids can be taken for the other's.
 */
import { hkdfSha256 } from '../crypto/kdf.ts';
import { asciiBytes, concatBytes } from '../protocol/bytes.ts';
import type { RoomSecret } from '../protocol/invite.ts';

const KEY_BYTES = 32;
/** As of all that follows from a room's secret (PROTOCOL.md KD1). */
const SALT = asciiBytes('tai/1 secret');
const INFO = asciiBytes('tai/1 e2ee client');

/** `name`: the page's own name of the conversation; another name is another room. Without host tools. */
export function clientRoom({ secret }: RoomSecret, name: string): RoomSecret {
  const info = concatBytes(INFO, new TextEncoder().encode(name));
  return { secret: hkdfSha256(secret, SALT, info, KEY_BYTES), pkHost: new Uint8Array(KEY_BYTES) };
}
