/**
 * A call that goes on and on, with keys that change every second: `TAI_SOAK_MINUTES`. The worker, which keeps the keys and
 * has every frame pass through it, does not grow.
 */
import { strict as assert } from 'node:assert';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { roomPage } from '../helpers/call.ts';
import { quantile } from '../helpers/gaps.ts';
import { patternScript, readPattern } from '../helpers/pattern.ts';
import {
  encryptionOfOther,
  figuresOfOther,
  lostToSeals,
  meet,
  rotateKeys,
  withScripts,
} from '../helpers/sealed-call.ts';
import { setStage } from '../helpers/stage.ts';
import type { Stage } from '../helpers/stage.ts';
import { WorkerWatch } from '../helpers/worker-memory.ts';

const SOAK_MINUTES = Number(process.env['TAI_SOAK_MINUTES']) || 5;
const ROTATE_EVERY_MS = 1_000;
const READ_EVERY_MS = 10_000;
/** The first part of the time, in which code is compiled and caches fill, is held against the last. */
const PART = 0.25;
/** Bytes. A key and what hangs on it are more than a hundred: of the shortest soak's rotations that would be seen. */
const GROWTH_MAX = 250_000;
const FPS = 10;

describe(`${SOAK_MINUTES} minutes`, () => {
  let stage: Stage;
  before(async () => {
    const pages = (relayUrl: string) => ({
      '/': { html: withScripts(roomPage(relayUrl), patternScript('video/VP8', FPS)) },
    });
    stage = await setStage(pages, ['chromium']);
  });
  after(() => stage?.close());

  it('of new keys every second: the worker does not grow, and nothing is lost', async (test) => {
    const pages = await meet(stage, ['chromium', 'chromium'], '/');
    for (const page of pages) {
      await readPattern(page);
      await page.until('encrypted', encryptionOfOther, 'encrypted');
    }
    const [first] = pages;
    const worker = await WorkerWatch.of(first);
    const before = await first.evaluate(figuresOfOther);
    const totals: number[] = [];
    const readings: string[] = [];
    let rotations = 0;
    const start = Date.now();
    const end = start + SOAK_MINUTES * 60_000;
    for (let readAt = start; Date.now() < end;) {
      await Promise.all(pages.map((page) => page.evaluate(rotateKeys)));
      rotations += 1;
      if (Date.now() >= readAt) {
        readAt += READ_EVERY_MS;
        const memory = await worker.memory();
        totals.push(memory.script + memory.browser + memory.buffers);
        readings.push(JSON.stringify(memory));
      }
      await delay(Math.max(0, start + rotations * ROTATE_EVERY_MS - Date.now()));
    }
    const now = await first.evaluate(figuresOfOther);
    assert.ok(before && now);
    const part = Math.max(1, Math.floor(totals.length * PART));
    // The smallest of each part: a frame that is just on its way, or a script just compiled, is no growth.
    const [early, late] = [totals.slice(1, part + 1), totals.slice(-part)].map((values) => quantile(values, 0));
    assert.ok(early && late);
    test.diagnostic(
      `${rotations} rotations each way, ${now.framesOpened - before.framesOpened} frames opened, ` +
        `${lostToSeals(now) - lostToSeals(before)} lost; worker ${early} → ${late} bytes`,
    );
    test.diagnostic(`first ${readings[1]}, last ${readings.at(-1)}`);
    assert.equal(lostToSeals(now) - lostToSeals(before), 0, JSON.stringify(now.framesDropped));
    assert.ok(now.framesOpened - before.framesOpened > rotations, 'frames go on');
    assert.ok(late - early <= GROWTH_MAX, `${late - early} bytes in ${rotations} rotations`);
    for (const page of pages) assert.deepEqual(page.errors(), []);
  });
});
