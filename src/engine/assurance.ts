/**
 * What makes a call more than sealed: who is known from before, whose codes were compared, whether all see the same
 * people. One join's. It says what it finds as events, and keeps the record of it.
 */
import type { IdentityProvider } from './identity/identity.ts';
import type { AuditLog } from './keys/audit-log.ts';
import type { Proofs } from './keys/proofs.ts';
import { RoomCodeRounds } from './keys/room-code-round.ts';
import type { CodeFault, Outgoing } from './keys/room-code-round.ts';
import { fromHex } from './protocol/bytes.ts';
import type { PeerId, RoomId } from './protocol/ids.ts';
import type { PeerMessage } from './protocol/peer.ts';
import type { AssuranceMessage, Effect, RoomEvent } from './room/events.ts';
import { isPresent } from './room/state.ts';
import type { Call, Peer, RosterState } from './room/state.ts';
import type { RoomCode } from './session-types.ts';

export type AssuranceOptions = {
  readonly roomId: RoomId;
  readonly self: PeerId;
  readonly proofs: Proofs;
  readonly identity: IdentityProvider;
  readonly audit: AuditLog;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  send(to: PeerId, message: PeerMessage): void;
  onEvent(event: RoomEvent): void;
  /** The room code has come, changed or gone. */
  onCode(): void;
  onDropped(reason: string): void;
};

const NONCE_BYTES = 32;
/** Of a peer in one join: further ones are looked up, but not pinned. */
const NAMES_MAX = 8;
/**
 * A device has one or two to make in a join. Anybody can sign any number, of keys made up for it: they must not push the
 * real ones out of the record, nor out of what is remembered.
 */
const STATEMENTS_MAX = 8;
/** So many rounds of a join may end when only the nonces of others are missing; then those who held theirs back are told. */
const UNFINISHED_MAX = 5;
/** Hexadecimal digits of a device id, and where the name comes after them and a space. */
const DEVICE_ID_CHARS = 64;
const LOOKED_NAME_AT = DEVICE_ID_CHARS + 1;

type Certificate = NonNullable<ReturnType<Proofs['certificateOf']>>;
type KeyStatement = Extract<AssuranceMessage, { type: 'e2ee_key_rotation' | 'e2ee_key_revoke' }>;

export class Assurance {
  readonly #options: AssuranceOptions;
  readonly #rounds: RoomCodeRounds;
  /** Under which name and keys each peer was looked up last. */
  readonly #looked = new Map<PeerId, string>();
  /** The certificates that peers use from their next join on. What is known of their devices has gone over to them. */
  readonly #rotated = new Map<PeerId, Certificate>();
  /** How many statements about keys each peer has made. */
  readonly #statements = new Map<PeerId, number>();
  /** How many names each peer has had. */
  readonly #names = new Map<PeerId, number>();
  #epoch = 0;
  #verdict: RosterState['verdict'] = 'settling';
  #code: RoomCode | undefined;
  /** Once a join. */
  #hasDoubted = false;

  constructor(options: AssuranceOptions) {
    this.#options = options;
    this.#rounds = new RoomCodeRounds(options.self, () =>
      globalThis.crypto.getRandomValues(new Uint8Array(NONCE_BYTES)),
    );
  }

  get roomCode(): RoomCode | undefined {
    return this.#code;
  }

  /** RO2, RC1: tells whom we see, and begins a new code where that has changed. */
  announce({ seq, members, to, isAsking, isChange }: Extract<Effect, { type: 'announce-roster' }>): void {
    const { proofs, now, send } = this.#options;
    for (const peerId of to) {
      const report = proofs.report(peerId, members, isAsking);
      if (report) send(peerId, { type: 'roster', seq, ...report });
    }
    if (isChange) {
      const peerIds = members.map(({ peerId }) => peerId);
      this.#tellAll(this.#rounds.setRoster(proofs.rosterHash(members), peerIds, now()));
    }
    // what was lost on the way is asked for at every beat
    if (isAsking) this.#tellAll(this.#rounds.ask(now()));
    this.#showCode();
  }

  receive(from: PeerId, message: AssuranceMessage): void {
    switch (message.type) {
      case 'code-commit':
      case 'code-reveal': {
        const { out, fault } = this.#rounds.receive(from, message, this.#options.now());
        if (fault) this.#cheated(from, fault.reason);
        this.#tellAll(out);
        this.#showCode();
        return;
      }
      case 'e2ee_key_rotation':
      case 'e2ee_key_revoke':
        void this.#stated(from, message).catch(() => this.#options.onDropped('bad-statement'));
    }
  }

  /** After every change of the state: looks up who has a new name or new keys, and records what has changed. */
  settled(call: Call): void {
    if (!isPresent(call)) return;
    for (const peer of call.peers.values()) this.#look(peer);
    for (const [peerId, looked] of this.#looked) {
      if (call.peers.has(peerId)) continue;
      this.#looked.delete(peerId);
      this.#rotated.delete(peerId);
      this.#statements.delete(peerId);
      this.#options.audit.add('peer-left', this.#options.now(), { device: hexBytes(looked.slice(0, DEVICE_ID_CHARS)) });
    }
    const { epoch, verdict } = call.roster;
    const { audit, now } = this.#options;
    if (epoch !== this.#epoch) audit.add('roster-changed', now(), { epoch });
    // All see the same, and yet there is no code: something of it was lost on the way.
    if (verdict === 'consistent' && this.#verdict !== 'consistent' && !this.#code)
      this.#tellAll(this.#rounds.ask(now()));
    if (verdict === 'mismatch' && this.#verdict !== 'mismatch') audit.add('roster-mismatch', now(), { epoch });
    this.#epoch = epoch;
    this.#verdict = verdict;
  }

  /** Somebody here has compared codes with this peer's device, or takes that back. */
  async setVerified(peerId: PeerId, isVerified: boolean): Promise<void> {
    const { identity, audit, now, roomId } = this.#options;
    const certificate = this.#certificateOf(peerId);
    if (!certificate) return;
    const device = certificate.deviceId;
    // the name that was on the screen, not one that comes meanwhile
    const name = this.#looked.get(peerId)?.slice(LOOKED_NAME_AT) ?? '';
    await identity.pins.setVerified(device, isVerified);
    // a name that was another device's is this one's from now on
    if (isVerified) await identity.pins.pin(roomId, name, certificate);
    // A guest is pinned to nothing: that it was compared counts for this visit.
    const standing = isVerified ? 'verified' : await identity.pins.look(roomId, name, certificate);
    audit.add(isVerified ? 'peer-verified' : 'peer-unverified', now(), { device, certificate: certificate.hash });
    this.#options.onEvent({ type: 'peer-identified', peerId, standing });
  }

  #look({ peerId, identity, presence }: Peer): void {
    if (!identity || !presence) return;
    const key = `${identity.deviceId} ${presence.name}`;
    const before = this.#looked.get(peerId);
    if (before === key) return;
    this.#looked.set(peerId, key);
    const certificate = this.#certificateOf(peerId);
    if (!certificate) return;
    const { pins } = this.#options.identity;
    const { audit, now, roomId } = this.#options;
    const details = { device: certificate.deviceId, certificate: certificate.hash };
    if (before === undefined) audit.add('peer-agreed', now(), details);
    const names = (this.#names.get(peerId) ?? 0) + 1;
    this.#names.set(peerId, names);
    // who changes names all the time must not push out whom we know
    const found =
      names > NAMES_MAX ? pins.look(roomId, presence.name, certificate) : pins.pin(roomId, presence.name, certificate);
    void found
      .then((standing) => {
        // it has another name by now
        if (this.#looked.get(peerId) !== key) return;
        if (standing === 'changed') audit.add('identity-changed', now(), details);
        this.#options.onEvent({ type: 'peer-identified', peerId, standing });
      })
      .catch(() => this.#options.onDropped('pins-failed'));
  }

  /** What is pinned, and to whom, goes by the newest keys of the device. */
  #certificateOf(peerId: PeerId): Certificate | undefined {
    return this.#rotated.get(peerId) ?? this.#options.proofs.certificateOf(peerId);
  }

  async #stated(from: PeerId, { type, statement }: KeyStatement): Promise<void> {
    const count = (this.#statements.get(from) ?? 0) + 1;
    this.#statements.set(from, count);
    if (count > STATEMENTS_MAX) return this.#options.onDropped('too-many-statements');
    return type === 'e2ee_key_rotation' ? this.#takeRotation(from, statement) : this.#takeRevocation(statement);
  }

  async #takeRotation(from: PeerId, statement: string): Promise<void> {
    const { identity, proofs, audit, now, onDropped } = this.#options;
    const rotation = await proofs.openRotation(from, statement);
    if (!rotation || !(await identity.pins.moveTo(rotation.from, rotation.to))) return onDropped('bad-statement');
    this.#rotated.set(from, rotation.certificate);
    audit.add('key-rotated', now(), { device: rotation.to, certificate: rotation.certificate.hash });
  }

  /** Whoever brings it: its signature is of the keys that it declares dead. */
  async #takeRevocation(statement: string): Promise<void> {
    const { identity, proofs, audit, now, onDropped, onEvent } = this.#options;
    const revocation = await proofs.openRevocation(statement);
    if (!revocation) return onDropped('bad-statement');
    await identity.pins.markRevoked(revocation.deviceId);
    audit.add('key-revoked', now(), { device: revocation.deviceId });
    for (const peerId of proofs.peersOf(revocation.deviceId)) onEvent({ type: 'peer-refused', peerId });
  }

  #cheated(peerId: PeerId, reason: CodeFault): void {
    this.#options.onDropped(reason);
    // News that crossed ours, or that one of us has forgotten, is no fault; a reveal that was never committed to is.
    if (reason === 'wrong-reveal') this.#options.onEvent({ type: 'peer-doubted', peerId, reason });
  }

  #tellAll(out: readonly Outgoing[]): void {
    for (const { to, message } of out) this.#options.send(to, message);
  }

  #showCode(): void {
    const { code, unfinished, withholding } = this.#rounds;
    // Nonces get lost, and people leave in between, but not so often: somebody looks at the code before it decides.
    if (unfinished >= UNFINISHED_MAX && !this.#hasDoubted) {
      this.#hasDoubted = withholding.length > 0;
      const reason = 'withheld-nonce';
      for (const peerId of withholding) this.#options.onEvent({ type: 'peer-doubted', peerId, reason });
    }
    if (code === this.#code) return;
    this.#code = code;
    this.#options.onCode();
  }
}

/** Made from bytes by us. */
function hexBytes(hex: string): NonNullable<ReturnType<typeof fromHex>> {
  return fromHex(hex) as NonNullable<ReturnType<typeof fromHex>>;
}
