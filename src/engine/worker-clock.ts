/** Named timers: in a worker, whose time does not slow down with a hidden page, or in the page where no worker may run. */
import type { ClockPort } from './ports.ts';
import { parseClockReport } from './protocol/worker.ts';
import type { ClockRequest } from './protocol/worker.ts';

/** The part of `Worker` that is used. */
export type ClockWorker = Pick<Worker, 'postMessage' | 'addEventListener' | 'terminate'>;

/** `createWorker` may throw (CSP): the page's own timers serve then, and also when the worker fails later. */
export function createWorkerClock(onTimer: (id: string) => void, createWorker: () => ClockWorker): ClockPort {
  const running = new Map<string, number>();
  const fire = (id: string): void => {
    if (running.delete(id)) onTimer(id);
  };
  const page = createPageClock(fire);
  let worker: ClockWorker | undefined;
  const fallBack = (): void => {
    worker?.terminate();
    worker = undefined;
    for (const [id, delay_ms] of running) page.start(id, delay_ms);
  };
  try {
    worker = createWorker();
    worker.addEventListener('message', (event) => {
      const report = parseClockReport((event as MessageEvent<unknown>).data);
      if (report) fire(report.id);
    });
    worker.addEventListener('error', fallBack);
  } catch {
    fallBack();
  }
  const ask = (request: ClockRequest): void => worker?.postMessage(request);
  return {
    start: (id, delay_ms) => {
      running.set(id, delay_ms);
      if (worker) ask({ type: 'start', id, delay_ms });
      else page.start(id, delay_ms);
    },
    stop: (id) => {
      running.delete(id);
      ask({ type: 'stop', id });
      page.stop(id);
    },
    close: () => {
      running.clear();
      worker?.terminate();
      worker = undefined;
      page.close();
    },
  };
}

export function createPageClock(onTimer: (id: string) => void): ClockPort {
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  const stop = (id: string): void => {
    clearTimeout(timers.get(id));
    timers.delete(id);
  };
  const start = (id: string, delay_ms: number): void => {
    stop(id);
    const fire = (): void => {
      timers.delete(id);
      onTimer(id);
    };
    timers.set(id, setTimeout(fire, delay_ms));
  };
  const close = (): void => {
    for (const id of timers.keys()) stop(id);
  };
  return { start, stop, close };
}
