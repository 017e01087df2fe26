/** Named timers: in the session's worker, whose time does not slow down with a hidden page, or in the page where there is none. */
import type { ClockPort } from './ports.ts';
import type { SessionWorker } from './session-worker.ts';
import type { Every } from './transport/relay-socket.ts';

/** A worker that is so late with a timer has ended: browsers end workers without a word. */
const LATE_MS = 10_000;

export function createWorkerClock(onTimer: (id: string) => void, worker: SessionWorker): ClockPort {
  const running = new Map<string, number>();
  const page = createPageClock((id) => fire(id));
  // The page's own look at what the worker keeps. Two clocks: after a sleep of the machine all that was due comes at once, and
  // the worker has to have its time to say so.
  const due = createPageClock((id) => late.start(id, LATE_MS));
  const late = createPageClock(() => worker.suspect());
  const forget = (id: string): void => {
    due.stop(id);
    late.stop(id);
  };
  const fire = (id: string): void => {
    forget(id);
    if (running.delete(id)) onTimer(id);
  };
  const ask = (id: string, delay_ms: number): void => {
    forget(id);
    worker.post({ type: 'start', id, delay_ms });
    due.start(id, delay_ms);
  };
  worker.addUser({
    onReport: (report) => report.type === 'fired' && fire(report.id),
    // begun anew: late is better than never
    onRestart: () => {
      for (const [id, delay_ms] of running) ask(id, delay_ms);
    },
    onLost: () => {
      for (const [id, delay_ms] of running) {
        forget(id);
        page.start(id, delay_ms);
      }
    },
  });
  return {
    start: (id, delay_ms) => {
      running.set(id, delay_ms);
      if (worker.worker) ask(id, delay_ms);
      else page.start(id, delay_ms);
    },
    stop: (id) => {
      running.delete(id);
      forget(id);
      worker.post({ type: 'stop', id });
      page.stop(id);
    },
    close: () => {
      running.clear();
      for (const each of [page, due, late]) each.close();
    },
  };
}

/** Timers that go off again and again, each until it is stopped. */
export function createTicks(worker: SessionWorker): { readonly every: Every; close(): void } {
  const ticks = new Map<string, () => void>();
  const clock = createWorkerClock((id) => ticks.get(id)?.(), worker);
  let last = 0;
  const every: Every = (delay_ms, tick) => {
    const id = `tick:${++last}`;
    ticks.set(id, () => {
      clock.start(id, delay_ms);
      tick();
    });
    clock.start(id, delay_ms);
    return () => {
      ticks.delete(id);
      clock.stop(id);
    };
  };
  return { every, close: () => clock.close() };
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
