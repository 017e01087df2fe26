/**
 * What a page does with its connections, senders and worker, written down from inside it, and the mishaps that browsers have for
 * it. As a script of the page it runs before the drop-in, so that the drop-in meets these doors in the place of the real ones.
 */

export type SealWatchOptions = {
  /** What the worker says of transforms that are ready is held back until `releaseReady`. */
  readonly holdsReady?: boolean;
  /** Transforms of senders come one task later than they were set. */
  readonly isLate?: boolean;
  /** Connections are made without Chromium's own word for "nothing without a transform". */
  readonly isUnflagged?: boolean;
  /** A browser without: the transforms of today, or those and the ones of before. */
  readonly lacks?: 'script-transform' | 'all-transforms';
  /** Runs in the worker before our script. */
  readonly workerScript?: string;
};

/** A sender or receiver that a connection made, of our own offer (`made`) or of the peer's (`met`). */
export type WatchedPlace = { readonly by: 'made' | 'met'; readonly kind: string; readonly isGuarded: boolean };

export type SealWatch = {
  readonly connections: RTCPeerConnection[];
  /** `encodedInsertableStreams` of every connection's configuration. */
  readonly flags: unknown[];
  readonly places: WatchedPlace[];
  /** How often a transform was taken away. */
  cleared: number;
  /** Tracks given to senders. */
  filled: number;
  /** Of these, before the worker had said that this sender's transform is ready, or in a way that asks nobody. */
  readonly early: string[];
  readonly workers: Worker[];
  /** Keys that workers were given, by the worker's number: their generations only. */
  readonly generations: { readonly worker: number; readonly link: string; readonly generation: number }[];
  readonly held: MessageEvent<unknown>[];
  /** Packets sent over all connections, read again and again since `endWorker`. */
  readonly sent: number[];
  asked: number;
  sockets: number;
  /** Codes of what the room has told. */
  readonly errors: string[];
  releaseReady(): void;
};

type Address = { readonly link: string; readonly stream: number; readonly side: string };
type KeyMessage = { readonly type: string; readonly link: string; readonly generation: number };
type StreamsMessage = { readonly address: Address };
type Watched = typeof globalThis & { sealWatch: SealWatch };

/** As a script of the page, before the drop-in. */
export function sealWatchScript(options: SealWatchOptions = {}): string {
  return `<script>(${String(install)})(${JSON.stringify(options)})</script>`;
}

function install(options: SealWatchOptions): void {
  let isHolding = options.holdsReady ?? false;
  const ready = new Set<string>();
  const guarded = new WeakSet<object>();
  const watch: SealWatch = {
    connections: [],
    flags: [],
    places: [],
    cleared: 0,
    filled: 0,
    early: [],
    workers: [],
    generations: [],
    held: [],
    sent: [],
    asked: 0,
    sockets: 0,
    errors: [],
    releaseReady: () => {
      isHolding = false;
      for (const { target, data } of watch.held.splice(0)) target?.dispatchEvent(new MessageEvent('message', { data }));
    },
  };
  (globalThis as Watched).sealWatch = watch;

  document.addEventListener('tai-error', (event) => watch.errors.push((event as Event & { code: string }).code));

  const made = new WeakSet<RTCRtpTransceiver>();
  const note = (by: 'made' | 'met', { sender, receiver }: RTCRtpTransceiver): void => {
    const isGuarded = guarded.has(sender) && guarded.has(receiver);
    watch.places.push({ by, kind: receiver.track.kind, isGuarded });
  };
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration & { encodedInsertableStreams?: boolean }) {
      const { encodedInsertableStreams, ...rest } = configuration ?? {};
      super(options.isUnflagged ? rest : configuration);
      watch.connections.push(this);
      watch.flags.push(encodedInsertableStreams);
    }
    override addTransceiver(trackOrKind: MediaStreamTrack | string, init?: RTCRtpTransceiverInit): RTCRtpTransceiver {
      if (typeof trackOrKind !== 'string') watch.early.push('addTransceiver');
      const place = super.addTransceiver(trackOrKind, init);
      made.add(place);
      // when the job that has made it is over: no other has run in between
      queueMicrotask(() => note('made', place));
      return place;
    }
    override addTrack(track: MediaStreamTrack, ...streams: MediaStream[]): RTCRtpSender {
      watch.early.push('addTrack');
      return super.addTrack(track, ...streams);
    }
    override addEventListener(type: string, listener: unknown, init?: boolean | AddEventListenerOptions): void {
      const call = listener as (event: Event) => void;
      const noting = (event: Event): void => {
        call(event);
        const { transceiver } = event as RTCTrackEvent;
        if (!made.has(transceiver)) note('met', transceiver);
      };
      super.addEventListener(type, type === 'track' ? noting : call, init);
    }
  };

  /** Of each sender's transform, as `nameOf` makes them. */
  const names = new WeakMap<object, string>();
  const nameOf = (worker: Worker, { link, stream }: Address): string =>
    `${watch.workers.indexOf(worker)}/${link}/${stream}`;
  if (options.lacks) {
    delete (globalThis as { RTCRtpScriptTransform?: unknown }).RTCRtpScriptTransform;
  } else {
    globalThis.RTCRtpScriptTransform = class extends RTCRtpScriptTransform {
      constructor(worker: Worker, address: Address, transfer?: Transferable[]) {
        super(worker, address, transfer);
        names.set(this, nameOf(worker, address));
      }
    };
  }
  /** Whose streams were made last: their address is in the message that hands them on. */
  const streaming: object[] = [];
  for (const end of [RTCRtpSender.prototype, RTCRtpReceiver.prototype]) {
    const legacy = end as { createEncodedStreams?: () => unknown };
    const { createEncodedStreams } = legacy;
    if (options.lacks === 'all-transforms') delete legacy.createEncodedStreams;
    else if (createEncodedStreams)
      legacy.createEncodedStreams = function (this: object) {
        guarded.add(this);
        streaming.push(this);
        return createEncodedStreams.call(this);
      };
    const transform = Object.getOwnPropertyDescriptor(end, 'transform');
    if (!transform?.set) continue;
    const { set } = transform;
    Object.defineProperty(end, 'transform', {
      ...transform,
      set(this: object, value: object | null) {
        if (value === null) watch.cleared += 1;
        else guarded.add(this);
        if (value !== null) names.set(this, names.get(value) ?? '');
        if (options.isLate && this instanceof RTCRtpSender) setTimeout(() => set.call(this, value));
        else set.call(this, value);
      },
    });
  }
  const { replaceTrack } = RTCRtpSender.prototype;
  RTCRtpSender.prototype.replaceTrack = function (track) {
    const name = names.get(this) ?? '';
    if (track) watch.filled += 1;
    if (track && !ready.has(name)) watch.early.push(name);
    return replaceTrack.call(this, track);
  };

  const { createObjectURL } = URL;
  URL.createObjectURL = (source: Blob | MediaSource) => {
    const isScript = source instanceof Blob && source.type === 'text/javascript';
    const { workerScript } = options;
    return createObjectURL.call(
      URL,
      isScript && workerScript ? new Blob([workerScript, source], { type: source.type }) : source,
    );
  };
  globalThis.Worker = class extends Worker {
    constructor(url: string | URL, init?: WorkerOptions) {
      super(url, init);
      watch.workers.push(this);
      // before any listener of ours: what it stops reaches nobody
      this.addEventListener('message', (event: MessageEvent<{ type?: string; state?: string } & Address>) => {
        const { type, state, side } = event.data;
        if (type !== 'frames' || state !== 'ready' || side !== 'seal') return;
        if (isHolding) {
          event.stopImmediatePropagation();
          watch.held.push(event);
        } else ready.add(nameOf(this, event.data));
      });
    }
    override postMessage(message: unknown, transfer?: StructuredSerializeOptions | Transferable[]): void {
      const { type, link, generation, address } = message as KeyMessage & StreamsMessage;
      if (type === 'seal-key') watch.generations.push({ worker: watch.workers.indexOf(this), link, generation });
      if (type === 'streams') names.set(streaming.at(-1) ?? this, nameOf(this, address));
      super.postMessage(message, transfer as Transferable[]);
    }
  };

  const { mediaDevices } = navigator;
  const getUserMedia = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = (constraints) => {
    watch.asked += 1;
    return getUserMedia(constraints);
  };
  globalThis.WebSocket = class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      watch.sockets += 1;
    }
  };
}

/** What is written down, as plain data. */
export type SealFacts = Omit<SealWatch, 'connections' | 'workers' | 'held' | 'releaseReady'> & {
  readonly workers: number;
  readonly held: number;
};

/** In the page. */
export function sealFacts(): SealFacts {
  const { connections: _, workers, held, releaseReady: __, ...facts } = (globalThis as Watched).sealWatch;
  return { ...facts, workers: workers.length, held: held.length };
}

/** In the page. */
export function releaseReady(): void {
  (globalThis as Watched).sealWatch.releaseReady();
}

/** In the page: whether the worker has said that it is ready for as many senders, and nobody has heard it. */
export function isHeld(places: number): boolean {
  return (globalThis as Watched).sealWatch.held.length >= places;
}

/** In the page: whether a connection stands. */
export function isConnected(): boolean {
  return (globalThis as Watched).sealWatch.connections.some(({ connectionState }) => connectionState === 'connected');
}

/** In the page: what every connection has sent and received so far, by the browser's own count. */
export async function packets(): Promise<{ readonly sent: number; readonly received: number }> {
  const total = { sent: 0, received: 0 };
  for (const connection of (globalThis as Watched).sealWatch.connections) {
    const report = await connection.getStats();
    report.forEach(
      (entry: { readonly type: string; readonly packetsSent?: number; readonly packetsReceived?: number }) => {
        if (entry.type === 'outbound-rtp') total.sent += entry.packetsSent ?? 0;
        if (entry.type === 'inbound-rtp') total.received += entry.packetsReceived ?? 0;
      },
    );
  }
  return total;
}

/** In the page: ends the worker without a word, as a browser does that is short of memory, and counts what is still sent. */
export function endWorker(): void {
  const { workers, connections, sent } = (globalThis as Watched).sealWatch;
  workers[0]?.terminate();
  const count = async (): Promise<void> => {
    let packetsSent = 0;
    for (const connection of connections) {
      const report = await connection.getStats();
      report.forEach((entry: { readonly type: string; readonly packetsSent?: number }) => {
        if (entry.type === 'outbound-rtp') packetsSent += entry.packetsSent ?? 0;
      });
    }
    // a new worker and with it new connections, while it was counted: theirs would be among it
    if (workers.length > 1) return;
    sent.push(packetsSent);
    setTimeout(() => void count(), 250);
  };
  void count();
}

/** In the page. */
export function hasWorkers(wanted: number): boolean {
  return (globalThis as Watched).sealWatch.workers.length >= wanted;
}
