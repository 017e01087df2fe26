/** A limit on how often something may happen: so often at once, and then once in a while. No clock: time is an argument. */
export class TokenBucket {
  readonly #everyMs: number;
  readonly #fullMs: number;
  /** Each token is worth `everyMs`. */
  #savedMs: number;
  #lastMs: number | undefined;

  /** `burst` at once, and one more each `everyMs`; within `t` ms never more than `burst + t / everyMs`. */
  constructor(burst: number, everyMs: number) {
    this.#everyMs = everyMs;
    this.#fullMs = burst * everyMs;
    this.#savedMs = this.#fullMs;
  }

  /** `false`: not now, and nothing is spent. A clock that is set back gives nothing, and takes nothing away. */
  take(nowMs: number): boolean {
    const passedMs = Math.max(0, nowMs - (this.#lastMs ?? nowMs));
    this.#lastMs = nowMs;
    this.#savedMs = Math.min(this.#savedMs + passedMs, this.#fullMs);
    if (this.#savedMs < this.#everyMs) return false;
    this.#savedMs -= this.#everyMs;
    return true;
  }
}
