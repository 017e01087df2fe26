/**
 * The worker of a session: timers that keep time while the page is hidden (browsers slow a hidden page's own down to one a
 * second or one a minute), and the seal on every frame. Nothing lives in the module: a page may have two sessions.
 */
import { parseTransformAddress, parseWorkerRequest } from '../engine/protocol/worker.ts';
import type { TransformAddress, WorkerReport } from '../engine/protocol/worker.ts';
import { Clock } from './clock.ts';
import { LOOK_EVERY_MS } from './flow-watch.ts';
import { FrameLinks } from './frame-links.ts';
import type { FrameEnd } from './frame-links.ts';

const scope = self as unknown as DedicatedWorkerGlobalScope;
startWorker();

function startWorker(): void {
  const report = (message: WorkerReport): void => scope.postMessage(message);
  const clock = new Clock((id) => report({ type: 'fired', id }));
  let looking: number | undefined;
  const onBusy = (isBusy: boolean): void => {
    scope.clearInterval(looking);
    looking = isBusy ? scope.setInterval(() => links.look(), LOOK_EVERY_MS) : undefined;
  };
  const links = new FrameLinks({ now: () => performance.now(), report, onBusy });
  scope.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    const request = parseWorkerRequest(data);
    if (!request) return takeStreams(links, data);
    switch (request.type) {
      case 'start':
        return clock.start(request.id, request.delay_ms);
      case 'stop':
        return clock.stop(request.id);
      case 'count':
        return report({ type: 'counts', id: request.id, counts: links.counts() });
      default:
        return links.take(request);
    }
  });
  scope.addEventListener('rtctransform', (event) => {
    const { transformer } = event as RTCTransformEvent;
    attach(links, parseTransformAddress(transformer.options), transformer);
  });
  report({ type: 'started' });
}

/** Chromium before 141 gives the streams of a sender or receiver to the page, which passes them on. */
function takeStreams(links: FrameLinks, data: unknown): void {
  const { type, address, readable, writable } = (data ?? {}) as { readonly [field: string]: unknown };
  if (type !== 'streams' || !(readable instanceof ReadableStream) || !(writable instanceof WritableStream)) return;
  attach(links, parseTransformAddress(address), { readable, writable });
}

/** Without an address nothing reads the frames: none leaves, none is shown. */
function attach(links: FrameLinks, address: TransformAddress | undefined, end: FrameEnd): void {
  if (address) links.attach(address, end);
}
