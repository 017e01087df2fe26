/** What is ours in one `WebRTCE2EE`: who we are, and its keys; made at the first call that needs them. */
import { createGuestIdentity } from './identity/guest.ts';
import type { IdentityProvider } from './identity/identity.ts';
import { ClientKeys } from './keys/client-keys.ts';
import { ClientParty } from './keys/client-party.ts';
import type { PeerId } from './protocol/ids.ts';
import type { RoomSecret } from './protocol/invite.ts';

export type OwnClientOptions = {
  readonly room: RoomSecret;
  /** The page's name of the conversation. */
  readonly name: string;
  readonly self: PeerId;
  readonly identity: 'guest' | 'device';
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

export type OwnClient = { readonly identity: IdentityProvider; readonly keys: ClientKeys };

/** Rejects where an algorithm is missing and its substitute cannot be loaded. */
export async function makeOwnClient(options: OwnClientOptions): Promise<OwnClient> {
  const { room, name, self, now } = options;
  const identity = await identityOf(options.identity);
  const party = await ClientParty.create({
    room,
    name,
    self,
    now,
    steadyNow: () => performance.now(),
    open: (provider, nowS) => identity.open(provider, nowS),
    isRevoked: (deviceId) => identity.pins.isRevoked(deviceId),
  });
  return { identity, keys: new ClientKeys(party) };
}

async function identityOf(kind: OwnClientOptions['identity']): Promise<IdentityProvider> {
  if (kind === 'guest') return createGuestIdentity();
  // Keys that are kept need a database, and few pages ask for them.
  const { createDeviceIdentity } = await import('./identity/device.ts');
  return createDeviceIdentity();
}
