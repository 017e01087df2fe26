/**
 * A message of the ratchet, and the header in it, which is sealed of its own (Signal, "The Double Ratchet Algorithm",
 * revision 4, §4: header encryption): who looks on sees no ratchet key and no counter.
 *
 * ```text
 *  0           1            13                         13 + h     29 + h
 *  +-----------+------------+--------------------------+----------+--------------------------+----------+
 *  | flags (1) | nonce (12) | header (h), AES-256-GCM  | tag (16) | padded body, AES-256-GCM | tag (16) |
 *  +-----------+------------+--------------------------+----------+--------------------------+----------+
 *  header:  X25519 key (32) ‖ PN (4) ‖ N (4) ‖ [ML-KEM key (1184), flag 1] ‖ [ML-KEM ciphertext (1088), flag 2]
 * ```
 * PN: how many messages the sender's chain before this one has; N: the number of this message in its chain, from 0. Big-endian.
 * The flags stand in the clear, since the length tells them anyway; they are associated data of the header, and with the
 * whole sealed header of the body. The nonce is random: one header key serves one chain, of fewer than 2^32 messages
 * (NIST SP 800-38D §8.3).
 */
import { concatBytes, readUint, uintBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { PADDING_BUCKETS_BYTES } from './padding.ts';
import { KEM_CIPHERTEXT_BYTES, KEM_KEY_BYTES, X25519_KEY_BYTES } from './provider.ts';

/** An AES-256-GCM key. Two are the same key where they are the same object. */
export class HeaderKey {
  readonly #bytes: Bytes;
  #key: Promise<CryptoKey> | undefined;

  /** Takes a copy of the 32 bytes. */
  constructor(key: Bytes) {
    this.#bytes = key.slice();
  }

  /** Imported at the first use, since the key of a chain that never begins has none; not extractable, nor are its bytes kept. */
  get key(): Promise<CryptoKey> {
    this.#key ??= globalThis.crypto.subtle.importKey('raw', this.#bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
    // WebCrypto has taken its copy
    this.#bytes.fill(0);
    return this.#key;
  }
}

export type Header = {
  /** X25519, 32 bytes. */
  readonly dhKey: Bytes;
  /** PN. */
  readonly previousCount: number;
  /** N. */
  readonly number: number;
  /** A fresh ML-KEM-768 key of the sender's, 1,184 bytes. */
  readonly kemKey: Bytes | undefined;
  /** To the ML-KEM key that the chain answered by this one has brought, 1,088 bytes. */
  readonly kemCiphertext: Bytes | undefined;
};

export type MessageParts = { readonly sealedHeader: Bytes; readonly sealedBody: Bytes };

const FLAGS_BYTES = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const COUNTER_BYTES = 4;
const HAS_KEM_KEY = 1;
const HAS_KEM_CIPHERTEXT = 2;
const FLAGS_MAX = HAS_KEM_KEY | HAS_KEM_CIPHERTEXT;
const SEALED_AT = FLAGS_BYTES + NONCE_BYTES;
const PN_AT = X25519_KEY_BYTES;
const N_AT = PN_AT + COUNTER_BYTES;
const KEM_AT = N_AT + COUNTER_BYTES;
/** So many messages one chain has at most: their count has to fit PN. */
export const CHAIN_MESSAGES_MAX = 2 ** (8 * COUNTER_BYTES) - 1;

/** `undefined` for flags that mean nothing, and for a length that no header with a padded body has. */
export function splitMessage(message: Bytes): MessageParts | undefined {
  const flags = message[0];
  if (flags === undefined || flags > FLAGS_MAX) return undefined;
  const bodyAt = SEALED_AT + headerBytes(flags) + TAG_BYTES;
  const isWhole = PADDING_BUCKETS_BYTES.some((bucket) => message.length === bodyAt + bucket + TAG_BYTES);
  return isWhole ? { sealedHeader: message.slice(0, bodyAt), sealedBody: message.slice(bodyAt) } : undefined;
}

/** The header's nonce, which goes into the body's key too. */
export function nonceOf(sealedHeader: Bytes): Bytes {
  return sealedHeader.slice(FLAGS_BYTES, SEALED_AT);
}

export async function sealHeader(key: HeaderKey, header: Header, associatedData: Bytes): Promise<Bytes> {
  const flags = (header.kemKey ? HAS_KEM_KEY : 0) | (header.kemCiphertext ? HAS_KEM_CIPHERTEXT : 0);
  const nonce = globalThis.crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const algorithm = gcm(nonce, associatedData, flags);
  const sealed = await globalThis.crypto.subtle.encrypt(algorithm, await key.key, formatHeader(header));
  return concatBytes(Uint8Array.of(flags), nonce, new Uint8Array(sealed));
}

/** `sealedHeader`: of `splitMessage`. `undefined`: another key, other associated data, or a flipped bit. */
export async function openHeader(
  key: HeaderKey,
  sealedHeader: Bytes,
  associatedData: Bytes,
): Promise<Header | undefined> {
  // split off only behind its flags
  const flags = sealedHeader[0] as number;
  const algorithm = gcm(nonceOf(sealedHeader), associatedData, flags);
  try {
    const opened = await globalThis.crypto.subtle.decrypt(algorithm, await key.key, sealedHeader.slice(SEALED_AT));
    return parseHeader(new Uint8Array(opened), flags);
  } catch {
    return undefined;
  }
}

function headerBytes(flags: number): number {
  return KEM_AT + (flags & HAS_KEM_KEY ? KEM_KEY_BYTES : 0) + (flags & HAS_KEM_CIPHERTEXT ? KEM_CIPHERTEXT_BYTES : 0);
}

function formatHeader({ dhKey, previousCount, number, kemKey, kemCiphertext }: Header): Bytes {
  const counters = [uintBytes(previousCount, COUNTER_BYTES), uintBytes(number, COUNTER_BYTES)];
  return concatBytes(dhKey, ...counters, kemKey ?? new Uint8Array(), kemCiphertext ?? new Uint8Array());
}

/** Of as many bytes as its flags say: that was checked when the message was split. */
function parseHeader(bytes: Bytes, flags: number): Header {
  const ciphertextAt = KEM_AT + (flags & HAS_KEM_KEY ? KEM_KEY_BYTES : 0);
  return {
    dhKey: bytes.slice(0, X25519_KEY_BYTES),
    // four bytes that are there are always a number
    previousCount: readUint(bytes, PN_AT, COUNTER_BYTES) as number,
    number: readUint(bytes, N_AT, COUNTER_BYTES) as number,
    kemKey: flags & HAS_KEM_KEY ? bytes.slice(KEM_AT, ciphertextAt) : undefined,
    kemCiphertext: flags & HAS_KEM_CIPHERTEXT ? bytes.slice(ciphertextAt) : undefined,
  };
}

function gcm(iv: Bytes, associatedData: Bytes, flags: number): AesGcmParams {
  const additionalData = concatBytes(associatedData, Uint8Array.of(flags));
  return { name: 'AES-GCM', iv, additionalData, tagLength: TAG_BYTES * 8 };
}
