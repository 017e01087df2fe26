/** Messages of `WebRTCE2EE` as pages have them, and what is sealed in an `e2ee_encrypted_message`. Strict in, one form out. */
import type { E2eeMessage } from './e2ee-types.ts';
import { formatE2eeMessage, parseE2eeMessage } from './protocol/e2ee.ts';
import type { E2eeMessage as ParsedMessage } from './protocol/e2ee.ts';
import { isRecord, parseCount, parseJson, parseText } from './protocol/json.ts';

export const USER_ID_MAX_CHARS = 256;
/** More than any sealed body has. */
const TEXT_MAX_CHARS = 32_768;
const TIMESTAMP_MAX = 2 ** 48 - 1;

/** The sealed body: what stands beside the seal is in it as well, so that nobody on the way can change it. */
export type Inner = {
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** 1 to `USER_ID_MAX_CHARS` UTF-16 units. */
  readonly userId: string;
  readonly text: string;
};

/** A message as an object or as its JSON text; `undefined` for everything else. */
export function readMessage(value: unknown): ParsedMessage | undefined {
  if (typeof value === 'string') return parseE2eeMessage(value);
  if (!isRecord(value)) return undefined;
  try {
    // an object that has a way of its own to become JSON can still become anything
    const text: unknown = JSON.stringify(value);
    return typeof text === 'string' ? parseE2eeMessage(text) : undefined;
  } catch {
    return undefined;
  }
}

/** An object that is nothing but JSON. */
export function writeMessage<M extends ParsedMessage>(message: M): Extract<E2eeMessage, { type: M['type'] }> {
  // as it was just written, with every field of that type
  return JSON.parse(formatE2eeMessage(message)) as Extract<E2eeMessage, { type: M['type'] }>;
}

/** JSON writes any string, a half surrogate too, so that it is the same again when it is read. */
export function formatInner({ timestamp, userId, text }: Inner): string {
  return JSON.stringify({ type: 'text', timestamp, user_id: userId, text });
}

/** `undefined` for what our own client would not have sealed. */
export function parseInner(value: string): Inner | undefined {
  const inner = parseJson(value);
  if (!isRecord(inner) || inner['type'] !== 'text') return undefined;
  const timestamp = parseCount(inner['timestamp'], TIMESTAMP_MAX);
  const userId = parseText(inner['user_id'], USER_ID_MAX_CHARS);
  const text = parseText(inner['text'], TEXT_MAX_CHARS);
  return timestamp === undefined || !userId || text === undefined ? undefined : { timestamp, userId, text };
}
