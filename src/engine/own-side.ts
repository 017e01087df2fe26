/** Our side of the room's trust: who we are, the join that we are in, and the record of what happened to keys. */
import { tellSeldom } from './doubts.ts';
import { AuditLog } from './keys/audit-log.ts';
import { randomPeerId } from './keys/key-ring.ts';
import { Membership } from './membership.ts';
import type { MembershipOptions } from './membership.ts';
import { OwnKeys } from './own-keys.ts';
import type { OwnKeysOptions } from './own-keys.ts';
import type { DtlsIdentity } from './ports.ts';
import type { Bytes } from './protocol/bytes.ts';
import type { PeerId, RoomId } from './protocol/ids.ts';
import type { PeerMessage } from './protocol/peer.ts';
import { isPresent } from './room/state.ts';
import type { Call } from './room/state.ts';
import type { Comparison, RoomCode, SafetyNumber, ScanResult } from './session-types.ts';

export type OwnSideOptions = OwnKeysOptions &
  Omit<MembershipOptions, 'keys' | 'dtls' | 'identity' | 'audit'> & {
    /** Where the room is now. */
    call(): Call;
    /** Our DTLS certificate for the connections of this join; before any of them opens. */
    onDtls(dtls: DtlsIdentity): void;
  };

export class OwnSide {
  readonly #options: OwnSideOptions;
  readonly #own: OwnKeys;
  readonly #audit = new AuditLog();
  #membership: Membership | undefined;
  #joinedAs: PeerId | undefined;
  /** Of the next join: the first one's keys are made ahead for it. */
  #nextPeerId = randomPeerId();

  constructor(options: OwnSideOptions) {
    this.#options = options;
    this.#own = new OwnKeys(options);
    const firstPeerId = this.#nextPeerId;
    // Begun now, so that it is done long before somebody joins; a failure is told to who joins.
    Promise.all([this.#own.ring(), this.#own.dtls()]).then(
      ([ring, { fingerprint }]) => ring.prepare(firstPeerId, fingerprint),
      () => options.onDropped('keys-failed'),
    );
  }

  /** `undefined` until the room's keys are made. */
  get roomId(): RoomId | undefined {
    return this.#own.roomId;
  }

  get roomCode(): RoomCode | undefined {
    return this.#membership?.roomCode;
  }

  /** What our present join says and hears; `undefined` outside the room. */
  get membership(): Membership | undefined {
    return this.#membership;
  }

  newPeerId(): PeerId {
    const peerId = this.#nextPeerId;
    this.#nextPeerId = randomPeerId();
    return peerId;
  }

  join(peerId: PeerId): void {
    this.#joinedAs = peerId;
    const dtls = this.#own.dtls().then((made) => {
      // of a join that was left in the meantime, it must not become the next one's
      if (this.#joinedAs === peerId) this.#options.onDtls(made);
      return made;
    });
    const { onEvent, call, steadyNow } = this.#options;
    const isListed = (peer: PeerId): boolean => {
      const now = call();
      return isPresent(now) && now.peers.has(peer);
    };
    // only who holds the keys of its handshake has told a certificate
    const isProved = (peer: PeerId): boolean => this.dtlsFingerprint(peer) !== undefined;
    this.#membership = new Membership(peerId, {
      ...this.#options,
      onEvent: tellSeldom({ onEvent, isListed, isProved, steadyNow }),
      keys: this.#own.ring(),
      dtls,
      identity: () => this.#own.identity,
      audit: this.#audit,
    });
  }

  /** Ends the join once what was sent before is out. */
  leave(): void {
    this.#membership?.close();
    this.#membership = undefined;
    this.#joinedAs = undefined;
    this.#own.renewDtls();
  }

  dtlsFingerprint(peerId: PeerId): Bytes | undefined {
    return this.#membership?.dtlsFingerprint(peerId);
  }

  compared(peerId: PeerId, comparison: Comparison): void {
    const done = this.#membership?.compared(peerId, comparison);
    done?.catch(() => this.#options.onDropped('pins-failed'));
  }

  async safetyNumber(peerId: PeerId): Promise<SafetyNumber | undefined> {
    return this.#membership?.safetyNumber(peerId);
  }

  checkScan(peerId: PeerId, text: string): ScanResult {
    return this.#membership?.checkScan(peerId, text) ?? 'unreadable';
  }

  exportAuditLog(): string {
    return this.#audit.export();
  }

  /** New device keys, from the next join on; those who are here are told. */
  async rotate(call: () => Call): Promise<void> {
    const { statement, device } = await this.#own.rotate();
    this.#membership?.requestKeySteps();
    this.#sendAll(call(), { type: 'e2ee_key_rotation', statement });
    this.#audit.add('key-rotated', this.#options.now(), { device });
  }

  /** Our device's keys are dead; those who are here are told, before anything else is said to them. */
  async revoke(call: () => Call): Promise<void> {
    const { statement, device } = await this.#own.revoke();
    this.#audit.add('key-revoked', this.#options.now(), { device });
    this.#sendAll(call(), { type: 'e2ee_key_revoke', statement });
    await this.#membership?.idle();
  }

  #sendAll(call: Call, message: PeerMessage): void {
    if (!isPresent(call)) return;
    for (const { peerId, identity } of call.peers.values()) if (identity) this.#membership?.send(peerId, message);
  }
}
