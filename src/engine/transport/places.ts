/** The fixed places (m-lines) of our publications in one connection: what each sends, and at what cost. */
import { PUBLICATION_KINDS } from '../protocol/peer.ts';
import type { PublicationKind } from '../protocol/peer.ts';

/**
 * A connection begins with a guess of 300 kb/s for the path. For a big picture Chromium then throws its first frames away
 * one by one, each for a smaller one, and takes more than ten seconds to grow back. So the camera starts at a size that
 * the guess can bear, and gets its own once the connection has measured the path.
 */
const START_SCALE = 4;

const MEDIA_KINDS: Record<PublicationKind, 'audio' | 'video'> = { microphone: 'audio', camera: 'video' };

export type PlacesOptions = {
  readonly connection: RTCPeerConnection;
  readonly tracks: { readonly [Kind in PublicationKind]?: MediaStreamTrack };
  readonly cameraEncoding: RTCRtpEncodingParameters;
  onTrack(kind: PublicationKind, track: MediaStreamTrack): void;
  onDropped(reason: string): void;
};

export class Places {
  readonly #options: PlacesOptions;
  readonly #places = new Map<PublicationKind, RTCRtpTransceiver>();
  readonly #tracks: { [Kind in PublicationKind]?: MediaStreamTrack | undefined };
  #cameraEncoding: RTCRtpEncodingParameters;
  #isStarted = false;
  /** One change of parameters at a time: a second one would be refused with the first one's answer on its way. */
  #isLimiting = false;
  #isLimitDue = false;

  constructor(options: PlacesOptions) {
    this.#options = options;
    this.#tracks = { ...options.tracks };
    this.#cameraEncoding = options.cameraEncoding;
  }

  /** For an offer of ours on a new connection. */
  add(): void {
    if (this.#places.size > 0) return;
    for (const kind of PUBLICATION_KINDS) {
      const track = this.#tracks[kind] ?? MEDIA_KINDS[kind];
      const sendEncodings = kind === 'camera' ? [this.#encoding()] : [];
      const place = this.#options.connection.addTransceiver(track, { direction: 'sendrecv', sendEncodings });
      this.#places.set(kind, place);
    }
  }

  /** The places of the peer's offer, in its order: the first of each medium is that kind's. */
  take(): void {
    for (const kind of PUBLICATION_KINDS) {
      if (this.#places.has(kind)) continue;
      const place = this.#options.connection
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

  kindOf(transceiver: RTCRtpTransceiver): PublicationKind | undefined {
    return PUBLICATION_KINDS.find((kind) => this.#places.get(kind) === transceiver);
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

  /** The path has been measured: the camera may have its own size. */
  start(): void {
    this.#isStarted = true;
    this.#limit();
  }

  #fill(kind: PublicationKind, place: RTCRtpTransceiver): void {
    place.sender.replaceTrack(this.#tracks[kind] ?? null).catch(() => this.#options.onDropped('track-refused'));
  }

  #encoding(): RTCRtpEncodingParameters {
    const { scaleResolutionDownBy = 1 } = this.#cameraEncoding;
    const scale = this.#isStarted ? scaleResolutionDownBy : Math.max(scaleResolutionDownBy, START_SCALE);
    return { ...this.#cameraEncoding, scaleResolutionDownBy: scale };
  }

  #limit(): void {
    const sender = this.#places.get('camera')?.sender;
    if (!sender) return;
    this.#isLimitDue = this.#isLimiting;
    if (this.#isLimiting) return;
    // In the same task: before a description that is made next lets the encoder start.
    const parameters = sender.getParameters();
    const first = parameters.encodings?.[0];
    if (!first) return;
    Object.assign(first, this.#encoding());
    this.#isLimiting = true;
    sender
      .setParameters(parameters)
      .catch(() => this.#options.onDropped('encoding-refused'))
      .finally(() => {
        this.#isLimiting = false;
        if (this.#isLimitDue) this.#limit();
      });
  }
}
