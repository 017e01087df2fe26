/**
 * Whether frames of a peer come on a link, or have ceased (PROTOCOL.md FO3). ICE takes five seconds and more to notice that a path is
 * dead; fifty frames of sound a second say so at once.
 */

/** Without a frame for so long a link has ceased, … */
export const SILENCE_MS = 600;
/** … or for so many of its usual pauses, where these are long. */
const PAUSES = 4;
/** No stream of ours is slower than this. */
const PAUSE_MAX_MS = 2_000;
/** A silence that was so long was no pause, but the time in which nothing was asked for. */
const END_MIN_MS = 5_000;
/** How much of the usual pause is the last one. */
const WEIGHT = 1 / 16;
export const LOOK_EVERY_MS = 50;
/** Later than this we were asleep ourselves, and cannot say what came meanwhile. */
const LATE_MS = 4 * LOOK_EVERY_MS;

export class FlowWatch {
  #heardAt = -Infinity;
  #pause_ms = 0;
  #lookedAt: number | undefined;
  #isFlowing = false;

  /** A frame has come. `true`: it is the first, or the first again. */
  heard(now: number): boolean {
    const isFirst = !this.#isFlowing;
    const gap_ms = Number.isFinite(this.#heardAt) ? Math.min(now - this.#heardAt, PAUSE_MAX_MS) : 0;
    // what was taken for the end may have been a pause
    if (isFirst) this.#pause_ms = now - this.#heardAt < END_MIN_MS ? gap_ms : 0;
    else this.#pause_ms += (gap_ms - this.#pause_ms) * WEIGHT;
    this.#heardAt = now;
    this.#isFlowing = true;
    return isFirst;
  }

  /** To be called every `LOOK_EVERY_MS`. `true`: frames have ceased since the last time. */
  hasCeased(now: number): boolean {
    const slept_ms = this.#lookedAt === undefined ? 0 : now - this.#lookedAt - LATE_MS;
    // what has come since may have been counted before this
    if (slept_ms > 0) this.#heardAt = Math.min(now, this.#heardAt + slept_ms);
    this.#lookedAt = now;
    if (!this.#isFlowing || now - this.#heardAt < Math.max(SILENCE_MS, PAUSES * this.#pause_ms)) return false;
    this.#isFlowing = false;
    return true;
  }
}
