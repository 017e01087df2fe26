/** From samples to the table and the goals. */
import { goal, rounded, summarize } from '../harness.ts';
import type { Goal, Row } from '../harness.ts';
import type { RelaySample } from './load.ts';

type Samples = ReadonlyMap<string, readonly RelaySample[]>;

const CPU_OVER_FLOOR_MAX = 1.15;
const RATE_OF_FLOOR_MIN = 0.85;
const RATE_OF_PARTYSERVER_MIN = 1;
const CALM_P99_MAX_MS = 2;
const MEMORY_OVER_FLOOR_MAX = 1.2;

export function rowsOf(samples: Samples): readonly Row[] {
  return [...samples].map(([contender, all]): Row => {
    const median = (of: (sample: RelaySample) => number, digits = 1): number =>
      rounded(summarize(all.map((sample) => of(sample))).median, digits);
    return {
      contender,
      messages_per_s: median((one) => one.messages_per_s, 0),
      cpu_us: median((one) => one.cpu_us),
      relayShare: median((one) => one.relayShare, 2),
      loadShare: median((one) => one.loadShare, 2),
      calmP50_ms: median((one) => one.calm.p50_ms, 2),
      calmP99_ms: median((one) => one.calm.p99_ms, 2),
      busyOut_per_s: median((one) => one.busy.out_per_s, 0),
      busyP99_ms: median((one) => one.busy.p99_ms, 2),
      busyDelivered: Math.min(...all.map((one) => one.busy.delivered)),
      connects_per_s: median((one) => one.connects_per_s, 0),
      socket_kB: median((one) => one.socket_kB),
    };
  });
}

/** Ratios are the medians of those within a round: what makes a round slow for both is in neither. */
export function goalsOf(samples: Samples): readonly Goal[] {
  const ours = samples.get('tai-room') ?? [];
  const over = (name: string, of: (sample: RelaySample) => number): number => {
    const theirs = samples.get(name) ?? [];
    const ratios = ours.map((sample, round) => of(sample) / of(theirs[round] ?? sample));
    return rounded(summarize(theirs.length === ours.length ? ratios : [Number.NaN]).median, 3);
  };
  const calmP99_ms = summarize(ours.map(({ calm }) => calm.p99_ms)).median;
  const delivered = Math.min(...ours.map(({ busy }) => busy.delivered));
  return [
    goal('CPU a message / floor', over('floor', ({ cpu_us }) => cpu_us), CPU_OVER_FLOOR_MAX, 'lower'),
    goal('messages/s / floor', over('floor', ({ messages_per_s }) => messages_per_s), RATE_OF_FLOOR_MIN, 'higher'),
    goal(
      'messages/s / partyserver',
      over('partyserver', ({ messages_per_s }) => messages_per_s),
      RATE_OF_PARTYSERVER_MIN,
      'higher',
    ),
    goal('p99 at 500 in/s, ms', rounded(calmP99_ms, 2), CALM_P99_MAX_MS, 'lower'),
    goal('memory a socket / floor', over('floor', ({ socket_kB }) => socket_kB), MEMORY_OVER_FLOOR_MAX, 'lower'),
    goal('delivered of 2,000 in → 10,000 out/s', delivered, 1, 'higher'),
  ];
}
