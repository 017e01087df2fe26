/**
 * A device: keys that this browser keeps for this origin, so that others know it again. WebCrypto keys that are not
 * extractable, in IndexedDB: a script of the page can use them, and cannot carry them away.
 * Where WebCrypto lacks Ed25519 or X25519, or storage is refused, the keys last as long as the page (`isKept` is false).
 * Browsers may clear storage when they like (Safari after seven days without a visit): then it is another device.
 */
import { createIdentity } from './identity.ts';
import type { IdentityProvider } from './identity.ts';
import { KeptKeyStore } from './kept-key-store.ts';
import { openRecords } from './kept-records.ts';
import type { Records } from './records.ts';

export const DEVICE_LIFE_S = 90 * 24 * 3600;
export const DEVICE_RENEW_BEFORE_S = 30 * 24 * 3600;
export const DEVICE_DATABASE = 'tai-room';

/** All tabs of an origin share what is in `records`. */
export function createDeviceIdentity(records: Records = openRecords(DEVICE_DATABASE)): IdentityProvider {
  return createIdentity({
    kind: 'device',
    lifeS: DEVICE_LIFE_S,
    renewBeforeS: DEVICE_RENEW_BEFORE_S,
    keys: new KeptKeyStore(records),
    records,
  });
}
