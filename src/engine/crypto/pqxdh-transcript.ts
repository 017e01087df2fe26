/**
 * What both sides of a handshake have to have seen alike, as one string of bytes: who differs in any of it, agrees on
 * no key (pqxdh.ts mixes in its hash).
 *
 * ```text
 *  "tai/1 transcript" ‖ version (1) ‖ mode (1) ‖ suite count n (1) ‖ suites offered by the responder (2 each)
 *  ‖ suite chosen (2) ‖ room id (32) ‖ peer id_i (16) ‖ peer id_r (16) ‖ certificate_i (156) ‖ certificate_r (156)
 *  ‖ 1 ‖ X25519 of certificate_i (32) ‖ 2 ‖ ephemeral X25519 (32) ‖ 3 ‖ X25519 of certificate_r (32)
 *  ‖ 4 ‖ last-resort X25519 (32)
 *  ‖ either: 5 ‖ one-time X25519 (32) ‖ 6 ‖ one-time ML-KEM (1184)   or: 7 ‖ last-resort ML-KEM (1184)
 *  ‖ KEM ciphertext (1088) ‖ last-resort id (4) ‖ one-time id (4; 0 = none) ‖ fingerprint_i (32) ‖ fingerprint_r (32)
 * ```
 * `_i` is the initiator's, `_r` the responder's. Every field has a fixed length or stands behind its count or type, so
 * that no two handshakes share a transcript.
 */
import { asciiBytes, concatBytes, uintBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { idBytes } from '../protocol/ids.ts';
import type { PeerId, RoomId } from '../protocol/ids.ts';
import type { Certificate } from './certificate.ts';
import { digestSha512 } from './kdf.ts';
import { PRE_KEY_ID_BYTES } from './pre-key-record.ts';
import type { PublicPreKey } from './pre-key-record.ts';
import { SUITE_BYTES } from './suite.ts';

const VERSION = 1;
const LABEL = asciiBytes('tai/1 transcript');

const TYPE_INITIATOR_IDENTITY = 1;
const TYPE_EPHEMERAL = 2;
const TYPE_RESPONDER_IDENTITY = 3;
const TYPE_LAST_RESORT_DH = 4;
const TYPE_ONE_TIME_DH = 5;
const TYPE_ONE_TIME_KEM = 6;
const TYPE_LAST_RESORT_KEM = 7;

/** One side, as it shows itself. */
export type Party = {
  readonly peerId: PeerId;
  readonly certificate: Certificate;
  /** SHA-256 of its DTLS certificate, 32 bytes. */
  readonly dtlsFingerprint: Bytes;
};

export type Handshake = {
  readonly mode: number;
  /** By the responder, in its order. */
  readonly suitesOffered: readonly number[];
  readonly suite: number;
  readonly roomId: RoomId;
  readonly initiator: Party;
  readonly responder: Party;
  /** X25519, 32 bytes. */
  readonly ephemeralKey: Bytes;
  readonly lastResort: PublicPreKey;
  /** `undefined`: the ciphertext is for the last-resort key. */
  readonly oneTime: PublicPreKey | undefined;
  /** 1,088 bytes. */
  readonly kemCiphertext: Bytes;
};

/** SHA-512, 64 bytes. */
export function transcriptHash(handshake: Handshake): Promise<Bytes> {
  return digestSha512(transcript(handshake));
}

/** The bytes drawn above. */
export function transcript(handshake: Handshake): Bytes {
  const { initiator, responder, lastResort, oneTime } = handshake;
  return concatBytes(
    LABEL,
    Uint8Array.of(VERSION, handshake.mode, handshake.suitesOffered.length),
    ...handshake.suitesOffered.map((suite) => uintBytes(suite, SUITE_BYTES)),
    uintBytes(handshake.suite, SUITE_BYTES),
    idBytes(handshake.roomId),
    idBytes(initiator.peerId),
    idBytes(responder.peerId),
    initiator.certificate.bytes,
    responder.certificate.bytes,
    ...typed(TYPE_INITIATOR_IDENTITY, initiator.certificate.dhKey),
    ...typed(TYPE_EPHEMERAL, handshake.ephemeralKey),
    ...typed(TYPE_RESPONDER_IDENTITY, responder.certificate.dhKey),
    ...typed(TYPE_LAST_RESORT_DH, lastResort.dh),
    ...(oneTime
      ? [...typed(TYPE_ONE_TIME_DH, oneTime.dh), ...typed(TYPE_ONE_TIME_KEM, oneTime.kem)]
      : typed(TYPE_LAST_RESORT_KEM, lastResort.kem)),
    handshake.kemCiphertext,
    uintBytes(lastResort.id, PRE_KEY_ID_BYTES),
    uintBytes(oneTime?.id ?? 0, PRE_KEY_ID_BYTES),
    initiator.dtlsFingerprint,
    responder.dtlsFingerprint,
  );
}

function typed(type: number, key: Bytes): readonly Uint8Array[] {
  return [Uint8Array.of(type), key];
}
