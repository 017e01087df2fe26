/**
 * The algorithms of the key agreement behind one door: Ed25519 (RFC 8032), X25519 (RFC 7748), ML-KEM-768 (FIPS 203).
 * WebCrypto where the browser has the algorithm, @noble in a lazy chunk elsewhere; both take the same keys and give the
 * same verdict on every input (key-checks.ts). Private keys never leave these objects, and WebCrypto's are not extractable.
 */
import { equalBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import type { Signer } from './ed25519.ts';
import {
  ED25519_KEY_BYTES,
  ED25519_SIGNATURE_BYTES,
  KEM_CIPHERTEXT_BYTES,
  KEM_KEY_BYTES,
  SHARED_SECRET_BYTES,
  X25519_KEY_BYTES,
} from './key-checks.ts';
import { createNativeProvider } from './native-provider.ts';
import { createNobleProvider } from './noble-provider.ts';

export {
  ED25519_KEY_BYTES,
  ED25519_SIGNATURE_BYTES,
  KEM_CIPHERTEXT_BYTES,
  KEM_KEY_BYTES,
  SHARED_SECRET_BYTES,
  X25519_KEY_BYTES,
};

/** An X25519 key pair. */
export type DhKey = {
  /** 32 bytes. */
  readonly publicKey: Bytes;
  /** 32 bytes; `undefined` where the other key is refused: wrong length, not canonical, or of small order (RFC 7748 §6.1). */
  agree(publicKey: Bytes): Promise<Bytes | undefined>;
};

/** An ML-KEM-768 key pair. */
export type KemKey = {
  /** 1,184 bytes. */
  readonly publicKey: Bytes;
  /** 32 bytes; `undefined` for a ciphertext of another length. A wrong one gives a secret nobody knows (FIPS 203 §6.3). */
  decapsulate(ciphertext: Bytes): Promise<Bytes | undefined>;
};

/** 1,088 and 32 bytes. */
export type Encapsulated = { readonly ciphertext: Bytes; readonly secret: Bytes };

export type Provider = {
  generateSigner(): Promise<Signer>;
  /**
   * Strict: a signature whose key or R is of small order or not canonical, or whose S is not below the group's order, is
   * none, though the browsers' own verifiers would accept some of them. The equation is the one without cofactor.
   */
  verify(publicKey: Bytes, message: Bytes, signature: Bytes): Promise<boolean>;
  generateDh(): Promise<DhKey>;
  generateKem(): Promise<KemKey>;
  /** `undefined` for a key of another length, or one that is not canonical (FIPS 203 §7.2). */
  encapsulate(publicKey: Bytes): Promise<Encapsulated | undefined>;
};

/** Rejects where the provider does not do an algorithm, or does it wrong. */
type Trial = (provider: Provider) => Promise<void>;

/**
 * Takes each algorithm from WebCrypto where a trial shows that it is there and works, else from @noble, whose chunk is
 * then loaded before this resolves. Rejects where that chunk cannot be had. The trials are made once a provider.
 */
export async function createProvider(subtle: SubtleCrypto = globalThis.crypto.subtle): Promise<Provider> {
  const providers = [createNativeProvider(subtle), createNobleProvider()] as const;
  const [signing, agreement, encapsulation] = await Promise.all([
    firstThatPasses(trySigning, ...providers),
    firstThatPasses(tryAgreement, ...providers),
    firstThatPasses(tryEncapsulation, ...providers),
  ]);
  return {
    generateSigner: () => signing.generateSigner(),
    verify: (publicKey, message, signature) => signing.verify(publicKey, message, signature),
    generateDh: () => agreement.generateDh(),
    generateKem: () => encapsulation.generateKem(),
    encapsulate: (publicKey) => encapsulation.encapsulate(publicKey),
  };
}

async function firstThatPasses(attempt: Trial, native: Provider, noble: Provider): Promise<Provider> {
  try {
    await attempt(native);
    return native;
  } catch {
    await attempt(noble);
    return noble;
  }
}

const trySigning: Trial = async (provider) => {
  const signer = await provider.generateSigner();
  const message = signer.publicKey;
  const signature = await signer.sign(message);
  expect(signature.length === ED25519_SIGNATURE_BYTES);
  expect(await provider.verify(signer.publicKey, message, signature));
};

const tryAgreement: Trial = async (provider) => {
  const [a, b] = await Promise.all([provider.generateDh(), provider.generateDh()]);
  expectSameSecret(await a.agree(b.publicKey), await b.agree(a.publicKey));
};

const tryEncapsulation: Trial = async (provider) => {
  const key = await provider.generateKem();
  const encapsulated = await provider.encapsulate(key.publicKey);
  expectSameSecret(encapsulated?.secret, encapsulated && (await key.decapsulate(encapsulated.ciphertext)));
};

/** Secrets of a trial are thrown away: they may be compared as public values. */
function expectSameSecret(a: Bytes | undefined, b: Bytes | undefined): void {
  expect(a?.length === SHARED_SECRET_BYTES && b !== undefined && equalBytes(a, b));
}

function expect(isSo: boolean): void {
  if (!isSo) throw new Error('an algorithm of this provider does not work');
}
