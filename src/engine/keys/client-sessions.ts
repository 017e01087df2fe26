/**
 * The sessions of one `WebRTCE2EE`: begun out of a bundle, or by a first message that opens. As in `JoinKeys`, but for two
 * things: where both sides begin at once both sessions open (client-peers.ts), and the caller judges what has opened before
 * anything changes by it. `meet` and `open` are not to be called again before they have resolved.
 */
import type { Certificate } from '../crypto/certificate.ts';
import type { HandedBundle } from '../protocol/bundle.ts';
import { equalBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import type { PeerId } from '../protocol/ids.ts';
import type { ClientGeneration } from './client-generation.ts';
import { ClientPeer } from './client-peers.ts';
import type { ClientSession } from './client-peers.ts';
import { answerPair, beginPair } from './handshake.ts';
import type { AnswerFault, BeginFault, OwnParty } from './handshake.ts';
import { PAIRS_MAX } from './join-keys.ts';
import {
  KIND_PUBLIC_KEY,
  formatHandshake,
  formatMessage,
  openHandshake,
  openSealedBundle,
  parsePayload,
} from './wire.ts';

export type ClientMeetFault = BeginFault | 'too-many-peers';

export type ClientOpenFault =
  | AnswerFault
  /** Sealed by a session that we do not have. */
  | 'no-session'
  /** Somebody begins again as a peer that we have a session with. */
  | 'second-handshake'
  /** Somebody begins as a peer that we know by another certificate. */
  | 'other-device'
  | 'too-many-peers';

/** Asked about what has opened, with the certificate that the session has proved: where it says no, nothing changes. */
export type Accepts = (text: string, certificate: Certificate) => boolean;

export type ClientOpened =
  /** What the caller has accepted; `isFirst`: the first message of its session that has opened here. */
  { readonly ok: true; readonly isFirst: boolean } | { readonly ok: false; readonly fault: ClientOpenFault };

export type ClientSealed =
  | {
      readonly ok: true;
      readonly payload: Bytes;
      /** Of our own certificate in the session that has sealed it: SHA-256. */
      readonly keyId: Bytes;
    }
  | { readonly ok: false; readonly fault: 'no-session' | 'revoked' | 'too-large' | 'refused-key' };

export type ClientSessionsOptions = Pick<OwnParty, 'room' | 'self' | 'steadyNow' | 'isRevoked'>;

export class ClientSessions {
  readonly #own: ClientSessionsOptions;
  readonly #peers = new Map<PeerId, ClientPeer>();

  constructor(own: ClientSessionsOptions) {
    this.#own = own;
  }

  /** `undefined` without a session. */
  get(peerId: PeerId): ClientPeer | undefined {
    return this.#peers.get(peerId);
  }

  peers(): readonly (readonly [PeerId, ClientPeer])[] {
    return [...this.#peers];
  }

  /** Begins a session, where there is none; `undefined` = there is one. */
  async meet(own: OwnParty, peerId: PeerId, handed: HandedBundle): Promise<ClientMeetFault | undefined> {
    const peer = this.#peers.get(peerId);
    if (peer) return peer.isRefused ? 'revoked' : undefined;
    const bundle = await openSealedBundle(this.#own.room, peerId, handed);
    if (!bundle) return 'bad-bundle';
    const begun = await beginPair(own, peerId, bundle);
    if (!begun.ok) return begun.fault;
    if (this.#isFull()) return 'too-many-peers';
    this.#add(peerId, { pair: begun.pair, own: own.device.certificate });
    return undefined;
  }

  /** A fault without a session, for a text that is too long, and where the peer's key is refused. What is sealed counts as sent. */
  async seal(to: PeerId, text: string): Promise<ClientSealed> {
    const peer = this.#peers.get(to);
    if (!peer || peer.isRefused) return { ok: false, fault: peer ? 'revoked' : 'no-session' };
    const { pair, own } = peer.chosen;
    let payload: Bytes | undefined;
    const fault = await pair.seal(new TextEncoder().encode(text), async ({ message, isHeaderDue }) => {
      payload = isHeaderDue
        ? await formatHandshake(this.#own.room, this.#own.self, to, pair.header, message)
        : formatMessage(message);
      return true;
    });
    if (fault === 'no-chain') return { ok: false, fault: 'refused-key' };
    return payload ? { ok: true, payload, keyId: own.hash } : { ok: false, fault: 'too-large' };
  }

  /** `generations`: newest first; a first message may be for any of them. */
  async open(
    generations: readonly ClientGeneration[],
    from: PeerId,
    bytes: Bytes,
    accepts: Accepts,
  ): Promise<ClientOpened> {
    const payload = parsePayload(bytes);
    const peer = this.#peers.get(from);
    if (!payload) return refusal('malformed');
    if (peer?.isRefused) return refusal('revoked');
    if (payload.kind === KIND_PUBLIC_KEY) {
      return this.#openFirst(generations, from, payload.sealedHeader, payload.message, accepts);
    }
    if (!peer) return refusal('no-session');
    for (const session of peer.sessions) {
      const opened = await this.#openBy(peer, session, payload.message, accepts);
      if (opened.ok || opened.fault !== 'unopened') return opened;
    }
    return refusal('unopened');
  }

  /** Nothing is sealed for the peers that this device is behind, or opened from them, any more. */
  refuse(deviceId: Bytes): void {
    for (const peer of this.#peers.values()) {
      const { certificate, current } = peer;
      peer.isRefused ||= [certificate, current].some((each) => equalBytes(each.deviceId, deviceId));
    }
  }

  /** The next step of every ratchet brings a fresh ML-KEM key. */
  requestKemSteps(): void {
    for (const { sessions } of this.#peers.values()) for (const { pair } of sessions) pair.requestKemStep();
  }

  async #openFirst(
    generations: readonly ClientGeneration[],
    from: PeerId,
    sealedHeader: Bytes,
    message: Bytes,
    accepts: Accepts,
  ): Promise<ClientOpened> {
    const header = await openHandshake(this.#own.room, from, this.#own.self, sealedHeader);
    if (!header) return refusal('unopened');
    const peer = this.#peers.get(from);
    const begun = peer?.begunByPeer;
    if (peer && begun && equalBytes(begun.pair.header, header)) return this.#openBy(peer, begun, message, accepts);
    if (peer?.isSettled) return refusal('second-handshake');
    let fault: ClientOpenFault = 'unknown-pre-key';
    for (const { own, preKeys } of generations) {
      const answer = await answerPair(own, preKeys, from, header, message);
      if (!answer.ok) {
        fault = answer.fault;
        continue;
      }
      const { pair, plaintext } = answer;
      // Whoever holds the link can begin in any name: one that is taken belongs to the device that has it.
      if (peer && !equalBytes(peer.certificate.hash, pair.certificate.hash)) return refusal('other-device');
      if (!accepts(new TextDecoder().decode(plaintext), pair.certificate)) return refusal('malformed');
      if (!peer && this.#isFull()) return refusal('too-many-peers');
      // Only now, when somebody has proved to hold the keys: else anyone could use our pre-keys up.
      if (!answer.spend()) return refusal('replayed');
      this.#add(from, { pair, own: own.device.certificate });
      return { ok: true, isFirst: true };
    }
    return refusal(fault);
  }

  async #openBy(peer: ClientPeer, { pair }: ClientSession, message: Bytes, accepts: Accepts): Promise<ClientOpened> {
    const { steadyNow, isRevoked } = this.#own;
    // its keys may have been declared dead since we began
    if (!pair.hasOpened && (await isRevoked(pair.certificate))) {
      peer.isRefused = true;
      return refusal('revoked');
    }
    const isAccepted = (plaintext: Bytes): boolean => accepts(new TextDecoder().decode(plaintext), pair.certificate);
    const opened = await pair.open(message, steadyNow(), isAccepted);
    if (!opened.ok) return opened;
    peer.settle(steadyNow());
    return { ok: true, isFirst: opened.isFirst };
  }

  #isFull(): boolean {
    return this.#peers.size >= PAIRS_MAX && !this.#idlePeer();
  }

  /** Whoever holds the link can begin in as many names as he likes: of those that have never answered us the first gives way. */
  #idlePeer(): PeerId | undefined {
    return this.peers().find(([, { chosen }]) => !chosen.pair.isConfirmed)?.[0];
  }

  /** To a peer that is known, or where it is not full. */
  #add(peerId: PeerId, session: ClientSession): void {
    const peer = this.#peers.get(peerId);
    if (peer) return peer.add(session);
    // there is one, as it is not full
    if (this.#peers.size >= PAIRS_MAX) this.#peers.delete(this.#idlePeer() as PeerId);
    this.#peers.set(peerId, new ClientPeer(this.#own.self, peerId, session));
  }
}

function refusal(fault: ClientOpenFault): ClientOpened {
  return { ok: false, fault };
}
