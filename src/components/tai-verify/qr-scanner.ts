/** Reads a QR code from a camera: with the browser's own detector, or with one that is fetched when it has none. */
import type { StringKey } from '../internal/strings.ts';

/** Looks once; `undefined` where there is no code in the picture. */
export type QrReader = (video: HTMLVideoElement) => Promise<string | undefined>;

/** The way to camera and detector; a test puts its own in its place. */
export type ScannerPort = {
  /** `live`: the call's own camera where it runs, of which the scanner then takes a copy. Rejects as `getUserMedia` does. */
  openCamera(live: MediaStreamTrack | undefined): Promise<MediaStreamTrack>;
  /** Rejects where no detector can be fetched. */
  createReader(): Promise<QrReader>;
};

/** Between two looks: a hand needs longer to hold still, and the call needs the processor. */
const LOOK_EVERY_MS = 120;
/** Side of the picture that is searched by our own detector. */
const PICTURE_PX = 640;

/** WICG Shape Detection API, Barcode Detection. */
type Detector = { detect(video: HTMLVideoElement): Promise<readonly { readonly rawValue: string }[]> };
type DetectorClass = {
  new (options: { readonly formats: readonly string[] }): Detector;
  getSupportedFormats(): Promise<readonly string[]>;
};

export const browserScanner: ScannerPort = {
  async openCamera(live) {
    // a second capture would take a phone's one camera away from the call
    if (live?.readyState === 'live') return live.clone();
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: { ideal: 'environment' } } });
    const [track] = stream.getVideoTracks();
    if (!track) throw new DOMException('no video track', 'NotFoundError');
    return track;
  },
  async createReader() {
    // no type of TypeScript's knows it yet
    const { BarcodeDetector } = globalThis as { BarcodeDetector?: DetectorClass };
    const own = await ownReader(BarcodeDetector);
    return own ? withFallback(own) : fetchedReader();
  },
};

/** One that fails once would fail with every picture. */
function withFallback(own: QrReader): QrReader {
  let read = own;
  return async (video) => {
    try {
      return await read(video);
    } catch {
      if (read === own) read = await fetchedReader();
      return undefined;
    }
  };
}

/** Some browsers have the class and no detector behind it: the list of formats is then empty, or asking for it fails. */
async function ownReader(Detector: DetectorClass | undefined): Promise<QrReader | undefined> {
  try {
    if (!Detector || !(await Detector.getSupportedFormats()).includes('qr_code')) return undefined;
    const detector = new Detector({ formats: ['qr_code'] });
    return async (video) => (await detector.detect(video))[0]?.rawValue;
  } catch {
    return undefined;
  }
}

async function fetchedReader(): Promise<QrReader> {
  const { decodeQR } = await import('qr/decode.js');
  const canvas = document.createElement('canvas');
  canvas.width = PICTURE_PX;
  canvas.height = PICTURE_PX;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new DOMException('no canvas', 'NotSupportedError');
  return async (video) => {
    const side = Math.min(video.videoWidth, video.videoHeight);
    const [x, y] = [(video.videoWidth - side) / 2, (video.videoHeight - side) / 2];
    context.drawImage(video, x, y, side, side, 0, 0, PICTURE_PX, PICTURE_PX);
    try {
      return decodeQR(context.getImageData(0, 0, PICTURE_PX, PICTURE_PX));
    } catch {
      return undefined; // its way to say that there is none
    }
  };
}

/**
 * Looks until `take` has what it wants, or `signal` ends it; a look that fails is one that found nothing. Resolves either
 * way, and when the camera is gone.
 */
export async function look(
  video: HTMLVideoElement,
  track: MediaStreamTrack,
  read: QrReader,
  take: (text: string) => boolean,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted && track.readyState === 'live') {
    const text = video.videoWidth > 0 ? await read(video).catch(() => undefined) : undefined;
    if (signal.aborted || (text !== undefined && take(text))) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

const CAMERA_ERRORS: { readonly [name: string]: StringKey } = {
  NotAllowedError: 'error-permission-denied',
  NotFoundError: 'error-device-not-found',
  NotReadableError: 'error-device-in-use',
};

/** The sentence for what keeps the scanner from its camera or its detector. */
export function cameraErrorKey(error: unknown): StringKey {
  return (error instanceof DOMException && CAMERA_ERRORS[error.name]) || 'error';
}
