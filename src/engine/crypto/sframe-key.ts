/**
 * The key schedule of sealed frames (RFC 9605 §4.4.2, §5.1; PROTOCOL.md FR3), by WebCrypto alone: the worker that seals frames
 * has no room for a second implementation, and a base key never has to be bytes again once it is there. With no salt,
 * WebCrypto's HKDF is the document's extract and expand in one. The KID is in the labels, so that each stream and each
 * ratchet step has a key of its own.
 */
import type { Bytes } from '../protocol/bytes.ts';

/** RFC 9605 §4.5: `AES_128_GCM_SHA256_128` and `AES_256_GCM_SHA512_128`. */
export type SframeSuite = 0x0004 | 0x0005;
export const AES_128_GCM_SHA256_128 = 0x0004;
export const AES_256_GCM_SHA512_128 = 0x0005;

/** Of one KID. */
export type SframeKey = {
  readonly kid: number;
  /** AES-GCM, for one direction, not extractable. */
  readonly key: CryptoKey;
  /** 12 bytes. */
  readonly salt: Bytes;
};

const KEY_LABEL = 'SFrame 1.0 Secret key ';
const SALT_LABEL = 'SFrame 1.0 Secret salt ';
const RATCHET_LABEL = 'SFrame 1.0 Ratchet';
const NO_SALT = new Uint8Array();
const SALT_BITS = 96;
const KID_BYTES = 8;
const SUITE_BYTES = 2;

const SUITES = {
  [AES_128_GCM_SHA256_128]: { hash: 'SHA-256', keyBits: 128, hashBits: 256 },
  [AES_256_GCM_SHA512_128]: { hash: 'SHA-512', keyBits: 256, hashBits: 512 },
} as const;

/** A base key as one that cannot be extracted. The bytes are the caller's to overwrite, at once: WebCrypto has its copy. */
export function importBaseKey(bytes: Bytes): Promise<CryptoKey> {
  return globalThis.crypto.subtle.importKey('raw', bytes, 'HKDF', false, ['deriveKey', 'deriveBits']);
}

/** The key and the salt of one KID. Rejects for a key that is none of `importBaseKey`. */
export async function deriveSframeKey(
  suite: SframeSuite,
  baseKey: CryptoKey,
  kid: number,
  usage: 'encrypt' | 'decrypt',
): Promise<SframeKey> {
  const { subtle } = globalThis.crypto;
  const aes = { name: 'AES-GCM', length: SUITES[suite].keyBits };
  const [key, salt] = await Promise.all([
    subtle.deriveKey(hkdf(suite, labelOf(KEY_LABEL, kid, suite)), baseKey, aes, false, [usage]),
    subtle.deriveBits(hkdf(suite, labelOf(SALT_LABEL, kid, suite)), baseKey, SALT_BITS),
  ]);
  return { kid, key, salt: new Uint8Array(salt) };
}

/** The base key after this one; the way back is closed. */
export async function ratchetBaseKey(suite: SframeSuite, baseKey: CryptoKey): Promise<CryptoKey> {
  const { subtle } = globalThis.crypto;
  const next = new Uint8Array(
    await subtle.deriveBits(hkdf(suite, new TextEncoder().encode(RATCHET_LABEL)), baseKey, SUITES[suite].hashBits),
  );
  const imported = importBaseKey(next);
  next.fill(0);
  return imported;
}

/** `label ‖ KID (8) ‖ suite (2)`. */
function labelOf(label: string, kid: number, suite: SframeSuite): Bytes {
  const info = new Uint8Array(label.length + KID_BYTES + SUITE_BYTES);
  new TextEncoder().encodeInto(label, info);
  const view = new DataView(info.buffer);
  view.setBigUint64(label.length, BigInt(kid));
  view.setUint16(label.length + KID_BYTES, suite);
  return info;
}

function hkdf(suite: SframeSuite, info: Bytes): HkdfParams {
  return { name: 'HKDF', hash: SUITES[suite].hash, salt: NO_SALT, info };
}
