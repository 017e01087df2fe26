/**
 * Two people behind every two kinds of routers: they see each other, sealed, by the way there is. A few of all pairs in `npm test`,
 * all of them in `npm run test:lab`; how long it takes is for `npm run bench -- lab-connect`.
 */
import { strict as assert } from 'node:assert';
import { after, afterEach, before, it } from 'node:test';
import { seesVideo } from '../helpers/call.ts';
import type { BrowserName, TestPage } from '../helpers/browsers.ts';
import { encryptionOfOther } from '../helpers/sealed-call.ts';
import { describeInLab } from './describe-in-lab.ts';
import { firstFrame } from './journal.ts';
import { setLab } from './lab.ts';
import type { Lab } from './lab.ts';
import { SIDES } from './network.ts';
import type { Side } from './network.ts';
import { PAIRS, nameOf, pathOf } from './pairs.ts';
import type { Pair } from './pairs.ts';
import { BAD_WEATHER } from './weather.ts';

const isWhole = process.env['TAI_LAB'] === 'whole';
/** The way across, the way by UDP through coturn, and the way by TCP. */
const FEW = ['cone-cone', 'symmetric-symmetric', 'noudp-noudp'];
const few = PAIRS.filter((pair) => FEW.includes(nameOf(pair)));

async function meetsSealed(lab: Lab, { nats, link }: Pair): Promise<void> {
  const pages = await lab.meet(nats);
  await Promise.all(SIDES.map((side) => isSealedCall(pages[side])));
  for (const side of SIDES) {
    const path = await pathOf(pages[side]);
    assert.equal(path.link, link, `${side}: ${JSON.stringify(path)}`);
    // who has no UDP uses a TURN host by TCP; who has, never needs it
    const isBlocked = nats[side] === 'noudp';
    assert.equal(path.relayProtocol === 'tcp', isBlocked, `${side}: ${JSON.stringify(path)}`);
  }
}

async function isSealedCall(page: TestPage): Promise<void> {
  await firstFrame(page);
  await seesVideo(page, 1);
  await page.until('sealed', encryptionOfOther, 'encrypted');
}

function suite(title: string, names: { readonly [Each in Side]: BrowserName }, pairs: readonly Pair[]): void {
  describeInLab(title, () => {
    let lab: Lab;
    before(async () => {
      lab = await setLab(names);
    });
    afterEach(() => lab.clear());
    after(() => lab?.close());

    for (const pair of pairs) {
      it(`${nameOf(pair)}: both see each other, sealed, ${pair.link === 'direct' ? 'directly' : 'through coturn'}`, async () => {
        await lab.network.setWeather('b');
        await meetsSealed(lab, pair);
      });
    }

    if (names.b !== 'chromium') return;
    for (const pair of isWhole ? pairs : pairs.slice(-1)) {
      it(`${nameOf(pair)}: the same over a line with 100 ± 25 ms and 5 % loss each way`, async () => {
        await lab.network.setWeather('b', BAD_WEATHER);
        await meetsSealed(lab, pair);
      });
    }
  });
}

suite('two people in Chromium', { a: 'chromium', b: 'chromium' }, isWhole ? PAIRS : few);
if (isWhole) suite('Chromium and Firefox', { a: 'chromium', b: 'firefox' }, PAIRS);
