/** How much one mailbox holds, and how much may be asked of it (PROTOCOL.md LM21–LM23, MB7). No clock: time is an argument. */
import type { MailRole } from '../src/engine/protocol/mailbox-pass.ts';
import { MAIL_TTL_MAX_S } from '../src/engine/protocol/mailbox.ts';
import type { TokenBucket } from '../src/engine/protocol/token-bucket.ts';
import { bucketOf } from './limits.ts';

/** Of all blobs in a box together, as they are kept. The bundle is not among them: it has a size of its own (LM10). */
export const MAIL_BOX_MAX_BYTES = 1024 * 1024;
/** Calls of each role; the two do not share, so that those who put cannot keep the owner from what lies there. */
export const MAIL_CALLS_PER_S = 4;
export const MAIL_CALLS_BURST = 32;

/** Full again before an idle object is put out of memory, so that nobody gains by waiting for that. */
export function mailBuckets(): Readonly<Record<MailRole, TokenBucket>> {
  return { put: bucketOf(MAIL_CALLS_PER_S, MAIL_CALLS_BURST), take: bucketOf(MAIL_CALLS_PER_S, MAIL_CALLS_BURST) };
}

/** The `MAILBOX` setting: on for exactly this word. A typing error leaves nothing behind on a disk. */
export function isMailboxOn(setting: unknown): boolean {
  return setting === 'on';
}

/** The `MAILBOX_TTL_S` setting: 1 to 86,400 as text or number; the longest for anything else. */
export function parseMailTtl(setting: unknown): number {
  const value = typeof setting === 'string' && /^[0-9]{1,5}$/.test(setting) ? Number(setting) : setting;
  const isInRange = typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAIL_TTL_MAX_S;
  return isInRange ? value : MAIL_TTL_MAX_S;
}
