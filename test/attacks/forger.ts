/**
 * Somebody with the link who works at the relay as well: he can open and seal what is sealed under the room's keys, and write
 * bundles and headers of his own, each field at will. What he does not have are the private keys of the others' devices.
 */
import assert from 'node:assert/strict';
import type { DeviceKeys } from '../../src/engine/crypto/certificate.ts';
import type { KemKey, Provider } from '../../src/engine/crypto/provider.ts';
import type { RoomKeys } from '../../src/engine/crypto/room-keys.ts';
import {
  formatHandshake,
  openHandshake,
  openSealedBundle,
  parsePayload,
  sealBundle,
} from '../../src/engine/keys/wire.ts';
import type { OpenedBundle } from '../../src/engine/keys/wire.ts';
import type { HandedBundle } from '../../src/engine/protocol/bundle.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { recordOf, signedCertificate, signedHead } from '../crypto/handshake-fixtures.ts';

export type BundleLies = {
  /** X25519 keys: of the certificate, the last-resort record, the one-time record. */
  readonly certificateKey?: Bytes;
  readonly lastResortKey?: Bytes;
  readonly oneTimeKey?: Bytes;
  /** ML-KEM keys. */
  readonly lastResortKem?: Bytes;
  readonly oneTimeKem?: Bytes;
  readonly mode?: number;
  readonly suites?: readonly number[];
  readonly certificate?: Bytes;
};

export class Forger {
  readonly #provider: Provider;
  readonly #room: RoomKeys;

  constructor(provider: Provider, room: RoomKeys) {
    this.#provider = provider;
    this.#room = room;
  }

  /** A first message with another header: `change` is given the one that is there. */
  async withHeader(from: PeerId, to: PeerId, payload: Bytes, change: (header: Bytes) => Bytes): Promise<Bytes> {
    const { header, message } = await this.opened(from, to, payload);
    return formatHandshake(this.#room, from, to, change(header), message);
  }

  async opened(from: PeerId, to: PeerId, payload: Bytes): Promise<{ readonly header: Bytes; readonly message: Bytes }> {
    const parsed = parsePayload(payload);
    assert.ok(parsed?.kind === 1, 'no first message');
    const header = await openHandshake(this.#room, from, to, parsed.sealedHeader);
    assert.ok(header);
    return { header, message: parsed.message };
  }

  /** The parts of a bundle. */
  async open(owner: PeerId, handed: HandedBundle): Promise<OpenedBundle> {
    const opened = await openSealedBundle(this.#room, owner, handed);
    assert.ok(opened);
    return opened;
  }

  async seal(owner: PeerId, { head, oneTime }: OpenedBundle): Promise<HandedBundle> {
    const { head: sealed, one_time } = await sealBundle(this.#room, owner, head, oneTime ? [oneTime] : []);
    return { head: sealed, ...(one_time[0] !== undefined && { one_time: one_time[0] }) };
  }

  /** A bundle that says it is of this peer, under a device of his own: every signature holds, whatever it is about. */
  async bundle(owner: PeerId, { signer, dh, certificate }: DeviceKeys, lies: BundleLies = {}): Promise<HandedBundle> {
    const where = { roomId: this.#room.roomId, peerId: owner };
    const [lastDh, oneDh] = await Promise.all([this.#provider.generateDh(), this.#provider.generateDh()]);
    const [lastKem, oneKem]: KemKey[] = await Promise.all([this.#provider.generateKem(), this.#provider.generateKem()]);
    assert.ok(lastKem && oneKem);
    const held =
      lies.certificate ??
      (lies.certificateKey || certificate.dhKey !== dh.publicKey
        ? await signedCertificate(signer, lies.certificateKey ?? dh.publicKey, {
            notBeforeS: certificate.notBeforeS,
            expiryS: certificate.expiryS,
          })
        : certificate.bytes);
    const lastResort = recordOf({
      type: 2,
      id: 1,
      dh: lies.lastResortKey ?? lastDh.publicKey,
      kem: lies.lastResortKem ?? lastKem.publicKey,
    });
    const oneTime = recordOf({
      type: 1,
      id: 2,
      dh: lies.oneTimeKey ?? oneDh.publicKey,
      kem: lies.oneTimeKem ?? oneKem.publicKey,
    });
    const { mode = 1, suites = [1] } = lies;
    const head = await signedHead(signer, where, held, lastResort, [oneTime], { mode, suites });
    return this.seal(owner, { head, oneTime });
  }
}
