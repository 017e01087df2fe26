/**
 * What a packetizer has to see of a sealed frame, by codec (PROTOCOL.md FR4, FR5). A frame is sealed whole; the bytes that
 * libwebrtc looks at go in front of it once more, in the clear and authenticated. So a frame that opens is there as it was, in one piece
 * and without a copy, for the price of some bytes sent twice: one in a VP8 frame, ten in a VP8 key frame.
 */
import type { Bytes } from '../../protocol/bytes.ts';

export const AUDIO = 1;
export const VIDEO = 2;

/** More than that in the clear is no parameter set any more. */
export const CLEAR_MAX_BYTES = 512;

export type FrameLayout = {
  /** Both are authenticated with every frame: numbers of PROTOCOL.md FR5, never given to something else. */
  readonly kind: typeof AUDIO | typeof VIDEO;
  readonly codec: number;
  /** What goes in front of `frame` in the clear; `undefined` for what is no frame of this codec, and must not be sent. */
  readonly clear: (frame: Bytes, isKey: boolean) => Bytes | undefined;
  /** How many bytes in front of a received frame are clear; `undefined` where they are not what `clear` writes. */
  readonly clearLength: (sealed: Bytes) => number | undefined;
  /** How SFrame stands behind the clear bytes, where it does not stand there as it is. */
  readonly packing?: Packing;
};

/** Framing around SFrame: not authenticated, so that it has one form only, and `unpack` takes no other. */
export type Packing = {
  /** Bytes to leave free before an SFrame of `size` bytes, and behind it. */
  readonly before: (size: number) => number;
  readonly after: number;
  /** Completes a frame whose SFrame of `size` bytes is in place; all behind its `at` clear bytes is packing's. The same bytes, or others. */
  readonly pack: (frame: Bytes, at: number, size: number) => Bytes;
  /** The SFrame behind `at` clear bytes; `undefined` where `pack` would not have written this. */
  readonly unpack: (sealed: Bytes, at: number) => Bytes | undefined;
};
