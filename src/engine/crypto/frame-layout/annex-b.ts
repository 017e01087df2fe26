/**
 * H.264 and H.265 as browsers hand them over: NAL units behind start codes (Annex B). Packetizers send unit by unit, read parameter
 * sets and the first bits of slices, and the receiving one writes all start codes anew, with four bytes. So in front go the parameter
 * sets of a key frame, then one synthetic slice with the whole frame sealed in it.
 *
 * ```text
 *  +-------------+---------------+-----+-------------+------------------+----+--------------------------+----+
 *  | 00 00 00 01 | parameter set | ... | 00 00 00 01 | NAL header (1, 2) | f0 | SFrame, zeros escaped    | 80 |
 *  +-------------+---------------+-----+-------------+------------------+----+--------------------------+----+
 *  '------------------ clear, authenticated -------------------------------'  '------ packing, one form only ---'
 * ```
 * `f0` are the slice header's first fields, each Exp-Golomb 0 (first_mb or first_slice_segment, type, parameter set 0). Inside, no three
 * bytes may look like a start code: 03 goes between two zeros and a byte up to 3 (H.264 §7.4.1.1, H.265 §7.4.2). A unit must not end in a
 * zero: it ends with the stop bit (rbsp_trailing_bits).
 */
import type { Bytes } from '../../protocol/bytes.ts';
import { CLEAR_MAX_BYTES, VIDEO } from './layout.ts';
import type { FrameLayout, Packing } from './layout.ts';

const START = Uint8Array.of(0, 0, 0, 1);
const START_BYTES = START.length;
const SLICE_HEADER = 0xf0;
const STOP = 0x80;
const ESCAPE = 3;

export type NalUnits = {
  readonly codec: number;
  /** From the first byte of a unit. */
  readonly typeOf: (first: number) => number;
  readonly isParameterSet: (type: number) => boolean;
  /** Of a picture, of any kind. */
  readonly isSlice: (type: number) => boolean;
  /** Of a picture that needs no other. */
  readonly isKeySlice: (type: number) => boolean;
  /** NAL headers of the synthetic slice. */
  readonly keySlice: readonly number[];
  readonly deltaSlice: readonly number[];
};

export function annexB(units: NalUnits): FrameLayout {
  const keyHead = Uint8Array.of(...START, ...units.keySlice, SLICE_HEADER);
  const deltaHead = Uint8Array.of(...START, ...units.deltaSlice, SLICE_HEADER);
  return {
    kind: VIDEO,
    codec: units.codec,
    clear: (frame) => clear(frame, units, keyHead, deltaHead),
    clearLength: (sealed) => clearLength(sealed, units, keyHead, deltaHead),
    packing,
  };
}

/** Up to the first slice: no parameter set of this picture comes after it (H.264 §7.4.1.2.3, H.265 §7.4.2.4.4). */
function clear(frame: Bytes, units: NalUnits, keyHead: Bytes, deltaHead: Bytes): Bytes | undefined {
  const parameterSets: number[] = [];
  let at = findStart(frame, 0, frame.length);
  // a frame begins with a start code, of three bytes or four
  if (at === undefined || at > 1 || frame[0] !== 0) return undefined;
  for (;;) {
    at += START_BYTES - 1;
    const first = frame[at];
    if (first === undefined) return undefined;
    const type = units.typeOf(first);
    if (units.isSlice(type)) {
      const bytes = units.isKeySlice(type) ? Uint8Array.of(...parameterSets, ...keyHead) : deltaHead;
      return bytes.length <= CLEAR_MAX_BYTES ? bytes : undefined;
    }
    const next = findStart(frame, at, frame.length);
    if (next === undefined) return undefined;
    if (units.isParameterSet(type)) {
      let end = next;
      // zeros before a start code belong to it
      while (frame[end - 1] === 0) end--;
      if (end - at > CLEAR_MAX_BYTES) return undefined;
      parameterSets.push(...START, ...frame.subarray(at, end));
    }
    at = next;
  }
}

function clearLength(sealed: Bytes, units: NalUnits, keyHead: Bytes, deltaHead: Bytes): number | undefined {
  if (startsWith(sealed, 0, deltaHead)) return deltaHead.length;
  let at = 0;
  while (!startsWith(sealed, at, keyHead)) {
    const type = units.typeOf(Number(sealed[at + START_BYTES]));
    const next = findStart(sealed, at + START_BYTES, CLEAR_MAX_BYTES);
    if (next === undefined || !startsWith(sealed, at, START) || !units.isParameterSet(type)) return undefined;
    at = next - 1;
  }
  const length = at + keyHead.length;
  return length <= CLEAR_MAX_BYTES ? length : undefined;
}

/** Where the next `00 00 01` is. */
function findStart(bytes: Bytes, from: number, before: number): number | undefined {
  for (let at = bytes.indexOf(0, from); at >= 0 && at < before; at = bytes.indexOf(0, at + 1)) {
    if (bytes[at + 1] === 0 && bytes[at + 2] === 1) return at;
  }
  return undefined;
}

function startsWith(bytes: Bytes, at: number, head: Bytes): boolean {
  return head.every((byte, i) => bytes[at + i] === byte);
}

const packing: Packing = {
  before: () => 0,
  after: 1,
  pack: (frame, at) => {
    frame[frame.length - 1] = STOP;
    return escapeZeros(frame, at);
  },
  unpack: (sealed, at) => {
    const last = sealed.length - 1;
    return sealed[last] === STOP && last >= at ? unescapeZeros(sealed.subarray(at, last)) : undefined;
  },
};

/** Puts 03 between two zeros and a byte up to 3, from `from` on. The same bytes where there is no such place: one in millions. */
export function escapeZeros(bytes: Bytes, from: number): Bytes {
  const places: number[] = [];
  for (let at = bytes.indexOf(0, from); at >= 0;) {
    const isPlace = bytes[at + 1] === 0 && Number(bytes[at + 2]) <= ESCAPE;
    if (isPlace) places.push(at + 2);
    at = bytes.indexOf(0, isPlace ? at + 2 : at + 1);
  }
  if (places.length === 0) return bytes;
  const escaped = new Uint8Array(bytes.length + places.length);
  let copied = 0;
  for (const [before, place] of places.entries()) {
    escaped.set(bytes.subarray(copied, place), copied + before);
    escaped[place + before] = ESCAPE;
    copied = place;
  }
  escaped.set(bytes.subarray(copied), copied + places.length);
  return escaped;
}

/** What `escapeZeros` was given; `undefined` for what it does not write. The same bytes where nothing was put in. */
export function unescapeZeros(bytes: Bytes): Bytes | undefined {
  const places: number[] = [];
  for (let at = bytes.indexOf(0); at >= 0;) {
    const isPair = bytes[at + 1] === 0;
    const third = bytes[at + 2];
    if (!isPair || third === undefined || third > ESCAPE) {
      at = bytes.indexOf(0, at + 1);
      continue;
    }
    const isEscape = third === ESCAPE && Number(bytes[at + 3]) <= ESCAPE;
    if (!isEscape) return undefined;
    places.push(at + 2);
    at = bytes.indexOf(0, at + 3);
  }
  if (places.length === 0) return bytes;
  const plain = new Uint8Array(bytes.length - places.length);
  let copied = 0;
  for (const [before, place] of places.entries()) {
    plain.set(bytes.subarray(copied, place), copied - before);
    copied = place + 1;
  }
  plain.set(bytes.subarray(copied), copied - places.length);
  return plain;
}
