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
import type { SealFacts, WatchedPlace } from '../helpers/seal-watch.ts';
import { SMALL_PICTURES, setStage } from '../helpers/stage.ts';
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

/** In the page: what the statistics say of every other. */
async function figures(): Promise<readonly Figures[]> {
  const stats = await document.querySelector('tai-room')?.getStats();
  return Object.values(stats?.peers ?? {});
}

/** In the page: whether so many frames of the one other have opened. */
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

/** In the page: what is read next is the picture of who is there now. */
function forgetPattern(): void {
  const room = document.querySelector('tai-room') as { reader?: unknown } | null;
  delete room?.reader;
}

function unguarded({ places }: SealFacts): readonly WatchedPlace[] {
  return places.filter(({ isGuarded }) => !isGuarded);
}

describe('traps of encoded transforms', () => {
  let stage: Stage;
  before(async () => {
    const pages = (relayUrl: string) => {
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
    };
    stage = await setStage(pages, BROWSER_NAMES, {}, SMALL_PICTURES);
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

  it('both browsers: transforms in the task that makes a place, and not a packet before the word of the worker, for a whole call', async () => {
    const both = await meet(['chromium', '/holds'], ['firefox']);
    const [first, second] = both;
    for (const page of both) {
      await page.until('a connection', isConnected);
      await page.until('ready, unheard', isHeld, PLACES.length);
    }
    for (const page of both) {
      assert.equal((await page.evaluate(sealFacts)).filled, 0, `${page.browser} has given tracks to senders`);
      assert.deepEqual(await page.evaluate(packets), { sent: 0, received: 0 });
    }
    for (const page of both) await page.evaluate(releaseReady);
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
      const facts = await page.evaluate(sealFacts);
      const { places, flags, cleared, filled, early } = facts;
      for (const by of ['made', 'met'] as const) {
        const kinds = places.filter((place) => place.by === by).map(({ kind }) => kind);
        assert.deepEqual([...new Set(kinds)].sort(), PLACES, `${page.browser} has ${by} both places`);
      }
      assert.deepEqual(unguarded(facts), [], `${page.browser}: places without a transform at the end of their task`);
      assert.ok(flags.length >= 2 && flags.every((flag) => flag === true), `${page.browser}: ${String(flags)}`);
      assert.equal(cleared, 0, `${page.browser}: transforms taken away`);
      assert.ok(filled >= 4, `${page.browser}: only ${filled} tracks given to senders`);
      assert.deepEqual(early, [], `${page.browser}: tracks before the worker's word`);
      assert.deepEqual(page.errors(), []);
    }
  });

  it('Chromium: where a transform comes a task late all the same, the flag keeps frames in until it is there', async () => {
    const [, second] = await meet(['chromium', '/late'], ['chromium', '/']);
    await second.until('connected', isConnected);
    await second.until('sealed frames', hasOpened, 50);
    const [other = assert.fail()] = await second.evaluate(figures);
    assert.equal(other.framesDropped['malformed'], undefined, 'nothing came in the clear');
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
    const [other = assert.fail()] = await second.evaluate(figures);
    const dropped = Object.values(other.framesDropped).reduce((sum, count) => sum + count, 0);
    assert.ok(dropped >= 20, 'none came in the clear: the trap was not there');
    assert.equal(other.framesOpened, 0);
    assert.equal(other.framesDecoded, 0);
  });

  it('a worker that dies, in either browser, stops all sending there, and a new one with new keys takes up the call', async () => {
    const both = await meet(['chromium', '/'], ['firefox']);
    await Promise.all(both.map((page) => seesVideo(page, 1, FRAMES)));
    for (const dying of both) {
      const before = await Promise.all(both.map((page) => page.evaluate(sealFacts)));
      await dying.evaluate(endWorker);
      await dying.until('a new worker', hasWorkers, 2);
      await Promise.all(both.map((page) => seesVideo(page, 1, FRAMES)));
      await Promise.all(both.map((page) => page.until('encrypted', isEncryptedAs, 'encrypted')));
      const { sent, generations } = await dying.evaluate(sealFacts);
      // what was on its way is gone by the third reading
      const [, , settled, ...later] = sent;
      assert.ok(later.length > 2, 'the count came too late');
      assert.deepEqual([...new Set(later)], [settled], `${dying.browser} has gone on sending: ${sent.join()}`);
      assert.ok(generations.some(({ worker }) => worker === 1));
      for (const [side, page] of both.entries()) {
        const facts = await page.evaluate(sealFacts);
        const known = before[side]?.generations ?? [];
        const newest = Math.max(...known.map(({ generation }) => generation));
        const fresh = facts.generations.slice(known.length).map(({ generation }) => generation);
        assert.ok(fresh.length > 0 && Math.min(...fresh) > newest, `${fresh.join()} after ${newest}`);
        assert.ok(facts.flags.length > (before[side]?.flags.length ?? 0), 'connections were made anew');
        assert.deepEqual(unguarded(facts), []);
        assert.deepEqual(facts.early, []);
      }
    }
  });

  it('frames without content are passed on as nothing, and neither sealed nor opened', async () => {
    const pages = await meet(['chromium', '/empties'], ['firefox']);
    await Promise.all(pages.map((page) => page.evaluate(emptying)));
    for (const page of pages) {
      await page.until('empty frames', hasEmptied, 10);
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

  it('createEncodedStreams alone (Chromium before 141), with its like and with a browser of today: pictures arrive as they were sent, sealed', async () => {
    const [first, second] = await meet(['chromium', '/streams'], ['chromium']);
    await showSealed([first, second]);
    await leaves(second);
    await second.close();
    const third = await stage.open('chromium', (await inviteOf(first)).replace('/streams', '/pattern'));
    await joinByClick(third);
    await seesOthers(first, 1);
    await first.evaluate(forgetPattern);
    await showSealed([first, third]);
  });

  async function showSealed(pages: readonly TestPage[]): Promise<void> {
    for (const page of pages) {
      const { read, wrong, faults, numbers } = await readPattern(page, 12);
      assert.ok(wrong <= 1, `${wrong} of ${read} pictures are wrong: ${faults.join('; ')}`);
      assert.ok(new Set(numbers).size > 5, 'the picture moves');
    }
    for (const page of pages) {
      const [other = assert.fail()] = await page.evaluate(figures);
      assert.ok(other.framesDecoded > 0 && other.framesOpened > 0);
      assert.ok(other.framesSealed >= other.framesSentByStats, 'no frame went past the seal');
      assert.equal(other.framesDropped['malformed'], undefined, 'nothing came in the clear');
      const facts = await page.evaluate(sealFacts);
      assert.deepEqual(unguarded(facts), []);
      assert.deepEqual(facts.early, []);
    }
  }

  it('a browser without any transform joins nothing, asks for nothing, and says so', async () => {
    const pages = await Promise.all(BROWSER_NAMES.map((name) => stage.open(name, `${stage.site.url}/unable`)));
    for (const page of pages) {
      const code = await page.until('the reason', refusalOf, 'cannot make calls whose frames are sealed');
      assert.equal(code, 'unsupported-browser');
      const { asked, sockets, flags, errors } = await page.evaluate(sealFacts);
      assert.deepEqual([...new Set(errors)], ['unsupported-browser']);
      assert.deepEqual({ asked, sockets, connections: flags.length }, { asked: 0, sockets: 0, connections: 0 });
    }
  });
});
