/** Whoever joins by keyboard must not start again at the top of the page. Never takes the focus from elsewhere. */
import type { ReactiveControllerHost } from 'lit';
import type { Phase } from '../../engine/index.ts';
import { isInCall } from '../internal/encryption.ts';

/** From the lobby, or from a card, to the stage, when the call begins. */
export function carryFocus(host: ReactiveControllerHost & HTMLElement, phase: () => Phase): void {
  let wasCalling = false;
  /** The next render takes away what has the focus. */
  let isLost = false;
  host.addController({
    hostUpdate: () => {
      const isCalling = phase() === 'joining' || isInCall(phase());
      if (isCalling && !wasCalling) {
        const inside = host.shadowRoot?.activeElement;
        const slotted = host.querySelector(':scope > [slot="lobby"]');
        isLost = inside?.closest('.lobby, .card') ? true : (slotted?.matches(':focus-within') ?? false);
      }
      wasCalling = isCalling;
    },
    hostUpdated: () => {
      if (isLost) host.shadowRoot?.querySelector<HTMLElement>('.stage')?.focus();
      isLost = false;
    },
  });
}
