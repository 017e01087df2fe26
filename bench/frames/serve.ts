/** The worker's side of the bench: frames of one size made, timed on their way through a contender, and looked at afterwards. */
import type {
  BenchFrame,
  Contender,
  Direction,
  FrameAnswer,
  FrameFacts,
  FrameSample,
  FrameTask,
  SizeBytes,
} from './contender.ts';

/** Of dedicated workers, what is used here: the types of the page's world, in which this is compiled, do not have it. */
type WorkerScope = {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  postMessage(message: unknown): void;
};

const scope = globalThis as unknown as WorkerScope;
const FRAMES: { readonly [size in SizeBytes]: number } = { 120: 400, 1_200: 400, 10_000: 200, 50_000: 80, 150_000: 40 };
/** Peers take keys without saying when they have them: their streams would pass frames unsealed until then. */
const KEY_SETTLES_MS = 100;
/** Then frames that did not come through will not come any more. */
const LOST_MS = 20_000;
const SOUND_BYTES = 120;
const TAG_BYTES = 16;
/** No contender adds more to a frame. */
const GROWTH_MAX_BYTES = 128;
const EMPTY = new ArrayBuffer(0);

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
  const slots = slotsOf(size);
  for (const slot of slots) slot.put(original);
  const seal_us = await time(contender, 'seal', slots);
  if (slots.some(({ bytes }) => bytes.length < size + TAG_BYTES)) throw new Error('a frame was not sealed');
  const open_us = await time(contender, 'open', slots);
  if (slots.some(({ bytes }) => !isEqual(bytes, original))) throw new Error('a frame was not opened');
  return { seal_us, open_us };
}

/** A VP8 delta, or any bytes for sound. */
function payload(size: SizeBytes): Uint8Array {
  const bytes = Uint8Array.from({ length: size }, (_, at) => (at * 167 + 13) & 255);
  bytes[0] = 0x31;
  return bytes;
}

/** Where the browser has a frame before and after a transform: memory of its own, into which it copies what is written. */
class Slot {
  readonly #store: Uint8Array;
  #length = 0;

  constructor(capacity: number) {
    this.#store = new Uint8Array(capacity);
  }

  get bytes(): Uint8Array {
    return this.#store.subarray(0, this.#length);
  }

  put(data: Uint8Array): void {
    this.#store.set(data);
    this.#length = data.length;
  }
}

/** Kept from round to round: their first touch is charged to nobody. */
const kept = new Map<SizeBytes, readonly Slot[]>();

function slotsOf(size: SizeBytes): readonly Slot[] {
  const slots = kept.get(size) ?? Array.from({ length: FRAMES[size] }, () => new Slot(size + GROWTH_MAX_BYTES));
  kept.set(size, slots);
  return slots;
}

/** As a browser's: the first look at `data` copies it into a buffer for JavaScript. */
class Frame implements BenchFrame {
  readonly #slot: Slot;
  readonly #facts: FrameFacts;
  readonly timestamp: number;
  // sound has none, not even an empty one
  declare readonly type?: 'delta';
  #data: ArrayBuffer | undefined;

  constructor(slot: Slot, at: number, isSound: boolean) {
    this.#slot = slot;
    this.timestamp = at * 3_000;
    this.#facts = {
      synchronizationSource: 0x1234_5678,
      rtpTimestamp: this.timestamp,
      payloadType: isSound ? 111 : 96,
      mimeType: isSound ? 'audio/opus' : 'video/VP8',
    };
    if (!isSound) Object.assign(this, { type: 'delta' });
  }

  get data(): ArrayBuffer {
    this.#data ??= this.#slot.bytes.slice().buffer as ArrayBuffer;
    return this.#data;
  }

  set data(data: ArrayBuffer) {
    this.#data = data;
  }

  getMetadata(): FrameFacts {
    return this.#facts;
  }

  /** Written: the browser takes its copy, and the frame is empty afterwards. */
  take(): void {
    this.#slot.put(new Uint8Array(this.data));
    this.#data = EMPTY;
  }
}

/** Microseconds a frame. */
async function time(contender: Contender, direction: Direction, slots: readonly Slot[]): Promise<number> {
  const isSound = kept.get(SOUND_BYTES) === slots;
  const frames = slots.map((slot, at) => new Frame(slot, at, isSound));
  const start = performance.now();
  if (contender.direct) await contender.direct(direction, frames, (frame) => (frame as Frame).take());
  else await pass(contender, direction, frames);
  return ((performance.now() - start) * 1_000) / frames.length;
}

async function pass(contender: Contender, direction: Direction, frames: readonly Frame[]): Promise<void> {
  let next = 0;
  let written = 0;
  const readable = new ReadableStream<BenchFrame>({
    pull: (controller) => {
      const frame = frames[next++];
      if (frame) controller.enqueue(frame);
      else controller.close();
    },
  });
  await new Promise<void>((resolve, reject) => {
    const given = setTimeout(() => reject(new Error(`${written} of ${frames.length} frames came through`)), LOST_MS);
    const writable = new WritableStream<BenchFrame>({
      write: (frame) => {
        (frame as Frame).take();
        written++;
        if (written < frames.length) return;
        clearTimeout(given);
        resolve();
      },
    });
    contender.transform(direction, readable, writable);
  });
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
