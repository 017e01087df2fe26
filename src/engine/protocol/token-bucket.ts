/** A limit on how often something may happen, or how much: so much at once, and then so much in a while. No clock: time is an argument. */
export type TokenBucketOptions = {
  /** What there is at once. */
  readonly burst: number;
  /** What comes in each `everyMs`; one where nothing is said. */
  readonly refill?: number;
  readonly everyMs: number;
};

export class TokenBucket {
  readonly #refill: number;
  readonly #everyMs: number;
  readonly #full: number;
  /** In tokens times `everyMs`, so that whole tokens and milliseconds are counted exactly. */
  #saved: number;
  #lastMs: number | undefined;

  /** Starts full. Within `t` ms it gives never more than `burst + t · refill / everyMs`. */
  constructor({ burst, refill = 1, everyMs }: TokenBucketOptions) {
    this.#refill = refill;
    this.#everyMs = everyMs;
    this.#full = burst * everyMs;
    this.#saved = this.#full;
  }

  /** A clock that is set back gives nothing, and takes nothing away. */
  has(amount: number, nowMs: number): boolean {
    const passedMs = Math.max(0, nowMs - (this.#lastMs ?? nowMs));
    this.#lastMs = nowMs;
    this.#saved = Math.min(this.#full, this.#saved + passedMs * this.#refill);
    return this.#saved >= amount * this.#everyMs;
  }

  /** Takes all of the amount; or nothing, and answers `false`. */
  take(amount: number, nowMs: number): boolean {
    if (!this.has(amount, nowMs)) return false;
    this.#saved -= amount * this.#everyMs;
    return true;
  }
}
