/** Copies the room's link for a button, and tells what became of it. */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { TaiInviteEvent } from './events.ts';
import type { RoomController } from './room-controller.ts';

const COPIED_MS = 2_500;

export class CopyLink implements ReactiveController {
  readonly #host: ReactiveControllerHost & HTMLElement;
  readonly #room: RoomController;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** True for a moment after the link was copied. */
  isCopied = false;

  constructor(host: ReactiveControllerHost & HTMLElement, room: RoomController) {
    this.#host = host;
    this.#room = room;
    host.addController(this);
  }

  hostDisconnected(): void {
    clearTimeout(this.#timer);
    this.isCopied = false;
  }

  /** Resolves to `false` where the browser has no clipboard for this page: the link is then shown for copying by hand. */
  async copy(): Promise<boolean> {
    const actions = this.#room.room?.actions;
    if (!actions) return false;
    const url = actions.createInvite();
    const isCopied = await writeText(url);
    if (!isCopied) {
      actions.notify(this.#room.text('copy-by-hand'), { copyable: url });
      return false;
    }
    actions.announce(this.#room.text('link-copied'));
    this.#host.dispatchEvent(new TaiInviteEvent(url));
    this.isCopied = true;
    this.#host.requestUpdate();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.isCopied = false;
      this.#host.requestUpdate();
    }, COPIED_MS);
    return true;
  }
}

async function writeText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
