/** A room whose members' keys a test drives by hand: bundles, payloads, clocks, and whose keys are dead. */
import assert from 'node:assert/strict';
import { issueCertificate } from '../../src/engine/crypto/certificate.ts';
import type { CertificateKind, DeviceKeys } from '../../src/engine/crypto/certificate.ts';
import { createProvider } from '../../src/engine/crypto/provider.ts';
import type { Provider } from '../../src/engine/crypto/provider.ts';
import { deriveRoomKeys } from '../../src/engine/crypto/room-keys.ts';
import type { RoomKeys } from '../../src/engine/crypto/room-keys.ts';
import { JoinKeys } from '../../src/engine/keys/join-keys.ts';
import type { Opened } from '../../src/engine/keys/join-keys.ts';
import { toHex } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import type { HandedBundle } from '../../src/engine/protocol/bundle.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { RoomSecret } from '../../src/engine/protocol/invite.ts';

export const START_MS = 1_800_000_000_000;
const LIFE_S = 24 * 3600;

export type MemberOptions = {
  readonly device?: DeviceKeys;
  readonly dtlsFingerprint?: Bytes;
  readonly room?: RoomKeys;
};

export class JoinStage {
  readonly provider: Provider;
  readonly room: RoomKeys;
  /** Everybody's clock. */
  now_ms = START_MS;
  /** Everybody's other clock, which nobody sets: goes with the first where a test says nothing. */
  steady_ms: number | undefined;
  isClockRight = true;
  /** Device ids in hexadecimal, for everybody. */
  readonly revoked = new Set<string>();
  /** Done once, while somebody is in the middle of a handshake: what can come between is a test's to choose. */
  meanwhile: (() => Promise<void>) | undefined;

  constructor(provider: Provider, room: RoomKeys) {
    this.provider = provider;
    this.room = room;
  }

  static async create(secretByte = 1): Promise<JoinStage> {
    const [provider, room] = await Promise.all([createProvider(), deriveRoomKeys(secretOf(secretByte))]);
    return new JoinStage(provider, room);
  }

  async device(kind: CertificateKind = 'device'): Promise<DeviceKeys> {
    const [signer, dh] = await Promise.all([this.provider.generateSigner(), this.provider.generateDh()]);
    const nowS = Math.floor(this.now_ms / 1000);
    return { signer, dh, certificate: await issueCertificate(signer, dh.publicKey, kind, nowS, LIFE_S) };
  }

  async member(self: PeerId, options: MemberOptions = {}): Promise<JoinKeys> {
    const device = options.device ?? (await this.device());
    return JoinKeys.create({
      provider: this.provider,
      room: options.room ?? this.room,
      device,
      self,
      dtlsFingerprint: options.dtlsFingerprint ?? new Uint8Array(32).fill(Number(self.slice(0, 4))),
      now: () => this.now_ms,
      steadyNow: () => this.steady_ms ?? this.now_ms,
      isClockRight: () => this.isClockRight,
      isRevoked: async ({ deviceId }) => {
        const { meanwhile } = this;
        this.meanwhile = undefined;
        await meanwhile?.();
        return this.revoked.has(toHex(deviceId));
      },
    });
  }
}

export function secretOf(byte: number): RoomSecret {
  return { secret: new Uint8Array(32).fill(byte), pkHost: new Uint8Array(32) };
}

/** What an honest relay hands to the first who asks. */
export async function bundleOf(keys: JoinKeys, oneTime = 0): Promise<HandedBundle> {
  const { head, one_time } = await keys.publication();
  const record = one_time[oneTime];
  return { head, ...(record !== undefined && { one_time: record }) };
}

/** The payload that would have gone out; fails where there is none. */
export async function sealed(from: JoinKeys, to: PeerId, text: string): Promise<Bytes> {
  let payload: Bytes | undefined;
  const fault = await from.send(to, text, (bytes) => {
    payload = bytes;
    return true;
  });
  assert.equal(fault, undefined);
  assert.ok(payload);
  return payload;
}

export async function assertOpens(
  keys: JoinKeys,
  from: PeerId,
  payload: Bytes,
  text: string,
): Promise<Extract<Opened, { ok: true }>> {
  const opened = await keys.open(from, payload);
  if (!opened.ok) assert.fail(opened.fault);
  assert.equal(opened.text, text);
  return opened;
}

export async function assertRefused(keys: JoinKeys, from: PeerId, payload: Bytes, fault: string): Promise<void> {
  assert.deepEqual(await keys.open(from, payload), { ok: false, fault });
}
