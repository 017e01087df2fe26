/** The room's timers by a clock that only the test moves: nothing fires before `advance`. */
import type { ClockPort } from '../../src/engine/ports.ts';

export class MemoryClock implements ClockPort {
  #now_ms = 0;
  readonly #due = new Map<string, number>();
  readonly #onTimer: (id: string) => void;
  isClosed = false;

  constructor(onTimer: (id: string) => void) {
    this.#onTimer = onTimer;
  }

  /** The timers that run, by name. */
  get running(): readonly string[] {
    return [...this.#due.keys()];
  }

  start(id: string, delay_ms: number): void {
    if (!this.isClosed) this.#due.set(id, this.#now_ms + delay_ms);
  }

  stop(id: string): void {
    this.#due.delete(id);
  }

  close(): void {
    this.isClosed = true;
    this.#due.clear();
  }

  /** Fires a timer now; `false` where it does not run. */
  fire(id: string): boolean {
    if (!this.#due.delete(id)) return false;
    this.#onTimer(id);
    return true;
  }

  /** Fires what is due until then, in its order, also what is started meanwhile. */
  advance(by_ms: number): void {
    const end_ms = this.#now_ms + by_ms;
    for (let next = this.#next(end_ms); next; next = this.#next(end_ms)) {
      const [id, at_ms] = next;
      this.#now_ms = at_ms;
      this.#due.delete(id);
      this.#onTimer(id);
    }
    this.#now_ms = end_ms;
  }

  #next(end_ms: number): readonly [string, number] | undefined {
    const due = [...this.#due].filter(([, at_ms]) => at_ms <= end_ms);
    return due.sort(([, a], [, b]) => a - b)[0];
  }
}
