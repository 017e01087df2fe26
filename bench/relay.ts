/**
 * What our relay costs, beside the least that its platform can do and beside others' relays: forwarding, saying something
 * to a whole room, coming in, memory.
 */
import { CONTENDERS } from './relay/contenders.ts';
import { goalsOf, rowsOf } from './relay/result.ts';
import { interleave, runBench } from './harness.ts';
import type { BenchOptions, BenchResult } from './harness.ts';
import { describeMachine } from './machine.ts';

const DEFAULTS = { rounds: 5, seed: 20_261_127 };

async function measure(options: BenchOptions): Promise<BenchResult> {
  const samples = await interleave(CONTENDERS, options);
  return {
    bench: 'relay',
    machine: describeMachine(),
    rounds: options.rounds,
    rows: rowsOf(samples),
    goals: goalsOf(samples),
  };
}

await runBench(DEFAULTS, measure);
