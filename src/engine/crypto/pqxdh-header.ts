/**
 * What the initiator of a handshake sends: everything the responder needs to derive the same keys.
 *
 * ```text
 *  0       1           3          4                   160                   192
 *  +-------+-----------+----------+-------------------+---------------------+
 *  | v = 1 | suite (2) | mode (1) | certificate (156) | DTLS fingerprint (32)|
 *  +-------+-----------+----------+-------------------+---------------------+
 *  | ephemeral X25519 (32) | last-resort id (4) | one-time id (4) | KEM ciphertext (1088) |
 *  +-----------------------+--------------------+-----------------+-----------------------+
 * 192                     224                  228               232                    1320
 * ```
 * Numbers are big-endian; a one-time id of 0 is none. Not signed: that the first message opens under the derived keys
 * shows who made it.
 */
import { concatBytes, readUint, uintBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { CERTIFICATE_BYTES } from './certificate.ts';
import { PRE_KEY_ID_BYTES } from './pre-key-record.ts';
import { KEM_CIPHERTEXT_BYTES, X25519_KEY_BYTES } from './provider.ts';
import { DTLS_FINGERPRINT_BYTES, SUITE_BYTES } from './suite.ts';

const VERSION = 1;

const SUITE_AT = 1;
const MODE_AT = SUITE_AT + SUITE_BYTES;
const CERTIFICATE_AT = MODE_AT + 1;
const FINGERPRINT_AT = CERTIFICATE_AT + CERTIFICATE_BYTES;
const EPHEMERAL_AT = FINGERPRINT_AT + DTLS_FINGERPRINT_BYTES;
const LAST_RESORT_ID_AT = EPHEMERAL_AT + X25519_KEY_BYTES;
const ONE_TIME_ID_AT = LAST_RESORT_ID_AT + PRE_KEY_ID_BYTES;
const CIPHERTEXT_AT = ONE_TIME_ID_AT + PRE_KEY_ID_BYTES;
export const HEADER_BYTES = CIPHERTEXT_AT + KEM_CIPHERTEXT_BYTES;

export type PqxdhHeader = {
  readonly suite: number;
  readonly mode: number;
  /** `CERTIFICATE_BYTES`, not opened. */
  readonly certificate: Bytes;
  /** SHA-256, 32 bytes. */
  readonly dtlsFingerprint: Bytes;
  /** X25519, 32 bytes. */
  readonly ephemeralKey: Bytes;
  readonly lastResortId: number;
  /** 0: none. */
  readonly oneTimeId: number;
  /** 1,088 bytes. */
  readonly kemCiphertext: Bytes;
};

export function formatPqxdhHeader(header: PqxdhHeader): Bytes {
  return concatBytes(
    uintBytes(VERSION, 1),
    uintBytes(header.suite, SUITE_BYTES),
    uintBytes(header.mode, 1),
    header.certificate,
    header.dtlsFingerprint,
    header.ephemeralKey,
    uintBytes(header.lastResortId, PRE_KEY_ID_BYTES),
    uintBytes(header.oneTimeId, PRE_KEY_ID_BYTES),
    header.kemCiphertext,
  );
}

/** Reads the layout only. `undefined` for another length or version. */
export function parsePqxdhHeader(bytes: Bytes): PqxdhHeader | undefined {
  if (bytes.length !== HEADER_BYTES || bytes[0] !== VERSION) return undefined;
  // so few bytes that are there are always a number
  const number = (offset: number, length: number): number => readUint(bytes, offset, length) as number;
  return {
    suite: number(SUITE_AT, SUITE_BYTES),
    mode: number(MODE_AT, 1),
    certificate: bytes.slice(CERTIFICATE_AT, FINGERPRINT_AT),
    dtlsFingerprint: bytes.slice(FINGERPRINT_AT, EPHEMERAL_AT),
    ephemeralKey: bytes.slice(EPHEMERAL_AT, LAST_RESORT_ID_AT),
    lastResortId: number(LAST_RESORT_ID_AT, PRE_KEY_ID_BYTES),
    oneTimeId: number(ONE_TIME_ID_AT, PRE_KEY_ID_BYTES),
    kemCiphertext: bytes.slice(CIPHERTEXT_AT),
  };
}
