/** One `WebRTCE2EE` as a party to handshakes: the keys of its room, its clock, and the device's keys whenever they are wanted. */
import type { DeviceKeys } from '../crypto/certificate.ts';
import { createProvider } from '../crypto/provider.ts';
import type { Provider } from '../crypto/provider.ts';
import { deriveRoomKeys } from '../crypto/room-keys.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { DTLS_FINGERPRINT_BYTES } from '../crypto/suite.ts';
import type { Bytes } from '../protocol/bytes.ts';
import type { PeerId, RoomId } from '../protocol/ids.ts';
import type { RoomSecret } from '../protocol/invite.ts';
import { admissionToken, tokenNonce } from './admission-token.ts';
import { clientRoom } from './client-room.ts';
import type { OwnParty } from './handshake.ts';

/** Not 0: a newcomer's `welcome` would use up a one-time record of everybody there (PROTOCOL.md AD7, RL17). */
const JOIN_NUMBER = 1;
/** Less is the time that a message takes, and does no harm. */
const CLOCK_AHEAD_MIN_MS = 30_000;

export type ClientPartyOptions = {
  readonly room: RoomSecret;
  /** The page's own name of the conversation: another one is another room. */
  readonly name: string;
  readonly self: PeerId;
  /** The keys of this device. `nowS`: seconds since 1970. */
  open(provider: Provider, nowS: number): Promise<DeviceKeys>;
  isRevoked(deviceId: Bytes): Promise<boolean>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds of a clock that nobody sets. */
  readonly steadyNow: () => number;
};

export class ClientParty {
  readonly roomId: RoomId;
  readonly provider: Provider;
  readonly room: RoomKeys;
  readonly self: PeerId;
  readonly #options: ClientPartyOptions;
  /** What the relay's clock is ahead of ours, where it has told us so: certificates have times as well. */
  #aheadMs = 0;
  /** One for all tokens, so that a socket of ours gives way to our next one (AD8). */
  readonly #nonce = tokenNonce();

  private constructor(options: ClientPartyOptions, room: RoomKeys, provider: Provider) {
    this.#options = options;
    this.room = room;
    this.roomId = room.roomId;
    this.self = options.self;
    this.provider = provider;
  }

  static async create(options: ClientPartyOptions): Promise<ClientParty> {
    const room = deriveRoomKeys(clientRoom(options.room, options.name));
    const [keys, provider] = await Promise.all([room, createProvider()]);
    return new ClientParty(options, keys, provider);
  }

  /** For the relay. `nowS` is the relay's clock as far as it is known, and ours from then on where ours is wrong. */
  async token(nowS: number): Promise<string> {
    const aheadMs = nowS * 1000 - this.#options.now();
    this.#aheadMs = Math.abs(aheadMs) > CLOCK_AHEAD_MIN_MS ? aheadMs : 0;
    return admissionToken(this.room, this.self, JOIN_NUMBER, nowS, this.#nonce);
  }

  /** Milliseconds since 1970. */
  now(): number {
    return Math.floor(this.#options.now() + this.#aheadMs);
  }

  steadyNow(): number {
    return this.#options.steadyNow();
  }

  nowS(): number {
    return Math.floor(this.now() / 1000);
  }

  isRevoked(deviceId: Bytes): Promise<boolean> {
    return this.#options.isRevoked(deviceId);
  }

  /** With the keys that this device has now. No DTLS connection is bound: an offer goes sealed, with its fingerprint in it. */
  async own(): Promise<OwnParty> {
    const { room, provider, self } = this;
    return {
      provider,
      room,
      self,
      device: await this.#options.open(provider, this.nowS()),
      dtlsFingerprint: new Uint8Array(DTLS_FINGERPRINT_BYTES),
      now: () => this.now(),
      steadyNow: () => this.steadyNow(),
      isRevoked: ({ deviceId }) => this.isRevoked(deviceId),
    };
  }
}
