/** Somebody with the link, and in part with the relay's help. He may be there, and be seen; he is nobody but himself. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PAIRS_MAX } from '../../src/engine/keys/join-keys.ts';
import { randomPeerId } from '../../src/engine/keys/key-ring.ts';
import { toBase64Url } from '../../src/engine/protocol/bytes.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { PeerMessage } from '../../src/engine/protocol/peer.ts';
import { MemoryRelay } from '../session/memory-relay.ts';
import { JUDGE, Page, assertUnharmed, gather, settle, until, untilWith } from '../session/page.ts';
import { Puppet } from './puppet.ts';
import { DIRECT, assertOver, enter, newDevice } from './scene.ts';
import { troubles, untilNamed } from './verdicts.ts';

describe('Somebody with the link', () => {
  it('is seen by all, and agrees with all, as long as he is honest: the control', async () => {
    const scene = await enter();
    const { pages, ada, bob, mallory } = scene;
    await untilWith(pages, ['roster-announce'], 'all have one code', () => {
      return mallory.code !== undefined && ada.code === mallory.code && bob.code === mallory.code;
    });
    assert.deepEqual(troubles(ada, bob), []);
    await assertOver(scene);
    assert.equal(ada.code === mallory.code, false);
  });

  it('says what is no message: counted, and the call goes on', async () => {
    const scene = await enter();
    const { ada, mallory } = scene;
    const texts = [
      '',
      'x',
      '{}',
      '[]',
      '{"type":"offer"}',
      '{"type":"roster","members":[],"mac":"A"}',
      '\u0000'.repeat(500),
    ];
    for (const text of texts) await mallory.sayText(ada.id, text);
    await ada.untilDropped('message-malformed', texts.length);
    await assertOver(scene);
  });
});

describe('A roster that is a lie', () => {
  it('RO2: with a wrong MAC, of another direction or of another pair, is dropped and counted', async () => {
    const scene = await enter();
    const { pages, ada, bob, mallory } = scene;
    await untilWith(pages, ['roster-announce'], 'all see alike', () => ada.view.encryption.roster === 'consistent');
    const { roster } = ada.view.encryption;
    const certificate = toBase64Url(new Uint8Array(32).fill(7));
    const lies = [{ peerId: mallory.id, certificate }];
    const honest = mallory.proofs.report(ada.id, lies, false);
    const forBob = mallory.proofs.report(bob.id, lies, false);
    assert.ok(honest && forBob);
    const broken = [
      { ...honest, mac: toBase64Url(new Uint8Array(32)) },
      { ...honest, members: [...lies, ...lies, { peerId: ada.id, certificate }] },
      { ...honest, members: [] },
      forBob,
    ];
    for (const report of broken) mallory.say(ada.id, { type: 'roster', seq: 1_000, ...report });
    await ada.untilDropped('wrong-mac', broken.length);
    assert.equal(ada.view.encryption.roster, roster);
    assert.deepEqual(ada.view.encryption.mismatches, []);
    await assertOver(scene);
  });

  it('RO3: that is his own is shown with his name, to whom he tells it, and is over when he is gone', async () => {
    const scene = await enter((_, message) => (message.type === 'roster' ? undefined : message));
    const { pages, ada, bob, mallory } = scene;
    const ghost = randomPeerId();
    const members = [{ peerId: ghost, certificate: toBase64Url(new Uint8Array(32).fill(7)) }];
    const report = mallory.proofs.report(ada.id, members, false);
    assert.ok(report);
    mallory.say(ada.id, { type: 'roster', seq: 1_000, ...report });
    await untilNamed(pages, ada, [
      [mallory.id, ghost],
      [mallory.id, ada.id],
      [mallory.id, bob.id],
      [mallory.id, mallory.id],
    ]);
    assert.equal(ada.code, undefined);
    // what Bob sees is his own affair: he has been told nothing
    assert.equal(bob.view.encryption.roster, 'settling');
    await assertOver(scene);
  });

  it('RO4: that is never told keeps the room from being taken for consistent', async () => {
    const scene = await enter((_, message) => (message.type === 'roster' ? undefined : message));
    const { pages, ada, bob } = scene;
    let looks = 0;
    await untilWith(pages, JUDGE, 'it was judged again and again', () => ++looks > 100);
    assert.deepEqual([ada.view.encryption.roster, bob.view.encryption.roster], ['settling', 'settling']);
    assert.deepEqual([ada.code, bob.code], [undefined, undefined]);
    await assertOver(scene);
  });
});

describe('A room code that somebody cheats about', () => {
  it('RC2: a nonce that was never committed to is refused and told, and there is no code', async () => {
    let isTold = false;
    const scene = await enter((_, message) => {
      if (message.type !== 'code-reveal') return message;
      isTold = true;
      return { ...message, nonce: toBase64Url(new Uint8Array(32).fill(0x77)) };
    });
    const { pages, ada, bob, mallory } = scene;
    await untilWith(pages, ['roster-announce'], 'he is found out', () =>
      [ada, bob].every(({ errors }) => errors.some(([code, peerId]) => code === 'wrong-key' && peerId === mallory.id)),
    );
    assert.ok(isTold);
    for (const page of pages) {
      assert.ok((await page.dropped('wrong-reveal')) > 0);
      assert.equal(page.code, undefined);
    }
    await assertOver(scene);
  });

  it('RC2: another commitment than the one given is refused', async () => {
    const scene = await enter((_, message) => (message.type === 'code-reveal' ? undefined : message));
    const { pages, ada, bob, mallory } = scene;
    await untilWith(pages, ['roster-announce'], 'rosters agree', () => ada.view.encryption.roster === 'consistent');
    assert.deepEqual([ada.code, bob.code], [undefined, undefined]);
    // again, for the round that they are in
    const commits: PeerMessage[] = [];
    const liar = (to: PeerId, message: PeerMessage): void => {
      if (message.type !== 'code-commit') return;
      const changed = { ...message, commitment: toBase64Url(new Uint8Array(32).fill(0x78)) };
      commits.push(changed);
      mallory.say(to, changed);
    };
    mallory.onSaid = (to, message) => liar(to, message);
    mallory.clock.fire('roster-beat');
    await ada.untilDropped('changed-commitment');
    assert.ok(commits.length > 0);
    assert.equal(ada.code, undefined);
    await assertOver(scene);
  });

  it('RC1: his silence gives nobody a code, and harms nothing else', async () => {
    const scene = await enter((_, message) => (message.type.startsWith('code-') ? undefined : message));
    const { pages, ada, bob } = scene;
    await untilWith(pages, ['roster-announce'], 'rosters agree', () => ada.view.encryption.roster === 'consistent');
    assert.deepEqual([ada.code, bob.code], [undefined, undefined]);
    await assertOver(scene);
  });
});

describe('Somebody with the link who takes another’s place at the relay', () => {
  it('HS6: begins again as Bob: refused and told; Ada and Bob go on over their connection', async () => {
    const relay = new MemoryRelay();
    const pages = await gather(relay, ['Ada', 'Bob'], DIRECT);
    const [ada, bob] = pages as [Page, Page];
    const mallory = new Puppet(relay, 'Bob', { id: bob.id });
    await mallory.join();
    await ada.untilDropped('second-handshake');
    // as often as he likes: each is counted, and the page hears of it once
    for (let i = 0; i < 20; i++) mallory.say(ada.id, { type: 'leave' });
    await ada.untilDropped('second-handshake', 21);
    assert.deepEqual(ada.errors, [['wrong-key', bob.id]]);
    assert.equal(bob.view.phase, 'reconnecting');
    assert.deepEqual(mallory.peers, []);
    await assertUnharmed(pages);
    assert.equal(ada.peer(bob.id)?.encryption, 'encrypted');
  });

  it('RO3: is Bob to a newcomer: then Ada and the newcomer do not see the same Bob, and are told', async () => {
    const relay = new MemoryRelay();
    const pages = await gather(relay, ['Ada', 'Bob'], DIRECT);
    const [ada, bob] = pages as [Page, Page];
    const mallory = new Puppet(relay, 'Bob', { id: bob.id });
    await mallory.join();
    const cy = new Page(relay, 'Cy', DIRECT);
    await cy.join();
    const names = (page: Page, by: PeerId): boolean =>
      page.view.encryption.mismatches.some((mismatch) => mismatch.by === by && mismatch.peerId === bob.id);
    await untilWith([ada, cy], JUDGE, 'both are told', () => names(ada, cy.id) && names(cy, ada.id));
    assert.deepEqual([ada.code, cy.code], [undefined, undefined]);
    assert.equal(ada.peer(bob.id)?.encryption, 'encrypted');
  });
});

describe('Floods', () => {
  it('HS9: of messages that were skipped: refused, and only his own session suffers', async () => {
    const scene = await enter();
    const { relay, ada, bob, mallory } = scene;
    let last: Uint8Array<ArrayBuffer> | undefined;
    for (let i = 0; i < 300; i++) {
      await mallory.keys.send(ada.id, '{"type":"leave"}', (payload) => {
        last = payload;
        return true;
      });
    }
    assert.ok(last);
    relay.deliver({ from: mallory.id, to: ada.id, payload: toBase64Url(last) });
    await ada.untilDropped('too-many-skipped');
    assert.ok(ada.names.includes('Mallory'));
    for (const [page, other] of [
      [ada, bob],
      [bob, ada],
    ] as const) {
      page.rename(`${page.name} goes on`);
      await until('the other hears it', () => other.names.includes(`${page.name} goes on`));
    }
    await assertOver(scene);
  });

  it('HS7: of handshakes in made-up names: more than are kept, and a newcomer still gets in', async () => {
    const relay = new MemoryRelay();
    const pages = await gather(relay, ['Ada', 'Bob'], DIRECT);
    const [ada] = pages as [Page];
    const device = await newDevice();
    // with the relay's help: nobody of them is on a list
    for (let i = 0; i < PAIRS_MAX + 8; i++) {
      const ghost = new Puppet(relay, `Ghost ${i}`, { device });
      relay.tampering = { isListed: (viewer, subject) => subject === ada.id || ![viewer, subject].includes(ghost.id) };
      await ghost.join();
      await until(
        'the handshake is out',
        () => ghost.call.phase === 'joined' && ghost.keysIfAny?.hasSession(ada.id) === true,
      );
      await until('it was opened', async () => (await ada.dropped('unknown-peer')) > i);
      ghost.leave();
    }
    relay.tampering = {};
    await assertUnharmed(pages);
    const cy = new Page(relay, 'Cy', DIRECT);
    await cy.join();
    await settle([...pages, cy]);
  });

  it('of rotations, names and codes: the call goes on, and the record still says what happened', async () => {
    const scene = await enter();
    const { ada, mallory } = scene;
    for (let i = 0; i < 100; i++) {
      mallory.say(ada.id, {
        type: 'presence',
        link: 1,
        seq: 1_000 + i,
        presence: { name: `M${i}`, publications: [] },
        isAsking: true,
      });
      mallory.say(ada.id, {
        type: 'code-commit',
        roster: toBase64Url(new Uint8Array(32).fill(i)),
        round: i + 1,
        commitment: toBase64Url(new Uint8Array(32)),
        isAsking: true,
      });
    }
    await until('all was heard', () => ada.names.includes('M99'));
    await assertOver(scene);
  });
});
