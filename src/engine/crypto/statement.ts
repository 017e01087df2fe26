/**
 * What a device says about its own keys: that others take their place (rotation), or that they are dead (revocation).
 * Both prove themselves, whoever brings them, and both say only what the holder of the old key could say: somebody who
 * has stolen it can rotate to his own. What was said before is no help against that; comparing codes anew is.
 *
 * Rotation, 338 bytes:
 * ```text
 *  0       1                       33                     189            194          210
 *  +-------+-----------------------+----------------------+--------------+------------+
 *  | v = 1 | old signing key (32)  | new certificate (156)| issued s (5) | nonce (16) |
 *  +-------+-----------------------+----------------------+--------------+------------+
 *  | signature by the old key (64) | signature by the new key (64) |
 *  +-------------------------------+-------------------------------+
 * 210                             274                             338
 * ```
 * Revocation, 118 bytes:
 * ```text
 *  0       1                  33             38           54               118
 *  +-------+------------------+--------------+------------+----------------+
 *  | v = 1 | signing key (32) | issued s (5) | nonce (16) | signature (64) |
 *  +-------+------------------+--------------+------------+----------------+
 * ```
 * Numbers are big-endian, times Unix seconds. Signatures are Ed25519 (RFC 8032) over `"tai/1 rotation"`, or
 * `"tai/1 revocation"`, and everything before the first signature. A certificate binds X25519 keys to a signing key, and
 * a device is known by its signing key: so a statement names that, not one of its certificates.
 */
import { asciiBytes, concatBytes, equalBytes, readUint, uintBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { CERTIFICATE_BYTES, CERTIFICATE_LEEWAY_S, deviceIdOf, openCertificate } from './certificate.ts';
import type { Certificate, DeviceKeys } from './certificate.ts';
import type { Signer } from './ed25519.ts';
import { ED25519_KEY_BYTES, ED25519_SIGNATURE_BYTES } from './provider.ts';
import type { Provider } from './provider.ts';

const VERSION = 1;
const TIME_BYTES = 5;
const NONCE_BYTES = 16;

const KEY_AT = 1;

const ROTATION_CERTIFICATE_AT = KEY_AT + ED25519_KEY_BYTES;
const ROTATION_ISSUED_AT = ROTATION_CERTIFICATE_AT + CERTIFICATE_BYTES;
const ROTATION_OLD_SIGNATURE_AT = ROTATION_ISSUED_AT + TIME_BYTES + NONCE_BYTES;
const ROTATION_NEW_SIGNATURE_AT = ROTATION_OLD_SIGNATURE_AT + ED25519_SIGNATURE_BYTES;
export const ROTATION_BYTES = ROTATION_NEW_SIGNATURE_AT + ED25519_SIGNATURE_BYTES;

const REVOCATION_ISSUED_AT = KEY_AT + ED25519_KEY_BYTES;
const REVOCATION_SIGNATURE_AT = REVOCATION_ISSUED_AT + TIME_BYTES + NONCE_BYTES;
export const REVOCATION_BYTES = REVOCATION_SIGNATURE_AT + ED25519_SIGNATURE_BYTES;

const ROTATION_LABEL = asciiBytes('tai/1 rotation');
const REVOCATION_LABEL = asciiBytes('tai/1 revocation');

export type Rotation = {
  /** `deviceId` of the keys that are given up, 32 bytes. */
  readonly from: Bytes;
  /** `deviceId` of those that take their place, 32 bytes. */
  readonly to: Bytes;
  /** The first certificate of the new keys. */
  readonly certificate: Certificate;
  readonly issuedS: number;
};

export type Revocation = {
  /** `deviceId` of the dead keys, 32 bytes. */
  readonly deviceId: Bytes;
  readonly issuedS: number;
};

/** Says that `next` takes the place of `old`. Their signing keys have to differ: else nobody opens it. */
export async function issueRotation(
  old: Pick<DeviceKeys, 'signer'>,
  next: Pick<DeviceKeys, 'signer' | 'certificate'>,
  nowS: number,
): Promise<Bytes> {
  const head = concatBytes(Uint8Array.of(VERSION), old.signer.publicKey, next.certificate.bytes, issued(nowS));
  const signed = concatBytes(ROTATION_LABEL, head);
  return concatBytes(head, ...(await Promise.all([old.signer.sign(signed), next.signer.sign(signed)])));
}

/** Says that the keys of this signer are dead. */
export async function issueRevocation(signer: Signer, nowS: number): Promise<Bytes> {
  const head = concatBytes(Uint8Array.of(VERSION), signer.publicKey, issued(nowS));
  return concatBytes(head, await signer.sign(concatBytes(REVOCATION_LABEL, head)));
}

/**
 * Reads a rotation that comes from `sender`: the device that has rotated, under its old keys or its new ones. `undefined`:
 * another layout, the same key twice, issued more than 5 min ahead of `nowS`, a certificate that is not valid at `nowS`, a
 * signature that is not theirs, a sender that it is not about, or one of the two devices revoked. It ends with the
 * certificate in it; until then it may be said again, and says nothing new.
 */
export async function openRotation(
  provider: Provider,
  statement: Bytes,
  sender: Pick<Certificate, 'signingKey'>,
  nowS: number,
  isRevoked: (deviceId: Bytes) => Promise<boolean>,
): Promise<Rotation | undefined> {
  if (statement.length !== ROTATION_BYTES || statement[0] !== VERSION) return undefined;
  const issuedS = readIssued(statement, ROTATION_ISSUED_AT, nowS);
  const oldKey = statement.slice(KEY_AT, ROTATION_CERTIFICATE_AT);
  const certificateBytes = statement.slice(ROTATION_CERTIFICATE_AT, ROTATION_ISSUED_AT);
  const certificate = await openCertificate(provider, certificateBytes, nowS);
  if (issuedS === undefined || !certificate || equalBytes(oldKey, certificate.signingKey)) return undefined;
  const isAboutSender = [oldKey, certificate.signingKey].some((key) => equalBytes(key, sender.signingKey));
  if (!isAboutSender) return undefined;
  const signed = concatBytes(ROTATION_LABEL, statement.subarray(0, ROTATION_OLD_SIGNATURE_AT));
  const from = deviceIdOf(oldKey);
  const to = certificate.deviceId;
  const [isOld, isNew, isFromRevoked, isToRevoked] = await Promise.all([
    provider.verify(oldKey, signed, statement.slice(ROTATION_OLD_SIGNATURE_AT, ROTATION_NEW_SIGNATURE_AT)),
    provider.verify(certificate.signingKey, signed, statement.slice(ROTATION_NEW_SIGNATURE_AT)),
    isRevoked(from),
    isRevoked(to),
  ]);
  return isOld && isNew && !isFromRevoked && !isToRevoked ? { from, to, certificate, issuedS } : undefined;
}

/**
 * Reads a revocation, whoever brings it. `undefined`: another layout, issued more than 5 min ahead of `nowS`, or not
 * signed by the key it names. It has no end, and a second one changes nothing.
 */
export async function openRevocation(
  provider: Provider,
  statement: Bytes,
  nowS: number,
): Promise<Revocation | undefined> {
  if (statement.length !== REVOCATION_BYTES || statement[0] !== VERSION) return undefined;
  const issuedS = readIssued(statement, REVOCATION_ISSUED_AT, nowS);
  if (issuedS === undefined) return undefined;
  const key = statement.slice(KEY_AT, REVOCATION_ISSUED_AT);
  const signed = concatBytes(REVOCATION_LABEL, statement.subarray(0, REVOCATION_SIGNATURE_AT));
  const isSigned = await provider.verify(key, signed, statement.slice(REVOCATION_SIGNATURE_AT));
  return isSigned ? { deviceId: deviceIdOf(key), issuedS } : undefined;
}

/** The time and a nonce, so that no two statements are the same. */
function issued(nowS: number): Bytes {
  const nonce = globalThis.crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  return concatBytes(uintBytes(nowS, TIME_BYTES), nonce);
}

/** `undefined` for a time that has not come yet. */
function readIssued(statement: Bytes, offset: number, nowS: number): number | undefined {
  // five bytes that are there are always a number
  const issuedS = readUint(statement, offset, TIME_BYTES) as number;
  return issuedS <= nowS + CERTIFICATE_LEEWAY_S ? issuedS : undefined;
}
