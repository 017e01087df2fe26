import { LitElement, html, nothing } from 'lit';
import type { TemplateResult } from 'lit';
import type { PublicationKind } from '../../engine/index.ts';
import { TaiJoinRequestEvent, TaiMuteRequestEvent } from '../internal/events.ts';
import { ICONS } from '../internal/icons.ts';
import { PUBLICATIONS } from '../internal/room-context.ts';
import type { Room } from '../internal/room-context.ts';
import { RoomController } from '../internal/room-controller.ts';
import { errorKey } from '../internal/strings.ts';
import type { StringKey } from '../internal/strings.ts';
import { measureLevel } from './level-meter.ts';
import { lobbyStyles } from './tai-lobby.styles.ts';

const BARS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const;
/** Above this level we say that the microphone works. */
const HEARD = 0.35;

/**
 * @summary Before the call: preview, microphone level, devices, name, one big button. A missing device never blocks it.
 *
 * @csspart preview - The picture of ourselves.
 * @csspart button - Each button.
 *
 * @cssprop --tai-color-accent - Colour of the join button.
 * @cssprop --tai-color-surface - Surface.
 *
 * @fires {TaiJoinRequestEvent} tai-join-request - The participant wants to join. Cancelable.
 * @fires {TaiMuteRequestEvent} tai-mute-request - A microphone or a camera should go on or off. Cancelable.
 */
export class TaiLobby extends LitElement {
  static override readonly styles = lobbyStyles;

  readonly #room = new RoomController(this);
  #measured: MediaStreamTrack | undefined;
  #stopMeasuring: (() => void) | undefined;
  #isHeard = false;
  /** The browser cannot listen to this track: then no level is shown, rather than a silent one. */
  #isDeaf = false;

  override connectedCallback(): void {
    super.connectedCallback();
    this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#measure(undefined);
  }

  protected override render(): TemplateResult | typeof nothing {
    const room = this.#room.room;
    if (!room) return nothing;
    const offered = PUBLICATIONS.filter((kind) => room.offers[kind]);
    return html`
      <form class=${offered.length > 0 ? 'lobby' : 'lobby listen'} @submit=${this.#join}>
        ${offered.length > 0 ? this.#renderPreview(room, offered) : nothing}
        <div class="words">
          <h2>${this.#room.text(titleOf(room))}</h2>
          <p class="hint">${this.#room.text(`${titleOf(room)}-hint`)}</p>
          <label>
            ${this.#room.text('name')}
            <input
              name="name"
              autocomplete="name"
              maxlength="64"
              placeholder=${this.#room.text('name-placeholder')}
              .value=${room.view.name}
              @change=${(event: Event) => this.#rename(event)}
            />
          </label>
          ${offered.map((kind) => this.#renderPicker(room, kind))}
          ${offered.length > 0 ? nothing : html`<p class="hint">${this.#room.text('listen-only')}</p>`}
          <div class="go">
            <button part="button" class="primary" type="submit" ?disabled=${!room.isReady}>
              ${this.#room.text(joinKey(room, offered))}
            </button>
          </div>
        </div>
      </form>
    `;
  }

  protected override updated(): void {
    const view = this.#room.room?.view;
    const video = this.renderRoot.querySelector('video');
    if (video) show(video, view?.cameraTrack);
    this.#measure(this.isConnected && view?.microphone.state === 'live' ? view.microphoneTrack : undefined);
  }

  #renderPreview(room: Room, offered: readonly PublicationKind[]): TemplateResult {
    const { view } = room;
    const isUntouched = offered.every((kind) => view[kind].state === 'off' && room.wants[kind]);
    const failures = offered.flatMap((kind) => {
      const device = view[kind];
      return device.state === 'failed' ? [{ kind, code: device.code }] : [];
    });
    return html`
      <div class="side">
        <div class="preview" part="preview" role="group" aria-label=${this.#room.text('preview')}>
          <video
            .muted=${true}
            autoplay
            playsinline
            aria-hidden="true"
            ?data-live=${view.camera.state === 'live'}
          ></video>
          <div class="off" ?hidden=${view.camera.state === 'live'}>
            <span class="orb" aria-hidden="true">${ICONS[room.isOn.camera ? 'camera' : 'camera-off']}</span>
            <p>${this.#room.text(previewKey(room, isUntouched))}</p>
            ${
              isUntouched
                ? html`<button part="button" class="glass" type="button" @click=${() => this.#preview(offered)}>
                    ${this.#room.text('preview-start')}
                  </button>`
                : nothing
            }
          </div>
          <div class="toggles">${offered.map((kind) => this.#renderToggle(room, kind))}</div>
        </div>
        ${view.microphone.state === 'live' && !this.#isDeaf ? this.#renderLevel() : nothing}
        ${failures.map(
          ({ kind, code }) => html`
            <p class="failure" role="status">
              ${ICONS.alert}
              <span>${this.#room.text(errorKey(code), { device: this.#room.text(`the-${kind}`) })}</span>
              <button part="button" type="button" @click=${() => this.#toggle(kind, true)}>
                ${this.#room.text('try-again')}<span class="visually-hidden">: ${this.#room.text(kind)}</span>
              </button>
            </p>
          `,
        )}
      </div>
    `;
  }

  #renderToggle(room: Room, kind: PublicationKind): TemplateResult {
    const isOn = room.isOn[kind];
    return html`
      <button
        part="button"
        class="glass toggle"
        type="button"
        aria-pressed=${isOn ? 'true' : 'false'}
        aria-busy=${room.view[kind].state === 'starting' ? 'true' : nothing}
        aria-label=${this.#room.text(kind)}
        title=${this.#room.text(`${kind}-${isOn ? 'on' : 'off'}`)}
        @click=${() => this.#toggle(kind, !isOn)}
      >
        ${ICONS[isOn ? kind : (`${kind}-off` as const)]}
        ${room.view[kind].state === 'failed' ? html`<span class="alert" aria-hidden="true">!</span>` : nothing}
      </button>
    `;
  }

  #renderLevel(): TemplateResult {
    return html`
      <div class="level">
        ${ICONS.microphone}
        <span class="bars" aria-hidden="true">${BARS.map(() => html`<i></i>`)}</span>
        <span role="status">${this.#room.text(this.#isHeard ? 'level-heard' : 'level-quiet')}</span>
      </div>
    `;
  }

  /** Names of devices are empty until the browser has let us use one: no picker without names. */
  #renderPicker(room: Room, kind: PublicationKind): TemplateResult | typeof nothing {
    const devices = room.devices.filter((device) => device.kind === kind && device.deviceId !== '');
    const current = room.view[kind];
    if (current.state !== 'live' || devices.length === 0) return nothing;
    const word = this.#room.text(kind);
    return html`
      <label>
        ${word}
        <select @change=${(event: Event) => this.#pick(kind, event)}>
          ${devices.map(
            ({ deviceId, label }, index) => html`
              <option value=${deviceId} ?selected=${deviceId === current.deviceId}>
                ${label || this.#room.text('device-default', { device: word, number: index + 1 })}
              </option>
            `,
          )}
        </select>
      </label>
    `;
  }

  #join(event: SubmitEvent): void {
    event.preventDefault();
    // Enter submits the form before some browsers tell of the change
    const name = this.renderRoot.querySelector('input')?.value ?? '';
    this.#room.room?.actions.setName(name);
    this.#room.request(new TaiJoinRequestEvent(), (actions) => {
      actions.join();
    });
  }

  #rename(event: Event): void {
    if (event.target instanceof HTMLInputElement) this.#room.room?.actions.setName(event.target.value);
  }

  #pick(kind: PublicationKind, event: Event): void {
    if (event.target instanceof HTMLSelectElement) this.#room.room?.actions.setDevice(kind, event.target.value);
  }

  #preview(kinds: readonly PublicationKind[]): void {
    for (const kind of kinds) this.#toggle(kind, true);
  }

  #toggle(kind: PublicationKind, isOn: boolean): void {
    this.#room.request(new TaiMuteRequestEvent(kind, !isOn), (actions) => {
      actions.toggle(kind, isOn);
    });
  }

  #measure(track: MediaStreamTrack | undefined): void {
    if (track === this.#measured) return;
    this.#stopMeasuring?.();
    this.#measured = track;
    this.#isHeard = false;
    this.#stopMeasuring = track && measureLevel(track, (level) => this.#showLevel(level));
    const isDeaf = track !== undefined && !this.#stopMeasuring;
    if (isDeaf === this.#isDeaf) return;
    this.#isDeaf = isDeaf;
    this.requestUpdate();
  }

  /** Straight to the bars: a level is no state worth a render. */
  #showLevel(level: number): void {
    const bars = this.renderRoot.querySelectorAll('.bars i');
    bars.forEach((bar, index) => bar.toggleAttribute('data-lit', level * bars.length > index + 0.5));
    if (level < HEARD || this.#isHeard) return;
    this.#isHeard = true;
    this.requestUpdate();
  }
}

function titleOf(room: Room): 'lobby-new' | 'lobby-private' | 'lobby-open' {
  if (room.roomKind === 'open') return 'lobby-open';
  return room.isNew ? 'lobby-new' : 'lobby-private';
}

function previewKey(room: Room, isUntouched: boolean): StringKey {
  if (room.view.camera.state === 'starting') return 'preview-starting';
  return isUntouched ? 'preview-off' : 'preview-camera-off';
}

/** A device that fails changes what the button says, never whether it works. */
function joinKey(room: Room, offered: readonly PublicationKind[]): StringKey {
  const failed = offered.filter((kind) => room.view[kind].state === 'failed');
  if (failed.length > 1) return 'join-without-devices';
  if (failed[0]) return failed[0] === 'camera' ? 'join-without-camera' : 'join-without-microphone';
  return room.isNew ? 'join-new' : 'join';
}

function show(video: HTMLVideoElement, track: MediaStreamTrack | undefined): void {
  const shown = video.srcObject instanceof MediaStream ? video.srcObject.getVideoTracks()[0] : undefined;
  if (shown !== track) video.srcObject = track ? new MediaStream([track]) : null;
}

declare global {
  interface HTMLElementTagNameMap {
    'tai-lobby': TaiLobby;
  }
}
