/**
 * The header of a sealed frame (RFC 9605 §4.3), and what we put into its KID (PROTOCOL.md FR2). It runs for every frame.
 *
 * ```text
 *  0 1 2 3 4 5 6 7   0–8 bytes   0–8 bytes
 *  +-+-----+-+-----+-----------+-----------+
 *  |X|  K  |Y|  C  |    KID    |    CTR    |    X = 0: K is the KID itself, 0–7; X = 1: KID has K + 1 bytes. Y, C: CTR alike.
 *  +-+-----+-+-----+-----------+-----------+
 * ```
 * KID and CTR have 64 bits. Below 2^53 they are numbers here, above BigInts, so that none is ever rounded.
 * §4.3 has senders use as few bytes as will do, and says nothing to receivers. We take no other form, so that a header has one
 * spelling and every flipped bit of it shows.
 */
import type { Bytes } from './bytes.ts';

/** Below 2^64; from 2^53 up a BigInt. */
export type SframeUint = number | bigint;

export type SframeHeader = {
  readonly kid: SframeUint;
  readonly ctr: SframeUint;
  /** Of the header, in bytes. */
  readonly length: number;
};

/** What a KID says: which base key, which of its sender's transforms, and how often the base key was ratcheted, modulo 8. */
export type FrameKeyId = { readonly generation: number; readonly stream: number; readonly step: number };

export const SFRAME_HEADER_MAX_BYTES = 17;
export const STREAMS = 32;
/** As many ratchet steps have KIDs of their own. */
export const STEPS = 8;
export const GENERATION_MAX = 2 ** 32 - 1;
const KIDS_IN_GENERATION = STREAMS * STEPS;
/** Up to here a value stands in the first byte itself. */
const INLINE_MAX = 7;
const UINT_MAX = 2n ** 64n - 1n;

/** Whether the header can hold it. */
function isSframeUint(value: SframeUint): boolean {
  return typeof value === 'bigint' ? value >= 0n && value <= UINT_MAX : value >= 0 && Number.isSafeInteger(value);
}

/**
 * A header of its own; `undefined` for what is no integer from 0 to 2^64 − 1, or was rounded. Frames are written by
 * `writeSframeHeader`.
 */
export function formatSframeHeader(kid: SframeUint, ctr: SframeUint): Bytes | undefined {
  if (!isSframeUint(kid) || !isSframeUint(ctr)) return undefined;
  const [kidBytes, ctrBytes] = [uintOf(kid), uintOf(ctr)];
  const config = (bitsOf(kid, kidBytes.length) << 4) | bitsOf(ctr, ctrBytes.length);
  return Uint8Array.of(config, ...kidBytes, ...ctrBytes);
}

/** How long the header of the two will be. Both have to be exact integers from 0. */
export function sframeHeaderLength(kid: number, ctr: number): number {
  return 1 + byteLength(kid) + byteLength(ctr);
}

/** Writes a header at `offset`, and gives the offset behind it. Both have to be exact integers from 0. */
export function writeSframeHeader(target: Uint8Array, offset: number, kid: number, ctr: number): number {
  const kidLength = byteLength(kid);
  const ctrLength = byteLength(ctr);
  target[offset] = (bitsOf(kid, kidLength) << 4) | bitsOf(ctr, ctrLength);
  writeUint(target, offset + 1, kidLength, kid);
  writeUint(target, offset + 1 + kidLength, ctrLength, ctr);
  return offset + 1 + kidLength + ctrLength;
}

/** `undefined` where the bytes end too early, or where fewer would have done. */
export function parseSframeHeader(bytes: Uint8Array, offset = 0): SframeHeader | undefined {
  const config = bytes[offset];
  if (config === undefined) return undefined;
  const kidLength = config & 0x80 ? ((config >> 4) & 7) + 1 : 0;
  const ctrLength = config & 0x08 ? (config & 7) + 1 : 0;
  const ctrAt = offset + 1 + kidLength;
  const end = ctrAt + ctrLength;
  if (end > bytes.length) return undefined;
  const kid = kidLength > 0 ? readMinimal(bytes, offset + 1, kidLength) : config >> 4;
  const ctr = ctrLength > 0 ? readMinimal(bytes, ctrAt, ctrLength) : config & 7;
  return kid === undefined || ctr === undefined ? undefined : { kid, ctr, length: end - offset };
}

/** `undefined` for a part that is out of its range. The step is the whole count of ratchet steps; the KID holds it modulo 8. */
export function formatFrameKeyId({ generation, stream, step }: FrameKeyId): number | undefined {
  if (!isUpTo(generation, GENERATION_MAX) || !isUpTo(stream, STREAMS - 1)) return undefined;
  if (!isUpTo(step, Number.MAX_SAFE_INTEGER)) return undefined;
  // not by shifts, which end at 32 bits
  return generation * KIDS_IN_GENERATION + stream * STEPS + (step % STEPS);
}

/** `undefined` for a KID that no generation has. */
export function parseFrameKeyId(kid: SframeUint): FrameKeyId | undefined {
  if (typeof kid === 'bigint' || !isUpTo(kid, GENERATION_MAX * KIDS_IN_GENERATION + KIDS_IN_GENERATION - 1)) {
    return undefined;
  }
  const generation = Math.floor(kid / KIDS_IN_GENERATION);
  const rest = kid % KIDS_IN_GENERATION;
  return { generation, stream: Math.floor(rest / STEPS), step: rest % STEPS };
}

function isUpTo(value: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= max;
}

/** X and K, or Y and C, of a value that has `length` bytes of its own. */
function bitsOf(value: SframeUint, length: number): number {
  return length > 0 ? INLINE_MAX + length : Number(value);
}

/** None where the value stands in the first byte. */
function byteLength(value: number): number {
  let length = value > INLINE_MAX ? 1 : 0;
  // dividing by a power of two is exact
  for (let rest = value; rest >= 256; rest /= 256) length++;
  return length;
}

function writeUint(target: Uint8Array, offset: number, length: number, value: number): void {
  let rest = value;
  for (let i = offset + length - 1; i >= offset; i--, rest = Math.floor(rest / 256)) target[i] = rest % 256;
}

function uintOf(value: SframeUint): readonly number[] {
  const bytes: number[] = [];
  if (value > INLINE_MAX) for (let rest = BigInt(value); rest > 0n; rest >>= 8n) bytes.unshift(Number(rest & 255n));
  return bytes;
}

/** `undefined` where the value would have had room in fewer bytes, or in the first. */
function readMinimal(bytes: Uint8Array, offset: number, length: number): SframeUint | undefined {
  let value = 0;
  for (let i = offset; i < offset + length; i++) value = value * 256 + Number(bytes[i]);
  if (value <= INLINE_MAX || bytes[offset] === 0) return undefined;
  if (value <= Number.MAX_SAFE_INTEGER) return value;
  let exact = 0n;
  for (const byte of bytes.subarray(offset, offset + length)) exact = (exact << 8n) | BigInt(byte);
  return exact;
}
