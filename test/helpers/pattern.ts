/**
 * A camera whose pictures can be checked: each shows its number in black and white squares, and every square once more
 * inverted. What is read back at the other end is a picture that was sent, or it is not. From one picture to the next one square
 * changes (Gray code): where all change at once, an encoder with few bits sends blurred ones of its own accord, and what was to be
 * seen is what the seal does to a picture.
 */
import type { TestPage } from './browsers.ts';
import { TONE_HZ } from './browsers.ts';

/** Squares in a row: so many bits of the number. */
const BITS = 12;
const WIDTH = 320;
const HEIGHT = 180;

const FPS = 20;

type Options = {
  readonly bits: number;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly tone_hz: number;
  readonly codec: string;
};

/**
 * Runs in the page before anything else: in the place of the devices a canvas with the pattern and a tone. `codec`: the
 * only one that the browser then admits to, as `video/VP8`; empty = as it is.
 */
function install({ bits, width, height, fps, tone_hz, codec }: Options): void {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  let number = 0;
  // Taken when we say so: by itself Firefox takes pictures only of what it composes, and of that not all.
  const requests = new Map<MediaStreamTrack, () => void>();
  const draw = (): void => {
    if (!context) return;
    const side = width / bits;
    for (let row = 0; row < 2; row++) {
      for (let bit = 0; bit < bits; bit++) {
        const isSet = (((number ^ (number >> 1)) >> bit) & 1) === (row === 0 ? 1 : 0);
        context.fillStyle = isSet ? '#fff' : '#000';
        context.fillRect(bit * side, (row * height) / 2, side, height / 2);
      }
    }
    number = (number + 1) % 2 ** bits;
    for (const [track, request] of requests) {
      if (track.readyState === 'live') request();
      else requests.delete(track);
    }
  };
  setInterval(draw, 1000 / fps);
  let audio: AudioContext | undefined;
  const devices = navigator.mediaDevices;
  const getUserMedia = devices.getUserMedia.bind(devices);
  // Without a loudspeaker Firefox makes no sound of its own; its fake microphone is set to the tone.
  const hasTone = !('chrome' in window);
  devices.getUserMedia = async (constraints) => {
    const stream = new MediaStream();
    if (constraints?.video) {
      const capture = canvas.captureStream(0);
      for (const track of capture.getVideoTracks()) {
        // Firefox has it on the stream
        const end = ('requestFrame' in track ? track : capture) as { requestFrame(): void };
        requests.set(track, () => end.requestFrame());
        stream.addTrack(track);
      }
    }
    if (constraints?.audio && hasTone) {
      for (const track of (await getUserMedia({ audio: true })).getTracks()) stream.addTrack(track);
    } else if (constraints?.audio) {
      audio ??= new AudioContext();
      const tone = audio.createOscillator();
      tone.frequency.value = tone_hz;
      const end = audio.createMediaStreamDestination();
      tone.connect(end);
      tone.start();
      for (const track of end.stream.getAudioTracks()) stream.addTrack(track);
    }
    return stream;
  };
  if (!codec) return;
  const all = RTCRtpReceiver.getCapabilities.bind(RTCRtpReceiver);
  RTCRtpReceiver.getCapabilities = (kind) => {
    const capabilities = all(kind);
    const codecs = capabilities?.codecs.filter(
      ({ mimeType }) => kind === 'audio' || mimeType === codec || mimeType === 'video/rtx',
    );
    return capabilities && codecs ? { ...capabilities, codecs } : null;
  };
}

/** As a script of the page, before the drop-in. `fps`: pictures a second. */
export function patternScript(codec = '', fps = FPS): string {
  const options: Options = { bits: BITS, width: WIDTH, height: HEIGHT, fps, tone_hz: TONE_HZ, codec };
  return `<script>(${String(install)})(${JSON.stringify(options)})</script>`;
}

export type PatternReading = {
  readonly read: number;
  readonly wrong: number;
  /** Of each wrong one what was wrong with it. */
  readonly faults: readonly string[];
  readonly numbers: readonly number[];
};

/**
 * Reads so many pictures of the one other participant, from the first right one on: until then there is none, or an encoder that
 * does not know its rate yet. `wrong`: those in which a square and its inverse do not fit, and those older than the one before.
 */
export async function readPattern(page: TestPage, pictures = 30): Promise<PatternReading> {
  return page.until(`${pictures} pictures`, readPictures, { bits: BITS, pictures });
}

/**
 * Until so many pictures in a row are right; what was read so far does not count any more. An encoder that does not know its rate yet
 * sends blurred ones, between right ones too.
 */
export async function settlePattern(page: TestPage, row = 10): Promise<void> {
  await page.until(`${row} right pictures in a row`, readPictures, { bits: BITS, row });
  await page.evaluate(() => {
    const { reader } = document.querySelector('tai-room') as HTMLElement & { reader?: Reader };
    if (reader) Object.assign(reader, { read: 0, wrong: 0, faults: [], numbers: [] });
  });
}

type Reader = { read: number; wrong: number; faults: string[]; numbers: number[]; row: number };

type Wanted = { bits: number; pictures?: number; row?: number };

function readPictures({ bits, pictures = 0, row = 0 }: Wanted): Reader | undefined {
  const room = document.querySelector('tai-room') as
    | (HTMLElement & { participants: readonly { videoTrack?: MediaStreamTrack }[]; reader?: Reader })
    | null;
  const track = room?.participants[0]?.videoTrack;
  if (!room || !track) return undefined;
  if (!room.reader) {
    const reader: Reader = { read: 0, wrong: 0, faults: [], numbers: [], row: 0 };
    room.reader = reader;
    const video = document.createElement('video');
    video.muted = true;
    video.srcObject = new MediaStream([track]);
    void video.play();
    const canvas = document.createElement('canvas');
    const context = canvas.getContext('2d', { willReadFrequently: true });
    let hasBegun = false;
    const look = (): void => {
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      context?.drawImage(video, 0, 0);
      let [gray, number] = [0, 0];
      const faults = context ? [] : ['no canvas'];
      for (let bit = 0; bit < bits; bit++) {
        if (!context) break;
        const side = canvas.width / bits;
        // The middle of a square: its edges are between colours.
        const light = (row: number): number => {
          const [x, y] = [(bit + 0.25) * side, (row + 0.25) * (canvas.height / 2)];
          const { data } = context.getImageData(x, y, Math.max(1, side / 2), Math.max(1, canvas.height / 4));
          let sum = 0;
          for (let i = 1; i < data.length; i += 4) sum += data[i] ?? 0;
          return (sum * 4) / data.length;
        };
        const [value, inverse] = [light(0), light(1)];
        if (Math.abs(value - inverse) < 100)
          faults.push(`square ${bit}: ${Math.round(value)} and ${Math.round(inverse)}`);
        if (value > inverse) gray += 2 ** bit;
      }
      for (let rest = gray; rest > 0; rest >>= 1) number ^= rest;
      const last = reader.numbers.at(-1);
      const ahead = last === undefined ? 0 : (number - last + 2 ** bits) % 2 ** bits;
      if (ahead > 2 ** (bits - 1)) faults.push(`${number} after ${last}`);
      const isRight = faults.length === 0;
      if (isRight) reader.numbers.push(number);
      else if (hasBegun) reader.faults.push(`${canvas.width}x${canvas.height} ${faults.join(', ')}`);
      hasBegun ||= isRight;
      reader.row = isRight ? reader.row + 1 : 0;
      reader.wrong = reader.faults.length;
      reader.read = reader.numbers.length + reader.wrong;
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  }
  return room.reader.read >= pictures && room.reader.row >= row ? room.reader : undefined;
}
