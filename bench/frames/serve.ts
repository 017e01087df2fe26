/** The worker's side of the bench: frames of one size made, timed on their way through a contender, and looked at afterwards. */
import type { BenchFrame, Contender, Direction, FrameAnswer, FrameSample, FrameTask, SizeBytes } from './contender.ts';

/** Of dedicated workers, what is used here: the types of the page's world, in which this is compiled, do not have it. */
type WorkerScope = {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  postMessage(message: unknown): void;
};

const scope = globalThis as unknown as WorkerScope;
const FRAMES: { readonly [size in SizeBytes]: number } = { 120: 400, 1_200: 400, 10_000: 200, 50_000: 80, 150_000: 40 };
/** Peers take keys without saying when they have them: their streams would pass frames unsealed until then. */
const KEY_SETTLES_MS = 100;

/** The handler of the peer's script; ours takes its place. */
export function takeHandler(): (message: unknown) => void {
  const handler = scope.onmessage;
  if (!handler) throw new Error("the peer's worker listens to nothing");
  Object.assign(scope, { onmessage: null });
  return (data) => handler.call(globalThis, { data });
}

export function serve(prepare: () => Promise<Contender>): void {
  const prepared = prepare().then(async (contender) => {
    await new Promise((resolve) => {
      setTimeout(resolve, KEY_SETTLES_MS);
    });
    return contender;
  });
  addEventListener('message', ({ data }: MessageEvent<FrameTask>) => {
    const { id, size } = data;
    prepared
      .then((contender) => sample(contender, size))
      .then(
        (sample): FrameAnswer => ({ id, sample }),
        (error: unknown): FrameAnswer => ({ id, fault: String(error) }),
      )
      .then((answer) => scope.postMessage(answer));
  });
}

async function sample(contender: Contender, size: SizeBytes): Promise<FrameSample> {
  const original = payload(size);
  const frames = Array.from({ length: FRAMES[size] }, (_, at) => makeFrame(original, at));
  const seal_us = await time(contender, 'seal', frames);
  if (frames.some(({ data }) => data.byteLength < size + 16)) throw new Error('a frame was not sealed');
  const open_us = await time(contender, 'open', frames);
  for (const { data } of frames)
    if (!isEqual(new Uint8Array(data), original)) throw new Error('a frame was not opened');
  return { seal_us, open_us };
}

/** A VP8 delta, or any bytes for sound. */
function payload(size: SizeBytes): Uint8Array {
  const bytes = Uint8Array.from({ length: size }, (_, at) => (at * 167 + 13) & 255);
  bytes[0] = 0x31;
  return bytes;
}

function makeFrame(original: Uint8Array, at: number): BenchFrame {
  const isSound = original.length === 120;
  const facts = {
    synchronizationSource: 0x1234_5678,
    rtpTimestamp: at * 3_000,
    payloadType: isSound ? 111 : 96,
    mimeType: isSound ? 'audio/opus' : 'video/VP8',
  };
  const frame = { data: original.slice().buffer as ArrayBuffer, timestamp: at * 3_000, getMetadata: () => facts };
  return isSound ? frame : { ...frame, type: 'delta' };
}

/** Microseconds a frame. */
async function time(contender: Contender, direction: Direction, frames: readonly BenchFrame[]): Promise<number> {
  const start = performance.now();
  if (contender.direct) await contender.direct(direction, frames);
  else await pass(contender, direction, frames);
  return ((performance.now() - start) * 1_000) / frames.length;
}

async function pass(contender: Contender, direction: Direction, frames: readonly BenchFrame[]): Promise<void> {
  let next = 0;
  let written = 0;
  const readable = new ReadableStream<BenchFrame>({
    pull: (controller) => {
      const frame = frames[next++];
      if (frame) controller.enqueue(frame);
      else controller.close();
    },
  });
  await new Promise<void>((resolve) => {
    const writable = new WritableStream<BenchFrame>({
      write: () => {
        written++;
      },
      close: resolve,
    });
    contender.transform(direction, readable, writable);
  });
  if (written !== frames.length) throw new Error(`${written} of ${frames.length} frames came through`);
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
