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
import type { BenchPage, Sample } from './first-frame/pages/page.ts';
import { MARKS } from './first-frame/pages/watch.ts';
import { startPeerJsServer, startPlainRelay, startTaiRelay } from './first-frame/relays.ts';
import type { BenchRelay } from './first-frame/relays.ts';
import { goal, interleave, rounded, runBench, summarize } from './harness.ts';
import type { BenchOptions, BenchResult, Goal, Row } from './harness.ts';
import { describeMachine, versionOf } from './machine.ts';

const DEFAULTS = { rounds: 15, seed: 20_261_121 };
const NAMES = ['bare', 'peerjs', 'simple-peer', 'tai-room'] as const;
type Name = (typeof NAMES)[number];

/** Sealing, a check of who may come in, and a room of more than two may cost so much over writing it all by hand. */
const OVER_BARE_MAX = 1.15;
const OVER_PEERJS_MAX = 1;
const MESSAGES_MAX = 10;
/** Pixels, of what the pages ask their cameras for. */
const CAMERA_WIDTH = 1280;

async function measure(options: BenchOptions): Promise<BenchResult> {
  await using stack = new AsyncDisposableStack();
  const keep = <T>(thing: T, end: (thing: T) => Promise<void>): T => stack.adopt(thing, end);
  const stop = (relay: BenchRelay): Promise<void> => relay.stop();
  const plain = keep(await startPlainRelay(), stop);
  const peerJs = keep(await startPeerJsServer(), stop);
  const tai = keep(await startTaiRelay(), stop);
  const relays: Record<Name, BenchRelay> = { bare: plain, peerjs: peerJs, 'simple-peer': plain, 'tai-room': tai };
  const site = keep(await serveHostSite(await buildPages()), (served) => served.close());
  const browser = keep(await launchBrowser('chromium'), (launched) => launched.close());

  const contenders = NAMES.map((name) => ({
    name,
    measure: () => join(browser, `${site.url}/${name}`, relays[name].url),
  }));
  // The browser's own first connection starts processes and loads codecs: nobody is charged for that.
  for (const contender of contenders) await contender.measure();
  return toResult(options, await interleave(contenders, options), {
    chromium: await versionOf(browserPath('chromium')),
    relay: 'workerd (tai-room), ws (bare, simple-peer), peer (peerjs)',
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

async function buildPages(): Promise<Record<string, HostPage>> {
  const pages: Record<string, HostPage> = {};
  for (const name of NAMES) {
    const entry = await bundleFile(fileURLToPath(new URL(`first-frame/pages/${name}.ts`, import.meta.url)));
    const script = entry.replaceAll('</script', '<\\/script');
    pages[`/${name}`] = { html: `<!doctype html><title>${name}</title><body><script type="module">${script}</script>` };
  }
  return pages;
}

function toResult(
  { rounds }: BenchOptions,
  samples: ReadonlyMap<string, readonly Sample[]>,
  programs: Readonly<Record<string, string>>,
): BenchResult {
  const medianOf = (name: Name, of: (sample: Sample) => number): number =>
    summarize((samples.get(name) ?? []).map(of)).median;
  const messages = (name: Name): number => medianOf(name, (sample) => sample.messages);
  const settled = (name: Name): number => medianOf(name, ({ settledWidth }) => settledWidth);
  const time = (name: Name): number => medianOf(name, ({ firstFrame_ms }) => firstFrame_ms);
  const ratio = (other: Name): number => rounded(time('tai-room') / time(other), 3);
  const rows = NAMES.map((name): Row => {
    const { median, p25, p75, n } = summarize((samples.get(name) ?? []).map(({ firstFrame_ms }) => firstFrame_ms));
    const marks = MARKS.map(
      (mark) => [`${mark}_ms`, rounded(medianOf(name, ({ marks_ms }) => marks_ms[mark]))] as const,
    );
    return {
      contender: name,
      ...Object.fromEntries(marks),
      firstFrame_ms: rounded(median),
      p25_ms: rounded(p25),
      p75_ms: rounded(p75),
      n,
      overBare: rounded(median / time('bare'), 3),
      firstWidth: medianOf(name, ({ firstWidth }) => firstWidth),
      settledWidth: settled(name),
      messages: messages(name),
    };
  });
  const goals: Goal[] = [
    goal('tai-room / peerjs, first frame', ratio('peerjs'), OVER_PEERJS_MAX, 'lower'),
    goal('tai-room / bare, first frame', ratio('bare'), OVER_BARE_MAX, 'lower'),
    // A small first frame comes fast; who stays small has won nothing.
    goal('picture width 2 s after the first frame', settled('tai-room'), CAMERA_WIDTH, 'higher'),
    goal('messages at the relay for a join of a pair', messages('tai-room'), MESSAGES_MAX, 'lower'),
  ];
  return { bench: 'first-frame', machine: describeMachine(programs), rounds, rows, goals };
}

await runBench(DEFAULTS, measure);
