/**
 * The key agreement without the room: for pages that have signalling, servers and connections of their own
 * (docs/e2ee-client.md). Messages are handed to the page and taken from it; how they travel is the page's affair, and
 * nothing is believed because of it. Every method that is asynchronous rejects with a `TaiError`. Nothing is logged.
 */
import { BundleExchange } from './bundle-exchange.ts';
import { formatInner, readMessage, writeMessage } from './e2ee-format.ts';
import { acceptKeyChange, isGenuineKeyChange, revokeKeys, rotateKeys } from './e2ee-key-changes.ts';
import { E2eeInbox } from './e2ee-inbox.ts';
import { checkedClientOptions } from './e2ee-options.ts';
import { E2eeError } from './e2ee-types.ts';
import type {
  Admission,
  CallOptions,
  E2eeEncryptedMessage,
  E2eeEvent,
  E2eeKeyRevoke,
  E2eeKeyRotation,
  E2eePeer,
  E2eePublicKey,
  KeyPairOptions,
  RegistryPort,
  WebRTCE2EEOptions,
} from './e2ee-types.ts';
import { Listeners } from './listeners.ts';
import { makeOwnClient } from './own-client.ts';
import type { OwnClient } from './own-client.ts';
import type { RevokeReason } from './protocol/e2ee.ts';
import { TaiError } from './protocol/errors.ts';
import { parsePeerId } from './protocol/ids.ts';
import type { PeerId } from './protocol/ids.ts';
import { RelayRegistry } from './relay-registry.ts';

type Started = OwnClient & { readonly inbox: E2eeInbox };
type SafetyNumber = { readonly digits: string; readonly qr: string };

export class WebRTCE2EE {
  /** New for every instance: what others send to. */
  readonly peerId: PeerId;
  readonly #options: ReturnType<typeof checkedClientOptions>;
  readonly #bundles: BundleExchange;
  readonly #listeners = new Listeners<E2eeEvent>();
  #starting: Promise<Started> | undefined;
  #started: Started | undefined;
  #isClosed = false;

  /**
   * `roomId`: the page's name of this conversation, 1 to 256 characters, the same on all sides. `userId`: what we call
   * ourselves, 1 to 256 characters; it travels sealed only. Throws `TaiError`: `usage`, `insecure-context`.
   */
  constructor(roomId: string, userId: string, options: WebRTCE2EEOptions) {
    this.#options = checkedClientOptions(roomId, userId, options);
    this.peerId = this.#options.self;
    this.#bundles = new BundleExchange({
      self: this.peerId,
      registry: this.#registry(),
      publication: async () => (await this.#start()).keys.publication(),
      onFailed: (code) => this.#listeners.tell({ type: 'registry-failed', code }),
    });
  }

  /** Returns the way to stop. */
  on(listener: (event: E2eeEvent) => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Those that we share keys with. */
  get peers(): readonly E2eePeer[] {
    return this.#started?.inbox.peers() ?? [];
  }

  /**
   * Makes this device's keys, if that has not been done, and puts them into the registry, if there is one. What it resolves to is
   * for the peers, by any way; each message is another, and without `isForOne` good for all.
   */
  async generateKeyPair(options: KeyPairOptions = {}): Promise<E2eePublicKey> {
    return this.#do(async ({ keys }) => {
      await this.#bundles.publish(options.signal);
      return writeMessage(await keys.publicKey(options.isForOne ?? false));
    });
  }

  /**
   * Resolves once there is a session: with a peer whose keys are in the registry, or which has sent us this
   * `e2ee_public_key`. The peer learns of it by the first message that we encrypt for it.
   */
  async exchangeKeys(peer: unknown, options: CallOptions = {}): Promise<E2eePeer> {
    return this.#do(async (own) => {
      const peerId = parsePeerId(peer);
      if (peerId === undefined) return this.#exchangeByMessage(own, peer);
      if (peerId === this.peerId) throw new E2eeError('malformed');
      const known = own.keys.sessions.get(peerId);
      if (known?.isRefused) throw new E2eeError('revoked');
      if (!known) {
        const handed = await this.#bundles.fetch(peerId, options.signal);
        const fault = await own.keys.meet(peerId, handed);
        if (fault) throw new E2eeError(fault);
      }
      return own.inbox.peer(peerId);
    });
  }

  /** Seals a text for a peer; without one, for the only one there is. At most 256 in a row may be lost on the way. */
  async encrypt(message: string, peerId?: string): Promise<E2eeEncryptedMessage> {
    return this.#do(async (own) => {
      const { keys } = own;
      if (typeof message !== 'string') throw new E2eeError('malformed');
      const to = peerId === undefined ? onlyPeer(own) : parsePeerId(peerId);
      if (!to) throw new E2eeError('malformed');
      const timestamp = keys.party.now();
      const { userId } = this.#options;
      const sealed = await keys.seal(to, formatInner({ timestamp, userId, text: message }));
      if (!sealed.ok) throw new E2eeError(sealed.fault);
      const { fields } = sealed;
      return writeMessage({ type: 'e2ee_encrypted_message', sender_id: this.peerId, ...fields, timestamp });
    });
  }

  /** The text; from whom, says `sender_id`, which is then proved. Where it rejects, nothing has changed. */
  async decrypt(message: unknown): Promise<string> {
    return this.#do(async ({ inbox }) => {
      const parsed = readMessage(message);
      if (parsed?.type !== 'e2ee_encrypted_message') throw new E2eeError('malformed');
      const { text, isFirst } = await inbox.open(parsed);
      if (isFirst) this.#bundles.sessionBegun();
      return text;
    });
  }

  /**
   * New keys for this device, of which the sessions from now on are; those that stand make a step with fresh keys. The message is
   * for the peers, whose `acceptKeyChange` then knows the new keys for ours.
   */
  async rotateKey(): Promise<E2eeKeyRotation> {
    return this.#do(async (own) => {
      const message = await rotateKeys(own);
      this.#bundles.renew();
      return writeMessage(message);
    });
  }

  /**
   * Declares the keys of this device dead, and closes this instance. The messages, one for each key that was in use, are for
   * everybody who has met them. `reason` is a claim.
   */
  async revokeKey(reason: RevokeReason = 'unspecified'): Promise<readonly E2eeKeyRevoke[]> {
    return this.#do(async (own) => {
      const messages = await revokeKeys(own, reason);
      this.close();
      return messages.map((message) => writeMessage(message));
    });
  }

  /** What a peer says of its keys: takes a rotation or a revocation over, or rejects. */
  async acceptKeyChange(message: unknown): Promise<'rotated' | 'revoked'> {
    return this.#do(async (own) => {
      const parsed = readMessage(message);
      if (parsed?.type !== 'e2ee_key_rotation' && parsed?.type !== 'e2ee_key_revoke') throw new E2eeError('malformed');
      return acceptKeyChange(own, parsed);
    });
  }

  /** Whether who it names has signed this message. `false` for an encrypted one too: that has a tag, and no signature. */
  async validateSignature(message: unknown): Promise<boolean> {
    return this.#do(async (own) => {
      const parsed = readMessage(message);
      switch (parsed?.type) {
        case 'e2ee_public_key':
          return (await own.keys.openPublicKey(parsed)) !== undefined;
        case 'e2ee_key_rotation':
        case 'e2ee_key_revoke':
          return isGenuineKeyChange(own, parsed);
        default:
          return false;
      }
    });
  }

  /** Whether this message would be taken now: form, time, key id, and signature or seal. Changes nothing; `false` once it was. */
  async verifyMessageIntegrity(message: unknown): Promise<boolean> {
    const parsed = readMessage(message);
    if (parsed?.type === 'e2ee_encrypted_message') return this.#do(({ inbox }) => inbox.wouldOpen(parsed));
    const isTimely = await this.#do(
      async ({ inbox }) => parsed?.type !== 'e2ee_public_key' || inbox.isTimely(parsed.timestamp),
    );
    return isTimely && this.validateSignature(message);
  }

  /** The same on both sides: to read out, and for a QR code. `undefined` without a session. */
  async safetyNumber(peerId: string): Promise<SafetyNumber | undefined> {
    const peer = parsePeerId(peerId);
    return this.#do(async ({ keys }) => (peer ? keys.proofs.safetyNumber(peer) : undefined));
  }

  /** Compares a scanned text with what this peer's has to be. Marks nothing: that is `setVerified`. */
  checkScan(peerId: string, text: string): 'match' | 'mismatch' | 'unreadable' {
    const peer = parsePeerId(peerId);
    return (peer && this.#started?.keys.proofs.checkScan(peer, text)) ?? 'unreadable';
  }

  /** Two people have compared numbers and found them equal, or take that back. */
  async setVerified(peerId: string, isVerified: boolean): Promise<void> {
    return this.#do(async ({ keys, identity, inbox }) => {
      const id = parsePeerId(peerId);
      const peer = id && keys.sessions.get(id);
      if (!peer) throw new E2eeError('no-session');
      await identity.pins.setVerified(peer.current.deviceId, isVerified);
      inbox.setStanding(id, isVerified ? 'verified' : 'known');
    });
  }

  /** For who wants to ask the relay by itself: the client's own room there, and tokens for it. */
  async admission(): Promise<Admission> {
    return this.#do(async ({ keys: { party } }) => ({
      roomId: party.roomId,
      peerId: this.peerId,
      token: (nowS: number) => party.token(nowS),
    }));
  }

  /** Takes our bundle out of the registry and lets all keys go. Every call after it rejects. */
  close(): void {
    this.#isClosed = true;
    this.#started = undefined;
    this.#starting = undefined;
    this.#bundles.close();
    this.#listeners.clear();
  }

  async #exchangeByMessage({ keys, inbox }: Started, value: unknown): Promise<E2eePeer> {
    const message = readMessage(value);
    if (message?.type !== 'e2ee_public_key' || message.sender_id === this.peerId) throw new E2eeError('malformed');
    if (!inbox.isTimely(message.timestamp)) throw new E2eeError('wrong-time');
    const signedBy = await keys.openPublicKey(message);
    if (!signedBy) throw new E2eeError('bad-signature');
    const fault = await keys.meetBy(message, signedBy);
    if (fault) throw new E2eeError(fault);
    return inbox.peer(message.sender_id);
  }

  #registry(): RegistryPort | undefined {
    const { relay, registry, now } = this.#options;
    if (relay === undefined) return registry;
    return new RelayRegistry({
      relay,
      admission: () => this.admission(),
      now,
      onReturn: () => this.#bundles.renew(),
    });
  }

  async #do<T>(work: (own: Started) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#start());
    } catch (error) {
      // what a platform says of keys is not for the page
      throw error instanceof TaiError ? error : new E2eeError('keys-failed');
    }
  }

  /** Once; again after a failure (a chunk that could not be fetched). */
  async #start(): Promise<Started> {
    if (this.#isClosed) throw new E2eeError('closed');
    this.#starting ??= this.#make();
    try {
      this.#started = await this.#starting;
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
    if (this.#isClosed) throw new E2eeError('closed');
    return this.#started;
  }

  async #make(): Promise<Started> {
    const own = await makeOwnClient(this.#options);
    const onChanged = (peerId: PeerId): void => this.#listeners.tell({ type: 'identity-changed', peerId });
    return { ...own, inbox: new E2eeInbox(own, onChanged) };
  }
}

function onlyPeer({ keys }: Started): PeerId {
  const [only, ...others] = keys.sessions.peers();
  if (!only) throw new E2eeError('no-session');
  if (others.length > 0) throw new E2eeError('ambiguous');
  return only[0];
}
