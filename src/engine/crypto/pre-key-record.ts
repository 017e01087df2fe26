/**
 * A pre-key record: public keys that a present peer has made in advance, for a newcomer to agree with.
 *
 * ```text
 *  0          1         5                37                     1221
 *  +----------+---------+----------------+----------------------+
 *  | type (1) | id (4)  | X25519 key (32)| ML-KEM-768 key (1184)|
 *  +----------+---------+----------------+----------------------+
 * ```
 * Type 1 is one-time, 2 last-resort; the id is never 0. A record has no signature of its own: the signed head of its
 * bundle holds the last-resort record whole and the SHA-256 of each one-time record (pre-keys.ts), so that it serves one
 * place in one bundle of one peer, and cannot be moved.
 */
import { concatBytes, readUint, uintBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { KEM_KEY_BYTES, X25519_KEY_BYTES } from './provider.ts';
import type { DhKey, KemKey } from './provider.ts';

export const ONE_TIME = 1;
export const LAST_RESORT = 2;
export type PreKeyType = typeof ONE_TIME | typeof LAST_RESORT;

export const PRE_KEY_ID_BYTES = 4;
const ID_AT = 1;
const DH_AT = ID_AT + PRE_KEY_ID_BYTES;
const KEM_AT = DH_AT + X25519_KEY_BYTES;
export const PRE_KEY_BYTES = KEM_AT + KEM_KEY_BYTES;

/** The private side; `id` from 1. */
export type PreKey = { readonly id: number; readonly dh: DhKey; readonly kem: KemKey };

/** The public side; `id` from 1, X25519 of 32 bytes, ML-KEM-768 of 1,184. */
export type PublicPreKey = { readonly id: number; readonly dh: Bytes; readonly kem: Bytes };

export function publicPreKey({ id, dh, kem }: PreKey): PublicPreKey {
  return { id, dh: dh.publicKey, kem: kem.publicKey };
}

export function formatPreKey(type: PreKeyType, { id, dh, kem }: PublicPreKey): Bytes {
  return concatBytes(Uint8Array.of(type), uintBytes(id, PRE_KEY_ID_BYTES), dh, kem);
}

/** Reads the layout only. `undefined` for another length or type, and for an id of 0. */
export function parsePreKey(record: Bytes, type: PreKeyType): PublicPreKey | undefined {
  const id = readUint(record, ID_AT, PRE_KEY_ID_BYTES);
  if (record.length !== PRE_KEY_BYTES || record[0] !== type || !id) return undefined;
  return { id, dh: record.slice(DH_AT, KEM_AT), kem: record.slice(KEM_AT) };
}
