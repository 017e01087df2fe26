/** How the frame worker reads and writes: no `TransformStream`, which costs twice as much. */
import type { BenchFrame } from './contender.ts';

/** `change` gives `undefined` for a frame that is not passed on. */
export async function runLoop(
  readable: ReadableStream<BenchFrame>,
  writable: WritableStream<BenchFrame>,
  change: (frame: BenchFrame) => Promise<ArrayBuffer | undefined>,
): Promise<void> {
  const reader = readable.getReader();
  const writer = writable.getWriter();
  for (;;) {
    const { done, value: frame } = await reader.read();
    if (done) break;
    const data = await change(frame);
    if (!data) continue;
    frame.data = data;
    writer.write(frame).catch(() => undefined);
  }
  await writer.close();
}
