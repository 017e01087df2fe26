/**
 * Which of the relay's messages have come (PROTOCOL.md RL24): each is taken once, and a hole is noticed. Bounded, whatever numbers the
 * relay makes up. Pure.
 */
import type { StreamPlace } from '../protocol/resume.ts';

/** As many as the relay keeps: what is further back than that it could not say again. */
const AHEAD_MAX = 256;

/** `ahead`: to be taken, and something before it is missing. `again`: came before. `lost`: to be taken, and what is missing is given up. */
export type Taken = 'next' | 'ahead' | 'again' | 'lost';

export class StreamPosition {
  #place: StreamPlace | undefined;
  /** Came although something before them is missing. */
  readonly #ahead = new Set<number>();

  /** The last message that came with nothing missing before it; `undefined` before the first welcome. */
  get place(): StreamPlace | undefined {
    return this.#place;
  }

  /** Something came although something before it is missing. */
  get isMissingSome(): boolean {
    return this.#ahead.size > 0;
  }

  /** What came before this, or did not, is not asked for any more. */
  begin(place: StreamPlace): void {
    this.#place = { ep: place.ep, n: place.n };
    this.#ahead.clear();
  }

  take({ ep, n }: StreamPlace): Taken {
    // another instance of the room counts anew, and has nothing of the one before
    if (this.#place?.ep !== ep) this.begin({ ep, n: 0 });
    const { n: last = 0 } = this.#place ?? {};
    if (n <= last || this.#ahead.has(n)) return 'again';
    this.#ahead.add(n);
    let next = last;
    while (this.#ahead.delete(next + 1)) next += 1;
    this.#place = { ep, n: next };
    if (this.#ahead.size === 0) return 'next';
    if (this.#ahead.size <= AHEAD_MAX) return 'ahead';
    this.begin({ ep, n: Math.max(...this.#ahead) });
    return 'lost';
  }
}
