/** What two sides can show each other by the keys they share: whom they see, who they are, what became of their keys. */
import type { Certificate } from '../crypto/certificate.ts';
import type { Provider } from '../crypto/provider.ts';
import { checkRosterMac, rosterHash, rosterMac } from '../crypto/roster.ts';
import { compareScan, safetyNumber } from '../crypto/safety-number.ts';
import { openRevocation, openRotation } from '../crypto/statement.ts';
import type { Revocation, Rotation } from '../crypto/statement.ts';
import { equalBytes, fromBase64Url, toBase64Url } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import type { PeerId, RoomId } from '../protocol/ids.ts';
import type { RosterMember, RosterReport } from '../protocol/peer.ts';
import type { JoinKeys } from './join-keys.ts';

export type ProofsOptions = {
  readonly provider: Provider;
  readonly roomId: RoomId;
  readonly self: PeerId;
  readonly keys: JoinKeys;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly isRevoked: (deviceId: Bytes) => Promise<boolean>;
};

export class Proofs {
  readonly #options: ProofsOptions;

  constructor(options: ProofsOptions) {
    this.#options = options;
  }

  /** SHA-256 of a roster (RO1), 32 bytes. */
  rosterHash(members: readonly RosterMember[]): Bytes {
    return rosterHash(
      this.#options.roomId,
      // parsed, or our own: always 32 bytes as base64url
      members.map(({ peerId, certificate }) => ({ peerId, certificateHash: fromBase64Url(certificate) as Bytes })),
    );
  }

  /** Our roster for one peer, under the pair's own key (RO2); `undefined` without a session. */
  report(to: PeerId, members: readonly RosterMember[], isAsking: boolean): RosterReport | undefined {
    const pair = this.#options.keys.pair(to);
    const mac = pair && rosterMac(pair.exporter, this.#options.self, to, this.rosterHash(members));
    return mac && { members, mac: toBase64Url(mac), isAsking };
  }

  isReportOf(from: PeerId, { members, mac }: RosterReport): boolean {
    const pair = this.#options.keys.pair(from);
    if (!pair) return false;
    // parsed: always 32 bytes as base64url
    const bytes = fromBase64Url(mac) as Bytes;
    return checkRosterMac(pair.exporter, from, this.#options.self, this.rosterHash(members), bytes);
  }

  /** `undefined` while the peer's keys are not agreed. */
  certificateOf(peer: PeerId): Certificate | undefined {
    return this.#options.keys.pair(peer)?.certificate;
  }

  /** The peers behind which this device is. */
  peersOf(deviceId: Bytes): readonly PeerId[] {
    return this.#options.keys.peers().filter((peer) => {
      const certificate = this.certificateOf(peer);
      return certificate !== undefined && equalBytes(certificate.deviceId, deviceId);
    });
  }

  async safetyNumber(peer: PeerId): Promise<ReturnType<typeof safetyNumber> | undefined> {
    const theirs = this.certificateOf(peer);
    return theirs && safetyNumber(this.#options.keys.certificate, theirs);
  }

  checkScan(peer: PeerId, text: string): ReturnType<typeof compareScan> {
    const theirs = this.certificateOf(peer);
    return theirs ? compareScan(this.#options.keys.certificate, theirs, text) : 'unreadable';
  }

  async openRotation(from: PeerId, statement: string): Promise<Rotation | undefined> {
    const bytes = fromBase64Url(statement);
    const sender = this.certificateOf(from);
    const { provider, now, isRevoked } = this.#options;
    if (!bytes || !sender) return undefined;
    return openRotation(provider, bytes, sender, Math.floor(now() / 1000), isRevoked);
  }

  async openRevocation(statement: string): Promise<Revocation | undefined> {
    const bytes = fromBase64Url(statement);
    const { provider, now } = this.#options;
    return bytes && openRevocation(provider, bytes, Math.floor(now() / 1000));
  }
}
