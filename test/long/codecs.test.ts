/**
 * Every codec between every two browsers, for 20 seconds: what was sent is decoded, it is the picture that was sent, and the
 * tone that was sent. Each pair is one test for both ways; which of the two opens the room decides who offers.
 */
import { strict as assert } from 'node:assert';
import { after, afterEach, before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import type { BrowserName, TestPage } from '../helpers/browsers.ts';
import { roomPage } from '../helpers/call.ts';
import { patternScript, readPattern, settlePattern } from '../helpers/pattern.ts';
import {
  CODECS,
  encryptionOfOther,
  figuresOfOther,
  hasCodec,
  lostToSeals,
  meet,
  withScripts,
} from '../helpers/sealed-call.ts';
import type { PeerFigures } from '../helpers/sealed-call.ts';
import { setStage } from '../helpers/stage.ts';
import type { Stage } from '../helpers/stage.ts';
import { readTone, wrongWindows } from '../helpers/tone.ts';

const PAIRS: readonly (readonly [BrowserName, BrowserName])[] = [
  ['chromium', 'chromium'],
  ['firefox', 'firefox'],
  ['chromium', 'firefox'],
  ['firefox', 'chromium'],
];
const MEASURED_MS = 20_000;
const SHARE_MIN = 0.98;
/** A camera that stands still loses nothing: so many pictures at least were sent. */
const SENT_MIN = 100;
const FPS = 10;

/** Both pages, as near to each other in time as may be. */
async function sample(pages: readonly TestPage[]): Promise<readonly PeerFigures[]> {
  const figures = await Promise.all(pages.map((page) => page.evaluate(figuresOfOther)));
  return figures.map((each) => {
    assert.ok(each);
    return each;
  });
}

async function measured(pages: readonly TestPage[]): Promise<readonly (readonly [PeerFigures, PeerFigures])[]> {
  const start = await sample(pages);
  await pages[0]?.evaluate((ms) => new Promise<void>((resolve) => setTimeout(resolve, ms)), MEASURED_MS);
  const end = await sample(pages);
  return start.map((figures, i) => [figures, end[i] as PeerFigures]);
}

describe('every codec between every two browsers', () => {
  let stage: Stage;
  before(async () => {
    stage = await setStage((relayUrl) =>
      Object.fromEntries(
        CODECS.map((codec) => {
          const script = patternScript(`video/${codec}`, FPS);
          return [`/${codec}`, { html: withScripts(roomPage(relayUrl), script) }];
        }),
      ),
    );
  });
  afterEach(() => stage.clear());
  after(() => stage?.close());

  async function check(test: TestContext, codec: string, pages: readonly [TestPage, TestPage]): Promise<void> {
    for (const page of pages) await page.until('encrypted', encryptionOfOther, 'encrypted');
    for (const page of pages) await settlePattern(page);
    const figures = await measured(pages);
    for (const [i, page] of pages.entries()) {
      const sender = pages[1 - i] as TestPage;
      const way = `${codec}, ${sender.browser} to ${page.browser}`;
      const [before, now] = figures[i] as readonly [PeerFigures, PeerFigures];
      const [sentBefore, sentNow] = figures[1 - i] as readonly [PeerFigures, PeerFigures];
      const sent = sentNow.framesSentByStats - sentBefore.framesSentByStats;
      const decoded = now.framesDecoded - before.framesDecoded;
      const { read, wrong, faults, numbers } = await readPattern(page);
      const tone = await readTone(page);
      const lost = lostToSeals(now) - lostToSeals(before);
      test.diagnostic(
        `${way}: ${decoded} of ${sent} decoded (${((decoded / sent) * 100).toFixed(1)} %), ${lost} lost to a seal, ` +
          `${wrong} of ${read} pictures wrong, ${new Set(numbers).size} different, tone ${tone.peaks_hz[0]?.toFixed(0)} Hz`,
      );
      assert.ok(now.codec.includes(`video/${codec}`), now.codec.join());
      assert.ok(sent >= SENT_MIN, `${way}: ${sent} were sent`);
      assert.ok(decoded >= sent * SHARE_MIN, `${way}: ${decoded} of ${sent} were decoded`);
      assert.equal(lost, 0, `${way}: ${JSON.stringify(now.framesDropped)}`);
      assert.ok(wrong <= 1 + read * 0.02, `${way}: ${wrong} of ${read} pictures are wrong: ${faults.join('; ')}`);
      assert.ok(new Set(numbers).size > SENT_MIN / 2, `${way}: the picture moves`);
      assert.deepEqual(wrongWindows(tone), [], way);
    }
    for (const page of pages) assert.deepEqual(page.errors(), []);
  }

  for (const codec of CODECS) {
    for (const pair of PAIRS) {
      it(`${codec}: ${pair.join(' and ')}`, async (test) => {
        const pages = await meet(stage, pair, `/${codec}`);
        const can = await Promise.all(pages.map((page) => page.evaluate(hasCodec, `video/${codec}`)));
        const without = pair.filter((_, i) => !can[i]);
        if (without.length > 0) return test.skip(`${without.join(', ')}: no ${codec} here`);
        await check(test, codec, pages);
      });
    }
  }
});
