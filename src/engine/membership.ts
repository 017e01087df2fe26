/** Our membership of the room for one join: its signalling and keys, and what makes both trustworthy. */
import { Assurance } from './assurance.ts';
import type { AssuranceOptions } from './assurance.ts';
import type { IdentityProvider } from './identity/identity.ts';
import type { JoinKeys } from './keys/join-keys.ts';
import { Proofs } from './keys/proofs.ts';
import { SenderKeys } from './keys/sender-keys.ts';
import type { SenderKeyHolder } from './keys/sender-keys.ts';
import type { Bytes } from './protocol/bytes.ts';
import type { PeerId } from './protocol/ids.ts';
import type { PeerMessage, RoomMessage, ToldMessage } from './protocol/peer.ts';
import type { Effect } from './room/events.ts';
import { isPresent } from './room/state.ts';
import type { Call } from './room/state.ts';
import { Signalling } from './signalling.ts';
import type { SignallingOptions } from './signalling.ts';
import type { Comparison, RoomCode, SafetyNumber, ScanResult } from './session-types.ts';

export type MembershipOptions = Omit<SignallingOptions, 'onKeys' | 'isGenuine' | 'takeKeys' | 'taken'> &
  Pick<AssuranceOptions, 'audit' | 'now' | 'onCode'> & {
    /** Where the keys of frames go. */
    readonly frames: SenderKeyHolder;
    /** There as soon as the keys are. */
    identity(): IdentityProvider | undefined;
  };

type Ring = Parameters<SignallingOptions['onKeys']>[1];

const SENDER_KEY_BYTES = 32;

/** What there is once the keys of this join are made. */
type Ready = { readonly keys: JoinKeys; readonly proofs: Proofs; readonly assurance: Assurance };

export class Membership {
  readonly #self: PeerId;
  readonly #options: MembershipOptions;
  readonly #signalling: Signalling;
  readonly #senderKeys: SenderKeys;
  #ready: Ready | undefined;

  constructor(self: PeerId, options: MembershipOptions) {
    this.#self = self;
    this.#options = options;
    this.#senderKeys = new SenderKeys({
      holder: options.frames,
      randomKey: () => globalThis.crypto.getRandomValues(new Uint8Array(SENDER_KEY_BYTES)),
      now: () => performance.now(),
      send: (to, message) => this.#signalling.send(to, message),
      onDropped: (reason) => options.onDropped(reason),
    });
    this.#signalling = new Signalling(self, {
      ...options,
      onKeys: (keys, ring) => this.#begin(keys, ring),
      isGenuine: (from, message) =>
        message.type !== 'roster' || (this.#ready?.proofs.isReportOf(from, message) ?? false),
      takeKeys: (from, message) => this.#takeKeys(from, message),
      taken: () => this.#ready?.assurance.taken,
    });
  }

  get roomCode(): RoomCode | undefined {
    return this.#ready?.assurance.roomCode;
  }

  send(to: PeerId, message: PeerMessage): void {
    const dressed = this.#senderKeys.dress(to, message);
    if (dressed) this.#signalling.send(to, dressed);
    else this.#options.onDropped('stale-link');
  }

  /** A connection to this peer opens: its frames get keys of their own. */
  openLink(peerId: PeerId, link: number): string | undefined {
    return this.#senderKeys.open(peerId, link);
  }

  closeLink(peerId: PeerId, link: number): void {
    this.#senderKeys.close(peerId, link);
  }

  /** Frames of this peer come on this link, and none opens. */
  askForKey(peerId: PeerId, link: number): void {
    this.#senderKeys.ask(peerId, link);
  }

  rotateSenderKeys(epoch: number): void {
    this.#senderKeys.rotate(epoch);
    this.#options.audit.add('sender-keys-rotated', this.#options.now(), { epoch });
  }

  /** PM13. */
  repeatMessages(): void {
    this.#signalling.repeat();
  }

  switchSenderKeys(age_ms: number): void {
    this.#senderKeys.switchOverdue(age_ms);
  }

  receiveDirect(from: PeerId, payload: Bytes): void {
    this.#signalling.receiveDirect(from, payload);
  }

  /** What the peer's handshake has named: SHA-256 of its DTLS certificate (HS8). */
  dtlsFingerprint(peerId: PeerId): Bytes | undefined {
    return this.#ready?.keys.dtlsFingerprint(peerId);
  }

  announce(effect: Extract<Effect, { type: 'announce-roster' }>): void {
    // every change of the roster, and every beat, brings fresh keys (HS10)
    this.requestKeySteps();
    this.#ready?.assurance.announce(effect);
  }

  assure({ from, message }: Extract<Effect, { type: 'assure' }>): void {
    this.#ready?.assurance.receive(from, message);
  }

  knock(name: string): void {
    this.#signalling.door?.knock(name).catch(() => this.#options.onDropped('host-failed'));
  }

  actAsHost(effect: Extract<Effect, { type: 'act-as-host' }>): void {
    this.#signalling.door?.act(effect);
  }

  meetAgain(peerId: PeerId): void {
    this.#signalling.meetAgain(peerId);
  }

  refuse(peerId: PeerId): void {
    this.#ready?.keys.refuse(peerId);
    const certificate = this.#ready?.proofs.certificateOf(peerId);
    const details = certificate && { device: certificate.deviceId, certificate: certificate.hash };
    this.#options.audit.add('wrong-key', this.#options.now(), details);
  }

  /** Fresh keys for everybody as soon as they answer (HS10). */
  requestKeySteps(): void {
    this.#ready?.keys.requestKemSteps();
  }

  settled(call: Call): void {
    if (isPresent(call)) {
      const peers = new Set(call.peers.keys());
      this.#ready?.keys.setPresent(peers);
      this.#senderKeys.keepOnly(peers);
      this.#signalling.keepOnly(peers);
    }
    this.#ready?.assurance.settled(call);
  }

  async compared(peerId: PeerId, comparison: Comparison): Promise<void> {
    await this.#ready?.assurance.compared(peerId, comparison);
  }

  async safetyNumber(peerId: PeerId): Promise<SafetyNumber | undefined> {
    return this.#ready?.proofs.safetyNumber(peerId);
  }

  checkScan(peerId: PeerId, text: string): ScanResult {
    return this.#ready?.proofs.checkScan(peerId, text) ?? 'unreadable';
  }

  /** When what was said so far is out. */
  idle(): Promise<unknown> {
    return this.#signalling.idle();
  }

  /** Leaves the room once what was sent before is out. */
  close(): void {
    this.#senderKeys.keepOnly(new Set());
    this.#signalling.close();
    this.#options.audit.add('session-ended', this.#options.now());
  }

  #takeKeys(from: PeerId, message: ToldMessage): RoomMessage | undefined {
    if (message.type === 'e2ee_sender_key' || message.type === 'e2ee_sender_key_ack') {
      this.#senderKeys.receive(from, message);
      return undefined;
    }
    if (message.type === 'kick') {
      this.#signalling.door?.takeKick(message.statement).catch(() => this.#options.onDropped('host-failed'));
      return undefined;
    }
    return this.#senderKeys.undress(from, message);
  }

  #begin(keys: JoinKeys, ring: Ring): void {
    const { provider, roomId } = ring;
    const { audit, now, onEvent, onDropped, onCode } = this.#options;
    // the ring was made with it
    const identity = this.#options.identity() as IdentityProvider;
    const isRevoked = (deviceId: Bytes): Promise<boolean> => identity.pins.isRevoked(deviceId);
    // statements have times as certificates have: a wrong clock of ours must not have us miss that keys are dead
    const proofs = new Proofs({ provider, roomId, self: this.#self, keys, now: () => ring.now(), isRevoked });
    const send = (to: PeerId, message: PeerMessage): void => this.send(to, message);
    const refuse = (peerId: PeerId): void => keys.refuse(peerId);
    const shared = { roomId, self: this.#self, identity, audit, now, send, refuse, onEvent, onDropped, onCode };
    const { deviceId, hash } = keys.certificate;
    // ours as well: so that two people's records can be laid side by side
    audit.add('session-started', now(), { device: deviceId, certificate: hash });
    this.#ready = { keys, proofs, assurance: new Assurance({ ...shared, proofs }) };
  }
}
