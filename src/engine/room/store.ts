/** Keeps the room's state: one event after the other through `step`, then its effects, then the listeners. */
import type { Effect, RoomEvent } from './events.ts';
import { INITIAL_STATE } from './state.ts';
import type { RoomState } from './state.ts';
import { step } from './step.ts';

export class Store {
  readonly #execute: (effect: Effect) => void;
  readonly #onChange: () => void;
  readonly #events: RoomEvent[] = [];
  #state: RoomState = INITIAL_STATE;
  #isStepping = false;

  /** `onChange` is called after the last effect of every dispatch that changed the state. */
  constructor(execute: (effect: Effect) => void, onChange: () => void) {
    this.#execute = execute;
    this.#onChange = onChange;
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
    if (this.#state !== before) this.#onChange();
  }
}
