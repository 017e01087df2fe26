/**
 * An insider: somebody with the link whose page does what a test wants. It has the engine's own keys, roster and codes, so that
 * it can go along with everything; it chooses its own peer id and device, and says whatever it likes to whomever it likes.
 */
import assert from 'node:assert/strict';
import { AuditLog } from '../../src/engine/keys/audit-log.ts';
import type { DeviceKeys } from '../../src/engine/crypto/certificate.ts';
import { createGuestIdentity } from '../../src/engine/identity/guest.ts';
import type { IdentityProvider } from '../../src/engine/identity/identity.ts';
import type { JoinKeys } from '../../src/engine/keys/join-keys.ts';
import { KeyRing, randomPeerId } from '../../src/engine/keys/key-ring.ts';
import { Proofs } from '../../src/engine/keys/proofs.ts';
import { Membership } from '../../src/engine/membership.ts';
import type { RelayPort } from '../../src/engine/ports.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { PeerMessage } from '../../src/engine/protocol/peer.ts';
import type { Effect, TimerId } from '../../src/engine/room/events.ts';
import { isPresent } from '../../src/engine/room/state.ts';
import type { Call } from '../../src/engine/room/state.ts';
import { Store } from '../../src/engine/room/store.ts';
import { MemoryClock } from '../session/memory-clock.ts';
import { NO_FRAMES } from '../session/memory-frames.ts';
import { MemoryLink } from '../session/memory-link.ts';
import type { MemoryRelay } from '../session/memory-relay.ts';
import { connectMemoryRelay } from '../session/memory-world.ts';
import { roomOf, until } from '../session/page.ts';

export type PuppetOptions = {
  readonly id?: PeerId;
  /** Its own, or stolen. */
  readonly device?: DeviceKeys;
  readonly secretByte?: number;
  /** The DTLS certificate that its handshakes name. */
  readonly dtlsFingerprint?: Bytes;
  /** What it says in the place of what an honest page would; `undefined` = nothing. */
  readonly lie?: (to: PeerId, message: PeerMessage) => PeerMessage | undefined;
  /** Waited for before each of its signature checks of this text is done. */
  readonly beforeVerify?: (signed: Bytes) => Promise<void>;
};

export class Puppet {
  readonly name: string;
  readonly id: PeerId;
  readonly clock: MemoryClock;
  readonly dropped: string[] = [];
  readonly identity: IdentityProvider = createGuestIdentity();
  /** Called after everything that it has said by itself. */
  onSaid: ((to: PeerId, message: PeerMessage) => void) | undefined;
  readonly #relay: MemoryRelay;
  readonly #options: PuppetOptions;
  readonly #store: Store;
  readonly #links = new Map<PeerId, MemoryLink>();
  #membership: Membership | undefined;
  #ring: KeyRing | undefined;
  #keys: JoinKeys | undefined;
  #port: RelayPort | undefined;

  constructor(relay: MemoryRelay, name: string, options: PuppetOptions = {}) {
    this.name = name;
    this.id = options.id ?? randomPeerId();
    this.#relay = relay;
    this.#options = options;
    this.clock = new MemoryClock((id) => this.#store.dispatch({ type: 'timer', id: id as TimerId }));
    this.#store = new Store(
      (effect) => this.#execute(effect),
      () => this.#membership?.settled(this.call),
    );
    this.#store.dispatch({ type: 'set-name', name });
  }

  get call(): Call {
    return this.#store.state.call;
  }

  /** Those with whom it has keys. */
  get peers(): readonly PeerId[] {
    const { call } = this;
    return isPresent(call) ? [...call.peers.values()].flatMap((peer) => (peer.identity ? [peer.peerId] : [])) : [];
  }

  get code(): string | undefined {
    return this.#membership?.roomCode?.digits;
  }

  get keysIfAny(): JoinKeys | undefined {
    return this.#keys;
  }

  get keys(): JoinKeys {
    assert.ok(this.#keys);
    return this.#keys;
  }

  /** What it could show to others about itself, and would have to. */
  get proofs(): Proofs {
    assert.ok(this.#ring);
    const { provider, roomId } = this.#ring;
    const isRevoked = async (): Promise<boolean> => false;
    return new Proofs({ provider, roomId, self: this.id, keys: this.keys, now: Date.now, isRevoked });
  }

  async join(): Promise<void> {
    this.#store.dispatch({ type: 'join', peerId: this.id });
    await until(`${this.name} is in`, () => this.call.phase === 'joined');
  }

  rename(name: string): void {
    this.#store.dispatch({ type: 'set-name', name });
  }

  leave(): void {
    this.#store.dispatch({ type: 'leave' });
  }

  /** Sealed for this peer, as all of its messages are. */
  say(to: PeerId, message: PeerMessage): void {
    assert.ok(this.#membership);
    this.#send(this.#membership, to, message);
  }

  /** A text that is no message at all, sealed as if it were. */
  async sayText(to: PeerId, text: string): Promise<void> {
    const fault = await this.keys.send(to, text, (payload) =>
      this.sendRaw(to, Buffer.from(payload).toString('base64url')),
    );
    assert.equal(fault, undefined);
  }

  /** Whatever bytes, by its own place at the relay. */
  sendRaw(to: PeerId, payload: string): boolean {
    assert.ok(this.#port);
    return this.#port.send(to, payload);
  }

  readonly #send = (membership: Membership, to: PeerId, message: PeerMessage): void =>
    Membership.prototype.send.call(membership, to, message);

  #enter(peerId: PeerId): Membership {
    const { device, secretByte, lie = (_: PeerId, message: PeerMessage) => message } = this.#options;
    const { identity } = this;
    const fingerprint = this.#options.dtlsFingerprint ?? globalThis.crypto.getRandomValues(new Uint8Array(32));
    const open: IdentityProvider['open'] = (provider, nowS) =>
      device ? Promise.resolve(device) : identity.open(provider, nowS);
    const keys = KeyRing.create(roomOf(secretByte), { open, isRevoked: async () => false }).then((ring) => {
      this.#ring = ring;
      const { beforeVerify } = this.#options;
      const { provider } = ring;
      const verify: typeof provider.verify = async (key, signed, signature) => {
        await beforeVerify?.(signed);
        return provider.verify(key, signed, signature);
      };
      if (beforeVerify) Object.defineProperty(ring, 'provider', { value: { ...provider, verify } });
      const join = ring.join.bind(ring);
      ring.join = async (...args) => (this.#keys = await join(...args));
      return ring;
    });
    const membership = new Membership(peerId, {
      url: 'wss://relay.test',
      keys,
      dtls: Promise.resolve({ certificate: {} as RTCCertificate, fingerprint }),
      connectRelay: (socket) => (this.#port = connectMemoryRelay(this.#relay, socket)),
      identity: () => identity,
      audit: new AuditLog(),
      now: Date.now,
      steadyNow: () => performance.now(),
      ready: async () => {},
      frames: NO_FRAMES,
      isOpen: () => true,
      sendDirect: (to, payload) => this.#links.get(to)?.send(payload) ?? false,
      onEvent: (event) => this.#store.dispatch(event),
      onCode: () => {},
      onConnecting: () => {},
      onIceServers: () => {},
      onDropped: (reason) => void this.dropped.push(reason),
    });
    // also what the engine says by itself is this page's to change
    membership.send = (to, message) => {
      const said = lie(to, message);
      if (said) this.#send(membership, to, said);
      this.onSaid?.(to, message);
    };
    return membership;
  }

  #execute(effect: Effect): void {
    switch (effect.type) {
      case 'connect-relay':
        this.#membership = this.#enter(effect.peerId);
        return;
      case 'disconnect-relay':
        this.#membership?.close();
        return;
      case 'send':
        this.#membership?.send(effect.to, effect.message);
        return;
      case 'announce-roster':
        this.#membership?.announce(effect);
        return;
      case 'assure':
        this.#membership?.assure(effect);
        return;
      case 'meet-again':
        this.#membership?.meetAgain(effect.peerId);
        return;
      case 'open-link':
        this.#links.set(effect.peerId, this.#open(effect.peerId, effect.generation));
        return;
      case 'close-link':
        this.#links.get(effect.peerId)?.close();
        return;
      case 'make-offer':
        this.#links.get(effect.peerId)?.makeOffer(effect.round);
        return;
      case 'repeat-offer':
        this.#links.get(effect.peerId)?.repeatOffer(effect.round);
        return;
      case 'repeat-answer':
        this.#links.get(effect.peerId)?.repeatAnswer(effect.round);
        return;
      case 'accept-offer':
        this.#links.get(effect.peerId)?.acceptOffer(effect.round, effect.sdp);
        return;
      case 'accept-answer':
        this.#links.get(effect.peerId)?.acceptAnswer(effect.round, effect.sdp);
        return;
      case 'start-timer':
        this.clock.start(effect.id, effect.delay_ms);
        // tells its roster as soon as it can; all other timers are a test's to fire
        if (effect.id === 'roster-announce') setImmediate(() => this.clock.fire(effect.id));
        return;
      case 'stop-timer':
        this.clock.stop(effect.id);
    }
  }

  #open(peerId: PeerId, generation: number): MemoryLink {
    // without a name for it no offer gets its key
    this.#membership?.openLink(peerId, generation);
    const on = { peerId, generation };
    const { dispatch } = { dispatch: this.#store.dispatch.bind(this.#store) };
    return new MemoryLink({
      name: this.name,
      wires: this.#relay.wires,
      isDirect: true,
      iceServers: [],
      tracks: {},
      cameraEncoding: {},
      certificate: {} as RTCCertificate,
      guard: () => {},
      peerFingerprint: () => undefined,
      onWrongCertificate: () => {},
      onMessage: (payload) => this.#membership?.receiveDirect(peerId, payload),
      onOfferMade: (round, sdp) => dispatch({ type: 'offer-made', ...on, round, sdp }),
      onOfferAccepted: (round, sdp) => dispatch({ type: 'offer-accepted', ...on, round, sdp }),
      onAnswerAccepted: (round) => dispatch({ type: 'answer-accepted', ...on, round }),
      onFailed: () => {},
      onCandidates: () => {},
      onTransport: (transport) => dispatch({ type: 'transport-changed', ...on, transport }),
      onEndedByPeer: () => {},
      onTrack: () => {},
      onDropped: () => {},
      onClosed: () => {},
    });
  }
}
