/**
 * Keys of a mailbox (PROTOCOL.md MB1–MB6). A box has one owner, who alone reads and deletes, and all holders of the room's link
 * who know its name put into it. They all put with one key: the relay does not learn who of them it was.
 *
 * Trap: the seal is under the room's secret. It hides from the relay and from everybody without the link, and proves nothing
 * about who has sealed: what has to come from one person and be read by one belongs inside a session of keys (HS) first.
 */
import { createSigner } from '../crypto/ed25519.ts';
import type { Signer } from '../crypto/ed25519.ts';
import { digestSha256, hkdfSha256 } from '../crypto/kdf.ts';
import { BODY_MAX_BYTES, pad, unpad } from '../crypto/padding.ts';
import { openForRoom, sealForRoom } from '../crypto/room-seal.ts';
import { asciiBytes, concatBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import type { RoomSecret } from '../protocol/invite.ts';
import { MAIL_NONCE_BYTES, formatMailPass, mailPassSigningBytes } from '../protocol/mailbox-pass.ts';
import type { MailRole } from '../protocol/mailbox-pass.ts';

const KEY_BYTES = 32;
export const MAIL_SEED_BYTES = KEY_BYTES;
/** Names one message for its receiver, whatever the relay calls it, however often it comes. */
export const MAIL_MESSAGE_ID_BYTES = 16;
/** What fits into the largest padding bucket (EN3) beside the id. */
export const MAIL_BODY_MAX_BYTES = BODY_MAX_BYTES - MAIL_MESSAGE_ID_BYTES;
const PASS_LIFE_S = 60;

/** As of all that follows from a room's secret (KD1). */
const SALT = asciiBytes('tai/1 secret');
const ROOT_INFO = asciiBytes('tai/1 K_mailbox');
const TAKE_INFO = asciiBytes('tai/1 mailbox take');
const PUT_INFO = asciiBytes('tai/1 mailbox put');
const SEAL_INFO = asciiBytes('tai/1 mailbox seal');
/** What is sealed cannot be moved to the place of another kind, or into another box: the context has both. */
const CONTEXTS = {
  mail: asciiBytes('mailbox blob'),
  head: asciiBytes('mailbox head'),
  'one-time': asciiBytes('mailbox one-time'),
} as const;
export type MailPart = 'head' | 'one-time';

export type OpenedMail = { readonly id: Bytes; readonly body: Bytes };

export class MailboxKeys {
  /** What others have to know of the box, 32 bytes: the public key of its owner. To be told inside a seal only. */
  readonly box: Bytes;
  readonly #pkPut: Bytes;
  readonly #signer: Signer;
  readonly #role: MailRole;
  readonly #sealKey: CryptoKey;

  private constructor(box: Bytes, pkPut: Bytes, signer: Signer, role: MailRole, sealKey: CryptoKey) {
    this.box = box;
    this.#pkPut = pkPut;
    this.#signer = signer;
    this.#role = role;
    this.#sealKey = sealKey;
  }

  /** The owner's. `seed`: 32 random bytes that nobody else has; the same seed is another box in each room. */
  static async ofOwner(room: RoomSecret, seed: Bytes): Promise<MailboxKeys> {
    const root = rootOf(room);
    const take = await signerOf(hkdfSha256(seed, root, TAKE_INFO, KEY_BYTES));
    const put = await putSigner(root, take.publicKey);
    return new MailboxKeys(take.publicKey, put.publicKey, take, 'take', await sealKeyOf(root, take.publicKey));
  }

  /** Of one who puts something into the box of this name. */
  static async ofSender(room: RoomSecret, box: Bytes): Promise<MailboxKeys> {
    const root = rootOf(room);
    const put = await putSigner(root, box);
    return new MailboxKeys(box, put.publicKey, put, 'put', await sealKeyOf(root, box));
  }

  /** MB3: good for this body alone, once. */
  async pass(body: string, nowS: number): Promise<string> {
    const pass = {
      role: this.#role,
      pkPut: this.#pkPut,
      pkTake: this.box,
      iatS: nowS,
      expS: nowS + PASS_LIFE_S,
      nonce: globalThis.crypto.getRandomValues(new Uint8Array(MAIL_NONCE_BYTES)),
      bodyHash: await digestSha256(new TextEncoder().encode(body)),
    };
    return formatMailPass(pass, await this.#signer.sign(mailPassSigningBytes(pass)));
  }

  /** `undefined` for a body over `MAIL_BODY_MAX_BYTES`. */
  async seal({ id, body }: OpenedMail): Promise<Bytes | undefined> {
    const padded = pad(concatBytes(id, body));
    return padded && sealForRoom(this.#sealKey, this.#context('mail'), padded);
  }

  /** `undefined` for what nobody with the room's link has sealed for this box. */
  async open(sealed: Bytes): Promise<OpenedMail | undefined> {
    const padded = await openForRoom(this.#sealKey, this.#context('mail'), sealed);
    const bytes = padded && unpad(padded);
    if (!bytes || bytes.length < MAIL_MESSAGE_ID_BYTES) return undefined;
    return { id: bytes.slice(0, MAIL_MESSAGE_ID_BYTES), body: bytes.slice(MAIL_MESSAGE_ID_BYTES) };
  }

  sealPart(part: MailPart, bytes: Bytes): Promise<Bytes> {
    return sealForRoom(this.#sealKey, this.#context(part), bytes);
  }

  openPart(part: MailPart, sealed: Bytes): Promise<Bytes | undefined> {
    return openForRoom(this.#sealKey, this.#context(part), sealed);
  }

  #context(part: keyof typeof CONTEXTS): Bytes {
    return concatBytes(CONTEXTS[part], this.box);
  }
}

function rootOf({ secret }: RoomSecret): Bytes {
  return hkdfSha256(secret, SALT, ROOT_INFO, KEY_BYTES);
}

/** Of this box alone: boxes of one room have no key in common that the relay could tell them by. */
function putSigner(root: Bytes, box: Bytes): Promise<Signer> {
  return signerOf(hkdfSha256(root, box, PUT_INFO, KEY_BYTES));
}

async function signerOf(seed: Bytes): Promise<Signer> {
  const signer = await createSigner(seed);
  seed.fill(0);
  return signer;
}

async function sealKeyOf(root: Bytes, box: Bytes): Promise<CryptoKey> {
  const bytes = hkdfSha256(root, box, SEAL_INFO, KEY_BYTES);
  const key = await globalThis.crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
  bytes.fill(0);
  return key;
}
