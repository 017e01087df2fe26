/** Handshakes that are begun again because nobody has answered. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { DeviceKeys } from '../../src/engine/crypto/certificate.ts';
import type { JoinKeys } from '../../src/engine/keys/join-keys.ts';
import { ALICE, BOB } from '../helpers/samples.ts';
import { JoinStage, assertOpens, assertRefused, bundleOf, sealed } from './join-stage.ts';

let stage: JoinStage;
let alicesDevice: DeviceKeys;
let alice: JoinKeys;
let bob: JoinKeys;

beforeEach(async () => {
  stage = await JoinStage.create();
  alicesDevice = await stage.device();
  [alice, bob] = await Promise.all([stage.member(ALICE, { device: alicesDevice }), stage.member(BOB)]);
});

describe('HS6: a handshake that nobody has answered', () => {
  it('is forgotten and begun again, also where the first one has come through', async () => {
    await alice.meet(BOB, await bundleOf(bob));
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'one'), 'one');
    alice.forgetUnanswered(BOB);
    assert.equal(alice.hasSession(BOB), false);
    await alice.meet(BOB, await bundleOf(bob));
    const again = await assertOpens(bob, ALICE, await sealed(alice, BOB, 'two'), 'two');
    assert.equal(again.isFirst, true);
    await assertOpens(alice, BOB, await sealed(bob, ALICE, 'answer'), 'answer');
  });

  it('is not begun again by another device under the same peer id', async () => {
    await alice.meet(BOB, await bundleOf(bob));
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'one'), 'one');
    const mallory = await stage.member(ALICE);
    await mallory.meet(BOB, await bundleOf(bob));
    await assertRefused(bob, ALICE, await sealed(mallory, BOB, 'two'), 'second-handshake');
  });

  it('is not forgotten once it is answered, nor begun anew once it is confirmed', async () => {
    await alice.meet(BOB, await bundleOf(bob));
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'one'), 'one');
    await assertOpens(alice, BOB, await sealed(bob, ALICE, 'answer'), 'answer');
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'confirmed'), 'confirmed');
    alice.forgetUnanswered(BOB);
    assert.equal(alice.hasSession(BOB), true);
    const reborn = await stage.member(ALICE, { device: alicesDevice });
    await reborn.meet(BOB, await bundleOf(bob));
    await assertRefused(bob, ALICE, await sealed(reborn, BOB, 'two'), 'second-handshake');
  });

  it('is not begun with a peer that was refused', async () => {
    alice.refuse(BOB);
    assert.equal(await alice.meet(BOB, await bundleOf(bob)), 'refused-peer');
  });
});
