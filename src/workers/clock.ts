/** Named timers; starting one again starts it anew. */
export class Clock {
  readonly #onFired: (id: string) => void;
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(onFired: (id: string) => void) {
    this.#onFired = onFired;
  }

  start(id: string, delay_ms: number): void {
    this.stop(id);
    const fire = (): void => {
      this.#timers.delete(id);
      this.#onFired(id);
    };
    this.#timers.set(id, setTimeout(fire, delay_ms));
  }

  stop(id: string): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }
}
