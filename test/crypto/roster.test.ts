import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { ROSTER_MAC_BYTES, checkRosterMac, rosterHash, rosterMac } from '../../src/engine/crypto/roster.ts';
import type { RosterEntry } from '../../src/engine/crypto/roster.ts';
import { toHex } from '../../src/engine/protocol/bytes.ts';
import { idBytes } from '../../src/engine/protocol/ids.ts';
import { Random } from '../helpers/random.ts';
import { ALICE, BOB, CAROL, ROOM, peerIdOf, roomIdOf } from '../helpers/samples.ts';

const certificate = (byte: number): Uint8Array<ArrayBuffer> => new Uint8Array(32).fill(byte);
const A: RosterEntry = { peerId: ALICE, certificateHash: certificate(3) };
const B: RosterEntry = { peerId: BOB, certificateHash: certificate(1) };
const C: RosterEntry = { peerId: CAROL, certificateHash: certificate(2) };
const EXPORTER = new Uint8Array(32).fill(9);

function hexOf(members: readonly RosterEntry[], room = ROOM): string {
  return toHex(rosterHash(room, members));
}

describe("RO1: a roster's hash", () => {
  it('is SHA-256 of label, room and sorted members, as another implementation has it', () => {
    const hash = createHash('sha256').update('tai/1 roster').update(idBytes(ROOM));
    for (const { peerId, certificateHash } of [A, B, C]) hash.update(idBytes(peerId)).update(certificateHash);
    assert.equal(hexOf([C, A, B]), hash.digest('hex'));
    assert.equal(hexOf([A, B]), '4c503acf24d7c9612cd5eec07244353fd730b37cf796d5cce4b748d9563d4365');
  });

  it('is of a set: order and repetition change nothing', () => {
    const random = new Random(11);
    for (let i = 0; i < 200; i++) {
      const members = Array.from({ length: 1 + random.below(8) }, (_, n) => ({
        peerId: peerIdOf(n + 1),
        certificateHash: random.bytes(32),
      }));
      const shuffled = [...members, random.pick(members)]
        .map((member) => ({ member, at: random.uint32() }))
        .sort((a, b) => a.at - b.at)
        .map(({ member }) => member);
      assert.equal(hexOf(shuffled), hexOf(members));
    }
  });

  it('is another for another room, member, certificate, or exchange of certificates', () => {
    const hashes = [
      hexOf([A, B]),
      hexOf([A, B], roomIdOf(1)),
      hexOf([A]),
      hexOf([B]),
      hexOf([]),
      hexOf([A, B, C]),
      hexOf([A, { ...B, certificateHash: certificate(4) }]),
      hexOf([
        { ...A, certificateHash: B.certificateHash },
        { ...B, certificateHash: A.certificateHash },
      ]),
    ];
    assert.equal(new Set(hashes).size, hashes.length);
  });

  it('tells one peer id with two certificates from either alone', () => {
    const twice = [A, { ...A, certificateHash: certificate(5) }];
    assert.equal(new Set([hexOf(twice), hexOf([A]), hexOf(twice.slice(1))]).size, 3);
  });

  it('leaves the list as it was', () => {
    const members = Object.freeze([C, A, B]);
    hexOf(members);
    assert.deepEqual(members, [C, A, B]);
  });
});

describe("RO2: a roster's MAC", () => {
  const hash = rosterHash(ROOM, [A, B]);
  const mac = rosterMac(EXPORTER, ALICE, BOB, hash);

  it('is the first half of HMAC-SHA-512, as another implementation has it', () => {
    const other = createHmac('sha512', EXPORTER).update('tai/1 roster MAC').update(idBytes(ALICE)).update(idBytes(BOB));
    assert.equal(toHex(mac), other.update(hash).digest('hex').slice(0, 64));
    assert.equal(mac.length, ROSTER_MAC_BYTES);
  });

  it('is taken by the other side', () => {
    assert.equal(checkRosterMac(EXPORTER, ALICE, BOB, hash, mac), true);
  });

  it('is refused when it is handed back, for another pair, key or roster', () => {
    assert.equal(checkRosterMac(EXPORTER, BOB, ALICE, hash, mac), false);
    assert.equal(checkRosterMac(EXPORTER, ALICE, CAROL, hash, mac), false);
    assert.equal(checkRosterMac(EXPORTER, CAROL, BOB, hash, mac), false);
    assert.equal(checkRosterMac(EXPORTER.with(0, 0), ALICE, BOB, hash, mac), false);
    assert.equal(checkRosterMac(EXPORTER, ALICE, BOB, rosterHash(ROOM, [A, B, C]), mac), false);
  });

  it('is refused with any bit changed, and at any other length', () => {
    for (let bit = 0; bit < 8 * ROSTER_MAC_BYTES; bit++) {
      const changed = mac.with(bit >> 3, mac[bit >> 3]! ^ (1 << (bit & 7)));
      assert.equal(checkRosterMac(EXPORTER, ALICE, BOB, hash, changed), false, `bit ${bit}`);
    }
    const longer = new Uint8Array(64);
    longer.set(mac);
    for (let length = 0; length <= 64; length++) {
      if (length === ROSTER_MAC_BYTES) continue;
      assert.equal(checkRosterMac(EXPORTER, ALICE, BOB, hash, longer.slice(0, length)), false, `${length} bytes`);
    }
  });
});
