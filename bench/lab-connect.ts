/**
 * How long somebody waits behind every two kinds of routers (test/lab): from the click on Join to the first frame of the one who is in
 * the room already, with the relay, coturn and the page across the internet. With no delay but the machine's own, and over a line with
 * 100 ± 25 ms and 5 % loss each way.
 */
import { DEADLINE_MS, browserPath } from '../test/helpers/browsers.ts';
import { firstFrame } from '../test/lab/journal.ts';
import type { Journal } from '../test/lab/journal.ts';
import { labObstacle, setLab } from '../test/lab/lab.ts';
import type { Lab } from '../test/lab/lab.ts';
import { SIDES } from '../test/lab/network.ts';
import { PAIRS, nameOf, pathOf } from '../test/lab/pairs.ts';
import type { Pair } from '../test/lab/pairs.ts';
import { BAD_WEATHER } from '../test/lab/weather.ts';
import type { Weather } from '../test/lab/weather.ts';
import { BenchError, interleave, runBench } from './harness.ts';
import type { BenchOptions, BenchResult } from './harness.ts';
import { toResult } from './lab-connect/result.ts';
import type { LabSample } from './lab-connect/result.ts';
import { versionOf } from './machine.ts';

const DEFAULTS = { rounds: 5, seed: 20_261_127 };

async function measure(options: BenchOptions): Promise<BenchResult> {
  const obstacle = labObstacle();
  if (obstacle !== undefined) throw new BenchError(obstacle);
  await using stack = new AsyncDisposableStack();
  const lab = stack.adopt(await setLab({ a: 'chromium', b: 'chromium' }), (set) => set.close());
  const contenders = [
    ...PAIRS.map((pair) => ({ name: `${nameOf(pair)}, clear`, measure: () => sample(lab, pair, {}) })),
    ...PAIRS.map((pair) => ({ name: `${nameOf(pair)}, bad line`, measure: () => sample(lab, pair, BAD_WEATHER) })),
  ];
  // as in the other benches: nobody is charged for what a browser does once
  await sample(lab, PAIRS[0] as Pair, {});
  return toResult(options.rounds, await interleave(contenders, options), {
    chromium: await versionOf(browserPath('chromium')),
    relay: 'wrangler',
  });
}

/** One who never sees anybody is a sample too: what the lab has found is not thrown away for it. */
async function sample(lab: Lab, { nats }: Pair, weather: Weather): Promise<LabSample> {
  await lab.network.setWeather('b', weather);
  try {
    const pages = await lab.meet(nats);
    const journal: Journal = await firstFrame(pages.b);
    const paths = await Promise.all(SIDES.map((side) => pathOf(pages[side])));
    const waited_ms = journal.marks.firstFrame ?? DEADLINE_MS;
    return {
      waited_ms,
      journal,
      paths: paths.map(({ link, relayProtocol }) => [link, relayProtocol].join(' ').trim()),
    };
  } catch (error) {
    process.stderr.write(`${nats.a}-${nats.b}: ${error instanceof Error ? error.message : String(error)}\n`);
    return { waited_ms: DEADLINE_MS, journal: undefined, paths: [] };
  } finally {
    await lab.clear();
  }
}

await runBench(DEFAULTS, measure);
