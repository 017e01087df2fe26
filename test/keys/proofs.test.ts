import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { DeviceKeys } from '../../src/engine/crypto/certificate.ts';
import { issueRevocation, issueRotation } from '../../src/engine/crypto/statement.ts';
import type { JoinKeys } from '../../src/engine/keys/join-keys.ts';
import { Proofs } from '../../src/engine/keys/proofs.ts';
import { toBase64Url, toHex } from '../../src/engine/protocol/bytes.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { RosterMember, RosterReport } from '../../src/engine/protocol/peer.ts';
import { ALICE, BOB, CAROL } from '../helpers/samples.ts';
import { JoinStage, assertOpens, bundleOf, sealed } from './join-stage.ts';

let stage: JoinStage;
let devices: { readonly alice: DeviceKeys; readonly bob: DeviceKeys };
let alice: JoinKeys;
let bob: JoinKeys;
let alices: Proofs;
let bobs: Proofs;
/** Both of them. */
let members: readonly RosterMember[];

beforeEach(async () => {
  stage = await JoinStage.create();
  const [alicesDevice, bobsDevice] = await Promise.all([stage.device(), stage.device()]);
  devices = { alice: alicesDevice, bob: bobsDevice };
  [alice, bob] = await Promise.all([
    stage.member(ALICE, { device: alicesDevice }),
    stage.member(BOB, { device: bobsDevice }),
  ]);
  alices = proofsOf(ALICE, alice);
  bobs = proofsOf(BOB, bob);
  members = [memberOf(ALICE, alice), memberOf(BOB, bob)];
});

function proofsOf(self: PeerId, keys: JoinKeys): Proofs {
  return new Proofs({
    provider: stage.provider,
    roomId: stage.room.roomId,
    self,
    keys,
    now: () => stage.now_ms,
    isRevoked: async (deviceId) => stage.revoked.has(toHex(deviceId)),
  });
}

function memberOf(peerId: PeerId, keys: JoinKeys): RosterMember {
  return { peerId, certificate: toBase64Url(keys.certificate.hash) };
}

async function agree(newcomer: JoinKeys, self: PeerId, present: JoinKeys, peer: PeerId): Promise<void> {
  assert.equal(await newcomer.meet(peer, await bundleOf(present)), undefined);
  await assertOpens(present, self, await sealed(newcomer, peer, 'hello'), 'hello');
  await assertOpens(newcomer, peer, await sealed(present, self, 'welcome'), 'welcome');
}

function reportOf(proofs: Proofs, to: PeerId, isAsking = false): RosterReport {
  const report = proofs.report(to, members, isAsking);
  assert.ok(report);
  return report;
}

describe('RO1: the hash of a roster', () => {
  it('is of a set: no order changes it, every member does', () => {
    const hash = toHex(alices.rosterHash(members));
    assert.equal(toHex(alices.rosterHash(members.toReversed())), hash);
    assert.equal(toHex(bobs.rosterHash(members)), hash);
    assert.notEqual(toHex(alices.rosterHash(members.slice(0, 1))), hash);
    const swapped = [memberOf(ALICE, bob), memberOf(BOB, alice)];
    assert.notEqual(toHex(alices.rosterHash(swapped)), hash);
  });
});

describe('RO2: a report', () => {
  it('is made and taken by those who share keys, and by nobody before', async () => {
    assert.equal(alices.report(BOB, members, false), undefined);
    await agree(alice, ALICE, bob, BOB);
    const report = reportOf(alices, BOB, true);
    assert.deepEqual([report.members, report.isAsking], [members, true]);
    assert.equal(bobs.isReportOf(ALICE, report), true);
    assert.equal(bobs.isReportOf(CAROL, report), false);
  });

  it('cannot be handed back to who has made it, nor to anybody else, nor be changed', async () => {
    const carol = await stage.member(CAROL);
    await agree(alice, ALICE, bob, BOB);
    await agree(carol, CAROL, bob, BOB);
    await agree(carol, CAROL, alice, ALICE);
    const report = reportOf(alices, BOB);
    assert.equal(alices.isReportOf(BOB, report), false, 'of another direction');
    assert.equal(bobs.isReportOf(CAROL, report), false, 'of another pair');
    assert.equal(proofsOf(CAROL, carol).isReportOf(ALICE, report), false, 'for another receiver');
    const more = [...members, memberOf(CAROL, carol)];
    assert.equal(bobs.isReportOf(ALICE, { ...report, members: more }), false);
    assert.equal(bobs.isReportOf(ALICE, { ...report, members: members.slice(1) }), false);
    assert.equal(bobs.isReportOf(ALICE, { ...report, mac: toBase64Url(new Uint8Array(32)) }), false);
    // what is asked is not under the MAC: it is under the seal of its message
    assert.equal(bobs.isReportOf(ALICE, { ...report, isAsking: true }), true);
  });
});

describe('A device behind a peer', () => {
  it('is known once keys are agreed', async () => {
    assert.deepEqual([alices.certificateOf(BOB), alices.peersOf(devices.bob.certificate.deviceId)], [undefined, []]);
    await alice.meet(BOB, await bundleOf(bob));
    assert.deepEqual(alices.peersOf(devices.bob.certificate.deviceId), []);
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'hello'), 'hello');
    await assertOpens(alice, BOB, await sealed(bob, ALICE, 'welcome'), 'welcome');
    assert.deepEqual(alices.certificateOf(BOB)?.bytes, devices.bob.certificate.bytes);
    assert.deepEqual(alices.peersOf(devices.bob.certificate.deviceId), [BOB]);
    assert.deepEqual(alices.peersOf(devices.alice.certificate.deviceId), []);
  });

  it('SN1: has one safety number for both sides, and a code that the other’s camera takes', async () => {
    assert.deepEqual([await alices.safetyNumber(BOB), alices.checkScan(BOB, '')], [undefined, 'unreadable']);
    await agree(alice, ALICE, bob, BOB);
    const [seenByAlice, seenByBob] = [await alices.safetyNumber(BOB), await bobs.safetyNumber(ALICE)];
    assert.equal(seenByAlice?.digits, seenByBob?.digits);
    assert.equal(alices.checkScan(BOB, seenByBob?.qr ?? ''), 'match');
    assert.equal(alices.checkScan(BOB, seenByAlice?.qr ?? ''), 'mismatch');
    assert.equal(alices.checkScan(BOB, 'https://example.com'), 'unreadable');
  });
});

describe('A statement', () => {
  const nowS = (): number => stage.now_ms / 1000;

  it('PN3: of rotation is taken from the device itself, and from nobody else', async () => {
    const next = await stage.device();
    const statement = toBase64Url(await issueRotation(devices.bob, next, nowS()));
    assert.equal(await alices.openRotation(BOB, statement), undefined, 'no keys agreed yet');
    await agree(alice, ALICE, bob, BOB);
    const rotation = await alices.openRotation(BOB, statement);
    assert.deepEqual(rotation?.from, devices.bob.certificate.deviceId);
    assert.deepEqual(rotation?.to, next.certificate.deviceId);
    assert.equal(await bobs.openRotation(ALICE, statement), undefined, 'brought by a third party');
    assert.equal(await alices.openRotation(BOB, 'A'), undefined);
    stage.revoked.add(toHex(devices.bob.certificate.deviceId));
    assert.equal(await alices.openRotation(BOB, statement), undefined, 'of keys that are dead');
  });

  it('PN4: of revocation is taken from whoever brings it', async () => {
    const statement = toBase64Url(await issueRevocation(devices.bob.signer, nowS()));
    const revocation = await alices.openRevocation(statement);
    assert.deepEqual(revocation?.deviceId, devices.bob.certificate.deviceId);
    assert.equal(await alices.openRevocation('A'), undefined);
    assert.equal(await alices.openRevocation(toBase64Url(new Uint8Array(118).fill(1))), undefined);
  });
});
