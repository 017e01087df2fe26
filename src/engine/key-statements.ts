/** What peers say about their own devices' keys: that others take their place, or that they are dead. One join's. */
import type { IdentityProvider } from './identity/identity.ts';
import type { AuditLog } from './keys/audit-log.ts';
import { InOrder } from './keys/in-order.ts';
import type { Proofs } from './keys/proofs.ts';
import { equalBytes } from './protocol/bytes.ts';
import type { Bytes } from './protocol/bytes.ts';
import type { PeerId } from './protocol/ids.ts';
import type { AssuranceMessage, RoomEvent } from './room/events.ts';

export type KeyStatementsOptions = {
  readonly proofs: Proofs;
  readonly identity: IdentityProvider;
  readonly audit: AuditLog;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Nothing is sealed for this peer or opened from it any more, also where the room does not know it now. */
  refuse(peerId: PeerId): void;
  onEvent(event: RoomEvent): void;
  onDropped(reason: string): void;
};

export type KeyStatement = Extract<AssuranceMessage, { type: 'e2ee_key_rotation' | 'e2ee_key_revoke' }>;
type Certificate = NonNullable<ReturnType<Proofs['certificateOf']>>;
export type Rotation = NonNullable<Awaited<ReturnType<Proofs['openRotation']>>>;

/**
 * A device has one or two to make in a join. Anybody can sign any number, of keys made up for it: they must not push the
 * real ones out of the record, nor out of what is remembered.
 */
const STATEMENTS_MAX = 8;
/** More than have keys with us at any time: of so many is it counted, also of those that are gone. */
const COUNTED_MAX = 256;

export class KeyStatements {
  readonly #options: KeyStatementsOptions;
  readonly #onRotation: (rotation: Rotation) => void;
  /** The certificates that peers use from their next join on. What is known of their devices has gone over to them. */
  readonly #rotated = new Map<PeerId, Certificate>();
  /** How many each peer has made. */
  readonly #counts = new Map<PeerId, number>();
  readonly #order = new InOrder();
  #taken: Promise<void> = Promise.resolve();

  /** `onRotation`: both devices have signed it. Called also where storage could not take it. */
  constructor(options: KeyStatementsOptions, onRotation: (rotation: Rotation) => void) {
    this.#options = options;
    this.#onRotation = onRotation;
  }

  /** When every statement that has come was acted on. Whoever has sent it may have left right after: that must not count first. */
  get taken(): Promise<void> {
    return this.#taken;
  }

  /** What is pinned, and to whom, goes by the newest keys of the device. */
  certificateOf(peerId: PeerId): Certificate | undefined {
    return this.#rotated.get(peerId) ?? this.#options.proofs.certificateOf(peerId);
  }

  receive(from: PeerId, message: KeyStatement): void {
    const { onDropped } = this.#options;
    const count = (this.#counts.get(from) ?? 0) + 1;
    this.#counts.delete(from);
    this.#counts.set(from, count);
    for (const oldest of this.#counts.keys()) if (this.#counts.size > COUNTED_MAX) this.#counts.delete(oldest);
    if (count > STATEMENTS_MAX) return onDropped('too-many-statements');
    const { type, statement } = message;
    this.#taken = this.#order
      .run(() => (type === 'e2ee_key_rotation' ? this.#takeRotation(from, statement) : this.#takeRevocation(statement)))
      .catch(() => onDropped('bad-statement'));
  }

  /**
   * Everybody who is here. Keys that somebody has rotated to who is gone must not stand for whoever comes under that peer id;
   * how many statements it has made still counts (PN5).
   */
  setPresent(present: { has(peerId: PeerId): boolean }): void {
    for (const peerId of this.#rotated.keys()) if (!present.has(peerId)) this.#rotated.delete(peerId);
  }

  async #takeRotation(from: PeerId, statement: string): Promise<void> {
    const { identity, proofs, audit, now, onDropped } = this.#options;
    const rotation = await proofs.openRotation(from, statement);
    if (!rotation) return onDropped('bad-statement');
    const { from: old, to } = rotation;
    // after it: what is answered while it is under way goes over as well
    const isMoved = await identity.pins.moveTo(old, to).finally(() => this.#onRotation(rotation));
    if (!isMoved) return onDropped('bad-statement');
    this.#rotated.set(from, rotation.certificate);
    audit.add('key-rotated', now(), { device: to, certificate: rotation.certificate.hash });
  }

  /** Whoever brings it: its signature is of the keys that it declares dead. */
  async #takeRevocation(statement: string): Promise<void> {
    const { identity, proofs, audit, now, refuse, onDropped, onEvent } = this.#options;
    const revocation = await proofs.openRevocation(statement);
    if (!revocation) return onDropped('bad-statement');
    const { deviceId } = revocation;
    audit.add('key-revoked', now(), { device: deviceId });
    // refused at once: storage that is slow, or not to be had, must not keep a thief in the room
    for (const peerId of this.#peersOf(deviceId)) {
      // a session outlives the peer's place in the room: who is away just now must not come back by it
      refuse(peerId);
      onEvent({ type: 'peer-refused', peerId, isRevoked: true });
    }
    await identity.pins.markRevoked(deviceId);
  }

  /** Under these keys, or under those that they have taken the place of. */
  #peersOf(deviceId: Bytes): ReadonlySet<PeerId> {
    const rotated = [...this.#rotated].filter(([, certificate]) => equalBytes(certificate.deviceId, deviceId));
    return new Set([...this.#options.proofs.peersOf(deviceId), ...rotated.map(([peerId]) => peerId)]);
  }
}
