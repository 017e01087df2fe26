/** Which counters of one key have been there: the highest, and the 1,024 up to it (PROTOCOL.md FR6). */

export const REPLAY_WINDOW = 1_024;
const WORD_BITS = 32;

export class ReplayWindow {
  #highest = -1;
  /** A bit for each counter, at its place modulo the window. */
  readonly #seen = new Uint32Array(REPLAY_WINDOW / WORD_BITS);

  /** Whether a frame with this counter would be news. Changes nothing: the counter is not proved yet. */
  isNew(counter: number): boolean {
    if (counter > this.#highest) return true;
    if (this.#highest - counter >= REPLAY_WINDOW) return false;
    const at = counter % REPLAY_WINDOW;
    return ((this.#seen[Math.floor(at / WORD_BITS)] as number) & (1 << (at % WORD_BITS))) === 0;
  }

  /** Takes note of an opened frame; `false` where another with this counter was opened meanwhile. */
  note(counter: number): boolean {
    if (!this.isNew(counter)) return false;
    if (counter - this.#highest >= REPLAY_WINDOW) this.#seen.fill(0);
    else for (let passed = this.#highest + 1; passed < counter; passed++) this.#mark(passed, false);
    if (counter > this.#highest) this.#highest = counter;
    this.#mark(counter, true);
    return true;
  }

  #mark(counter: number, isSeen: boolean): void {
    const at = counter % REPLAY_WINDOW;
    const word = Math.floor(at / WORD_BITS);
    const bit = 1 << (at % WORD_BITS);
    const bits = this.#seen[word] as number;
    this.#seen[word] = isSeen ? bits | bit : bits & ~bit;
  }
}
