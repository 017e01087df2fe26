/** How loud a microphone is, told a few times a second. */
const MEASURE_MS = 80;
/** Loudness is felt by ratios: from -60 dBFS (nothing) to -12 dBFS (full). */
const FLOOR_DB = -60;
const FULL_DB = -12;

/**
 * Calls `onLevel` with 0 to 1 until the returned function is called. Silent where the browser lets no AudioContext run;
 * `undefined` where it cannot listen to this track at all, as Firefox with two sample rates.
 */
export function measureLevel(
  track: MediaStreamTrack,
  onLevel: (level: number) => void,
  createContext: () => AudioContext = () => new AudioContext(),
): (() => void) | undefined {
  let context: AudioContext | undefined;
  try {
    context = createContext();
    return measure(context, track, onLevel);
  } catch {
    if (context) release(context);
    return undefined;
  }
}

function measure(context: AudioContext, track: MediaStreamTrack, onLevel: (level: number) => void): () => void {
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    const decibels = 10 * Math.log10(sum / samples.length);
    onLevel(Math.min(1, Math.max(0, (decibels - FLOOR_DB) / (FULL_DB - FLOOR_DB))));
  }, MEASURE_MS);
  return () => {
    clearInterval(timer);
    release(context);
  };
}

function release(context: AudioContext): void {
  // one that is closed already has nothing to give back
  context.close().catch(() => {});
}
