import { LitElement, html, nothing } from 'lit';
import type { PropertyDeclarations, TemplateResult } from 'lit';
import { hasAlarm, isEncrypted, isInCall, roomEncryption } from '../internal/encryption.ts';
import { TaiVerifyRequestEvent } from '../internal/events.ts';
import { ICONS } from '../internal/icons.ts';
import { renderPeople } from '../internal/people.ts';
import type { Room, VerifyTarget } from '../internal/room-context.ts';
import { RoomController } from '../internal/room-controller.ts';
import { privacyFacts } from './privacy-facts.ts';
import type { PrivacyFact } from './privacy-facts.ts';
import type { StringKey } from '../internal/strings.ts';
import { shieldStyles } from './tai-privacy-shield.styles.ts';

/**
 * @summary What is encrypted in this room, who is in it and whose codes were compared, who can come in, and what still
 * leaks. Only what is true. Empty outside a room.
 *
 * @attr {boolean} compact - A pill that unfolds the list; without it the list stands open.
 *
 * @csspart button - The pill, and the buttons that compare codes.
 * @csspart panel - The list.
 *
 * @cssprop --tai-color-ok - Colour of what is protected.
 * @cssprop --tai-color-danger - Colour of what is alarming.
 * @cssprop --tai-color-surface - Surface of the list.
 *
 * @cssstate encrypted - Outsiders are kept out.
 * @cssstate verified - And codes were compared with everybody here.
 * @cssstate private - Our IP addresses are hidden from the others.
 * @cssstate warning - Anyone who sees the page can come in, or something is wrong with somebody's keys, or hiding has failed.
 *
 * @fires {TaiVerifyRequestEvent} tai-verify-request - The participant wants to compare codes. Cancelable.
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
    const view = this.#room.room?.view;
    const overall = view ? roomEncryption(view).overall : 'none';
    this.#setState('encrypted', isEncrypted(overall));
    this.#setState('verified', overall === 'verified');
    this.#setState('private', view?.encryption.isAddressHidden ?? false);
    this.#setState('warning', this.#room.room?.roomKind === 'open' || (view !== undefined && hasAlarm(view)));
  }

  #renderPill(room: Room): TemplateResult {
    const { kind, icon, text } = pillOf(room);
    return html`
      <button
        part="button"
        class="pill ${kind}"
        type="button"
        aria-expanded=${this.isOpen ? 'true' : 'false'}
        aria-controls="panel"
        @click=${this.#toggle}
      >
        ${ICONS[icon]}
        <span>${this.#room.text(text)}</span>
        ${ICONS.unfold}
      </button>
      <div id="panel" class="float" ?hidden=${!this.isOpen}>${this.isOpen ? this.#renderPanel(room) : nothing}</div>
    `;
  }

  #renderPanel(room: Room): TemplateResult {
    const facts = privacyFacts(room.view, room.strings);
    const render = (fact: PrivacyFact): TemplateResult => this.#renderFact(fact);
    const alarms = facts.filter(({ kind }) => kind === 'alarm').map(render);
    return html`
      <div part="panel" class="panel" role="group" aria-labelledby="title" tabindex=${this.compact ? 0 : nothing}>
        ${
          alarms.length > 0
            ? html`<ul class="facts alarms">
                ${alarms}
              </ul>`
            : nothing
        }
        ${this.#renderPeople(room)}
        <p id="title" class="title">${this.#room.text('shield-title')}</p>
        <ul class="facts">
          ${facts.filter(({ kind }) => kind !== 'alarm').map(render)}
        </ul>
      </div>
    `;
  }

  #renderPeople({ view }: Room): TemplateResult | typeof nothing {
    if (!isInCall(view.phase) || view.participants.length === 0) return nothing;
    return html`
      <p class="title">${this.#room.text('shield-people')}</p>
      ${renderPeople(view.participants, this.#room.text.bind(this.#room), (peerId) => this.#ask(peerId))}
      <button part="button" class="compare" type="button" @click=${() => this.#ask('room')}>
        ${ICONS.verified}<span>${this.#room.text('verify-room')}</span>
      </button>
    `;
  }

  #renderFact({ id, kind, title, hint, values }: PrivacyFact): TemplateResult {
    return html`
      <li class=${kind} data-fact=${id}>
        <span class="mark">${ICONS[FACT_ICONS[kind]]}</span>
        <p><strong>${this.#room.text(title, values)}</strong> <span>${this.#room.text(hint, values)}</span></p>
      </li>
    `;
  }

  /** The list folds as soon as the focus leaves it: it goes to the pill first, which is there to come back to. */
  #ask(target: VerifyTarget): void {
    if (this.compact) this.renderRoot.querySelector<HTMLElement>('.pill')?.focus();
    this.isOpen = false;
    const event = new TaiVerifyRequestEvent(target === 'room' ? undefined : target);
    this.#room.request(event, ({ trust }) => trust.open(target));
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

type Pill = { readonly kind: string; readonly icon: keyof typeof ICONS; readonly text: StringKey };

const FACT_ICONS = { alarm: 'alert', kept: 'check', known: 'eye' } as const;

function pillOf({ view, roomKind }: Room): Pill {
  if (hasAlarm(view)) return { kind: 'alarming', icon: 'alert', text: 'shield-alarm' };
  if (roomKind === 'open') return { kind: 'open-room', icon: 'eye', text: 'shield-open' };
  const isVerified = roomEncryption(view).overall === 'verified';
  if (isVerified) return { kind: '', icon: 'verified', text: 'shield-all-verified' };
  return { kind: '', icon: 'shield', text: 'shield-private' };
}

declare global {
  interface HTMLElementTagNameMap {
    'tai-privacy-shield': TaiPrivacyShield;
  }
}
