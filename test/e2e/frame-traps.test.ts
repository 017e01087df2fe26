/**
 * Where browsers let frames out unsealed, or never hand them over: each trap that was measured, as a test that fails where our
 * code steps into it. What is watched, and what is broken on purpose, is in test/helpers/seal-watch.ts.
 */
import { strict as assert } from 'node:assert';
import { after, afterEach, before, describe, it } from 'node:test';
import { BROWSER_NAMES } from '../helpers/browsers.ts';
import type { BrowserName, TestPage } from '../helpers/browsers.ts';
import {
  inviteOf,
  joinByClick,
  leaves,
  publishes,
  roomPage,
  roomState,
  seesOthers,
  seesVideo,
} from '../helpers/call.ts';
import { EMPTYING_SCRIPT, emptying, hasEmptied } from '../helpers/frame-tamper.ts';
import { patternScript, readPattern } from '../helpers/pattern.ts';
import {
  endWorker,
  hasWorkers,
  isConnected,
  isHeld,
  packets,
  releaseReady,
  sealFacts,
  sealWatchScript,
} from '../helpers/seal-watch.ts';
import { setStage } from '../helpers/stage.ts';
import type { Stage } from '../helpers/stage.ts';
import { isEncryptedAs, isShownInRoom } from '../helpers/trust.ts';

/** Enough to know that pictures come, and go on coming. */
const FRAMES = 5;
const PLACES = ['audio', 'video'];

type Figures = {
  readonly framesSealed: number;
  readonly framesOpened: number;
  readonly framesDropped: Readonly<Record<string, number>>;
  readonly framesSentByStats: number;
  readonly framesDecoded: number;
};

/** In the page: what the statistics say of the one other. */
async function figuresOfOther(): Promise<Figures | undefined> {
  const stats = await document.querySelector('tai-room')?.getStats();
  return Object.values(stats?.peers ?? {})[0];
}

async function hasOpened(frames: number): Promise<boolean> {
  const stats = await document.querySelector('tai-room')?.getStats();
  return (Object.values(stats?.peers ?? {})[0]?.framesOpened ?? 0) >= frames;
}

/** In the page: whether the room says this anywhere, and what `join()` says. */
function refusalOf(words: string): string | undefined {
  const texts = (root: ParentNode): string =>
    [...root.querySelectorAll('*')]
      .map(({ shadowRoot }) => (shadowRoot ? `${shadowRoot.textContent} ${texts(shadowRoot)}` : ''))
      .join(' ');
  if (!texts(document).includes(words)) return undefined;
  try {
    document.querySelector('tai-room')?.join();
    return 'joins';
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

/** Chromium re-sends packets as padding: a frame of one packet then comes twice, and counts once. */
function faults({ framesDropped }: Figures): Readonly<Record<string, number>> {
  const { replayed: _, ...others } = framesDropped;
  return others;
}

describe('traps of encoded transforms', () => {
  let stage: Stage;
  before(async () => {
    stage = await setStage((relayUrl) => {
      const page = roomPage(relayUrl);
      const withScripts = (...scripts: string[]): { html: string } => ({
        html: page.replace('<script', (tag) => scripts.join('') + tag),
      });
      return {
        '/': withScripts(sealWatchScript()),
        '/pattern': withScripts(patternScript(), sealWatchScript()),
        '/holds': withScripts(sealWatchScript({ holdsReady: true })),
        '/late': withScripts(sealWatchScript({ isLate: true })),
        '/leaky': withScripts(sealWatchScript({ isLate: true, isUnflagged: true })),
        '/empties': withScripts(sealWatchScript({ workerScript: EMPTYING_SCRIPT })),
        '/streams': withScripts(patternScript(), sealWatchScript({ lacks: 'script-transform' })),
        '/unable': withScripts(sealWatchScript({ lacks: 'all-transforms' })),
      };
    });
  });
  afterEach(() => stage.clear());
  after(() => stage?.close());

  /** The first one's page by path; the other is at its invitation, or at another page of the same room. */
  async function meet(
    [host, path]: readonly [BrowserName, string],
    [guest, guestPath = path]: readonly [BrowserName, string?],
  ): Promise<[TestPage, TestPage]> {
    const first = await stage.open(host, `${stage.site.url}${path}`);
    await joinByClick(first);
    const invite = new URL(await inviteOf(first));
    invite.pathname = guestPath;
    const second = await stage.open(guest, invite.href);
    await joinByClick(second);
    return [first, second];
  }

  it('both browsers, offering and answering: transforms in the task that makes a place, tracks after the word of the worker, for a whole call', async () => {
    const [first, second] = await meet(['chromium', '/'], ['firefox']);
    const both = [first, second];
    await Promise.all(both.map((page) => seesVideo(page, 1, FRAMES)));
    for (const page of both) {
      await page.evaluate(() => {
        document.querySelector('tai-room')?.toggleCamera(false);
        document.querySelector('tai-room')?.toggleMicrophone(false);
      });
    }
    for (const page of both) await page.until('nothing sent', publishes, { microphone: true, camera: undefined });
    for (const page of both) {
      await page.evaluate(() => {
        document.querySelector('tai-room')?.toggleCamera(true);
        document.querySelector('tai-room')?.toggleMicrophone(true);
      });
    }
    await Promise.all(both.map((page) => seesVideo(page, 1, FRAMES)));
    // the host comes back as the newcomer, who offers
    await leaves(first);
    await seesOthers(second, 0);
    await first.evaluate(() => document.querySelector('tai-room')?.join());
    await first.until('joined again', roomState, 'joined');
    await Promise.all(both.map((page) => seesVideo(page, 1, FRAMES)));
    await leaves(second);
    await leaves(first);
    for (const page of both) {
      const { places, flags, cleared, filled, early } = await page.evaluate(sealFacts);
      for (const by of ['made', 'met'] as const) {
        const kinds = places.filter((place) => place.by === by).map(({ kind }) => kind);
        assert.deepEqual([...new Set(kinds)].sort(), PLACES, `${page.browser} has ${by} both places`);
      }
      const unguarded = places.filter(({ isGuarded }) => !isGuarded);
      assert.deepEqual(unguarded, [], `${page.browser}: places without a transform at the end of their task`);
      assert.ok(flags.length >= 2 && flags.every((flag) => flag === true), `${page.browser}: ${String(flags)}`);
      assert.equal(cleared, 0, `${page.browser}: transforms taken away`);
      assert.ok(filled >= 4, `${page.browser}: only ${filled} tracks given to senders`);
      assert.deepEqual(early, [], `${page.browser}: tracks before the worker's word`);
      assert.deepEqual(page.errors(), []);
    }
  });

  for (const host of BROWSER_NAMES) {
    it(`${host}: a connection that stands carries no packet until the worker has said that it seals`, async () => {
      const [first, second] = await meet([host, '/holds'], ['chromium', '/']);
      await seesVideo(first, 1, FRAMES);
      await first.until('ready, unheard', isHeld, PLACES.length);
      const { filled, places } = await first.evaluate(sealFacts);
      assert.equal(filled, 0);
      assert.equal(places.length, PLACES.length);
      assert.equal((await first.evaluate(packets)).sent, 0);
      assert.equal((await second.evaluate(packets)).received, 0);
      await first.evaluate(releaseReady);
      await seesVideo(second, 1, FRAMES);
      assert.deepEqual((await first.evaluate(sealFacts)).early, []);
    });
  }

  it('Chromium: where a transform comes a task late all the same, the flag keeps frames in until it is there', async () => {
    const [, second] = await meet(['chromium', '/late'], ['chromium', '/']);
    await second.until('connected', isConnected);
    await second.until('sealed frames', hasOpened, 50);
    const figures = await second.evaluate(figuresOfOther);
    assert.ok(figures && figures.framesDecoded > 0);
    assert.deepEqual(faults(figures), {}, 'nothing came in the clear');
  });

  it('Chromium: frames that go past the worker are noticed, sending stops, and the page is told; they are never shown', async () => {
    const [first, second] = await meet(['chromium', '/leaky'], ['chromium', '/']);
    await second.until('frames that do not open', isEncryptedAs, 'wrong-key');
    await first.until('stopped', isEncryptedAs, 'unsupported');
    assert.ok((await first.evaluate(sealFacts)).errors.includes('frames-unsealed'));
    assert.equal(await first.evaluate(isShownInRoom, 'sent frames past our seal'), true);
    const { sent } = await first.evaluate(packets);
    // the other one's pictures come as before, and meanwhile nothing goes out any more
    await seesVideo(first, 1, FRAMES);
    const later = await first.evaluate(packets);
    assert.ok(later.sent - sent < FRAMES, `${later.sent - sent} packets after the end`);
    const figures = await second.evaluate(figuresOfOther);
    assert.ok(figures);
    assert.ok(Object.keys(faults(figures)).length > 0, 'none came: the trap was not there');
    assert.equal(figures.framesOpened, 0);
    assert.equal(figures.framesDecoded, 0);
  });

  for (const host of BROWSER_NAMES) {
    it(`${host}: a worker that dies stops all sending, and a new one with new keys takes up the call`, async () => {
      const [first, second] = await meet([host, '/'], ['chromium']);
      await Promise.all([first, second].map((page) => seesVideo(page, 1, FRAMES)));
      const before = [await first.evaluate(sealFacts), await second.evaluate(sealFacts)] as const;
      await first.evaluate(endWorker);
      await first.until('a new worker', hasWorkers, 2);
      await Promise.all([first, second].map((page) => seesVideo(page, 1, FRAMES)));
      await Promise.all([first, second].map((page) => page.until('encrypted', isEncryptedAs, 'encrypted')));
      const facts = [await first.evaluate(sealFacts), await second.evaluate(sealFacts)] as const;
      // what the sockets held is gone by the third reading
      const [, , settled, ...later] = facts[0].sent;
      assert.ok(settled !== undefined && later.length > 2, 'the count came too late');
      assert.ok(
        later.every((count) => count === settled),
        `packets went on: ${facts[0].sent.join()}`,
      );
      assert.ok(facts[0].generations.some(({ worker }) => worker === 1));
      for (const [side, { generations, flags, places, early }] of facts.entries()) {
        const old = Math.max(...(before[side]?.generations ?? []).map(({ generation }) => generation));
        const fresh = generations.slice(before[side]?.generations.length);
        assert.ok(fresh.length > 0 && fresh.every(({ generation }) => generation > old), JSON.stringify(generations));
        assert.ok(flags.length >= 2, 'connections were made anew');
        assert.deepEqual(early, []);
        assert.deepEqual(
          places.filter(({ isGuarded }) => !isGuarded),
          [],
        );
      }
    });
  }

  it('frames without content are passed on as nothing, and neither sealed nor opened', async () => {
    const pages = await meet(['chromium', '/empties'], ['firefox']);
    await Promise.all(pages.map((page) => page.evaluate(emptying)));
    for (const page of pages) {
      await page.until('empty frames', hasEmptied, 20);
    }
    for (const page of pages) {
      const { emptied, passedEmpty, passedFull } = await page.evaluate(emptying);
      assert.equal(passedFull, 0, `${page.browser} has sealed nothing`);
      // one may be on its way
      assert.ok(passedEmpty >= emptied - 2, `${page.browser}: ${passedEmpty} of ${emptied}`);
      await seesVideo(page, 1, FRAMES);
      assert.equal(await page.evaluate(isEncryptedAs, 'encrypted'), true);
    }
  });

  for (const other of ['/streams', '/pattern']) {
    it(`createEncodedStreams alone (Chromium before 141), with ${other}: pictures arrive as they were sent, sealed`, async () => {
      const pages = await meet(['chromium', '/streams'], ['chromium', other]);
      for (const page of pages) {
        const { read, wrong, numbers } = await readPattern(page, 15);
        assert.ok(wrong <= 1, `${wrong} of ${read} pictures are wrong`);
        assert.ok(new Set(numbers).size > 5, 'the picture moves');
      }
      for (const page of pages) {
        const figures = await page.evaluate(figuresOfOther);
        assert.ok(figures);
        assert.ok(figures.framesOpened > 0);
        assert.ok(figures.framesSealed >= figures.framesSentByStats, 'no frame went past the seal');
        assert.deepEqual(faults(figures), {});
        await page.until('encrypted', isEncryptedAs, 'encrypted');
        const { early, places } = await page.evaluate(sealFacts);
        assert.deepEqual(early, []);
        assert.deepEqual(
          places.filter(({ isGuarded }) => !isGuarded),
          [],
        );
      }
    });
  }

  for (const browser of BROWSER_NAMES) {
    it(`${browser} without any transform joins nothing, asks for nothing, and says so`, async () => {
      const page = await stage.open(browser, `${stage.site.url}/unable`);
      const code = await page.until('the reason', refusalOf, 'cannot make calls whose frames are sealed');
      assert.equal(code, 'unsupported-browser');
      const { asked, sockets, flags, errors } = await page.evaluate(sealFacts);
      assert.deepEqual([...new Set(errors)], ['unsupported-browser']);
      assert.deepEqual({ asked, sockets, connections: flags.length }, { asked: 0, sockets: 0, connections: 0 });
    });
  }
});
