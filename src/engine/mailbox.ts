/**
 * Mailboxes at the relay, for peers that are away (PROTOCOL.md MB; docs/operate.md, "Mailboxes"). Only where the relay's operator
 * has them: else every method rejects with `relay-refused`.
 *
 * A box is one device's, in one room. Its owner opens it with a seed that nobody else has, and tells its name (`box`) to the
 * others inside a session of keys; whoever knows the name and holds the room's link can put into it, and fetch the bundle.
 */
import { MAIL_BODY_MAX_BYTES, MAIL_MESSAGE_ID_BYTES, MAIL_SEED_BYTES, MailboxKeys } from './keys/mailbox-keys.ts';
import { blobBytes } from './protocol/bundle.ts';
import { fromBase64Url, toBase64Url } from './protocol/bytes.ts';
import type { Bytes } from './protocol/bytes.ts';
import { TaiError } from './protocol/errors.ts';
import {
  MAILBOX_RPC_PATH,
  MAIL_BLOBS_MAX,
  formatMailRequest,
  parseHandedBundle,
  parseMailList,
} from './protocol/mailbox.ts';
import type { MailId, MailRequest } from './protocol/mailbox.ts';
import { CALL_ID, RelayCalls, unreachable } from './relay-calls.ts';
import type { RelayCallsOptions } from './relay-calls.ts';
import type { RoomAddress } from './room-address.ts';

/** Messages that were acknowledged and might be brought again by a relay that keeps what it was told to delete. */
const SEEN_MAX = 1024;
const BOX_BYTES = 32;
/** Lists of one `take`: more than a full box of the largest blobs has. */
const LISTS_MAX = MAIL_BLOBS_MAX;

export type MailboxOptions = Pick<RelayCallsOptions, 'relay' | 'timeoutMs' | 'now' | 'fetch'> & {
  readonly room: RoomAddress;
};

export type Mail = {
  /** 16 bytes in base64url, as the sender has named it: the same however often it is put. What is seen twice is to be dropped. */
  readonly id: string;
  readonly body: Bytes;
  /** For `ack`. */
  readonly receipt: MailId;
};

export type TakenMail = {
  /** In the order in which they were put. */
  readonly mail: readonly Mail[];
  /** Receipts of what does not open, or was acknowledged here before: for `ack`, and nothing else. */
  readonly refused: readonly MailId[];
};

/** Public keys for who is away: opaque here, proved by whoever begins a session with them (pre-keys.ts). */
export type MailBundle = { readonly head: Bytes; readonly oneTime: readonly Bytes[] };
export type FetchedMailBundle = { readonly head: Bytes; readonly oneTime?: Bytes };

/** 32 random bytes for `OwnMailbox.open`. Keep them where nobody else reads; without them the box is lost. */
export function createMailboxSeed(): Bytes {
  return globalThis.crypto.getRandomValues(new Uint8Array(MAIL_SEED_BYTES));
}

/** The box of this device. Every method rejects as `RelayCalls.call` does. */
export class OwnMailbox {
  /** The name that others need, 43 digits of base64url. Say it inside a seal only: who has it and the link can fill the box. */
  readonly box: string;
  readonly #keys: MailboxKeys;
  readonly #calls: RelayCalls;
  readonly #seen = new Set<string>();
  /** Message ids by receipt, of what was taken and not acknowledged. */
  readonly #taken = new Map<MailId, string>();

  private constructor(keys: MailboxKeys, options: Omit<MailboxOptions, 'room'>) {
    this.box = toBase64Url(keys.box);
    this.#keys = keys;
    this.#calls = callsOf(keys, options);
  }

  /** Asks nobody. Throws `TaiError('usage')` for a bad address or a seed that is not 32 bytes. */
  static async open({ room, seed, ...options }: MailboxOptions & { readonly seed: Bytes }): Promise<OwnMailbox> {
    if (seed.length !== MAIL_SEED_BYTES) throw new TaiError('usage', `seed: ${MAIL_SEED_BYTES} bytes`);
    return new OwnMailbox(await MailboxKeys.ofOwner(room.room, seed), options);
  }

  /** All that lies there. It stays until `ack`, or until its time is over. */
  async take(signal?: AbortSignal): Promise<TakenMail> {
    const mail: Mail[] = [];
    const refused: MailId[] = [];
    let after: MailId | undefined;
    for (let lists = 0; lists < LISTS_MAX; lists++) {
      const params = after === undefined ? {} : { after };
      const list = parseMailList(await call(this.#calls, { method: 'mailbox_list', params }, signal));
      if (!list) throw unreachable('an answer that is none');
      for (const { id: receipt, blob } of list.blobs) {
        const opened = await this.#keys.open(blobBytes(blob));
        const id = opened && toBase64Url(opened.id);
        if (!opened || id === undefined || this.#seen.has(id)) refused.push(receipt);
        else {
          this.#taken.set(receipt, id);
          mail.push({ id, body: opened.body, receipt });
        }
      }
      after = list.blobs.at(-1)?.id;
      if (!list.has_more || after === undefined) break;
    }
    return { mail, refused };
  }

  /** They have arrived for good, end to end: the relay deletes them. Again does no harm. */
  async ack(receipts: readonly MailId[], signal?: AbortSignal): Promise<void> {
    for (let at = 0; at < receipts.length; at += MAIL_BLOBS_MAX) {
      const ids = receipts.slice(at, at + MAIL_BLOBS_MAX);
      await call(this.#calls, { method: 'mailbox_ack', params: { ids } }, signal);
      for (const receipt of ids) this.#forget(receipt);
    }
  }

  /** Takes the place of what was there; gone after `ttlS` (the relay's longest time where none is given): publish anew. */
  async publishBundle(bundle: MailBundle, ttlS?: number, signal?: AbortSignal): Promise<void> {
    const head = toBase64Url(await this.#keys.sealPart('head', bundle.head));
    const sealed = await Promise.all(bundle.oneTime.map((record) => this.#keys.sealPart('one-time', record)));
    const params = { head, one_time: sealed.map(toBase64Url), ...(ttlS !== undefined && { ttl_s: ttlS }) };
    await call(this.#calls, { method: 'mailbox_publish_bundle', params }, signal);
  }

  /** Everything, bundle included. */
  async deleteAll(signal?: AbortSignal): Promise<void> {
    await call(this.#calls, { method: 'mailbox_delete', params: {} }, signal);
  }

  #forget(receipt: MailId): void {
    const id = this.#taken.get(receipt);
    if (id === undefined) return;
    this.#taken.delete(receipt);
    this.#seen.add(id);
    const [oldest] = this.#seen;
    if (oldest !== undefined && this.#seen.size > SEEN_MAX) this.#seen.delete(oldest);
  }
}

/** Another's box. Every method rejects as `RelayCalls.call` does. */
export class PeerMailbox {
  readonly #keys: MailboxKeys;
  readonly #calls: RelayCalls;

  private constructor(keys: MailboxKeys, options: Omit<MailboxOptions, 'room'>) {
    this.#keys = keys;
    this.#calls = callsOf(keys, options);
  }

  /** `box`: as its owner has told it. Throws `TaiError('usage')` where it is none, or for a bad address. */
  static async open({ room, box, ...options }: MailboxOptions & { readonly box: string }): Promise<PeerMailbox> {
    const name = fromBase64Url(box);
    if (name?.length !== BOX_BYTES) throw new TaiError('usage', 'box: the name of a mailbox');
    return new PeerMailbox(await MailboxKeys.ofSender(room.room, name), options);
  }

  /**
   * Leaves a body of at most 32,748 bytes: better a message of a session of keys than a bare text (mailbox-keys.ts). `id`: 16 bytes
   * in base64url, random where none is given; with the same one the receiver takes it once, however often it is put.
   * Taken by the relay is not arrived: say so only when the receiver does. Rejects besides with `too-large`, and with
   * `rate-limited` where the box is full.
   */
  async put(
    body: Bytes,
    options: { readonly id?: string; readonly ttlS?: number; readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const { id, ttlS, signal } = options;
    const bytes =
      id === undefined ? globalThis.crypto.getRandomValues(new Uint8Array(MAIL_MESSAGE_ID_BYTES)) : fromBase64Url(id);
    if (bytes?.length !== MAIL_MESSAGE_ID_BYTES) throw new TaiError('usage', 'id: 16 bytes in base64url');
    const sealed = await this.#keys.seal({ id: bytes, body });
    if (!sealed) throw new TaiError('too-large', `body: at most ${MAIL_BODY_MAX_BYTES} bytes`);
    const params = { blob: toBase64Url(sealed), ...(ttlS !== undefined && { ttl_s: ttlS }) };
    await call(this.#calls, { method: 'mailbox_put', params }, signal);
  }

  /** What its owner has published; `undefined` where there is nothing, or nothing that opens. */
  async fetchBundle(signal?: AbortSignal): Promise<FetchedMailBundle | undefined> {
    const result = await call(this.#calls, { method: 'mailbox_fetch_bundle', params: {} }, signal, ['no-bundle']);
    if (result === undefined) return undefined;
    const handed = parseHandedBundle(result);
    if (!handed) throw unreachable('an answer that is none');
    const head = await this.#keys.openPart('head', blobBytes(handed.head));
    if (!head || handed.one_time === undefined) return head && { head };
    const oneTime = await this.#keys.openPart('one-time', blobBytes(handed.one_time));
    // A relay can keep it back as well: the head alone has to do.
    return oneTime ? { head, oneTime } : { head };
  }
}

function callsOf(keys: MailboxKeys, options: Omit<MailboxOptions, 'room'>): RelayCalls {
  return new RelayCalls({ ...options, path: MAILBOX_RPC_PATH, token: (nowS, body) => keys.pass(body, nowS) });
}

function call(
  calls: RelayCalls,
  request: MailRequest,
  signal?: AbortSignal,
  expected?: readonly string[],
): Promise<unknown> {
  return calls.call(formatMailRequest(request, CALL_ID), signal, expected);
}
