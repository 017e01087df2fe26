/** A full mesh of as many as the machine can bear, and the operator's own ICE servers. */
import { strict as assert } from 'node:assert';
import { availableParallelism } from 'node:os';
import { after, afterEach, before, describe, it } from 'node:test';
import { BROWSER_NAMES } from '../helpers/browsers.ts';
import type { TestPage } from '../helpers/browsers.ts';
import { inviteOf, joinByClick, roomPage, seesOthers, seesVideo } from '../helpers/call.ts';
import { startCoturn } from '../helpers/coturn.ts';
import type { Coturn } from '../helpers/coturn.ts';
import { eventually } from '../helpers/eventually.ts';
import { SMALL_PICTURES, setStage } from '../helpers/stage.ts';
import type { Stage } from '../helpers/stage.ts';

/** Each page draws, encodes and decodes by itself: six of them keep two cores from coming to an end with anything. */
const PEOPLE = availableParallelism() >= 4 ? 6 : 4;

describe(`${PEOPLE} people`, () => {
  let stage: Stage;
  before(async () => {
    // It is the mesh that is looked at, not how much the machine can draw.
    stage = await setStage(
      (relayUrl) => ({ '/': { html: roomPage(relayUrl) } }),
      ['chromium'],
      {},
      {
        ...SMALL_PICTURES,
        cameraFps: 5,
      },
    );
  });
  after(() => stage?.close());

  it('everybody sees everybody', async () => {
    const size = { width: 400, height: 400 };
    const first = await stage.open('chromium', `${stage.site.url}/`, size);
    await joinByClick(first);
    const link = await inviteOf(first);
    const pages: TestPage[] = [first];
    while (pages.length < PEOPLE) {
      const page = await stage.open('chromium', link, size);
      await joinByClick(page);
      pages.push(page);
    }
    await Promise.all(pages.map((page) => seesOthers(page, PEOPLE - 1)));
    for (const page of pages) await seesVideo(page, PEOPLE - 1, 2);
  });
});

describe("the operator's ICE servers", () => {
  let stage: Stage;
  let coturn: Coturn;
  before(async () => {
    coturn = await startCoturn();
    const vars = { ICE_SERVERS: JSON.stringify([coturn.iceServer]) };
    stage = await setStage((relayUrl) => ({ '/': { html: roomPage(relayUrl) } }), BROWSER_NAMES, vars, SMALL_PICTURES);
  });
  afterEach(() => stage.clear());
  after(async () => {
    await stage?.close();
    await coturn?.stop();
  });

  for (const name of BROWSER_NAMES) {
    it(`${name} is given them by the relay, uses them, and the room says so`, async () => {
      const first = await stage.open(name, `${stage.site.url}/`);
      await joinByClick(first);
      const second = await stage.open(name, await inviteOf(first));
      const allocations = (): number => coturn.output().split('ALLOCATE processed, success').length;
      const before = allocations();
      await joinByClick(second);
      await Promise.all([seesVideo(first, 1), seesVideo(second, 1)]);
      await eventually('a new allocation at coturn', () => allocations() > before);
      assert.equal(await first.evaluate(() => document.querySelector('tai-room')?.encryption.iceHosts), 1);
    });
  }
});
