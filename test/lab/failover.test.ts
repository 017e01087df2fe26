/**
 * FO1–FO6 on a network: the way across dies, and the picture goes on through the TURN host; it is back, and so is the picture; the TURN
 * host dies, and nobody notices. How long pictures stand still is for `npm run bench -- failover`.
 */
import { strict as assert } from 'node:assert';
import { after, afterEach, before, it } from 'node:test';
import { hearsAudio } from '../helpers/call.ts';
import type { TestPage } from '../helpers/browsers.ts';
import { describeInLab } from './describe-in-lab.ts';
import { setLab } from './lab.ts';
import type { Lab } from './lab.ts';
import { SIDES } from './network.ts';
import { goesBy, showsMore, standing, watchTile } from './tile.ts';

const PICTURES = 10;

describeInLab('a path that dies', () => {
  let lab: Lab;
  before(async () => {
    lab = await setLab({ a: 'chromium', b: 'chromium' });
  });
  afterEach(() => lab.clear());
  after(() => lab?.close());

  it('is left for the standby, and taken again when it is there; the end of a standby that does not carry changes nothing', async () => {
    const pages = await lab.meet({ a: 'cone', b: 'cone' });
    const both: readonly TestPage[] = SIDES.map((side) => pages[side]);
    for (const page of both) {
      await watchTile(page);
      await page.until('a standby beside the first connection', standing, 2);
      assert.ok(await page.evaluate(goesBy, 'direct'));
    }
    lab.network.setWall(true);
    for (const page of both) await page.until('all goes through the TURN host', goesBy, 'relay');
    for (const page of both) await showsMore(page, PICTURES);
    for (const page of both) await hearsAudio(page, 1);
    lab.network.setWall(false);
    for (const page of both) await page.until('all goes straight again', goesBy, 'direct');
    for (const page of both) await showsMore(page, PICTURES);
    await lab.killTurn();
    for (const page of both) await page.until('the standby is given up', standing, 1);
    for (const page of both) await showsMore(page, PICTURES);
    for (const page of both) assert.ok(await page.evaluate(goesBy, 'direct'));
  });
});
