/** Keeps the room's state: one event after the other through `step`, then its effects, then the listeners. */
import type { Effect, RoomEvent } from './events.ts';
import { INITIAL_STATE } from './state.ts';
import type { RoomState } from './state.ts';
import { step } from './step.ts';

export class Store {
  readonly #execute: (effect: Effect) => void;
  readonly #onSettled: (isChanged: boolean) => void;
  readonly #events: RoomEvent[] = [];
  #state: RoomState = INITIAL_STATE;
  #isStepping = false;

  /** `onSettled` is called after the last effect of every dispatch, with whether the state changed. */
  constructor(execute: (effect: Effect) => void, onSettled: (isChanged: boolean) => void) {
    this.#execute = execute;
    this.#onSettled = onSettled;
  }

  get state(): RoomState {
    return this.#state;
  }

  /** Runs in the caller's task. An event that an effect causes at once waits until the one before it is done with. */
  dispatch(event: RoomEvent): void {
    this.#events.push(event);
    if (this.#isStepping) return;
    this.#isStepping = true;
    const before = this.#state;
    try {
      for (let next = this.#events.shift(); next; next = this.#events.shift()) {
        const [state, effects] = step(this.#state, next);
        this.#state = state;
        for (const effect of effects) this.#execute(effect);
      }
    } finally {
      this.#isStepping = false;
    }
    this.#onSettled(this.#state !== before);
  }
}
