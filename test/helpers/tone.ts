/**
 * Whether the sound that arrives is the sound that was sent: by the loudest frequency in it. It is recorded and decoded, which
 * needs no loudspeaker; without one, Firefox's live graph stands still.
 */
import type { TestPage } from './browsers.ts';
import { TONE_HZ } from './browsers.ts';

const WINDOW_SAMPLES = 4096;
/** So many windows; what is found once may be chance. */
const WINDOWS = 5;
const RECORDED_MS = 1_200;
/** Higher ones are no tone of ours. */
const HIGHEST_HZ = 2_000;
/** Of the largest sample; below it there is silence. */
const LEVEL_MIN = 0.01;

export type ToneReading = {
  /** Of the loudest bin, window by window. */
  readonly peaks_hz: readonly number[];
  readonly bin_hz: number;
};

type Options = {
  readonly samples: number;
  readonly windows: number;
  readonly recorded_ms: number;
  readonly highest_hz: number;
  readonly level: number;
};

/** Reads the sound of the one other participant, once there is some. */
export function readTone(page: TestPage): Promise<ToneReading> {
  return page.until('sound', readPeaks, {
    samples: WINDOW_SAMPLES,
    windows: WINDOWS,
    recorded_ms: RECORDED_MS,
    highest_hz: HIGHEST_HZ,
    level: LEVEL_MIN,
  });
}

/** Windows whose loudest frequency is not the tone that was sent, to one bin. */
export function wrongWindows({ peaks_hz, bin_hz }: ToneReading): readonly number[] {
  return peaks_hz.filter((peak_hz) => Math.abs(peak_hz - TONE_HZ) > bin_hz);
}

async function readPeaks(options: Options): Promise<ToneReading | undefined> {
  const { samples, windows, recorded_ms, highest_hz, level } = options;
  const track = document.querySelector('tai-room')?.participants[0]?.audioTrack;
  if (!track) return undefined;
  const recorder = new MediaRecorder(new MediaStream([track]));
  const parts: Blob[] = [];
  recorder.addEventListener('dataavailable', ({ data }) => parts.push(data));
  const stopped = new Promise((resolve) => recorder.addEventListener('stop', resolve));
  recorder.start();
  setTimeout(() => recorder.stop(), recorded_ms);
  await stopped;
  const context = new OfflineAudioContext(1, 1, 48_000);
  const sound = await context.decodeAudioData(await new Blob(parts).arrayBuffer());
  const all = sound.getChannelData(0);
  const bin_hz = sound.sampleRate / samples;
  const peaks_hz: number[] = [];
  // the last ones: at the start there may be silence
  for (let at = all.length - windows * samples; at >= 0 && at + samples <= all.length; at += samples) {
    const window = all.subarray(at, at + samples);
    if (window.every((each) => Math.abs(each) < level)) return undefined;
    let [loudest, most] = [0, 0];
    for (let bin = 1; bin * bin_hz < highest_hz; bin++) {
      let [re, im] = [0, 0];
      for (const [i, each] of window.entries()) {
        // Hann's window: an edge would be heard as all frequencies
        const weighed = each * (1 - Math.cos((2 * Math.PI * i) / samples));
        re += weighed * Math.cos((2 * Math.PI * bin * i) / samples);
        im += weighed * Math.sin((2 * Math.PI * bin * i) / samples);
      }
      const power = re * re + im * im;
      if (power > most) [loudest, most] = [bin, power];
    }
    peaks_hz.push(loudest * bin_hz);
  }
  return peaks_hz.length === windows ? { peaks_hz, bin_hz } : undefined;
}
