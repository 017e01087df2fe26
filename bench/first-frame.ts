/**
 * How long a newcomer waits: from the click on Join to the first decoded frame of the camera that is already in the room.
 * Real Chromium with fake devices; the same page, capture, flags and machine for all contenders, which take turns.
 */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { browserPath, launchBrowser } from '../test/helpers/browsers.ts';
import type { TestBrowser } from '../test/helpers/browsers.ts';
import { serveHostSite } from '../test/helpers/host-page.ts';
import type { HostPage } from '../test/helpers/host-page.ts';
import { bundleFile } from './bundle.ts';
import { checkOutBaseline } from './first-frame/baseline.ts';
import type { Baseline } from './first-frame/baseline.ts';
import type { BenchPage, Sample } from './first-frame/pages/page.ts';
import { startPeerJsServer, startPlainRelay, startTaiRelay } from './first-frame/relays.ts';
import type { BenchRelay } from './first-frame/relays.ts';
import { BASELINE, NAMES, toResult } from './first-frame/result.ts';
import type { Name } from './first-frame/result.ts';
import { interleave, runBench } from './harness.ts';
import type { BenchOptions, BenchResult } from './harness.ts';
import { versionOf } from './machine.ts';

const DEFAULTS = { rounds: 15, seed: 20_261_121, takesBaseline: true };
const SHORT_COMMIT_DIGITS = 7;

async function measure(options: BenchOptions): Promise<BenchResult> {
  await using stack = new AsyncDisposableStack();
  const keep = <T>(thing: T, end: (thing: T) => Promise<void>): T => stack.adopt(thing, end);
  const stop = (relay: BenchRelay): Promise<void> => relay.stop();
  const earlier = options.baseline === undefined ? undefined : await checkOutBaseline(options.baseline);
  if (earlier) keep(earlier, ({ remove }) => remove());
  const plain = keep(await startPlainRelay(), stop);
  const relays = new Map<Name, BenchRelay>([
    ['bare', plain],
    ['peerjs', keep(await startPeerJsServer(), stop)],
    ['simple-peer', plain],
    ['tai-room', keep(await startTaiRelay(), stop)],
  ]);
  if (earlier) relays.set(BASELINE, keep(await startTaiRelay(earlier.root), stop));
  const site = keep(await serveHostSite(await buildPages(earlier)), (served) => served.close());
  const browser = keep(await launchBrowser('chromium'), (launched) => launched.close());

  const contenders = [...relays].map(([name, relay]) => ({
    name,
    measure: () => join(browser, `${site.url}/${name}`, relay.url),
  }));
  // The browser's own first connection starts processes and loads codecs: nobody is charged for that.
  for (const contender of contenders) await contender.measure();
  return toResult(options.rounds, await interleave(contenders, options), {
    chromium: await versionOf(browserPath('chromium')),
    relay: 'workerd (tai-room), ws (bare, simple-peer), peer (peerjs)',
    ...(earlier && { baseline: earlier.commit.slice(0, SHORT_COMMIT_DIGITS) }),
  });
}

/** One room with two people, each in a profile of their own. */
async function join(browser: TestBrowser, url: string, relay: string): Promise<Sample> {
  const room = randomBytes(32).toString('hex');
  const address = (role: string): string => `${url}#${new URLSearchParams({ role, relay, room }).toString()}`;
  const host = await browser.newPage();
  const guest = await browser.newPage();
  try {
    await host.goto(address('host'));
    await host.evaluate(lobbyOf);
    await host.click('#join');
    await host.evaluate(joinedOf);
    await guest.goto(address('guest'));
    await guest.evaluate(lobbyOf);
    await guest.click('#join');
    return await inTime(guest.evaluate(sampleOf), `${new URL(url).pathname}: a first frame`);
  } finally {
    await Promise.all([host.close(), guest.close()]);
  }
}

// These run in the page.
const lobbyOf = (): Promise<void> => (globalThis as unknown as { benchPage: BenchPage }).benchPage.lobby;
const joinedOf = (): Promise<void> => (globalThis as unknown as { benchPage: BenchPage }).benchPage.joined;
const sampleOf = (): Promise<Sample> => (globalThis as unknown as { benchPage: BenchPage }).benchPage.sample;

const DEADLINE_MS = 20_000;

async function inTime<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), DEADLINE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function buildPages(earlier: Baseline | undefined): Promise<Record<string, HostPage>> {
  const pages: Record<string, HostPage> = {};
  const add = (name: Name, entry: string): void => {
    const script = entry.replaceAll('</script', '<\\/script');
    pages[`/${name}`] = { html: `<!doctype html><title>${name}</title><body><script type="module">${script}</script>` };
  };
  for (const name of NAMES) {
    add(name, await bundleFile(fileURLToPath(new URL(`first-frame/pages/${name}.ts`, import.meta.url))));
  }
  if (earlier) add(BASELINE, await bundleFile(earlier.page, earlier.root));
  return pages;
}

await runBench(DEFAULTS, measure);
