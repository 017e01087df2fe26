/** Every frame sealed, in real browsers through the real relay: what arrives is what was sent, in every codec, and counted. */
import { strict as assert } from 'node:assert';
import { after, afterEach, before, describe, it } from 'node:test';
import type { BrowserName, TestPage } from '../helpers/browsers.ts';
import { inviteOf, joinByClick, roomPage } from '../helpers/call.ts';
import { patternScript, readPattern } from '../helpers/pattern.ts';
import { setStage } from '../helpers/stage.ts';
import type { Stage } from '../helpers/stage.ts';

type PeerFigures = {
  readonly framesSealed: number;
  readonly framesOpened: number;
  readonly framesDropped: Readonly<Record<string, number>>;
  readonly framesSentByStats: number;
  readonly framesDecoded: number;
  readonly codec: readonly string[];
};

/** In the page: what the statistics say of the one other. */
async function figuresOfOther(): Promise<PeerFigures | undefined> {
  const stats = await document.querySelector('tai-room')?.getStats();
  return Object.values(stats?.peers ?? {})[0];
}

/** In the page: the word for the one other. */
function encryptionOfOther(wanted: string): boolean {
  return document.querySelector('tai-room')?.participants[0]?.encryption === wanted;
}

const CODECS = ['VP8', 'VP9', 'AV1', 'H264'] as const;
const PAIRS: readonly (readonly [BrowserName, BrowserName])[] = [
  ['chromium', 'chromium'],
  ['chromium', 'firefox'],
];

function withScript(html: string, script: string): string {
  return html.replace('<script', `${script}<script`);
}

/** In the page: whether this browser sends and receives a codec. */
function hasCodec(mimeType: string): boolean {
  return [RTCRtpSender, RTCRtpReceiver].every((end) =>
    end.getCapabilities('video')?.codecs.some((codec) => codec.mimeType === mimeType),
  );
}

async function meet(
  stage: Stage,
  [host, guest]: readonly [BrowserName, BrowserName],
  path: string,
): Promise<[TestPage, TestPage]> {
  const first = await stage.open(host, `${stage.site.url}${path}`);
  await joinByClick(first);
  const second = await stage.open(guest, await inviteOf(first));
  await joinByClick(second);
  return [first, second];
}

describe('sealed frames', () => {
  let stage: Stage;
  before(async () => {
    stage = await setStage((relayUrl) => {
      const page = roomPage(relayUrl);
      const byCodec = CODECS.map((codec) => [`/${codec}`, { html: withScript(page, patternScript(`video/${codec}`)) }]);
      return {
        '/': { html: page },
        '/pattern': { html: withScript(page, patternScript()) },
        ...Object.fromEntries(byCodec),
      };
    });
  });
  afterEach(() => stage.clear());
  after(() => stage?.close());

  for (const codec of CODECS) {
    for (const pair of PAIRS) {
      it(`${codec}, ${pair.join(' and ')}: pictures arrive as they were sent, and none is lost to a seal`, async (test) => {
        const [first, second] = await meet(stage, pair, `/${codec}`);
        const can = await Promise.all([first, second].map((page) => page.evaluate(hasCodec, `video/${codec}`)));
        if (can.includes(false)) return test.skip(`not every browser here has ${codec}`);
        for (const page of [first, second]) {
          const sender = page === first ? second : first;
          const { read, wrong, numbers } = await readPattern(page);
          // Firefox sends a picture of its own, in which there is no number to be read; the first one may still be black
          if (sender.browser === 'chromium') {
            assert.ok(wrong <= 1 + read * 0.02, `${wrong} of ${read} pictures are wrong`);
            assert.ok(new Set(numbers).size > 10, 'the picture moves');
          }
          const figures = await page.evaluate(figuresOfOther);
          assert.ok(figures);
          assert.ok(figures.codec.includes(`video/${codec}`), figures.codec.join());
          assert.ok(figures.framesSealed >= figures.framesSentByStats, 'no frame went past the seal');
          // Chromium fills up with packets that it has sent before; a frame of one packet then comes twice, and counts once
          const { replayed: _, ...others } = figures.framesDropped;
          const lost = Object.values(others).reduce((sum, count) => sum + count, 0);
          assert.ok(lost <= figures.framesOpened * 0.02, JSON.stringify(figures.framesDropped));
          await page.until('encrypted', encryptionOfOther, 'encrypted');
        }
        assert.deepEqual([...first.errors(), ...second.errors()], []);
      });
    }
  }
});
