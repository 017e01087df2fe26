/** From the samples of all rounds to rows and goals. */
import { differences, goal, rounded, summarize } from '../harness.ts';
import type { BenchResult, Goal, Row } from '../harness.ts';
import { describeMachine } from '../machine.ts';
import type { Sample } from './pages/page.ts';
import { MARKS } from './pages/watch.ts';

/** An earlier revision of ours, where one was asked for. */
export const BASELINE = 'baseline';
export const NAMES = ['bare', 'peerjs', 'simple-peer', 'tai-room'] as const;
export type Name = (typeof NAMES)[number] | typeof BASELINE;

/** Sealing, a check of who may come in, and a room of more than two may cost so much over writing it all by hand. */
const OVER_BARE_MAX = 1.15;
const OVER_PEERJS_MAX = 1;
const MESSAGES_MAX = 10;
/** What agreeing on keys may cost a newcomer. */
const ADDED_MAX_MS = 15;
/** Pixels, of what the pages ask their cameras for. */
const CAMERA_WIDTH = 1280;

type Of = (sample: Sample) => number;
const firstFrame: Of = (sample) => sample.firstFrame_ms;

export function toResult(
  rounds: number,
  samples: ReadonlyMap<string, readonly Sample[]>,
  programs: Readonly<Record<string, string>>,
): BenchResult {
  const values = (name: Name, of: Of): readonly number[] => (samples.get(name) ?? []).map(of);
  const median = (name: Name, of: Of): number => summarize(values(name, of)).median;
  const ratio = (name: Name, other: Name): number => rounded(median(name, firstFrame) / median(other, firstFrame), 3);
  const hasBaseline = samples.has(BASELINE);

  const row = (name: Name): Row => ({
    contender: name,
    ...timesOf((of) => values(name, of)),
    overBare: ratio(name, 'bare'),
    firstWidth: median(name, ({ firstWidth }) => firstWidth),
    settledWidth: median(name, ({ settledWidth }) => settledWidth),
    messages: median(name, ({ messages }) => messages),
  });
  const added = (of: Of): readonly number[] => differences(values('tai-room', of), values(BASELINE, of));
  const rows: Row[] = [...NAMES, ...(hasBaseline ? ([BASELINE] as const) : [])].map(row);
  if (hasBaseline) rows.push({ contender: 'added', ...timesOf(added) });

  const goals: Goal[] = [
    goal('tai-room / peerjs, first frame', ratio('tai-room', 'peerjs'), OVER_PEERJS_MAX, 'lower'),
    goal('tai-room / bare, first frame', ratio('tai-room', 'bare'), OVER_BARE_MAX, 'lower'),
    // A small first frame comes fast; who stays small has won nothing.
    goal(
      'picture width 2 s after the first frame',
      median('tai-room', ({ settledWidth }) => settledWidth),
      CAMERA_WIDTH,
      'higher',
    ),
    goal(
      'messages at the relay for a join of a pair',
      median('tai-room', ({ messages }) => messages),
      MESSAGES_MAX,
      'lower',
    ),
  ];
  if (hasBaseline) {
    const { median: added_ms } = summarize(added(firstFrame));
    goals.push(goal('added by the handshake, ms', rounded(added_ms), ADDED_MAX_MS, 'lower'));
  }
  return { bench: 'first-frame', machine: describeMachine(programs), rounds, rows, goals };
}

/** Medians of the points on the way, and how the first frames are spread. */
function timesOf(values: (of: Of) => readonly number[]): Row {
  const marks = MARKS.map((mark) => {
    const { median } = summarize(values(({ marks_ms }) => marks_ms[mark]));
    return [`${mark}_ms`, rounded(median)] as const;
  });
  const { median, p25, p75, n } = summarize(values(firstFrame));
  return {
    ...Object.fromEntries(marks),
    firstFrame_ms: rounded(median),
    p25_ms: rounded(p25),
    p75_ms: rounded(p75),
    n,
  };
}
