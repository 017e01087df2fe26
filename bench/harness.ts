/**
 * What every bench shares: contenders take turns in rounds, in an order drawn anew for each, so that a machine that grows
 * warm or busy is hard on all of them alike; medians and quartiles; one object as the result.
 *
 * `--json` prints exactly one `{bench, machine, rounds, rows, goals}` on standard output and nothing else.
 */
import type { Machine } from './machine.ts';

export type Row = { readonly [column: string]: string | number };

export type Goal = {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
  readonly better: 'lower' | 'higher';
  readonly met: boolean;
};

export type BenchResult = {
  readonly bench: string;
  readonly machine: Machine;
  /** How often each contender was measured; 1 where measuring again gives the same number. */
  readonly rounds: number;
  readonly rows: readonly Row[];
  readonly goals: readonly Goal[];
};

export type BenchDefaults = {
  readonly rounds: number;
  readonly seed: number;
  /** Whether this bench can be run beside an earlier revision of this repository. */
  readonly takesBaseline?: boolean;
};

export type BenchOptions = {
  readonly isJson: boolean;
  readonly rounds: number;
  readonly seed: number;
  /** A revision, as git knows it. */
  readonly baseline?: string;
};

/** Why nothing can be measured, in a sentence for people: it is printed alone, without a stack. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
}

export type Summary = { readonly median: number; readonly p25: number; readonly p75: number; readonly n: number };

export type Contender<Sample> = { readonly name: string; measure(round: number): Promise<Sample> };

const ROUNDS_MAX = 1000;
const SEED_MAX = 2 ** 32 - 1;

/** A name or number of a commit, with `~` and `^`. Never a dash at its beginning: git would take it for an option. */
const REVISION = /^[0-9A-Za-z][\w./~^-]{0,99}$/;

/**
 * `undefined` for anything but `--json`, `--rounds N` (1 to 1000), `--seed N` (an unsigned 32-bit number) and, where the
 * bench takes it, `--baseline REV`.
 */
export function parseBenchArguments(args: readonly string[], defaults: BenchDefaults): BenchOptions | undefined {
  const { rounds, seed, takesBaseline } = defaults;
  const options: { isJson: boolean; rounds: number; seed: number; baseline?: string } = { isJson: false, rounds, seed };
  for (let at = 0; at < args.length; at++) {
    const name = args[at];
    if (name === '--json') {
      options.isJson = true;
      continue;
    }
    const text = args[++at] ?? '';
    if (name === '--baseline' && takesBaseline && REVISION.test(text)) {
      options.baseline = text;
      continue;
    }
    if (name !== '--rounds' && name !== '--seed') return undefined;
    const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : -1;
    const [lowest, highest] = name === '--rounds' ? [1, ROUNDS_MAX] : [0, SEED_MAX];
    if (value < lowest || value > highest) return undefined;
    options[name === '--rounds' ? 'rounds' : 'seed'] = value;
  }
  return options;
}

/** The names in an order of its own for each round. The same seed gives the same orders. */
export function roundOrders(names: readonly string[], rounds: number, seed: number): readonly (readonly string[])[] {
  const next = numbersFrom(seed);
  return Array.from({ length: rounds }, () => {
    const order = [...names];
    // Fisher–Yates: every order is equally likely.
    for (let last = order.length - 1; last > 0; last--) {
      const picked = Math.floor(next() * (last + 1));
      [order[last], order[picked]] = [order[picked] as string, order[last] as string];
    }
    return order;
  });
}

/** Samples by contender, in the order of the rounds. The first that fails ends it all: a hole would flatter somebody. */
export async function interleave<Sample>(
  contenders: readonly Contender<Sample>[],
  { rounds, seed }: { readonly rounds: number; readonly seed: number },
): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const byName = new Map(contenders.map((contender) => [contender.name, contender]));
  const samples = new Map(contenders.map(({ name }) => [name, [] as Sample[]]));
  for (const [round, order] of roundOrders([...byName.keys()], rounds, seed).entries()) {
    for (const name of order) {
      const sample = await byName.get(name)?.measure(round);
      if (sample !== undefined) samples.get(name)?.push(sample);
    }
  }
  return samples;
}

/** Quartiles by linear interpolation between the two nearest values. Throws on an empty list. */
export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: quantile(sorted, 0.5), p25: quantile(sorted, 0.25), p75: quantile(sorted, 0.75), n: sorted.length };
}

function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)];
  const above = sorted[Math.ceil(place)];
  if (below === undefined || above === undefined) throw new Error('a quantile of nothing');
  return below + (above - below) * (place - Math.floor(place));
}

/** By how much `ours` is more than `theirs`, round by round: what makes a round slow for both is in neither. */
export function differences(ours: readonly number[], theirs: readonly number[]): readonly number[] {
  if (ours.length !== theirs.length) throw new Error('not the same rounds');
  return ours.map((value, round) => value - (theirs[round] ?? Number.NaN));
}

/** Met when equal, too. What could not be measured is given as `NaN`, and is not met. */
export function goal(name: string, value: number, limit: number, better: Goal['better']): Goal {
  return { name, value, limit, better, met: better === 'lower' ? value <= limit : value >= limit };
}

export function rounded(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}

/** The text for standard output. */
export function formatResult(result: BenchResult, isJson: boolean): string {
  if (isJson) return `${JSON.stringify(result)}\n`;
  const { bench, machine, rounds, rows, goals } = result;
  const about = Object.entries(machine).map(([key, value]) => `${key} ${value}`);
  const goalRows = goals.map(({ name, value, limit, better, met }) => ({
    goal: name,
    value,
    limit: `${better === 'lower' ? '≤' : '≥'} ${limit}`,
    met: met ? 'yes' : 'NO',
  }));
  return `${bench}, ${rounds} rounds (${about.join(', ')})\n\n${formatTable(rows)}\n${formatTable(goalRows)}`;
}

/** Columns in the order in which they first occur; numbers to the right. */
export function formatTable(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cell = (row: Row, column: string): string => String(row[column] ?? '');
  const widths = columns.map((column) => Math.max(column.length, ...rows.map((row) => cell(row, column).length)));
  const line = (cells: readonly { readonly text: string; readonly isNumber: boolean }[]): string =>
    cells
      .map(({ text, isNumber }, at) => (isNumber ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd();
  const head = line(columns.map((column) => ({ text: column, isNumber: typeof rows[0]?.[column] === 'number' })));
  const body = rows.map((row) =>
    line(columns.map((column) => ({ text: cell(row, column), isNumber: typeof row[column] === 'number' }))),
  );
  return `${[head, ...body].join('\n')}\n`;
}

/**
 * Runs a bench as a command: its result on standard output, or on standard error why there is none. Then it ends the
 * process: some contenders' servers keep timers that nobody can stop.
 */
export async function runBench(
  defaults: BenchDefaults,
  bench: (options: BenchOptions) => Promise<BenchResult>,
): Promise<void> {
  const options = parseBenchArguments(process.argv.slice(2), defaults);
  if (!options) {
    const usage = `Usage: --json, --rounds N, --seed N${defaults.takesBaseline ? ', --baseline REV' : ''}\n`;
    return await end(2, process.stderr, usage);
  }
  try {
    await end(0, process.stdout, formatResult(await bench(options), options.isJson));
  } catch (error) {
    await end(1, process.stderr, `${reasonOf(error)}\n`);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof BenchError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Pipes are written asynchronously: `exit` waits until the text is out. */
async function end(code: number, stream: NodeJS.WritableStream, text: string): Promise<void> {
  await new Promise((resolve) => stream.write(text, resolve));
  process.exit(code);
}

/** mulberry32: from 0 to below 1, the same for the same seed. */
function numbersFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
