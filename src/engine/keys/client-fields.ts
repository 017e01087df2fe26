/**
 * A payload (wire.ts) as the fields of an `e2ee_encrypted_message`, and back without loss:
 *
 * ```text
 *  payload:     | 1 | kind | [sealed handshake] | flags | nonce (12) | sealed header, sealed body | tag (16) |
 *  ciphertext:  | 1 | kind | [sealed handshake] | flags |            | sealed header, sealed body |
 * ```
 * The nonce is the one of the ratchet's header, the tag the one of its body.
 */
import { concatBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { MESSAGE_NONCE_BYTES, MESSAGE_TAG_BYTES } from '../protocol/e2ee.ts';
import type { EncryptedMessage } from '../protocol/e2ee.ts';
import { parsePayload } from './wire.ts';

export type MessageFields = Pick<EncryptedMessage, 'nonce' | 'ciphertext' | 'tag'>;

const FLAGS_BYTES = 1;

/** `payload`: of wire.ts, with a whole ratchet message in it. */
export function fieldsOfPayload(payload: Bytes): MessageFields {
  // ours
  const at = nonceAt(payload) as number;
  const tagAt = payload.length - MESSAGE_TAG_BYTES;
  return {
    nonce: payload.slice(at, at + MESSAGE_NONCE_BYTES),
    ciphertext: concatBytes(payload.subarray(0, at), payload.subarray(at + MESSAGE_NONCE_BYTES, tagAt)),
    tag: payload.slice(tagAt),
  };
}

/** `undefined` for a ciphertext that is no part of a payload. Whether the rest is one, shows where it is opened. */
export function payloadOfFields({ nonce, ciphertext, tag }: MessageFields): Bytes | undefined {
  const at = nonceAt(ciphertext);
  if (at === undefined || at > ciphertext.length) return undefined;
  return concatBytes(ciphertext.subarray(0, at), nonce, ciphertext.subarray(at), tag);
}

/** It depends on what stands before it alone, so that it is the same with the nonce and without. */
function nonceAt(bytes: Bytes): number | undefined {
  const payload = parsePayload(bytes);
  return payload && bytes.length - payload.message.length + FLAGS_BYTES;
}
