/** A camera that writes the time into its pictures, as squares of black and white that survive every codec. */

/** Tenths of a millisecond, modulo 2^24: 28 minutes. */
const BITS = 24;
const RANGE = 2 ** BITS;
const TENTHS_PER_MS = 10;
/** In this part of a picture's height are the squares. */
const STRIP = 8;
const LIGHT = 128;
/** More than this between two pages' clocks is a square that was read wrong. */
const LATENCY_MAX_MS = 10_000;

export type Shape = { readonly width: number; readonly height: number; readonly fps: number };

declare class MediaStreamTrackGenerator extends EventTarget {
  constructor(init: { kind: 'video' });
  readonly writable: WritableStream<VideoFrame>;
}

/** In the place of the devices: pictures of this shape, which move, and a tone. */
export function startCamera({ width, height, fps }: Shape): void {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { alpha: false, willReadFrequently: true });
  if (!context) throw new Error('no canvas');
  const generator = new MediaStreamTrackGenerator({ kind: 'video' });
  const writer = generator.writable.getWriter();
  let count = 0;
  setInterval(() => {
    draw(context, count++);
    const at_ms = performance.timeOrigin + performance.now();
    stamp(context, at_ms);
    const frame = new VideoFrame(canvas, { timestamp: Math.round(performance.now() * 1000) });
    writer.write(frame).catch(() => undefined);
  }, 1000 / fps);
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  const end = audio.createMediaStreamDestination();
  tone.connect(end);
  tone.start();
  navigator.mediaDevices.getUserMedia = (constraints) => {
    const tracks: MediaStreamTrack[] = constraints?.audio ? end.stream.getAudioTracks() : [];
    if (constraints?.video) tracks.push(generator as unknown as MediaStreamTrack);
    return Promise.resolve(new MediaStream(tracks));
  };
}

/** Something to encode: a few shapes that move over a gradient. */
function draw(context: OffscreenCanvasRenderingContext2D, count: number): void {
  const { width, height } = context.canvas;
  context.fillStyle = '#345';
  context.fillRect(0, 0, width, height);
  for (let shape = 0; shape < 12; shape++) {
    const x = (count * (3 + shape) + (shape * width) / 12) % width;
    context.fillStyle = `hsl(${(shape * 30 + count) % 360} 60% 50%)`;
    context.fillRect(x, height / STRIP + ((shape * 53) % (height / 2)), width / 9, height / 5);
  }
}

function stamp(context: OffscreenCanvasRenderingContext2D, at_ms: number): void {
  const { width, height } = context.canvas;
  const tenths = Math.round(at_ms * TENTHS_PER_MS) % RANGE;
  for (let bit = 0; bit < BITS; bit++) {
    context.fillStyle = Math.floor(tenths / 2 ** bit) % 2 === 1 ? '#fff' : '#000';
    context.fillRect((bit * width) / BITS, 0, width / BITS, height / STRIP);
  }
}

/** Milliseconds from the picture's own time until then; `undefined` where its squares cannot be read. */
export async function readStamp(frame: VideoFrame, until_ms: number): Promise<number | undefined> {
  const { codedWidth: width, codedHeight: height, format } = frame;
  if (!format?.startsWith('I420') && format !== 'NV12') return undefined;
  // one line of the first plane, which is the brightness in both formats
  const y = Math.floor(height / STRIP / 2 / 2) * 2;
  const rect = { x: 0, y, width, height: 2 };
  const bytes = new Uint8Array(frame.allocationSize({ rect }));
  await frame.copyTo(bytes, { rect });
  let tenths = 0;
  for (let bit = 0; bit < BITS; bit++) {
    if (Number(bytes[Math.floor(((bit + 0.5) * width) / BITS)]) > LIGHT) tenths += 2 ** bit;
  }
  const now = Math.round(until_ms * TENTHS_PER_MS) % RANGE;
  const latency_ms = ((now - tenths + RANGE) % RANGE) / TENTHS_PER_MS;
  return latency_ms < LATENCY_MAX_MS ? latency_ms : undefined;
}
