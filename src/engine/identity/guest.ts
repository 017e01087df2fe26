/** A guest: keys of one visit. They live in memory and die with the page, which leaves nothing behind, pins neither. */
import { createIdentity } from './identity.ts';
import type { IdentityProvider } from './identity.ts';
import { MemoryKeyStore } from './key-store.ts';
import { MemoryRecords } from './records.ts';

export const GUEST_LIFE_S = 30 * 24 * 3600;
/** Its keys end with the page; its certificate must not end while somebody stays in a room with it. */
export const GUEST_RENEW_BEFORE_S = GUEST_LIFE_S / 2;

export function createGuestIdentity(): IdentityProvider {
  return createIdentity({
    kind: 'guest',
    lifeS: GUEST_LIFE_S,
    renewBeforeS: GUEST_RENEW_BEFORE_S,
    keys: new MemoryKeyStore(),
    records: new MemoryRecords(),
  });
}
