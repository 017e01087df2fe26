/**
 * What our relay costs, beside the least that its platform can do and beside others' relays: forwarding, saying something
 * to a whole room, coming in, memory.
 */
import { startLoaded } from './relay/contenders.ts';
import { RELAY_NAMES } from './relay/dialects.ts';
import type { RelayName } from './relay/dialects.ts';
import type { EntrySample, MessagesSample } from './relay/load.ts';
import { goalsOf, rowsOf } from './relay/result.ts';
import { interleave, runBench } from './harness.ts';
import type { BenchOptions, BenchResult } from './harness.ts';
import { describeMachine } from './machine.ts';

const DEFAULTS = { rounds: 9, seed: 20_261_127 };
/** Coming in needs a relay that is new each time; for so many rounds with messages there is one of that. */
const ROUNDS_AN_ENTRY = 3;

async function measure(options: BenchOptions): Promise<BenchResult> {
  const entry = await measureEntry({ ...options, rounds: Math.ceil(options.rounds / ROUNDS_AN_ENTRY) });
  const messages = await measureMessages(options);
  return {
    bench: 'relay',
    machine: describeMachine(),
    rounds: options.rounds,
    rows: rowsOf(entry, messages),
    goals: goalsOf(entry, messages),
  };
}

async function measureEntry(options: BenchOptions): Promise<ReadonlyMap<string, readonly EntrySample[]>> {
  const contenders = RELAY_NAMES.map((name) => ({ name, measure: () => measureNew(name) }));
  return await interleave(contenders, options);
}

async function measureNew(name: RelayName): Promise<EntrySample> {
  const loaded = await startLoaded(name);
  try {
    return await loaded.run('entry');
  } finally {
    await loaded.stop();
  }
}

/** All relays run all the time, so that turns are short and close to each other; who has no turn does nothing. */
async function measureMessages(options: BenchOptions): Promise<ReadonlyMap<string, readonly MessagesSample[]>> {
  await using stack = new AsyncDisposableStack();
  const contenders = [];
  for (const name of RELAY_NAMES) {
    const loaded = stack.adopt(await startLoaded(name), (started) => started.stop());
    contenders.push({ name, measure: () => loaded.run('messages') });
  }
  // Compilers warm up: nobody is charged for that.
  for (const contender of contenders) await contender.measure();
  return await interleave(contenders, options);
}

await runBench(DEFAULTS, measure);
