/** The page of every contender: a lobby with a live preview, a Join button, and a stopwatch. */
import type { Contender, CreateContender, PageOptions } from './contender.ts';
import { MARKS, watchConnections } from './watch.ts';
import type { Mark } from './watch.ts';

export type Sample = {
  /** From the click's own time stamp to the first frame of the remote camera on the screen. */
  readonly firstFrame_ms: number;
  /** From the click to the points on the way. */
  readonly marks_ms: Readonly<Record<Mark, number>>;
  /** Messages on the joiner's socket in both directions, from the click until 2 s after the first frame. */
  readonly messages: number;
  /** Width of the remote picture in pixels: of its first frame, and 2 s later. */
  readonly firstWidth: number;
  readonly settledWidth: number;
};

export type BenchPage = {
  /** The preview shows frames. */
  readonly lobby: Promise<void>;
  /** The host is in the room. */
  readonly joined: Promise<void>;
  readonly sample: Promise<Sample>;
};

/** So long after the first frame the join is over on the wire, and the picture ought to have its size. */
const SETTLE_MS = 2_000;

export function startPage(createContender: CreateContender): void {
  const watch = watchConnections();
  const contender = createContender(pageOptions());
  const button = document.createElement('button');
  button.id = 'join';
  button.textContent = 'Join';
  button.disabled = true;
  document.body.append(button);
  const lobby = openLobby(contender, button);
  let show: (track: MediaStreamTrack) => void = () => undefined;
  const shown = new Promise<Shown>((resolve) => {
    show = (track) => void firstFrame(track).then(resolve);
  });
  const clicked = new Promise<DOMHighResTimeStamp>((resolve) => {
    button.addEventListener('click', ({ timeStamp }) => resolve(timeStamp), { once: true });
  });
  const page: BenchPage = {
    lobby,
    joined: new Promise((resolve, reject) => {
      button.addEventListener('click', () => contender.join(show).then(resolve, reject), { once: true });
    }),
    sample: Promise.all([clicked, shown]).then(async ([clickedAt, { at, width, video }]) => {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      const marks = watch.marks();
      const since = (mark: Mark): number => (marks[mark] ?? Number.NaN) - clickedAt;
      return {
        firstFrame_ms: at - clickedAt,
        marks_ms: Object.fromEntries(MARKS.map((mark) => [mark, since(mark)])) as Record<Mark, number>,
        messages: watch.messages(),
        firstWidth: width,
        settledWidth: video.videoWidth,
      };
    }),
  };
  Object.assign(globalThis, { benchPage: page });
}

function pageOptions(): PageOptions {
  const entries = new URLSearchParams(location.hash.slice(1));
  return {
    role: entries.get('role') === 'host' ? 'host' : 'guest',
    relay: entries.get('relay') ?? '',
    room: entries.get('room') ?? '',
  };
}

async function openLobby(contender: Contender, button: HTMLButtonElement): Promise<void> {
  const [track] = (await contender.openCamera()).getVideoTracks();
  if (!track) throw new Error('no camera');
  await firstFrame(track);
  button.disabled = false;
}

type Shown = { readonly at: DOMHighResTimeStamp; readonly width: number; readonly video: HTMLVideoElement };

/** Resolves when the track's first decoded frame was presented. */
function firstFrame(track: MediaStreamTrack): Promise<Shown> {
  const video = document.createElement('video');
  video.muted = true;
  video.autoplay = true;
  video.playsInline = true;
  video.width = 320;
  video.srcObject = new MediaStream([track]);
  document.body.append(video);
  return new Promise((resolve) => {
    video.requestVideoFrameCallback((_now, { width }) => resolve({ at: performance.now(), width, video }));
  });
}
