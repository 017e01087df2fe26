import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { before, describe, it } from 'node:test';
import {
  CERTIFICATE_BYTES,
  CERTIFICATE_LEEWAY_S,
  CERTIFICATE_LIFE_MAX_S,
  issueCertificate,
  openCertificate,
  parseCertificate,
} from '../../src/engine/crypto/certificate.ts';
import type { DeviceKeys } from '../../src/engine/crypto/certificate.ts';
import { createNativeProvider } from '../../src/engine/crypto/native-provider.ts';
import { createNobleProvider } from '../../src/engine/crypto/noble-provider.ts';
import type { Provider } from '../../src/engine/crypto/provider.ts';
import { asciiBytes, concatBytes, fromHex, toBase64Url } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { Random } from '../helpers/random.ts';
import { DAY_S, NOW_S, flipped, makeDevice, mangled, signedCertificate } from './handshake-fixtures.ts';

const SEED = 1_156;

let native: Provider;
let noble: Provider;
let device: DeviceKeys;

before(async () => {
  native = await createNativeProvider(crypto.subtle);
  noble = await createNobleProvider();
  device = await makeDevice(native);
});

async function opens(bytes: Bytes, nowS = NOW_S): Promise<boolean> {
  const verdicts = await Promise.all([native, noble].map((provider) => openCertificate(provider, bytes, nowS)));
  assert.deepEqual(verdicts[0], verdicts[1], 'the providers differ');
  return verdicts[0] !== undefined;
}

describe('a certificate', () => {
  it('opens as it was issued, by either provider', async () => {
    for (const kind of ['guest', 'device'] as const) {
      for (const provider of [native, noble]) {
        const issued = await makeDevice(provider, { kind, lifeS: 90 * DAY_S });
        const opened = await openCertificate(provider, issued.certificate.bytes, NOW_S);
        assert.deepEqual(opened, issued.certificate);
        assert.equal(opened?.kind, kind);
        assert.equal(opened.notBeforeS, NOW_S);
        assert.equal(opened.expiryS, NOW_S + 90 * DAY_S);
        assert.deepEqual(opened.signingKey, issued.signer.publicKey);
        assert.deepEqual(opened.dhKey, issued.dh.publicKey);
      }
    }
  });

  it('has the bytes of its document, and a signature that OpenSSL takes', () => {
    const { bytes } = device.certificate;
    assert.equal(bytes.length, 156);
    assert.equal(CERTIFICATE_BYTES, 156);
    assert.deepEqual(bytes.slice(0, 12), concatBytes(fromHex('0101006b49d200006b4b2380')!));
    assert.deepEqual(bytes.slice(12, 44), device.signer.publicKey);
    assert.deepEqual(bytes.slice(44, 76), device.dh.publicKey);
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: toBase64Url(device.signer.publicKey) };
    const signed = concatBytes(asciiBytes('tai/1 certificate'), bytes.slice(0, 92));
    assert.ok(verify(undefined, signed, createPublicKey({ key: jwk, format: 'jwk' }), bytes.slice(92)));
  });

  it('is read the same when written from the document', async () => {
    const bytes = await signedCertificate(device.signer, device.dh.publicKey, { kind: 0 });
    const opened = await openCertificate(native, bytes, NOW_S);
    assert.equal(opened?.kind, 'guest');
    assert.deepEqual(opened.bytes, bytes);
  });

  it('is named by its hash, its device by the signing key alone', async () => {
    const { certificate, signer } = device;
    const renewed = await issueCertificate(signer, device.dh.publicKey, 'device', NOW_S, DAY_S);
    const hash = (...parts: Uint8Array[]): Bytes =>
      new Uint8Array(
        createHash('sha256')
          .update(concatBytes(...parts))
          .digest(),
      );
    assert.deepEqual(certificate.hash, hash(certificate.bytes));
    assert.deepEqual(certificate.deviceId, hash(asciiBytes('tai/1 device'), signer.publicKey));
    assert.deepEqual(renewed.deviceId, certificate.deviceId);
    assert.notDeepEqual(renewed.hash, certificate.hash, 'the serial is random');
  });

  it('stays as it is when the bytes it came in are used for something else', async () => {
    const bytes = device.certificate.bytes.slice();
    const opened = parseCertificate(bytes);
    bytes.fill(0);
    assert.deepEqual(opened, device.certificate);
  });
});

describe('a certificate is valid', () => {
  it('in its time, with five minutes for clocks that differ', async () => {
    const { bytes } = device.certificate;
    assert.equal(CERTIFICATE_LEEWAY_S, 300);
    assert.equal(await opens(bytes, NOW_S - 301), false, 'before its time');
    assert.equal(await opens(bytes, NOW_S - 300), true);
    assert.equal(await opens(bytes, NOW_S + DAY_S + 299), true);
    assert.equal(await opens(bytes, NOW_S + DAY_S + 300), false, 'expired certificate');
  });

  it('for a life of one second to 400 days', async () => {
    const until = async (expiryS: number): Promise<boolean> =>
      opens(await signedCertificate(device.signer, device.dh.publicKey, { expiryS }));
    assert.equal(CERTIFICATE_LIFE_MAX_S, 400 * DAY_S);
    assert.equal(await until(NOW_S + 1), true);
    assert.equal(await until(NOW_S + 400 * DAY_S), true);
    assert.equal(await until(NOW_S + 400 * DAY_S + 1), false);
    assert.equal(await until(NOW_S), false);
    assert.equal(await until(NOW_S - 1), false);
    assert.equal(await until(2 ** 40 - 1), false);
  });
});

describe('a certificate is refused', () => {
  it('of another version or an unknown kind, though its signature holds', async () => {
    const { signer, dh } = device;
    assert.equal(await opens(await signedCertificate(signer, dh.publicKey)), true);
    for (const fields of [{ version: 0 }, { version: 2 }, { kind: 2 }, { kind: 255 }]) {
      assert.equal(await opens(await signedCertificate(signer, dh.publicKey, fields)), false);
    }
  });

  it('at every other length', async () => {
    const { bytes } = device.certificate;
    for (let length = 0; length < bytes.length; length++) assert.equal(await opens(bytes.slice(0, length)), false);
    assert.equal(await opens(concatBytes(bytes, Uint8Array.of(0))), false);
  });

  it('with any byte flipped', async () => {
    const random = new Random(SEED);
    const { bytes } = device.certificate;
    for (let at = 0; at < bytes.length; at++) {
      assert.equal(await opens(flipped(bytes, at, random)), false, `byte ${at}, seed ${SEED}`);
    }
  });

  it('mangled in any way, and never thrown at', async () => {
    const random = new Random(SEED);
    const { bytes } = device.certificate;
    for (let i = 0; i < 500; i++) {
      const changed = mangled(bytes, random);
      const isSame = Buffer.compare(changed, bytes) === 0;
      const opened = await openCertificate(native, changed, NOW_S);
      assert.equal(opened !== undefined, isSame, `input ${i}, seed ${SEED}`);
      assert.equal(await openCertificate(native, random.bytes(random.below(200)), NOW_S), undefined);
    }
  });

  it('with the signing key of another put in: nobody speaks for a key that is not theirs', async () => {
    const other = await makeDevice(native);
    const taken = device.certificate.bytes.slice();
    taken.set(other.signer.publicKey, 12);
    assert.equal(await opens(taken), false);
    const grafted = device.certificate.bytes.slice();
    grafted.set(other.certificate.bytes.slice(92), 92);
    assert.equal(await opens(grafted), false);
  });

  it('with a signing key of small order, for which a signature of nothing verifies anything', async () => {
    const identity = Uint8Array.of(1, ...new Uint8Array(31));
    const orderTwo = fromHex(`ec${'ff'.repeat(30)}7f`)!;
    const orderFour = new Uint8Array(32);
    for (const point of [identity, orderTwo, orderFour]) {
      const signature = concatBytes(identity, new Uint8Array(32));
      const forger = { publicKey: point, sign: async () => signature };
      for (const serial of [1, 2, 3, 4].map((byte) => new Uint8Array(16).fill(byte))) {
        assert.equal(await opens(await signedCertificate(forger, device.dh.publicKey, { serial })), false);
      }
    }
  });
});
