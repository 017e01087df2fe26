import { LitElement, html, nothing } from 'lit';
import type { TemplateResult } from 'lit';
import { CopyLink } from '../internal/copy-link.ts';
import { TaiInviteEvent } from '../internal/events.ts';
import { ICONS } from '../internal/icons.ts';
import { RoomController } from '../internal/room-controller.ts';
import { inviteStyles } from './tai-invite.styles.ts';

/**
 * @summary The room's link, to copy or to hand to another app. Empty outside a room.
 *
 * @csspart button - Each button.
 * @csspart link - The field with the link.
 *
 * @cssprop --tai-color-accent - Colour of the copy button.
 *
 * @fires {TaiInviteEvent} tai-invite - The link was copied or shared.
 */
export class TaiInvite extends LitElement {
  static override readonly styles = inviteStyles;

  readonly #room = new RoomController(this);
  readonly #link = new CopyLink(this, this.#room);

  protected override render(): TemplateResult | typeof nothing {
    const room = this.#room.room;
    if (!room || room.invite === '') return nothing;
    const { isCopied } = this.#link;
    return html`
      <div class="row">
        <input
          part="link"
          type="text"
          readonly
          spellcheck="false"
          dir="ltr"
          aria-label=${this.#room.text('invite-link')}
          .value=${room.invite}
          @focus=${selectAll}
        />
        <button part="button" class="primary" type="button" @click=${() => this.#link.copy()}>
          ${isCopied ? ICONS.check : ICONS.link}
          <span>${this.#room.text(isCopied ? 'link-copied' : 'copy-link')}</span>
        </button>
        ${
          'share' in navigator
            ? html`<button part="button" type="button" @click=${this.#share}>
                ${ICONS.share}<span>${this.#room.text('share')}</span>
              </button>`
            : nothing
        }
      </div>
    `;
  }

  async #share(): Promise<void> {
    const url = this.#room.room?.actions.createInvite();
    if (url === undefined) return;
    try {
      await navigator.share({ url });
    } catch {
      return; // the participant closed the sheet
    }
    this.dispatchEvent(new TaiInviteEvent(url));
  }
}

function selectAll(event: FocusEvent): void {
  if (event.target instanceof HTMLInputElement) event.target.select();
}

declare global {
  interface HTMLElementTagNameMap {
    'tai-invite': TaiInvite;
  }
}
