/**
 * One person of the measured call: the engine as it is, or the same engine without its transforms; a camera whose pictures carry the
 * time at which they were taken, and a reader of the pictures that arrive.
 */
import { browserPorts } from '../../src/engine/browser-ports.ts';
import { resolveRoom } from '../../src/engine/index.ts';
import type { Session, SessionView } from '../../src/engine/index.ts';
import type { Ports } from '../../src/engine/ports.ts';
import { RoomSession } from '../../src/engine/room-session.ts';
import { readStamp, startCamera } from './camera.ts';
import { passedPorts, unsealedPorts } from './unsealed.ts';

/** What one page has seen since it was asked to begin. */
export type PageReading = {
  /** From taking a picture to having it decoded at the other end, milliseconds, a sample a picture. */
  readonly latencies_ms: readonly number[];
  readonly sent: number;
  readonly decoded: number;
  /** Frames that did not open. */
  readonly lost: number;
  /** Width of the pictures that arrive. */
  readonly width: number;
};

export type PipelinePage = {
  /** Everybody's pictures arrive, at their full width. */
  readonly ready: (others: number, width: number) => Promise<void>;
  readonly begin: () => Promise<void>;
  readonly end: () => Promise<PageReading>;
};

/** Chromium's; not in TypeScript's library. */
declare class MediaStreamTrackProcessor {
  constructor(init: { track: MediaStreamTrack });
  readonly readable: ReadableStream<VideoFrame>;
}

const POLL_MS = 100;
const PORTS: Readonly<Record<string, () => Ports>> = { unsealed: unsealedPorts, passed: passedPorts };

const options = new URLSearchParams(location.hash.slice(1));
const text = (name: string): string => options.get(name) ?? '';
const shape = { width: Number(text('width')), height: Number(text('height')), fps: Number(text('fps')) };

let session: Session | undefined;
let latencies: number[] = [];
let width = 0;
let before = { sent: 0, decoded: 0, lost: 0 };
const read = new Set<MediaStreamTrack>();

const page: PipelinePage = {
  ready: async (others, wanted) => {
    for (;;) {
      const arriving = session?.view.participants.filter(({ videoTrack }) => videoTrack) ?? [];
      if (arriving.length === others && width === wanted && latencies.length > shape.fps) return;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  },
  begin: async () => {
    before = await figures();
    latencies = [];
  },
  end: async () => {
    const after = await figures();
    return {
      latencies_ms: latencies,
      sent: after.sent - before.sent,
      decoded: after.decoded - before.decoded,
      lost: after.lost - before.lost,
      width,
    };
  },
};
Object.assign(globalThis, { pipelinePage: page });
await start();

async function start(): Promise<void> {
  startCamera(shape);
  const bytes =
    text('room')
      .match(/../g)
      ?.map((digits) => Number.parseInt(digits, 16)) ?? [];
  const relay = text('relay');
  const room = await resolveRoom({ relay, roomSecret: Uint8Array.from(bytes) });
  if (!room) throw new Error('no room');
  session = new RoomSession({ relay, room }, PORTS[text('mode')]?.() ?? browserPorts);
  session.dispatch({ type: 'open-lobby', microphone: true, camera: true });
  session.dispatch({ type: 'join' });
  session.subscribe(follow);
}

function follow({ participants }: SessionView): void {
  for (const { videoTrack } of participants) {
    if (!videoTrack || read.has(videoTrack)) continue;
    read.add(videoTrack);
    void readTrack(videoTrack);
  }
}

/** Straight from the decoder: nothing is drawn, and no screen's rhythm is in the figures. */
async function readTrack(track: MediaStreamTrack): Promise<void> {
  const { readable } = new MediaStreamTrackProcessor({ track });
  const reader = readable.getReader();
  for (;;) {
    const { done, value: frame } = await reader.read();
    if (done) return;
    const arrivedAt = performance.timeOrigin + performance.now();
    width = frame.codedWidth;
    const latency_ms = await readStamp(frame, arrivedAt);
    frame.close();
    if (latency_ms !== undefined) latencies.push(latency_ms);
  }
}

async function figures(): Promise<{ sent: number; decoded: number; lost: number }> {
  const stats = await session?.getStats();
  const sum = { sent: 0, decoded: 0, lost: 0 };
  for (const peer of Object.values(stats?.peers ?? {})) {
    sum.sent += peer.framesSentByStats;
    sum.decoded += peer.framesDecoded;
    // one that came twice was not lost
    for (const [reason, count] of Object.entries(peer.framesDropped)) if (reason !== 'replayed') sum.lost += count;
  }
  return sum;
}
