/**
 * What sealing costs a real call: processor time of the whole browser, and the time from taking a picture to having it decoded at the other
 * end. The same engine with its transforms, with transforms that pass frames on as they are, and without any, in real Chromium; calls of two at 720p30 and of six at 180p15.
 */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { browserPath, launchBrowser } from '../test/helpers/browsers.ts';
import type { TestBrowser, TestPage } from '../test/helpers/browsers.ts';
import { serveHostSite } from '../test/helpers/host-page.ts';
import { bundleFile } from './bundle.ts';
import { startTaiRelay } from './first-frame/relays.ts';
import { differences, goal, interleave, rounded, runBench, summarize } from './harness.ts';
import type { BenchOptions, BenchResult, Row } from './harness.ts';
import { describeMachine, versionOf } from './machine.ts';
import { cpuSeconds } from './pipeline/cpu.ts';
import type { PageReading, PipelinePage } from './pipeline/page.ts';

const DEFAULTS = { rounds: 7, seed: 20_261_128 };
const MEASURED_MS = 8_000;
const READY_MS = 60_000;
const OVER_UNSEALED_MAX = 1.1;
const OVER_UNSEALED_OF_SIX_MAX = 1.2;
const ADDED_MAX_MS = 1.5;

/** `arrives`: the width that the engine sends of such a camera to so many. */
const CALLS = [
  { name: '2 people, 720p30', people: 2, width: 1280, height: 720, fps: 30, arrives: 1280 },
  { name: '6 people, 180p15', people: 6, width: 960, height: 540, fps: 15, arrives: 320 },
] as const;
type Call = (typeof CALLS)[number];
const MODES = ['sealed', 'passed', 'unsealed'] as const;

type Sample = {
  /** Of one processor, in percent, for everybody in the call. */
  readonly cpu_percent: number;
  readonly latency_ms: number;
  readonly decodedOfSent: number;
  readonly lost: number;
};

async function measure(options: BenchOptions): Promise<BenchResult> {
  await using stack = new AsyncDisposableStack();
  const relay = stack.adopt(await startTaiRelay(), ({ stop }) => stop());
  const script = await bundleFile(fileURLToPath(new URL('pipeline/page.ts', import.meta.url)));
  const html = `<!doctype html><title>pipeline</title><script type="module">${script.replaceAll('</script', '<\\/script')}</script>`;
  const site = stack.adopt(await serveHostSite({ '/': { html } }), (served) => served.close());
  const contenders = CALLS.flatMap((call) =>
    MODES.map((mode) => ({ name: `${call.name}: ${mode}`, measure: () => runCall(call, mode, site.url, relay.url) })),
  );
  const samples = await interleave(contenders, options);
  return toResult(options.rounds, samples, { chromium: await versionOf(browserPath('chromium')) });
}

/** In a browser of its own: what an earlier call has left behind is charged to nobody. */
async function runCall(call: Call, mode: string, site: string, relay: string): Promise<Sample> {
  await using stack = new AsyncDisposableStack();
  const browser = stack.adopt(await launchBrowser('chromium'), (launched) => launched.close());
  const { people, width, height, fps } = call;
  const shape = { width: String(width), height: String(height), fps: String(fps) };
  const hash = new URLSearchParams({ mode, relay, room: randomBytes(32).toString('hex'), ...shape });
  const pages: TestPage[] = [];
  for (let i = 0; i < people; i++) pages.push(await open(browser, `${site}/#${hash.toString()}`));
  await inTime(
    Promise.all(pages.map((page) => page.evaluate(readyOf, { others: people - 1, width: call.arrives }))),
    `${call.name}, ${mode}: all pictures at their width`,
  );
  await Promise.all(pages.map((page) => page.evaluate(beginOf)));
  const [before_s, began] = [cpuSeconds('chrom'), performance.now()];
  await delay(MEASURED_MS);
  const [after_s, ended] = [cpuSeconds('chrom'), performance.now()];
  const readings = await Promise.all(pages.map((page) => page.evaluate(endOf)));
  return {
    cpu_percent: ((after_s - before_s) / (ended - began)) * 1000 * 100,
    latency_ms: summarize(readings.flatMap(({ latencies_ms }) => latencies_ms)).median,
    decodedOfSent: sum(readings, 'decoded') / sum(readings, 'sent'),
    lost: sum(readings, 'lost'),
  };
}

async function open(browser: TestBrowser, url: string): Promise<TestPage> {
  const page = await browser.newPage({ width: 320, height: 240 });
  await page.goto(url);
  await page.until('a page', () => 'pipelinePage' in globalThis);
  return page;
}

// These run in the page.
type Scope = { pipelinePage: PipelinePage };
const readyOf = ({ others, width }: { others: number; width: number }): Promise<void> =>
  (globalThis as unknown as Scope).pipelinePage.ready(others, width);
const beginOf = (): Promise<void> => (globalThis as unknown as Scope).pipelinePage.begin();
const endOf = (): Promise<PageReading> => (globalThis as unknown as Scope).pipelinePage.end();

async function inTime<T>(promise: Promise<T>, what: string): Promise<T> {
  const late = new AbortController();
  try {
    const timeout = delay(READY_MS, undefined, { signal: late.signal }).then(() => {
      throw new Error(`waited in vain for ${what}`);
    });
    return await Promise.race([promise, timeout]);
  } finally {
    late.abort();
  }
}

function sum(readings: readonly PageReading[], field: 'sent' | 'decoded' | 'lost'): number {
  return readings.reduce((all, reading) => all + reading[field], 0);
}

function toResult(
  rounds: number,
  samples: ReadonlyMap<string, readonly Sample[]>,
  programs: Readonly<Record<string, string>>,
): BenchResult {
  const of = (call: Call, mode: string, field: keyof Sample): readonly number[] =>
    (samples.get(`${call.name}: ${mode}`) ?? []).map((sample) => sample[field]);
  const rows = CALLS.flatMap((call) =>
    MODES.map((mode): Row => {
      const cpu = summarize(of(call, mode, 'cpu_percent'));
      const latency = summarize(of(call, mode, 'latency_ms'));
      return {
        call: call.name,
        mode,
        cpu_percent: rounded(cpu.median),
        cpu_p25: rounded(cpu.p25),
        cpu_p75: rounded(cpu.p75),
        latency_ms: rounded(latency.median),
        latency_p25: rounded(latency.p25),
        latency_p75: rounded(latency.p75),
        decoded_of_sent: rounded(summarize(of(call, mode, 'decodedOfSent')).median, 3),
        lost_to_seals: of(call, mode, 'lost').reduce((all, lost) => all + lost, 0),
        n: cpu.n,
      };
    }),
  );
  const [two, six] = CALLS;
  const added = differences(of(two, 'sealed', 'latency_ms'), of(two, 'unsealed', 'latency_ms'));
  const ratio = (call: Call): number => {
    const theirs = of(call, 'unsealed', 'cpu_percent');
    return rounded(summarize(of(call, 'sealed', 'cpu_percent').map((own, i) => own / Number(theirs[i]))).median, 3);
  };
  const lost = CALLS.flatMap((call) => of(call, 'sealed', 'lost')).reduce((all, each) => all + each, 0);
  return {
    bench: 'pipeline',
    machine: describeMachine(programs),
    rounds,
    rows,
    goals: [
      goal(`processor time, sealed / unsealed, ${two.name}`, ratio(two), OVER_UNSEALED_MAX, 'lower'),
      goal(`processor time, sealed / unsealed, ${six.name}`, ratio(six), OVER_UNSEALED_OF_SIX_MAX, 'lower'),
      goal(`latency added, ms, ${two.name}`, rounded(summarize(added).median, 2), ADDED_MAX_MS, 'lower'),
      goal('frames lost to seals', lost, 0, 'lower'),
    ],
  };
}

await runBench(DEFAULTS, measure);
