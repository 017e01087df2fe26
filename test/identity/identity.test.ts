import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { issueCertificate } from '../../src/engine/crypto/certificate.ts';
import type { DeviceKeys } from '../../src/engine/crypto/certificate.ts';
import { createNobleProvider } from '../../src/engine/crypto/noble-provider.ts';
import { createProvider } from '../../src/engine/crypto/provider.ts';
import { DEVICE_LIFE_S, DEVICE_RENEW_BEFORE_S, createDeviceIdentity } from '../../src/engine/identity/device.ts';
import { GUEST_LIFE_S, GUEST_RENEW_BEFORE_S, createGuestIdentity } from '../../src/engine/identity/guest.ts';
import { createIdentity } from '../../src/engine/identity/identity.ts';
import type { IdentityProvider } from '../../src/engine/identity/identity.ts';
import { KeptKeyStore } from '../../src/engine/identity/kept-key-store.ts';
import { KeptRecords } from '../../src/engine/identity/kept-records.ts';
import { MemoryKeyStore } from '../../src/engine/identity/key-store.ts';
import { MemoryRecords } from '../../src/engine/identity/records.ts';
import { isRecord } from '../../src/engine/protocol/json.ts';
import { NOW_S, checkKeys, deviceOf, hexOf, identityContract, sharedContract } from './contract.ts';
import { FakeStore } from './fake-store.ts';

const provider = await createProvider();
const noble = createNobleProvider();

const GUEST = { kind: 'guest', lifeS: GUEST_LIFE_S, useS: GUEST_LIFE_S - GUEST_RENEW_BEFORE_S, isKept: false } as const;
const DEVICE = { kind: 'device', lifeS: DEVICE_LIFE_S, useS: DEVICE_LIFE_S - DEVICE_RENEW_BEFORE_S } as const;

/** A WebCrypto of some years ago: hashes and HMAC as ever, no Ed25519 and no X25519. */
const OLD_SUBTLE = {
  generateKey: () => Promise.reject(new DOMException('unknown', 'NotSupportedError')),
  // nothing else of it is used once this has failed
} as unknown as SubtleCrypto;

function deviceOn(store: FakeStore, subtle?: SubtleCrypto): IdentityProvider {
  const records = new KeptRecords(store.use);
  const keys = new KeptKeyStore(records, subtle);
  return createIdentity({ kind: 'device', lifeS: DEVICE_LIFE_S, renewBeforeS: DEVICE_RENEW_BEFORE_S, keys, records });
}

describe('a guest', () => {
  identityContract(it, { ...GUEST, provider, create: createGuestIdentity });

  it('is another one at every visit', async () => {
    const [one, two] = await Promise.all([1, 2].map(() => createGuestIdentity().open(provider, NOW_S)));
    assert.notEqual(deviceOf(one!), deviceOf(two!));
  });
});

describe('a guest where WebCrypto lacks the algorithms', () => {
  identityContract(it, { ...GUEST, provider: noble, create: createGuestIdentity });
});

describe('a device', () => {
  identityContract(it, { ...DEVICE, provider, isKept: true, create: () => deviceOn(new FakeStore()) });
  sharedContract(it, {
    provider,
    place: () => {
      const store = new FakeStore();
      return () => deviceOn(store);
    },
  });

  it('keeps keys that cannot be extracted, a certificate, and no more', async () => {
    const store = new FakeStore();
    await deviceOn(store).open(provider, NOW_S);
    assert.deepEqual([...store.values.keys()], ['device']);
    const value = store.values.get('device');
    assert.ok(isRecord(value));
    assert.deepEqual(Object.keys(value).sort(), ['certificate', 'dh', 'signing', 'version']);
    for (const name of ['signing', 'dh'] as const) {
      const pair: unknown = value[name];
      assert.ok(isRecord(pair) && pair['privateKey'] instanceof CryptoKey);
      assert.equal(pair['privateKey'].extractable, false);
      for (const format of ['pkcs8', 'jwk', 'raw'] as const) {
        await assert.rejects(crypto.subtle.exportKey(format, pair['privateKey']));
      }
    }
  });

  it('makes new keys where what is stored is damaged, of another version, or not its own', async () => {
    const store = new FakeStore();
    const good = await deviceOn(store).open(provider, NOW_S);
    const stored = store.values.get('device');
    assert.ok(isRecord(stored));
    const other = new FakeStore();
    await deviceOn(other).open(provider, NOW_S);
    const foreign = other.values.get('device');
    assert.ok(isRecord(foreign));
    const damages: readonly unknown[] = [
      'text',
      null,
      { ...stored, version: 2 },
      { ...stored, certificate: 'text' },
      { ...stored, certificate: new Uint8Array(155) },
      { ...stored, signing: undefined },
      { ...stored, signing: stored['dh'] },
      { ...stored, dh: { publicKey: 'a', privateKey: 'b' } },
      { ...stored, signing: foreign['signing'] },
      { ...stored, dh: foreign['dh'] },
    ];
    for (const damage of damages) {
      store.values.set('device', damage);
      const keys = await deviceOn(store).open(provider, NOW_S);
      await checkKeys(provider, keys, NOW_S);
      assert.notEqual(deviceOf(keys), deviceOf(good));
      assert.equal(hexOf(await deviceOn(store).open(provider, NOW_S)), hexOf(keys), 'not stored');
    }
  });

  it('does not bring back what another tab gives up while it renews', async () => {
    const store = new FakeStore();
    const old = await deviceOn(store).open(provider, NOW_S);
    store.beforeWrite = () => store.values.delete('device');
    const keys = await deviceOn(store).open(provider, old.certificate.expiryS);
    assert.equal(store.beforeWrite, undefined, 'nothing was written');
    assert.notEqual(deviceOf(keys), deviceOf(old));
  });

  it('revokes its own keys only, where another tab has rotated meanwhile', async () => {
    const [store, other] = [new FakeStore(), new FakeStore()];
    await deviceOn(store).open(provider, NOW_S);
    const next = await deviceOn(other).open(provider, NOW_S);
    store.beforeWrite = () => store.values.set('device', other.values.get('device'));
    await deviceOn(store).revoke(provider, NOW_S);
    assert.equal(store.beforeWrite, undefined, 'nothing was written');
    assert.equal(hexOf(await deviceOn(store).open(provider, NOW_S)), hexOf(next));
  });

  it('renews a stored certificate whose signature is not its own', async () => {
    const store = new FakeStore();
    const good = await deviceOn(store).open(provider, NOW_S);
    const stored = store.values.get('device');
    assert.ok(isRecord(stored));
    const { bytes } = good.certificate;
    store.values.set('device', { ...stored, certificate: bytes.with(155, (bytes[155] ?? 0) ^ 1) });
    const keys = await deviceOn(store).open(provider, NOW_S);
    await checkKeys(provider, keys, NOW_S);
    assert.equal(deviceOf(keys), deviceOf(good));
  });
});

describe('a device where storage is refused', () => {
  const refused = (): IdentityProvider => {
    const store = new FakeStore();
    store.failure = 'rejects';
    return deviceOn(store);
  };
  identityContract(it, { ...DEVICE, provider, isKept: false, create: refused });

  it('is the default one in this runtime, which has no IndexedDB', async () => {
    const identity = createDeviceIdentity();
    await checkKeys(provider, await identity.open(provider, NOW_S), NOW_S);
    assert.equal(identity.isKept, false);
  });

  it('goes on with the keys it had, where storage fails while it runs', async () => {
    const store = new FakeStore();
    const identity = deviceOn(store);
    const keys = await identity.open(provider, NOW_S);
    store.failure = 'rejects';
    assert.equal(hexOf(await identity.open(provider, NOW_S)), hexOf(keys));
    assert.equal(identity.isKept, false);
    const { keys: next } = await identity.rotate(provider, NOW_S);
    assert.equal(hexOf(await identity.open(provider, NOW_S)), hexOf(next));
  });
});

describe('a device where WebCrypto lacks the algorithms', () => {
  identityContract(it, {
    ...DEVICE,
    provider: noble,
    isKept: false,
    create: () => deviceOn(new FakeStore(), OLD_SUBTLE),
  });

  it('stores no key that a script could read', async () => {
    const store = new FakeStore();
    await deviceOn(store, OLD_SUBTLE).open(noble, NOW_S);
    assert.equal(store.values.get('device'), undefined);
  });

  it('goes on with stored keys where it cannot make their successors', async () => {
    const store = new FakeStore();
    const good = await deviceOn(store).open(provider, NOW_S);
    const { generateKey } = OLD_SUBTLE;
    const lame: SubtleCrypto = Object.setPrototypeOf(
      {
        generateKey,
        exportKey: crypto.subtle.exportKey.bind(crypto.subtle),
        sign: crypto.subtle.sign.bind(crypto.subtle),
      },
      SubtleCrypto.prototype,
    );
    const identity = deviceOn(store, lame);
    assert.equal(hexOf(await identity.open(noble, NOW_S)), hexOf(good));
    const laterS = good.certificate.expiryS;
    const renewed = await identity.open(noble, laterS);
    await checkKeys(noble, renewed, laterS);
    assert.deepEqual([deviceOf(renewed), identity.isKept], [deviceOf(good), false]);
    await identity.revoke(noble, laterS);
    assert.equal(store.values.get('device'), undefined, 'revoked keys are still stored');
    assert.notEqual(deviceOf(await identity.open(noble, laterS)), deviceOf(good));
  });
});

describe('keys in memory', () => {
  async function makeKeys(store: MemoryKeyStore): Promise<DeviceKeys> {
    return store.make(provider, { kind: 'guest', nowS: NOW_S, lifeS: GUEST_LIFE_S });
  }

  it('are replaced only where they are the expected ones, and removed only by their own', async () => {
    const store = new MemoryKeyStore();
    const [one, two] = [await makeKeys(store), await makeKeys(store)];
    assert.equal(await store.replace(one, two), undefined);
    assert.equal(await store.replace(undefined, one), one);
    assert.equal(await store.replace(undefined, two), one);
    await store.remove(two);
    assert.equal(await store.read(), one);
    const renewed = await issueCertificate(one.signer, one.dh.publicKey, 'guest', NOW_S + 1, GUEST_LIFE_S);
    await store.remove({ certificate: renewed });
    assert.equal(await store.read(), undefined);
    await store.remove(one);
    assert.equal(await store.read(), undefined);
  });

  it('that others give up while we renew them are made anew', async () => {
    class GivenUp extends MemoryKeyStore {
      #isFirst = true;
      override replace(expected: DeviceKeys | undefined, next: DeviceKeys): Promise<DeviceKeys | undefined> {
        if (!this.#isFirst) return super.replace(expected, next);
        this.#isFirst = false;
        return Promise.resolve(undefined);
      }
    }
    const keys = new GivenUp();
    const records = new MemoryRecords();
    const identity = createIdentity({ kind: 'guest', lifeS: 10, renewBeforeS: 5, keys, records });
    await checkKeys(provider, await identity.open(provider, NOW_S), NOW_S);
  });
});
