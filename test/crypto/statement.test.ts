import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { issueCertificate } from '../../src/engine/crypto/certificate.ts';
import type { DeviceKeys } from '../../src/engine/crypto/certificate.ts';
import { createNobleProvider } from '../../src/engine/crypto/noble-provider.ts';
import { createProvider } from '../../src/engine/crypto/provider.ts';
import {
  REVOCATION_BYTES,
  ROTATION_BYTES,
  issueRevocation,
  issueRotation,
  openRevocation,
  openRotation,
} from '../../src/engine/crypto/statement.ts';
import type { Rotation } from '../../src/engine/crypto/statement.ts';
import { asciiBytes, concatBytes, equalBytes, readUint } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { Random } from '../helpers/random.ts';

const NOW_S = 1_800_000_000;
const LEEWAY_S = 300;
const DAY_S = 86_400;
const SEED = 20_261;

const provider = await createProvider();
const noble = createNobleProvider();
const nobody = (): Promise<boolean> => Promise.resolve(false);

async function makeDevice(nowS = NOW_S, from = provider): Promise<DeviceKeys> {
  const [signer, dh] = await Promise.all([from.generateSigner(), from.generateDh()]);
  return { signer, dh, certificate: await issueCertificate(signer, dh.publicKey, 'device', nowS, 90 * DAY_S) };
}

const [old, next, other] = await Promise.all([makeDevice(), makeDevice(), makeDevice()]);
const rotation = await issueRotation(old, next, NOW_S);
const revocation = await issueRevocation(old.signer, NOW_S);

function open(statement: Bytes, sender = old, nowS = NOW_S): Promise<Rotation | undefined> {
  return openRotation(provider, statement, sender.certificate, nowS, nobody);
}

function flipped(bytes: Bytes, at: number): Bytes {
  return bytes.with(at, (bytes[at] ?? 0) ^ 1);
}

describe('a rotation statement', () => {
  it('says which device has which new keys, to whom the old ones bring it and to whom the new ones do', async () => {
    for (const sender of [old, next]) {
      const opened = await open(rotation, sender);
      assert.deepEqual(opened, {
        from: old.certificate.deviceId,
        to: next.certificate.deviceId,
        certificate: next.certificate,
        issuedS: NOW_S,
      });
    }
  });

  it('lies as it is drawn', () => {
    assert.equal(rotation.length, ROTATION_BYTES);
    assert.equal(ROTATION_BYTES, 338);
    assert.equal(rotation[0], 1);
    assert.deepEqual(rotation.slice(1, 33), old.signer.publicKey);
    assert.deepEqual(rotation.slice(33, 189), next.certificate.bytes);
    assert.equal(readUint(rotation, 189, 5), NOW_S);
  });

  it('is the same to every provider', async () => {
    const nobleOld = await makeDevice(NOW_S, noble);
    const statement = await issueRotation(nobleOld, next, NOW_S);
    assert.ok(await open(statement, nobleOld));
    assert.ok(await openRotation(noble, rotation, old.certificate, NOW_S, nobody));
  });

  it('is refused with any byte changed', async () => {
    for (const sender of [old, next]) {
      for (let at = 0; at < rotation.length; at++) {
        assert.equal(await open(flipped(rotation, at), sender), undefined, `byte ${at}`);
      }
    }
  });

  it('is refused at any other length', async () => {
    for (let length = 0; length < rotation.length; length++) {
      assert.equal(await open(rotation.slice(0, length)), undefined, `${length} bytes`);
    }
    assert.equal(await open(concatBytes(rotation, Uint8Array.of(0))), undefined);
  });

  it('is refused from a device that it is not about, also from one that has put itself into it', async () => {
    assert.equal(await open(rotation, other), undefined);
    const head = concatBytes(rotation.subarray(0, 1), other.signer.publicKey, rotation.subarray(33, 210));
    const byOther = await other.signer.sign(concatBytes(asciiBytes('tai/1 rotation'), head));
    for (const byNew of [rotation.slice(274), byOther]) {
      assert.equal(await open(concatBytes(head, byOther, byNew), other), undefined);
    }
  });

  it('is refused where only one of the two keys has signed, or in the wrong order', async () => {
    const [byOld, byNew] = [rotation.slice(210, 274), rotation.slice(274)];
    for (const signatures of [
      [byOld, byOld],
      [byNew, byNew],
      [byNew, byOld],
      [byOld, new Uint8Array(64)],
    ]) {
      assert.equal(await open(concatBytes(rotation.subarray(0, 210), ...signatures)), undefined);
    }
  });

  it('is refused where the new key is the old one: that is a renewal, and no statement is needed', async () => {
    const renewed = await issueCertificate(old.signer, next.dh.publicKey, 'device', NOW_S, DAY_S);
    assert.equal(await open(await issueRotation(old, { ...old, certificate: renewed }, NOW_S)), undefined);
  });

  it('is refused more than five minutes before it was issued', async () => {
    const early = await issueRotation(old, next, NOW_S + DAY_S);
    assert.equal(await open(early, old, NOW_S + DAY_S - LEEWAY_S - 1), undefined);
    assert.ok(await open(early, old, NOW_S + DAY_S - LEEWAY_S));
  });

  it('ends with the certificate in it', async () => {
    const expiryS = next.certificate.expiryS;
    assert.ok(await open(rotation, next, expiryS - 1));
    assert.equal(await open(rotation, next, expiryS + LEEWAY_S), undefined);
  });

  it('is refused from revoked keys, and to revoked keys', async () => {
    for (const dead of [old, next]) {
      const isRevoked = (id: Bytes): Promise<boolean> => Promise.resolve(equalBytes(id, dead.certificate.deviceId));
      for (const sender of [old, next]) {
        assert.equal(await openRotation(provider, rotation, sender.certificate, NOW_S, isRevoked), undefined);
      }
    }
  });

  it('says nothing new when it is said again', async () => {
    assert.deepEqual(await open(rotation), await open(rotation));
    assert.notDeepEqual(await issueRotation(old, next, NOW_S), rotation, 'two statements are never the same');
  });
});

describe('a revocation statement', () => {
  it('says which device is dead, whoever brings it, as often as he likes and for ever', async () => {
    for (const nowS of [NOW_S, NOW_S, NOW_S + 4000 * DAY_S]) {
      const opened = await openRevocation(provider, revocation, nowS);
      assert.deepEqual(opened, { deviceId: old.certificate.deviceId, issuedS: NOW_S });
    }
    assert.deepEqual(await openRevocation(noble, revocation, NOW_S), await openRevocation(provider, revocation, NOW_S));
  });

  it('lies as it is drawn', () => {
    assert.equal(revocation.length, REVOCATION_BYTES);
    assert.equal(REVOCATION_BYTES, 118);
    assert.equal(revocation[0], 1);
    assert.deepEqual(revocation.slice(1, 33), old.signer.publicKey);
    assert.equal(readUint(revocation, 33, 5), NOW_S);
  });

  it('is refused with any byte changed, and at any other length', async () => {
    for (let at = 0; at < revocation.length; at++) {
      assert.equal(await openRevocation(provider, flipped(revocation, at), NOW_S), undefined, `byte ${at}`);
      assert.equal(await openRevocation(provider, revocation.slice(0, at), NOW_S), undefined, `${at} bytes`);
    }
    assert.equal(await openRevocation(provider, concatBytes(revocation, Uint8Array.of(0)), NOW_S), undefined);
  });

  it('is refused more than five minutes before it was issued', async () => {
    assert.ok(await openRevocation(provider, revocation, NOW_S - LEEWAY_S));
    assert.equal(await openRevocation(provider, revocation, NOW_S - LEEWAY_S - 1), undefined);
  });

  it('cannot be made by others: neither with their signature nor out of anything else the device has signed', async () => {
    const head = revocation.slice(0, 54);
    const forged = [
      await other.signer.sign(concatBytes(asciiBytes('tai/1 revocation'), head)),
      await old.signer.sign(concatBytes(asciiBytes('tai/1 rotation'), head)),
      await old.signer.sign(head),
      old.certificate.bytes.slice(-64),
      rotation.slice(210, 274),
    ];
    for (const signature of forged) {
      assert.equal(await openRevocation(provider, concatBytes(head, signature), NOW_S), undefined);
    }
  });

  it('is refused under a key of small order, for which anybody can sign', async () => {
    // y = 1, little-endian: the neutral element
    const smallOrder = new Uint8Array(32).with(0, 1);
    const statement = concatBytes(
      Uint8Array.of(1),
      smallOrder,
      revocation.subarray(33, 54),
      smallOrder,
      new Uint8Array(32),
    );
    assert.equal(statement.length, REVOCATION_BYTES);
    assert.equal(await openRevocation(provider, statement, NOW_S), undefined);
  });
});

it('noise of the right length and version is refused as both statements', async () => {
  const random = new Random(SEED);
  for (let i = 0; i < 200; i++) {
    const noise = random.bytes(ROTATION_BYTES).with(0, 1);
    assert.equal(await open(noise), undefined, `seed ${SEED}, input ${i}`);
    assert.equal(await openRevocation(provider, noise.slice(0, REVOCATION_BYTES), NOW_S), undefined);
  }
});
