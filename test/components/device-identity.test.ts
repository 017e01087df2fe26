/** Identities over the browser's own WebCrypto and IndexedDB: what is kept, what tabs share, what a guest leaves. */
import { createStore, entries, set } from 'idb-keyval';
import { createProvider } from '../../src/engine/crypto/provider.ts';
import {
  DEVICE_DATABASE,
  DEVICE_LIFE_S,
  DEVICE_RENEW_BEFORE_S,
  createDeviceIdentity,
} from '../../src/engine/identity/device.ts';
import { GUEST_LIFE_S, GUEST_RENEW_BEFORE_S, createGuestIdentity } from '../../src/engine/identity/guest.ts';
import type { IdentityProvider } from '../../src/engine/identity/identity.ts';
import { openRecords } from '../../src/engine/identity/kept-records.ts';
import { PINS_MAX, createTable } from '../../src/engine/identity/pin-table.ts';
import { createPins } from '../../src/engine/identity/pins.ts';
import { toHex } from '../../src/engine/protocol/bytes.ts';
import { ROOM } from '../helpers/samples.ts';
import { NOW_S, checkKeys, deviceOf, hexOf, identityContract, sharedContract } from '../identity/contract.ts';
import { ADA, pinsContract } from '../identity/pins-contract.ts';
import { equal, ok, same } from './assert.ts';

const provider = await createProvider();
const databases = [DEVICE_DATABASE];

/** A database that nobody has used yet. */
function newDatabase(): string {
  const name = `tai-room-test-${toHex(crypto.getRandomValues(new Uint8Array(8)))}`;
  databases.push(name);
  return name;
}

function deviceIn(database: string): IdentityProvider {
  return createDeviceIdentity(openRecords(database));
}

/** Everything that a page of this origin can find in storage, as names. */
async function storageNames(): Promise<readonly string[]> {
  const found = (await indexedDB.databases()).map(({ name }) => `database ${name}`);
  const caches = (await globalThis.caches.keys()).map((name) => `cache ${name}`);
  const { localStorage, sessionStorage } = globalThis;
  const items = [...Object.keys(localStorage), ...Object.keys(sessionStorage)].map((name) => `item ${name}`);
  return [...found, ...caches, ...items, document.cookie].sort();
}

after(() => {
  // The connections are still open: they go, and the databases with them, when the page does.
  for (const name of databases) indexedDB.deleteDatabase(name);
});

describe('a device in this browser', () => {
  const useS = DEVICE_LIFE_S - DEVICE_RENEW_BEFORE_S;
  const create = (): IdentityProvider => deviceIn(newDatabase());
  identityContract(it, { provider, kind: 'device', lifeS: DEVICE_LIFE_S, useS, isKept: true, create });
  sharedContract(it, {
    provider,
    place: () => {
      const database = newDatabase();
      return () => deviceIn(database);
    },
  });

  it('keeps keys that no script can read', async () => {
    const database = newDatabase();
    await deviceIn(database).open(provider, NOW_S);
    const stored = await entries<string, unknown>(createStore(database, 'records'));
    same(
      stored.map(([key]) => key),
      ['device'],
    );
    const pairs = Object.values(stored[0]?.[1] ?? {}).filter(
      (value) => typeof value === 'object' && 'privateKey' in value,
    );
    equal(pairs.length, 2);
    for (const { privateKey } of pairs as CryptoKeyPair[]) {
      equal(privateKey.extractable, false);
      for (const format of ['pkcs8', 'jwk'] as const) {
        const isExported = await crypto.subtle.exportKey(format, privateKey).then(
          () => true,
          () => false,
        );
        equal(isExported, false, format);
      }
    }
  });

  it('is the same one in another tab, in a frame of its own', async () => {
    const database = newDatabase();
    const keys = await deviceIn(database).open(provider, NOW_S);
    const frame = document.createElement('iframe');
    document.body.append(frame);
    try {
      // another realm with its own IndexedDB object, as a second tab has
      const there = frame.contentWindow;
      ok(there, 'no frame');
      const request = there.indexedDB.open(database);
      const read = await new Promise<unknown>((resolve, reject) => {
        request.addEventListener('error', () => reject(new Error('not opened')));
        request.addEventListener('success', () => {
          const get = request.result.transaction('records').objectStore('records').get('device');
          get.addEventListener('success', () => resolve(get.result));
        });
      });
      request.result.close();
      const certificate = typeof read === 'object' && read && 'certificate' in read ? read.certificate : undefined;
      equal(toHex(new Uint8Array(certificate as Uint8Array<ArrayBuffer>)), hexOf(keys));
    } finally {
      frame.remove();
    }
  });

  it('makes new keys where what is stored is damaged, and is kept again', async () => {
    const database = newDatabase();
    const old = await deviceIn(database).open(provider, NOW_S);
    await set('device', { version: 1, certificate: old.certificate.bytes }, createStore(database, 'records'));
    const identity = deviceIn(database);
    const keys = await identity.open(provider, NOW_S);
    await checkKeys(provider, keys, NOW_S);
    ok(deviceOf(keys) !== deviceOf(old), 'the damaged keys');
    equal(identity.isKept, true);
  });

  it('goes on in memory where the database has no place for it', async () => {
    const database = newDatabase();
    // somebody else's database of that name, without the object store
    await new Promise((resolve) => indexedDB.open(database).addEventListener('success', resolve));
    const identity = deviceIn(database);
    const keys = await identity.open(provider, NOW_S);
    equal(hexOf(await identity.open(provider, NOW_S)), hexOf(keys));
    equal(identity.isKept, false);
    equal(await identity.pins.pin(ROOM, 'Ada', ADA), 'new');
    equal(await identity.pins.look(ROOM, 'Ada', ADA), 'known');
  });

  it('is in a database of its own', async () => {
    const identity = createDeviceIdentity();
    await identity.open(provider, NOW_S);
    equal(identity.isKept, true);
    ok((await storageNames()).includes('database tai-room'), 'no database');
  });
});

describe('pins in this browser', () => {
  pinsContract(it, () => createPins(openRecords(newDatabase())));

  it('hold no name, no room and no device in what is stored', async () => {
    const database = newDatabase();
    const pins = createPins(openRecords(database));
    await pins.pin(ROOM, 'Ada Lovelace', ADA);
    await pins.setVerified(ADA.deviceId, true);
    const stored = await entries<string, unknown>(createStore(database, 'records'));
    const text = JSON.stringify(stored, (_, value: unknown) => (value instanceof Map ? [...value] : value));
    ok(/[0-9a-f]{64}/.test(text), 'nothing is there');
    // no name that could stand in hexadecimal by chance
    for (const plain of ['Lovelace', 'lovelace', ROOM.slice(2), toHex(ADA.deviceId)]) {
      ok(!text.includes(plain), `${plain} is there`);
    }
  });

  it('take one more where there are as many as there can be, all of them verified', async () => {
    const database = newDatabase();
    const table = await createTable();
    const mac = (): string => toHex(crypto.getRandomValues(new Uint8Array(32)));
    for (let i = 0; i < PINS_MAX; i++) {
      const device = mac();
      table.names.set(mac(), [device]);
      table.devices.set(device, { isVerified: true, isRevoked: false });
    }
    await set('pins', table, createStore(database, 'records'));
    const pins = createPins(openRecords(database));
    equal(await pins.look(ROOM, 'Ada', ADA), 'new');
    equal(await pins.pin(ROOM, 'Ada', ADA), 'new');
    equal(await pins.look(ROOM, 'Ada', ADA), 'known');
  });
});

describe('a guest in this browser', () => {
  const useS = GUEST_LIFE_S - GUEST_RENEW_BEFORE_S;
  identityContract(it, {
    provider,
    kind: 'guest',
    lifeS: GUEST_LIFE_S,
    useS,
    isKept: false,
    create: createGuestIdentity,
  });

  it('leaves nothing: no database, no item, no cookie, no cache', async () => {
    const before = await storageNames();
    const guest = createGuestIdentity();
    await guest.open(provider, NOW_S);
    await guest.pins.pin(ROOM, 'Ada', ADA);
    await guest.pins.setVerified(ADA.deviceId, true);
    await guest.rotate(provider, NOW_S);
    await guest.revoke(provider, NOW_S);
    same(await storageNames(), before);
    // and it would show
    const database = newDatabase();
    await deviceIn(database).open(provider, NOW_S);
    ok((await storageNames()).includes(`database ${database}`), 'a device would not have shown');
  });
});
