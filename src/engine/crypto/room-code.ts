/**
 * The room code (PROTOCOL.md RC1–RC3): the same on all screens, if nobody sits between. Short enough to be read out, and
 * nevertheless not to be searched for: every member commits to a nonce before it sees anybody else's.
 */
import { asciiBytes, concatBytes, uintBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { idBytes } from '../protocol/ids.ts';
import type { PeerId } from '../protocol/ids.ts';
import { thirtyDigits } from './digits.ts';
import { EMOJI } from './emoji.ts';
import type { Emoji } from './emoji.ts';
import { sha256, sha512 } from './kdf.ts';

export const CODE_NONCE_BYTES = 32;

export type RoomCode = {
  /** Six, 36 bits in all. */
  readonly emoji: readonly Emoji[];
  /** 30 without spaces, 99.7 bits, from other bytes of the same hash. */
  readonly digits: string;
};

const COMMITMENT_LABEL = asciiBytes('tai/1 code commitment');
const CODE_LABEL = asciiBytes('tai/1 code value');
const ROUND_BYTES = 4;
const EMOJI_COUNT = 6;

/**
 * 32 bytes: `SHA-256("tai/1 code commitment" ‖ roster hash (32) ‖ round (4, big-endian) ‖ peer id (16) ‖ nonce (32))`. The
 * peer id keeps anybody from committing to what another has committed to, unseen; the round, from using a nonce again.
 */
export function commitment(rosterHash: Bytes, round: number, peerId: PeerId, nonce: Bytes): Bytes {
  return sha256(concatBytes(COMMITMENT_LABEL, rosterHash, uintBytes(round, ROUND_BYTES), idBytes(peerId), nonce));
}

/**
 * Of `SHA-512("tai/1 code value" ‖ roster hash (32) ‖ round (4, big-endian) ‖ each member by peer id: peer id (16) ‖ nonce (32))`:
 * bytes 0–5 modulo 64 (exact) are the emoji, bytes 6–35 the digits (`thirtyDigits` states their bias).
 */
export function roomCode(rosterHash: Bytes, round: number, reveals: ReadonlyMap<PeerId, Bytes>): RoomCode {
  const members = [...reveals].sort(([a], [b]) => (a < b ? -1 : 1));
  const parts = members.flatMap(([peerId, nonce]) => [idBytes(peerId), nonce]);
  const hash = sha512(concatBytes(CODE_LABEL, rosterHash, uintBytes(round, ROUND_BYTES), ...parts));
  // the table has as many places as six bits have values
  const emoji = Array.from(hash.subarray(0, EMOJI_COUNT), (byte) => EMOJI[byte % EMOJI.length] as Emoji);
  return { emoji, digits: thirtyDigits(hash, EMOJI_COUNT) };
}
