/** The control beside every attack: honest peers and an honest relay always come to one and the same end. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryRelay } from '../session/memory-relay.ts';
import { JUDGE, Page, assertUnharmed, gather, settle, untilWith } from '../session/page.ts';

const NAMES = ['Ada', 'Bob', 'Cy', 'Dee', 'Eli', 'Fay'];

describe('Honest peers', () => {
  for (const count of [2, 3, 6]) {
    for (const isDirect of [false, true]) {
      it(`${count} over ${isDirect ? 'their own connections' : 'the relay'}: encrypted, consistent, one code`, async () => {
        const pages = await gather(new MemoryRelay(), NAMES.slice(0, count), { isDirect });
        // what is judged late changes nothing, nor does the beat
        for (const timer of ['roster-verdict', 'roster-grace', 'roster-beat'])
          for (const page of pages) page.fire(timer);
        await assertUnharmed(pages);
        for (const page of pages) {
          assert.deepEqual(page.errors, []);
          assert.deepEqual(page.view.encryption.mismatches, []);
          assert.deepEqual(
            new Set(page.names),
            new Set(pages.filter((other) => other !== page).map(({ view }) => view.name)),
          );
        }
      });
    }
  }
});
