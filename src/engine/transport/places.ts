/**
 * The fixed places (m-lines) of our publications in one connection: what each sends, and at what cost. Both ends of a place
 * get their transforms in the task that made them, and no track before the worker has said that it seals: until then
 * there is nothing that could leave in the clear.
 */
import { PUBLICATION_KINDS } from '../protocol/peer.ts';
import type { PublicationKind } from '../protocol/peer.ts';
import type { TransformAddress } from '../protocol/worker.ts';
import { sealableCodecs } from './codecs.ts';

/**
 * A connection begins with a guess of 300 kb/s for the path. For a big picture Chromium then throws its first frames away
 * one by one, each for a smaller one, and takes more than ten seconds to grow back. So the camera starts at a size that
 * the guess can bear, and gets its own once the connection has measured the path.
 */
const START_SCALE = 4;

export type StreamEnd = Omit<TransformAddress, 'link'>;

const MEDIA_KINDS: Record<PublicationKind, 'audio' | 'video'> = { microphone: 'audio', camera: 'video' };

export type PlacesOptions = {
  readonly connection: RTCPeerConnection;
  readonly tracks: { readonly [Kind in PublicationKind]?: MediaStreamTrack };
  readonly cameraEncoding: RTCRtpEncodingParameters;
  /** Sends nothing until it is told to. */
  readonly isIdle: boolean;
  /** Puts the worker's transform into a sender or receiver. Throws where it cannot. */
  guard(end: RTCRtpSender | RTCRtpReceiver, on: StreamEnd): void;
  onTrack(kind: PublicationKind, track: MediaStreamTrack): void;
  onDropped(reason: string): void;
};

export class Places {
  readonly #options: PlacesOptions;
  readonly #places = new Map<PublicationKind, RTCRtpTransceiver>();
  readonly #tracks: { [Kind in PublicationKind]?: MediaStreamTrack | undefined };
  /** Whose frames are sealed: only these get tracks. */
  readonly #sealed = new Set<PublicationKind>();
  #cameraEncoding: RTCRtpEncodingParameters;
  #isStarted = false;
  #isSilenced = false;
  #isIdle: boolean;
  /** One change of parameters at a time: a second one would be refused with the first one's answer on its way. */
  #isLimiting = false;
  #isLimitDue = false;

  constructor(options: PlacesOptions) {
    this.#options = options;
    this.#tracks = { ...options.tracks };
    this.#cameraEncoding = options.cameraEncoding;
    this.#isIdle = options.isIdle;
  }

  /** For an offer of ours on a new connection. */
  add(): void {
    if (this.#places.size > 0) return;
    for (const kind of PUBLICATION_KINDS) {
      const sendEncodings = kind === 'camera' ? [this.#encoding()] : [];
      const init = { direction: 'sendrecv', sendEncodings } as const;
      this.#keep(kind, this.#options.connection.addTransceiver(MEDIA_KINDS[kind], init));
    }
  }

  /** The browser tells of a place, in the same task: one of the peer's offer (the first of each medium is that kind's), or ours. */
  meet(place: RTCRtpTransceiver): void {
    const kind = PUBLICATION_KINDS.find((each) => MEDIA_KINDS[each] === place.receiver.track.kind);
    if (!kind || (this.#places.get(kind) ?? place) !== place) {
      // more than we have a use for: it carries nothing, in either direction
      place.direction = 'inactive';
      return;
    }
    if (!this.#places.has(kind)) {
      this.#keep(kind, place);
      place.direction = 'sendrecv';
      if (kind === 'camera') this.#limit();
    }
    this.#options.onTrack(kind, place.receiver.track);
  }

  /** The worker seals what this place sends: its track may come. */
  setSealed(kind: PublicationKind): void {
    this.#sealed.add(kind);
    const place = this.#places.get(kind);
    if (place) this.#fill(kind, place);
  }

  /** Nothing is sent from here any more. */
  silence(): void {
    this.#isSilenced = true;
    for (const place of this.#places.values()) place.sender.replaceTrack(null).catch(() => place.stop());
  }

  /** `false`: it was so already. */
  setIdle(isIdle: boolean): boolean {
    if (isIdle === this.#isIdle) return false;
    this.#isIdle = isIdle;
    this.#isStarted = false;
    this.#limit();
    for (const [kind, place] of this.#places) this.#fill(kind, place);
    return true;
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

  /** Throws where it cannot be guarded: then the place is gone for good. */
  #keep(kind: PublicationKind, place: RTCRtpTransceiver): void {
    const stream = PUBLICATION_KINDS.indexOf(kind);
    try {
      this.#options.guard(place.sender, { stream, side: 'seal' });
      this.#options.guard(place.receiver, { stream, side: 'open' });
    } catch (error) {
      place.stop();
      throw error;
    }
    this.#places.set(kind, place);
    const codecs = sealableCodecs(MEDIA_KINDS[kind]);
    if (codecs.length > 0) place.setCodecPreferences(codecs);
  }

  #fill(kind: PublicationKind, place: RTCRtpTransceiver): void {
    const isSending = this.#sealed.has(kind) && !this.#isSilenced && !this.#isIdle;
    const track = isSending ? this.#tracks[kind] : undefined;
    place.sender.replaceTrack(track ?? null).catch(() => this.#options.onDropped('track-refused'));
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
    const [first, ...others] = parameters.encodings ?? [];
    if (!first) return;
    Object.assign(first, this.#encoding());
    // a peer's offer can ask for several: we send one
    for (const other of others) other.active = false;
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
