/**
 * H.265 (RFC 7798): video, sequence and picture parameter sets (32–34) stay clear on key frames. By the letter of the documents; no
 * call has been made with it, since no browser here encodes it.
 */
import { annexB } from './annex-b.ts';

const TRAIL_R = 1;
const IDR_W_RADL = 19;
/** Layer 0, temporal id 0. */
const SECOND_BYTE = 1;

export const h265 = annexB({
  codec: 7,
  typeOf: (first) => (first >> 1) & 0x3f,
  isParameterSet: (type) => type >= 32 && type <= 34,
  isSlice: (type) => type < 32,
  // IRAP pictures
  isKeySlice: (type) => type >= 16 && type <= 23,
  keySlice: [IDR_W_RADL << 1, SECOND_BYTE],
  deltaSlice: [TRAIL_R << 1, SECOND_BYTE],
});
