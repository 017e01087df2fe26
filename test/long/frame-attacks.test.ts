/**
 * Attacks on the frames of a real call, by a participant whose browser is its own: what it changes after our worker has sealed it
 * is never shown, is counted by reason, is told in words where it goes on, and costs nobody else a picture.
 */
import { strict as assert } from 'node:assert';
import { after, before, describe, it } from 'node:test';
import type { TestPage } from '../helpers/browsers.ts';
import { inviteOf, joinByClick, roomPage, seesOthers } from '../helpers/call.ts';
import { TAMPER_SCRIPT, attacks } from '../helpers/frame-tamper.ts';
import type { Attack } from '../helpers/frame-tamper.ts';
import type { HostPage } from '../helpers/host-page.ts';
import { sealWatchScript } from '../helpers/seal-watch.ts';
import { setStage } from '../helpers/stage.ts';
import type { Stage } from '../helpers/stage.ts';

const MALLORY = 'Mallory';
/** FR6 and SK6 promise one second; the first frame has to come as well. */
const TOLD_MAX_MS = 2_000;

const CAMERA_FPS = 5;

type Figures = {
  readonly framesOpened: number;
  readonly framesDecoded: number;
  readonly framesDropped: Readonly<Record<string, number>>;
};
type Wanted = {
  readonly name: string;
  readonly other: string;
  readonly reasons: readonly string[];
  readonly isHonestToo: boolean;
};
/** What one page has seen of an attack, in this order. */
type Testimony = {
  /** Of who attacks, and of the other: as the first frame was counted, or as it was told; and then so many frames later. */
  readonly first: readonly [Figures, Figures];
  readonly settled: readonly [Figures, Figures];
  readonly later: readonly [Figures, Figures];
  readonly encryption: readonly [string, string];
  readonly words: string;
};

/**
 * In the page, and one call for all of it, since every call takes its time on a busy machine: sees an attack by `name` to where
 * it has been told, or to where frames are seen to open in it, and a while further.
 */
async function witness({ name, other, reasons, isHonestToo }: Wanted): Promise<Testimony> {
  const room = document.querySelector('tai-room');
  const peer = (wanted: string) => room?.participants.find((each) => each.name === wanted);
  const figures = async (): Promise<[Figures, Figures]> => {
    const { peers = {} } = (await room?.getStats()) ?? {};
    const [one, two] = [peer(name), peer(other)].map((each) => each && peers[each.peerId]);
    if (!one || !two) throw new Error('somebody is not here');
    return [one, two];
  };
  const words = (): string => {
    const root = room?.shadowRoot;
    const tiles = [...(root?.querySelectorAll('tai-participant') ?? [])].map((tile) => tile.shadowRoot?.textContent);
    return [root?.querySelector('.toasts')?.textContent, ...tiles].join(' ');
  };
  const deadline = performance.now() + 30_000;
  const until = async (what: string, check: (now: [Figures, Figures]) => boolean): Promise<[Figures, Figures]> => {
    for (;;) {
      const now = await figures();
      if (check(now)) return now;
      if (performance.now() > deadline) throw new Error(`never happened: ${what}, ${JSON.stringify(now)} ${words()}`);
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  };
  const count = ([{ framesDropped }]: readonly [Figures, Figures]): number =>
    reasons.reduce((sum, reason) => sum + (framesDropped[reason] ?? 0), 0);
  const before = await figures();
  const first = await until('the first was counted', (now) => count(now) > count(before));
  const isTold = (): boolean => peer(name)?.encryption === 'wrong-key' && words().includes('Wrong keys');
  // where it is told, all from before the attack has been shown by then
  const settled = isHonestToo ? first : await until('it was told', isTold);
  const later = await until('more were counted, and the others heard', (now) => {
    const [mine, theirs] = now;
    const isGoingOn =
      mine.framesOpened >= settled[0].framesOpened + 10 && mine.framesDecoded > settled[0].framesDecoded;
    const isOtherHeard = theirs.framesOpened >= settled[1].framesOpened + 5;
    return count(now) >= count(settled) + 10 && isOtherHeard && (isGoingOn || !isHonestToo);
  });
  const encryption = [peer(name)?.encryption ?? '', peer(other)?.encryption ?? ''] as const;
  return { first, settled, later, encryption, words: words() };
}

/** In the page: until frames of these open again, and what is said of them says so. */
async function recovers(names: readonly string[]): Promise<true> {
  const room = document.querySelector('tai-room');
  const deadline = performance.now() + 30_000;
  const opened = async (name: string): Promise<readonly [number, number]> => {
    const peer = room?.participants.find((each) => each.name === name);
    const stats = (await room?.getStats())?.peers[peer?.peerId ?? ''];
    return peer?.encryption === 'encrypted' && stats ? [stats.framesOpened, stats.framesDecoded] : [0, 0];
  };
  for (const [index, name] of names.entries()) {
    let from: readonly [number, number] = [0, 0];
    for (;;) {
      const now = await opened(name);
      if (now[0] === 0 || from[0] === 0) from = now;
      // only the first of them has a camera
      else if (now[0] >= from[0] + 10 && (index > 0 || now[1] > from[1])) break;
      if (performance.now() > deadline) throw new Error(`never happened: frames of ${name} open, ${now.join()}`);
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  }
  return true;
}

type Told = { readonly code: string; readonly at: number };

/** In the page: errors that the room tells from now on, with their time by the machine's clock. */
function watchErrors(): void {
  const told: Told[] = [];
  Object.assign(globalThis, { told });
  document.querySelector('tai-room')?.addEventListener('tai-error', ({ code }) => told.push({ code, at: Date.now() }));
}

/** In the page: those told since the last time. */
function errorsTold(): readonly Told[] {
  return (globalThis as { told?: Told[] }).told?.splice(0) ?? [];
}

/**
 * By attack: the reasons that are counted, and no other. `isHonestToo`: frames in between are as they should be, and
 * the call goes on with them.
 */
const ATTACKS: readonly {
  readonly attack: Attack;
  readonly reasons: readonly string[];
  readonly isHonestToo?: true;
}[] = [
  // what a packet's first bytes happen to say, a header that cannot be or a key that nobody has
  { attack: 'plaintext', reasons: ['malformed', 'unknown-key', 'unopened'] },
  { attack: 'replayed', reasons: ['replayed'], isHonestToo: true },
  { attack: 'swapped', reasons: ['unopened'] },
  { attack: 'moved', reasons: ['unknown-key'] },
  { attack: 'unknown-kid', reasons: ['unknown-key'] },
  { attack: 'other-kid', reasons: ['unopened'] },
  { attack: 'altered', reasons: ['unopened'] },
  { attack: 'cut', reasons: ['malformed'] },
  { attack: 'foreign-key', reasons: ['unopened'] },
];

describe('attacks on frames', () => {
  let stage: Stage;
  let mallory: TestPage;
  let victims: readonly [TestPage, TestPage];
  before(async () => {
    const pages = (relayUrl: string): Readonly<Record<string, HostPage>> => {
      const page = roomPage(relayUrl, `display-name="${MALLORY}"`);
      const script = sealWatchScript({ workerScript: TAMPER_SCRIPT });
      return {
        '/mallory': { html: page.replace('<script', (tag) => script + tag) },
        '/chromium': { html: roomPage(relayUrl, 'display-name="chromium" media="audio"') },
        '/firefox': { html: roomPage(relayUrl, 'display-name="firefox" media="audio"') },
      };
    };
    // three people on two processors: one camera, and most of what is counted is sound
    stage = await setStage(pages, ['chromium', 'firefox'], {}, { cameraFps: CAMERA_FPS });
    mallory = await stage.open('chromium', `${stage.site.url}/mallory`);
    await joinByClick(mallory);
    const invite = await inviteOf(mallory);
    const join = async (name: 'chromium' | 'firefox'): Promise<TestPage> => {
      const page = await stage.open(name, invite.replace('/mallory', `/${name}`));
      await joinByClick(page);
      return page;
    };
    victims = [await join('chromium'), await join('firefox')];
    await Promise.all([mallory, ...victims].map((page) => seesOthers(page, 2)));
    await Promise.all(victims.map((page) => page.evaluate(recovers, [MALLORY, nameOfOther(page)])));
    await Promise.all(victims.map((page) => page.evaluate(watchErrors)));
  });
  after(() => stage?.close());

  const nameOfOther = (page: TestPage): string => (page === victims[0] ? 'firefox' : 'chromium');

  for (const { attack, reasons, isHonestToo } of ATTACKS) {
    it(`${attack}: ${reasons.join(' or ')}, shown to nobody, ${isHonestToo ? 'and the call goes on' : 'told as wrong keys, until frames open again'}`, async () => {
      await mallory.evaluate(attacks, attack);
      // told to the peers as another than the one that then seals
      if (attack === 'foreign-key') await mallory.evaluate(() => document.querySelector('tai-room')?.rotateKey());
      const testimonies = await Promise.all(
        victims.map((page) =>
          page.evaluate(witness, {
            name: MALLORY,
            other: nameOfOther(page),
            reasons,
            isHonestToo: isHonestToo ?? false,
          }),
        ),
      );
      const { since } = await mallory.evaluate(attacks, '');
      for (const [index, { first, settled, later, encryption, words }] of testimonies.entries()) {
        const told = await victims[index as 0 | 1].evaluate(errorsTold);
        if (isHonestToo) {
          assert.deepEqual([told, encryption], [[], ['encrypted', 'encrypted']]);
        } else {
          assert.equal(later[0].framesOpened, settled[0].framesOpened, 'opened in an attack');
          assert.equal(later[0].framesDecoded, settled[0].framesDecoded, 'decoded in an attack');
          assert.deepEqual(encryption, ['wrong-key', 'encrypted']);
          assert.ok(words.includes(`in the name of ${MALLORY}`), words);
          assert.deepEqual([...new Set(told.map(({ code }) => code))], ['wrong-key']);
          const told_ms = (told[0]?.at ?? Infinity) - since;
          assert.ok(told_ms <= TOLD_MAX_MS, `told after ${told_ms} ms`);
        }
        const grown = ([was, is]: readonly [Figures, Figures]): readonly string[] =>
          // Chromium re-sends old packets as padding
          Object.keys(is.framesDropped).filter(
            (each) => each !== 'replayed' && is.framesDropped[each] !== was.framesDropped[each],
          );
        const others = grown([first[0], later[0]]).filter((each) => !reasons.includes(each));
        assert.deepEqual(others, [], 'counted for another reason');
        assert.deepEqual(grown([first[1], later[1]]), [], 'lost between those whom nobody has attacked');
      }
      await Promise.all(victims.map((page) => page.evaluate(recovers, [MALLORY])));
    });
  }
});
