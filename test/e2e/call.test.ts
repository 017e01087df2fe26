/** The main job, in real browsers, through the real relay: one click each, and they see and hear each other. */
import { strict as assert } from 'node:assert';
import { after, afterEach, before, describe, it } from 'node:test';
import { BROWSER_NAMES } from '../helpers/browsers.ts';
import type { BrowserName } from '../helpers/browsers.ts';
import {
  hearsAudio,
  inviteOf,
  joinByClick,
  leaves,
  publishes,
  roomPage,
  roomState,
  seesOthers,
  seesVideo,
} from '../helpers/call.ts';
import { SMALL_PICTURES, setStage } from '../helpers/stage.ts';
import type { Stage } from '../helpers/stage.ts';

/** Two of one kind meet on the demo page. */
const PAIRS: readonly (readonly [BrowserName, BrowserName])[] = [
  ['chromium', 'firefox'],
  ['firefox', 'chromium'],
];
/** What cameras have that are asked for it. */
const WHOLE_PICTURES = { cameraSize: { width: 1280, height: 720 } };

describe('a call', () => {
  let stage: Stage;
  before(async () => {
    stage = await setStage((relayUrl) => ({ '/': { html: roomPage(relayUrl) } }), BROWSER_NAMES, {}, SMALL_PICTURES);
  });
  afterEach(() => stage.clear());
  after(() => stage?.close());

  for (const [host, guest] of PAIRS) {
    it(`${host} creates a room, ${guest} opens the link: both see and hear each other`, async () => {
      const first = await stage.open(host, `${stage.site.url}/`, WHOLE_PICTURES);
      await joinByClick(first);
      const second = await stage.open(guest, await inviteOf(first), WHOLE_PICTURES);
      await joinByClick(second);
      await Promise.all([seesVideo(first, 1), seesVideo(second, 1)]);
      await Promise.all([hearsAudio(first, 1), hearsAudio(second, 1)]);
      await leaves(second);
      await seesOthers(first, 0);
      assert.deepEqual([...first.errors(), ...second.errors()], []);
    });
  }

  for (const name of BROWSER_NAMES) {
    it(`${name}: on the demo page, as the relay serves it: create a room, send the link, talk, leave`, async () => {
      const first = await stage.open(name, `${stage.relay.url}/`);
      await joinByClick(first);
      const link = await first.evaluate(() => location.href);
      assert.match(link, /#tai=[\w-]{43}$/);
      const second = await stage.open(name, link);
      await joinByClick(second);
      await Promise.all([seesVideo(first, 1), seesVideo(second, 1)]);
      await Promise.all([hearsAudio(first, 1), hearsAudio(second, 1)]);
      await leaves(second);
      await seesOthers(first, 0);
      assert.deepEqual([...first.errors(), ...second.errors()], []);
    });
  }

  it('muting and stopping the camera is seen by the others, and so is the way back', async () => {
    const first = await stage.open('chromium', `${stage.site.url}/`);
    await joinByClick(first);
    const second = await stage.open('firefox', await inviteOf(first));
    await joinByClick(second);
    await seesVideo(second, 1);
    await first.evaluate(() => {
      const room = document.querySelector('tai-room');
      room?.toggleMicrophone(false);
      room?.toggleCamera(false);
    });
    await second.until('muted, without a camera', publishes, { microphone: true, camera: undefined });
    await first.evaluate(() => {
      const room = document.querySelector('tai-room');
      room?.toggleMicrophone(true);
      room?.toggleCamera(true);
    });
    await second.until('sounding, with a camera', publishes, { microphone: false, camera: false });
    await seesVideo(second, 1);
    await hearsAudio(second, 1);
  });

  it('three people see and hear each other; one leaves and comes back; one reloads', async () => {
    const first = await stage.open('chromium', `${stage.site.url}/`);
    await joinByClick(first);
    const link = await inviteOf(first);
    const second = await stage.open('firefox', link);
    const third = await stage.open('chromium', link);
    await joinByClick(second);
    await joinByClick(third);
    const all = [first, second, third];
    await Promise.all(all.map((page) => seesVideo(page, 2)));
    await Promise.all(all.map((page) => hearsAudio(page, 2)));

    // On the same page: the click that joins again.
    await leaves(third);
    await Promise.all([seesOthers(first, 1), seesOthers(second, 1)]);
    await third.evaluate(() => document.querySelector('tai-room')?.join());
    await third.until('joined again', roomState, 'joined');
    await Promise.all(all.map((page) => seesVideo(page, 2)));

    // A reload in the middle of the call: the old place is gone, the new one stands, nobody is seen twice.
    await second.reload();
    await joinByClick(second);
    await Promise.all(all.map((page) => seesVideo(page, 2)));
    await Promise.all(all.map((page) => hearsAudio(page, 2)));
  });
});
