/**
 * Sealing under the room's own keys (PROTOCOL.md EN1, EN2): AES-256-GCM with a random nonce. It hides certificates and
 * pre-keys from the relay and from everybody without the link; among the holders of the link it hides nothing.
 *
 * ```text
 *  0            12
 *  +------------+------------------------------+----------+
 *  | nonce (12) | ciphertext (as the plaintext)| tag (16) |
 *  +------------+------------------------------+----------+
 * ```
 */
import { asciiBytes, concatBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';

const LABEL = asciiBytes('tai/1 room seal');
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** How much longer the sealed form is. */
export const ROOM_SEAL_BYTES = NONCE_BYTES + TAG_BYTES;

/** `context`: what the sealed bytes must not be moved away from; part of the associated data. */
export async function sealForRoom(key: CryptoKey, context: Uint8Array, plaintext: Bytes): Promise<Bytes> {
  const nonce = globalThis.crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const sealed = await globalThis.crypto.subtle.encrypt(gcm(nonce, context), key, plaintext);
  return concatBytes(nonce, new Uint8Array(sealed));
}

/** `undefined` for whatever does not open: another key or context, a flipped bit, too short. */
export async function openForRoom(key: CryptoKey, context: Uint8Array, sealed: Bytes): Promise<Bytes | undefined> {
  try {
    const nonce = sealed.slice(0, NONCE_BYTES);
    const opened = await globalThis.crypto.subtle.decrypt(gcm(nonce, context), key, sealed.slice(NONCE_BYTES));
    return new Uint8Array(opened);
  } catch {
    return undefined;
  }
}

function gcm(iv: Bytes, context: Uint8Array): AesGcmParams {
  return { name: 'AES-GCM', iv, additionalData: concatBytes(LABEL, context), tagLength: TAG_BYTES * 8 };
}
