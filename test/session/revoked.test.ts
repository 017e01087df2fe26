/** Keys that were declared dead, with a session that stands: what is done, and what is said of them later. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Assurance } from '../../src/engine/assurance.ts';
import type { AssuranceOptions } from '../../src/engine/assurance.ts';
import { createProvider } from '../../src/engine/crypto/provider.ts';
import { createGuestIdentity } from '../../src/engine/identity/guest.ts';
import { AuditLog } from '../../src/engine/keys/audit-log.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { RoomEvent } from '../../src/engine/room/events.ts';
import { makeDevice } from '../crypto/handshake-fixtures.ts';
import { ALICE, BOB, CAROL, ROOM } from '../helpers/samples.ts';

describe('PN4: a device that was revoked, with a session that stands', () => {
  it('is not verified by codes that match, but refused', async () => {
    const { certificate } = await makeDevice(await createProvider());
    const { pins } = createGuestIdentity();
    const audit = new AuditLog();
    const events: RoomEvent[] = [];
    const refused: PeerId[] = [];
    const options: Pick<AssuranceOptions, 'roomId' | 'self' | 'now' | 'audit' | 'refuse' | 'onEvent'> = {
      roomId: ROOM,
      self: ALICE,
      now: () => 0,
      audit,
      refuse: (peerId) => refused.push(peerId),
      onEvent: (event) => events.push(event),
    };
    const proofs = { certificateOf: () => certificate };
    const assurance = new Assurance({ ...options, identity: { pins }, proofs } as unknown as AssuranceOptions);
    await assurance.compared(BOB, 'match');
    assert.deepEqual(events.splice(0), [{ type: 'peer-compared', peerId: BOB, isSame: true }]);
    // as another tab does, that shares what is remembered
    await pins.markRevoked(certificate.deviceId);
    await assurance.compared(BOB, 'match');
    assert.deepEqual(events, [{ type: 'peer-refused', peerId: BOB, isRevoked: true }]);
    assert.deepEqual(refused, [BOB]);
    assert.equal(audit.export().split('peer-verified').length, 2, 'the first time alone');
  });

  it('is refused by the keys as well, whomever the room knows', async () => {
    const { certificate } = await makeDevice(await createProvider());
    const { deviceId } = certificate;
    const refused: PeerId[] = [];
    const options: Pick<AssuranceOptions, 'self' | 'now' | 'audit' | 'refuse' | 'onEvent'> = {
      self: ALICE,
      now: () => 0,
      audit: new AuditLog(),
      refuse: (peerId) => refused.push(peerId),
      onEvent: () => undefined,
    };
    const proofs = { openRevocation: async () => ({ deviceId }), peersOf: () => [BOB] };
    const { pins } = createGuestIdentity();
    const assurance = new Assurance({ ...options, identity: { pins }, proofs } as unknown as AssuranceOptions);
    assurance.receive(CAROL, { type: 'e2ee_key_revoke', statement: '' });
    await assurance.taken;
    assert.deepEqual([refused, await pins.isRevoked(deviceId)], [[BOB], true]);
  });
});
