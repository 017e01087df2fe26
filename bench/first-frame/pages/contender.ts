/** What a contender's page has to bring; everything else about the pages is the same for all. */

/** The camera and microphone that all contenders ask for: the engine's own constraints. */
export const CONSTRAINTS: MediaStreamConstraints = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  video: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } },
};

/** How the engine sends to one peer; given to every contender that can be told. */
export const CAMERA_ENCODING: RTCRtpEncodingParameters = {
  maxBitrate: 1_700_000,
  maxFramerate: 30,
  scaleResolutionDownBy: 1,
};

export type PageOptions = {
  /** `host` is in the room before; `guest` is the one whose Join is timed. */
  readonly role: 'host' | 'guest';
  /** Address of the contender's own relay. */
  readonly relay: string;
  /** New for every round: 32 random bytes in hexadecimal digits. */
  readonly room: string;
};

export type Contender = {
  /** For the preview; once it is live, the lobby is ready. */
  openCamera(): Promise<MediaStream>;
  /** Resolves (host) once others can join. `onVideo` may be called again with a newer track. */
  join(onVideo: (track: MediaStreamTrack) => void): Promise<void>;
};

export type CreateContender = (options: PageOptions) => Contender;

export function openCamera(): Promise<MediaStream> {
  return navigator.mediaDevices.getUserMedia(CONSTRAINTS);
}
