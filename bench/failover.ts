/**
 * How long the picture of the other stands still when the way between two homes dies (test/lab): with a second connection that stands
 * ready, and with one alone, whose browser has to find out by itself. And how long when the way is there again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { browserPath } from '../test/helpers/browsers.ts';
import type { TestPage } from '../test/helpers/browsers.ts';
import { longestGap } from '../test/helpers/gaps.ts';
import { labObstacle, setLab } from '../test/lab/lab.ts';
import type { Lab } from '../test/lab/lab.ts';
import { SIDES } from '../test/lab/network.ts';
import { goesBy, showsMore, shownTimes, standing, watchTile } from '../test/lab/tile.ts';
import { BenchError, goal, interleave, rounded, runBench, summarize } from './harness.ts';
import type { BenchOptions, BenchResult, Row } from './harness.ts';
import { describeMachine, versionOf } from './machine.ts';

const DEFAULTS = { rounds: 7, seed: 20_261_128 };
/** A call is some seconds old, and its pictures have their size. */
const SETTLE_MS = 3_000;
const PICTURES = 15;
const LOST_MAX_MS = 1_000;
const RETURN_MAX_MS = 100;
/** A camera of ten pictures a second: this much there is between two of them at any time. */
const BEAT_MS = 100;

/** Milliseconds without a new picture on the worse of both screens. */
type Sample = { readonly lost_ms: number; readonly returned_ms: number | undefined };

async function measure(options: BenchOptions): Promise<BenchResult> {
  const obstacle = labObstacle();
  if (obstacle !== undefined) throw new BenchError(obstacle);
  await using stack = new AsyncDisposableStack();
  const lab = stack.adopt(await setLab({ a: 'chromium', b: 'chromium' }), (set) => set.close());
  const samples = await interleave(
    [
      { name: 'standby', measure: () => sample(lab, true) },
      { name: 'stock ICE', measure: () => sample(lab, false) },
    ],
    options,
  );
  const rows = [...samples].map(([name, each]) => rowOf(name, each));
  const of = (name: string, pick: (each: Sample) => number | undefined): number =>
    summarize((samples.get(name) ?? []).flatMap((each) => pick(each) ?? [])).median;
  const lost = of('standby', (each) => each.lost_ms);
  const returned = of('standby', (each) => each.returned_ms);
  return {
    bench: 'failover',
    machine: describeMachine({ chromium: await versionOf(browserPath('chromium')), relay: 'wrangler' }),
    rounds: options.rounds,
    rows,
    goals: [
      goal('way lost: picture stands still, ms', rounded(lost, 0), LOST_MAX_MS, 'lower'),
      goal('standby / stock ICE', rounded(lost / of('stock ICE', (each) => each.lost_ms), 3), 0.25, 'lower'),
      goal(
        'way back: picture stands still beyond its beat, ms',
        rounded(returned - BEAT_MS, 0),
        RETURN_MAX_MS,
        'lower',
      ),
    ],
  };
}

async function sample(lab: Lab, hasStandby: boolean): Promise<Sample> {
  try {
    const pages = await lab.meet({ a: 'cone', b: 'cone' }, hasStandby ? '/' : '/single');
    const both = SIDES.map((side) => pages[side]);
    for (const page of both) {
      await watchTile(page);
      await page.until('all connections', standing, hasStandby ? 2 : 1);
      if (!(await page.evaluate(goesBy, 'direct'))) throw new BenchError('the way was not a straight one');
    }
    await delay(SETTLE_MS);
    const cutAt = Date.now();
    lab.network.setWall(true);
    const lost_ms = await stillFor(both, cutAt);
    if (!hasStandby) return { lost_ms, returned_ms: undefined };
    lab.network.setWall(false);
    const backAt = Date.now();
    for (const page of both) await page.until('the straight way again', goesBy, 'direct');
    return { lost_ms, returned_ms: await stillFor(both, backAt) };
  } finally {
    await lab.clear();
  }
}

/** Until pictures come again on both; the longest time without one since then, on the worse of both. */
async function stillFor(pages: readonly TestPage[], from: number): Promise<number> {
  // the last that were on their way
  await delay(LOST_MAX_MS / 2);
  await Promise.all(pages.map((page) => showsMore(page, PICTURES)));
  const gaps = await Promise.all(pages.map(async (page) => longestGap(await shownTimes(page), from, Date.now())));
  return Math.max(...gaps);
}

function rowOf(contender: string, samples: readonly Sample[]): Row {
  const lost = summarize(samples.map(({ lost_ms }) => lost_ms));
  const returns = samples.flatMap(({ returned_ms }) => returned_ms ?? []);
  return {
    contender,
    lost_ms: rounded(lost.median, 0),
    lost_p25: rounded(lost.p25, 0),
    lost_p75: rounded(lost.p75, 0),
    lost_max: rounded(Math.max(...samples.map(({ lost_ms }) => lost_ms)), 0),
    returned_ms: returns.length > 0 ? rounded(summarize(returns).median, 0) : 'never',
    returned_max: returns.length > 0 ? rounded(Math.max(...returns), 0) : 'never',
    n: samples.length,
  };
}

await runBench(DEFAULTS, measure);
