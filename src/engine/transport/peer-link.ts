/**
 * Our side of the connection to one peer. It carries out what the room decides, one piece of work after the other,
 * and reports; it decides nothing. Each kind of publication has a fixed place (m-line), so that muting, unmuting and
 * changing devices need no negotiation.
 */
import { equalBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { sdpFingerprint } from '../protocol/fingerprint.ts';
import { withoutUnofferedFormats } from '../protocol/payload-types.ts';
import type { Candidate, PublicationKind } from '../protocol/peer.ts';
import { turnOnly } from '../protocol/ice-server.ts';
import type { IceServer } from '../protocol/relay.ts';
import { CandidateBatch } from './candidate-batch.ts';
import { ControlChannel } from './control-channel.ts';
import type { HiddenPath } from './hidden-path.ts';
import { Places } from './places.ts';
import type { StreamEnd } from './places.ts';

export type PeerLinkWork = 'making-offer' | 'accepting-offer' | 'accepting-answer';
export type PeerLinkTransport = 'new' | 'connecting' | 'connected' | 'disconnected' | 'failed';

export type PeerLinkOptions = {
  readonly iceServers: readonly IceServer[];
  /** Through a TURN host or not at all. */
  readonly isRelayed?: boolean;
  /** Sends no track until it is told to. */
  readonly isIdle?: boolean;
  /** With it no address of ours goes to the peer, for as long as this connection lasts (PROTOCOL.md PR). */
  readonly hidden?: HiddenPath | undefined;
  readonly tracks: { readonly [Kind in PublicationKind]?: MediaStreamTrack };
  readonly cameraEncoding: RTCRtpEncodingParameters;
  /** Our one DTLS certificate of this join (HS8). */
  readonly certificate: RTCCertificate;
  /** Puts the worker's transform into a sender or receiver of this connection. Throws where it cannot. */
  guard(end: RTCRtpSender | RTCRtpReceiver, on: StreamEnd): void;
  /** SHA-256 of the DTLS certificate that the peer's handshake has named; `undefined` while there is none. */
  peerFingerprint(): Bytes | undefined;
  /** The peer's description or certificate is not what its handshake has named: nothing goes to it any more. */
  onWrongCertificate(): void;
  /** Came over the connection itself; sealed like everything else. */
  onMessage(payload: Bytes): void;
  onOfferMade(round: number, sdp: string): void;
  onOfferAccepted(round: number, sdp: string): void;
  onAnswerAccepted(round: number): void;
  onFailed(work: PeerLinkWork, round: number): void;
  onCandidates(candidates: readonly Candidate[]): void;
  onTransport(transport: PeerLinkTransport): void;
  onEndedByPeer(): void;
  onTrack(kind: PublicationKind, track: MediaStreamTrack): void;
  onDropped(reason: string): void;
};

/**
 * Chromium's own word: with it no frame is sent that no transform has passed on, whenever the transform comes. Others
 * ignore it.
 */
type SealedConfiguration = RTCConfiguration & { readonly encodedInsertableStreams: true };

/** From the connection's standing to the camera's own size. */
const START_MS = 1_000;

export class PeerLink {
  readonly #options: PeerLinkOptions;
  readonly #connection: RTCPeerConnection;
  readonly #unlisten = new AbortController();
  readonly #candidates: CandidateBatch;
  readonly #places: Places;
  readonly #control: ControlChannel;
  #starting: ReturnType<typeof setTimeout> | undefined;
  #work: Promise<void> = Promise.resolve();
  #isUnguarded = false;
  #isClosed = false;

  constructor(options: PeerLinkOptions) {
    this.#options = options;
    this.#candidates = new CandidateBatch((candidates) => options.onCandidates(candidates));
    const configuration: SealedConfiguration = {
      iceServers: rtcServers(options.iceServers),
      bundlePolicy: 'max-bundle',
      certificates: [options.certificate],
      encodedInsertableStreams: true,
      // from the start: put into one that stands, it does not end what goes straight already
      ...(this.#isRelayed && { iceTransportPolicy: 'relay' }),
    };
    const connection = new RTCPeerConnection(configuration);
    this.#connection = connection;
    if (options.hidden && connection.getConfiguration().iceTransportPolicy !== 'relay') {
      connection.close();
      throw new Error('link: this browser cannot hide addresses');
    }
    const { tracks, cameraEncoding, isIdle = false, guard, onTrack } = options;
    const onDropped = (reason: string): void => this.#drop(reason);
    this.#places = new Places({ connection, tracks, cameraEncoding, isIdle, guard, onTrack, onDropped });
    const { signal } = this.#unlisten;
    connection.addEventListener('icecandidate', (event) => this.#foundCandidate(event.candidate), { signal });
    connection.addEventListener('track', ({ transceiver }) => this.#foundPlace(transceiver), { signal });
    connection.addEventListener('connectionstatechange', () => this.#changedState(), { signal });
    this.#control = new ControlChannel(connection, {
      signal,
      onMessage: (payload) => options.onMessage(payload),
      // that it closes is the peer's own word (under DTLS) that this connection is over
      onClosed: () => options.onEndedByPeer(),
      onDropped,
    });
  }

  makeOffer(round: number, isRestart: boolean): void {
    this.#enqueue('making-offer', round, async () => {
      // Left over from an offer that could not be answered: without this, the next description would be its answer.
      if (this.#connection.signalingState === 'have-remote-offer') {
        await this.#connection.setRemoteDescription({ type: 'rollback' });
      }
      this.#places.add();
      if (isRestart) this.#connection.restartIce();
      await this.#describe((sdp) => this.#options.onOfferMade(round, sdp));
    });
  }

  /** Reports the offer that is not answered yet once more, with the candidates found since. */
  repeatOffer(round: number): void {
    this.#enqueue('making-offer', round, async () => {
      this.#options.onOfferMade(round, this.#described('have-local-offer', 'offer'));
    });
  }

  acceptOffer(round: number, sdp: string): void {
    this.#enqueue('accepting-offer', round, async () => {
      if (!this.#isBound(sdp)) return;
      // In have-local-offer this rolls our own offer back (JSEP, RFC 9429 §4.1.10.2).
      await this.#connection.setRemoteDescription({ type: 'offer', sdp: this.#heard(sdp) });
      if (this.#isUnguarded) throw new Error('link: a place has no transform');
      await this.#describe((answer) => this.#options.onOfferAccepted(round, answer));
    });
  }

  /** As `repeatOffer`, of our answer. */
  repeatAnswer(round: number): void {
    this.#enqueue('accepting-offer', round, async () => {
      this.#options.onOfferAccepted(round, this.#described('stable', 'answer'));
    });
  }

  acceptAnswer(round: number, sdp: string): void {
    this.#enqueue('accepting-answer', round, async () => {
      if (!this.#isBound(sdp)) return;
      await this.#connection.setRemoteDescription({ type: 'answer', sdp: this.#heard(sdp) });
      if (!this.#isClosed) this.#options.onAnswerAccepted(round);
    });
  }

  addCandidates(candidates: readonly Candidate[]): void {
    this.#work = this.#work.then(async () => {
      for (const candidate of this.#options.hidden?.peerCandidates(candidates) ?? candidates) {
        // One that belongs to an offer we ignored, or is malformed, is refused by the browser: no harm done.
        await this.#connection.addIceCandidate(candidate).catch(() => this.#drop('candidate-refused'));
      }
    });
  }

  /** Straight to the peer; `false` where this connection cannot take it now. */
  send(payload: Bytes): boolean {
    return !this.#isClosed && this.#connection.connectionState === 'connected' && this.#control.send(payload);
  }

  setTrack(kind: PublicationKind, track: MediaStreamTrack | undefined): void {
    this.#places.setTrack(kind, track);
  }

  /** The worker seals what this kind's place sends. */
  setSealed(kind: PublicationKind): void {
    if (!this.#isClosed) this.#places.setSealed(kind);
  }

  /** Sends its tracks, or none for now. */
  setIdle(isIdle: boolean): void {
    if (this.#isClosed || !this.#places.setIdle(isIdle)) return;
    clearTimeout(this.#starting);
    // nothing has been sent on it for long: the path is measured anew
    if (!isIdle) this.#starting = setTimeout(() => this.#places.start(), START_MS);
  }

  /** Sends no track any more. */
  silence(): void {
    if (!this.#isClosed) this.#places.silence();
  }

  /** For when it looks for ways again: at the next restart. */
  setIceServers(servers: readonly IceServer[]): void {
    if (this.#isClosed) return;
    try {
      const policy = this.#isRelayed ? { iceTransportPolicy: 'relay' as const } : {};
      const iceServers = rtcServers(this.#options.isRelayed ? turnOnly(servers) : servers);
      this.#connection.setConfiguration({ ...this.#connection.getConfiguration(), iceServers, ...policy });
    } catch {
      this.#drop('ice-servers-refused');
    }
  }

  setCameraEncoding(encoding: RTCRtpEncodingParameters): void {
    this.#places.setCameraEncoding(encoding);
  }

  /** Rejects where it is closed, or is meanwhile: Firefox would never answer then. */
  stats(): Promise<RTCStatsReport> {
    const { signal } = this.#unlisten;
    // nothing of it may hang on something that lasts as long as the connection: each report would be kept until then
    return new Promise((resolve, reject) => {
      const end = (): void => reject(new Error('link: closed'));
      if (signal.aborted) return end();
      signal.addEventListener('abort', end, { once: true });
      const settled = (): void => signal.removeEventListener('abort', end);
      this.#connection.getStats().then(resolve, reject).finally(settled);
    });
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#starting);
    this.#unlisten.abort();
    this.#candidates.close();
    this.#connection.close();
  }

  get #isRelayed(): boolean {
    return this.#options.isRelayed === true || this.#options.hidden !== undefined;
  }

  /** HS8: no description is acted on but one of the certificate that the handshake has named. */
  #isBound(sdp: string): boolean {
    const expected = this.#options.peerFingerprint();
    const found = sdpFingerprint(sdp);
    if (expected && found && equalBytes(expected, found)) return true;
    this.#options.onWrongCertificate();
    return false;
  }

  /** What the browser has connected to is looked at once more, where it lets us. */
  async #checkCertificate(): Promise<void> {
    const expected = this.#options.peerFingerprint();
    const remote = await remoteFingerprint(this.#connection);
    if (this.#isClosed || !remote || (expected && equalBytes(expected, remote))) return;
    this.#options.onWrongCertificate();
  }

  /** What was described last; throws where something else has come meanwhile. */
  #described(state: RTCSignalingState, type: RTCSdpType): string {
    const { signalingState, localDescription } = this.#connection;
    if (signalingState !== state || localDescription?.type !== type) throw new Error('nothing to say once more');
    return this.#told(localDescription.sdp);
  }

  /** A description of ours, as it goes out. Throws where it must not. */
  #told(sdp: string): string {
    const offered = withoutUnofferedFormats(sdp);
    return this.#options.hidden?.ownDescription(offered) ?? offered;
  }

  /** A description of the peer's, as the browser gets it. Throws where it must not. */
  #heard(sdp: string): string {
    return this.#options.hidden?.peerDescription(sdp) ?? sdp;
  }

  async #describe(report: (sdp: string) => void): Promise<void> {
    this.#candidates.hold();
    await this.#connection.setLocalDescription();
    if (this.#isClosed) return;
    const sdp = this.#told(this.#connection.localDescription?.sdp ?? '');
    report(sdp);
    this.#candidates.release(sdp);
  }

  #enqueue(work: PeerLinkWork, round: number, carryOut: () => Promise<void>): void {
    this.#work = this.#work
      // asked for before the connection was closed: no report may reach the one that came after it
      .then(() => (this.#isClosed ? undefined : carryOut()))
      .catch(() => {
        if (!this.#isClosed) this.#options.onFailed(work, round);
      });
  }

  #foundCandidate(candidate: RTCIceCandidate | null): void {
    if (!candidate) {
      this.#candidates.flush();
      return;
    }
    const { sdpMid, sdpMLineIndex, usernameFragment } = candidate;
    const found = { candidate: candidate.candidate, sdpMid, sdpMLineIndex, usernameFragment };
    const { hidden } = this.#options;
    const told = hidden ? hidden.ownCandidate(found) : found;
    if (told) this.#candidates.add(told);
  }

  #foundPlace(transceiver: RTCRtpTransceiver): void {
    try {
      this.#places.meet(transceiver);
    } catch {
      // told where the offer is being accepted: it is not answered
      this.#isUnguarded = true;
    }
  }

  #changedState(): void {
    const { connectionState } = this.#connection;
    if (connectionState === 'connected') {
      this.#checkCertificate().catch(() => this.#options.onWrongCertificate());
      this.#starting ??= setTimeout(() => this.#places.start(), START_MS);
    }
    if (connectionState !== 'closed') this.#options.onTransport(connectionState);
  }

  #drop(reason: string): void {
    if (!this.#isClosed) this.#options.onDropped(reason);
  }
}

function rtcServers(servers: readonly IceServer[]): RTCIceServer[] {
  return servers.map((server) => ({ ...server, urls: [...server.urls] }));
}

/** SHA-256 of the certificate at the other end; `undefined` in browsers that do not show it (Firefox). */
async function remoteFingerprint(connection: RTCPeerConnection): Promise<Bytes | undefined> {
  // Firefox has the transport, but not this method
  const transport: Partial<RTCDtlsTransport> | undefined = connection.sctp?.transport;
  const certificate = transport?.getRemoteCertificates?.()[0];
  return certificate && new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', certificate));
}
