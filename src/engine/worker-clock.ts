/** Named timers: in the session's worker, whose time does not slow down with a hidden page, or in the page where there is none. */
import type { ClockPort } from './ports.ts';
import type { SessionWorker } from './session-worker.ts';

export function createWorkerClock(onTimer: (id: string) => void, worker: SessionWorker): ClockPort {
  const running = new Map<string, number>();
  const fire = (id: string): void => {
    if (running.delete(id)) onTimer(id);
  };
  const page = createPageClock(fire);
  worker.addUser({
    onReport: (report) => report.type === 'fired' && fire(report.id),
    // begun anew: late is better than never
    onRestart: () => {
      for (const [id, delay_ms] of running) worker.post({ type: 'start', id, delay_ms });
    },
    onLost: () => {
      for (const [id, delay_ms] of running) page.start(id, delay_ms);
    },
  });
  return {
    start: (id, delay_ms) => {
      running.set(id, delay_ms);
      if (worker.worker) worker.post({ type: 'start', id, delay_ms });
      else page.start(id, delay_ms);
    },
    stop: (id) => {
      running.delete(id);
      worker.post({ type: 'stop', id });
      page.stop(id);
    },
    close: () => {
      running.clear();
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
