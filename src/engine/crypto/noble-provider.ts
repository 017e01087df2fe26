/**
 * The provider over @noble alone, for what a browser's WebCrypto lacks. Each package is its own chunk, loaded at the first
 * use of its algorithms. Private keys are bytes in closures: nothing better can be had in plain JavaScript, nor is it
 * constant-time as native code is.
 */
import { concatBytes, equalBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { createNobleSigner } from './ed25519.ts';
import type { Signer } from './ed25519.ts';
import { sha512 } from './kdf.ts';
import { KEM_CIPHERTEXT_BYTES, agreeChecked, isKemKey, verifyChecked } from './key-checks.ts';
import type { DhKey, KemKey, Provider } from './provider.ts';

const KEM_SEED_BYTES = 64;

const loadCurves = () => import('@noble/curves/ed25519.js');
const loadKem = async () => (await import('@noble/post-quantum/ml-kem.js')).ml_kem768;

export function createNobleProvider(): Provider {
  return {
    generateSigner,
    verify: (publicKey, message, signature) =>
      verifyChecked(publicKey, signature, () => isSigned(publicKey, message, signature)),
    generateDh,
    generateKem,
    encapsulate: async (publicKey) => {
      if (!isKemKey(publicKey)) return undefined;
      const { cipherText, sharedSecret } = (await loadKem()).encapsulate(publicKey);
      return { ciphertext: copy(cipherText), secret: copy(sharedSecret) };
    },
  };
}

async function generateSigner(): Promise<Signer> {
  const { ed25519 } = await loadCurves();
  const seed = copy(ed25519.utils.randomSecretKey());
  const signer = await createNobleSigner(seed);
  seed.fill(0);
  return signer;
}

/**
 * S·B − k·A encoded is R: RFC 8032 §5.1.7 without cofactor, as WebCrypto's implementations have it. Not noble's `verify`:
 * that one multiplies by the cofactor, so that a signer could make signatures good here and bad in another browser.
 * Throws for a key that is no point, and for S ≥ L.
 */
async function isSigned(publicKey: Bytes, message: Bytes, signature: Bytes): Promise<boolean> {
  const { ed25519 } = await loadCurves();
  const { Point } = ed25519;
  const key = Point.fromBytes(publicKey);
  const encodedR = signature.subarray(0, 32);
  const s = readScalar(signature.subarray(32));
  const k = readScalar(sha512(concatBytes(encodedR, publicKey, message))) % Point.Fn.ORDER;
  const r = Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(k));
  return equalBytes(r.toBytes(), encodedR);
}

async function generateDh(): Promise<DhKey> {
  const { x25519 } = await loadCurves();
  return dhKeyOfSecret(copy(x25519.utils.randomSecretKey()));
}

/** X25519 with a secret key of 32 bytes, which is kept. Rejects for another length. */
export async function dhKeyOfSecret(secretKey: Bytes): Promise<DhKey> {
  const { x25519 } = await loadCurves();
  return {
    publicKey: copy(x25519.getPublicKey(secretKey)),
    agree: (other) => agreeChecked(other, async () => copy(x25519.getSharedSecret(secretKey, other))),
  };
}

async function generateKem(): Promise<KemKey> {
  const seed = globalThis.crypto.getRandomValues(new Uint8Array(KEM_SEED_BYTES));
  const key = await kemKeyOfSeed(seed);
  seed.fill(0);
  return key;
}

/** ML-KEM-768 from `d ‖ z` (FIPS 203 §7.1), 64 bytes, which are not kept. Rejects for another length. */
export async function kemKeyOfSeed(seed: Bytes): Promise<KemKey> {
  const kem = await loadKem();
  const { secretKey, publicKey } = kem.keygen(seed);
  return {
    publicKey: copy(publicKey),
    decapsulate: async (ciphertext) =>
      ciphertext.length === KEM_CIPHERTEXT_BYTES ? copy(kem.decapsulate(ciphertext, secretKey)) : undefined,
  };
}

/** Little-endian, any length. */
function readScalar(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** Over a buffer of its own: some of noble's results are views into a larger one. */
function copy(bytes: Uint8Array): Bytes {
  return new Uint8Array(bytes);
}
