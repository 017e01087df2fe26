/** What is compared: something that seals frames on their way from one stream to another, and opens them again. */

/** As browsers hand them to an encoded transform. Sound has no `type`. */
export type BenchFrame = {
  data: ArrayBuffer;
  readonly type?: 'delta';
  readonly timestamp: number;
  getMetadata(): FrameFacts;
};

export type FrameFacts = {
  readonly synchronizationSource: number;
  readonly rtpTimestamp: number;
  readonly payloadType: number;
  readonly mimeType: string;
};

export type Direction = 'seal' | 'open';

export type Contender = {
  /** Everything that `readable` gives goes changed to `writable`, which is closed at the end. */
  transform(direction: Direction, readable: ReadableStream<BenchFrame>, writable: WritableStream<BenchFrame>): void;
  /** Without any streams, where that is what is measured. */
  direct?(direction: Direction, frames: readonly BenchFrame[], write: (frame: BenchFrame) => void): Promise<void>;
};

export type FrameSample = { readonly seal_us: number; readonly open_us: number };

/** An Opus packet, a small and a middling frame, a key frame, and one of a screen. */
export const SIZES_BYTES = [120, 1_200, 10_000, 50_000, 150_000] as const;
export type SizeBytes = (typeof SIZES_BYTES)[number];

/** What a worker is asked, and what it answers. */
export type FrameTask = { readonly id: number; readonly size: SizeBytes };
export type FrameAnswer = { readonly id: number; readonly sample?: FrameSample; readonly fault?: string };
