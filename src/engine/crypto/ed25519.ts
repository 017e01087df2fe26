/**
 * Ed25519 signing (RFC 8032) from a 32-byte seed: WebCrypto where the browser has it, else @noble/curves, loaded
 * only then. Both give the same bytes. For the seed of admission, which the room's link gives; device keys are random and
 * not extractable (native-provider.ts). Verification is not here: the relay verifies admission with its platform, the page
 * verifies devices with a `Provider`.
 */
import { concatBytes, fromBase64Url } from '../protocol/bytes.ts';

export type Signer = {
  /** 32 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  /** 64 bytes. */
  sign(message: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
};

/** The part of WebCrypto that a signer needs. */
export type SigningCrypto = Pick<SubtleCrypto, 'importKey' | 'exportKey' | 'sign'>;

export type SignerFactory = (seed: Uint8Array<ArrayBuffer>, subtle?: SigningCrypto) => Promise<Signer>;

const SEED_BYTES = 32;
/** PKCS #8 wrapping of a raw Ed25519 seed (RFC 8410 §7): the only private form WebCrypto imports. */
const PKCS8_PREFIX = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20);

export const createSigner: SignerFactory = async (seed, subtle = globalThis.crypto.subtle) => {
  try {
    return await createNativeSigner(seed, subtle);
  } catch {
    // No Ed25519 in this WebCrypto (NotSupportedError); a bad seed would fail below just as well.
    return createNobleSigner(seed);
  }
};

export const createNativeSigner: SignerFactory = async (seed, subtle = globalThis.crypto.subtle) => {
  // Not every WebCrypto looks at what follows the seed it was promised.
  if (seed.length !== SEED_BYTES) throw new Error('Ed25519: the seed has to be 32 bytes');
  const pkcs8 = concatBytes(PKCS8_PREFIX, seed);
  // The public key can only be had from an extractable import; the key kept for signing is not extractable.
  const [exportable, key] = await Promise.all([
    subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign']),
    subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign']),
  ]);
  const { x } = await subtle.exportKey('jwk', exportable);
  pkcs8.fill(0);
  const publicKey = fromBase64Url(String(x));
  if (publicKey?.length !== 32) throw new Error('Ed25519: no public key');
  return {
    publicKey,
    sign: async (message) => new Uint8Array(await subtle.sign('Ed25519', key, message)),
  };
};

export const createNobleSigner: SignerFactory = async (seed) => {
  const { ed25519 } = await import('@noble/curves/ed25519.js');
  const secretKey = seed.slice();
  return {
    publicKey: new Uint8Array(ed25519.getPublicKey(secretKey)),
    sign: async (message) => new Uint8Array(ed25519.sign(message, secretKey)),
  };
};
