/** A relay that keeps a sealed message back and lets it go when it suits it: the message opens, and must not win (PM11). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { randomPeerId } from '../../src/engine/keys/key-ring.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { toBase64Url } from '../../src/engine/protocol/bytes.ts';
import { rosterMembers } from '../../src/engine/room/roster.ts';
import { isPresent } from '../../src/engine/room/state.ts';
import { MemoryRelay } from '../session/memory-relay.ts';
import type { Letter } from '../session/memory-relay.ts';
import { LOOK_AFTER, Page, assertUnharmed, gather, until, untilWith } from '../session/page.ts';
import { DIRECT, enter } from './scene.ts';
import { troubles, untilNamed } from './verdicts.ts';

const NAMES = 8;

/** What `from` says next to `to` does not come; `held` has it. */
function holdBack(relay: MemoryRelay, from: PeerId, to: PeerId): Letter[] {
  const held: Letter[] = [];
  relay.tampering = {
    onLetter: (letter, deliver) => {
      if (letter.from === from && letter.to === to) held.push(letter);
      else deliver(letter);
    },
  };
  return held;
}

/** Many names, so that some of them are in `held` whatever else was on its way. */
async function sayOften(page: Page, held: readonly Letter[]): Promise<void> {
  for (let i = 0; i < NAMES; i++) page.rename(`${page.name}, who was ${i}`);
  await until('the relay has them', () => held.length >= NAMES);
}

describe('A relay that lets an old message go', () => {
  it('PM11: an old presence brings no old name and no old mute back', async () => {
    const relay = new MemoryRelay();
    const pages = await gather(relay, ['Ada', 'Bob']);
    const [ada, bob] = pages as [Page, Page];
    const held = holdBack(relay, bob.id, ada.id);
    await sayOften(bob, held);
    relay.tampering = {};
    bob.rename('Bob, who is');
    await until('Ada knows', () => ada.names.includes('Bob, who is'));
    for (const letter of held) relay.deliver(letter);
    await ada.untilDropped('stale-state');
    assert.deepEqual(ada.names, ['Bob, who is']);
    await assertUnharmed(pages);
  });

  it('PM11: an old roster takes no mismatch back', async () => {
    // one inside, of whom nothing is heard but what this test says
    const scene = await enter((_, message) => (message.type === 'roster' ? undefined : message));
    const { relay, pages, ada, mallory } = scene;
    assert.ok(isPresent(mallory.call));
    const members = rosterMembers(mallory.call);
    const report = mallory.proofs.report(ada.id, members, false);
    assert.ok(report);
    const held: string[] = [];
    await mallory.keys.send(ada.id, JSON.stringify({ type: 'roster', seq: 1_000, ...report }), (payload) => {
      held.push(toBase64Url(payload));
      return true;
    });
    const ghost = { peerId: randomPeerId(), certificate: toBase64Url(new Uint8Array(32).fill(7)) };
    const other = mallory.proofs.report(ada.id, [...members, ghost], false);
    assert.ok(other);
    mallory.say(ada.id, { type: 'roster', seq: 1_001, ...other });
    await untilNamed(pages, ada, [[mallory.id, ghost.peerId]]);
    relay.deliver({ from: mallory.id, to: ada.id, payload: held[0]! });
    await ada.untilDropped('stale-state');
    assert.equal(ada.view.encryption.roster, 'mismatch');
    assert.equal(ada.view.encryption.mismatches.length, 1);
  });

  it('PM7, PM11: nobody who has left is brought back by what was said before', async () => {
    const relay = new MemoryRelay();
    const pages = await gather(relay, ['Ada', 'Bob', 'Cy']);
    const [ada, bob, cy] = pages as [Page, Page, Page];
    const held = holdBack(relay, bob.id, ada.id);
    await sayOften(bob, held);
    relay.tampering = {};
    const { id } = bob;
    bob.session.dispatch({ type: 'leave' });
    await until('Bob is gone', () => ada.peer(id) === undefined && cy.peer(id) === undefined);
    relay.tell(ada.id, { method: 'peer_joined', params: { peer_id: id, join_number: 2 } });
    for (const letter of held) relay.deliver(letter);
    await ada.untilDropped('unknown-peer', held.length);
    assert.equal(await ada.dropped('left-peer'), 1);
    assert.equal(ada.peer(id), undefined);
    await assertUnharmed([ada, cy]);
  });

  it('HS6: a first message that was begun again is no alarm when it comes at last', async () => {
    const relay = new MemoryRelay();
    const ada = new Page(relay, 'Ada', DIRECT);
    await ada.join();
    const held: Letter[] = [];
    let bundles = 0;
    relay.tampering = {
      // with the welcome, and when nobody has answered
      onBundle: (_owner, _asker, bundle) => (bundles++, bundle),
      onLetter: (letter, deliver) => {
        if (bundles < 2 && letter.to === ada.id) held.push(letter);
        else deliver(letter);
      },
    };
    const bob = new Page(relay, 'Bob', DIRECT);
    await bob.join();
    const pages = [ada, bob];
    await untilWith(pages, LOOK_AFTER, 'they have met', () => ada.code !== undefined && ada.code === bob.code);
    assert.ok(held.length > 0);
    for (const letter of held) relay.deliver(letter);
    await ada.untilDropped('stale-handshake', held.length);
    assert.deepEqual(
      troubles(...pages).filter((trouble) => trouble.includes('key')),
      [],
    );
    relay.tampering = {};
    await assertUnharmed(pages);
  });
});
