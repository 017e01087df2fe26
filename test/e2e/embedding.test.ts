/** A room is a guest in somebody's page: it shares nothing, breaks nothing, survives what pages do. */
import { strict as assert } from 'node:assert';
import { after, afterEach, before, describe, it } from 'node:test';
import { BROWSER_NAMES } from '../helpers/browsers.ts';
import { inviteOf, joinByClick, roomPage, seesOthers, seesVideo } from '../helpers/call.ts';
import { SMALL_PICTURES, setStage } from '../helpers/stage.ts';
import type { Stage } from '../helpers/stage.ts';

type Room = HTMLElement & {
  readonly state: string;
  readonly participants: readonly { readonly peerId: string; readonly name: string }[];
  roomSecret: Uint8Array;
  join(): void;
  leave(): void;
};

function strictPolicy(relayUrl: string): string {
  return [
    "default-src 'none'",
    `script-src ${relayUrl}`,
    `connect-src ${relayUrl.replace('http', 'ws')}`,
    "style-src 'self'",
    "img-src 'self'",
    'worker-src blob:',
    "require-trusted-types-for 'script'",
    'trusted-types lit-html tai-room',
  ].join('; ');
}

function twoRooms(relayUrl: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>two</title>
<script type="module" src="${relayUrl}/tai.js"></script></head><body>
<tai-room id="red" room="red" display-name="Red"></tai-room>
<tai-room id="blue" room="blue" display-name="Blue"></tai-room></body></html>`;
}

describe('a room in a page', () => {
  let stage: Stage;
  before(async () => {
    const pages = (relayUrl: string) => ({
      '/': { html: roomPage(relayUrl) },
      '/strict': { html: roomPage(relayUrl), headers: { 'content-security-policy': strictPolicy(relayUrl) } },
      '/two': { html: twoRooms(relayUrl) },
    });
    stage = await setStage(pages, BROWSER_NAMES, {}, SMALL_PICTURES);
  });
  afterEach(() => stage.clear());
  after(() => stage?.close());

  it('two rooms on one page do not touch each other', async () => {
    const two = await stage.open('chromium', `${stage.site.url}/two`);
    const red = await stage.open('firefox', `${stage.site.url}/two`);
    for (const id of ['red', 'blue']) {
      await two.until(`${id} in its lobby`, (name) => document.querySelector<Room>(`#${name}`)?.state === 'lobby', id);
      await two.evaluate((name) => document.querySelector<Room>(`#${name}`)?.join(), id);
      await two.until(`${id} joined`, (name) => document.querySelector<Room>(`#${name}`)?.state === 'joined', id);
    }
    await red.until('red in its lobby', () => document.querySelector<Room>('#red')?.state === 'lobby');
    await red.evaluate(() => document.querySelector<Room>('#red')?.join());
    await two.until('one more in red', () => document.querySelector<Room>('#red')?.participants.length === 1);
    await red.until('one more in red', () => document.querySelector<Room>('#red')?.participants.length === 1);
    const state = (): unknown => {
      const read = (id: string): unknown => {
        const room = document.querySelector<Room>(`#${id}`);
        return [room?.state, room?.participants.map(({ name }) => name)];
      };
      return { red: read('red'), blue: read('blue') };
    };
    assert.deepEqual(await two.evaluate(state), { red: ['joined', ['Red']], blue: ['joined', []] });
    assert.deepEqual(await red.evaluate(state), { red: ['joined', ['Red']], blue: ['lobby', []] });
    await two.evaluate(() => document.querySelector<Room>('#red')?.leave());
    await two.until('red left', () => document.querySelector<Room>('#red')?.state === 'left');
    await red.until('nobody in red', () => document.querySelector<Room>('#red')?.participants.length === 0);
    assert.deepEqual(await two.evaluate(state), { red: ['left', []], blue: ['joined', []] });
  });

  for (const name of BROWSER_NAMES) {
    it(`${name}: the element is moved in the DOM and keeps its call; removed from the page it leaves`, async () => {
      const first = await stage.open(name, `${stage.site.url}/`);
      await joinByClick(first);
      const second = await stage.open('chromium', await inviteOf(first));
      await joinByClick(second);
      await Promise.all([seesVideo(first, 1), seesVideo(second, 1)]);
      const selves = await second.evaluate(() =>
        document.querySelector<Room>('tai-room')?.participants.map((p) => p.peerId),
      );
      for (const target of ['#second', '#first', '#second']) {
        await first.evaluate((selector) => {
          const room = document.querySelector('tai-room');
          if (room) document.querySelector(selector)?.append(room);
        }, target);
        await seesVideo(first, 1);
      }
      await seesVideo(second, 1);
      // The same peer all along: nobody left and came back.
      const now = await second.evaluate(() =>
        document.querySelector<Room>('tai-room')?.participants.map((p) => p.peerId),
      );
      assert.deepEqual(now, selves);
      assert.equal(await first.evaluate(() => document.querySelector<Room>('tai-room')?.state), 'joined');

      await first.evaluate(() => document.querySelector('tai-room')?.remove());
      await seesOthers(second, 0);
    });

    it(`${name}: strict CSP and Trusted Types are not violated`, async () => {
      const first = await stage.open(name, `${stage.site.url}/strict`);
      await joinByClick(first);
      const second = await stage.open(name, await inviteOf(first));
      await joinByClick(second);
      await Promise.all([seesVideo(first, 1), seesVideo(second, 1)]);
      assert.deepEqual([...first.errors(), ...second.errors()], []);
    });
  }

  it('a secret given as property goes before the fragment, and is in no attribute, URL or storage', async () => {
    const first = await stage.open('chromium', `${stage.site.url}/`);
    const left = await first.evaluate(async () => {
      await customElements.whenDefined('tai-room');
      const room = document.querySelector<Room>('tai-room');
      if (room) room.roomSecret = new Uint8Array(32).fill(7);
      room?.join();
      return [location.hash, room?.outerHTML ?? '', JSON.stringify(localStorage), JSON.stringify(sessionStorage)];
    });
    await first.until('joined', () => document.querySelector<Room>('tai-room')?.state === 'joined');
    const secret = Buffer.alloc(32, 7).toString('base64url');
    for (const text of left) assert.ok(!text.includes(secret.slice(0, 20)), text);
  });
});
