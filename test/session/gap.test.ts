/** RL22, PM13: whole sessions, some of whose messages are lost at the relay. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RelayNotification } from '../../src/engine/protocol/relay.ts';
import { MemoryRelay } from './memory-relay.ts';
import type { Letter } from './memory-relay.ts';
import { gather, until } from './page.ts';
import type { Page } from './page.ts';

function gapFor(page: Page): RelayNotification {
  assert.ok(page.view.roomId);
  return { method: 'gap', params: { room_id: page.view.roomId, ep: 'memory', n: 9 } };
}

/** What peers have said about their keys, by what this page has written down. */
function rotationsSeen(page: Page): number {
  return page.session.exportAuditLog().split('"key-rotated"').length - 1;
}

describe('RL22: a gap in what came', () => {
  it('is made good by asking: a name that was lost is heard, and nobody seems to have gone', async () => {
    const relay = new MemoryRelay();
    const [ada, bob, carol] = (await gather(relay, ['Ada', 'Bob', 'Carol'])) as [Page, Page, Page];
    const lost: Letter[] = [];
    relay.tampering.onLetter = (letter, deliver) => {
      if (letter.to === ada.id) lost.push(letter);
      else deliver(letter);
    };
    bob.rename('Robert');
    await until('carol hears it', () => carol.peer(bob.id)?.name === 'Robert');
    assert.ok(lost.length > 0);
    assert.equal(ada.peer(bob.id)?.name, 'Bob');
    relay.tampering = {};
    relay.tell(ada.id, gapFor(ada));
    await until('ada hears it', () => ada.peer(bob.id)?.name === 'Robert');
    const left = [ada, bob, carol].flatMap(({ events }) => events.filter(({ type }) => type === 'peer-left'));
    assert.deepEqual(left, []);
  });
});

describe('PM13: new keys of a device', () => {
  it('that were told and lost are told again, and taken once', async () => {
    const relay = new MemoryRelay();
    const [ada, bob] = (await gather(relay, ['Ada', 'Bob'])) as [Page, Page];
    const lost: Letter[] = [];
    relay.tampering.onLetter = (letter) => void lost.push(letter);
    await bob.session.rotateKey();
    await until('the news is lost', () => lost.length > 0);
    const [ours] = [rotationsSeen(bob)];
    assert.deepEqual([ours, rotationsSeen(ada)], [1, 0]);
    relay.tampering = {};
    relay.tell(bob.id, gapFor(bob));
    await until('ada hears it', () => rotationsSeen(ada) === 1);
    // the acknowledgement has come as well: nothing is left to say again
    const before = bob.world.sent;
    relay.tell(bob.id, gapFor(bob));
    await until('bob has asked again', () => bob.world.sent > before);
    bob.rename('Robert');
    await until('ada hears what came after', () => ada.peer(bob.id)?.name === 'Robert');
    assert.equal(rotationsSeen(ada), 1);
  });

  it('whose acknowledgement was lost are told again, and not taken a second time', async () => {
    const relay = new MemoryRelay();
    const [ada, bob] = (await gather(relay, ['Ada', 'Bob'])) as [Page, Page];
    relay.tampering.onLetter = (letter, deliver) => {
      if (letter.to === ada.id) deliver(letter);
    };
    await bob.session.rotateKey();
    await until('ada hears it', () => rotationsSeen(ada) === 1);
    relay.tampering = {};
    const before = ada.world.sent;
    relay.tell(bob.id, gapFor(bob));
    await until('ada answers', () => ada.world.sent > before);
    bob.rename('Robert');
    await until('ada hears what came after', () => ada.peer(bob.id)?.name === 'Robert');
    assert.equal(rotationsSeen(ada), 1);
  });
});
