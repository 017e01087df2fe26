/** One sample: so many handshakes and so many exchanges, one after another. */
import type { HandshakeRun } from './contender.ts';

export type HandshakeSample = { readonly handshake_us: number; readonly exchange_us: number };

const HANDSHAKES = 20;
const EXCHANGES = 40;

export async function timeRun(run: HandshakeRun): Promise<HandshakeSample> {
  const handshake_us = await timeEach(HANDSHAKES, () => run.handshake());
  return { handshake_us, exchange_us: await timeEach(EXCHANGES, () => run.exchange()) };
}

async function timeEach(count: number, work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < count; i++) await work();
  return ((performance.now() - start) * 1000) / count;
}
