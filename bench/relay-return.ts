/**
 * How long rooms take to be whole again when a relay that was gone is back, killed as a machine kills it. Two people in a call, in real Chromium,
 * at wrangler's relay, beside a page that does nothing but ask whether it is there, every 50 ms. And six peers in a room with the
 * engine's own signalling, keys and sockets, in Node, at the runtime alone: wrangler's proxy takes connections before the relay is
 * there and lets them all in at once, which would hide how far apart they come.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { roomSecretFromBytes } from '../src/engine/protocol/invite.ts';
import { browserPath, launchBrowser } from '../test/helpers/browsers.ts';
import { inviteOf, joinByClick, roomPage, roomState, seesVideo } from '../test/helpers/call.ts';
import { eventually } from '../test/helpers/eventually.ts';
import { quantile } from '../test/helpers/gaps.ts';
import { startRelayProcess } from '../test/helpers/relay-process.ts';
import type { RelayProcess } from '../test/helpers/relay-process.ts';
import { openSignallingClient } from '../test/helpers/signalling-client.ts';
import type { SignallingClient } from '../test/helpers/signalling-client.ts';
import { openStage } from '../test/helpers/open-stage.ts';
import { BenchError, goal, rounded, runBench, summarize } from './harness.ts';
import type { BenchOptions, BenchResult, Row } from './harness.ts';
import { describeMachine, versionOf } from './machine.ts';

const DEFAULTS = { rounds: 9, seed: 0 };
const PEERS = 6;
/** Rooms are whole so long after the relay's return at most. */
const AFTER_RETURN_MAX_MS = 3_000;
/** Six that come back in the same instant would be a flood, of many rooms together. */
const SPREAD_MIN_MS = 200;
/** So long the relay is away at least: long enough that the waits between attempts have grown. */
const AWAY_MS = 4_000;

/** One round: milliseconds after the relay's first answer to who does nothing but ask. `atOnce`: it was started again as soon as it was gone. */
type Return = {
  readonly pages: readonly number[];
  readonly peers: readonly number[];
  readonly peersAtOnce: readonly number[];
};

async function measure({ rounds }: BenchOptions): Promise<BenchResult> {
  await using stack = new AsyncDisposableStack();
  const stage = stack.adopt(
    await openStage(
      launchBrowser,
      (relayUrl) => ({ '/': { html: roomPage(relayUrl) }, '/bare': { html: '<!doctype html><title>b</title>' } }),
      ['chromium'],
    ),
    (set) => set.close(),
  );
  const first = await stage.open('chromium', `${stage.site.url}/`);
  await joinByClick(first);
  const second = await stage.open('chromium', await inviteOf(first));
  await joinByClick(second);
  const rooms = [first, second];
  await Promise.all(rooms.map((page) => seesVideo(page, 1)));
  const bare = await stage.open('chromium', `${stage.site.url}/bare`);
  const relay = await startRelayProcess({ runtime: 'workerd' });
  stack.defer(() => relay.stop());
  const peers = gatherPeers(relay.url);
  stack.defer(() => peers.forEach((peer) => peer.close()));
  await eventually('six have keys with each other', () => peers.every(({ agreed }) => agreed.size === PEERS - 1));
  const returns: Return[] = [];
  for (let round = 0; round < rounds; round++) {
    const peersAtOnce = await returnOf(relay, peers, 0);
    const peersLater = await returnOf(relay, peers, AWAY_MS);
    await stage.relay.kill();
    await Promise.all(rooms.map((page) => page.until('reconnecting', roomState, 'reconnecting')));
    await delay(AWAY_MS);
    const answering = bare.evaluate(answersAt, `${stage.relay.url}/healthz`);
    const joining = rooms.map((page) => page.evaluate(joinedAgainAt));
    const [floor_ms, ...joined_ms] = await Promise.all([answering, ...joining, stage.relay.restart()]);
    const pages = joined_ms.filter((at) => at !== undefined).map((at) => at - floor_ms);
    returns.push({ pages, peers: peersLater, peersAtOnce });
  }
  return toResult(returns, await versionOf(browserPath('chromium')));
}

function gatherPeers(relayUrl: string): readonly SignallingClient[] {
  const room = roomSecretFromBytes(globalThis.crypto.getRandomValues(new Uint8Array(32)));
  if (!room) throw new BenchError('relay-return: no room secret');
  return Array.from({ length: PEERS }, () => openSignallingClient(relayUrl, room));
}

/** Kills the relay, starts it again after a while, and resolves when all are back. */
async function returnOf(relay: RelayProcess, peers: readonly SignallingClient[], away_ms: number): Promise<number[]> {
  const welcomes = peers.map((peer) => peer.welcomes.length);
  await relay.kill();
  await delay(away_ms);
  await relay.restart();
  const floor_ms = Date.now();
  const isBack = (peer: SignallingClient, at: number): boolean => peer.welcomes.length > (welcomes[at] ?? 0);
  await eventually('six are back', () => peers.every(isBack));
  return peers.map((peer) => (peer.welcomes.at(-1) ?? Number.NaN) - floor_ms);
}

// These run in the page, and resolve with the moment by the machine's clock.

async function answersAt(url: string): Promise<number> {
  for (;;) {
    const isBack = await fetch(url, { mode: 'no-cors' }).then(
      () => true,
      () => false,
    );
    if (isBack) return Date.now();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function joinedAgainAt(): Promise<number> {
  return new Promise((resolve) => {
    const room = document.querySelector('tai-room') as HTMLElement & { readonly state: string };
    const look = (): void => {
      if (room.state !== 'joined') return;
      room.removeEventListener('tai-state-change', look);
      resolve(Date.now());
    };
    room.addEventListener('tai-state-change', look);
    look();
  });
}

function toResult(returns: readonly Return[], chromium: string): BenchResult {
  const pages = returns.map((one) => Math.max(...one.pages));
  const peers = returns.flatMap((one) => one.peers);
  const atOnce = returns.flatMap((one) => one.peersAtOnce);
  const spreads = returns.map((one) => spreadOf(one.peers));
  const spreadsAtOnce = returns.map((one) => spreadOf(one.peersAtOnce));
  const p95 = rounded(quantile([...peers, ...atOnce], 0.95));
  return {
    bench: 'relay-return',
    machine: describeMachine({ chromium }),
    rounds: returns.length,
    rows: [
      rowOf('two pages in a call, the later one', pages),
      rowOf('six peers, each', peers),
      rowOf('six peers, from the first to the last', spreads),
      rowOf('six peers, the relay started again at once', atOnce),
      rowOf('six peers, at once, from the first to the last', spreadsAtOnce),
    ],
    goals: [
      goal('two pages, longest, ms', rounded(Math.max(...pages)), AFTER_RETURN_MAX_MS, 'lower'),
      goal('six peers, p95, ms', p95, AFTER_RETURN_MAX_MS, 'lower'),
      goal(
        'six peers, spread, median, ms',
        rounded(summarize([...spreads, ...spreadsAtOnce]).median),
        SPREAD_MIN_MS,
        'higher',
      ),
    ],
  };
}

function spreadOf(values: readonly number[]): number {
  return Math.max(...values) - Math.min(...values);
}

function rowOf(name: string, values: readonly number[]): Row {
  const { median, p25, p75, n } = summarize(values);
  return {
    'back after the relay answers': name,
    median_ms: rounded(median),
    p25_ms: rounded(p25),
    p75_ms: rounded(p75),
    p95_ms: rounded(quantile(values, 0.95)),
    min_ms: rounded(Math.min(...values)),
    max_ms: rounded(Math.max(...values)),
    n,
  };
}

await runBench(DEFAULTS, measure);
