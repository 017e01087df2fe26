/**
 * Our side of the connection to one peer. It carries out what the room decides, one piece of work after the other,
 * and reports; it decides nothing. Each kind of publication has a fixed place (m-line), so that muting, unmuting and
 * changing devices need no negotiation.
 */
import { PUBLICATION_KINDS } from '../protocol/peer.ts';
import type { Candidate, PublicationKind } from '../protocol/peer.ts';
import type { IceServer } from '../protocol/relay.ts';
import { CandidateBatch } from './candidate-batch.ts';

export type PeerLinkWork = 'making-offer' | 'accepting-offer' | 'accepting-answer';
export type PeerLinkTransport = 'new' | 'connecting' | 'connected' | 'disconnected' | 'failed';

export type PeerLinkOptions = {
  readonly iceServers: readonly IceServer[];
  readonly tracks: { readonly [Kind in PublicationKind]?: MediaStreamTrack };
  readonly cameraEncoding: RTCRtpEncodingParameters;
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
 * A connection begins with a guess of 300 kb/s for the path. For a big picture Chromium then throws its first frames away
 * one by one, each for a smaller one, and takes more than ten seconds to grow back. So the camera starts at a size that
 * the guess can bear, and gets its own once the connection has measured the path.
 */
const START_SCALE = 4;
const START_MS = 1_000;

const MEDIA_KINDS: Record<PublicationKind, 'audio' | 'video'> = { microphone: 'audio', camera: 'video' };

export class PeerLink {
  readonly #options: PeerLinkOptions;
  readonly #connection: RTCPeerConnection;
  readonly #unlisten = new AbortController();
  readonly #candidates: CandidateBatch;
  readonly #places = new Map<PublicationKind, RTCRtpTransceiver>();
  readonly #tracks: { [Kind in PublicationKind]?: MediaStreamTrack | undefined };
  #cameraEncoding: RTCRtpEncodingParameters;
  #starting: ReturnType<typeof setTimeout> | undefined;
  #isStarted = false;
  #work: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: PeerLinkOptions) {
    this.#options = options;
    this.#tracks = { ...options.tracks };
    this.#cameraEncoding = options.cameraEncoding;
    this.#candidates = new CandidateBatch((candidates) => options.onCandidates(candidates));
    const connection = new RTCPeerConnection({
      iceServers: options.iceServers.map((server) => ({ ...server, urls: [...server.urls] })),
      bundlePolicy: 'max-bundle',
    });
    this.#connection = connection;
    const { signal } = this.#unlisten;
    connection.addEventListener('icecandidate', (event) => this.#foundCandidate(event.candidate), { signal });
    connection.addEventListener('track', (event) => this.#foundTrack(event.transceiver), { signal });
    connection.addEventListener('connectionstatechange', () => this.#changedState(), { signal });
    // Carries no messages yet; that it closes is the peer's own word (under DTLS) that this connection is over.
    const control = connection.createDataChannel('control', { negotiated: true, id: 0 });
    control.addEventListener('close', () => options.onEndedByPeer(), { signal });
  }

  makeOffer(round: number, isRestart: boolean): void {
    this.#enqueue('making-offer', round, async () => {
      // Left over from an offer that could not be answered: without this, the next description would be its answer.
      if (this.#connection.signalingState === 'have-remote-offer') {
        await this.#connection.setRemoteDescription({ type: 'rollback' });
      }
      if (this.#places.size === 0) for (const kind of PUBLICATION_KINDS) this.#addPlace(kind);
      if (isRestart) this.#connection.restartIce();
      await this.#describe((sdp) => this.#options.onOfferMade(round, sdp));
    });
  }

  acceptOffer(round: number, sdp: string): void {
    this.#enqueue('accepting-offer', round, async () => {
      // In have-local-offer this rolls our own offer back (JSEP, RFC 9429 §4.1.10.2).
      await this.#connection.setRemoteDescription({ type: 'offer', sdp });
      this.#takePlaces();
      await this.#describe((answer) => this.#options.onOfferAccepted(round, answer));
    });
  }

  acceptAnswer(round: number, sdp: string): void {
    this.#enqueue('accepting-answer', round, async () => {
      await this.#connection.setRemoteDescription({ type: 'answer', sdp });
      this.#options.onAnswerAccepted(round);
    });
  }

  addCandidates(candidates: readonly Candidate[]): void {
    this.#work = this.#work.then(async () => {
      for (const candidate of candidates) {
        // One that belongs to an offer we ignored, or is malformed, is refused by the browser: no harm done.
        await this.#connection.addIceCandidate(candidate).catch(() => this.#options.onDropped('candidate-refused'));
      }
    });
  }

  setTrack(kind: PublicationKind, track: MediaStreamTrack | undefined): void {
    this.#tracks[kind] = track;
    const place = this.#places.get(kind);
    if (place) this.#fill(kind, place);
  }

  setCameraEncoding(encoding: RTCRtpEncodingParameters): void {
    if (encoding.maxBitrate === this.#cameraEncoding.maxBitrate) return;
    this.#cameraEncoding = encoding;
    this.#limit();
  }

  stats(): Promise<RTCStatsReport> {
    return this.#connection.getStats();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#starting);
    this.#unlisten.abort();
    this.#candidates.close();
    this.#connection.close();
  }

  #addPlace(kind: PublicationKind): void {
    const track = this.#tracks[kind];
    const sendEncodings = kind === 'camera' ? [this.#encoding()] : [];
    const place = this.#connection.addTransceiver(track ?? MEDIA_KINDS[kind], { direction: 'sendrecv', sendEncodings });
    this.#places.set(kind, place);
  }

  /** The offer's places, in its order: the first of each medium is that kind's. */
  #takePlaces(): void {
    for (const kind of PUBLICATION_KINDS) {
      if (this.#places.has(kind)) continue;
      const place = this.#connection
        .getTransceivers()
        .find(({ receiver, mid }) => mid !== null && receiver.track.kind === MEDIA_KINDS[kind]);
      if (!place) continue;
      this.#places.set(kind, place);
      place.direction = 'sendrecv';
      this.#fill(kind, place);
      if (kind === 'camera') this.#limit();
      this.#options.onTrack(kind, place.receiver.track);
    }
  }

  #fill(kind: PublicationKind, place: RTCRtpTransceiver): void {
    place.sender.replaceTrack(this.#tracks[kind] ?? null).catch(() => this.#drop('track-refused'));
  }

  #encoding(): RTCRtpEncodingParameters {
    const { scaleResolutionDownBy = 1 } = this.#cameraEncoding;
    const scale = this.#isStarted ? scaleResolutionDownBy : Math.max(scaleResolutionDownBy, START_SCALE);
    return { ...this.#cameraEncoding, scaleResolutionDownBy: scale };
  }

  #limit(): void {
    const sender = this.#places.get('camera')?.sender;
    const parameters = sender?.getParameters();
    const first = parameters?.encodings?.[0];
    if (!sender || !parameters || !first) return;
    Object.assign(first, this.#encoding());
    sender.setParameters(parameters).catch(() => this.#drop('encoding-refused'));
  }

  #started(): void {
    this.#isStarted = true;
    this.#limit();
  }

  async #describe(report: (sdp: string) => void): Promise<void> {
    this.#candidates.hold();
    await this.#connection.setLocalDescription();
    const sdp = this.#connection.localDescription?.sdp ?? '';
    if (this.#isClosed) return;
    report(sdp);
    this.#candidates.release(sdp);
  }

  #enqueue(work: PeerLinkWork, round: number, carryOut: () => Promise<void>): void {
    this.#work = this.#work.then(carryOut).catch(() => {
      if (!this.#isClosed) this.#options.onFailed(work, round);
    });
  }

  #foundCandidate(candidate: RTCIceCandidate | null): void {
    if (!candidate) {
      this.#candidates.flush();
      return;
    }
    const { sdpMid, sdpMLineIndex, usernameFragment } = candidate;
    this.#candidates.add({ candidate: candidate.candidate, sdpMid, sdpMLineIndex, usernameFragment });
  }

  #foundTrack(transceiver: RTCRtpTransceiver): void {
    for (const [kind, place] of this.#places) {
      if (place === transceiver) this.#options.onTrack(kind, transceiver.receiver.track);
    }
  }

  #changedState(): void {
    const { connectionState } = this.#connection;
    if (connectionState === 'connected') this.#starting ??= setTimeout(() => this.#started(), START_MS);
    if (connectionState !== 'closed') this.#options.onTransport(connectionState);
  }

  #drop(reason: string): void {
    if (!this.#isClosed) this.#options.onDropped(reason);
  }
}
