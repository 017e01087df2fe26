/** Somebody with the link, and in part with the relay's help. He may be there, and be seen; he is nobody but himself. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DeviceKeys } from '../../src/engine/crypto/certificate.ts';
import { createProvider } from '../../src/engine/crypto/provider.ts';
import { issueRevocation, issueRotation } from '../../src/engine/crypto/statement.ts';
import { PAIRS_MAX } from '../../src/engine/keys/join-keys.ts';
import { randomPeerId } from '../../src/engine/keys/key-ring.ts';
import { toBase64Url } from '../../src/engine/protocol/bytes.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { PeerMessage } from '../../src/engine/protocol/peer.ts';
import { makeDevice } from '../crypto/handshake-fixtures.ts';
import { MemoryRelay } from '../session/memory-relay.ts';
import { JUDGE, Page, assertUnharmed, gather, settle, until, untilWith } from '../session/page.ts';
import { Puppet } from './puppet.ts';
import { troubles, untilNamed } from './verdicts.ts';

const DIRECT = { isDirect: true };

async function newDevice(aheadS = 0): Promise<DeviceKeys> {
  return makeDevice(await createProvider(), { nowS: Math.floor(Date.now() / 1000) + aheadS });
}

type Scene = {
  readonly relay: MemoryRelay;
  readonly pages: readonly Page[];
  readonly ada: Page;
  readonly bob: Page;
  readonly mallory: Puppet;
};

/** Ada and Bob are in a call; Mallory has come in with the link, and is seen by both. */
async function enter(lie?: (to: PeerId, message: PeerMessage) => PeerMessage | undefined): Promise<Scene> {
  const relay = new MemoryRelay();
  const pages = await gather(relay, ['Ada', 'Bob'], DIRECT);
  const [ada, bob] = pages as [Page, Page];
  const mallory = new Puppet(relay, 'Mallory', lie && { lie });
  await mallory.join();
  const isSeen = (): boolean => pages.every((page) => page.peer(mallory.id)?.encryption === 'encrypted');
  await untilWith(pages, ['roster-announce'], 'Mallory is seen', () => isSeen() && mallory.peers.length === 2);
  return { relay, pages, ada, bob, mallory };
}

/** Mallory goes, and the others are as they were. */
async function assertOver({ pages, mallory }: Scene): Promise<void> {
  mallory.leave();
  await assertUnharmed(pages);
}

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
    for (const report of broken) mallory.say(ada.id, { type: 'roster', ...report });
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
    mallory.say(ada.id, { type: 'roster', ...report });
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

describe('Statements about keys', () => {
  it('PN3, PN4: forged, by a third party, or for another are refused and counted', async () => {
    const scene = await enter();
    const { ada, bob, mallory } = scene;
    const nowS = Math.floor(Date.now() / 1000);
    const [his, other] = await Promise.all([newDevice(), newDevice()]);
    const said: PeerMessage[] = [];
    const say = (type: 'e2ee_key_rotation' | 'e2ee_key_revoke', bytes: Uint8Array): void => {
      said.push({ type, statement: toBase64Url(bytes) });
    };
    // about devices that are not behind this peer
    say('e2ee_key_rotation', await issueRotation(his, other, nowS));
    const rotation = await issueRotation(his, other, nowS);
    say('e2ee_key_rotation', rotation.with(300, rotation[300]! ^ 1));
    say('e2ee_key_rotation', rotation.slice(1));
    const revocation = await issueRevocation(his.signer, nowS);
    say('e2ee_key_revoke', revocation.with(60, revocation[60]! ^ 1));
    say('e2ee_key_revoke', rotation);
    say('e2ee_key_revoke', await issueRevocation(his.signer, nowS + 3_600));
    say('e2ee_key_revoke', new Uint8Array(118).fill(1));
    for (const message of said) mallory.say(ada.id, message);
    await ada.untilDropped('bad-statement', said.length);
    for (const peerId of [bob.id, mallory.id]) assert.equal(ada.peer(peerId)?.encryption, 'encrypted');
    assert.deepEqual(troubles(ada), []);
    await assertOver(scene);
  });

  it('PN4: of a device that is nobody’s here are believed, and change nothing here', async () => {
    const scene = await enter();
    const { ada, mallory } = scene;
    const { signer } = await newDevice();
    const statement = toBase64Url(await issueRevocation(signer, Math.floor(Date.now() / 1000)));
    for (let i = 0; i < 3; i++) mallory.say(ada.id, { type: 'e2ee_key_revoke', statement });
    await assertOver(scene);
    assert.equal(await ada.dropped('bad-statement'), 0);
  });

  it('PN4: of revocation is believed by the relay’s clock, however wrong our own is', async () => {
    const relay = new MemoryRelay();
    const aheadS = 3_600;
    relay.nowS = () => Math.floor(Date.now() / 1000) + aheadS;
    const [ada] = (await gather(relay, ['Ada', 'Bob'], DIRECT)) as [Page, Page];
    const device = await newDevice(aheadS);
    const thief = new Puppet(relay, 'Carol', { device });
    await thief.join();
    await untilWith([ada], ['roster-announce'], 'he is in', () => ada.peer(thief.id)?.identity !== undefined);
    const statement = toBase64Url(await issueRevocation(device.signer, relay.nowS()));
    thief.say(ada.id, { type: 'e2ee_key_revoke', statement });
    await until('she refuses', () => ada.peer(thief.id)?.encryption === 'wrong-key');
    assert.equal(await ada.dropped('bad-statement'), 0);
  });

  it('PN4: a device that was revoked is refused at once and for good, also with another peer id', async () => {
    const relay = new MemoryRelay();
    const pages = await gather(relay, ['Ada', 'Bob'], DIRECT);
    const [ada, bob] = pages as [Page, Page];
    const device = await newDevice();
    const thief = new Puppet(relay, 'Carol', { device });
    await thief.join();
    await untilWith(
      pages,
      ['roster-announce'],
      'the thief is in',
      () => ada.peer(thief.id)?.encryption === 'encrypted',
    );
    // Carol says it herself, from elsewhere: any way is good
    const carol = new Puppet(relay, 'Carol at home');
    await carol.join();
    await untilWith(pages, ['roster-announce'], 'Carol is in', () => carol.peers.length === 3);
    const statement = toBase64Url(await issueRevocation(device.signer, Math.floor(Date.now() / 1000)));
    for (const { id } of pages) carol.say(id, { type: 'e2ee_key_revoke', statement });
    await until('both refuse', () => pages.every((page) => page.peer(thief.id)?.encryption === 'wrong-key'));
    for (const page of pages)
      assert.ok(page.errors.some(([code, peerId]) => code === 'wrong-key' && peerId === thief.id));
    thief.rename('Carol again');
    thief.say(ada.id, { type: 'presence', link: 1, presence: { name: 'x', publications: [] }, isAsking: true });
    await ada.untilDropped('refused-peer');
    thief.leave();
    const again = new Puppet(relay, 'Carol', { device });
    await again.join();
    await Promise.all(pages.map((page) => page.untilDropped('revoked')));
    for (const page of pages) {
      assert.ok(page.errors.some(([code, peerId]) => code === 'wrong-key' && peerId === again.id));
      assert.notEqual(page.peer(again.id)?.encryption, 'encrypted');
    }
    again.leave();
    carol.leave();
    await assertUnharmed(pages);
    assert.equal(bob.names.length, 1);
  });
});

describe('Names', () => {
  it('PN2: somebody else’s under another device is told, loudly, and the name’s owner is not harmed', async () => {
    const relay = new MemoryRelay();
    const ada = new Page(relay, 'Ada', DIRECT);
    await ada.join();
    const device = await newDevice();
    const bob = new Puppet(relay, 'Bob', { device });
    await bob.join();
    await untilWith([ada], ['roster-announce'], 'Bob is known', () => ada.peer(bob.id)?.identity?.standing === 'new');
    bob.leave();
    await until('Bob is gone', () => ada.names.length === 0);
    const mallory = new Puppet(relay, 'BOB', { device: await newDevice() });
    await mallory.join();
    await untilWith(
      [ada],
      ['roster-announce'],
      'she is told',
      () => ada.peer(mallory.id)?.identity?.standing === 'changed',
    );
    assert.deepEqual(ada.errors, [['identity-changed', mallory.id]]);
    const again = new Puppet(relay, 'Bob', { device });
    await again.join();
    await untilWith(
      [ada],
      ['roster-announce'],
      'Bob is known',
      () => ada.peer(again.id)?.identity?.standing === 'known',
    );
    assert.deepEqual(ada.errors, [['identity-changed', mallory.id]]);
    assert.match(ada.session.exportAuditLog(), /identity-changed/);
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
    assert.deepEqual(ada.errors.filter(([code]) => code === 'wrong-key').slice(0, 1), [['wrong-key', bob.id]]);
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
      mallory.say(ada.id, { type: 'presence', link: 1, presence: { name: `M${i}`, publications: [] }, isAsking: true });
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
