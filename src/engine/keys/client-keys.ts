/**
 * The secrets of one `WebRTCE2EE`, and the order in which they are used. What is published under one certificate is a
 * generation (client-generation.ts): after a rotation new sessions are of the new one, and those that stand go on.
 */
import type { Certificate } from '../crypto/certificate.ts';
import { issueRevocation } from '../crypto/statement.ts';
import type { HandedBundle, SealedBundle } from '../protocol/bundle.ts';
import { equalBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import type { EncryptedMessage, PublicKeyMessage } from '../protocol/e2ee.ts';
import type { PeerId } from '../protocol/ids.ts';
import { fieldsOfPayload, payloadOfFields } from './client-fields.ts';
import { ClientGeneration, handedBy, openPublicKey } from './client-generation.ts';
import type { ClientParty } from './client-party.ts';
import { ClientProofs } from './client-proofs.ts';
import { ClientSessions } from './client-sessions.ts';
import type { Accepts, ClientMeetFault, ClientOpened, ClientSealed } from './client-sessions.ts';
import { InOrder } from './in-order.ts';

/** HS10: so often the ratchets are asked for a step with ML-KEM, while there is something to say. */
const KEM_STEP_EVERY_MS = 30_000;

export type ClientMessage =
  | { readonly ok: true; readonly fields: Pick<EncryptedMessage, 'key_id' | 'nonce' | 'ciphertext' | 'tag'> }
  | Extract<ClientSealed, { ok: false }>;

export class ClientKeys {
  readonly party: ClientParty;
  readonly sessions: ClientSessions;
  readonly proofs: ClientProofs;
  readonly #inOrder = new InOrder();
  /** Newest first. Made when first wanted: until then the relay may have corrected our clock. */
  #generations: readonly ClientGeneration[] = [];
  #kemStepMs: number;

  constructor(party: ClientParty) {
    this.party = party;
    this.sessions = new ClientSessions({
      room: party.room,
      self: party.self,
      steadyNow: () => party.steadyNow(),
      isRevoked: ({ deviceId }) => party.isRevoked(deviceId),
    });
    this.proofs = new ClientProofs(party, this.sessions);
    this.#kemStepMs = party.now();
  }

  /** Bundles for a registry: each time with other one-time records. */
  publication(): Promise<SealedBundle> {
    return this.#inOrder.run(async () => (await this.#newest()).publication());
  }

  /** `isForOne`: with a one-time record, for one peer alone. */
  publicKey(isForOne: boolean): Promise<PublicKeyMessage> {
    return this.#inOrder.run(async () => (await this.#newest()).publicKey(this.party.now(), isForOne));
  }

  /** The certificate that has signed it; `undefined` where none has (client-generation.ts). */
  openPublicKey(message: PublicKeyMessage): Promise<Certificate | undefined> {
    return openPublicKey(this.party, message, this.party.nowS());
  }

  /** As `meet`, out of a message that `openPublicKey` has opened: its device has to be the one that the session is with. */
  async meetBy(
    message: PublicKeyMessage,
    signedBy: Certificate,
  ): Promise<ClientMeetFault | 'other-device' | undefined> {
    const fault = await this.meet(message.sender_id, handedBy(message));
    const peer = this.sessions.get(message.sender_id);
    if (fault || !peer) return fault;
    const isSame = [peer.certificate, peer.current].some(({ deviceId }) => equalBytes(deviceId, signedBy.deviceId));
    return isSame ? undefined : 'other-device';
  }

  /** `undefined` = there is a session. */
  meet(peerId: PeerId, handed: HandedBundle): Promise<ClientMeetFault | undefined> {
    return this.#inOrder.run(async () => this.sessions.meet((await this.#newest()).own, peerId, handed));
  }

  /** A fault without a session, and for a text that is too long. What is sealed counts as sent. */
  async seal(to: PeerId, text: string): Promise<ClientMessage> {
    const nowMs = this.party.now();
    if (Math.abs(nowMs - this.#kemStepMs) >= KEM_STEP_EVERY_MS) {
      this.#kemStepMs = nowMs;
      this.sessions.requestKemSteps();
    }
    const sealed = await this.sessions.seal(to, text);
    return sealed.ok ? { ok: true, fields: { key_id: sealed.keyId, ...fieldsOfPayload(sealed.payload) } } : sealed;
  }

  /** `accepts` judges what has opened before anything changes by it. */
  async open(message: EncryptedMessage, accepts: Accepts): Promise<ClientOpened> {
    const payload = payloadOfFields(message);
    if (!payload) return { ok: false, fault: 'malformed' };
    return this.#inOrder.run(() => this.sessions.open(this.#generations, message.sender_id, payload, accepts));
  }

  /** The device has new keys: those of sessions from now on. */
  rotated(): Promise<void> {
    return this.#inOrder.run(async () => {
      this.#generations = [await ClientGeneration.create(await this.party.own()), ...this.#generations];
      this.sessions.requestKemSteps();
    });
  }

  /** SHA-256 of the certificate that new sessions are of. */
  keyId(): Promise<Bytes> {
    return this.#inOrder.run(async () => (await this.#newest()).certificate.hash);
  }

  /** That all keys which we have used are dead: each one's own word, under the key id that others know it by. */
  revocations(): Promise<readonly { readonly keyId: Bytes; readonly statement: Bytes }[]> {
    return this.#inOrder.run(async () => {
      await this.#newest();
      const nowS = this.party.nowS();
      return Promise.all(
        this.#generations.map(async ({ own, certificate }) => ({
          keyId: certificate.hash,
          statement: await issueRevocation(own.device.signer, nowS),
        })),
      );
    });
  }

  async #newest(): Promise<ClientGeneration> {
    const [newest = await ClientGeneration.create(await this.party.own())] = this.#generations;
    if (this.#generations.length === 0) this.#generations = [newest];
    return newest;
  }
}
