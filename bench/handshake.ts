/**
 * What the key agreement costs: from the published bundle to the first message read, both sides' work. In Node beside
 * Signal's own library and ts-mls, in Chromium beside the sum of the native operations it cannot do without.
 */
import { fileURLToPath } from 'node:url';
import { browserPath, launchBrowser } from '../test/helpers/browsers.ts';
import { serveHostSite } from '../test/helpers/host-page.ts';
import { bundleFile } from './bundle.ts';
import { libsignal } from './handshake/libsignal.ts';
import type { HandshakePage } from './handshake/page.ts';
import { taiRoom } from './handshake/tai-room.ts';
import { timeRun } from './handshake/time.ts';
import type { HandshakeSample } from './handshake/time.ts';
import { tsMls } from './handshake/ts-mls.ts';
import { goal, interleave, rounded, runBench, summarize } from './harness.ts';
import type { BenchOptions, BenchResult, Contender, Row } from './harness.ts';
import { describeMachine, versionOf } from './machine.ts';

const DEFAULTS = { rounds: 15, seed: 20_261_122 };
const OVER_LIBSIGNAL_MAX = 1.5;
const OVER_MLS_MAX = 0.2;
const OVER_PRIMITIVES_MAX = 1.3;

async function measure(options: BenchOptions): Promise<BenchResult> {
  await using stack = new AsyncDisposableStack();
  const entry = await bundleFile(fileURLToPath(new URL('handshake/page.ts', import.meta.url)));
  const html = `<!doctype html><title>handshake</title><script type="module">${entry.replaceAll('</script', '<\\/script')}</script>`;
  const site = stack.adopt(await serveHostSite({ '/': { html } }), (served) => served.close());
  const browser = stack.adopt(await launchBrowser('chromium'), (launched) => launched.close());
  const page = await browser.newPage();
  await page.goto(`${site.url}/`);
  await page.until('a page', () => 'benchPage' in globalThis);

  const inNode = await Promise.all(
    Object.entries({ 'tai-room': taiRoom, libsignal, 'ts-mls': tsMls }).map(async ([name, handshake]) => {
      const run = await handshake.prepare();
      return { name: `${name}, node`, measure: () => timeRun(run) };
    }),
  );
  const inPage = (['tai-room', 'primitives'] as const).map((name) => ({
    name: `${name}, chromium`,
    measure: () => page.evaluate(measureIn, name),
  }));
  const contenders: readonly Contender<HandshakeSample>[] = [...inNode, ...inPage];
  // Compilers warm up: nobody is charged for that.
  for (const contender of contenders) await contender.measure(0);
  return toResult(options, await interleave(contenders, options), {
    chromium: await versionOf(browserPath('chromium')),
  });
}

// This runs in the page.
const measureIn = (name: 'tai-room' | 'primitives'): Promise<HandshakeSample> =>
  (globalThis as unknown as { benchPage: HandshakePage }).benchPage.measure(name);

function toResult(
  { rounds }: BenchOptions,
  samples: ReadonlyMap<string, readonly HandshakeSample[]>,
  programs: Readonly<Record<string, string>>,
): BenchResult {
  const handshake = (name: string): number =>
    summarize((samples.get(name) ?? []).map(({ handshake_us }) => handshake_us)).median;
  const rows = [...samples].map(([name, all]): Row => {
    const { median, p25, p75, n } = summarize(all.map(({ handshake_us }) => handshake_us));
    const exchange = summarize(all.map(({ exchange_us }) => exchange_us)).median;
    return {
      contender: name,
      handshake_us: rounded(median, 0),
      p25_us: rounded(p25, 0),
      p75_us: rounded(p75, 0),
      n,
      exchange_us: rounded(exchange, 0),
      // an exchange is a message each way, each with a step of the ratchet
      messages_per_s: rounded(2e6 / exchange, 0),
    };
  });
  const ratio = (own: string, other: string): number => rounded(handshake(own) / handshake(other), 3);
  const goals = [
    goal('tai-room / libsignal, Node', ratio('tai-room, node', 'libsignal, node'), OVER_LIBSIGNAL_MAX, 'lower'),
    goal('tai-room / ts-mls X-Wing, Node', ratio('tai-room, node', 'ts-mls, node'), OVER_MLS_MAX, 'lower'),
    goal(
      'tai-room / sum of native operations, Chromium',
      ratio('tai-room, chromium', 'primitives, chromium'),
      OVER_PRIMITIVES_MAX,
      'lower',
    ),
  ];
  return { bench: 'handshake', machine: describeMachine(programs), rounds, rows, goals };
}

await runBench(DEFAULTS, measure);
