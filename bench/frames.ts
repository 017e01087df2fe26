/**
 * What sealing media frames costs: microseconds a frame to seal and to open, in a worker of real Chromium, from stream to stream. Beside
 * LiveKit's and Jitsi's own workers, and WebCrypto with and without the streams.
 */
import { fileURLToPath } from 'node:url';
import { browserPath, launchBrowser } from '../test/helpers/browsers.ts';
import { serveHostSite } from '../test/helpers/host-page.ts';
import type { HostPage } from '../test/helpers/host-page.ts';
import { bundleFile } from './bundle.ts';
import { SIZES_BYTES } from './frames/contender.ts';
import type { FrameSample, SizeBytes } from './frames/contender.ts';
import type { FramesPage } from './frames/page.ts';
import { jitsiWorker, livekitWorker } from './frames/peers.ts';
import { goal, interleave, rounded, runBench, summarize } from './harness.ts';
import type { BenchOptions, BenchResult, Contender, Goal, Row } from './harness.ts';
import { describeMachine, versionOf } from './machine.ts';

const DEFAULTS = { rounds: 15, seed: 20_261_127 };
const WARM_UPS = 3;
const OVER_LIVEKIT_MAX = 0.6;
const OVER_JITSI_MAX = 0.65;
const OVER_JITSI_BIG_MAX = 0.8;
const BIG_BYTES = 150_000;
const OVER_LOOP_MAX = 1.5;
const LOOP_BYTES = 1_200;

type Name = 'tai-room' | 'livekit' | 'jitsi' | 'aes-gcm' | 'aes-gcm-loop';

async function measure(options: BenchOptions): Promise<BenchResult> {
  await using stack = new AsyncDisposableStack();
  const peers: Partial<Record<Name, string>> = { livekit: await livekitWorker() };
  const jitsi = await jitsiWorker();
  if (jitsi !== undefined) peers.jitsi = jitsi;
  const names = (['tai-room', 'livekit', 'jitsi', 'aes-gcm', 'aes-gcm-loop'] as const).filter(
    (name) => name !== 'jitsi' || jitsi !== undefined,
  );
  const pages: Record<string, HostPage> = {
    '/': { html: `<!doctype html><title>frames</title><script type="module">${await script('page')}</script>` },
  };
  for (const name of names) {
    // each in a scope of its own: both have top-level names
    const parts = [peers[name] ?? '', await script(name)].map((part) => `(() => {\n${part}\n})();\n`);
    pages[`/${name}.js`] = { html: parts.join(''), headers: { 'content-type': 'text/javascript; charset=utf-8' } };
  }
  const site = stack.adopt(await serveHostSite(pages), (served) => served.close());
  const browser = stack.adopt(await launchBrowser('chromium'), (launched) => launched.close());
  const page = await browser.newPage();
  await page.goto(`${site.url}/`);
  await page.until('a page', () => 'benchPage' in globalThis);

  const contenders = names.flatMap((name) =>
    SIZES_BYTES.map((size): Contender<FrameSample> => ({
      name: `${name} ${size}`,
      measure: () => page.evaluate(measureIn, { name, size }),
    })),
  );
  // Compilers warm up: nobody is charged for that.
  for (let round = 0; round < WARM_UPS; round++) for (const contender of contenders) await contender.measure(0);
  const samples = await interleave(contenders, options);
  return toResult(options, names, samples, { chromium: await versionOf(browserPath('chromium')) });
}

function script(name: string): Promise<string> {
  return bundleFile(fileURLToPath(new URL(`frames/${name}.ts`, import.meta.url)));
}

// This runs in the page.
const measureIn = (task: { name: string; size: SizeBytes }): Promise<FrameSample> =>
  (globalThis as unknown as { benchPage: FramesPage }).benchPage.measure(task);

function toResult(
  { rounds }: BenchOptions,
  names: readonly Name[],
  samples: ReadonlyMap<string, readonly FrameSample[]>,
  programs: Readonly<Record<string, string>>,
): BenchResult {
  const both = (name: Name, size: SizeBytes) =>
    summarize((samples.get(`${name} ${size}`) ?? [{ seal_us: Number.NaN, open_us: Number.NaN }]).map(sum));
  const rows = SIZES_BYTES.flatMap((size) =>
    names.map((name): Row => {
      const all = samples.get(`${name} ${size}`) ?? [];
      const { median, p25, p75, n } = both(name, size);
      return {
        size_B: size,
        contender: name,
        seal_us: rounded(summarize(all.map(({ seal_us }) => seal_us)).median),
        open_us: rounded(summarize(all.map(({ open_us }) => open_us)).median),
        both_us: rounded(median),
        p25_us: rounded(p25),
        p75_us: rounded(p75),
        n,
      };
    }),
  );
  const over = (name: Name, size: SizeBytes, limit: number): Goal => {
    const ratio = rounded(both('tai-room', size).median / both(name, size).median, 3);
    return goal(`tai-room / ${name}, seal and open, ${size} B`, ratio, limit, 'lower');
  };
  const goals = [
    ...SIZES_BYTES.filter((size) => size < BIG_BYTES).map((size) => over('livekit', size, OVER_LIVEKIT_MAX)),
    ...SIZES_BYTES.map((size) => over('jitsi', size, size < BIG_BYTES ? OVER_JITSI_MAX : OVER_JITSI_BIG_MAX)),
    over('aes-gcm-loop', LOOP_BYTES, OVER_LOOP_MAX),
  ];
  return { bench: 'frames', machine: describeMachine(programs), rounds, rows, goals };
}

function sum({ seal_us, open_us }: FrameSample): number {
  return seal_us + open_us;
}

await runBench(DEFAULTS, measure);
