/** Every frame sealed, in real browsers through the real relay: what arrives is what was sent, in every codec, and counted. */
import { strict as assert } from 'node:assert';
import { after, afterEach, before, describe, it } from 'node:test';
import type { BrowserName, TestPage } from '../helpers/browsers.ts';
import { roomPage } from '../helpers/call.ts';
import { comeAndGo } from '../helpers/come-and-go.ts';
import { booksScript } from '../helpers/leaks.ts';
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
import { setStage } from '../helpers/stage.ts';
import type { Stage } from '../helpers/stage.ts';
import { readTone, wrongWindows } from '../helpers/tone.ts';

/** Every codec goes through the same hands; what different browsers make of each other is seen with one, of all in test/long. */
const LIKE: readonly [BrowserName, BrowserName] = ['chromium', 'chromium'];
const PAIRS: readonly (readonly [BrowserName, BrowserName])[] = [
  ['chromium', 'firefox'],
  ['firefox', 'firefox'],
  ['firefox', 'chromium'],
];
const CASES = [...CODECS.map((codec) => ({ codec, pair: LIKE })), ...PAIRS.map((pair) => ({ codec: 'VP8', pair }))];
/** With this one the sound is listened to as well. */
const LISTENED = 'VP8';

describe('sealed frames', () => {
  let stage: Stage;
  before(async () => {
    stage = await setStage((relayUrl) => {
      const page = roomPage(relayUrl);
      const byCodec = CODECS.map((codec) => [
        `/${codec}`,
        { html: withScripts(page, patternScript(`video/${codec}`)) },
      ]);
      return {
        '/': { html: withScripts(page, booksScript()) },
        ...Object.fromEntries(byCodec),
      };
    });
  });
  afterEach(() => stage.clear());
  after(() => stage?.close());

  for (const { codec, pair } of CASES) {
    it(`${codec}, ${pair.join(' and ')}: what was sent arrives, and none is lost to a seal`, async (test) => {
      const [first, second] = await meet(stage, pair, `/${codec}`);
      const can = await Promise.all([first, second].map((page) => page.evaluate(hasCodec, `video/${codec}`)));
      if (can.includes(false)) return test.skip(`not every browser here has ${codec}`);
      // at once: as long as one is read, both code
      const examine = async (page: TestPage): Promise<void> => {
        await settlePattern(page);
        const { read, wrong, faults, numbers } = await readPattern(page);
        assert.ok(wrong <= 1 + read * 0.02, `${wrong} of ${read} pictures are wrong: ${faults.join('; ')}`);
        assert.ok(new Set(numbers).size > 10, 'the picture moves');
        if (codec === LISTENED) assert.deepEqual(wrongWindows(await readTone(page)), [], 'the tone that was sent');
        const figures = await page.evaluate(figuresOfOther);
        assert.ok(figures);
        assert.ok(figures.codec.includes(`video/${codec}`), figures.codec.join());
        assert.ok(figures.framesSealed >= figures.framesSentByStats, 'no frame went past the seal');
        assert.ok(lostToSeals(figures) <= figures.framesOpened * 0.02, JSON.stringify(figures.framesDropped));
        await page.until('encrypted', encryptionOfOther, 'encrypted');
      };
      await Promise.all([first, second].map(examine));
      assert.deepEqual([...first.errors(), ...second.errors()], []);
    });
  }

  it('who comes and goes leaves no connection, track, worker or detached element', async (test) => {
    for (const line of await comeAndGo(stage, 5)) test.diagnostic(line);
  });
});
