/**
 * What a present peer publishes, so that a newcomer can agree on keys with it in one message: a head, and one-time
 * records beside it (pre-key-record.ts), each handed out once. All of it lives in memory and dies with our presence.
 *
 * ```text
 *  0       1          2                  3                     4                 4 + 2n
 *  +-------+----------+------------------+---------------------+-----------------+
 *  | v = 1 | mode (1) | suite count n (1)| record count m (1)  | suites (2 each) |
 *  +-------+----------+------------------+---------------------+-----------------+
 *  | certificate (156) | DTLS fingerprint (32) | last-resort record (1221) |
 *  +-------------------+-----------------------+---------------------------+
 *  4 + 2n              160 + 2n                192 + 2n                    1413 + 2n
 *  | SHA-256 of each one-time record (32 each) | head signature (64) |
 *  +-------------------------------------------+---------------------+
 *  1413 + 2n                       1413 + 2n + 32m       1477 + 2n + 32m
 * ```
 * Mode 1: end-to-end encryption is required. The fingerprint is the SHA-256 of the peer's DTLS certificate. The head's
 * signature (Ed25519, by the key of the certificate) is over `"tai/1 bundle" ‖ room id (32) ‖ peer id (16)` and
 * everything before it. It is the only one in a bundle beside the certificate's own: a one-time record is proved by its
 * hash in the head, so that each set of records has a head of its own; the last-resort key is the same in all of them.
 */
import { ONE_TIME_BLOBS_MAX } from '../protocol/bundle.ts';
import { asciiBytes, concatBytes, equalBytes, readUint, toHex, uintBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { idBytes } from '../protocol/ids.ts';
import type { PeerId, RoomId } from '../protocol/ids.ts';
import { CERTIFICATE_BYTES, isValid, parseCertificate } from './certificate.ts';
import type { Certificate, DeviceKeys } from './certificate.ts';
import { digestSha256 } from './kdf.ts';
import { LAST_RESORT, ONE_TIME, PRE_KEY_BYTES, formatPreKey, parsePreKey, publicPreKey } from './pre-key-record.ts';
import type { PreKey, PublicPreKey } from './pre-key-record.ts';
import { ED25519_SIGNATURE_BYTES } from './provider.ts';
import type { Provider } from './provider.ts';
import { DTLS_FINGERPRINT_BYTES, SUITES, SUITE_BYTES } from './suite.ts';

/** So often a last-resort key is used, all told: every use has to be remembered. */
export const LAST_RESORT_USES_MAX = 1024;
/** The unused private keys of so many refills are kept: who was handed a record may be slow. */
export const REFILLS_KEPT = 4;

const VERSION = 1;
const SUITES_MAX = 8;
const MODE_AT = 1;
const COUNT_AT = MODE_AT + 1;
const RECORD_COUNT_AT = COUNT_AT + 1;
const SUITES_AT = RECORD_COUNT_AT + 1;
const RECORD_HASH_BYTES = 32;
const SIGNING_LABEL = asciiBytes('tai/1 bundle');

/** Whose bundle it is, and where. */
export type BundleOwner = { readonly roomId: RoomId; readonly peerId: PeerId };

export type PreKeyContext = BundleOwner & {
  /** SHA-256 of our DTLS certificate, 32 bytes. */
  readonly dtlsFingerprint: Bytes;
  readonly mode: number;
};

/** What a peer has published. Its keys are for `initiate` to accept or refuse. */
export type PeerBundle = {
  readonly certificate: Certificate;
  readonly dtlsFingerprint: Bytes;
  readonly suites: readonly number[];
  readonly mode: number;
  readonly lastResort: PublicPreKey;
  readonly oneTime?: PublicPreKey | undefined;
};

type MadePreKey = { readonly preKey: PreKey; readonly record: Bytes };

/** How pre-keys are made: `oneTimeCount` keys at a time, and a head over their records. */
type PreKeyMaker = {
  readonly oneTimeCount: number;
  makeOneTime(): Promise<PreKey>;
  signHead(oneTime: readonly Bytes[]): Promise<Bytes>;
};

/** Our pre-keys for one presence: `head` and `oneTime` are to be published together, the private keys stay here. */
export class OwnPreKeys {
  readonly lastResort: PreKey;
  readonly #maker: PreKeyMaker;
  /** By id, oldest first. */
  readonly #unused = new Map<number, PreKey>();
  readonly #lastResortUses = new Set<string>();
  #offered: readonly MadePreKey[] = [];
  #head: Bytes = new Uint8Array();
  #newestId: number;

  /** Without a head or one-time keys: `refill` makes them. */
  constructor(lastResort: PreKey, maker: PreKeyMaker) {
    this.lastResort = lastResort;
    this.#newestId = lastResort.id;
    this.#maker = maker;
  }

  /** Of the last refill: another one's records are not under it. */
  get head(): Bytes {
    return this.#head;
  }

  /** The records of the last refill whose keys have not been used. */
  get oneTime(): readonly Bytes[] {
    return this.#offered.filter(({ preKey }) => this.#unused.has(preKey.id)).map(({ record }) => record);
  }

  /** `undefined` for an id that is not ours, has been taken, or is too old. Spends nothing. */
  peekOneTime(id: number): PreKey | undefined {
    return this.#unused.get(id);
  }

  /** Whether there has been such a one-time key, in whatever refill: ids are counted, and never given again. */
  hasIssued(id: number): boolean {
    return id > this.lastResort.id && id <= this.#newestId;
  }

  /** As `peekOneTime`, and forgets the private key: each id is given once. */
  takeOneTime(id: number): PreKey | undefined {
    const preKey = this.#unused.get(id);
    this.#unused.delete(id);
    return preKey;
  }

  /**
   * Spends what a handshake used, once its first message has opened. `false`: it was spent before, so that the message
   * is a replay (or lost a race against itself) and its session is to be dropped; or the last-resort key has served
   * `LAST_RESORT_USES_MAX` times. `oneTimeId` of 0: the last-resort key alone, which does not change, so that the
   * handshake is remembered by its transcript.
   */
  spend(oneTimeId: number, transcriptHash: Bytes): boolean {
    if (oneTimeId !== 0) return this.takeOneTime(oneTimeId) !== undefined;
    const use = toHex(transcriptHash);
    if (this.#lastResortUses.has(use) || this.#lastResortUses.size >= LAST_RESORT_USES_MAX) return false;
    this.#lastResortUses.add(use);
    return true;
  }

  /**
   * Makes as many one-time keys as were asked for, with new ids, and a head over them. `oneTime` is then these alone, since an
   * older record may have been handed out to somebody who is about to use it, with the head that it was under; its
   * private key is kept until `REFILLS_KEPT` refills later.
   */
  async refill(): Promise<void> {
    const { oneTimeCount, makeOneTime, signHead } = this.#maker;
    const keys = await Promise.all(Array.from({ length: oneTimeCount }, () => makeOneTime()));
    const made = keys.map((preKey) => ({ preKey, record: formatPreKey(ONE_TIME, publicPreKey(preKey)) }));
    const head = await signHead(made.map(({ record }) => record));
    for (const preKey of keys) {
      this.#unused.set(preKey.id, preKey);
      this.#newestId = Math.max(this.#newestId, preKey.id);
    }
    this.#offered = made;
    this.#head = head;
    const old = this.#unused.size - REFILLS_KEPT * oneTimeCount;
    for (const id of [...this.#unused.keys()].slice(0, Math.max(0, old))) this.#unused.delete(id);
  }
}

/** `oneTimeCount`: at most `ONE_TIME_BLOBS_MAX`, else nobody opens what is published. */
export async function createPreKeys(
  provider: Provider,
  device: DeviceKeys,
  context: PreKeyContext,
  oneTimeCount: number,
): Promise<OwnPreKeys> {
  const { signer, certificate } = device;
  let lastId = 0;
  const make = async (): Promise<PreKey> => {
    // never again the id of a key that was used: what names it can then only be a replay
    const id = ++lastId;
    const [dh, kem] = await Promise.all([provider.generateDh(), provider.generateKem()]);
    return { id, dh, kem };
  };
  const lastResort = await make();
  const signHead = async (oneTime: readonly Bytes[]): Promise<Bytes> => {
    const hashes = await Promise.all(oneTime.map(digestSha256));
    const body = concatBytes(
      Uint8Array.of(VERSION, context.mode, SUITES.length, oneTime.length),
      ...SUITES.map((suite) => uintBytes(suite, SUITE_BYTES)),
      certificate.bytes,
      context.dtlsFingerprint,
      formatPreKey(LAST_RESORT, publicPreKey(lastResort)),
      ...hashes,
    );
    return concatBytes(body, await signer.sign(signedBytes(context, body)));
  };
  const preKeys = new OwnPreKeys(lastResort, { oneTimeCount, makeOneTime: make, signHead });
  await preKeys.refill();
  return preKeys;
}

/** What a peer has published, as it says itself: nothing is to be done with it before `isGenuine` has said so. */
export type ReadBundle = { readonly bundle: PeerBundle; readonly isGenuine: Promise<boolean> };

/**
 * Reads what a peer has published, a one-time record beside the head where the relay had one. `undefined`: a part of it is
 * malformed or in the place of another type. Not genuine: signed by another or for another room or peer id, not valid at
 * `nowS`, or with a record that is not one of this head's. Whoever agrees on keys meanwhile saves the wait; what he gets is
 * nothing, where the verdict is against it.
 */
export function readBundle(
  provider: Provider,
  owner: BundleOwner,
  head: Bytes,
  oneTime: Bytes | undefined,
  nowS: number,
): ReadBundle | undefined {
  const parsed = parseHead(head);
  const oneTimeKey = oneTime && parsePreKey(oneTime, ONE_TIME);
  if (!parsed || (oneTime && !oneTimeKey)) return undefined;
  const { certificate, recordHashes, signatureAt, ...bundle } = parsed;
  const signed = signedBytes(owner, head.subarray(0, signatureAt));
  const checks = Promise.all([
    isValid(provider, certificate, nowS),
    provider.verify(certificate.signingKey, signed, head.slice(signatureAt)),
    !oneTime || isOneOf(recordHashes, oneTime),
  ]);
  return {
    bundle: { ...bundle, certificate, oneTime: oneTimeKey },
    isGenuine: checks.then((verdicts) => verdicts.every(Boolean)),
  };
}

/** As `readBundle`, once that has said that it is genuine; `undefined` where it is not. */
export async function openBundle(...bundle: Parameters<typeof readBundle>): Promise<PeerBundle | undefined> {
  const read = readBundle(...bundle);
  return read && (await read.isGenuine) ? read.bundle : undefined;
}

async function isOneOf(hashes: readonly Bytes[], record: Bytes): Promise<boolean> {
  const own = await digestSha256(record);
  return hashes.some((hash) => equalBytes(hash, own));
}

type ParsedHead = Omit<PeerBundle, 'oneTime'> & {
  readonly recordHashes: readonly Bytes[];
  readonly signatureAt: number;
};

/** Reads the layout only. */
function parseHead(head: Bytes): ParsedHead | undefined {
  const [version, mode, count, recordCount] = head;
  if (version !== VERSION || mode === undefined || !count || count > SUITES_MAX) return undefined;
  if (recordCount === undefined || recordCount > ONE_TIME_BLOBS_MAX) return undefined;
  const certificateAt = SUITES_AT + count * SUITE_BYTES;
  const fingerprintAt = certificateAt + CERTIFICATE_BYTES;
  const lastResortAt = fingerprintAt + DTLS_FINGERPRINT_BYTES;
  const hashesAt = lastResortAt + PRE_KEY_BYTES;
  const signatureAt = hashesAt + recordCount * RECORD_HASH_BYTES;
  if (head.length !== signatureAt + ED25519_SIGNATURE_BYTES) return undefined;
  const certificate = parseCertificate(head.slice(certificateAt, fingerprintAt));
  const lastResort = parsePreKey(head.slice(lastResortAt, hashesAt), LAST_RESORT);
  if (!certificate || !lastResort) return undefined;
  const suites = Array.from({ length: count }, (_, i) =>
    // two bytes that are there are always a number
    Number(readUint(head, SUITES_AT + i * SUITE_BYTES, SUITE_BYTES)),
  );
  const recordHashes = Array.from({ length: recordCount }, (_, i) =>
    head.slice(hashesAt + i * RECORD_HASH_BYTES, hashesAt + (i + 1) * RECORD_HASH_BYTES),
  );
  const dtlsFingerprint = head.slice(fingerprintAt, lastResortAt);
  return { certificate, dtlsFingerprint, suites, mode, lastResort, recordHashes, signatureAt };
}

function signedBytes(owner: BundleOwner, body: Uint8Array): Bytes {
  return concatBytes(SIGNING_LABEL, idBytes(owner.roomId), idBytes(owner.peerId), body);
}
