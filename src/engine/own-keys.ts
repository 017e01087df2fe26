/** What is ours and outlives a join: who we are, the room's keys, and the DTLS certificate made ahead for the next one. */
import { createGuestIdentity } from './identity/guest.ts';
import type { IdentityProvider } from './identity/identity.ts';
import { KeyRing } from './keys/key-ring.ts';
import type { Clocks } from './keys/key-ring.ts';
import type { DtlsIdentity, Ports } from './ports.ts';
import { toBase64Url } from './protocol/bytes.ts';
import type { Bytes } from './protocol/bytes.ts';
import type { RoomId } from './protocol/ids.ts';
import type { RoomSecret } from './protocol/invite.ts';

export type OwnKeysOptions = Clocks & {
  readonly room: RoomSecret;
  readonly identity: 'guest' | 'device';
  readonly createDtlsIdentity: Ports['createDtlsIdentity'];
};

export class OwnKeys {
  readonly #options: OwnKeysOptions;
  #identity: IdentityProvider | undefined;
  #ring: Promise<KeyRing> | undefined;
  #dtls: Promise<DtlsIdentity> | undefined;
  #roomId: RoomId | undefined;

  constructor(options: OwnKeysOptions) {
    this.#options = options;
  }

  /** There as soon as the ring is. */
  get identity(): IdentityProvider | undefined {
    return this.#identity;
  }

  /** `undefined` until the ring is made. */
  get roomId(): RoomId | undefined {
    return this.#roomId;
  }

  /** Made once; again after a failure (a chunk that could not be fetched), for the next join. */
  ring(): Promise<KeyRing> {
    this.#ring ??= this.#makeRing().catch((error: unknown) => {
      this.#ring = undefined;
      throw error;
    });
    return this.#ring;
  }

  async #makeRing(): Promise<KeyRing> {
    const { room, now, steadyNow } = this.#options;
    const identity = await this.#openIdentity();
    const ring = await KeyRing.create(
      room,
      {
        open: (provider, nowS) => identity.open(provider, nowS),
        isRevoked: ({ deviceId }) => identity.pins.isRevoked(deviceId),
      },
      { now, steadyNow },
    );
    this.#roomId = ring.roomId;
    return ring;
  }

  async #openIdentity(): Promise<IdentityProvider> {
    if (!this.#identity && this.#options.identity === 'device') {
      // Keys that are kept need a database, and few pages ask for them.
      const { createDeviceIdentity } = await import('./identity/device.ts');
      this.#identity = createDeviceIdentity();
    }
    this.#identity ??= createGuestIdentity();
    return this.#identity;
  }

  /** The certificate of this join; `renewDtls` makes the next one another. */
  dtls(): Promise<DtlsIdentity> {
    this.#dtls ??= this.#options.createDtlsIdentity().catch((error: unknown) => {
      this.#dtls = undefined;
      throw error;
    });
    return this.#dtls;
  }

  /** No two joins have to be seen to be of the same browser. */
  renewDtls(): void {
    this.#dtls = undefined;
  }

  /** New device keys, from the next join on. Gives their device id, and the statement for the others. */
  async rotate(): Promise<OwnStatement> {
    const ring = await this.ring();
    const identity = await this.#openIdentity();
    const { statement, keys } = await identity.rotate(ring.provider, seconds(ring));
    return { statement: toBase64Url(statement), device: keys.certificate.deviceId };
  }

  /** Gives the device's keys up. Gives the id of the device that they were of, and the statement for the others. */
  async revoke(): Promise<OwnStatement> {
    const ring = await this.ring();
    const identity = await this.#openIdentity();
    const { statement, deviceId } = await identity.revoke(ring.provider, seconds(ring));
    return { statement: toBase64Url(statement), device: deviceId };
  }
}

/** `statement`: base64url. */
type OwnStatement = { readonly statement: string; readonly device: Bytes };

/** By the clock that the others check statements with. */
function seconds(ring: KeyRing): number {
  return Math.floor(ring.now() / 1000);
}
