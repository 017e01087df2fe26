/** Alice comes in, Bob is there: one handshake, in which everything that a side takes for granted can be changed. */
import assert from 'node:assert/strict';
import type { DeviceKeys } from '../../src/engine/crypto/certificate.ts';
import { MODE_REQUIRED, SUITES, initiate, respond } from '../../src/engine/crypto/pqxdh.ts';
import type {
  HandshakeRoom,
  Initiated,
  RespondFault,
  Responded,
  SessionSecrets,
} from '../../src/engine/crypto/pqxdh.ts';
import { createPreKeys, openBundle } from '../../src/engine/crypto/pre-keys.ts';
import type { OwnPreKeys, PeerBundle } from '../../src/engine/crypto/pre-keys.ts';
import type { Provider } from '../../src/engine/crypto/provider.ts';
import { toHex } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { ALICE, BOB, ROOM } from '../helpers/samples.ts';
import { NOW_S, fingerprintOf, makeDevice } from './handshake-fixtures.ts';

export const PSK = fingerprintOf(0x55);
export const HERE: HandshakeRoom = { roomId: ROOM, psk: PSK, mode: MODE_REQUIRED };
export const ALICES_FINGERPRINT = fingerprintOf(0xa1);
export const BOBS_FINGERPRINT = fingerprintOf(0xb0);

/** Where the fields of a header begin. */
export const SUITE_AT = 1;
export const MODE_AT = 3;
export const CERTIFICATE_AT = 4;
export const FINGERPRINT_AT = 160;
export const EPHEMERAL_AT = 192;
export const LAST_RESORT_ID_AT = 224;
export const ONE_TIME_ID_AT = 228;
export const CIPHERTEXT_AT = 232;

export type AliceSays = {
  readonly provider?: Provider;
  readonly device?: DeviceKeys;
  readonly fingerprint?: Bytes;
  readonly self?: PeerId;
  readonly peer?: PeerId;
  readonly room?: HandshakeRoom;
};

export type BobSays = {
  readonly provider?: Provider;
  readonly device?: DeviceKeys;
  readonly keys?: OwnPreKeys;
  readonly fingerprint?: Bytes;
  readonly suites?: readonly number[];
  readonly self?: PeerId;
  readonly from?: PeerId;
  readonly room?: HandshakeRoom;
  readonly nowS?: number;
};

type Agreed = Extract<Responded, { ok: true }>;

export class HandshakeStage {
  readonly provider: Provider;
  readonly alice: DeviceKeys;
  readonly bob: DeviceKeys;
  readonly bobsKeys: OwnPreKeys;

  constructor(provider: Provider, alice: DeviceKeys, bob: DeviceKeys, bobsKeys: OwnPreKeys) {
    this.provider = provider;
    this.alice = alice;
    this.bob = bob;
    this.bobsKeys = bobsKeys;
  }

  static async create(provider: Provider): Promise<HandshakeStage> {
    const [alice, bob] = await Promise.all([makeDevice(provider), makeDevice(provider)]);
    return new HandshakeStage(provider, alice, bob, await publish(provider, bob, 4));
  }

  /** What Alice fetches. */
  bundle(hasOneTime = true, keys = this.bobsKeys): Promise<PeerBundle> {
    return fetched(this.provider, keys, hasOneTime);
  }

  /** `undefined`: Alice refuses the bundle. */
  begin(bundle: PeerBundle, says: AliceSays = {}): Promise<Initiated | undefined> {
    const { provider = this.provider, device = this.alice } = says;
    const own = { device, peerId: says.self ?? ALICE, dtlsFingerprint: says.fingerprint ?? ALICES_FINGERPRINT };
    return initiate(provider, own, { peerId: says.peer ?? BOB, bundle }, says.room ?? HERE);
  }

  async begun(bundle: PeerBundle, says: AliceSays = {}): Promise<Initiated> {
    const initiated = await this.begin(bundle, says);
    assert.ok(initiated);
    return initiated;
  }

  answer(header: Bytes, says: BobSays = {}): Promise<Responded> {
    const { provider = this.provider, device = this.bob, keys = this.bobsKeys, suites = SUITES } = says;
    const dtlsFingerprint = says.fingerprint ?? BOBS_FINGERPRINT;
    const own = { device, peerId: says.self ?? BOB, dtlsFingerprint, preKeys: keys, suites };
    return respond(provider, own, says.from ?? ALICE, header, says.room ?? HERE, says.nowS ?? NOW_S);
  }

  async answered(header: Bytes, says: BobSays = {}): Promise<Agreed> {
    const responded = await this.answer(header, says);
    if (!responded.ok) assert.fail(responded.fault);
    return responded;
  }

  async assertFault(header: Bytes, fault: RespondFault, says: BobSays = {}): Promise<void> {
    assert.deepEqual(await this.answer(header, says), { ok: false, fault });
  }

  /** Bob derives keys from this header, and Alice's are others: nothing that she seals opens at his side. */
  async assertApart({ header, secrets }: Initiated, says: BobSays = {}): Promise<void> {
    assertApart(secrets, (await this.answered(header, says)).secrets);
  }
}

export function publish(provider: Provider, device: DeviceKeys, oneTimeCount: number, mode = 1): Promise<OwnPreKeys> {
  const context = { roomId: ROOM, peerId: BOB, dtlsFingerprint: BOBS_FINGERPRINT, mode };
  return createPreKeys(provider, device, context, oneTimeCount);
}

export async function fetched(provider: Provider, keys: OwnPreKeys, hasOneTime: boolean): Promise<PeerBundle> {
  const record = hasOneTime ? keys.oneTime[0] : undefined;
  const bundle = await openBundle(provider, { roomId: ROOM, peerId: BOB }, keys.head, record, NOW_S);
  assert.ok(bundle);
  return bundle;
}

/** No key of the one is a key of the other. Who lacks a secret may well have seen the same transcript. */
export function assertApart(ours: SessionSecrets, theirs: SessionSecrets): void {
  const known = keysOf(ours);
  for (const key of keysOf(theirs)) assert.ok(!known.includes(key));
}

function keysOf(secrets: SessionSecrets): readonly string[] {
  const { rootKey, initiatorHeaderKey, responderHeaderKey, exporter } = secrets;
  return [rootKey, initiatorHeaderKey, responderHeaderKey, exporter].map(toHex);
}

/** `bytes` with `part` in place at `at`. */
export function put(bytes: Bytes, at: number, part: Uint8Array): Bytes {
  const changed = bytes.slice();
  changed.set(part, at);
  return changed;
}
