/**
 * The key messages under the names that clients outside our own pages know, as JSON with base64url fields. Parsed, never
 * believed: a public key by its signature and by what its sealed bundle says, a message by its tag, a statement by the
 * signatures in it. Timestamps tell when something was said; none of them stops a replay.
 */
import { asciiBytes, concatBytes, fromBase64Url, toBase64Url, uintBytes } from './bytes.ts';
import type { Bytes } from './bytes.ts';
import { idBytes, parsePeerId } from './ids.ts';
import type { PeerId } from './ids.ts';
import { isRecord, parseCount, parseJson, parseText } from './json.ts';
import type { JsonRecord } from './json.ts';

/** Longer texts are not looked at. */
export const E2EE_TEXT_MAX = 65_536;
/** SHA-256 of the sender's certificate. */
export const KEY_ID_BYTES = 32;
export const PUBLIC_KEY_NONCE_BYTES = 16;
export const MESSAGE_NONCE_BYTES = 12;
export const MESSAGE_TAG_BYTES = 16;
const SIGNATURE_BYTES = 64;
const HEAD_BYTES_MAX = 3_072;
const ONE_TIME_BYTES_MAX = 1_400;
/** The largest padded body, and a header with an ML-KEM key and a ciphertext. */
const CIPHERTEXT_BYTES_MAX = 40_960;
const STATEMENT_BYTES_MAX = 768;

const TIMESTAMP_BYTES = 6;
const LENGTH_BYTES = 2;
const TIMESTAMP_MAX = 2 ** 48 - 1;
const PUBLIC_KEY_LABEL = asciiBytes('tai/1 e2ee_public_key');

/** Why a key is dead. A claim: the statement's signature does not cover it. */
export const REVOKE_REASONS = ['unspecified', 'compromised', 'lost', 'superseded'] as const;
export type RevokeReason = (typeof REVOKE_REASONS)[number];

type Sent = {
  readonly sender_id: PeerId;
  /** `KEY_ID_BYTES`. */
  readonly key_id: Bytes;
};

/** The sender's sealed pre-key bundle, for the receiver to begin a session with. */
export type PublicKeyMessage = Sent & {
  readonly type: 'e2ee_public_key';
  /** As published at the relay, 1 to 3,072 bytes. */
  readonly head: Bytes;
  /** One sealed one-time record, 1 to 1,400 bytes; `undefined` where the sender has none left. */
  readonly one_time: Bytes | undefined;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** `PUBLIC_KEY_NONCE_BYTES`, random. */
  readonly nonce: Bytes;
  /** Ed25519 over `publicKeySigningBytes`, 64 bytes. */
  readonly signature: Bytes;
};

/** One message of a session that stands. */
export type EncryptedMessage = Sent & {
  readonly type: 'e2ee_encrypted_message';
  /** `MESSAGE_NONCE_BYTES`. */
  readonly nonce: Bytes;
  /** 1 to 40,960 bytes. */
  readonly ciphertext: Bytes;
  /** `MESSAGE_TAG_BYTES`. */
  readonly tag: Bytes;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
};

/** The sender's device has new keys. `statement`: signed by the old ones and the new ones, 1 to 768 bytes. */
export type KeyRotationMessage = Sent & { readonly type: 'e2ee_key_rotation'; readonly statement: Bytes };

/** The sender's keys are dead. `statement`: signed by them, 1 to 768 bytes. */
export type KeyRevokeMessage = Sent & {
  readonly type: 'e2ee_key_revoke';
  readonly statement: Bytes;
  readonly reason: RevokeReason;
};

export type E2eeMessage = PublicKeyMessage | EncryptedMessage | KeyRotationMessage | KeyRevokeMessage;

/** What the sender's certificate key signs: label ‖ sender ‖ key id ‖ timestamp ‖ nonce ‖ head and one-time record, each behind its length. */
export function publicKeySigningBytes(message: Omit<PublicKeyMessage, 'signature'>): Bytes {
  const { sender_id, key_id, timestamp, nonce, head, one_time = new Uint8Array() } = message;
  return concatBytes(
    PUBLIC_KEY_LABEL,
    idBytes(sender_id),
    key_id,
    uintBytes(timestamp, TIMESTAMP_BYTES),
    nonce,
    uintBytes(head.length, LENGTH_BYTES),
    head,
    uintBytes(one_time.length, LENGTH_BYTES),
    one_time,
  );
}

export function formatE2eeMessage(message: E2eeMessage): string {
  return JSON.stringify(message, (_, value: unknown) => (value instanceof Uint8Array ? toBase64Url(value) : value));
}

/** `undefined` for any other type, and for a field that is missing, of another length, or not canonical. Unknown fields are ignored. */
export function parseE2eeMessage(text: string): E2eeMessage | undefined {
  const value = text.length <= E2EE_TEXT_MAX ? parseJson(text) : undefined;
  if (!isRecord(value)) return undefined;
  const sender_id = parsePeerId(value['sender_id']);
  const key_id = exactly(value, 'key_id', KEY_ID_BYTES);
  if (!sender_id || !key_id) return undefined;
  switch (value['type']) {
    case 'e2ee_public_key':
      return parsePublicKey(value, { sender_id, key_id });
    case 'e2ee_encrypted_message':
      return parseEncrypted(value, { sender_id, key_id });
    case 'e2ee_key_rotation': {
      const statement = atMost(value, 'statement', STATEMENT_BYTES_MAX);
      return statement && { type: 'e2ee_key_rotation', sender_id, key_id, statement };
    }
    case 'e2ee_key_revoke': {
      const statement = atMost(value, 'statement', STATEMENT_BYTES_MAX);
      const reason = REVOKE_REASONS.find((known) => known === value['reason']);
      return statement && reason && { type: 'e2ee_key_revoke', sender_id, key_id, statement, reason };
    }
    default:
      return undefined;
  }
}

function parsePublicKey(value: JsonRecord, sent: Sent): PublicKeyMessage | undefined {
  const head = atMost(value, 'head', HEAD_BYTES_MAX);
  const one_time = atMost(value, 'one_time', ONE_TIME_BYTES_MAX);
  const timestamp = parseCount(value['timestamp'], TIMESTAMP_MAX);
  const nonce = exactly(value, 'nonce', PUBLIC_KEY_NONCE_BYTES);
  const signature = exactly(value, 'signature', SIGNATURE_BYTES);
  if (!head || timestamp === undefined || !nonce || !signature) return undefined;
  if (!one_time && value['one_time'] !== undefined) return undefined;
  return { type: 'e2ee_public_key', ...sent, head, one_time, timestamp, nonce, signature };
}

function parseEncrypted(value: JsonRecord, sent: Sent): EncryptedMessage | undefined {
  const nonce = exactly(value, 'nonce', MESSAGE_NONCE_BYTES);
  const ciphertext = atMost(value, 'ciphertext', CIPHERTEXT_BYTES_MAX);
  const tag = exactly(value, 'tag', MESSAGE_TAG_BYTES);
  const timestamp = parseCount(value['timestamp'], TIMESTAMP_MAX);
  if (!nonce || !ciphertext || !tag || timestamp === undefined) return undefined;
  return { type: 'e2ee_encrypted_message', ...sent, nonce, ciphertext, tag, timestamp };
}

/** base64url of at least one byte. */
function atMost(value: JsonRecord, key: string, maxBytes: number): Bytes | undefined {
  const text = parseText(value[key], Math.ceil((maxBytes * 4) / 3));
  return text ? fromBase64Url(text) : undefined;
}

function exactly(value: JsonRecord, key: string, bytes: number): Bytes | undefined {
  const read = atMost(value, key, bytes);
  return read?.length === bytes ? read : undefined;
}
