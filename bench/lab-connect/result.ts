/** From the samples of all rounds to rows and goals. */
import { MARKS } from '../../test/lab/journal.ts';
import type { Journal, Mark } from '../../test/lab/journal.ts';
import { goal, rounded, summarize } from '../harness.ts';
import type { BenchResult, Row } from '../harness.ts';
import { describeMachine } from '../machine.ts';

/** `waited_ms`: until the first frame; without a journal, in vain. */
export type LabSample = {
  readonly waited_ms: number;
  readonly journal: Journal | undefined;
  readonly paths: readonly string[];
};

/** From the click to the first frame, at the median. */
const CLEAR_MAX_MS = 1_000;
const BAD_LINE_MAX_MS = 2_500;

export function toResult(
  rounds: number,
  samples: ReadonlyMap<string, readonly LabSample[]>,
  programs: Readonly<Record<string, string>>,
): BenchResult {
  const rows = [...samples].map(([name, each]) => rowOf(name, each));
  const goals = rows.map(({ pair, firstFrame_ms }) => {
    const limit = String(pair).endsWith('clear') ? CLEAR_MAX_MS : BAD_LINE_MAX_MS;
    return goal(`${pair}: first frame, ms`, Number(firstFrame_ms), limit, 'lower');
  });
  return { bench: 'lab-connect', machine: describeMachine(programs), rounds, rows, goals };
}

function rowOf(pair: string, samples: readonly LabSample[]): Row {
  const journals = samples.flatMap(({ journal }) => (journal ? [journal] : []));
  const valuesOf = (mark: Mark): readonly number[] => journals.flatMap(({ marks }) => marks[mark] ?? []);
  const marks = MARKS.map((mark) => [`${mark}_ms`, median(valuesOf(mark))] as const);
  // who saw nobody has waited as long as we have: a median of the lucky ones would meet goals
  const waits = samples.map(({ waited_ms }) => waited_ms);
  return {
    pair,
    ...Object.fromEntries(marks),
    firstFrame_ms: rounded(summarize(waits).median, 0),
    p25_ms: rounded(summarize(waits).p25, 0),
    p75_ms: rounded(summarize(waits).p75, 0),
    seen: `${journals.length}/${samples.length}`,
    // more than one connection: the first was given up
    again: journals.filter(({ connections }) => connections > 1).length,
    paths: [...new Set(samples.map(({ paths }) => paths.join(' + ')).filter((text) => text !== ''))].join(' or '),
  };
}

function median(values: readonly number[]): number | string {
  return values.length > 0 ? rounded(summarize(values).median, 0) : 'never';
}
