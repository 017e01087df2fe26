/** The layout of each codec that we seal. A codec that is not here is not sent. */
import { av1 } from './av1.ts';
import { h264 } from './h264.ts';
import { h265 } from './h265.ts';
import type { FrameLayout } from './layout.ts';
import { opus, red, vp9 } from './plain.ts';
import { vp8 } from './vp8.ts';

const LAYOUTS: ReadonlyMap<string, FrameLayout> = new Map([
  ['audio/opus', opus],
  ['audio/red', red],
  ['video/vp8', vp8],
  ['video/vp9', vp9],
  ['video/av1', av1],
  ['video/h264', h264],
  ['video/h265', h265],
]);

/** By the MIME type of a frame's metadata, in any case of letters. */
export function frameLayoutOf(mimeType: string | undefined): FrameLayout | undefined {
  return LAYOUTS.get(String(mimeType).toLowerCase());
}
