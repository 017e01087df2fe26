/** PR in real browsers, at the real coturn: who hides its addresses is reached through the TURN host, and by no packet of its own. */
import { strict as assert } from 'node:assert';
import { after, afterEach, before, describe, it } from 'node:test';
import type { BrowserName, TestPage } from '../helpers/browsers.ts';
import { BROWSER_NAMES } from '../helpers/browsers.ts';
import { hearsAudio, inviteOf, joinByClick, roomPage, seesVideo } from '../helpers/call.ts';
import { startCoturn } from '../helpers/coturn.ts';
import type { Coturn } from '../helpers/coturn.ts';
import { LEAK, RELAYED, WATCH, arrivals, heardTexts, leaksTo, openConnections, plantLeak } from '../helpers/hidden.ts';
import { ownHostCandidates } from '../helpers/hidden.ts';
import { eventually } from '../helpers/eventually.ts';
import { captureLoopback } from '../helpers/loopback.ts';
import type { Capture } from '../helpers/loopback.ts';
import { withScripts } from '../helpers/sealed-call.ts';
import { SMALL_PICTURES, setStage } from '../helpers/stage.ts';
import type { Stage } from '../helpers/stage.ts';

let stage: Stage;
let coturn: Coturn;
let capture: Capture | undefined;

type Room = HTMLElement & {
  readonly participants: readonly { readonly encryption: string; readonly isAddressHidden: boolean }[];
  readonly encryption: { readonly isAddressHidden: boolean };
  setPrivate(on: boolean): void;
  getStats(): Promise<{
    readonly peers: Readonly<Record<string, { readonly link: string; readonly candidateType: string }>>;
  }>;
};

/** In the page: of the one other. */
async function pathOfOther(): Promise<string> {
  const stats = await document.querySelector<Room>('tai-room')?.getStats();
  const [path] = Object.values(stats?.peers ?? {});
  return path ? `${path.link} ${path.candidateType}` : '';
}

async function isHiddenFromOther(): Promise<boolean> {
  const stats = await document.querySelector<Room>('tai-room')?.getStats();
  return Object.values(stats?.peers ?? {}).every(
    ({ link, candidateType }) => link === 'relay' && candidateType === 'relay',
  );
}

function seesHiding(): boolean {
  return document.querySelector<Room>('tai-room')?.participants[0]?.isAddressHidden ?? false;
}

function isEncrypted(): boolean {
  return document.querySelector<Room>('tai-room')?.participants[0]?.encryption === 'encrypted';
}

function isPrivate(): boolean {
  return document.querySelector('tai-room')?.matches(':state(private)') ?? false;
}

/** The hider opens the room; the other comes. */
async function meet(hider: BrowserName, peer: BrowserName, path: string): Promise<readonly [TestPage, TestPage]> {
  capture = await captureLoopback();
  const first = await stage.open(hider, `${stage.site.url}${path}`);
  await joinByClick(first);
  const second = await stage.open(peer, (await inviteOf(first)).replace(path, '/'));
  await joinByClick(second);
  return [first, second];
}

async function talk(pages: readonly TestPage[]): Promise<void> {
  await Promise.all(pages.map((page) => seesVideo(page, 1)));
  await Promise.all(pages.map((page) => hearsAudio(page, 1)));
  await Promise.all(pages.map((page) => page.until('keys are confirmed', isEncrypted)));
}

describe('hidden addresses', () => {
  before(async () => {
    coturn = await startCoturn({ relay: RELAYED });
    const pages = (url: string): Record<string, { html: string }> => ({
      '/': { html: withScripts(roomPage(url), WATCH) },
      '/private': { html: withScripts(roomPage(url, 'private'), WATCH) },
      '/leaky': { html: withScripts(roomPage(url, 'private'), LEAK, WATCH) },
    });
    const settings = { TURN_URLS: JSON.stringify(coturn.urls), TURN_SECRET: coturn.secret };
    stage = await setStage(pages, BROWSER_NAMES, settings, SMALL_PICTURES);
  });
  afterEach(async () => {
    await capture?.stop();
    capture = undefined;
    await stage.clear();
  });
  after(async () => {
    await stage?.close();
    await coturn?.stop();
  });

  for (const name of BROWSER_NAMES) {
    const other = BROWSER_NAMES.find((each) => each !== name) ?? name;
    describe(`in ${name}, from ${other}`, () => {
      it('PR1–PR8: a call goes through coturn, sealed, and nothing of the hider’s own reaches the other', async () => {
        const [hider, peer] = await meet(name, other, '/private');
        await talk([hider, peer]);
        assert.equal(await hider.evaluate(pathOfOther), 'relay relay');
        assert.match(await peer.evaluate(pathOfOther), /^relay /);
        assert.ok(await hider.evaluate(isPrivate), ':state(private)');
        assert.ok(!(await peer.evaluate(isPrivate)) && (await peer.evaluate(seesHiding)), 'the other is told');
        assert.deepEqual(await leaksTo(peer, coturn, capture), []);
        if (capture) assert.ok((await arrivals(peer, capture)) > 50, 'the capture shows what comes');
        for (const page of [hider, peer]) {
          const sdps = (await page.evaluate(heardTexts)).filter((text) => text.startsWith('v=0'));
          assert.ok(
            sdps.length > 0 && sdps.every((sdp) => sdp.includes('cbr=1;usedtx=0') && !sdp.includes('audio-level')),
          );
        }
        assert.deepEqual(hider.errors(), []);
      });

      it('PR9: a browser that goes straight all the same is found out: closed, told, and seen by this test', async () => {
        const [hider, peer] = await meet(name, other, '/leaky');
        assert.ok(await hider.evaluate(isPrivate), 'nothing shows yet');
        // into whatever connection there is by then, with whatever the other has found by then
        await eventually('it is noticed', async () => {
          await hider.evaluate(plantLeak, await peer.evaluate(ownHostCandidates));
          return !(await hider.evaluate(isPrivate));
        });
        const shown = await hider.evaluate(() => {
          const toasts = document.querySelector('tai-room')?.shadowRoot?.querySelectorAll('[part~=toast]') ?? [];
          return [...toasts].map((toast) => toast.textContent).join();
        });
        assert.match(shown, /did not go through a TURN host/);
        assert.equal(await hider.evaluate(openConnections), 0);
        // what the test above looks for is there: in what came, if not in what the other's browser still says of it
        if (capture) assert.notDeepEqual(await leaksTo(peer, coturn, capture), []);
      });

      it('PR11: switched on in a call, every connection is made anew through coturn', async () => {
        const [hider, peer] = await meet(name, other, '/');
        await talk([hider, peer]);
        assert.match(await hider.evaluate(pathOfOther), /^direct /);
        await hider.evaluate(() => document.querySelector<Room>('tai-room')?.setPrivate(true));
        await hider.until('it is on', isPrivate);
        await peer.until('the other is told', seesHiding);
        await hider.until('all goes through coturn', isHiddenFromOther);
        await talk([hider, peer]);
        assert.equal(await hider.evaluate(pathOfOther), 'relay relay');
        assert.equal(await hider.evaluate(openConnections), 1, 'those before are closed');
        const refused = await hider.evaluate(() => {
          try {
            document.querySelector<Room>('tai-room')?.setPrivate(false);
          } catch (error) {
            return String(error);
          }
          return '';
        });
        assert.match(refused, /cannot be switched off in a call/);
      });
    });
  }
});
