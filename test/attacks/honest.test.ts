/** The control beside every attack: honest peers and an honest relay always come to one and the same end. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkAuditLog } from '../../src/engine/keys/audit-log.ts';
import { MemoryRelay } from '../session/memory-relay.ts';
import { Page, assertUnharmed, gather, settle } from '../session/page.ts';

const NAMES = ['Ada', 'Bob', 'Cy', 'Dee', 'Eli', 'Fay'];

/** Nobody was told of trouble, and nothing at all was dropped. */
async function assertSpotless(pages: readonly Page[]): Promise<void> {
  for (const page of pages) {
    assert.deepEqual(page.errors, []);
    assert.deepEqual(page.view.encryption.mismatches, []);
    assert.deepEqual((await page.session.getStats()).dropped, {});
    assert.equal(checkAuditLog(page.session.exportAuditLog()), 'intact');
  }
}

describe('Honest peers', () => {
  for (const count of [2, 3, 6]) {
    for (const isDirect of [false, true]) {
      it(`${count} over ${isDirect ? 'their own connections' : 'the relay'}: encrypted, consistent, one code`, async () => {
        const pages = await gather(new MemoryRelay(), NAMES.slice(0, count), { isDirect });
        // what is judged late changes nothing, nor does the beat
        for (const timer of ['roster-verdict', 'roster-grace', 'roster-beat']) {
          for (const page of pages) page.fire(timer);
        }
        await assertUnharmed(pages);
        for (const page of pages) {
          const others = pages.filter((other) => other !== page).map(({ view }) => view.name);
          assert.deepEqual(page.names, others.sort());
        }
        await assertSpotless(pages);
      });
    }
  }

  it('all coming at once: the same', async () => {
    const relay = new MemoryRelay();
    const pages = NAMES.slice(0, 4).map((name) => new Page(relay, name));
    await Promise.all(pages.map((page) => page.join()));
    await settle(pages);
    await assertSpotless(pages);
  });

  it('coming and going: those who are here agree, with another code each time', async () => {
    const relay = new MemoryRelay();
    const [ada, bob, cy] = (await gather(relay, ['Ada', 'Bob', 'Cy'], { isDirect: true })) as [Page, Page, Page];
    const codes = [ada.code];
    bob.session.dispatch({ type: 'leave' });
    await settle([ada, cy]);
    codes.push(ada.code);
    await bob.join();
    await settle([ada, bob, cy]);
    codes.push(ada.code);
    assert.equal(new Set(codes).size, 3);
    assert.deepEqual([ada.errors, cy.errors], [[], []]);
    const left = ada.events.flatMap((event) => (event.type === 'peer-left' ? [event.reason] : []));
    assert.deepEqual(left, ['left']);
  });
});
