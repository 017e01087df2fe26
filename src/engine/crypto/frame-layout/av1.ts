/**
 * AV1 (AV1 specification §5.3, "RTP Payload Format For AV1"): a packetizer takes the frame apart by OBUs, and sends headers without
 * their sizes; the depacketizer writes the sizes anew. So SFrame is the payload of one synthetic OBU.
 *
 * ```text
 *  0            1
 *  +------------+-------------------+---------
 *  | OBU header | size, LEB128 (1–4) | SFrame      header: type 1 (sequence header, key) or 6 (frame), with has_size_field
 *  +------------+-------------------+---------
 * ```
 * The header is clear and authenticated; the size is checked: the shortest form, and to the end of the frame.
 */
import { VIDEO } from './layout.ts';
import type { FrameLayout } from './layout.ts';

const HAS_SIZE = 0x02;
const KEY = Uint8Array.of((1 << 3) | HAS_SIZE);
const DELTA = Uint8Array.of((6 << 3) | HAS_SIZE);
const OBU_HEADER_BYTES = 1;
/** More is no frame. */
const SIZE_MAX_BYTES = 4;

function sizeLength(size: number): number {
  let length = 1;
  for (let rest = size; rest >= 0x80; rest >>>= 7) length++;
  return length;
}

export const av1: FrameLayout = {
  kind: VIDEO,
  codec: 5,
  clear: (_, isKey) => (isKey ? KEY : DELTA),
  clearLength: (sealed) => (sealed[0] === KEY[0] || sealed[0] === DELTA[0] ? OBU_HEADER_BYTES : undefined),
  packing: {
    before: sizeLength,
    after: 0,
    pack: (frame, at, size) => {
      const last = sizeLength(size) - 1;
      for (let i = 0; i <= last; i++) frame[at + i] = ((size >>> (7 * i)) & 0x7f) | (i < last ? 0x80 : 0);
      return frame;
    },
    unpack: (sealed, at) => {
      let size = 0;
      for (let i = 0; i < SIZE_MAX_BYTES; i++) {
        const byte = Number(sealed[at + i]);
        size += (byte & 0x7f) << (7 * i);
        if (byte >= 0x80) continue;
        const start = at + i + 1;
        return sizeLength(size) === i + 1 && start + size === sealed.length ? sealed.subarray(start) : undefined;
      }
      return undefined;
    },
  },
};
