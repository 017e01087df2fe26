/** Accepts each message id once: a sliding window like that of RFC 4303 §3.4.3 (IPsec anti-replay). */

export const REPLAY_WINDOW_IDS = 1024;

export class ReplayWindow {
  #highest = 0;
  readonly #seen = new Set<number>();

  /** True the first time for an id inside the window; ids start at 1. Call it only once the message has opened. */
  accept(id: number): boolean {
    if (id < 1 || id <= this.#highest - REPLAY_WINDOW_IDS || this.#seen.has(id)) return false;
    this.#seen.add(id);
    if (id > this.#highest) {
      this.#highest = id;
      if (this.#seen.size > REPLAY_WINDOW_IDS) this.#forget();
    }
    return true;
  }

  #forget(): void {
    for (const id of this.#seen) if (id <= this.#highest - REPLAY_WINDOW_IDS) this.#seen.delete(id);
  }
}
