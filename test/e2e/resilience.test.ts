/** What networks and machines do to a call, and what is left of it afterwards. */
import { strict as assert } from 'node:assert';
import { after, afterEach, before, describe, it } from 'node:test';
import { BROWSER_NAMES, launchBrowser } from '../helpers/browsers.ts';
import { hearsAudio, inviteOf, joinByClick, roomPage, roomState, seesOthers, seesVideo } from '../helpers/call.ts';
import { SMALL_PICTURES, setStage } from '../helpers/stage.ts';
import type { Stage } from '../helpers/stage.ts';

describe('a relay that dies in a call', () => {
  let stage: Stage;
  before(async () => {
    stage = await setStage((relayUrl) => ({ '/': { html: roomPage(relayUrl) } }), BROWSER_NAMES, {}, SMALL_PICTURES);
  });
  afterEach(() => stage.clear());
  after(() => stage?.close());

  it('media keeps flowing without it; the rooms are whole after its return; newcomers are let in', async () => {
    const first = await stage.open('chromium', `${stage.site.url}/`);
    await joinByClick(first);
    const link = await inviteOf(first);
    const second = await stage.open('firefox', link);
    await joinByClick(second);
    const both = [first, second];
    await Promise.all(both.map((page) => seesVideo(page, 1)));
    const third = await stage.open('chromium', link);
    // It has its script: the same deployment serves that too.
    await third.until('a lobby', roomState, 'lobby');

    await stage.relay.kill();
    await Promise.all(both.map((page) => page.until('reconnecting', roomState, 'reconnecting')));
    // 30 new frames after the relay is gone: the call itself does not notice.
    await Promise.all(both.map((page) => seesVideo(page, 1, 30)));
    await Promise.all(both.map((page) => hearsAudio(page, 1)));

    await stage.relay.restart();
    // how fast, `bench relay-return` measures
    await Promise.all(both.map((page) => page.until('joined again', roomState, 'joined')));
    await Promise.all(both.map((page) => seesOthers(page, 1)));
    await Promise.all(both.map((page) => seesVideo(page, 1)));

    await joinByClick(third);
    await Promise.all([first, second, third].map((page) => seesVideo(page, 2)));
  });

  it('joining while the relay is away waits, says so, and succeeds when it is back', async () => {
    const first = await stage.open('chromium', `${stage.site.url}/`);
    await first.until('a lobby', roomState, 'lobby');
    await stage.relay.kill();
    await first.evaluate(() => {
      const room = document.querySelector('tai-room') as HTMLElement & { codes?: string[]; join(): void };
      room.codes = [];
      room.addEventListener('tai-error', (event) => room.codes?.push((event as Event & { code: string }).code));
      room.join();
    });
    await first.until('relay-unreachable is told', () =>
      (document.querySelector('tai-room') as HTMLElement & { codes?: string[] }).codes?.includes('relay-unreachable'),
    );
    assert.equal(await first.evaluate(roomState, 'joining'), true);
    await stage.relay.restart();
    await first.until('joined', roomState, 'joined');
  });

  it('a peer whose browser is gone without a word is told as lost, never as having left', async () => {
    const first = await stage.open('chromium', `${stage.site.url}/`);
    await joinByClick(first);
    const doomed = await launchBrowser('firefox', SMALL_PICTURES);
    const second = await doomed.newPage();
    await second.goto(await inviteOf(first));
    await joinByClick(second);
    await seesVideo(first, 1);
    await first.evaluate(() => {
      const room = document.querySelector('tai-room') as HTMLElement & { reasons?: string[] };
      room.reasons = [];
      room.addEventListener('tai-peer-leave', (event) =>
        room.reasons?.push((event as Event & { reason: string }).reason),
      );
    });
    await doomed.kill();
    await seesOthers(first, 0);
    const reasons = await first.evaluate(
      () => (document.querySelector('tai-room') as HTMLElement & { reasons?: string[] }).reasons,
    );
    assert.deepEqual(reasons, ['connection-lost']);
  });
});
