/**
 * Timers that keep time while the page is hidden: browsers slow a hidden page's own timers down to one a second or
 * one a minute, and a call's watchdogs must not sleep with them.
 */
import { parseClockRequest } from '../engine/protocol/worker.ts';
import type { ClockReport } from '../engine/protocol/worker.ts';

const scope = self as unknown as DedicatedWorkerGlobalScope;
const timers = new Map<string, ReturnType<typeof setTimeout>>();

scope.addEventListener('message', (event: MessageEvent<unknown>) => {
  const request = parseClockRequest(event.data);
  if (!request) return;
  const { id } = request;
  clearTimeout(timers.get(id));
  timers.delete(id);
  if (request.type === 'stop') return;
  const fire = (): void => {
    timers.delete(id);
    scope.postMessage({ type: 'fired', id } satisfies ClockReport);
  };
  timers.set(id, setTimeout(fire, request.delay_ms));
});
