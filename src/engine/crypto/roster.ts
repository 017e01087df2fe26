/**
 * Who may read, as one value (PROTOCOL.md RO1, RO2): a hash of the set of members, and a MAC by which one side of a pair
 * shows the other that it holds the same set.
 */
import { asciiBytes, concatBytes, fromHex, toHex } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { idBytes } from '../protocol/ids.ts';
import type { PeerId, RoomId } from '../protocol/ids.ts';
import { hmacSha512, sha256 } from './kdf.ts';

const HASH_LABEL = asciiBytes('tai/1 roster');
const MAC_LABEL = asciiBytes('tai/1 roster MAC');
export const ROSTER_MAC_BYTES = 32;

/** One of those who may read: the peer, and the SHA-256 of its certificate (32 bytes). */
export type RosterEntry = { readonly peerId: PeerId; readonly certificateHash: Bytes };

/**
 * 32 bytes: `SHA-256("tai/1 roster" ‖ room id (32) ‖ each entry: peer id (16) ‖ certificate hash (32))`, entries in the order of
 * their bytes. A set: neither order nor repetition changes it. One peer id with two certificates is two entries, never
 * the same as either.
 */
export function rosterHash(roomId: RoomId, members: readonly RosterEntry[]): Bytes {
  const entries = new Set(
    members.map(({ peerId, certificateHash }) => toHex(idBytes(peerId)) + toHex(certificateHash)),
  );
  // hexadecimal of bytes is always that of bytes
  const set = fromHex([...entries].sort().join('')) as Bytes;
  return sha256(concatBytes(HASH_LABEL, idBytes(roomId), set));
}

/**
 * 32 bytes: HMAC-SHA-512 cut in half (RFC 2104 §5), under the pair's exporter secret, over label, sender, receiver and the
 * roster's hash: what one side has said cannot be handed back to it as the other's word.
 */
export function rosterMac(exporter: Bytes, from: PeerId, to: PeerId, hash: Bytes): Bytes {
  const said = concatBytes(MAC_LABEL, idBytes(from), idBytes(to), hash);
  return hmacSha512(exporter, said).slice(0, ROSTER_MAC_BYTES);
}

/** The time it takes depends on the length of `mac` only. */
export function checkRosterMac(exporter: Bytes, from: PeerId, to: PeerId, hash: Bytes, mac: Bytes): boolean {
  if (mac.length !== ROSTER_MAC_BYTES) return false;
  const expected = rosterMac(exporter, from, to, hash);
  let difference = 0;
  // both are of one length, so that there is a byte at every place
  for (const [i, byte] of expected.entries()) difference |= byte ^ (mac[i] as number);
  return difference === 0;
}
