/**
 * What sealing costs a real call: processor time of the whole browser, and the time from taking a picture to having it decoded at the
 * other end. The same engine with its transforms, with transforms that pass frames on as they are, and without any, in real Chromium.
 */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { browserPath, launchBrowser } from '../../test/helpers/browsers.ts';
import type { TestBrowser, TestPage } from '../../test/helpers/browsers.ts';
import { serveHostSite } from '../../test/helpers/host-page.ts';
import { bundleFile } from '../bundle.ts';
import { startTaiRelay } from '../first-frame/relays.ts';
import { differences, goal, interleave, rounded, summarize } from '../harness.ts';
import type { BenchOptions, BenchResult, Goal, Row } from '../harness.ts';
import { describeMachine, versionOf } from '../machine.ts';
import { cpuSeconds } from './cpu.ts';
import type { PageReading, PipelinePage } from './page.ts';

const MEASURED_MS = 8_000;
const READY_MS = 60_000;

export type Call = {
  readonly name: string;
  readonly people: number;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  /** The width that the engine sends of such a camera to so many. */
  readonly arrives: number;
  readonly overUnsealedMax: number;
  /** Where it is judged: a machine that is used up by its call waits everywhere. */
  readonly addedMaxMs?: number;
};

const MODES = ['sealed', 'passed', 'unsealed'] as const;

type Sample = {
  /** Of one processor, in percent, for everybody in the call. */
  readonly cpu_percent: number;
  readonly latency_ms: number;
  readonly decodedOfSent: number;
  readonly lost: number;
};

export async function measureCall(bench: string, call: Call, options: BenchOptions): Promise<BenchResult> {
  await using stack = new AsyncDisposableStack();
  const relay = stack.adopt(await startTaiRelay(), ({ stop }) => stop());
  const script = await bundleFile(fileURLToPath(new URL('page.ts', import.meta.url)));
  const html = `<!doctype html><title>pipeline</title><script type="module">${script.replaceAll('</script', '<\\/script')}</script>`;
  const site = stack.adopt(await serveHostSite({ '/': { html } }), (served) => served.close());
  const contenders = MODES.map((mode) => ({ name: mode, measure: () => runCall(call, mode, site.url, relay.url) }));
  const samples = await interleave(contenders, options);
  const machine = describeMachine({ chromium: await versionOf(browserPath('chromium')) });
  return { bench, machine, rounds: options.rounds, rows: rowsOf(call, samples), goals: goalsOf(call, samples) };
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

type Samples = ReadonlyMap<string, readonly Sample[]>;

const valuesOf = (samples: Samples, mode: string, field: keyof Sample): readonly number[] =>
  (samples.get(mode) ?? []).map((sample) => sample[field]);

function rowsOf(call: Call, samples: Samples): readonly Row[] {
  return MODES.map((mode) => {
    const cpu = summarize(valuesOf(samples, mode, 'cpu_percent'));
    const latency = summarize(valuesOf(samples, mode, 'latency_ms'));
    return {
      call: call.name,
      mode,
      cpu_percent: rounded(cpu.median),
      cpu_p25: rounded(cpu.p25),
      cpu_p75: rounded(cpu.p75),
      latency_ms: rounded(latency.median),
      latency_p25: rounded(latency.p25),
      latency_p75: rounded(latency.p75),
      decoded_of_sent: rounded(summarize(valuesOf(samples, mode, 'decodedOfSent')).median, 3),
      lost_to_seals: valuesOf(samples, mode, 'lost').reduce((all, lost) => all + lost, 0),
      n: cpu.n,
    };
  });
}

/** Of a mode in the same round. */
function goalsOf({ name, overUnsealedMax, addedMaxMs }: Call, samples: Samples): readonly Goal[] {
  const ratio = (mode: string, other: string): number => {
    const others = valuesOf(samples, other, 'cpu_percent');
    return rounded(
      summarize(valuesOf(samples, mode, 'cpu_percent').map((own, i) => own / Number(others[i]))).median,
      3,
    );
  };
  const added = (mode: string, other: string): number =>
    rounded(
      summarize(differences(valuesOf(samples, mode, 'latency_ms'), valuesOf(samples, other, 'latency_ms'))).median,
      2,
    );
  const lost = valuesOf(samples, 'sealed', 'lost').reduce((all, each) => all + each, 0);
  return [
    goal(`processor time, sealed / unsealed, ${name}`, ratio('sealed', 'unsealed'), overUnsealedMax, 'lower'),
    ...(addedMaxMs === undefined
      ? []
      : [
          goal(`latency added, ms, ${name}`, added('sealed', 'unsealed'), addedMaxMs, 'lower'),
          goal(
            `latency added to frames passed on as they are, ms, ${name}`,
            added('sealed', 'passed'),
            addedMaxMs,
            'lower',
          ),
        ]),
    goal('frames lost to seals', lost, 0, 'lower'),
  ];
}
