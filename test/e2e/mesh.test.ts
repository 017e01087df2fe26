/** A full mesh of six, and the operator's own ICE servers. */
import { strict as assert } from 'node:assert';
import { after, afterEach, before, describe, it } from 'node:test';
import type { BrowserName, TestPage } from '../helpers/browsers.ts';
import { inviteOf, joinByClick, roomPage, seesOthers, seesVideo } from '../helpers/call.ts';
import { startCoturn } from '../helpers/coturn.ts';
import type { Coturn } from '../helpers/coturn.ts';
import { eventually } from '../helpers/eventually.ts';
import { setStage } from '../helpers/stage.ts';
import type { Stage } from '../helpers/stage.ts';

describe('six people', () => {
  let stage: Stage;
  before(async () => {
    // Thirty streams on two cores: it is the mesh that is looked at, not how much the machine can draw.
    stage = await setStage((relayUrl) => ({ '/': { html: roomPage(relayUrl) } }), ['chromium'], {}, { cameraFps: 5 });
  });
  after(() => stage?.close());

  it('everybody sees everybody', async () => {
    const size = { width: 400, height: 400 };
    const first = await stage.open('chromium', `${stage.site.url}/`, size);
    await joinByClick(first);
    const link = await inviteOf(first);
    const pages: TestPage[] = [first];
    while (pages.length < 6) {
      const page = await stage.open('chromium', link, size);
      await joinByClick(page);
      pages.push(page);
    }
    await Promise.all(pages.map((page) => seesOthers(page, 5)));
    for (const page of pages) await seesVideo(page, 5, 2);
  });
});

describe("the operator's ICE servers", () => {
  let stage: Stage;
  let coturn: Coturn;
  before(async () => {
    coturn = await startCoturn();
    stage = await setStage((relayUrl) => ({ '/': { html: roomPage(relayUrl) } }), ['chromium', 'firefox'], {
      ICE_SERVERS: JSON.stringify([coturn.iceServer]),
    });
  });
  afterEach(() => stage.clear());
  after(async () => {
    await stage?.close();
    await coturn?.stop();
  });

  for (const name of ['chromium', 'firefox'] satisfies BrowserName[]) {
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
