/** Three people meet in the demo, two have been verified, and the shield is open: `node room-picture.mjs FILE`. */
import { join } from 'node:path';
import { chromium } from 'playwright';
import { startRelayProcess } from '../../test/helpers/relay-process.ts';
import { root } from '../setup.mjs';
import { LOOKS, installDrawnCamera } from './drawn-camera.mjs';

const SIZE = { width: 1440, height: 800 };
/** Of a picture as it is sent to two: it begins smaller. */
const SHARP_WIDTH = 640;
const DEADLINE_MS = 60_000;
const GROWTH_DEADLINE_MS = 15_000;
const [file] = process.argv.slice(2);

const relay = await startRelayProcess({ assets: join(root, 'dist') });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH,
  args: [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--allow-loopback-in-peer-connection',
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
  ],
});
try {
  const nora = await enter('nora', 'Nora', `${relay.url}/`);
  await enter('amelie', 'Amélie', nora.url());
  await enter('kofi', 'Kofi', nora.url());
  await nora.waitForFunction(areSeen, 2);
  await nora.evaluate(() => {
    const room = document.querySelector('tai-room');
    room.verify(room.participants[0].peerId);
  });
  // What comes small grows; on a busy machine it may not.
  await nora
    .waitForFunction(areSharp, SHARP_WIDTH, { polling: 200, timeout: GROWTH_DEADLINE_MS })
    .catch(() => undefined);
  await nora.locator('tai-privacy-shield button.pill').click();
  await nora.mouse.move(SIZE.width / 2, 0);
  await nora.locator('tai-room').screenshot({ path: file });
} finally {
  await browser.close();
  await relay.stop();
}

async function enter(look, name, url) {
  const context = await browser.newContext({ viewport: SIZE, permissions: ['camera', 'microphone'] });
  const page = await context.newPage();
  page.setDefaultTimeout(DEADLINE_MS);
  await page.addInitScript(installDrawnCamera, LOOKS[look]);
  await page.goto(url);
  await page.locator('tai-lobby input').fill(name);
  await page.locator('tai-lobby button[type=submit]').click();
  await page.waitForFunction(() => document.querySelector('tai-room').state === 'joined');
  return page;
}

// These run in the page.
function areSeen(count) {
  const { participants } = document.querySelector('tai-room');
  return participants.length === count && participants.every(({ videoTrack, name }) => videoTrack && name);
}

function areSharp(width) {
  const tiles = [...document.querySelector('tai-room').shadowRoot.querySelectorAll('tai-participant')];
  const videos = tiles.map(({ shadowRoot }) => shadowRoot.querySelector('video'));
  return videos.length === 3 && videos.every((video) => video?.videoWidth >= width);
}
