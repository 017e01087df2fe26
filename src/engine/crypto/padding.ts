/** Bodies are padded to a bucket before they are sealed, so that a length tells only the bucket (PROTOCOL.md EN3). */
import { readUint, uintBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';

const LENGTH_BYTES = 4;
export const PADDING_BUCKETS_BYTES = [512, 2048, 8192, 32768] as const;
/** The longest body that fits the largest bucket. */
export const BODY_MAX_BYTES = PADDING_BUCKETS_BYTES[3] - LENGTH_BYTES;

/** `length (4) ‖ body ‖ zeros` in the smallest bucket; `undefined` for a body over `BODY_MAX_BYTES`. */
export function pad(body: Uint8Array): Bytes | undefined {
  const bucket = PADDING_BUCKETS_BYTES.find((bytes) => LENGTH_BYTES + body.length <= bytes);
  if (bucket === undefined) return undefined;
  const padded = new Uint8Array(bucket);
  padded.set(uintBytes(body.length, LENGTH_BYTES));
  padded.set(body, LENGTH_BYTES);
  return padded;
}

/** `undefined` where the length says more than there is. */
export function unpad(padded: Bytes): Bytes | undefined {
  const length = readUint(padded, 0, LENGTH_BYTES);
  return length !== undefined && LENGTH_BYTES + length <= padded.length
    ? padded.slice(LENGTH_BYTES, LENGTH_BYTES + length)
    : undefined;
}
