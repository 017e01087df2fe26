/** From samples to the table and the goals. */
import { goal, rounded, summarize } from '../harness.ts';
import type { Goal, Row } from '../harness.ts';
import type { EntrySample, MessagesSample } from './load.ts';

type Samples<T> = ReadonlyMap<string, readonly T[]>;

const CPU_OVER_FLOOR_MAX = 1.15;
const RATE_OF_FLOOR_MIN = 0.85;
const RATE_OF_PARTYSERVER_MIN = 1;
const CALM_P99_MAX_MS = 2;
const MEMORY_OVER_FLOOR_MAX = 1.2;
/** Of the 10,000 that are due; what is on its way when the second ends comes after it. */
const BUSY_OUT_MIN_PER_S = 9_900;

export function rowsOf(entry: Samples<EntrySample>, messages: Samples<MessagesSample>): readonly Row[] {
  return [...messages].map(([contender, all]): Row => {
    const entries = entry.get(contender) ?? [];
    return {
      contender,
      messages_per_s: median(all, ({ messages_per_s }) => messages_per_s, 0),
      cpu_us: median(all, ({ cpu_us }) => cpu_us),
      relayShare: median(all, ({ relayShare }) => relayShare, 2),
      loadShare: median(all, ({ loadShare }) => loadShare, 2),
      calmP50_ms: median(all, ({ calm }) => calm.p50_ms, 2),
      calmP99_ms: median(all, ({ calm }) => calm.p99_ms, 2),
      busyOut_per_s: median(all, ({ busy }) => busy.out_per_s, 0),
      busyP99_ms: median(all, ({ busy }) => busy.p99_ms),
      delivered: rounded(Math.min(...all.map(({ calm, busy }) => Math.min(calm.delivered, busy.delivered))), 4),
      connects_per_s: median(entries, ({ connects_per_s }) => connects_per_s, 0),
      connect_us: median(entries, ({ connect_us }) => connect_us, 0),
      socket_kB: median(entries, ({ socket_kB }) => socket_kB),
    };
  });
}

export function goalsOf(entry: Samples<EntrySample>, messages: Samples<MessagesSample>): readonly Goal[] {
  const ours = messages.get('tai-room') ?? [];
  const cpu = over(messages, 'floor', ({ cpu_us }) => cpu_us);
  const ofFloor = over(messages, 'floor', ({ messages_per_s }) => messages_per_s);
  const ofParty = over(messages, 'partyserver', ({ messages_per_s }) => messages_per_s);
  const calmP99_ms = median(ours, ({ calm }) => calm.p99_ms, 2);
  const memory = over(entry, 'floor', ({ socket_kB }) => socket_kB);
  const delivered = Math.min(...ours.map(({ busy }) => busy.delivered));
  const busyOut_per_s = median(ours, ({ busy }) => busy.out_per_s, 0);
  return [
    goal('CPU a message / floor', cpu, CPU_OVER_FLOOR_MAX, 'lower'),
    goal('messages/s / floor', ofFloor, RATE_OF_FLOOR_MIN, 'higher'),
    goal('messages/s / partyserver', ofParty, RATE_OF_PARTYSERVER_MIN, 'higher'),
    goal('p99 at 500 in/s, ms', calmP99_ms, CALM_P99_MAX_MS, 'lower'),
    goal('memory a socket / floor', memory, MEMORY_OVER_FLOOR_MAX, 'lower'),
    goal('2,000 in/s: share delivered', delivered, 1, 'higher'),
    goal('2,000 in/s: out/s', busyOut_per_s, BUSY_OUT_MIN_PER_S, 'higher'),
  ];
}

function median<T>(all: readonly T[], of: (sample: T) => number, digits = 1): number {
  return rounded(summarize(all.map((sample) => of(sample))).median, digits);
}

/** The median of the ratios within a round: what makes a round slow for both is not in it. */
function over<T>(samples: Samples<T>, name: string, of: (sample: T) => number): number {
  const theirs = samples.get(name) ?? [];
  const ratios = (samples.get('tai-room') ?? []).map((sample, round) => {
    const other = theirs[round];
    return other === undefined ? Number.NaN : of(sample) / of(other);
  });
  return rounded(summarize(ratios).median, 3);
}
