/**
 * The key schedule of the ratchet (Signal, "The Double Ratchet Algorithm", §4.2 and §7.2 for the choices): KDF_RK, KDF_CK, and how
 * a message key seals a body. Whatever does not go into a state is overwritten here as soon as it has been used.
 */
import { asciiBytes, concatBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { hkdfSha256, hmacSha256 } from './kdf.ts';
import { HeaderKey, nonceOf } from './ratchet-header.ts';

const ROOT_INFO = asciiBytes('tai/1 ratchet root');
const MESSAGE_INFO = asciiBytes('tai/1 ratchet message');
/** Signal's own: 1 gives a message's key, 2 the chain key after it. */
const MESSAGE_CONSTANT = Uint8Array.of(1);
const CHAIN_CONSTANT = Uint8Array.of(2);
const KEY_BYTES = 32;

export type RootStep = {
  /** 32 bytes. */
  readonly rootKey: Bytes;
  /** Of the chain that begins with this step, 32 bytes. */
  readonly chainKey: Bytes;
  /** Of the chain after that one, in the same direction. */
  readonly nextHeaderKey: HeaderKey;
};

export type ChainStep = { readonly chainKey: Bytes; readonly messageKey: Bytes };

/** KDF_RK. The shared secrets, 32 bytes each and the second only in a step with ML-KEM, are zeros afterwards. */
export function stepRoot(rootKey: Bytes, dhSecret: Bytes, kemSecret: Bytes | undefined): RootStep {
  const secret = kemSecret ? concatBytes(dhSecret, kemSecret) : dhSecret;
  const derived = hkdfSha256(secret, rootKey, ROOT_INFO, 3 * KEY_BYTES);
  const step = {
    rootKey: derived.slice(0, KEY_BYTES),
    chainKey: derived.slice(KEY_BYTES, 2 * KEY_BYTES),
    nextHeaderKey: new HeaderKey(derived.slice(2 * KEY_BYTES)),
  };
  for (const used of [secret, dhSecret, kemSecret, derived]) used?.fill(0);
  return step;
}

/** KDF_CK: the key of one message, and the chain key after it. Neither tells the other, or the chain key before. */
export function stepChain(chainKey: Bytes): ChainStep {
  return { messageKey: hmacSha256(chainKey, MESSAGE_CONSTANT), chainKey: hmacSha256(chainKey, CHAIN_CONSTANT) };
}

export async function sealBody(
  messageKey: Bytes,
  sealedHeader: Bytes,
  associatedData: Bytes,
  padded: Bytes,
): Promise<Bytes> {
  const { key, algorithm } = await bodyKey(messageKey, sealedHeader, associatedData, 'encrypt');
  return new Uint8Array(await globalThis.crypto.subtle.encrypt(algorithm, key, padded));
}

/** `undefined`: another message key, header or associated data, or a flipped bit. */
export async function openBody(
  messageKey: Bytes,
  sealedHeader: Bytes,
  associatedData: Bytes,
  sealedBody: Bytes,
): Promise<Bytes | undefined> {
  const { key, algorithm } = await bodyKey(messageKey, sealedHeader, associatedData, 'decrypt');
  try {
    return new Uint8Array(await globalThis.crypto.subtle.decrypt(algorithm, key, sealedBody));
  } catch {
    return undefined;
  }
}

/**
 * A key and a nonce for one body. The key: HMAC under the message key, which is uniform and has no other use, so that nothing has
 * to be extracted first. The nonce is the header's, which is random and goes into the key as well: were a state ever used
 * twice (copied, restored), its two messages would still not share a key.
 */
async function bodyKey(
  messageKey: Bytes,
  sealedHeader: Bytes,
  associatedData: Bytes,
  usage: 'encrypt' | 'decrypt',
): Promise<{ readonly key: CryptoKey; readonly algorithm: AesGcmParams }> {
  const iv = nonceOf(sealedHeader);
  const keyBytes = hmacSha256(messageKey, concatBytes(MESSAGE_INFO, iv));
  const importing = globalThis.crypto.subtle.importKey('raw', keyBytes, 'AES-GCM', false, [usage]);
  // WebCrypto takes its copy before it returns
  keyBytes.fill(0);
  const additionalData = concatBytes(associatedData, sealedHeader);
  return { key: await importing, algorithm: { name: 'AES-GCM', iv, additionalData, tagLength: 128 } };
}
