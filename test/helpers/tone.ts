/** Whether the sound that arrives is the sound that was sent: by the loudest frequency in it. */
import type { TestPage } from './browsers.ts';
import { TONE_HZ } from './pattern.ts';

const WINDOW_SAMPLES = 4096;
/** So many windows in a row; what is found once may be chance. */
const WINDOWS = 5;
/** Below it there is silence. */
const LEVEL_MIN_DB = -60;

export type ToneReading = {
  /** Of the loudest bin, window by window. */
  readonly peaks_hz: readonly number[];
  readonly bin_hz: number;
};

type Options = { readonly samples: number; readonly windows: number; readonly level_db: number };

/** Reads the sound of the one other participant, once there is some. */
export function readTone(page: TestPage): Promise<ToneReading> {
  return page.until('sound', readPeaks, { samples: WINDOW_SAMPLES, windows: WINDOWS, level_db: LEVEL_MIN_DB });
}

/** Windows whose loudest frequency is not the tone that was sent, to one bin. */
export function wrongWindows({ peaks_hz, bin_hz }: ToneReading): readonly number[] {
  return peaks_hz.filter((peak_hz) => Math.abs(peak_hz - TONE_HZ) > bin_hz);
}

function readPeaks({ samples, windows, level_db }: Options): ToneReading | undefined {
  type Listener = { readonly analyser: AnalyserNode; readonly peaks_hz: number[]; lastAt_s: number };
  const room = document.querySelector('tai-room') as
    | (HTMLElement & { participants: readonly { audioTrack?: MediaStreamTrack }[]; listener?: Listener })
    | null;
  const track = room?.participants[0]?.audioTrack;
  if (!room || !track) return undefined;
  if (!room.listener) {
    const stream = new MediaStream([track]);
    // Chromium decodes nothing that no element plays
    const audio = new Audio();
    audio.muted = true;
    audio.srcObject = stream;
    void audio.play();
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = samples;
    analyser.smoothingTimeConstant = 0;
    context.createMediaStreamSource(stream).connect(analyser);
    room.listener = { analyser, peaks_hz: [], lastAt_s: 0 };
  }
  const { analyser, peaks_hz, lastAt_s } = room.listener;
  const { currentTime, sampleRate } = analyser.context;
  // the same samples are not looked at twice
  if (currentTime - lastAt_s < samples / sampleRate) return undefined;
  room.listener.lastAt_s = currentTime;
  const levels = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(levels);
  const loudest = levels.reduce((best, level, i) => (level > (levels[best] ?? -Infinity) ? i : best), 0);
  const bin_hz = sampleRate / samples;
  // silence before the first packet begins the row anew
  if ((levels[loudest] ?? -Infinity) < level_db) peaks_hz.length = 0;
  else peaks_hz.push(loudest * bin_hz);
  return peaks_hz.length >= windows ? { peaks_hz, bin_hz } : undefined;
}
