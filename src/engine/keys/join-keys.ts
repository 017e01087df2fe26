/**
 * The keys of one join: our pre-keys, and a session with every peer (PROTOCOL.md HS1–HS12). The newcomer makes the
 * handshake out of the bundle that the present peer has published; nothing is sealed to a peer without a session, and
 * nothing is opened but by one.
 */
import type { Certificate } from '../crypto/certificate.ts';
import { createPreKeys } from '../crypto/pre-keys.ts';
import type { OwnPreKeys } from '../crypto/pre-keys.ts';
import { MODE_REQUIRED } from '../crypto/suite.ts';
import { equalBytes, toBase64Url, toHex } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import type { HandedBundle, SealedBundle } from '../protocol/bundle.ts';
import type { PeerId } from '../protocol/ids.ts';
import type { Sender } from '../protocol/peer.ts';
import { answerPair, beginPair } from './handshake.ts';
import type { AnswerFault, BeginFault, OwnParty } from './handshake.ts';
import { InOrder } from './in-order.ts';
import { LateHandshakes } from './late-handshakes.ts';
import type { LateFault } from './late-handshakes.ts';
import type { Pair, SealFault } from './pair.ts';
import {
  KIND_PUBLIC_KEY,
  formatHandshake,
  formatMessage,
  openHandshake,
  openSealedBundle,
  parsePayload,
  sealBundle,
} from './wire.ts';

const ONE_TIME_PRE_KEYS = 8;
/** With so few left, new ones are published. */
const ONE_TIME_LOW = 4;
/** More than any room has: the others are of peers that are gone, and may come back. */
export const PAIRS_MAX = 128;

export type OpenFault =
  | AnswerFault
  /** Sealed by a session that we do not have. */
  | 'no-session'
  /** Both began: the session of the peer with the lower id is the one that counts. */
  | 'crossed'
  | LateFault
  /** It names the DTLS certificate of another peer, or ours: another's media would be shown as its own (RFC 8844 §3). */
  | 'copied-certificate'
  /** We have given this peer up for good. */
  | 'refused-peer'
  | 'too-many-peers';

export type Opened =
  | {
      readonly ok: true;
      readonly text: string;
      /** Who has said so: proved by the handshake. */
      readonly sender: Sender;
      /** The first message of its session that has opened here. */
      readonly isFirst: boolean;
    }
  | { readonly ok: false; readonly fault: OpenFault };

export type SendFault = SealFault | 'no-session';

export type MeetFault = BeginFault | 'refused-peer' | 'too-many-peers';

export type JoinKeysOptions = OwnParty & {
  /** `false` once our clock has turned out to be another than the one that our certificate was made by. */
  readonly isClockRight: () => boolean;
};

export class JoinKeys {
  readonly #options: JoinKeysOptions;
  readonly #preKeys: OwnPreKeys;
  readonly #pairs = new Map<PeerId, Pair>();
  readonly #refused = new Set<PeerId>();
  readonly #late: LateHandshakes;
  readonly #publications = new InOrder();
  #present: ReadonlySet<PeerId> = new Set();
  #firstPublication: SealedBundle | undefined;
  #isDrained = false;

  private constructor(options: JoinKeysOptions, preKeys: OwnPreKeys, firstPublication: SealedBundle) {
    this.#options = options;
    this.#preKeys = preKeys;
    this.#firstPublication = firstPublication;
    this.#late = new LateHandshakes(options, preKeys);
  }

  static async create(options: JoinKeysOptions): Promise<JoinKeys> {
    const { provider, device, room, self, dtlsFingerprint } = options;
    const context = { roomId: room.roomId, peerId: self, dtlsFingerprint, mode: MODE_REQUIRED };
    const preKeys = await createPreKeys(provider, device, context, ONE_TIME_PRE_KEYS);
    // sealed now, since keys that are made ahead have the time: whoever has just come in is busy
    return new JoinKeys(options, preKeys, await sealBundle(room, self, preKeys.head, preKeys.oneTime));
  }

  /** Made by a wrong clock: others may refuse our certificate. */
  get isOutdated(): boolean {
    return !this.#options.isClockRight();
  }

  get certificate(): Certificate {
    return this.#options.device.certificate;
  }

  /**
   * What the relay keeps for newcomers: sealed, so that it learns no identity. Every publication has fresh one-time keys:
   * of the ones before, some may be in the hands of somebody who is about to use them.
   */
  publication(): Promise<SealedBundle> {
    // one after the other: else two that are made at once could both be of the later refill
    return this.#publications.run(async () => {
      const first = this.#firstPublication;
      this.#firstPublication = undefined;
      if (!first) await this.#preKeys.refill();
      this.#isDrained = false;
      if (first) return first;
      const { room, self } = this.#options;
      return sealBundle(room, self, this.#preKeys.head, this.#preKeys.oneTime);
    });
  }

  /** Few one-time pre-keys are left, or the relay had none for somebody who has come: publish again. */
  get isLow(): boolean {
    return this.#isDrained || this.#preKeys.oneTime.length <= ONE_TIME_LOW;
  }

  hasSession(peer: PeerId): boolean {
    return this.#pairs.has(peer) && !this.#refused.has(peer);
  }

  /** Nothing is sealed for this peer or opened from it any more. */
  refuse(peer: PeerId): void {
    this.#refused.add(peer);
  }

  /** Who is in the room by now. Of the others, those that came first give way where there are too many. */
  setPresent(peers: ReadonlySet<PeerId>): void {
    this.#present = peers;
  }

  peers(): readonly PeerId[] {
    return [...this.#pairs.keys()];
  }

  /** The session with a peer that has answered; `undefined` until then. For the key layer alone. */
  pair(peer: PeerId): Pair | undefined {
    const pair = this.#pairs.get(peer);
    return pair?.hasOpened ? pair : undefined;
  }

  /** What the peer's handshake has named: SHA-256 of its DTLS certificate (HS8). */
  dtlsFingerprint(peer: PeerId): Bytes | undefined {
    return this.pair(peer)?.dtlsFingerprint;
  }

  /** A session that we have begun and nobody has answered is given up: another can be begun. */
  forgetUnanswered(peer: PeerId): void {
    if (this.#pairs.get(peer)?.hasOpened === false) this.#pairs.delete(peer);
  }

  /** Begins a session with a peer that was there before us; `undefined` = there is one now. */
  async meet(peer: PeerId, handed: HandedBundle): Promise<MeetFault | undefined> {
    if (this.#refused.has(peer)) return 'refused-peer';
    if (this.#pairs.has(peer)) return undefined;
    const bundle = await openSealedBundle(this.#options.room, peer, handed);
    if (!bundle) return 'bad-bundle';
    const begun = await beginPair(this.#options, peer, bundle);
    if (!begun.ok) return begun.fault;
    // theirs may have come meanwhile
    if (this.#pairs.has(peer)) return undefined;
    if (!this.#makeSpace()) return 'too-many-peers';
    this.#pairs.set(peer, begun.pair);
    return undefined;
  }

  /**
   * Seals a text for this peer, and hands the payload to `carry` before anything else is sealed for it. `carry` says whether
   * it is on its way: one that is not (`not-carried`) is as if it had never been. `undefined` = it is.
   */
  async send(to: PeerId, text: string, carry: (payload: Bytes) => boolean): Promise<SendFault | undefined> {
    const pair = this.#refused.has(to) ? undefined : this.#pairs.get(to);
    if (!pair) return 'no-session';
    const { room, self } = this.#options;
    return pair.seal(new TextEncoder().encode(text), async ({ message, isHeaderDue }) =>
      carry(isHeaderDue ? await formatHandshake(room, self, to, pair.header, message) : formatMessage(message)),
    );
  }

  /** Opens what is said to come from `from`; the session decides whether that is so. Nothing changes where it does not open. */
  async open(from: PeerId, bytes: Bytes): Promise<Opened> {
    if (this.#refused.has(from)) return refusal('refused-peer');
    const payload = parsePayload(bytes);
    if (!payload) return refusal('malformed');
    if (payload.kind === KIND_PUBLIC_KEY) return this.#openFirst(from, payload.sealedHeader, payload.message);
    const pair = this.#pairs.get(from);
    return pair ? this.#openBy(from, pair, payload.message) : refusal('no-session');
  }

  /** The next step of every ratchet brings a fresh ML-KEM key (HS10). */
  requestKemSteps(): void {
    for (const pair of this.#pairs.values()) pair.requestKemStep();
  }

  async #openFirst(from: PeerId, sealedHeader: Bytes, message: Bytes): Promise<Opened> {
    const { room, self } = this.#options;
    const header = await openHandshake(room, from, self, sealedHeader);
    if (!header) return refusal('unopened');
    const known = this.#pairs.get(from);
    if (known?.role === 'responder' && equalBytes(known.header, header)) return this.#openBy(from, known, message);
    // A session that is not confirmed gives way, to the same device only: of two that both sides have begun at the same time
    // to that of the lower id; one that has not heard our answer begins again.
    const isStanding = known?.role === 'initiator' ? known.hasOpened : known?.isConfirmed;
    if (known && isStanding) return refusal(await this.#late.judge(from, known, header, message));
    if (known?.role === 'initiator' && self < from) return refusal('crossed');
    const answer = await answerPair(this.#options, this.#preKeys, from, header, message);
    if (!answer.ok) return answer;
    const { pair, plaintext } = answer;
    const current = this.#pairs.get(from);
    // ours may have begun meanwhile
    if (current && !equalBytes(current.certificate.hash, pair.certificate.hash)) return refusal('second-handshake');
    if (current?.role === 'initiator' && self < from) return refusal('crossed');
    if (this.#isCopied(from, pair)) return refusal('copied-certificate');
    if (!current && !this.#makeSpace()) return refusal('too-many-peers');
    // Only now, when somebody has proved to hold the keys: else anyone could use our pre-keys up.
    if (!answer.spend()) return refusal('replayed');
    this.#isDrained ||= !answer.isOneTime;
    this.#pairs.set(from, pair);
    return opened(pair, plaintext, true);
  }

  async #openBy(from: PeerId, pair: Pair, message: Bytes): Promise<Opened> {
    const result = await pair.open(message, this.#options.steadyNow());
    if (!result.ok) return result;
    if (result.isFirst) {
      const fault = await this.#answerFault(from, pair);
      if (fault) {
        this.refuse(from);
        return refusal(fault);
      }
    }
    return opened(pair, result.plaintext, result.isFirst);
  }

  /** What has come to light since we began with this peer. */
  async #answerFault(from: PeerId, pair: Pair): Promise<OpenFault | undefined> {
    // its keys may have been declared dead (PN4)
    if (await this.#options.isRevoked(pair.certificate)) return 'revoked';
    return this.#isCopied(from, pair) ? 'copied-certificate' : undefined;
  }

  #isCopied(from: PeerId, { dtlsFingerprint }: Pair): boolean {
    if (equalBytes(dtlsFingerprint, this.#options.dtlsFingerprint)) return true;
    // who has proved nothing, or was refused, must not keep another out
    return this.peers().some((peer) => {
      const other = peer === from || this.#refused.has(peer) ? undefined : this.dtlsFingerprint(peer);
      return other !== undefined && equalBytes(dtlsFingerprint, other);
    });
  }

  /** `false` where all sessions are of peers that are here. */
  #makeSpace(): boolean {
    if (this.#pairs.size < PAIRS_MAX) return true;
    const gone = this.peers().find((peer) => !this.#present.has(peer));
    return gone !== undefined && this.#pairs.delete(gone);
  }
}

function opened({ certificate, isConfirmed }: Pair, plaintext: Bytes, isFirst: boolean): Opened {
  const sender: Sender = {
    certificate: toBase64Url(certificate.hash),
    deviceId: toHex(certificate.deviceId),
    kind: certificate.kind,
    isConfirmed,
  };
  return { ok: true, text: new TextDecoder().decode(plaintext), sender, isFirst };
}

function refusal(fault: OpenFault): Opened {
  return { ok: false, fault };
}
