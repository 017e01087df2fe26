/** What page and clock worker say to each other (PROTOCOL.md WK1). */
import { isRecord, parseCount, parseText } from './json.ts';

const TIMER_ID_MAX = 128;
/** Longer timers than a day are a bug. */
const DELAY_MAX_MS = 86_400_000;

export type ClockRequest =
  | { readonly type: 'start'; readonly id: string; readonly delay_ms: number }
  | { readonly type: 'stop'; readonly id: string };

/** A timer's end: its id. */
export type ClockReport = { readonly type: 'fired'; readonly id: string };

export function parseClockRequest(value: unknown): ClockRequest | undefined {
  if (!isRecord(value)) return undefined;
  const id = parseText(value['id'], TIMER_ID_MAX);
  if (id === undefined) return undefined;
  if (value['type'] === 'stop') return { type: 'stop', id };
  const delay_ms = parseCount(value['delay_ms'], DELAY_MAX_MS);
  return value['type'] === 'start' && delay_ms !== undefined ? { type: 'start', id, delay_ms } : undefined;
}

export function parseClockReport(value: unknown): ClockReport | undefined {
  if (!isRecord(value) || value['type'] !== 'fired') return undefined;
  const id = parseText(value['id'], TIMER_ID_MAX);
  return id === undefined ? undefined : { type: 'fired', id };
}
