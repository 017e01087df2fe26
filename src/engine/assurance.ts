/**
 * What makes a call more than sealed: who is known from before, whose codes were compared, whether all see the same
 * people. One join's. It says what it finds as events, and keeps the record of it.
 */
import type { PinStatus } from './identity/pins.ts';
import { KeyStatements } from './key-statements.ts';
import type { KeyStatementsOptions, Rotation } from './key-statements.ts';
import { InOrder } from './keys/in-order.ts';
import { RoomCodeRounds } from './keys/room-code-round.ts';
import type { CodeFault, Outgoing } from './keys/room-code-round.ts';
import { fromHex, toHex } from './protocol/bytes.ts';
import type { PeerId, RoomId } from './protocol/ids.ts';
import type { PeerMessage } from './protocol/peer.ts';
import type { AssuranceMessage, Effect } from './room/events.ts';
import { isPresent } from './room/state.ts';
import type { Call, Peer, RosterState } from './room/state.ts';
import type { Comparison, RoomCode } from './session-types.ts';

export type AssuranceOptions = KeyStatementsOptions & {
  readonly roomId: RoomId;
  readonly self: PeerId;
  send(to: PeerId, message: PeerMessage): void;
  /** The room code has come, changed or gone. */
  onCode(): void;
};

const NONCE_BYTES = 32;
/** Of a peer in one join: further ones are looked up, but not pinned. */
const NAMES_MAX = 8;
/** So many rounds of a join may end when only the nonces of others are missing; then those who held theirs back are told. */
const UNFINISHED_MAX = 5;
/** Hexadecimal digits of a device id, and where the name comes after them and a space. */
const DEVICE_ID_CHARS = 64;
const LOOKED_NAME_AT = DEVICE_ID_CHARS + 1;

type Certificate = NonNullable<ReturnType<KeyStatements['certificateOf']>>;

export class Assurance {
  readonly #options: AssuranceOptions;
  readonly #rounds: RoomCodeRounds;
  /** Under which name and keys each peer was looked up last. */
  readonly #looked = new Map<PeerId, string>();
  readonly #statements: KeyStatements;
  /** The number of the last answer about each peer's codes: only that one counts. */
  readonly #answers = new Map<PeerId, number>();
  /** Only grows: a peer that comes back begins with no number that an answer of before still has. */
  #answered = 0;
  readonly #writes = new InOrder();
  /** Devices whose codes were different: they are so as well under the next peer id. Hexadecimal. */
  readonly #differing = new Set<string>();
  /** How many names each peer has had. */
  readonly #names = new Map<PeerId, number>();
  #epoch = 0;
  #verdict: RosterState['verdict'] = 'settling';
  #code: RoomCode | undefined;
  /** Once a join. */
  #hasDoubted = false;

  constructor(options: AssuranceOptions) {
    this.#options = options;
    this.#statements = new KeyStatements(options, (rotation) => this.#rotated(rotation));
    this.#rounds = new RoomCodeRounds(options.self, () =>
      globalThis.crypto.getRandomValues(new Uint8Array(NONCE_BYTES)),
    );
  }

  get roomCode(): RoomCode | undefined {
    return this.#code;
  }

  /** When what was said about keys so far was acted on. */
  get taken(): Promise<void> {
    return this.#statements.taken;
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
        this.#statements.receive(from, message);
    }
  }

  /** After every change of the state: looks up who has a new name or new keys, and records what has changed. */
  settled(call: Call): void {
    if (!isPresent(call)) return;
    // those as well who were never looked up, having told no name
    this.#statements.setPresent(call.peers);
    for (const peer of call.peers.values()) {
      this.#warn(peer);
      this.#look(peer);
    }
    for (const [peerId, looked] of this.#looked) {
      if (call.peers.has(peerId)) continue;
      this.#looked.delete(peerId);
      this.#answers.delete(peerId);
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

  /** Somebody here has compared codes with this peer's device, or takes back what was said of them. */
  async compared(peerId: PeerId, comparison: Comparison): Promise<void> {
    const { identity, audit, now, refuse, onEvent } = this.#options;
    const certificate = this.#statements.certificateOf(peerId);
    if (!certificate) return;
    const { deviceId: device, hash } = certificate;
    const details = { device, certificate: hash };
    const answer = ++this.#answered;
    this.#answers.set(peerId, answer);
    if (comparison === 'differ') {
      for (const each of this.#devicesOf(peerId)) this.#differing.add(each);
      audit.add('codes-differ', now(), details);
      // shown first: a warning does not wait for storage
      onEvent({ type: 'peer-compared', peerId, isSame: false });
      return this.#writes.run(() => identity.pins.setVerified(device, false));
    }
    // the name that was on the screen, not one that comes meanwhile
    const name = this.#looked.get(peerId)?.slice(LOOKED_NAME_AT) ?? '';
    const standing = await this.#writes.run(() => this.#mark(certificate, name, comparison === 'match'));
    if (standing === 'revoked') {
      refuse(peerId);
      return onEvent({ type: 'peer-refused', peerId, isRevoked: true });
    }
    if (this.#answers.get(peerId) !== answer) return;
    audit.add(comparison === 'match' ? 'peer-verified' : 'peer-unverified', now(), details);
    if (comparison === 'withdrawn') return onEvent({ type: 'peer-identified', peerId, standing });
    for (const each of this.#devicesOf(peerId)) this.#differing.delete(each);
    // A guest is pinned to nothing: that it was compared counts for this visit.
    onEvent({ type: 'peer-compared', peerId, isSame: true });
  }

  /** How the device stands then. That its keys are dead may have been heard since its session began, here or in another tab. */
  async #mark(certificate: Certificate, name: string, isVerified: boolean): Promise<PinStatus | 'revoked'> {
    const { identity, roomId } = this.#options;
    const { pins } = identity;
    await pins.setVerified(certificate.deviceId, isVerified);
    if (!isVerified) return pins.look(roomId, name, certificate);
    // a name that was another device's is this one's from now on
    const standing = await pins.pin(roomId, name, certificate);
    return (await pins.isRevoked(certificate.deviceId)) ? 'revoked' : standing;
  }

  /** The keys of its session, and those that it has rotated to. Hexadecimal. */
  #devicesOf(peerId: PeerId): readonly string[] {
    const certificates = [this.#options.proofs.certificateOf(peerId), this.#statements.certificateOf(peerId)];
    return certificates.flatMap((certificate) => (certificate ? [toHex(certificate.deviceId)] : []));
  }

  /** New keys of a device whose codes were different are no better. */
  #rotated({ from, to }: Rotation): void {
    if (!this.#differing.has(toHex(from))) return;
    this.#differing.add(toHex(to));
    const { identity, onDropped } = this.#options;
    // the mark may have gone over before the answer took it away
    this.#writes.run(() => identity.pins.setVerified(to, false)).catch(() => onDropped('pins-failed'));
  }

  /** Before it is looked up: a warning waits for neither a name nor storage. */
  #warn({ peerId, identity, isRefused }: Peer): void {
    if (!identity || isRefused || identity.standing === 'differs' || !this.#differing.has(identity.deviceId)) return;
    this.#options.onEvent({ type: 'peer-compared', peerId, isSame: false });
  }

  #look({ peerId, identity, presence }: Peer): void {
    if (!identity || !presence) return;
    const key = `${identity.deviceId} ${presence.name}`;
    const before = this.#looked.get(peerId);
    if (before === key) return;
    this.#looked.set(peerId, key);
    const certificate = this.#statements.certificateOf(peerId);
    if (!certificate) return;
    const { pins } = this.#options.identity;
    const { audit, now, roomId } = this.#options;
    const details = { device: certificate.deviceId, certificate: certificate.hash };
    if (before === undefined) audit.add('peer-agreed', now(), details);
    const answer = this.#answers.get(peerId);
    const names = (this.#names.get(peerId) ?? 0) + 1;
    this.#names.set(peerId, names);
    // who changes names all the time must not push out whom we know
    const found =
      names > NAMES_MAX ? pins.look(roomId, presence.name, certificate) : pins.pin(roomId, presence.name, certificate);
    void found
      .then((standing) => {
        // it has another name by now, or somebody has answered for it
        if (this.#looked.get(peerId) !== key || this.#answers.get(peerId) !== answer) return;
        if (standing === 'changed') audit.add('identity-changed', now(), details);
        this.#options.onEvent({ type: 'peer-identified', peerId, standing });
      })
      .catch(() => this.#options.onDropped('pins-failed'));
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
