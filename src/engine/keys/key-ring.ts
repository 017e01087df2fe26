/** The key ring: the only owner of secrets on the page. It hands out tokens and sealed payloads, never a key. */
import type { Certificate, DeviceKeys } from '../crypto/certificate.ts';
import { createProvider } from '../crypto/provider.ts';
import type { Provider } from '../crypto/provider.ts';
import { deriveRoomKeys } from '../crypto/room-keys.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { equalBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { PEER_ID_BYTES, peerIdFromBytes } from '../protocol/ids.ts';
import type { PeerId, RoomId } from '../protocol/ids.ts';
import type { RoomSecret } from '../protocol/invite.ts';
import { admissionToken, tokenNonce } from './admission-token.ts';
import { HostKeys } from './host-keys.ts';
import { JoinKeys } from './join-keys.ts';

export { hostSigner, openRoomSecret, withHost } from '../crypto/room-keys.ts';

/** Less is the time that a message takes, and does no harm. */
const CLOCK_AHEAD_MIN_MS = 30_000;

/** Where the keys of this device come from, and whom it refuses. */
export type DeviceSource = {
  open(provider: Provider, nowS: number): Promise<DeviceKeys>;
  isRevoked(certificate: Certificate): Promise<boolean>;
};

export type Clocks = {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds of a clock that nobody sets. */
  readonly steadyNow: () => number;
};

const CLOCKS: Clocks = { now: Date.now, steadyNow: () => performance.now() };

/** `aheadMs`: the clock that its certificate was made by. */
type OpenedDevice = { readonly device: DeviceKeys; readonly aheadMs: number };

/** The keys of a join that may come. `undefined` where they could not be made. */
type Ahead = {
  readonly self: PeerId;
  readonly dtlsFingerprint: Bytes;
  readonly keys: Promise<JoinKeys | undefined>;
};

export class KeyRing {
  readonly roomId: RoomId;
  readonly provider: Provider;
  /** What is said to and as the room's host. */
  readonly host: HostKeys;
  readonly #keys: RoomKeys;
  readonly #devices: DeviceSource;
  readonly #now: () => number;
  readonly #steadyNow: () => number;
  /** What the relay's clock is ahead of ours, where it has told us so (AD5): certificates have times as well. */
  #aheadMs = 0;
  #ahead: Ahead | undefined;
  #token: { readonly peerId: PeerId; readonly nonce: Bytes } | undefined;

  private constructor(keys: RoomKeys, provider: Provider, devices: DeviceSource, clocks: Clocks) {
    this.#keys = keys;
    this.provider = provider;
    this.#devices = devices;
    this.#now = clocks.now;
    this.#steadyNow = clocks.steadyNow;
    this.roomId = keys.roomId;
    this.host = new HostKeys(keys, provider);
  }

  static async create(room: RoomSecret, devices: DeviceSource, clocks: Clocks = CLOCKS): Promise<KeyRing> {
    const [keys, provider] = await Promise.all([deriveRoomKeys(room), createProvider()]);
    // Made or read now, so that they are there when somebody joins.
    await devices.open(provider, Math.floor(clocks.now() / 1000));
    return new KeyRing(keys, provider, devices, clocks);
  }

  /** A fresh admission token, as a WebSocket subprotocol (AD1–AD6). `nowS` is the relay's clock as far as it is known. */
  async token(peerId: PeerId, joinNumber: number, nowS: number): Promise<string> {
    const aheadMs = nowS * 1000 - this.#now();
    this.#aheadMs = Math.abs(aheadMs) > CLOCK_AHEAD_MIN_MS ? aheadMs : 0;
    if (this.#token?.peerId !== peerId) this.#token = { peerId, nonce: tokenNonce() };
    return admissionToken(this.#keys, peerId, joinNumber, nowS, this.#token.nonce);
  }

  /** Milliseconds since 1970, by the relay's clock where ours is wrong. */
  now(): number {
    return this.#now() + this.#aheadMs;
  }

  /**
   * Begins the keys of the next join before anybody asks for it, so that it does not wait for them: `join` takes them where
   * it is of the same peer id and DTLS certificate. A failure is told to who joins.
   */
  prepare(self: PeerId, dtlsFingerprint: Bytes): void {
    const keys = this.#openDevice().then((opened) => this.#make(self, dtlsFingerprint, opened));
    this.#ahead = { self, dtlsFingerprint, keys: keys.catch(() => undefined) };
  }

  /** The keys of one join: our peer id and DTLS certificate (its SHA-256, 32 bytes) are bound into them. */
  async join(self: PeerId, dtlsFingerprint: Bytes): Promise<JoinKeys> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    const opened = await this.#openDevice();
    if (ahead?.self === self && equalBytes(ahead.dtlsFingerprint, dtlsFingerprint)) {
      const keys = await ahead.keys;
      // meanwhile the device's keys may have been changed, in another tab too, or the clock
      const isCurrent = keys && !keys.isOutdated && equalBytes(keys.certificate.hash, opened.device.certificate.hash);
      if (isCurrent) return keys;
    }
    return this.#make(self, dtlsFingerprint, opened);
  }

  async #openDevice(): Promise<OpenedDevice> {
    const aheadMs = this.#aheadMs;
    const device = await this.#devices.open(this.provider, Math.floor(this.now() / 1000));
    return { device, aheadMs };
  }

  #make(self: PeerId, dtlsFingerprint: Bytes, { device, aheadMs }: OpenedDevice): Promise<JoinKeys> {
    return JoinKeys.create({
      provider: this.provider,
      room: this.#keys,
      device,
      self,
      dtlsFingerprint,
      now: () => this.now(),
      steadyNow: this.#steadyNow,
      isClockRight: () => Math.abs(this.#aheadMs - aheadMs) < CLOCK_AHEAD_MIN_MS,
      isRevoked: (certificate) => this.#devices.isRevoked(certificate),
    });
  }
}

export function randomPeerId(): PeerId {
  // of this many bytes it is never undefined
  return peerIdFromBytes(globalThis.crypto.getRandomValues(new Uint8Array(PEER_ID_BYTES))) as PeerId;
}
