/** What a page has opened and not closed: connections, tracks and workers, by its own books; and elements, by the browser's. */
import type { TestPage } from './browsers.ts';

export type Open = { readonly connections: number; readonly tracks: number; readonly workers: number };

type Books = { open(): Open };

/** Runs in the page before anything else. */
function install(): void {
  const connections = new Set<RTCPeerConnection>();
  const workers = new Set<Worker>();
  // nothing is kept alive by being counted
  const tracks: WeakRef<MediaStreamTrack>[] = [];
  const note = (track: MediaStreamTrack): void => void tracks.push(new WeakRef(track));
  const Connection = RTCPeerConnection;
  window.RTCPeerConnection = class extends Connection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      connections.add(this);
      this.addEventListener('track', ({ track }) => note(track));
    }
    override close(): void {
      connections.delete(this);
      super.close();
    }
  };
  const Thread = Worker;
  window.Worker = class extends Thread {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      workers.add(this);
    }
    override terminate(): void {
      workers.delete(this);
      super.terminate();
    }
  };
  const devices = navigator.mediaDevices;
  const getUserMedia = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (constraints) => {
    const stream = await getUserMedia(constraints);
    for (const track of stream.getTracks()) note(track);
    return stream;
  };
  const { clone } = MediaStreamTrack.prototype;
  MediaStreamTrack.prototype.clone = function (this: MediaStreamTrack) {
    const copy = clone.call(this);
    note(copy);
    return copy;
  };
  const books: Books = {
    open: () => ({
      connections: connections.size,
      tracks: tracks.filter((track) => track.deref()?.readyState === 'live').length,
      workers: workers.size,
    }),
  };
  Object.assign(window, { books });
}

/** As a script of the page, before the drop-in. */
export function booksScript(): string {
  return `<script>(${String(install)})()</script>`;
}

export function openIn(page: TestPage): Promise<Open> {
  return page.evaluate(() => (window as unknown as { books: Books }).books.open());
}

/** Until camera and microphone are there: they may come after the room. */
export async function untilDevicesOpen(page: TestPage): Promise<void> {
  await page.until('camera and microphone', () => {
    return (window as unknown as { books: Books }).books.open().tracks >= 2;
  });
}

/** Until just so much is open. */
export async function untilOpen(page: TestPage, wanted: Open): Promise<void> {
  await page.until(
    `open: ${JSON.stringify(wanted)}`,
    (expected) => {
      const open = (window as unknown as { books: Books }).books.open();
      return JSON.stringify(open) === JSON.stringify(expected);
    },
    wanted,
  );
}

export type DomCounters = { readonly nodes: number; readonly jsEventListeners: number };

/** Of Chromium: nodes and listeners that are alive after the garbage is gone, in the document or not. */
export async function domCounters(page: TestPage): Promise<DomCounters> {
  const devtools = await page.devtools();
  // what one collection lets go may hold what the next one finds
  for (let round = 0; round < 3; round++) await devtools.send('HeapProfiler.collectGarbage');
  const { nodes, jsEventListeners } = (await devtools.send('Memory.getDOMCounters')) as DomCounters;
  return { nodes, jsEventListeners };
}
