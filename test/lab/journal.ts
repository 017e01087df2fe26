/** What a page writes down of its own join: when what came to be, and which ways it has found. Runs in the page, before the drop-in. */
import type { TestPage } from '../helpers/browsers.ts';

/** In the order in which they come about. */
export const MARKS = ['joined', 'linked', 'answered', 'relayFound', 'iceConnected', 'connected', 'firstFrame'] as const;
export type Mark = (typeof MARKS)[number];

export type Journal = {
  /** Milliseconds from the click on Join: the first time of each. */
  readonly marks: { readonly [Each in Mark]?: number };
  /** Our candidates in the order of their coming: milliseconds, and as `relay/tcp`. */
  readonly candidates: readonly (readonly [number, string])[];
  /** Connections made; more than one: the first did not come to stand. */
  readonly connections: number;
  /** States of ICE in their order, of all connections. */
  readonly states: readonly (readonly [number, string])[];
};

type Kept = {
  clickedAt: number;
  marks: Partial<Record<Mark, number>>;
  candidates: [number, string][];
  connections: number;
  states: [number, string][];
  opened: RTCPeerConnection[];
};

function install(): void {
  const kept: Kept = { clickedAt: 0, marks: {}, candidates: [], connections: 0, states: [], opened: [] };
  Object.assign(window, { journal: kept });
  const since = (): number => performance.now() - kept.clickedAt;
  const mark = (name: Mark): void => {
    if (kept.clickedAt > 0) kept.marks[name] ??= since();
  };
  // the last one before the room comes about: that on Join
  addEventListener('click', (event) => void (kept.clickedAt ||= event.timeStamp), { capture: true });
  addEventListener('tai-join', () => mark('joined'), { capture: true });
  const show = (track: MediaStreamTrack): void => {
    if (track.kind !== 'video') return;
    const video = document.createElement('video');
    video.muted = true;
    video.srcObject = new MediaStream([track]);
    void video.play().catch(() => undefined);
    video.requestVideoFrameCallback(() => mark('firstFrame'));
  };
  const Plain = RTCPeerConnection;
  window.RTCPeerConnection = class extends Plain {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      kept.connections += 1;
      kept.opened.push(this);
      mark('linked');
      this.addEventListener('track', ({ track }) => show(track));
      this.addEventListener('icecandidate', ({ candidate }) => {
        if (!candidate?.type) return;
        const { type, protocol } = candidate;
        const { relayProtocol } = candidate as { relayProtocol?: string };
        if (type === 'relay') mark('relayFound');
        kept.candidates.push([since(), `${type}/${relayProtocol || protocol || ''}`]);
      });
      this.addEventListener('signalingstatechange', () => {
        if (this.signalingState === 'stable') mark('answered');
      });
      this.addEventListener('iceconnectionstatechange', () => {
        kept.states.push([since(), this.iceConnectionState]);
        if (this.iceConnectionState === 'connected') mark('iceConnected');
      });
      this.addEventListener('connectionstatechange', () => {
        if (this.connectionState === 'connected') mark('connected');
      });
    }
  };
}

export function journalScript(): string {
  return `<script>(${String(install)})()</script>`;
}

export function readJournal(page: TestPage): Promise<Journal> {
  return page.evaluate(() => {
    const { marks, candidates, connections, states } = (window as unknown as { journal: Journal }).journal;
    return { marks, candidates, connections, states };
  });
}

/** Until the first frame of somebody else was on the screen. */
export async function firstFrame(page: TestPage): Promise<Journal> {
  await page.until('a first frame', () => {
    const { journal } = window as unknown as { journal: Journal };
    return journal.marks.firstFrame !== undefined;
  });
  return readJournal(page);
}
