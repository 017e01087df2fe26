/** What is done about keys in a call of real sessions: declared dead, compared, and found different. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { isPresent } from '../../src/engine/room/state.ts';
import { Puppet } from '../attacks/puppet.ts';
import { MemoryRelay } from './memory-relay.ts';
import type { Letter } from './memory-relay.ts';
import { ANNOUNCE, Page, gather, settle, until, untilWith } from './page.ts';

/** Long enough for whatever is on its way in memory. */
async function turns(): Promise<void> {
  for (let i = 0; i < 200; i++) await turn();
}

type Entry = { readonly event: string; readonly device?: string };

function logOf({ session }: Page): readonly Entry[] {
  return session
    .exportAuditLog()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Entry);
}

function entriesOf(page: Page, event: string): readonly (string | undefined)[] {
  return logOf(page).flatMap((entry) => (entry.event === event ? [entry.device] : []));
}

function deviceOf(page: Page, peerId: PeerId): string {
  const device = page.peer(peerId)?.identity?.deviceId;
  assert.ok(device, 'no keys are agreed');
  return device;
}

describe('PN4: revokeKey()', () => {
  for (const isDirect of [true, false]) {
    it(`is seen by all before the leave, told as what it is, and stays a while${isDirect ? ', sent directly' : ''}`, async () => {
      const pages = await gather(new MemoryRelay(), ['Ada', 'Bob', 'Cy'], { isDirect });
      const [ada, bob, cy] = pages as [Page, Page, Page];
      const revoked = ada.id;
      const device = deviceOf(bob, revoked);
      await ada.session.revokeKey();
      assert.equal(ada.view.phase, 'left');
      assert.deepEqual(entriesOf(ada, 'key-revoked'), [device], 'its own record says whose');
      for (const page of [bob, cy]) {
        const isRevoked = (): boolean => page.peer(revoked)?.identity?.standing === 'revoked';
        await untilWith([bob, cy], ANNOUNCE, 'the revocation is seen', isRevoked);
        assert.equal(page.peer(revoked)?.encryption, 'wrong-key');
        assert.deepEqual(page.errors, [['wrong-key', revoked]]);
        assert.ok(page.events.some((event) => event.type === 'error' && event.isRevoked));
        assert.deepEqual(entriesOf(page, 'key-revoked'), [device]);
        assert.deepEqual(entriesOf(page, 'wrong-key'), [device]);
        await until('the relay has said that it is gone', () => page.fire(`gone:${revoked}`));
        assert.equal(page.peer(revoked), undefined);
        assert.deepEqual(
          page.events.filter(({ type }) => type === 'peer-left'),
          [{ type: 'peer-left', peerId: revoked, reason: 'refused' }],
        );
      }
      await settle([bob, cy]);
    });
  }

  it('is acted on before anything after it, however long the check of its signature takes', async () => {
    const relay = new MemoryRelay();
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    const isRevocation = (signed: Uint8Array): boolean =>
      Buffer.from(signed).subarray(0, 16).toString('latin1') === 'tai/1 revocation';
    let isHeld = false;
    const bob = new Puppet(relay, 'Bob', {
      beforeVerify: async (signed) => {
        if (!isRevocation(signed)) return;
        isHeld = true;
        await gate;
      },
    });
    await bob.join();
    const ada = new Page(relay, 'Ada');
    await ada.join();
    const { id } = ada;
    await untilWith([ada], ANNOUNCE, 'they have met', () => ada.peer(bob.id)?.encryption === 'encrypted');
    await ada.session.revokeKey();
    await until('the statement and the leave are out', () => ada.world.released.includes('relay'));
    await until('the statement is being checked', () => isHeld);
    await turns();
    assert.ok(bob.peers.includes(id), 'the leave was faster');
    open();
    const refused = (): boolean => isPresent(bob.call) && bob.call.peers.get(id)?.isRefused === true;
    await until('refused', refused);
  });

  it('goes by the connection as well: a relay that drops it and passes the leave hides nothing', async () => {
    const relay = new MemoryRelay();
    const [ada, bob] = (await gather(relay, ['Ada', 'Bob'], { isDirect: true })) as [Page, Page];
    const { id } = ada;
    let dropped = 0;
    relay.tampering.onLetter = (letter, deliver) => {
      if (letter.from !== id || dropped > 0) return deliver(letter);
      dropped += 1;
    };
    await ada.session.revokeKey();
    await until('Bob sees it', () => bob.peer(id)?.identity?.standing === 'revoked');
    await until('the leave is out', () => ada.world.released.includes('relay'));
    assert.equal(dropped, 1);
    assert.deepEqual(bob.errors, [['wrong-key', id]]);
    assert.deepEqual(entriesOf(bob, 'key-revoked'), [deviceOf(bob, id)]);
  });

  it('counts where the leave was faster', async () => {
    const relay = new MemoryRelay();
    const [ada, bob] = (await gather(relay, ['Ada', 'Bob'])) as [Page, Page];
    const { id } = ada;
    const device = deviceOf(bob, id);
    const letters: Letter[] = [];
    relay.tampering.onLetter = (letter) => letter.from === id && letters.push(letter);
    await ada.session.revokeKey();
    await until('the statement and the leave are out', () => ada.world.released.includes('relay'));
    for (const letter of letters.toReversed()) relay.deliver(letter);
    await until('people hear of it', () => bob.errors.length === 1);
    assert.equal(bob.peer(id), undefined, 'the leave is one');
    assert.deepEqual(bob.errors, [['wrong-key', id]]);
    assert.deepEqual([entriesOf(bob, 'key-revoked'), entriesOf(bob, 'wrong-key')], [[device], [device]]);
  });

  it('holds also for keys that were rotated to in this call', async () => {
    const [ada, bob] = (await gather(new MemoryRelay(), ['Ada', 'Bob'])) as [Page, Page];
    const revoked = ada.id;
    await ada.session.rotateKey();
    await until('the rotation has come', () => entriesOf(bob, 'key-rotated').length === 1);
    assert.deepEqual(entriesOf(ada, 'key-rotated'), entriesOf(bob, 'key-rotated'));
    await ada.session.revokeKey();
    await until('refused', () => bob.peer(revoked)?.identity?.standing === 'revoked');
  });

  it('a leave that is only a leave is one', async () => {
    const [ada, bob] = (await gather(new MemoryRelay(), ['Ada', 'Bob'])) as [Page, Page];
    const { id } = ada;
    ada.session.dispatch({ type: 'leave' });
    await until('gone', () => bob.peer(id) === undefined);
    assert.deepEqual(
      bob.events.filter(({ type }) => type === 'peer-left'),
      [{ type: 'peer-left', peerId: id, reason: 'left' }],
    );
    assert.deepEqual(bob.errors, []);
  });
});

describe('codes that differ', () => {
  async function verifiedPair(): Promise<{ readonly relay: MemoryRelay; readonly ada: Page; readonly bob: Page }> {
    const relay = new MemoryRelay();
    const [ada, bob] = (await gather(relay, ['Ada', 'Bob'])) as [Page, Page];
    ada.session.dispatch({ type: 'set-verified', peerId: bob.id, isVerified: true });
    await until('verified', () => ada.view.encryption.isVerified);
    return { relay, ada, bob };
  }

  const comparisons = (page: Page): readonly string[] =>
    page.events.flatMap((event) => (event.type === 'verified' ? [event.comparison] : []));

  it('end what was verified, at once and in view, event and record', async () => {
    const { ada, bob } = await verifiedPair();
    ada.session.dispatch({ type: 'report-difference', peerIds: [bob.id] });
    assert.equal(ada.peer(bob.id)?.encryption, 'codes-differ', 'in the same task');
    assert.equal(ada.view.encryption.isVerified, false);
    assert.deepEqual(comparisons(ada), ['match', 'differ']);
    assert.deepEqual(entriesOf(ada, 'codes-differ'), [deviceOf(ada, bob.id)]);
    assert.equal(bob.peer(ada.id)?.encryption, 'encrypted', 'the other is not told');
  });

  it('stay different under another name, and when the mark is taken back', async () => {
    const { ada, bob } = await verifiedPair();
    ada.session.dispatch({ type: 'report-difference', peerIds: [bob.id] });
    ada.session.dispatch({ type: 'set-verified', peerId: bob.id, isVerified: false });
    bob.rename('Bobby');
    await until('renamed', () => ada.peer(bob.id)?.name === 'Bobby');
    await until('written down', () => entriesOf(ada, 'peer-unverified').length === 1);
    assert.equal(ada.peer(bob.id)?.encryption, 'codes-differ');
  });

  it('stay different when the same device comes back, and are no more once found equal', async () => {
    const { ada, bob } = await verifiedPair();
    ada.session.dispatch({ type: 'report-difference', peerIds: [bob.id] });
    const before = bob.id;
    bob.session.dispatch({ type: 'leave' });
    await until('gone', () => ada.peer(before) === undefined);
    await bob.join();
    await untilWith([ada, bob], ANNOUNCE, 'still', () => ada.peer(bob.id)?.encryption === 'codes-differ');
    ada.session.dispatch({ type: 'set-verified', peerId: bob.id, isVerified: true });
    await untilWith([ada, bob], ANNOUNCE, 'verified', () => ada.peer(bob.id)?.encryption === 'verified');
    const again = bob.id;
    bob.session.dispatch({ type: 'leave' });
    await until('gone', () => ada.peer(again) === undefined);
    await bob.join();
    // what a device was found to be is remembered by the pins of this visit
    await untilWith([ada, bob], ANNOUNCE, 'verified', () => ada.peer(bob.id)?.encryption === 'verified');
  });

  it('the last answer counts, however soon it comes after another', async () => {
    const { ada, bob } = await verifiedPair();
    ada.session.dispatch({ type: 'set-verified', peerId: bob.id, isVerified: false });
    await until('taken back', () => ada.peer(bob.id)?.encryption === 'encrypted');
    ada.session.dispatch({ type: 'set-verified', peerId: bob.id, isVerified: true });
    ada.session.dispatch({ type: 'report-difference', peerIds: [bob.id] });
    // written down after both
    ada.session.dispatch({ type: 'set-verified', peerId: bob.id, isVerified: false });
    await until('all are done', () => entriesOf(ada, 'peer-unverified').length === 2);
    assert.equal(ada.peer(bob.id)?.encryption, 'codes-differ');
    assert.equal(entriesOf(ada, 'peer-verified').length, 1);
    ada.session.dispatch({ type: 'report-difference', peerIds: [bob.id] });
    ada.session.dispatch({ type: 'set-verified', peerId: bob.id, isVerified: true });
    await until('equal after all', () => ada.peer(bob.id)?.encryption === 'verified');
  });

  it('of who is not here mean nothing', async () => {
    const { ada } = await verifiedPair();
    ada.session.dispatch({ type: 'report-difference', peerIds: [ada.id] });
    assert.equal(ada.view.encryption.isVerified, true);
    assert.equal(await ada.session.safetyNumber(ada.id), undefined);
  });
});
