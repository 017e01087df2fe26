/** In a page: one worker for each contender, asked one thing at a time. */
import type { FrameAnswer, FrameSample, FrameTask, SizeBytes } from './contender.ts';

export type FramesPage = { measure(task: { readonly name: string; readonly size: SizeBytes }): Promise<FrameSample> };

const workers = new Map<string, Worker>();
let lastId = 0;

(globalThis as unknown as { benchPage: FramesPage }).benchPage = {
  measure: ({ name, size }) => {
    const worker = workers.get(name) ?? new Worker(`/${name}.js`);
    workers.set(name, worker);
    const id = ++lastId;
    return new Promise((resolve, reject) => {
      const listening = new AbortController();
      worker.addEventListener('error', ({ message }) => reject(new Error(`${name}: ${message}`)), {
        signal: listening.signal,
      });
      worker.addEventListener(
        'message',
        ({ data }: MessageEvent<Partial<FrameAnswer>>) => {
          // peers' workers talk too
          if (data.id !== id) return;
          listening.abort();
          if (data.sample) resolve(data.sample);
          else reject(new Error(`${name}, ${size} B: ${data.fault}`));
        },
        { signal: listening.signal },
      );
      const task: FrameTask = { id, size };
      worker.postMessage(task);
    });
  },
};
