import { LitElement, adoptStyles, nothing } from 'lit';
import type { TemplateResult } from 'lit';
import { RoomController } from '../internal/room-controller.ts';
import type { ScannerPort } from './qr-scanner.ts';
import type { VerifyDialog } from './verify-dialog.ts';

/** The place of camera and detector, for tests. Not part of the public face. */
export const SCANNER: unique symbol = Symbol('scanner');

/**
 * @summary Where people compare codes: the room's with everybody, a safety number or a QR code with one. A modal dialog,
 * fetched when somebody first asks for it, at the shield or at a tile. Empty outside a room.
 *
 * @csspart dialog - The dialog.
 * @csspart button - Each button.
 *
 * @cssprop --tai-color-ok - What is well.
 * @cssprop --tai-color-danger - What is not.
 * @cssprop --tai-color-surface - Surface of the dialog.
 *
 * @fires {TaiLeaveRequestEvent} tai-leave-request - The codes differ, and the participant wants to leave. Cancelable.
 */
export class TaiVerify extends LitElement {
  readonly #room = new RoomController(this);
  #dialog: VerifyDialog | undefined;
  #isFetching = false;
  [SCANNER]: ScannerPort | undefined;

  /** Moved within the page: the dialog stays open. */
  connectedMoveCallback(): void {}

  protected override willUpdate(): void {
    const isWanted = this.#room.room?.verifying !== undefined;
    if (isWanted && !this.#dialog && !this.#isFetching) void this.#fetch();
  }

  protected override render(): TemplateResult | typeof nothing {
    return this.#dialog?.render() ?? nothing;
  }

  async #fetch(): Promise<void> {
    this.#isFetching = true;
    try {
      const { VerifyDialog, verifyStyles } = await import('./verify-dialog.ts');
      if (this.renderRoot instanceof ShadowRoot) adoptStyles(this.renderRoot, verifyStyles);
      this.#dialog = new VerifyDialog(this, this.#room, () => this[SCANNER]);
      this.requestUpdate();
    } catch {
      // not to be had now; the next click asks again
      const actions = this.#room.room?.actions;
      actions?.trust.close();
      actions?.notify(this.#room.text('verify-failed'));
    }
    this.#isFetching = false;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'tai-verify': TaiVerify;
  }
}
