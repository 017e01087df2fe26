/**
 * What happened to keys, in order: a local chain in which every entry holds the hash of the one before it. It tells
 * events, times and public fingerprints; never names, addresses, room ids or keys.
 * Trap: the chain has no key. An entry that was changed, taken out or put in shows, as long as nobody computes all hashes
 * after it anew; whoever wants more keeps the last hash somewhere else. Entries cut off at the end do not show.
 *
 * `hash` = SHA-256 of these bytes, numbers big-endian, an absent field being zeros without its bit in `has`:
 * ```text
 * "tai/1 audit" ‖ n (6) ‖ time ms (6) ‖ length of event (1) ‖ event, ASCII ‖ has (1) ‖
 *   epoch (6; bit 0) ‖ first (6; bit 1) ‖ device (32; bit 2) ‖ certificate (32; bit 3) ‖ prev (32)
 * ```
 */
import { sha256 } from '../crypto/kdf.ts';
import { asciiBytes, concatBytes, fromHex, toHex, uintBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { isRecord, parseCount, parseJson, parseText } from '../protocol/json.ts';

export const AUDIT_EVENTS = [
  'session-started',
  'session-ended',
  'peer-agreed',
  'peer-verified',
  'peer-unverified',
  /** Somebody here has compared codes, and they were different. */
  'codes-differ',
  'peer-left',
  'identity-changed',
  'wrong-key',
  'roster-changed',
  'roster-mismatch',
  'key-rotated',
  'key-revoked',
  'sender-keys-rotated',
  /** Older entries are gone: `first` is the number of the oldest that is left. */
  'log-cut',
] as const;
export type AuditEvent = (typeof AUDIT_EVENTS)[number];

/** Never more in one log. */
export const AUDIT_ENTRIES_MAX = 5_000;
/** Cut at once, so that cutting is rare. */
const CUT_ENTRIES = 1_000;
/** Longer texts are not looked at: `AUDIT_ENTRIES_MAX` of the longest lines. */
const TEXT_MAX = AUDIT_ENTRIES_MAX * 480;

const HASH_BYTES = 32;
const NUMBER_BYTES = 6;
const NUMBER_MAX = 2 ** 48 - 1;
const LABEL = asciiBytes('tai/1 audit');
const NO_HASH = '0'.repeat(2 * HASH_BYTES);

export type AuditDetails = {
  /** Of the roster. */
  readonly epoch?: number;
  /** The id of the device that it is about, 32 bytes. */
  readonly device?: Bytes;
  /** SHA-256 of its certificate, 32 bytes. */
  readonly certificate?: Bytes;
};

type Body = {
  /** Counts from 0 over the life of the log, through every cut. */
  readonly n: number;
  /** Milliseconds since 1970. */
  readonly time_ms: number;
  readonly event: AuditEvent;
  readonly epoch?: number;
  /** With `log-cut` only. */
  readonly first?: number;
  /** 64 hexadecimal digits, as the three below. */
  readonly device?: string;
  readonly certificate?: string;
  /** The hash of the entry before; zeros for entry 0. */
  readonly prev: string;
};

export type AuditEntry = Body & { readonly hash: string };

export class AuditLog {
  #entries: AuditEntry[] = [];
  #count = 0;
  #last = NO_HASH;

  /** `timeMs`: milliseconds since 1970, the caller's clock. */
  add(event: Exclude<AuditEvent, 'log-cut'>, timeMs: number, details: AuditDetails = {}): void {
    if (this.#entries.length >= AUDIT_ENTRIES_MAX) {
      this.#entries = this.#entries.slice(CUT_ENTRIES);
      this.#append({ ...this.#next(timeMs), event: 'log-cut', first: this.#count - this.#entries.length });
    }
    const { epoch, device, certificate } = details;
    this.#append({
      ...this.#next(timeMs),
      event,
      ...(epoch !== undefined && { epoch }),
      ...(device && { device: toHex(device) }),
      ...(certificate && { certificate: toHex(certificate) }),
    });
  }

  /** The entries as JSON, one a line, oldest first. Empty for a log without entries. */
  export(): string {
    return this.#entries.map((entry) => `${formatEntry(entry)}\n`).join('');
  }

  #next(timeMs: number): Pick<Body, 'n' | 'time_ms' | 'prev'> {
    return { n: this.#count, time_ms: Math.max(0, Math.floor(timeMs)), prev: this.#last };
  }

  #append(body: Body): void {
    this.#last = hashOf(body);
    this.#entries.push({ ...body, hash: this.#last });
    this.#count += 1;
  }
}

/**
 * `brokenAt`: the number of the first entry that does not follow from the one before it, has another hash than its own, or
 * begins the log where no cut says that it does. `unreadable`: nothing there, or text that no log has written.
 */
export function checkAuditLog(text: string): 'intact' | 'unreadable' | { readonly brokenAt: number } {
  if (text.length > TEXT_MAX || !text.endsWith('\n')) return 'unreadable';
  const entries: AuditEntry[] = [];
  for (const line of text.slice(0, -1).split('\n')) {
    const entry = parseEntry(line);
    if (!entry || entries.length === AUDIT_ENTRIES_MAX) return 'unreadable';
    entries.push(entry);
  }
  // One line at least was read.
  const [start] = entries as [AuditEntry];
  const first = entries.findLast(({ event }) => event === 'log-cut')?.first ?? 0;
  if (start.n !== first || (first === 0 && start.prev !== NO_HASH)) return { brokenAt: start.n };
  let { n, prev } = start;
  for (const entry of entries) {
    if (entry.n !== n || entry.prev !== prev || entry.hash !== hashOf(entry)) return { brokenAt: entry.n };
    n += 1;
    prev = entry.hash;
  }
  return 'intact';
}

function hashOf({ n, time_ms, event, epoch, first, device, certificate, prev }: Body): string {
  const fields = [epoch, first, device, certificate];
  const has = fields.reduce<number>((bits, field, i) => (field === undefined ? bits : bits | (1 << i)), 0);
  return toHex(
    sha256(
      concatBytes(
        LABEL,
        uintBytes(n, NUMBER_BYTES),
        uintBytes(time_ms, NUMBER_BYTES),
        Uint8Array.of(event.length),
        asciiBytes(event),
        Uint8Array.of(has),
        uintBytes(epoch ?? 0, NUMBER_BYTES),
        uintBytes(first ?? 0, NUMBER_BYTES),
        hashBytes(device ?? NO_HASH),
        hashBytes(certificate ?? NO_HASH),
        hashBytes(prev),
      ),
    ),
  );
}

/** One spelling for each entry: nothing can stand in a line that its hash does not cover. */
function formatEntry({ n, time_ms, event, epoch, first, device, certificate, prev, hash }: AuditEntry): string {
  return JSON.stringify({ n, time_ms, event, epoch, first, device, certificate, prev, hash });
}

function parseEntry(line: string): AuditEntry | undefined {
  const value = parseJson(line);
  if (!isRecord(value)) return undefined;
  const n = parseCount(value['n'], NUMBER_MAX);
  const time_ms = parseCount(value['time_ms'], NUMBER_MAX);
  const event = AUDIT_EVENTS.find((known) => known === value['event']);
  const epoch = parseCount(value['epoch'], NUMBER_MAX);
  const first = event === 'log-cut' ? parseCount(value['first'], NUMBER_MAX) : undefined;
  const device = parseHash(value['device']);
  const certificate = parseHash(value['certificate']);
  const prev = parseHash(value['prev']);
  const hash = parseHash(value['hash']);
  if (n === undefined || time_ms === undefined || !event || !prev || !hash) return undefined;
  if (event === 'log-cut' && first === undefined) return undefined;
  const entry: AuditEntry = {
    n,
    time_ms,
    event,
    ...(epoch !== undefined && { epoch }),
    ...(first !== undefined && { first }),
    ...(device && { device }),
    ...(certificate && { certificate }),
    prev,
    hash,
  };
  return formatEntry(entry) === line ? entry : undefined;
}

function parseHash(value: unknown): string | undefined {
  const text = parseText(value, 2 * HASH_BYTES);
  return text?.length === 2 * HASH_BYTES && fromHex(text) ? text : undefined;
}

function hashBytes(hex: string): Bytes {
  // written by toHex or read by parseHash
  return fromHex(hex) as Bytes;
}
