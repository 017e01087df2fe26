/**
 * The pass that a call to a mailbox is made with (PROTOCOL.md MB3–MB5): shows that its bearer may put into a box, or take
 * out of it, and is good for one body and for two minutes.
 *
 * ```text
 *  0        1           2               34               66        71
 *  +--------+-----------+---------------+----------------+---------+---------+
 *  | v = 1  | role (1)  | pk_put (32)   | pk_take (32)   | iat (5) | exp (5) |
 *  +--------+-----------+---------------+----------------+---------+---------+
 *  | nonce (16) | SHA-256 of the body (32) | Ed25519 signature (64) |
 *  +------------+--------------------------+------------------------+
 * 76            92                        124                      188
 * ```
 * Role 1: put, signed with the key of pk_put. Role 2: take, signed with that of pk_take. Times are Unix seconds.
 */
import { asciiBytes, concatBytes, fromBase64Url, readUint, toBase64Url, uintBytes } from './bytes.ts';
import type { Bytes } from './bytes.ts';
import { TOKEN_LIFE_MAX_S, TOKEN_SKEW_MAX_S } from './token.ts';

/** Behind `Bearer`, and in front of the bytes. */
export const MAIL_PASS_PREFIX = 'tai.mail.';
export const MAIL_NONCE_BYTES = 16;

const VERSION = 1;
const KEY_BYTES = 32;
const TIME_BYTES = 5;
const HASH_BYTES = 32;
const SIGNATURE_BYTES = 64;

const ROLE_AT = 1;
const PK_PUT_AT = ROLE_AT + 1;
const PK_TAKE_AT = PK_PUT_AT + KEY_BYTES;
const IAT_AT = PK_TAKE_AT + KEY_BYTES;
const EXP_AT = IAT_AT + TIME_BYTES;
const NONCE_AT = EXP_AT + TIME_BYTES;
const HASH_AT = NONCE_AT + MAIL_NONCE_BYTES;
const SIGNATURE_AT = HASH_AT + HASH_BYTES;
export const MAIL_PASS_BYTES = SIGNATURE_AT + SIGNATURE_BYTES;

/** From the latest moment at which a pass may be made to the last at which it is taken, by the relay's clock. */
export const MAIL_PASS_SPAN_MS = (TOKEN_LIFE_MAX_S + TOKEN_SKEW_MAX_S) * 1000;

const SIGNING_LABEL = asciiBytes('tai/1 mailbox pass');
const ADDRESS_LABEL = asciiBytes('tai/1 mailbox');

/** What a pass allows: to add, or to read and delete. */
export type MailRole = 'put' | 'take';
const ROLES: Readonly<Record<MailRole, number>> = { put: 1, take: 2 };

export type MailPass = {
  readonly role: MailRole;
  /** Ed25519, 32 bytes each. */
  readonly pkPut: Bytes;
  readonly pkTake: Bytes;
  readonly iatS: number;
  readonly expS: number;
  /** 16 random bytes: the name of what is put, and what a call that changes something is remembered by. */
  readonly nonce: Bytes;
  /** SHA-256 of the body that the pass goes with, 32 bytes. */
  readonly bodyHash: Bytes;
};

export type ParsedMailPass = {
  readonly pass: MailPass;
  /** The bytes under the signature, label included. */
  readonly signed: Bytes;
  readonly signature: Bytes;
};

/** The bytes to hash for the address of a box: `SHA-256("tai/1 mailbox" ‖ pk_put ‖ pk_take)` (MB2). */
export function mailAddressPreimage(pkPut: Uint8Array, pkTake: Uint8Array): Bytes {
  return concatBytes(ADDRESS_LABEL, pkPut, pkTake);
}

export function mailPassSigningBytes(pass: MailPass): Bytes {
  return concatBytes(SIGNING_LABEL, passBody(pass));
}

/** The text behind `Bearer`, prefix included. */
export function formatMailPass(pass: MailPass, signature: Uint8Array): string {
  return MAIL_PASS_PREFIX + toBase64Url(concatBytes(passBody(pass), signature));
}

/** Reads the layout only; signature, times and body are the relay's to check. `undefined` for anything malformed. */
export function parseMailPass(text: string): ParsedMailPass | undefined {
  if (!text.startsWith(MAIL_PASS_PREFIX)) return undefined;
  const bytes = fromBase64Url(text.slice(MAIL_PASS_PREFIX.length));
  if (bytes?.length !== MAIL_PASS_BYTES || bytes[0] !== VERSION) return undefined;
  const role = (Object.keys(ROLES) as MailRole[]).find((name) => ROLES[name] === bytes[ROLE_AT]);
  const iatS = readUint(bytes, IAT_AT, TIME_BYTES);
  const expS = readUint(bytes, EXP_AT, TIME_BYTES);
  if (!role || iatS === undefined || expS === undefined) return undefined;
  return {
    pass: {
      role,
      pkPut: bytes.slice(PK_PUT_AT, PK_TAKE_AT),
      pkTake: bytes.slice(PK_TAKE_AT, IAT_AT),
      iatS,
      expS,
      nonce: bytes.slice(NONCE_AT, HASH_AT),
      bodyHash: bytes.slice(HASH_AT, SIGNATURE_AT),
    },
    signed: concatBytes(SIGNING_LABEL, bytes.subarray(0, SIGNATURE_AT)),
    signature: bytes.slice(SIGNATURE_AT),
  };
}

function passBody(pass: MailPass): Bytes {
  return concatBytes(
    uintBytes(VERSION, 1),
    uintBytes(ROLES[pass.role], 1),
    pass.pkPut,
    pass.pkTake,
    uintBytes(pass.iatS, TIME_BYTES),
    uintBytes(pass.expS, TIME_BYTES),
    pass.nonce,
    pass.bodyHash,
  );
}
