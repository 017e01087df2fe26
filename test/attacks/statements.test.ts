/** What is said about keys: new ones, dead ones, and names that are other people's. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createProvider } from '../../src/engine/crypto/provider.ts';
import { issueRevocation, issueRotation } from '../../src/engine/crypto/statement.ts';
import { toBase64Url } from '../../src/engine/protocol/bytes.ts';
import type { PeerMessage } from '../../src/engine/protocol/peer.ts';
import { MemoryRelay } from '../session/memory-relay.ts';
import { Page, assertUnharmed, gather, until, untilWith } from '../session/page.ts';
import { Puppet } from './puppet.ts';
import { DIRECT, assertOver, enter, newDevice } from './scene.ts';
import { troubles } from './verdicts.ts';

const nowS = (): number => Math.floor(Date.now() / 1000);

describe('Statements about keys', () => {
  it('PN3, PN4: forged, by a third party, or for another are refused and counted', async () => {
    const scene = await enter();
    const { ada, bob, mallory } = scene;
    const [his, other] = await Promise.all([newDevice(), newDevice()]);
    const said: PeerMessage[] = [];
    const say = (type: 'e2ee_key_rotation' | 'e2ee_key_revoke', bytes: Uint8Array): void => {
      said.push({ type, statement: toBase64Url(bytes) });
    };
    // about devices that are not behind this peer
    say('e2ee_key_rotation', await issueRotation(his, other, nowS()));
    const rotation = await issueRotation(his, other, nowS());
    say('e2ee_key_rotation', rotation.with(300, rotation[300]! ^ 1));
    say('e2ee_key_rotation', rotation.slice(1));
    const revocation = await issueRevocation(his.signer, nowS());
    say('e2ee_key_revoke', revocation.with(60, revocation[60]! ^ 1));
    say('e2ee_key_revoke', rotation);
    say('e2ee_key_revoke', await issueRevocation(his.signer, nowS() + 3_600));
    say('e2ee_key_revoke', new Uint8Array(118).fill(1));
    for (const message of said) mallory.say(ada.id, message);
    await ada.untilDropped('bad-statement', said.length);
    for (const peerId of [bob.id, mallory.id]) assert.equal(ada.peer(peerId)?.encryption, 'encrypted');
    assert.deepEqual(troubles(ada), []);
    await assertOver(scene);
  });

  it('PN3: of rotation moves what is known of a device to its new keys; brought again by a third party, it moves nothing', async () => {
    const relay = new MemoryRelay();
    const ada = new Page(relay, 'Ada', DIRECT);
    await ada.join();
    const [old, next] = await Promise.all([newDevice(), newDevice()]);
    const bob = new Puppet(relay, 'Bob', { device: old });
    await bob.join();
    await untilWith([ada], ['roster-announce'], 'Bob is in', () => ada.peer(bob.id)?.identity?.standing === 'new');
    const statement = toBase64Url(await issueRotation(old, next, nowS()));
    const mallory = new Puppet(relay, 'Mallory');
    await mallory.join();
    await untilWith([ada], ['roster-announce'], 'Mallory is in', () => mallory.peers.includes(ada.id));
    mallory.say(ada.id, { type: 'e2ee_key_rotation', statement });
    await ada.untilDropped('bad-statement');
    bob.say(ada.id, { type: 'e2ee_key_rotation', statement });
    await until('it is written down', () => ada.session.exportAuditLog().includes('key-rotated'));
    bob.leave();
    await until('Bob is gone', () => ada.peer(bob.id) === undefined);
    const again = new Puppet(relay, 'Bob', { device: next });
    await again.join();
    await untilWith(
      [ada],
      ['roster-announce'],
      'he is known',
      () => ada.peer(again.id)?.identity?.standing === 'known',
    );
    assert.deepEqual(ada.errors, []);
    // the keys that he has given up are not his any more
    const thief = new Puppet(relay, 'Bob', { device: old });
    await thief.join();
    await untilWith([ada], ['roster-announce'], 'told', () => ada.peer(thief.id)?.identity?.standing === 'changed');
    assert.deepEqual(ada.errors, [['identity-changed', thief.id]]);
  });

  it('PN2: of rotation is no way to a name that is another’s: he who has rotated is looked at as anybody', async () => {
    const relay = new MemoryRelay();
    const ada = new Page(relay, 'Ada', DIRECT);
    await ada.join();
    const bob = new Puppet(relay, 'Bob', { device: await newDevice() });
    await bob.join();
    await untilWith([ada], ['roster-announce'], 'Bob is in', () => ada.peer(bob.id)?.identity?.standing === 'new');
    bob.leave();
    await until('Bob is gone', () => ada.peer(bob.id) === undefined);
    const [old, next] = await Promise.all([newDevice(), newDevice()]);
    const mallory = new Puppet(relay, 'Mallory', { device: old });
    await mallory.join();
    await untilWith([ada], ['roster-announce'], 'Mallory is in', () => mallory.peers.includes(ada.id));
    mallory.say(ada.id, { type: 'e2ee_key_rotation', statement: toBase64Url(await issueRotation(old, next, nowS())) });
    await until('it is written down', () => ada.session.exportAuditLog().includes('key-rotated'));
    mallory.rename('Bob');
    await until('she is told', () => ada.peer(mallory.id)?.identity?.standing === 'changed');
    assert.deepEqual(ada.errors, [['identity-changed', mallory.id]]);
  });

  it('by the dozen are not listened to: what is remembered and written down is not his to push out', async () => {
    const scene = await enter();
    const { ada, mallory } = scene;
    const provider = await createProvider();
    const own = await mallory.identity.open(provider, nowS());
    for (let i = 0; i < 20; i++) {
      const [other, dead] = await Promise.all([newDevice(), newDevice()]);
      const rotation = toBase64Url(await issueRotation(own, other, nowS()));
      const revocation = toBase64Url(await issueRevocation(dead.signer, nowS()));
      mallory.say(ada.id, { type: 'e2ee_key_rotation', statement: rotation });
      mallory.say(ada.id, { type: 'e2ee_key_revoke', statement: revocation });
    }
    await ada.untilDropped('too-many-statements', 32);
    const entries = ada.session.exportAuditLog().split('\n');
    assert.ok(entries.filter((entry) => /key-rotated|key-revoked/.test(entry)).length <= 8);
    await assertOver(scene);
  });

  it('PN4: of a device that is nobody’s here are believed, and change nothing here', async () => {
    const scene = await enter();
    const { ada, mallory } = scene;
    const { signer } = await newDevice();
    const statement = toBase64Url(await issueRevocation(signer, nowS()));
    for (let i = 0; i < 3; i++) mallory.say(ada.id, { type: 'e2ee_key_revoke', statement });
    await assertOver(scene);
    assert.equal(await ada.dropped('bad-statement'), 0);
  });

  it('PN4: of revocation is believed by the relay’s clock, however wrong our own is', async () => {
    const relay = new MemoryRelay();
    const aheadS = 3_600;
    relay.nowS = () => nowS() + aheadS;
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
    const statement = toBase64Url(await issueRevocation(device.signer, nowS()));
    for (const { id } of pages) carol.say(id, { type: 'e2ee_key_revoke', statement });
    await until('both refuse', () => pages.every((page) => page.peer(thief.id)?.encryption === 'wrong-key'));
    for (const page of pages)
      assert.ok(page.errors.some(([code, peerId]) => code === 'wrong-key' && peerId === thief.id));
    thief.rename('Carol again');
    thief.say(ada.id, {
      type: 'presence',
      link: 1,
      seq: 1_000,
      presence: { name: 'x', publications: [] },
      isAsking: true,
    });
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
    // shown for a while after it is gone
    for (const page of pages) await until('the thief is gone', () => page.fire(`gone:${thief.id}`));
    await assertUnharmed(pages);
    assert.equal(bob.names.length, 1);
  });
});

describe('PN4: a device that was revoked while it was away', () => {
  it('does not come back under the session that stood', async () => {
    const relay = new MemoryRelay();
    const [ada] = (await gather(relay, ['Ada', 'Bob'])) as [Page, Page];
    const device = await newDevice();
    const thief = new Puppet(relay, 'Carol', { device });
    await thief.join();
    const carol = new Puppet(relay, 'Carol at home');
    await carol.join();
    const isSealed = (): boolean =>
      [thief, carol].every(({ id }) => ada.peer(id)?.encryption === 'encrypted' && ada.peer(id)?.link === 'connected');
    await untilWith([ada], ['roster-announce'], 'both are in', isSealed);
    // he falls silent, and is given up
    relay.tell(ada.id, { method: 'peer_left', params: { peer_id: thief.id } });
    for (const { options } of ada.world.links) options.onTransport('disconnected');
    await until('he is gone', () => ada.fire(`gone:${thief.id}`) && ada.peer(thief.id) === undefined);
    const statement = toBase64Url(await issueRevocation(device.signer, nowS()));
    carol.say(ada.id, { type: 'e2ee_key_revoke', statement });
    await until('people hear of it', () => ada.errors.some(([, peerId]) => peerId === thief.id));
    assert.ok(ada.events.some((event) => event.type === 'error' && event.isRevoked && event.peerId === thief.id));
    relay.tell(ada.id, { method: 'peer_joined', params: { peer_id: thief.id, join_number: 3 } });
    await ada.untilDropped('refused-peer');
    thief.rename('Carol again');
    thief.say(ada.id, {
      type: 'presence',
      link: 9,
      seq: 1_000,
      presence: { name: 'x', publications: [] },
      isAsking: true,
    });
    // by the keys as well, not by the room's list alone
    await ada.untilDropped('refused-peer', 3);
    assert.equal(ada.peer(thief.id), undefined);
    assert.equal(await ada.dropped('unknown-peer'), 0);
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
