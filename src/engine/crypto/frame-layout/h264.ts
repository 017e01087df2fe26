/** H.264 (RFC 6184): sequence and picture parameter sets (7, 8) stay clear on key frames. Delimiters and SEI are sealed with the rest. */
import { annexB } from './annex-b.ts';

const SLICE = 1;
const IDR_SLICE = 5;

export const h264 = annexB({
  codec: 6,
  typeOf: (first) => first & 0x1f,
  isParameterSet: (type) => type === 7 || type === 8,
  // no data partitions (2–4): browsers do not send them
  isSlice: (type) => type === SLICE || type === IDR_SLICE,
  isKeySlice: (type) => type === IDR_SLICE,
  // nal_ref_idc 3
  keySlice: [0x60 | IDR_SLICE],
  deltaSlice: [0x60 | SLICE],
});
