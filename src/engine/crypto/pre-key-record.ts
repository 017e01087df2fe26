/**
 * A pre-key record: public keys that a present peer has signed in advance, for a newcomer to agree with.
 *
 * ```text
 *  0          1         5                37                     1221             1285
 *  +----------+---------+----------------+----------------------+----------------+
 *  | type (1) | id (4)  | X25519 key (32)| ML-KEM-768 key (1184)| signature (64) |
 *  +----------+---------+----------------+----------------------+----------------+
 * ```
 * Type 1 is one-time, 2 last-resort; the id is never 0. The signature (Ed25519, by the key of the certificate) is over
 * `"tai/1 pre-key" ‖ room id (32) ‖ peer id (16) ‖ certificate hash (32)` and everything before it: a record serves one
 * place in one bundle of one peer, and cannot be moved.
 */
import { asciiBytes, concatBytes, readUint, uintBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { idBytes } from '../protocol/ids.ts';
import type { PeerId, RoomId } from '../protocol/ids.ts';
import type { Certificate } from './certificate.ts';
import type { Signer } from './ed25519.ts';
import { ED25519_SIGNATURE_BYTES, KEM_KEY_BYTES, X25519_KEY_BYTES } from './provider.ts';
import type { DhKey, KemKey, Provider } from './provider.ts';

export const ONE_TIME = 1;
export const LAST_RESORT = 2;
export type PreKeyType = typeof ONE_TIME | typeof LAST_RESORT;

export const PRE_KEY_ID_BYTES = 4;
const ID_AT = 1;
const DH_AT = ID_AT + PRE_KEY_ID_BYTES;
const KEM_AT = DH_AT + X25519_KEY_BYTES;
const SIGNATURE_AT = KEM_AT + KEM_KEY_BYTES;
export const PRE_KEY_BYTES = SIGNATURE_AT + ED25519_SIGNATURE_BYTES;

const SIGNING_LABEL = asciiBytes('tai/1 pre-key');

/** Whose bundle it is, and where. */
export type BundleOwner = { readonly roomId: RoomId; readonly peerId: PeerId };

/** The private side; `id` from 1. */
export type PreKey = { readonly id: number; readonly dh: DhKey; readonly kem: KemKey };

/** The public side; `id` from 1, X25519 of 32 bytes, ML-KEM-768 of 1,184. */
export type PublicPreKey = { readonly id: number; readonly dh: Bytes; readonly kem: Bytes };

export function publicPreKey({ id, dh, kem }: PreKey): PublicPreKey {
  return { id, dh: dh.publicKey, kem: kem.publicKey };
}

export async function formatPreKey(
  signer: Signer,
  owner: BundleOwner,
  certificate: Certificate,
  type: PreKeyType,
  { id, dh, kem }: PublicPreKey,
): Promise<Bytes> {
  const body = concatBytes(Uint8Array.of(type), uintBytes(id, PRE_KEY_ID_BYTES), dh, kem);
  return concatBytes(body, await signer.sign(signedBytes(owner, certificate, body)));
}

/** Reads the layout only. `undefined` for another length or type, and for an id of 0. */
export function parsePreKey(record: Bytes, type: PreKeyType): PublicPreKey | undefined {
  const id = readUint(record, ID_AT, PRE_KEY_ID_BYTES);
  if (record.length !== PRE_KEY_BYTES || record[0] !== type || !id) return undefined;
  return { id, dh: record.slice(DH_AT, KEM_AT), kem: record.slice(KEM_AT, SIGNATURE_AT) };
}

/** Whether a record that parses was signed by this certificate's key, for this owner. */
export function isSignedPreKey(
  provider: Provider,
  owner: BundleOwner,
  certificate: Certificate,
  record: Bytes,
): Promise<boolean> {
  const signed = signedBytes(owner, certificate, record.subarray(0, SIGNATURE_AT));
  return provider.verify(certificate.signingKey, signed, record.slice(SIGNATURE_AT));
}

function signedBytes(owner: BundleOwner, certificate: Certificate, body: Uint8Array): Bytes {
  return concatBytes(SIGNING_LABEL, idBytes(owner.roomId), idBytes(owner.peerId), certificate.hash, body);
}
