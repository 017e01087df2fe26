/**
 * The Durable Object of one mailbox: a shell around `MailBox` that gives it rows and an alarm. Only where the operator has
 * set `MAILBOX = "on"`; no object of this class exists otherwise.
 *
 * Of all in the relay this alone writes to a disk. What it writes is sealed, ends after `MAILBOX_TTL_S` at the latest, and
 * the whole database goes when nothing is left; but the platform can bring back any state of the last 30 days.
 */
import { DurableObject } from 'cloudflare:workers';
import type { RelayEnv } from './env.ts';
import { MailBox } from './mailbox-box.ts';
import type { CheckedPass } from './mailbox-box.ts';
import { parseMailTtl } from './mailbox-limits.ts';
import { MailStore } from './mailbox-store.ts';
import type { CallAnswer } from './relay-room.ts';

export class MailboxObject extends DurableObject<RelayEnv> {
  readonly #store: MailStore;
  readonly #box: MailBox;

  constructor(ctx: DurableObjectState, env: RelayEnv) {
    super(ctx, env);
    this.#store = new MailStore(ctx.storage.sql);
    this.#box = new MailBox(this.#store, parseMailTtl(env.MAILBOX_TTL_S));
  }

  /** Only the Worker can call this, and it has checked the pass and the body that it is for. */
  async handleMail(pass: CheckedPass, text: string): Promise<CallAnswer> {
    const answer = this.#box.call(pass, text, Date.now());
    await this.#tidy();
    return answer;
  }

  override async alarm(): Promise<void> {
    await this.#tidy();
  }

  /** MB7, MB8: an alarm for when the next thing ends; where nothing is left, not even an empty table. */
  async #tidy(): Promise<void> {
    if (this.#store.isUntouched) return;
    const nextMs = this.#box.sweep(Date.now());
    const { storage } = this.ctx;
    if (nextMs === undefined) {
      this.#store.forget();
      // The alarm goes with it.
      await storage.deleteAll();
      return;
    }
    // Within an alarm there is none set; a later one than needed would let things stay.
    const setMs = await storage.getAlarm();
    if (setMs === null || setMs > nextMs) await storage.setAlarm(nextMs);
  }
}
