/** Coalesces trickled candidates (RFC 8838): a few messages a connection in place of one a candidate. */
import { CANDIDATES_MAX } from '../protocol/peer.ts';
import type { Candidate } from '../protocol/peer.ts';

/** Host candidates come within a few milliseconds of each other; a server's take a round trip and get a message of their own. */
export const CANDIDATE_BATCH_MS = 12;

export class CandidateBatch {
  readonly #send: (candidates: readonly Candidate[]) => void;
  #pending: Candidate[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isHeld = false;

  constructor(send: (candidates: readonly Candidate[]) => void) {
    this.#send = send;
  }

  add(candidate: Candidate): void {
    this.#pending.push(candidate);
    if (!this.#isHeld) this.#timer ??= setTimeout(() => this.flush(), CANDIDATE_BATCH_MS);
  }

  /** While a description is being made: candidates must not overtake it. */
  hold(): void {
    this.#isHeld = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** The description is out: what it already holds need not be said again. */
  release(description: string): void {
    this.#isHeld = false;
    this.#pending = this.#pending.filter(({ candidate }) => candidate === '' || !description.includes(candidate));
    if (this.#pending.length > 0) this.#timer ??= setTimeout(() => this.flush(), CANDIDATE_BATCH_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const candidates = this.#pending;
    if (this.#isHeld || candidates.length === 0) return;
    this.#pending = [];
    for (let i = 0; i < candidates.length; i += CANDIDATES_MAX) this.#send(candidates.slice(i, i + CANDIDATES_MAX));
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#pending = [];
    this.#isHeld = true;
  }
}
