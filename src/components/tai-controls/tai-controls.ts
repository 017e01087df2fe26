import { LitElement, html, nothing } from 'lit';
import type { TemplateResult } from 'lit';
import type { PublicationKind } from '../../engine/index.ts';
import { CopyLink } from '../internal/copy-link.ts';
import { isInCall } from '../internal/encryption.ts';
import { TaiLeaveRequestEvent, TaiMuteRequestEvent } from '../internal/events.ts';
import { ICONS } from '../internal/icons.ts';
import { PUBLICATIONS, isDeviceOn } from '../internal/room-context.ts';
import type { Room } from '../internal/room-context.ts';
import { RoomController } from '../internal/room-controller.ts';
import { errorKey } from '../internal/strings.ts';
import { controlsStyles } from './tai-controls.styles.ts';

/**
 * @summary The bar of a call: microphone, camera, link, leave. Shows what is, asks for what should be.
 *
 * @slot start - Before the buttons.
 * @slot end - After the buttons.
 *
 * @csspart button - Each button.
 *
 * @cssprop --tai-color-accent - Accent.
 * @cssprop --tai-color-surface - The bar's surface.
 * @cssprop --tai-color-danger - Colour of the leave button and of what is off.
 *
 * @fires {TaiMuteRequestEvent} tai-mute-request - A microphone or a camera should go on or off. Cancelable.
 * @fires {TaiLeaveRequestEvent} tai-leave-request - The participant wants to leave. Cancelable.
 * @fires {TaiInviteEvent} tai-invite - The participant copied the room's link.
 */
export class TaiControls extends LitElement {
  static override readonly styles = controlsStyles;

  readonly #room = new RoomController(this);
  readonly #link = new CopyLink(this, this.#room);

  protected override render(): TemplateResult {
    const room = this.#room.room;
    return html`
      <div class="bar" role="group" aria-label=${this.#room.text('controls')}>
        <slot name="start"></slot>
        ${room ? PUBLICATIONS.filter((kind) => room.offers[kind]).map((kind) => this.#renderToggle(room, kind)) : nothing}
        ${room?.hasInvite ? this.#renderCopy() : nothing}
        <button part="button" class="leave" type="button" ?disabled=${!room} @click=${this.#leave}>
          ${ICONS.leave}<span>${this.#room.text('leave')}</span>
        </button>
        <slot name="end"></slot>
      </div>
    `;
  }

  /** The name stays, `aria-pressed` tells the state: a name that changes with the state would be read as its opposite. */
  #renderToggle(room: Room, kind: PublicationKind): TemplateResult {
    const device = room.view[kind];
    const isOn = isDeviceOn(room.view, kind);
    const failure = device.state === 'failed' ? this.#failure(kind, device.code) : undefined;
    return html`
      <button
        part="button"
        class="toggle"
        type="button"
        aria-pressed=${isOn ? 'true' : 'false'}
        aria-busy=${device.state === 'starting' ? 'true' : nothing}
        aria-label=${this.#room.text(kind)}
        aria-description=${failure ?? nothing}
        title=${failure ?? this.#room.text(`${kind}-${isOn ? 'on' : 'off'}`)}
        ?disabled=${!isInCall(room.view.phase) && room.view.phase !== 'joining'}
        @click=${() => this.#toggle(kind, !isOn)}
      >
        ${ICONS[isOn ? kind : (`${kind}-off` as const)]}
        ${failure === undefined ? nothing : html`<span class="alert">!</span>`}
      </button>
    `;
  }

  #renderCopy(): TemplateResult {
    const label = this.#room.text('copy-link');
    const { isCopied } = this.#link;
    return html`
      <button
        part="button"
        class="copy"
        type="button"
        aria-label=${label}
        title=${isCopied ? this.#room.text('link-copied') : label}
        ?data-copied=${isCopied}
        @click=${() => this.#link.copy()}
      >
        ${isCopied ? ICONS.check : ICONS.link}
      </button>
    `;
  }

  #failure(kind: PublicationKind, code: Parameters<typeof errorKey>[0]): string {
    return this.#room.text(errorKey(code), { device: this.#room.text(`the-${kind}`) });
  }

  #toggle(kind: PublicationKind, isOn: boolean): void {
    this.#room.request(new TaiMuteRequestEvent(kind, !isOn), (actions) => {
      actions.toggle(kind, isOn);
    });
  }

  #leave(): void {
    this.#room.request(new TaiLeaveRequestEvent(), (actions) => {
      actions.leave();
    });
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'tai-controls': TaiControls;
  }
}
