/** A relay that works against the call. It may refuse its service; whatever else it does is refused, counted, and shown. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { randomPeerId } from '../../src/engine/keys/key-ring.ts';
import { fromBase64Url, toBase64Url } from '../../src/engine/protocol/bytes.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { Random } from '../helpers/random.ts';
import { MemoryRelay } from '../session/memory-relay.ts';
import type { Letter } from '../session/memory-relay.ts';
import { LOOK_AFTER, Page, assertUnharmed, gather, settle, untilWith } from '../session/page.ts';
import { troubles, untilNamed } from './verdicts.ts';

const SEED = 20_271;
/** `relay` writes down all that it carries. */
function tapped(relay: MemoryRelay): Letter[] {
  const letters: Letter[] = [];
  relay.tampering = {
    onLetter: (letter, deliver) => {
      letters.push(letter);
      deliver(letter);
    },
  };
  return letters;
}

describe('A relay that swaps bundles', () => {
  for (const [what, swap] of [
    ['garbage', () => ({ head: toBase64Url(new Random(SEED).bytes(1570)) })],
    ['the bundle of somebody else', (relay: MemoryRelay, ada: PeerId) => ({ head: relay.published(ada)?.head ?? '' })],
  ] as const) {
    it(`for ${what}: the newcomer meets nobody there, hears of it, and the others see who is missing`, async () => {
      const relay = new MemoryRelay();
      const [ada, bob] = (await gather(relay, ['Ada', 'Bob'])) as [Page, Page];
      relay.tampering = {
        onBundle: (owner, _, bundle) => (owner === bob.id ? swap(relay, ada.id) : bundle),
      };
      const cy = new Page(relay, 'Cy');
      await cy.join();
      await cy.untilDropped('bad-bundle');
      const pages = [ada, bob, cy];
      await untilNamed(pages, ada, [
        [bob.id, cy.id],
        [cy.id, bob.id],
      ]);
      await untilNamed(pages, bob, [[ada.id, cy.id]]);
      await untilNamed(pages, cy, [[ada.id, bob.id]]);
      assert.deepEqual(
        cy.errors.filter(([code]) => code === 'wrong-key'),
        [['wrong-key', bob.id]],
      );
      assert.deepEqual([cy.names, bob.names], [['Ada'], ['Ada']]);
      // a code that cannot be true of all of them is not shown
      assert.deepEqual([ada.code, bob.code, cy.code], [undefined, undefined, undefined]);
      assert.equal(ada.peer(bob.id)?.encryption, 'encrypted');
      // and once Cy is gone, all is as it was
      cy.session.dispatch({ type: 'leave' });
      await assertUnharmed([ada, bob]);
    });
  }

  it('for the same one-time key twice: one of the two newcomers gets in, and the other is missed', async () => {
    const relay = new MemoryRelay();
    const ada = new Page(relay, 'Ada');
    await ada.join();
    let handed: ReturnType<NonNullable<MemoryRelay['tampering']['onBundle']>>;
    relay.tampering = {
      onBundle: (owner, _, bundle) => (owner === ada.id ? (handed ??= bundle) : bundle),
    };
    const [bob, cy] = [new Page(relay, 'Bob'), new Page(relay, 'Cy')];
    await bob.join();
    await settle([ada, bob]);
    await cy.join();
    await ada.untilDropped('unknown-pre-key');
    await untilNamed([ada, bob, cy], bob, [
      [ada.id, cy.id],
      [cy.id, ada.id],
    ]);
    assert.deepEqual(ada.names, ['Bob']);
    assert.equal(ada.peer(bob.id)?.encryption, 'encrypted');
    // an honest relay has another one: Cy begins again, and is in
    relay.tampering = {};
    const pages = [ada, bob, cy];
    await untilWith(pages, LOOK_AFTER, 'Cy is in', () => ada.names.includes('Cy') && cy.names.includes('Ada'));
    await assertUnharmed(pages);
  });
});

describe('A relay that carries messages as it likes', () => {
  it('HS7: replays the first message: counted, and nothing comes of it', async () => {
    const relay = new MemoryRelay();
    const letters = tapped(relay);
    const pages = await gather(relay, ['Ada', 'Bob']);
    const [ada, bob] = pages as [Page, Page];
    const first = letters.find(({ from }) => from === bob.id);
    assert.ok(first);
    for (let i = 0; i < 5; i++) relay.deliver(first);
    await assertUnharmed(pages);
    assert.equal(await ada.allDropped(), 5);
    assert.deepEqual(troubles(ada, bob), []);
  });

  it('HS9: replays everything, in any order: each is counted, and nothing comes of it', async () => {
    const relay = new MemoryRelay();
    const letters = tapped(relay);
    const pages = await gather(relay, ['Ada', 'Bob', 'Cy']);
    await assertUnharmed(pages);
    const random = new Random(SEED);
    const old = [...letters];
    const left = [...old];
    while (left.length > 0) relay.deliver(left.splice(random.below(left.length), 1)[0]!);
    await assertUnharmed(pages);
    for (const page of pages) assert.equal(await page.allDropped(), old.filter(({ to }) => to === page.id).length);
    assert.deepEqual(troubles(...pages), []);
  });

  it('duplicates everything: each opens once', async () => {
    const relay = new MemoryRelay();
    const count = new Map<PeerId, number>();
    relay.tampering = {
      onLetter: (letter, deliver) => {
        count.set(letter.to, (count.get(letter.to) ?? 0) + 1);
        for (let i = 0; i < 3; i++) deliver(letter);
      },
    };
    const pages = await gather(relay, ['Ada', 'Bob', 'Cy']);
    await assertUnharmed(pages);
    for (const page of pages) await page.untilDropped('replayed', 2 * (count.get(page.id) ?? 0));
    assert.deepEqual(troubles(...pages), []);
  });

  for (const seed of [1, 2, 3]) {
    it(`reorders everything, also the first message (seed ${seed}): all come to agree`, async () => {
      const relay = new MemoryRelay();
      const random = new Random(SEED + seed);
      const held: Letter[] = [];
      const flush = (deliver: (letter: Letter) => void): void => {
        while (held.length > 0) deliver(held.splice(random.below(held.length), 1)[0]!);
      };
      relay.tampering = {
        onLetter: (letter, deliver) => {
          if (held.length === 0) setImmediate(() => setImmediate(() => flush(deliver)));
          held.push(letter);
        },
      };
      const pages = ['Ada', 'Bob', 'Cy'].map((name) => new Page(relay, name));
      for (const page of pages) await page.join();
      await untilWith(pages, LOOK_AFTER, 'all agree', () =>
        pages.every(({ view }) => view.encryption.roster === 'consistent'),
      );
      relay.tampering = {};
      flush((letter) => relay.deliver(letter));
      await untilWith(pages, LOOK_AFTER, 'there is a code', () => pages.every(({ code }) => code !== undefined));
      await assertUnharmed(pages);
    });

    it(`drops two of five messages, and the very first of every pair (seed ${seed}): all come to agree`, async () => {
      const relay = new MemoryRelay();
      const random = new Random(SEED + seed);
      const begun = new Set<string>();
      relay.tampering = {
        onLetter: (letter, deliver) => {
          const isFirst = !begun.has(letter.from + letter.to);
          begun.add(letter.from + letter.to);
          if (!isFirst && !random.chance(0.4)) deliver(letter);
        },
      };
      const pages = ['Ada', 'Bob', 'Cy'].map((name) => new Page(relay, name));
      for (const page of pages) await page.join();
      const isMet = ({ view }: Page): boolean =>
        view.participants.length === 2 && view.participants.every(({ link }) => link === 'connected');
      await untilWith(pages, LOOK_AFTER, 'all have met', () => pages.every(isMet));
      await untilWith(pages, LOOK_AFTER, 'there is a code', () => pages.every(({ code }) => code !== undefined));
      relay.tampering = {};
      await untilWith(pages, LOOK_AFTER, 'all agree', () =>
        pages.every(({ view }) => view.encryption.roster === 'consistent'),
      );
      await assertUnharmed(pages);
      assert.deepEqual(
        troubles(...pages).filter((trouble) => !trouble.includes('unreachable')),
        [],
      );
    });
  }

  it('EN4: flips a bit of every byte of every message of a call: each is refused, and the call is as good as any', async () => {
    const relay = new MemoryRelay();
    const random = new Random(SEED);
    const flips = new Map<PeerId, number>();
    relay.tampering = {
      onLetter: (letter, deliver) => {
        const bytes = fromBase64Url(letter.payload)!;
        // all of the short ones; of those with descriptions or handshakes in them, every eleventh byte and the borders
        const isLong = bytes.length > 700;
        for (const at of bytes.keys()) {
          if (isLong && at > 40 && at % 11 !== 0 && at < bytes.length - 20) continue;
          const payload = toBase64Url(bytes.with(at, bytes[at]! ^ (1 << random.below(8))));
          deliver({ ...letter, payload });
          flips.set(letter.to, (flips.get(letter.to) ?? 0) + 1);
        }
        deliver(letter);
      },
    };
    const pages = await gather(relay, ['Ada', 'Bob']);
    await assertUnharmed(pages);
    for (const page of pages) {
      const { dropped } = await page.session.getStats();
      const counted = Object.values(dropped).reduce((sum, count) => sum + count, 0);
      assert.equal(counted, flips.get(page.id));
      assert.ok((flips.get(page.id) ?? 0) > 1_500);
      const reasons = new Set(Object.keys(dropped));
      for (const reason of reasons)
        assert.ok(['unopened', 'malformed', 'no-session', 'replayed'].includes(reason), reason);
    }
    assert.deepEqual(troubles(...pages), []);
  });

  it('makes messages up, sends them back, and brings them in another’s name: refused and counted', async () => {
    const relay = new MemoryRelay();
    const letters = tapped(relay);
    const pages = await gather(relay, ['Ada', 'Bob', 'Cy']);
    const [ada, bob, cy] = pages as [Page, Page, Page];
    const old = [...letters];
    const random = new Random(SEED);
    const refused = new Map(pages.map((page) => [page.id, 0]));
    const bring = (letter: Letter): void => {
      relay.deliver(letter);
      refused.set(letter.to, (refused.get(letter.to) ?? 0) + 1);
    };
    for (const { from, to, payload } of old) {
      bring({ from: to, to: from, payload });
      const third = pages.find(({ id }) => id !== from && id !== to);
      assert.ok(third);
      bring({ from, to: third.id, payload });
      bring({ from: third.id, to, payload });
      bring({ from: randomPeerId(), to, payload });
      bring({ from: to, to, payload });
    }
    for (let i = 0; i < 200; i++) {
      const payload = toBase64Url(Uint8Array.of(1, 1 + random.below(2), ...random.bytes(random.below(900))));
      bring({ from: random.pick(pages).id, to: random.pick(pages).id, payload });
    }
    bring({ from: bob.id, to: ada.id, payload: 'not base64url!' });
    bring({ from: bob.id, to: ada.id, payload: 'A'.repeat(64 * 1024) });
    await assertUnharmed(pages);
    for (const page of pages) {
      const { dropped } = await page.session.getStats();
      assert.equal(
        Object.values(dropped).reduce((sum, count) => sum + count, 0),
        refused.get(page.id),
      );
    }
    assert.deepEqual([ada.names.length, bob.names.length, cy.names.length], [2, 2, 2]);
    assert.deepEqual(troubles(...pages), []);
  });
});
