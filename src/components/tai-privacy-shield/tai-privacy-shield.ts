import { LitElement, html, nothing } from 'lit';
import type { PropertyDeclarations, TemplateResult } from 'lit';
import { isEncrypted, roomEncryption } from '../internal/encryption.ts';
import { ICONS } from '../internal/icons.ts';
import type { Room } from '../internal/room-context.ts';
import { RoomController } from '../internal/room-controller.ts';
import { privacyFacts } from './privacy-facts.ts';
import type { PrivacyFact } from './privacy-facts.ts';
import { shieldStyles } from './tai-privacy-shield.styles.ts';

/**
 * @summary What is encrypted in this room, who can come in, and what still leaks. Only what is true. Empty outside a room.
 *
 * @attr {boolean} compact - A pill that unfolds the list; without it the list stands open.
 *
 * @csspart button - The pill.
 * @csspart panel - The list.
 *
 * @cssprop --tai-color-ok - Colour of what is protected.
 * @cssprop --tai-color-surface - Surface of the list.
 *
 * @cssstate encrypted - Outsiders are kept out.
 * @cssstate warning - Anyone who sees the page can come in.
 */
export class TaiPrivacyShield extends LitElement {
  static override readonly styles = shieldStyles;
  static override readonly properties: PropertyDeclarations = {
    compact: { type: Boolean },
    isOpen: { state: true },
  };

  declare compact: boolean;
  declare protected isOpen: boolean;

  readonly #room = new RoomController(this);
  readonly #internals = this.attachInternals();

  constructor() {
    super();
    this.compact = false;
    this.isOpen = false;
    this.addEventListener('keydown', (event) => this.#onKeydown(event));
    this.addEventListener('focusout', () => this.#onFocusOut());
  }

  protected override render(): TemplateResult | typeof nothing {
    const room = this.#room.room;
    if (!room?.isReady) return nothing;
    return this.compact ? this.#renderPill(room) : this.#renderPanel(room);
  }

  protected override updated(): void {
    const room = this.#room.room;
    this.#setState('encrypted', room !== undefined && isEncrypted(roomEncryption(room.view).overall));
    this.#setState('warning', room?.roomKind === 'open');
  }

  #renderPill(room: Room): TemplateResult {
    const isPrivate = room.roomKind === 'private';
    return html`
      <button
        part="button"
        class=${isPrivate ? 'pill' : 'pill open-room'}
        type="button"
        aria-expanded=${this.isOpen ? 'true' : 'false'}
        aria-controls="panel"
        @click=${this.#toggle}
      >
        ${ICONS[isPrivate ? 'shield' : 'eye']}
        <span>${this.#room.text(isPrivate ? 'shield-private' : 'shield-open')}</span>
        ${ICONS.unfold}
      </button>
      <div id="panel" class="float" ?hidden=${!this.isOpen}>${this.isOpen ? this.#renderPanel(room) : nothing}</div>
    `;
  }

  #renderPanel(room: Room): TemplateResult {
    return html`
      <div part="panel" class="panel" role="group" aria-labelledby="title" tabindex=${this.compact ? 0 : nothing}>
        <p id="title" class="title">${this.#room.text('shield-title')}</p>
        <ul>
          ${privacyFacts(room.view).map((fact) => this.#renderFact(fact))}
        </ul>
      </div>
    `;
  }

  #renderFact({ id, kind, title, hint }: PrivacyFact): TemplateResult {
    return html`
      <li class=${kind} data-fact=${id}>
        <span class="mark">${ICONS[kind === 'kept' ? 'check' : 'eye']}</span>
        <p><strong>${this.#room.text(title)}</strong> <span>${this.#room.text(hint)}</span></p>
      </li>
    `;
  }

  #toggle(): void {
    this.isOpen = !this.isOpen;
  }

  #onKeydown(event: KeyboardEvent): void {
    if (event.key !== 'Escape' || !this.isOpen) return;
    event.stopPropagation();
    this.isOpen = false;
    this.renderRoot.querySelector('button')?.focus();
  }

  /** Told only when the focus leaves the element: moves inside its shadow root end there. */
  #onFocusOut(): void {
    this.isOpen = false;
  }

  #setState(state: string, isOn: boolean): void {
    if (isOn) this.#internals.states.add(state);
    else this.#internals.states.delete(state);
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'tai-privacy-shield': TaiPrivacyShield;
  }
}
