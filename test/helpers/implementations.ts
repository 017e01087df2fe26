/** The providers that the published vectors are run on, with keys out of given secrets: for Node and for browsers. */
import { createNativeProvider, dhKeyOfKeyPair, kemKeyOfPrivateKey } from '../../src/engine/crypto/native-provider.ts';
import { createNobleProvider, dhKeyOfSecret, kemKeyOfSeed } from '../../src/engine/crypto/noble-provider.ts';
import type { DhKey, KemKey, Provider } from '../../src/engine/crypto/provider.ts';
import { concatBytes, fromBase64Url } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';

export type Implementation = {
  readonly provider: Provider;
  /** X25519, from 32 bytes. */
  dhKey(secret: Bytes): Promise<DhKey>;
  /** ML-KEM-768, from `d ‖ z`, 64 bytes. Rejects for another length. */
  kemKey(seed: Bytes): Promise<KemKey>;
};

/** PKCS #8 wrapping of a raw X25519 secret (RFC 8410 §7). */
const X25519_PKCS8_PREFIX = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20);

export const noble: Implementation = {
  provider: createNobleProvider(),
  dhKey: dhKeyOfSecret,
  kemKey: kemKeyOfSeed,
};

export const native: Implementation = {
  provider: createNativeProvider(),
  dhKey: async (secret) => {
    const { subtle } = globalThis.crypto;
    const pkcs8 = concatBytes(X25519_PKCS8_PREFIX, secret);
    const privateKey = await subtle.importKey('pkcs8', pkcs8, 'X25519', true, ['deriveBits']);
    const { x } = await subtle.exportKey('jwk', privateKey);
    const publicKey = await subtle.importKey('jwk', { kty: 'OKP', crv: 'X25519', x: String(x) }, 'X25519', true, []);
    return dhKeyOfKeyPair({ publicKey, privateKey });
  },
  kemKey: async (seed) => {
    // ML-KEM is not in TypeScript's DOM yet
    const subtle = globalThis.crypto.subtle as unknown as SeedImport;
    const privateKey = await subtle.importKey('raw-seed', seed, 'ML-KEM-768', true, ['decapsulateBits']);
    const { pub } = await subtle.exportKey('jwk', privateKey);
    const publicKey = fromBase64Url(String(pub));
    if (!publicKey) throw new Error('no public key');
    return kemKeyOfPrivateKey(publicKey, privateKey);
  },
};

type SeedImport = {
  importKey(
    format: 'raw-seed',
    seed: Bytes,
    algorithm: string,
    isExtractable: boolean,
    usages: string[],
  ): Promise<CryptoKey>;
  exportKey(format: 'jwk', key: CryptoKey): Promise<{ readonly pub?: unknown }>;
};
