/**
 * The provider over WebCrypto alone. Private keys are not extractable. Where the browser lacks an algorithm, what makes
 * such keys rejects; `createProvider` (provider.ts) finds out first and takes @noble for it.
 */
import { equalBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import type { Signer } from './ed25519.ts';
import { KEM_CIPHERTEXT_BYTES, agreeChecked, isKemKey, verifyChecked } from './key-checks.ts';
import type { DhKey, Encapsulated, KemKey, Provider } from './provider.ts';

const SIGNING = 'Ed25519';
const DH = 'X25519';
const KEM = 'ML-KEM-768';
const DH_SECRET_BITS = 256;

type KemUsage = 'encapsulateBits' | 'decapsulateBits';

/**
 * ML-KEM as in "Modern Algorithms in the Web Cryptography API" (WICG), the part used here: TypeScript's DOM does not have
 * it yet. That a browser keeps to it shows in the trial of `createProvider`.
 */
type KemCrypto = {
  generateKey(algorithm: typeof KEM, isExtractable: boolean, usages: readonly KemUsage[]): Promise<CryptoKeyPair>;
  exportKey(format: 'raw-public', key: CryptoKey): Promise<ArrayBuffer>;
  importKey(
    format: 'raw-public',
    bytes: Bytes,
    algorithm: typeof KEM,
    isExtractable: boolean,
    usages: readonly KemUsage[],
  ): Promise<CryptoKey>;
  encapsulateBits(algorithm: typeof KEM, key: CryptoKey): Promise<{ sharedKey: ArrayBuffer; ciphertext: ArrayBuffer }>;
  decapsulateBits(algorithm: typeof KEM, key: CryptoKey, ciphertext: Bytes): Promise<ArrayBuffer>;
};

type Imported = { readonly algorithm: string; readonly bytes: Bytes; readonly key: Promise<CryptoKey> };

/** Public keys out of their bytes. Rejects for what is no key. */
type Importer = (raw: Bytes, algorithm: typeof SIGNING | typeof DH, usages: KeyUsage[]) => Promise<CryptoKey>;

export function createNativeProvider(subtle: SubtleCrypto = globalThis.crypto.subtle): Provider {
  const importPublic = createImporter(subtle);
  return {
    generateSigner: async () => signerOfKeyPair(await generateSigningKeyPair(subtle), subtle),
    verify: (publicKey, message, signature) =>
      verifyChecked(publicKey, signature, async () => {
        const key = await importPublic(publicKey, SIGNING, ['verify']);
        return subtle.verify(SIGNING, key, signature, message);
      }),
    generateDh: async () => dhKeyOfKeyPair(await generateDhKeyPair(subtle), subtle, importPublic),
    generateKem: () => generateKem(subtle),
    encapsulate: async (publicKey) => encapsulate(kemOf(subtle), publicKey),
  };
}

/** An Ed25519 pair that signs; its private key is not extractable, but IndexedDB takes it as it is. */
export function generateSigningKeyPair(subtle: SubtleCrypto = globalThis.crypto.subtle): Promise<CryptoKeyPair> {
  return subtle.generateKey(SIGNING, false, ['sign', 'verify']);
}

/** An X25519 pair; as `generateSigningKeyPair`. */
export function generateDhKeyPair(subtle: SubtleCrypto = globalThis.crypto.subtle): Promise<CryptoKeyPair> {
  return subtle.generateKey(DH, false, ['deriveBits']);
}

/** A pair of `generateSigningKeyPair`, new or out of storage. Rejects for one of another kind. */
export async function signerOfKeyPair(
  { publicKey, privateKey }: CryptoKeyPair,
  subtle: SubtleCrypto = globalThis.crypto.subtle,
): Promise<Signer> {
  requireAlgorithm(privateKey, SIGNING);
  return {
    publicKey: new Uint8Array(await subtle.exportKey('raw', publicKey)),
    sign: async (message) => new Uint8Array(await subtle.sign(SIGNING, privateKey, message)),
  };
}

/** A pair of `generateDhKeyPair`, new or out of storage. Rejects for one of another kind. */
export async function dhKeyOfKeyPair(
  { publicKey, privateKey }: CryptoKeyPair,
  subtle: SubtleCrypto = globalThis.crypto.subtle,
  importPublic: Importer = createImporter(subtle),
): Promise<DhKey> {
  requireAlgorithm(privateKey, DH);
  return {
    publicKey: new Uint8Array(await subtle.exportKey('raw', publicKey)),
    agree: (other) =>
      agreeChecked(other, async () => {
        const key = await importPublic(other, DH, []);
        return new Uint8Array(await subtle.deriveBits({ name: DH, public: key }, privateKey, DH_SECRET_BITS));
      }),
  };
}

async function generateKem(subtle: SubtleCrypto): Promise<KemKey> {
  const kem = kemOf(subtle);
  const { publicKey, privateKey } = await kem.generateKey(KEM, false, ['encapsulateBits', 'decapsulateBits']);
  return kemKeyOfPrivateKey(new Uint8Array(await kem.exportKey('raw-public', publicKey)), privateKey, subtle);
}

/** An ML-KEM-768 key of WebCrypto: its public key, 1,184 bytes, has to be its own. Throws where there is no KEM. */
export function kemKeyOfPrivateKey(
  publicKey: Bytes,
  privateKey: CryptoKey,
  subtle: SubtleCrypto = globalThis.crypto.subtle,
): KemKey {
  const kem = kemOf(subtle);
  return {
    publicKey,
    decapsulate: async (ciphertext) =>
      ciphertext.length === KEM_CIPHERTEXT_BYTES
        ? new Uint8Array(await kem.decapsulateBits(KEM, privateKey, ciphertext))
        : undefined,
  };
}

async function encapsulate(subtle: KemCrypto, publicKey: Bytes): Promise<Encapsulated | undefined> {
  if (!isKemKey(publicKey)) return undefined;
  const key = await subtle.importKey('raw-public', publicKey, KEM, false, ['encapsulateBits']);
  const { ciphertext, sharedKey } = await subtle.encapsulateBits(KEM, key);
  return { ciphertext: new Uint8Array(ciphertext), secret: new Uint8Array(sharedKey) };
}

/**
 * Keeps what it has imported by the array that it came in: several operations of one handshake are with the same key. Beside
 * each key a copy of its bytes, since an array may have others by the next time.
 */
function createImporter(subtle: SubtleCrypto): Importer {
  const imported = new WeakMap<Bytes, Imported>();
  return (raw, algorithm, usages) => {
    const known = imported.get(raw);
    if (known?.algorithm === algorithm && equalBytes(known.bytes, raw)) return known.key;
    const bytes = raw.slice();
    const key = subtle.importKey('raw', bytes, algorithm, false, usages);
    imported.set(raw, { algorithm, bytes, key });
    return key;
  };
}

function requireAlgorithm(key: CryptoKey, name: string): void {
  if (key.algorithm.name !== name) throw new Error(`the key is not one for ${name}`);
}

/** Throws where this WebCrypto has no KEM at all. */
function kemOf(subtle: object): KemCrypto {
  if (!hasKem(subtle)) throw new Error(`${KEM}: not in this WebCrypto`);
  return subtle;
}

function hasKem(subtle: object): subtle is KemCrypto {
  return 'encapsulateBits' in subtle && 'decapsulateBits' in subtle;
}
