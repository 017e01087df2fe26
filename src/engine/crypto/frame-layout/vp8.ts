/**
 * VP8 (RFC 7741, RFC 6386 §9.1): the depacketizer reads bit 0 of the first byte (0 on key frames) and, on key frames, the
 * size of the picture.
 *
 * ```text
 *  delta:  0         1                      key:  0         3                    6              8               10
 *          +---------+-------                     +---------+--------------------+--------------+---------------+----
 *          | tag     |                            | tag (3) | 9d 01 2a start code | width (2, le) | height (2, le) |
 *          +---------+-------                     +---------+--------------------+--------------+---------------+----
 * ```
 */
import type { Bytes } from '../../protocol/bytes.ts';
import { VIDEO } from './layout.ts';
import type { FrameLayout } from './layout.ts';

const KEY_CLEAR_BYTES = 10;
const DELTA_CLEAR_BYTES = 1;

/** The payload says what it is; the browser's word for the frame is not asked, since a payload may be that of another sender. */
function clearLength(frame: Bytes): number | undefined {
  const first = frame[0];
  if (first === undefined) return undefined;
  if (first & 1) return DELTA_CLEAR_BYTES;
  const isKey = frame.length >= KEY_CLEAR_BYTES && frame[3] === 0x9d && frame[4] === 0x01 && frame[5] === 0x2a;
  return isKey ? KEY_CLEAR_BYTES : undefined;
}

export const vp8: FrameLayout = {
  kind: VIDEO,
  codec: 3,
  clear: (frame) => {
    const length = clearLength(frame);
    return length === undefined ? undefined : frame.subarray(0, length);
  },
  clearLength,
};
