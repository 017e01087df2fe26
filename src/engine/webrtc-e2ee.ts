/**
 * The key agreement without the room: for pages that have signalling, servers and connections of their own
 * (docs/e2ee-client.md). Messages are handed to the page and taken from it; how they travel is the page's affair, and
 * nothing is believed because of it. Every method that is asynchronous rejects with a `TaiError`. Nothing is logged.
 */
import { BundleExchange } from './bundle-exchange.ts';
import { formatInner, readMessage, writeMessage } from './e2ee-format.ts';
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
import { toBase64Url, toHex } from './protocol/bytes.ts';
import { REVOKE_REASONS } from './protocol/e2ee.ts';
import type { E2eeMessage, PublicKeyMessage, RevokeReason } from './protocol/e2ee.ts';
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
    return (this.#started?.keys.sessions.peers() ?? []).map(([peerId]) => this.#peer(peerId));
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
      if (!own.keys.sessions.get(peerId)) {
        const handed = await this.#bundles.fetch(peerId, options.signal);
        const fault = await own.keys.meet(peerId, handed);
        if (fault) throw new E2eeError(fault);
      }
      return this.#peer(peerId);
    });
  }

  /** Seals a text for a peer; without one, for the only one there is. At most 256 in a row may be lost on the way. */
  async encrypt(message: string, peerId?: string): Promise<E2eeEncryptedMessage> {
    return this.#do(async ({ keys }) => {
      if (typeof message !== 'string') throw new E2eeError('malformed');
      const to = peerId === undefined ? this.#onlyPeer() : parsePeerId(peerId);
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
}
