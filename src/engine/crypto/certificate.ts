/**
 * A device's certificate: its signing key (Ed25519) says of itself which X25519 key is of the same device, and for how
 * long. Signed by itself, it proves no name; a wallet, a pin or the comparison of safety numbers does.
 * Trap: the signature does not show that its maker holds the X25519 key. The handshake does (pqxdh.ts), and both
 * certificates are in its transcript, so that nobody gains by putting another's key into his own.
 *
 * ```text
 *  0       1          2                7             12
 *  +-------+----------+----------------+-------------+
 *  | v = 1 | kind (1) | not before (5) | expiry (5)  |
 *  +-------+----------+----------------+-------------+
 *  | Ed25519 key (32) | X25519 key (32) | serial (16) | Ed25519 signature (64) |
 *  +------------------+-----------------+-------------+------------------------+
 * 12                 44                76            92                      156
 * ```
 * Numbers are big-endian, times Unix seconds; kind 0 is a guest, 1 a device. The signature (RFC 8032) is over
 * `"tai/1 certificate"` and everything before it.
 */
import { asciiBytes, concatBytes, readUint, uintBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import type { Signer } from './ed25519.ts';
import { sha256 } from './kdf.ts';
import { ED25519_KEY_BYTES, ED25519_SIGNATURE_BYTES, X25519_KEY_BYTES } from './provider.ts';
import type { DhKey, Provider } from './provider.ts';

/** The place of a kind is its byte. */
const KINDS = ['guest', 'device'] as const;
export type CertificateKind = (typeof KINDS)[number];

export const CERTIFICATE_LIFE_MAX_S = 400 * 24 * 3600;
/** How far two clocks may lie apart. */
export const CERTIFICATE_LEEWAY_S = 300;

const VERSION = 1;
const TIME_BYTES = 5;
const SERIAL_BYTES = 16;

const KIND_AT = 1;
const NOT_BEFORE_AT = KIND_AT + 1;
const EXPIRY_AT = NOT_BEFORE_AT + TIME_BYTES;
const SIGNING_KEY_AT = EXPIRY_AT + TIME_BYTES;
const DH_KEY_AT = SIGNING_KEY_AT + ED25519_KEY_BYTES;
const SERIAL_AT = DH_KEY_AT + X25519_KEY_BYTES;
const SIGNATURE_AT = SERIAL_AT + SERIAL_BYTES;
export const CERTIFICATE_BYTES = SIGNATURE_AT + ED25519_SIGNATURE_BYTES;

const SIGNING_LABEL = asciiBytes('tai/1 certificate');
const DEVICE_LABEL = asciiBytes('tai/1 device');

export type Certificate = {
  /** The whole of it, `CERTIFICATE_BYTES`. */
  readonly bytes: Bytes;
  readonly kind: CertificateKind;
  readonly notBeforeS: number;
  readonly expiryS: number;
  /** Ed25519, 32 bytes. */
  readonly signingKey: Bytes;
  /** X25519, 32 bytes. */
  readonly dhKey: Bytes;
  /** SHA-256 of the bytes: names this certificate. */
  readonly hash: Bytes;
  /** SHA-256 of `"tai/1 device"` and the signing key: names the device for as long as it keeps that key. */
  readonly deviceId: Bytes;
};

/** What a device needs to speak for itself. `certificate` names the public keys of `signer` and `dh`. */
export type DeviceKeys = { readonly signer: Signer; readonly dh: DhKey; readonly certificate: Certificate };

/** Valid from `nowS`, with a new random serial. `lifeS` from 1 to `CERTIFICATE_LIFE_MAX_S`: another one nobody opens. */
export async function issueCertificate(
  signer: Signer,
  dhKey: Bytes,
  kind: CertificateKind,
  nowS: number,
  lifeS: number,
): Promise<Certificate> {
  const body = concatBytes(
    Uint8Array.of(VERSION, KINDS.indexOf(kind)),
    uintBytes(nowS, TIME_BYTES),
    uintBytes(nowS + lifeS, TIME_BYTES),
    signer.publicKey,
    dhKey,
    globalThis.crypto.getRandomValues(new Uint8Array(SERIAL_BYTES)),
  );
  const signature = await signer.sign(concatBytes(SIGNING_LABEL, body));
  // this layout is the one that is read
  return parseCertificate(concatBytes(body, signature)) as Certificate;
}

/** `undefined`: another layout, a life that is none or too long, not valid at `nowS`, or not signed by the key it names. */
export async function openCertificate(
  provider: Provider,
  bytes: Bytes,
  nowS: number,
): Promise<Certificate | undefined> {
  const certificate = parseCertificate(bytes);
  return certificate && (await isValid(provider, certificate, nowS)) ? certificate : undefined;
}

/** Reads the layout only: times and signature are for `isValid` to check. `undefined` for anything malformed. */
export function parseCertificate(bytes: Bytes): Certificate | undefined {
  const kind = KINDS[Number(bytes[KIND_AT])];
  if (bytes.length !== CERTIFICATE_BYTES || bytes[0] !== VERSION || !kind) return undefined;
  const signingKey = bytes.slice(SIGNING_KEY_AT, DH_KEY_AT);
  return {
    bytes: bytes.slice(),
    kind,
    // five bytes that are there are always a number
    notBeforeS: readUint(bytes, NOT_BEFORE_AT, TIME_BYTES) as number,
    expiryS: readUint(bytes, EXPIRY_AT, TIME_BYTES) as number,
    signingKey,
    dhKey: bytes.slice(DH_KEY_AT, SERIAL_AT),
    hash: sha256(bytes),
    deviceId: deviceIdOf(signingKey),
  };
}

/** Whether a parsed certificate may be believed at `nowS`: its life, its times (with leeway), its signature. */
export async function isValid(provider: Provider, certificate: Certificate, nowS: number): Promise<boolean> {
  const { bytes, notBeforeS, expiryS, signingKey } = certificate;
  const lifeS = expiryS - notBeforeS;
  if (lifeS <= 0 || lifeS > CERTIFICATE_LIFE_MAX_S) return false;
  if (nowS < notBeforeS - CERTIFICATE_LEEWAY_S || nowS >= expiryS + CERTIFICATE_LEEWAY_S) return false;
  const signed = concatBytes(SIGNING_LABEL, bytes.subarray(0, SIGNATURE_AT));
  return provider.verify(signingKey, signed, bytes.slice(SIGNATURE_AT));
}

/** Names the device with this Ed25519 key (32 bytes), whatever its certificate: 32 bytes. */
export function deviceIdOf(signingKey: Bytes): Bytes {
  return sha256(concatBytes(DEVICE_LABEL, signingKey));
}
