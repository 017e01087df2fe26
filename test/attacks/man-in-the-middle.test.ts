/**
 * The strongest who is none of us: somebody with the link who runs the relay. He comes between two people from their first
 * message on, as Bob to Ada and as Ada to Bob, and carries on both calls. Nothing that the keys do can prevent that; what
 * the two compare shows it: the room's code, the safety number, and what they know of each other from before.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryRelay } from '../session/memory-relay.ts';
import { Page, gather, until, untilWith } from '../session/page.ts';
import { Puppet } from './puppet.ts';

const ANNOUNCE = ['roster-announce'];

type Scene = { readonly ada: Page; readonly bob: Page; readonly asBob: Puppet; readonly asAda: Puppet };

/** Two rooms that look like one: in each an honest side, and he. */
async function between(): Promise<Scene> {
  const [left, right] = [new MemoryRelay(), new MemoryRelay()];
  const [ada, bob] = [new Page(left, 'Ada'), new Page(right, 'Bob')];
  await ada.join();
  await bob.join();
  const asBob = new Puppet(left, 'Bob', { id: bob.id });
  const asAda = new Puppet(right, 'Ada', { id: ada.id });
  await asBob.join();
  await asAda.join();
  await untilWith([ada, bob], ANNOUNCE, 'both believe that they are in one room', () =>
    [ada, bob].every(({ view, code }) => view.encryption.roster === 'consistent' && code !== undefined),
  );
  return { ada, bob, asBob, asAda };
}

describe('A full man in the middle', () => {
  it('is not seen by the keys alone: each side is encrypted, consistent, and has a code', async () => {
    const { ada, bob, asBob, asAda } = await between();
    assert.deepEqual([ada.names, bob.names], [['Bob'], ['Ada']]);
    assert.deepEqual([ada.peer(bob.id)?.encryption, bob.peer(ada.id)?.encryption], ['encrypted', 'encrypted']);
    assert.deepEqual([ada.errors, bob.errors], [[], []]);
    // he is in both
    await until('he has both codes', () => asBob.code === ada.code && asAda.code === bob.code);
  });

  it('RC3: but the two codes are not one, in emoji and in digits, however often he tries', async () => {
    const seen = new Set<string>();
    for (let i = 0; i < 5; i++) {
      const { ada, bob } = await between();
      const codes = [ada, bob].map(({ view }) => view.encryption.roomCode);
      for (const code of codes) {
        assert.ok(code);
        seen.add(code.digits).add(code.emoji.map(({ symbol }) => symbol).join(''));
      }
    }
    // of each try, two in digits and two in emoji: all different
    assert.equal(seen.size, 5 * 4);
  });

  it('SN1: nor are the safety numbers, and a camera says so', async () => {
    const { ada, bob } = await between();
    const [seenByAda, seenByBob] = await Promise.all([
      ada.session.safetyNumber(bob.id),
      bob.session.safetyNumber(ada.id),
    ]);
    assert.ok(seenByAda && seenByBob);
    assert.notEqual(seenByAda.digits, seenByBob.digits);
    assert.equal(ada.session.checkScan(bob.id, seenByBob.qr), 'mismatch');
    assert.equal(bob.session.checkScan(ada.id, seenByAda.qr), 'mismatch');
  });

  it('and without him they are: the control', async () => {
    const [ada, bob] = (await gather(new MemoryRelay(), ['Ada', 'Bob'])) as [Page, Page];
    assert.ok(ada.code);
    assert.equal(ada.code, bob.code);
    assert.deepEqual(ada.view.encryption.roomCode, bob.view.encryption.roomCode);
    const [seenByAda, seenByBob] = await Promise.all([
      ada.session.safetyNumber(bob.id),
      bob.session.safetyNumber(ada.id),
    ]);
    assert.ok(seenByAda && seenByBob);
    assert.equal(seenByAda.digits, seenByBob.digits);
    assert.equal(ada.session.checkScan(bob.id, seenByBob.qr), 'match');
    assert.equal(bob.session.checkScan(ada.id, seenByAda.qr), 'match');
  });

  it('PN2: is told at once where Ada has met Bob’s device before', async () => {
    const relay = new MemoryRelay();
    const ada = new Page(relay, 'Ada');
    await ada.join();
    // Bob's browser keeps its keys: he comes back as himself
    const bob = new Page(relay, 'Bob', { identity: 'device' });
    await bob.join();
    await untilWith([ada, bob], ANNOUNCE, 'they have met', () => ada.peer(bob.id)?.identity?.standing === 'new');
    bob.session.dispatch({ type: 'leave' });
    await untilWith([ada], ANNOUNCE, 'Bob is gone', () => ada.view.participants.length === 0);
    await bob.join();
    await untilWith([ada, bob], ANNOUNCE, 'he is known', () => ada.peer(bob.id)?.identity?.standing === 'known');
    assert.deepEqual(ada.errors, []);
    bob.session.dispatch({ type: 'leave' });
    await untilWith([ada], ANNOUNCE, 'Bob is gone', () => ada.view.participants.length === 0);
    const mallory = new Puppet(relay, 'Bob');
    await mallory.join();
    await untilWith([ada], ANNOUNCE, 'she is told', () => ada.peer(mallory.id)?.identity?.standing === 'changed');
    assert.deepEqual(ada.errors, [['identity-changed', mallory.id]]);
  });

  it('PN1: cannot be verified into what he is not: who was verified stays that device alone', async () => {
    const relay = new MemoryRelay();
    const ada = new Page(relay, 'Ada');
    await ada.join();
    const bob = new Page(relay, 'Bob', { identity: 'device' });
    await bob.join();
    await untilWith([ada, bob], ANNOUNCE, 'they agree', () => ada.peer(bob.id)?.encryption === 'encrypted');
    ada.session.dispatch({ type: 'set-verified', peerId: bob.id, isVerified: true });
    await untilWith([ada], ANNOUNCE, 'verified', () => ada.peer(bob.id)?.encryption === 'verified');
    bob.session.dispatch({ type: 'leave' });
    await untilWith([ada], ANNOUNCE, 'Bob is gone', () => ada.view.participants.length === 0);
    const mallory = new Puppet(relay, 'Bob');
    await mallory.join();
    await untilWith([ada], ANNOUNCE, 'she is told', () => ada.peer(mallory.id)?.identity?.standing === 'changed');
    assert.equal(ada.peer(mallory.id)?.encryption === 'verified', false);
    mallory.leave();
    await bob.join();
    await untilWith([ada, bob], ANNOUNCE, 'Bob is verified still', () => ada.peer(bob.id)?.encryption === 'verified');
  });
});
