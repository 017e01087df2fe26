/**
 * Hashes and key derivation on SHA-2: HMAC (RFC 2104), HKDF (RFC 5869). @noble/hashes rather than WebCrypto: the inputs are
 * short, so that two hops through the browser's crypto thread would cost more than the hashing, and ratchet steps stay
 * one synchronous piece. For what is long there are `digestSha256` and `digestSha512`, WebCrypto's: they work beside us, and a page
 * that has just been loaded hashes slowly.
 */
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256, sha512 as nobleSha512 } from '@noble/hashes/sha2.js';
import type { Bytes } from '../protocol/bytes.ts';

/** 32 bytes. */
export function hmacSha256(key: Uint8Array, data: Uint8Array): Bytes {
  return own(hmac(nobleSha256, key, data));
}

/** 64 bytes. */
export function hmacSha512(key: Uint8Array, data: Uint8Array): Bytes {
  return own(hmac(nobleSha512, key, data));
}

/** HKDF-SHA-512, extract and expand; `length` in bytes, at most 16,320. */
export function hkdfSha512(secret: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Bytes {
  return own(hkdf(nobleSha512, secret, salt, info, length));
}

/** HKDF-SHA-256, extract and expand; `length` in bytes, at most 8,160. */
export function hkdfSha256(secret: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Bytes {
  return own(hkdf(nobleSha256, secret, salt, info, length));
}

/** 32 bytes. */
export function sha256(data: Uint8Array): Bytes {
  return own(nobleSha256(data));
}

/** 64 bytes. */
export function sha512(data: Uint8Array): Bytes {
  return own(nobleSha512(data));
}

/** 32 bytes, by WebCrypto: for kilobytes, and where there is something to wait for anyway. */
export async function digestSha256(data: Bytes): Promise<Bytes> {
  return new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', data));
}

/** 64 bytes, likewise. */
export async function digestSha512(data: Bytes): Promise<Bytes> {
  return new Uint8Array(await globalThis.crypto.subtle.digest('SHA-512', data));
}

/** noble's results are always over a buffer of their own; its types do not say so. */
function own(bytes: Uint8Array): Bytes {
  return bytes as Bytes;
}
