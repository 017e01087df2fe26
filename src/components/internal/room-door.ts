/** What the host does at the door, over whatever session the room has now. */
import type { PeerId, Session } from '../../engine/index.ts';
import type { DoorActions } from './room-context.ts';

export class RoomDoor implements DoorActions {
  readonly #host: { readonly session: Session | undefined };

  constructor(host: { readonly session: Session | undefined }) {
    this.#host = host;
  }

  lock(isOn: boolean): void {
    this.#host.session?.dispatch({ type: 'lock', isOn });
  }

  setKnock(isOn: boolean): void {
    this.#host.session?.dispatch({ type: 'set-knock', isOn });
  }

  admit(peerId: PeerId): void {
    this.#host.session?.dispatch({ type: 'admit', peerId });
  }

  decline(peerId: PeerId): void {
    this.#host.session?.dispatch({ type: 'decline', peerId });
  }

  kick(peerId: PeerId): void {
    this.#host.session?.dispatch({ type: 'kick', peerId });
  }
}
