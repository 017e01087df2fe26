/**
 * What the keys, signatures and ciphertexts of others have to look like before any implementation sees them. WebCrypto's
 * implementations and noble differ in how much they check; behind these checks both give the same verdict on every input.
 * All values compared here are public, but for the secret of `agreeChecked`.
 */
import type { Bytes } from '../protocol/bytes.ts';

export const ED25519_KEY_BYTES = 32;
export const ED25519_SIGNATURE_BYTES = 64;
export const X25519_KEY_BYTES = 32;
/** FIPS 203 §8, table 3. */
export const KEM_KEY_BYTES = 1184;
export const KEM_CIPHERTEXT_BYTES = 1088;
export const SHARED_SECRET_BYTES = 32;

/** The field of Curve25519 and edwards25519 (RFC 7748 §4.1). */
const P = 2n ** 255n - 19n;
/** The order of edwards25519's base point (RFC 8032 §5.1). */
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const SIGN_BIT = 1n << 255n;
/**
 * The y coordinates of the eight points of small order on edwards25519. `ORDER_8_Y` is a root of d·y⁴ + 2·y² − 1, which says
 * that the double of (x, y) has y = 0, a point of order 4. x = 0 has the first two, so that its second encoding (RFC 8032
 * §5.1.3, step 4) is among them as well.
 */
const ORDER_8_Y = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([1n, P - 1n, 0n, ORDER_8_Y, P - ORDER_8_Y]);

/** Their lowest bytes. */
const SMALL_ORDER_FIRST: ReadonlySet<number> = new Set([...SMALL_ORDER_Y].map((y) => Number(y & 0xffn)));

/** The modulus of ML-KEM (FIPS 203 §2.4), and how many of a key's first bytes are its coefficients. */
const Q = 3329;
const KEM_COEFFICIENT_BYTES = KEM_KEY_BYTES - 32;

/**
 * Whether a signature is one for `equation` to decide: the lengths are right, the key and R are canonical encodings and not
 * of small order, and S < L (RFC 8032 §5.1.7). `equation` is the check without cofactor, S·B = R + k·A with R compared as
 * bytes; where it throws (a key that is no point), nothing is verified. Without these, a key of small order verifies
 * anything.
 */
export async function verifyChecked(
  publicKey: Bytes,
  signature: Bytes,
  equation: () => Promise<boolean>,
): Promise<boolean> {
  if (publicKey.length !== ED25519_KEY_BYTES || signature.length !== ED25519_SIGNATURE_BYTES) return false;
  if (!isStrictPoint(publicKey) || !isStrictPoint(signature) || !isScalar(signature)) return false;
  return equation().catch(() => false);
}

/**
 * The secret of X25519 with a key that has the right length and is canonical: u < 2^255 − 19, high bit clear. RFC 7748 §5
 * would have other encodings accepted; here one key has one encoding, since encodings are what is signed and hashed.
 * `undefined` for any other key, and where the secret is all zeros (RFC 7748 §6.1: small order) or `derive` refuses it.
 */
export async function agreeChecked(publicKey: Bytes, derive: () => Promise<Bytes>): Promise<Bytes | undefined> {
  if (publicKey.length !== X25519_KEY_BYTES || !isBelowP(publicKey)) return undefined;
  const secret = await derive().catch(() => undefined);
  return secret && !isAllZero(secret) ? secret : undefined;
}

/** The check of an encapsulation key (FIPS 203 §7.2): its length, and that every coefficient is below the modulus. */
export function isKemKey(publicKey: Bytes): boolean {
  if (publicKey.length !== KEM_KEY_BYTES) return false;
  let isCanonical = true;
  // Two coefficients of 12 bits in three bytes, little-endian (FIPS 203 §4.2.1).
  for (let i = 0; i < KEM_COEFFICIENT_BYTES; i += 3) {
    const pair = byteAt(publicKey, i) | (byteAt(publicKey, i + 1) << 8) | (byteAt(publicKey, i + 2) << 16);
    isCanonical &&= (pair & 0xfff) < Q && pair >> 12 < Q;
  }
  return isCanonical;
}

/** The first 32 bytes as a point: canonical, and not of small order. Whether it is on the curve is not looked at. */
function isStrictPoint(encoded: Bytes): boolean {
  // nearly every point shows by two bytes that it is none of the few that have to be looked at as a number
  if ((byteAt(encoded, 31) & 0x7f) < 0x7f && !SMALL_ORDER_FIRST.has(byteAt(encoded, 0))) return true;
  const y = readLittleEndian(encoded, 0) & (SIGN_BIT - 1n);
  return y < P && !SMALL_ORDER_Y.has(y);
}

/** The first 32 bytes as a number below P. */
function isBelowP(encoded: Bytes): boolean {
  return byteAt(encoded, 31) < 0x7f || readLittleEndian(encoded, 0) < P;
}

/** S of a signature: below L. */
function isScalar(signature: Bytes): boolean {
  return byteAt(signature, 63) < 0x10 || readLittleEndian(signature, 32) < L;
}

/** In a time that does not depend on the bytes. */
function isAllZero(secret: Bytes): boolean {
  let bits = 0;
  for (const byte of secret) bits |= byte;
  return bits === 0;
}

/** 32 bytes that are there. */
function readLittleEndian(bytes: Bytes, offset: number): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, 32);
  let value = 0n;
  for (let i = 24; i >= 0; i -= 8) value = (value << 64n) | view.getBigUint64(i, true);
  return value;
}

/** A byte that is there. */
function byteAt(bytes: Bytes, i: number): number {
  return Number(bytes[i]);
}
