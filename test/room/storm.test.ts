import { describe, it } from 'node:test';
import { Simulator } from './simulator.ts';

const SEEDS = 400;

function play(seed: number): number {
  const simulator = new Simulator({
    seed,
    joinNumbers: seed % 2 === 0 ? 'clock' : 'count',
    isFailing: seed % 3 === 0,
  });
  try {
    simulator.storm(100 + (seed % 7) * 50, 2 + (seed % 5));
    const took_ms = simulator.calmDown();
    simulator.assertSettled();
    return took_ms;
  } catch (cause) {
    throw new Error(`seed ${seed}`, { cause });
  }
}

describe('after any storm the pages agree', () => {
  it(`on who is there, and each pair has one link, for ${SEEDS} seeds`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) play(seed);
  });
});
