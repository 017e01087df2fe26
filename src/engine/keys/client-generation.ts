/**
 * What a `WebRTCE2EE` gives out under one certificate, for others to begin with: bundles for a registry, and the message
 * `e2ee_public_key` for whoever has another way to the peers. No one-time record is given out twice.
 */
import type { Certificate } from '../crypto/certificate.ts';
import { createPreKeys, openBundle } from '../crypto/pre-keys.ts';
import type { OwnPreKeys } from '../crypto/pre-keys.ts';
import { MODE_REQUIRED } from '../crypto/suite.ts';
import type { HandedBundle, SealedBundle } from '../protocol/bundle.ts';
import { equalBytes, fromBase64Url, toBase64Url } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { PUBLIC_KEY_NONCE_BYTES, publicKeySigningBytes } from '../protocol/e2ee.ts';
import type { PublicKeyMessage } from '../protocol/e2ee.ts';
import type { OwnParty } from './handshake.ts';
import { openSealedBundle, sealBundle } from './wire.ts';

const ONE_TIME_PRE_KEYS = 8;

export class ClientGeneration {
  readonly own: OwnParty;
  readonly preKeys: OwnPreKeys;
  #isOffered = false;
  /** One-time records for single peers, under the head that they belong to. */
  #spare: SealedBundle = { head: '', one_time: [] };

  private constructor(own: OwnParty, preKeys: OwnPreKeys) {
    this.own = own;
    this.preKeys = preKeys;
  }

  static async create(own: OwnParty): Promise<ClientGeneration> {
    const { provider, device, room, self, dtlsFingerprint } = own;
    const context = { roomId: room.roomId, peerId: self, dtlsFingerprint, mode: MODE_REQUIRED };
    return new ClientGeneration(own, await createPreKeys(provider, device, context, ONE_TIME_PRE_KEYS));
  }

  get certificate(): Certificate {
    return this.own.device.certificate;
  }

  /** For a registry. Not to be called again before it has resolved, and neither is `publicKey`. */
  async publication(): Promise<SealedBundle> {
    if (this.#isOffered) await this.preKeys.refill();
    this.#isOffered = true;
    return sealBundle(this.own.room, this.own.self, this.preKeys.head, this.preKeys.oneTime);
  }

  /** With a one-time record where it goes to one peer alone. `timestamp`: milliseconds since 1970. */
  async publicKey(timestamp: number, isForOne: boolean): Promise<PublicKeyMessage> {
    const { room, self, device } = this.own;
    if (isForOne && this.#spare.one_time.length === 0) this.#spare = await this.publication();
    const { head, one_time: spare } = isForOne ? this.#spare : await sealBundle(room, self, this.preKeys.head, []);
    const one_time = spare[0];
    if (isForOne) this.#spare = { head, one_time: spare.slice(1) };
    const message = {
      type: 'e2ee_public_key' as const,
      sender_id: self,
      key_id: this.certificate.hash,
      // sealed by us: always base64url
      head: fromBase64Url(head) as Bytes,
      one_time: one_time === undefined ? undefined : fromBase64Url(one_time),
      timestamp,
      nonce: globalThis.crypto.getRandomValues(new Uint8Array(PUBLIC_KEY_NONCE_BYTES)),
    };
    return { ...message, signature: await device.signer.sign(publicKeySigningBytes(message)) };
  }
}

/**
 * The certificate that has signed this message; `undefined` where its bundle is not what it has to be, is not of the
 * certificate that `key_id` names, or where the signature is not by that one. Time and replay are not looked at.
 */
export async function openPublicKey(
  { provider, room }: Pick<OwnParty, 'provider' | 'room'>,
  message: PublicKeyMessage,
  nowS: number,
): Promise<Certificate | undefined> {
  const { sender_id, key_id, signature } = message;
  const opened = await openSealedBundle(room, sender_id, handedBy(message));
  const owner = { roomId: room.roomId, peerId: sender_id };
  const bundle = opened && (await openBundle(provider, owner, opened.head, opened.oneTime, nowS));
  if (!bundle || !equalBytes(bundle.certificate.hash, key_id)) return undefined;
  const isSigned = await provider.verify(bundle.certificate.signingKey, publicKeySigningBytes(message), signature);
  return isSigned ? bundle.certificate : undefined;
}

/** The bundle in the message, as a registry would hand it out. */
export function handedBy({ head, one_time }: Pick<PublicKeyMessage, 'head' | 'one_time'>): HandedBundle {
  return { head: toBase64Url(head), ...(one_time && { one_time: toBase64Url(one_time) }) };
}
