/**
 * A client that sends as fast as it can, in a thread of its own, so that it does not slow down the clients whose
 * messages are timed. Both sides of the thread are in this file.
 */
import { once } from 'node:events';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { RelayClient } from './relay-client.ts';
import type { Closed } from './relay-client.ts';

export type FloodOptions = {
  readonly url: string;
  readonly protocols: readonly string[];
  /** What is sent, so many times. */
  readonly text: string;
  readonly times: number;
};

export type FloodReport = {
  /** From the first message to the last that was handed to the socket. */
  readonly sendMs: number;
  /** From the first message to the end of the socket. */
  readonly untilClosedMs: number;
  readonly closed: Closed;
  /** Texts that came back: the errors that were told. */
  readonly answers: readonly string[];
};

/** Resolves when the relay has ended the flooder's socket. */
export async function flood(options: FloodOptions): Promise<FloodReport> {
  const worker = new Worker(new URL(import.meta.url), { workerData: options });
  try {
    const [report] = (await once(worker, 'message')) as [FloodReport];
    return report;
  } finally {
    await worker.terminate();
  }
}

async function run({ url, protocols, text, times }: FloodOptions): Promise<FloodReport> {
  const client = new RelayClient(url, protocols);
  await client.notification('welcome');
  const startMs = performance.now();
  for (let i = 0; i < times; i++) client.send(text);
  const sendMs = performance.now() - startMs;
  const closed = await client.closed();
  return { sendMs, untilClosedMs: performance.now() - startMs, closed, answers: client.inbox };
}

if (!isMainThread && parentPort) parentPort.postMessage(await run(workerData as FloodOptions));
