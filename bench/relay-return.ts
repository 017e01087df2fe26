/**
 * How long rooms take to be whole again when a relay that was gone is back: two people in a call, the relay killed and started again, beside a
 * page that does nothing but ask whether it is there, every 50 ms. In real Chromium; wrangler's relay, as the tests have it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { browserPath } from '../test/helpers/browsers.ts';
import { inviteOf, joinByClick, roomPage, roomState, seesVideo } from '../test/helpers/call.ts';
import { setStage } from '../test/helpers/stage.ts';
import { differences, goal, rounded, runBench, summarize } from './harness.ts';
import type { BenchOptions, BenchResult } from './harness.ts';
import { describeMachine, versionOf } from './machine.ts';

const DEFAULTS = { rounds: 9, seed: 0 };
/** Rooms are whole so long after the relay's return at most. */
const AFTER_RETURN_MAX_MS = 3_000;
/** So long the relay is away at least: long enough that the waits between attempts have grown. */
const AWAY_MS = 4_000;

async function measure({ rounds }: BenchOptions): Promise<BenchResult> {
  await using stack = new AsyncDisposableStack();
  const stage = stack.adopt(
    await setStage(
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
  const floors: number[] = [];
  const ours: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await stage.relay.kill();
    await Promise.all(rooms.map((page) => page.until('reconnecting', roomState, 'reconnecting')));
    await delay(AWAY_MS);
    const answering = bare.evaluate(answersAt, `${stage.relay.url}/healthz`);
    const joining = rooms.map((page) => page.evaluate(joinedAgainAt));
    const [floor_ms, ...joined_ms] = await Promise.all([answering, ...joining, stage.relay.restart()]);
    floors.push(floor_ms);
    ours.push(Math.max(...joined_ms.filter((at) => at !== undefined)));
  }
  return toResult(rounds, floors, ours, await versionOf(browserPath('chromium')));
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

function toResult(rounds: number, floors: readonly number[], ours: readonly number[], chromium: string): BenchResult {
  const after = differences(ours, floors);
  const { median, p25, p75, n } = summarize(after);
  return {
    bench: 'relay-return',
    machine: describeMachine({ chromium }),
    rounds,
    rows: [
      {
        name: 'both rooms whole, after the bare page has an answer',
        median_ms: rounded(median),
        p25_ms: rounded(p25),
        p75_ms: rounded(p75),
        max_ms: rounded(Math.max(...after)),
        n,
      },
    ],
    goals: [goal('longest, ms', rounded(Math.max(...after)), AFTER_RETURN_MAX_MS, 'lower')],
  };
}

await runBench(DEFAULTS, measure);
