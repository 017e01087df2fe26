/** A relay that lies about who is there. Its list is a hint: it neither brings anybody in, nor takes anybody out, nor splits a room unseen. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { STRANGERS_BURST } from '../../src/engine/doubts.ts';
import { randomPeerId } from '../../src/engine/keys/key-ring.ts';
import { toBase64Url } from '../../src/engine/protocol/bytes.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { Random } from '../helpers/random.ts';
import { MemoryRelay } from '../session/memory-relay.ts';
import { ANNOUNCE, JUDGE, LOOK_AFTER, Page, assertUnharmed, gather, settle, untilWith } from '../session/page.ts';
import { Puppet } from './puppet.ts';
import { untilNamed } from './verdicts.ts';

const SEED = 20_272;
const DIRECT = { isDirect: true };

describe('A relay that lists ghosts', () => {
  for (const [what, joinNumber] of [
    ['were there first', 1],
    ['come later', 1_000],
  ] as const) {
    it(`which ${what}: they are never shown, and never counted among those who may read`, async () => {
      const relay = new MemoryRelay();
      const random = new Random(SEED);
      const ghosts: PeerId[] = [];
      relay.tampering = {
        onBundle: (owner, _, bundle) => (ghosts.includes(owner) ? { head: toBase64Url(random.bytes(1570)) } : bundle),
      };
      const pages = await gather(relay, ['Ada', 'Bob'], DIRECT);
      for (let i = 0; i < 20; i++) {
        const peer_id = randomPeerId();
        ghosts.push(peer_id);
        for (const { id } of pages) {
          relay.tell(id, { method: 'peer_joined', params: { peer_id, join_number: joinNumber } });
          relay.tell(id, { method: 'bundle_published', params: { peer_id } });
        }
      }
      await assertUnharmed(pages);
      await untilWith(pages, LOOK_AFTER, 'their links are looked after', () => true);
      for (const page of pages) {
        await page.untilDropped('bad-bundle', ghosts.length);
        assert.equal(page.view.participants.length, 1);
        // loud, with ids that are not shown; not as often as the relay likes
        const told = page.errors.filter(([code]) => code === 'wrong-key').map(([, peerId]) => peerId);
        assert.ok(told.length >= STRANGERS_BURST && told.length < ghosts.length, `${told.length}`);
        assert.ok(told.every((peerId) => peerId && ghosts.includes(peerId)));
      }
      await assertUnharmed(pages);
    });
  }

  it('by the thousand: the call goes on, and a newcomer still gets in', async () => {
    const relay = new MemoryRelay();
    const pages = await gather(relay, ['Ada', 'Bob'], DIRECT);
    const [ada] = pages as [Page];
    for (let i = 0; i < 2_000; i++) {
      const peer_id = randomPeerId();
      relay.tell(ada.id, { method: 'bundle_published', params: { peer_id } });
      if (i % 40 === 0) relay.tell(ada.id, { method: 'peer_joined', params: { peer_id, join_number: 2 } });
    }
    await assertUnharmed(pages);
    const cy = new Page(relay, 'Cy', DIRECT);
    await cy.join();
    await settle([...pages, cy]);
  });

  it('by somebody with the link, to one side alone: the other hears of him from the first', async () => {
    const relay = new MemoryRelay();
    const pages = await gather(relay, ['Ada', 'Bob'], DIRECT);
    const [ada, bob] = pages as [Page, Page];
    const mallory = new Puppet(relay, 'Mallory');
    relay.tampering = {
      isListed: (viewer, subject) => ![viewer, subject].includes(mallory.id) || [viewer, subject].includes(ada.id),
    };
    await mallory.join();
    await untilNamed(pages, bob, [[ada.id, mallory.id]]);
    assert.match(bob.session.exportAuditLog(), /"roster-mismatch"/);
    assert.deepEqual(
      bob.errors.map(([code]) => code),
      ['roster-mismatch'],
    );
    // she sees him herself; he and Bob do not see each other
    assert.deepEqual(ada.names, ['Bob', 'Mallory']);
    await untilNamed(pages, ada, [
      [bob.id, mallory.id],
      [mallory.id, bob.id],
    ]);
    assert.deepEqual([ada.code, bob.code], [undefined, undefined]);
    mallory.leave();
    await assertUnharmed(pages);
  });

  it('of ourselves: we are not our own peer', async () => {
    const relay = new MemoryRelay();
    const pages = await gather(relay, ['Ada', 'Bob'], DIRECT);
    for (const { id } of pages) {
      relay.tell(id, { method: 'peer_joined', params: { peer_id: id, join_number: 1 } });
      relay.tell(id, { method: 'bundle_published', params: { peer_id: id } });
      relay.tell(id, { method: 'peer_left', params: { peer_id: id } });
    }
    await assertUnharmed(pages);
  });
});

describe('A relay that hides', () => {
  it('two from each other, while a third sees both: all three are told, by name', async () => {
    const relay = new MemoryRelay();
    const [ada, bob, cy] = ['Ada', 'Bob', 'Cy'].map((name) => new Page(relay, name, DIRECT)) as [Page, Page, Page];
    await ada.join();
    await bob.join();
    relay.tampering = {
      isListed: (viewer, subject) => viewer === ada.id || subject === ada.id,
      onLetter: (letter, deliver) => {
        if (letter.from === ada.id || letter.to === ada.id) deliver(letter);
      },
    };
    await cy.join();
    const pages = [ada, bob, cy];
    await untilNamed(pages, ada, [
      [bob.id, cy.id],
      [cy.id, bob.id],
    ]);
    await untilNamed(pages, bob, [[ada.id, cy.id]]);
    await untilNamed(pages, cy, [[ada.id, bob.id]]);
    for (const page of pages) assert.ok(page.errors.some(([code]) => code === 'roster-mismatch'));
    // what stands goes on
    assert.deepEqual([ada.names, bob.names, cy.names], [['Bob', 'Cy'], ['Ada'], ['Ada']]);
    assert.equal(ada.peer(bob.id)?.encryption, 'encrypted');
  });

  it('and is honest later: they meet, and all is well', async () => {
    const relay = new MemoryRelay();
    const pages = ['Ada', 'Bob', 'Cy'].map((name) => new Page(relay, name, DIRECT));
    const [ada, bob, cy] = pages as [Page, Page, Page];
    await ada.join();
    await bob.join();
    relay.tampering = { isListed: (viewer, subject) => viewer === ada.id || subject === ada.id };
    await cy.join();
    await untilWith(pages, JUDGE, 'it is seen', () => ada.view.encryption.roster === 'mismatch');
    relay.tampering = {};
    // as its list says at the next join or return: Bob was there before Cy
    relay.tell(cy.id, { method: 'peer_joined', params: { peer_id: bob.id, join_number: 2 } });
    relay.tell(bob.id, { method: 'peer_joined', params: { peer_id: cy.id, join_number: 3 } });
    await untilWith(pages, LOOK_AFTER, 'they meet', () => bob.names.includes('Cy') && cy.names.includes('Bob'));
    await assertUnharmed(pages);
  });
});

describe('A relay that splits a room', () => {
  it('whose connections stand changes nothing: nobody is gone, and all hear each other', async () => {
    const relay = new MemoryRelay();
    const pages = await gather(relay, ['Ada', 'Bob', 'Cy', 'Dee'], DIRECT);
    const [left, right] = [pages.slice(0, 2), pages.slice(2)];
    const isSame = (a: PeerId, b: PeerId): boolean =>
      [left, right].some((half) => half.some(({ id }) => id === a) && half.some(({ id }) => id === b));
    relay.tampering = {
      isListed: isSame,
      onLetter: (letter, deliver) => {
        if (isSame(letter.from, letter.to)) deliver(letter);
      },
    };
    for (const page of pages) {
      for (const other of pages) {
        if (!isSame(page.id, other.id)) relay.tell(page.id, { method: 'peer_left', params: { peer_id: other.id } });
      }
    }
    await assertUnharmed(pages);
    for (const page of pages) page.fireAll(['gone:', ...JUDGE]);
    await assertUnharmed(pages);
    for (const page of pages) assert.deepEqual(page.errors, []);
  });

  it('by telling everybody that all others have left: the same', async () => {
    const relay = new MemoryRelay();
    const pages = await gather(relay, ['Ada', 'Bob', 'Cy'], DIRECT);
    for (const page of pages) {
      for (const { id } of pages) relay.tell(page.id, { method: 'peer_left', params: { peer_id: id } });
    }
    for (const page of pages) page.fireAll(['gone:']);
    await assertUnharmed(pages);
  });

  it('where nothing stands but the relay: who is gone is a lost connection, never somebody who has left', async () => {
    const relay = new MemoryRelay();
    const pages = await gather(relay, ['Ada', 'Bob', 'Cy']);
    const [ada, bob, cy] = pages as [Page, Page, Page];
    const isCut = (a: PeerId, b: PeerId): boolean => [a, b].includes(ada.id) && [a, b].includes(cy.id);
    relay.tampering = {
      onLetter: (letter, deliver) => {
        if (!isCut(letter.from, letter.to)) deliver(letter);
      },
    };
    for (const [page, other] of [
      [ada, cy],
      [cy, ada],
    ] as const) {
      relay.tell(page.id, { method: 'peer_left', params: { peer_id: other.id } });
      const link = page.world.links.find(({ options }) => options.peerFingerprint() !== undefined);
      assert.ok(link);
    }
    for (const { options } of [...ada.world.links, ...cy.world.links]) options.onTransport('disconnected');
    await untilWith([ada, cy], ['gone:'], 'they have lost each other', () => {
      return ada.peer(cy.id) === undefined && cy.peer(ada.id) === undefined;
    });
    assert.deepEqual(
      ada.events.filter(({ type }) => type === 'peer-left'),
      [{ type: 'peer-left', peerId: cy.id, reason: 'connection-lost' }],
    );
    // Bob sees both, and is told that they do not
    await untilNamed(pages, bob, [
      [ada.id, cy.id],
      [cy.id, ada.id],
    ]);
  });
});

describe('A relay that lies about coming and going', () => {
  it('PM7: cannot make a leave: one that was sealed for somebody else, or long ago, is none', async () => {
    const relay = new MemoryRelay();
    const pages = await gather(relay, ['Ada', 'Bob', 'Cy']);
    const [ada, bob, cy] = pages as [Page, Page, Page];
    const letters: { readonly from: PeerId; readonly to: PeerId; readonly payload: string }[] = [];
    relay.tampering = { onLetter: (letter) => void letters.push(letter) };
    const before = await ada.allDropped();
    const cyId = cy.id;
    cy.session.dispatch({ type: 'leave' });
    // others may be saying something at the same time
    const isSaid = (to: PeerId): boolean => letters.some((letter) => letter.from === cyId && letter.to === to);
    await untilWith(pages, ANNOUNCE, 'Cy has said it', () => isSaid(ada.id) && isSaid(bob.id));
    const toBob = letters.findLast(({ from, to }) => from === cyId && to === bob.id);
    assert.ok(toBob);
    relay.tampering = {};
    relay.deliver({ ...toBob, to: ada.id });
    relay.deliver({ ...toBob, from: ada.id });
    await ada.untilDropped('unopened', before + 1);
    assert.deepEqual(
      [ada.names, bob.names],
      [
        ['Bob', 'Cy'],
        ['Ada', 'Cy'],
      ],
    );
    // the real ones, late
    for (const letter of letters) relay.deliver(letter);
    await settle([ada, bob]);
    assert.ok(
      ada.events.some((event) => event.type === 'peer-left' && event.peerId === cyId && event.reason === 'left'),
    );
  });

  it('cannot bring back who has left: listed again, he is not shown, and what he once said is not heard', async () => {
    const relay = new MemoryRelay();
    const pages = await gather(relay, ['Ada', 'Bob', 'Cy'], DIRECT);
    const [ada, bob, cy] = pages as [Page, Page, Page];
    const letters: { readonly from: PeerId; readonly to: PeerId; readonly payload: string }[] = [];
    relay.tampering = {
      onLetter: (letter, deliver) => {
        letters.push(letter);
        deliver(letter);
      },
    };
    cy.rename('Cy again');
    const cyId = cy.id;
    cy.session.dispatch({ type: 'leave' });
    await settle([ada, bob]);
    for (const { id } of [ada, bob]) {
      relay.tell(id, { method: 'peer_joined', params: { peer_id: cyId, join_number: 3 } });
    }
    for (const letter of letters.filter(({ from }) => from === cyId)) relay.deliver(letter);
    for (const page of [ada, bob]) page.fireAll(LOOK_AFTER);
    await assertUnharmed([ada, bob]);
  });

  it('RL1: welcomes as another, to another room, or again with other numbers: the call goes on', async () => {
    const relay = new MemoryRelay();
    const pages = await gather(relay, ['Ada', 'Bob', 'Cy'], DIRECT);
    const [ada, bob, cy] = pages as [Page, Page, Page];
    const { roomId } = ada.view;
    assert.ok(roomId);
    const others = [bob, cy].map(({ id }, i) => ({ peer_id: id, join_number: i + 5 }));
    const other = `0x${'ee'.repeat(32)}` as typeof roomId;
    relay.tell(ada.id, { method: 'welcome', params: relay.welcomeOf(other, ada.id, 1, []) });
    relay.tell(ada.id, { method: 'welcome', params: relay.welcomeOf(roomId, bob.id, 1, []) });
    await ada.untilDropped('relay-mismatch', 2);
    for (const number of [99, 1, 2 ** 40]) {
      relay.tell(ada.id, { method: 'welcome', params: relay.welcomeOf(roomId, ada.id, number, others) });
      relay.tell(ada.id, {
        method: 'welcome',
        params: relay.welcomeOf(roomId, ada.id, number, [...others, ...others]),
      });
      await assertUnharmed(pages);
    }
    relay.tell(ada.id, { method: 'welcome', params: relay.welcomeOf(roomId, ada.id, 1, []) });
    ada.fireAll(['gone:']);
    await assertUnharmed(pages);
    assert.deepEqual(ada.errors, []);
  });

  it('keeps us away for long: however much we have tried to say meanwhile, we are heard again', async () => {
    const relay = new MemoryRelay();
    const pages = await gather(relay, ['Ada', 'Bob']);
    const [ada] = pages as [Page];
    const options = relay.lose(ada.id);
    assert.ok(options);
    for (let i = 0; i < 600; i++) ada.rename(`Ada ${i} away`);
    await ada.untilDropped('relay-away', 600);
    await relay.connect(options);
    await untilWith(pages, [], 'Ada is back', () => ada.view.phase === 'joined');
    await assertUnharmed(pages);
    assert.equal(await pages[1]?.dropped('too-many-skipped'), 0);
  });

  it('RL5: ends a socket: the call goes on without, and over the new one', async () => {
    const relay = new MemoryRelay();
    const pages = await gather(relay, ['Ada', 'Bob', 'Cy'], DIRECT);
    const [ada] = pages as [Page];
    const options = relay.lose(ada.id);
    assert.ok(options);
    assert.equal(ada.view.phase, 'reconnecting');
    await assertUnharmed(pages);
    await relay.connect(options);
    await untilWith(pages, [], 'Ada is back', () => ada.view.phase === 'joined');
    await assertUnharmed(pages);
  });
});
