/** The one way in which an element inside a room reads it and asks of it. */
import { ContextConsumer } from '@lit/context';
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { roomContext } from './room-context.ts';
import type { Room, RoomActions } from './room-context.ts';
import { ENGLISH, fill } from './strings.ts';
import type { StringKey } from './strings.ts';

export class RoomController implements ReactiveController {
  readonly #host: HTMLElement;
  readonly #consumer: ContextConsumer<typeof roomContext, ReactiveControllerHost & HTMLElement>;

  constructor(host: ReactiveControllerHost & HTMLElement) {
    this.#host = host;
    this.#consumer = new ContextConsumer(host, { context: roomContext, subscribe: true });
    host.addController(this);
  }

  hostConnected(): void {
    this.#host.ownerDocument.addEventListener('context-provider', this.#onProvider);
  }

  hostDisconnected(): void {
    this.#host.ownerDocument.removeEventListener('context-provider', this.#onProvider);
  }

  /** `undefined` outside a room. */
  get room(): Room | undefined {
    return this.#consumer.value;
  }

  text(key: StringKey, values?: { readonly [key: string]: string | number }): string {
    return fill((this.room?.strings ?? ENGLISH)[key], values);
  }

  /** Fires the request; unless a listener prevents it, acts in the same task, so that a click's activation still counts. */
  request(event: Event, action: (actions: RoomActions) => void): void {
    const actions = this.room?.actions;
    if (this.#host.dispatchEvent(event) && actions) action(actions);
  }

  /** Written between a room's tags, an element may be there before the room is: its first question met nobody. */
  readonly #onProvider = (event: Event): void => {
    if ('context' in event && event.context === roomContext && !this.room) this.#consumer.hostConnected();
  };
}
