/**
 * One mailbox: sealed blobs for a peer that is away, and its long-term bundle (PROTOCOL.md MB1–MB12, LM21–LM23). Sees sizes,
 * counts and times, never a body. No platform in here: rows and time come in from outside.
 *
 * Who may ask for what was shown to the Worker by a pass (mailbox-face.ts); here it counts for how often.
 */
import { blobBytes } from '../src/engine/protocol/bundle.ts';
import { fromBase64Url, toBase64Url } from '../src/engine/protocol/bytes.ts';
import type { Bytes } from '../src/engine/protocol/bytes.ts';
import type { RpcErrorReason } from '../src/engine/protocol/errors.ts';
import { MAIL_PASS_SPAN_MS } from '../src/engine/protocol/mailbox-pass.ts';
import type { MailRole } from '../src/engine/protocol/mailbox-pass.ts';
import { MAIL_BLOBS_MAX, MAIL_LIST_TEXT_MAX, MAIL_ROLES, parseMailText } from '../src/engine/protocol/mailbox.ts';
import type { ListedMail, MailRequest, MailResult } from '../src/engine/protocol/mailbox.ts';
import { formatError, formatResult } from '../src/engine/protocol/relay.ts';
import { MAIL_BOX_MAX_BYTES, mailBuckets } from './mailbox-limits.ts';
import type { MailStore } from './mailbox-store.ts';
import type { CallAnswer } from './relay-room.ts';

/** What is left of a pass once the Worker has checked it. */
export type CheckedPass = {
  readonly role: MailRole;
  /** base64url of 16 bytes. */
  readonly nonce: string;
  readonly expS: number;
};

type Outcome = { readonly result: MailResult } | { readonly reason: RpcErrorReason };

const DONE: Outcome = { result: {} };
/** The JSON around one entry of a list. */
const ENTRY_AROUND = '{"id":"","blob":""},'.length;

export class MailBox {
  readonly #store: MailStore;
  readonly #ttlS: number;
  readonly #buckets = mailBuckets();

  /** `ttlS`: the longest that anything stays (MB7). */
  constructor(store: MailStore, ttlS: number) {
    this.#store = store;
    this.#ttlS = ttlS;
  }

  /** A call with a pass that was checked. What is over is gone before it is looked at. */
  call(pass: CheckedPass, text: string, nowMs: number): CallAnswer {
    if (!this.#buckets[pass.role].take(1, nowMs)) return answerError(null, 'rate-limited');
    this.#store.sweep(nowMs);
    const parsed = parseMailText(text);
    if (parsed.type === 'fault') return answerError(parsed.id, parsed.reason);
    const { request, id } = parsed;
    const outcome = this.#handle(request, pass, id !== undefined, nowMs);
    if ('reason' in outcome) return answerError(id, outcome.reason);
    return id === undefined ? {} : { text: formatResult(id, outcome.result) };
  }

  /** Takes away what is over. When to look again; `undefined`: nothing is left at all. */
  sweep(nowMs: number): number | undefined {
    return this.#store.sweep(nowMs);
  }

  #handle(request: MailRequest, pass: CheckedPass, isAnswered: boolean, nowMs: number): Outcome {
    if (MAIL_ROLES[request.method] !== pass.role) return { reason: 'mailbox-forbidden' };
    switch (request.method) {
      case 'mailbox_list':
        return { result: this.#list(request.params.after) };
      case 'mailbox_ack':
        // Nothing comes back under an id that is gone: again does no harm.
        for (const id of request.params.ids) this.#store.removeMail(id, nowMs + MAIL_PASS_SPAN_MS);
        return DONE;
      case 'mailbox_put':
        return this.#put(request.params, pass, nowMs);
      case 'mailbox_fetch_bundle':
        return this.#fetch(pass, isAnswered);
      case 'mailbox_publish_bundle': {
        if (!this.#spend(pass)) return DONE;
        const { head, one_time, ttl_s } = request.params;
        this.#store.publish(blobBytes(head), one_time.map(blobBytes), this.#endMs(ttl_s, nowMs));
        return DONE;
      }
      case 'mailbox_delete':
        if (!this.#spend(pass)) return DONE;
        this.#store.removeAllMail(nowMs + MAIL_PASS_SPAN_MS);
        this.#store.removeBundle();
        return DONE;
    }
  }

  /** MB5: the nonce of its pass names a blob, so that the same call again is the same blob. */
  #put(params: { readonly blob: string; readonly ttl_s?: number }, pass: CheckedPass, nowMs: number): Outcome {
    if (this.#store.isSpent(pass.nonce)) return DONE;
    // the parser has read it with the same decoder
    const body = fromBase64Url(params.blob) as Bytes;
    const { count, bytes } = this.#store.mailTotals();
    if (count >= MAIL_BLOBS_MAX || bytes + body.length > MAIL_BOX_MAX_BYTES) return { reason: 'mailbox-full' };
    const endMs = this.#endMs(params.ttl_s, nowMs);
    this.#store.put(pass.nonce, body, endMs);
    // what ends before its pass does must not be put again by it
    if (endMs < pass.expS * 1000) this.#store.spend(pass.nonce, pass.expS * 1000);
    return DONE;
  }

  #list(after: string | undefined): MailResult {
    const kept = this.#store.list(after, MAIL_BLOBS_MAX);
    const blobs: ListedMail[] = [];
    let room = MAIL_LIST_TEXT_MAX;
    for (const { id, body } of kept) {
      const blob = toBase64Url(body);
      room -= blob.length + id.length + ENTRY_AROUND;
      if (room < 0) break;
      blobs.push({ id, blob });
    }
    return { blobs, has_more: blobs.length < kept.length };
  }

  /** A one-time blob is for one call alone, and only for one whose answer somebody reads. */
  #fetch(pass: CheckedPass, isAnswered: boolean): Outcome {
    const head = this.#store.head();
    if (!head) return { reason: 'no-bundle' };
    const oneTime = isAnswered && this.#spend(pass) ? this.#store.takeOneTime() : undefined;
    return { result: { head: toBase64Url(head), ...(oneTime && { one_time: toBase64Url(oneTime) }) } };
  }

  /** `false` where this pass has done its work already (MB5). */
  #spend({ nonce, expS }: CheckedPass): boolean {
    if (this.#store.isSpent(nonce)) return false;
    this.#store.spend(nonce, expS * 1000);
    return true;
  }

  #endMs(asked: number | undefined, nowMs: number): number {
    return nowMs + Math.min(asked ?? this.#ttlS, this.#ttlS) * 1000;
  }
}

function answerError(id: string | number | null | undefined, reason: RpcErrorReason): CallAnswer {
  return id === undefined ? {} : { reason, text: formatError(id, reason) };
}
