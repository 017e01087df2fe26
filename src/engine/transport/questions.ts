/**
 * What the relay was asked and has not answered yet. An answer may never come, as the relay drops answers to who reads slowly (PROTOCOL.md
 * LM6): a question is given up after a few seconds, so that it can be asked again. No clock in here: time is an argument.
 */
import type { RelayMessage } from '../protocol/relay.ts';

export type RelayAnswer = Exclude<RelayMessage, { readonly type: 'notification' }>;

/** The relay answers at once, or after looking at one signature. */
export const ANSWER_WAIT_MS = 5_000;

type OnAnswer = (answer: RelayAnswer | undefined) => void;

export class Questions {
  readonly #open = new Map<number, { readonly askedMs: number; readonly onAnswer: OnAnswer }>();
  #last = 0;

  /** The id to ask with. `onAnswer` is called once, without an answer where there is none. */
  begin(nowMs: number, onAnswer: OnAnswer): number {
    const id = ++this.#last;
    this.#open.set(id, { askedMs: nowMs, onAnswer });
    return id;
  }

  /** Does nothing for an answer that nobody waits for, or not any more. */
  answered(message: RelayAnswer): void {
    if (typeof message.id === 'number') this.#settle(message.id, message);
  }

  /** Gives up what was asked too long ago. A clock that was set back makes a question wait for longer, and no answer is lost by it. */
  expire(nowMs: number): void {
    for (const [id, { askedMs }] of this.#open) if (nowMs - askedMs >= ANSWER_WAIT_MS) this.#settle(id, undefined);
  }

  forgetAll(): void {
    for (const id of this.#open.keys()) this.#settle(id, undefined);
  }

  #settle(id: number, answer: RelayAnswer | undefined): void {
    const question = this.#open.get(id);
    this.#open.delete(id);
    question?.onAnswer(answer);
  }
}
