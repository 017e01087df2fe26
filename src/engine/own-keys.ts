/** What is ours and outlives a join: who we are, the room's keys, and the DTLS certificate made ahead for the next one. */
import { createDeviceIdentity } from './identity/device.ts';
import { createGuestIdentity } from './identity/guest.ts';
import type { IdentityProvider } from './identity/identity.ts';
import { KeyRing } from './keys/key-ring.ts';
import type { DtlsIdentity, Ports } from './ports.ts';
import { toBase64Url } from './protocol/bytes.ts';
import type { RoomId } from './protocol/ids.ts';
import type { RoomSecret } from './protocol/invite.ts';

export type OwnKeysOptions = {
  readonly room: RoomSecret;
  readonly identity: 'guest' | 'device';
  readonly createDtlsIdentity: Ports['createDtlsIdentity'];
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

export class OwnKeys {
  readonly identity: IdentityProvider;
  readonly #options: OwnKeysOptions;
  #ring: Promise<KeyRing> | undefined;
  #dtls: Promise<DtlsIdentity> | undefined;
  #roomId: RoomId | undefined;

  constructor(options: OwnKeysOptions) {
    this.#options = options;
    this.identity = options.identity === 'device' ? createDeviceIdentity() : createGuestIdentity();
  }

  /** `undefined` until the ring is made. */
  get roomId(): RoomId | undefined {
    return this.#roomId;
  }

  /** Made once; again after a failure (a chunk that could not be fetched), for the next join. */
  ring(): Promise<KeyRing> {
    const { room, now } = this.#options;
    const { identity } = this;
    const devices = {
      open: identity.open.bind(identity),
      isRevoked: ({ deviceId }: { readonly deviceId: Uint8Array<ArrayBuffer> }) => identity.pins.isRevoked(deviceId),
    };
    this.#ring ??= KeyRing.create(room, devices, now).then(
      (ring) => {
        this.#roomId = ring.roomId;
        return ring;
      },
      (error: unknown) => {
        this.#ring = undefined;
        throw error;
      },
    );
    return this.#ring;
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

  /** New device keys, from the next join on. Gives the statement for the others, base64url. */
  async rotate(): Promise<string> {
    const { provider } = await this.ring();
    const { statement } = await this.identity.rotate(provider, this.#nowS());
    return toBase64Url(statement);
  }

  /** Gives the device's keys up. Gives the statement for the others, base64url. */
  async revoke(): Promise<string> {
    const { provider } = await this.ring();
    return toBase64Url(await this.identity.revoke(provider, this.#nowS()));
  }

  #nowS(): number {
    return Math.floor(this.#options.now() / 1000);
  }
}
