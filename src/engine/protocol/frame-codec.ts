/** The codecs whose frames can be sealed: what a place may negotiate, and what the worker knows the layout of. */

/** By the name that `RTCRtpCodec.mimeType` and a frame's metadata have, in lower case. The number stands in what is authenticated. */
export const FRAME_CODECS = {
  'audio/opus': 1,
  'audio/red': 2,
  'video/vp8': 3,
  'video/vp9': 4,
  'video/av1': 5,
  'video/h264': 6,
  'video/h265': 7,
} as const;

export type FrameCodec = keyof typeof FRAME_CODECS;

/** In any case of letters; `undefined` for a codec that cannot be sealed. */
export function frameCodecOf(mimeType: string): FrameCodec | undefined {
  const name = mimeType.toLowerCase();
  return Object.hasOwn(FRAME_CODECS, name) ? (name as FrameCodec) : undefined;
}
