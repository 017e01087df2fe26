/** Who is there, in real browsers through the real relay: keys agreed, codes equal, devices known again, nothing at rest. */
import { strict as assert } from 'node:assert';
import { after, afterEach, before, describe, it } from 'node:test';
import { checkAuditLog } from '../../src/engine/keys/audit-log.ts';
import { BROWSER_NAMES } from '../helpers/browsers.ts';
import { inviteOf, joinByClick, leaves, roomPage, seesOthers, seesVideo } from '../helpers/call.ts';
import { SMALL_PICTURES, setStage } from '../helpers/stage.ts';
import type { Stage } from '../helpers/stage.ts';
import {
  agreedCode,
  auditLog,
  deviceOfOther,
  isEncryptedAs,
  isShownInRoom,
  partingReasons,
  revokes,
  rotates,
  safetyDigits,
  standsAs,
  storedText,
  verifyOther,
  watchPartings,
} from '../helpers/trust.ts';

const NAME = 'Ada Lovelace';

describe('trust', () => {
  let stage: Stage;
  before(async () => {
    const pages = (relayUrl: string) => ({
      '/': { html: roomPage(relayUrl) },
      '/device': { html: roomPage(relayUrl, `identity="device" display-name="${NAME}"`) },
    });
    stage = await setStage(pages, BROWSER_NAMES, {}, SMALL_PICTURES);
  });
  afterEach(() => stage.clear());
  after(() => stage?.close());

  it('RC: all screens show one code, another one with everybody who comes or goes', async () => {
    const first = await stage.open('chromium', `${stage.site.url}/`);
    await joinByClick(first);
    const invite = await inviteOf(first);
    const second = await stage.open('firefox', invite);
    await joinByClick(second);
    const [ofTwo, sameOfTwo] = await Promise.all([
      first.until('a code', agreedCode, 1),
      second.until('a code', agreedCode, 1),
    ]);
    assert.equal(ofTwo, sameOfTwo);
    assert.equal(await first.evaluate(safetyDigits), await second.evaluate(safetyDigits));
    const third = await stage.open('chromium', invite);
    await joinByClick(third);
    const ofThree = await Promise.all([first, second, third].map((page) => page.until('a code', agreedCode, 2)));
    assert.equal(new Set(ofThree).size, 1);
    assert.notEqual(ofThree[0], ofTwo);
    await leaves(third);
    await seesOthers(first, 1);
    assert.equal(await first.until('a code', agreedCode, 1), await second.until('a code', agreedCode, 1));
    for (const page of [first, second, third]) {
      assert.equal(checkAuditLog(await page.evaluate(auditLog)), 'intact');
      assert.deepEqual(page.errors(), []);
    }
  });

  it('PN4: what is revoked is seen by all as that, not as a leave, and long enough to be read', async () => {
    const first = await stage.open('firefox', `${stage.site.url}/`);
    await joinByClick(first);
    const invite = await inviteOf(first);
    const others = [await stage.open('chromium', invite), await stage.open('firefox', invite)];
    for (const other of others) await joinByClick(other);
    for (const page of [first, ...others]) await page.until('a code', agreedCode, 2);
    for (const other of others) await other.evaluate(watchPartings);
    // it has come first, so that it is the first of the others' participants
    const device = await others[0]!.evaluate(deviceOfOther);
    await first.evaluate(revokes);
    for (const other of others) {
      await other.until('revoked', standsAs, 'revoked');
      assert.equal(await other.evaluate(isEncryptedAs, 'wrong-key'), true);
      await other.until('the tile says so', isShownInRoom, 'Keys revoked');
      await other.until('a message says so', isShownInRoom, 'was refused');
      assert.deepEqual(await other.evaluate(partingReasons), []);
    }
    for (const page of [first, ...others]) {
      const log = await page.evaluate(auditLog);
      assert.equal(checkAuditLog(log), 'intact');
      const entry = log.split('\n').find((line) => line.includes('"key-revoked"'));
      assert.ok(device && entry?.includes(device), 'no entry names the device');
    }
    for (const other of others) {
      await seesOthers(other, 1);
      assert.deepEqual(await other.evaluate(partingReasons), ['refused']);
      await other.until('still to be read', isShownInRoom, 'was refused');
    }
  });

  for (const name of BROWSER_NAMES) {
    it(`PN: ${name} keeps its keys, and is known again, verified, rotated, revoked`, async () => {
      const first = await stage.open(name, `${stage.site.url}/device`);
      await joinByClick(first);
      const invite = await inviteOf(first);
      const second = await stage.open('chromium', invite.replace('/device', '/'));
      await joinByClick(second);
      await second.until('a code', agreedCode, 1);
      const device = await second.evaluate(deviceOfOther);
      await leaves(first);
      await seesOthers(second, 0);
      await first.goto('about:blank');
      await first.goto(invite);
      await joinByClick(first);
      await second.until('known again', standsAs, 'known');
      assert.equal(await second.evaluate(deviceOfOther), device);
      await second.evaluate(verifyOther);
      await second.until('verified', isEncryptedAs, 'verified');

      await first.evaluate(rotates);
      await leaves(first);
      await seesOthers(second, 0);
      await first.goto('about:blank');
      await first.goto(invite);
      await joinByClick(first);
      await second.until('verified still, under its new keys', standsAs, 'verified');
      assert.notEqual(await second.evaluate(deviceOfOther), device);

      // who has no keys with somebody yet has nothing to tell them by
      await first.until('keys on this side as well', isEncryptedAs, 'encrypted');
      await first.evaluate(revokes);
      await second.until('revoked', standsAs, 'revoked');
      await seesOthers(second, 0);
      await first.goto('about:blank');
      await first.goto(invite);
      await joinByClick(first);
      await second.until('another device under a pinned name', standsAs, 'changed');
    });

    it(`${name}: what is kept holds no name, room, peer or key that can be had`, async () => {
      const first = await stage.open(name, `${stage.site.url}/device`);
      await joinByClick(first);
      const invite = await inviteOf(first);
      const second = await stage.open('chromium', invite);
      await joinByClick(second);
      await first.until('a code', agreedCode, 1);
      const other = await first.evaluate(deviceOfOther);
      const { text, exported, keys } = await first.evaluate(storedText);
      assert.ok(keys >= 2, 'no keys were found: the search is blind');
      assert.equal(exported, 0);
      const secret = invite.slice(invite.indexOf('tai=') + 4);
      for (const told of [NAME, secret, other]) assert.ok(told && !text.includes(told));
    });

    it(`${name}: a guest leaves nothing`, async () => {
      const first = await stage.open(name, `${stage.site.url}/`);
      const kept = await first.evaluate(() => indexedDB.databases().then((all) => all.length));
      await joinByClick(first);
      const second = await stage.open('chromium', await inviteOf(first));
      await joinByClick(second);
      await seesVideo(first, 1);
      await first.until('a code', agreedCode, 1);
      assert.equal(await first.evaluate(() => indexedDB.databases().then((all) => all.length)), kept);
      assert.deepEqual(await first.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]), [
        0,
        0,
        '',
      ]);
    });
  }
});
