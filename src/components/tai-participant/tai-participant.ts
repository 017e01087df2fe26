import { LitElement, html, nothing } from 'lit';
import type { PropertyDeclarations, PropertyValues, TemplateResult } from 'lit';
import type { LinkTransport, PeerEncryption, PeerId } from '../../engine/index.ts';
import { isComparable, verifyKey } from '../internal/encryption.ts';
import type { PeerMark } from '../internal/encryption.ts';
import { TaiVerifyRequestEvent } from '../internal/events.ts';
import { ICONS } from '../internal/icons.ts';
import { initialsOf, tintOf } from '../internal/initials.ts';
import { MARK_ICONS } from '../internal/people.ts';
import { RoomController } from '../internal/room-controller.ts';
import { NextPicture } from './next-picture.ts';
import { participantStyles } from './tai-participant.styles.ts';

const TINTS = 6;
/** Every state of a peer is a CSS state too. */
const MARKS = Object.keys(MARK_ICONS);

/**
 * @summary One person's tile: picture or initials, name, microphone badge, state of the link and of its encryption. It never
 * plays sound.
 *
 * @attr {string} name - The name to show. A claim of that person, never an identity.
 * @attr {boolean} muted - Their microphone is off.
 * @attr {boolean} self - This is ourselves: the picture is mirrored.
 * @attr {string} link - State of the link: `new`, `connecting`, `connected`, `disconnected` or `failed`.
 * @attr {string} encryption - What is true about their keys: `waiting-key`, `encrypted`, `verified`, `codes-differ`,
 *   `wrong-key` or `unsupported`; empty = nothing is said.
 * @attr {boolean} changed - Somebody of this name was here before, with another device.
 * @attr {boolean} revoked - With `wrong-key`: who held these keys has declared them dead.
 *
 * @csspart video - The picture.
 * @csspart name - The name plate.
 * @csspart mark - What is true about their keys; inside a room a button to compare codes.
 *
 * @cssprop --tai-radius - Roundness of the corners.
 * @cssprop --tai-color-accent - Accent.
 * @cssprop --tai-color-danger - Colour of the microphone-off badge.
 *
 * @cssstate playing - A picture is shown.
 * @cssstate waiting-key - No keys are agreed yet.
 * @cssstate encrypted - Keys are agreed.
 * @cssstate verified - And somebody has compared codes.
 * @cssstate changed - Keys are agreed, with another device than before.
 * @cssstate codes-differ - Somebody here has compared codes with them, and they were different.
 * @cssstate wrong-key - Their keys were refused.
 * @cssstate revoked - Their keys were refused, because who held them has declared them dead.
 * @cssstate unsupported - Their browser or ours cannot do it.
 *
 * @fires {TaiVerifyRequestEvent} tai-verify-request - The participant wants to compare codes with them. Cancelable.
 */
export class TaiParticipant extends LitElement {
  static override readonly styles = participantStyles;
  static override readonly properties: PropertyDeclarations = {
    name: {},
    muted: { type: Boolean },
    self: { type: Boolean },
    link: {},
    encryption: {},
    changed: { type: Boolean },
    revoked: { type: Boolean },
    peerId: { attribute: false },
    videoTrack: { attribute: false },
  };

  declare name: string;
  declare muted: boolean;
  declare self: boolean;
  declare link: LinkTransport;
  declare encryption: PeerEncryption | '';
  declare changed: boolean;
  declare revoked: boolean;
  /** Whose codes to compare; without it, or outside a room, the mark is no button. */
  declare peerId: PeerId | undefined;
  /** The live picture, or `undefined` for none. */
  declare videoTrack: MediaStreamTrack | undefined;

  readonly #room = new RoomController(this);
  readonly #internals = this.attachInternals();
  readonly #next = new NextPicture();
  #stream: MediaStream | undefined;

  constructor() {
    super();
    this.name = '';
    this.muted = false;
    this.self = false;
    this.link = 'connected';
    this.encryption = '';
    this.changed = false;
    this.revoked = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#attach();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    // a detached video that keeps its stream keeps its decoder
    this.#next.cancel();
    const video = this.#video();
    if (video) video.srcObject = null;
    this.#internals.states.delete('playing');
  }

  /** Moved within the page: nothing to give back. */
  connectedMoveCallback(): void {}

  protected override render(): TemplateResult {
    const name = this.#shownName();
    const status = this.#status();
    const label = [name, this.muted ? this.#room.text('muted') : '', status].filter((part) => part !== '').join(', ');
    return html`
      <div class="tile" role="group" aria-label=${label} data-tint=${tintOf(this.name, TINTS)}>
        <div class="avatar" aria-hidden="true" ?hidden=${status !== ''}>${initialsOf(this.name) || ICONS.person}</div>
        <video
          part="video"
          .muted=${true}
          autoplay
          playsinline
          disablepictureinpicture
          aria-hidden="true"
          @playing=${this.#onPlaying}
          @emptied=${this.#onEmptied}
        ></video>
        ${status === '' ? nothing : html`<p class="status" aria-hidden="true"><span>${status}</span></p>`}
        <div class="plate" part="name" aria-hidden="true">
          ${this.muted ? html`<span class="badge">${ICONS['microphone-off']}</span>` : nothing}
          <span class="text"><bdi>${name}</bdi></span>
        </div>
        ${this.#renderMark(name)}
      </div>
    `;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has('videoTrack')) this.#attach();
    const mark = this.#mark();
    for (const state of MARKS) {
      if (state === mark) this.#internals.states.add(state);
      else this.#internals.states.delete(state);
    }
  }

  #renderMark(name: string): TemplateResult | typeof nothing {
    const mark = this.#mark();
    if (!mark) return nothing;
    const state = this.#room.text(`mark-${mark}`);
    const word = mark === 'encrypted' && this.#canVerify(mark) ? this.#room.text('verify') : state;
    const chip = html`<span class="chip" aria-hidden="true">${ICONS[MARK_ICONS[mark]]}<span>${word}</span></span>`;
    if (!this.#canVerify(mark)) {
      return html`<span class="mark" part="mark" data-mark=${mark} role="img" aria-label=${state}>${chip}</span>`;
    }
    const label = `${state}. ${this.#room.text(`${verifyKey(mark)}-name`, { name })}`;
    return html`
      <button class="mark" part="mark" data-mark=${mark} type="button" aria-label=${label} @click=${this.#verify}>
        ${chip}
      </button>
    `;
  }

  #mark(): PeerMark | undefined {
    if (this.self || !MARKS.includes(this.encryption)) return undefined;
    if (this.changed && this.encryption === 'encrypted') return 'changed';
    return this.revoked && this.encryption === 'wrong-key' ? 'revoked' : this.encryption || undefined;
  }

  #canVerify(mark: PeerMark): boolean {
    return this.peerId !== undefined && this.#room.room !== undefined && isComparable(mark);
  }

  #verify(): void {
    const { peerId } = this;
    if (peerId === undefined) return;
    // Safari leaves a clicked button without: there would be nowhere to come back to
    this.renderRoot.querySelector<HTMLElement>('.mark')?.focus();
    this.#room.request(new TaiVerifyRequestEvent(peerId), ({ trust }) => trust.open(peerId));
  }

  #shownName(): string {
    if (!this.self) return this.name || this.#room.text('guest');
    return this.name === '' ? this.#room.text('you') : this.#room.text('you-named', { name: this.name });
  }

  #status(): string {
    const mark = this.#mark();
    if (mark === 'wrong-key' || mark === 'revoked') return this.#room.text(`tile-${mark}`);
    if (this.link === 'new' || this.link === 'connecting') return this.#room.text('link-connecting');
    return this.link === 'connected' ? '' : this.#room.text('link-lost');
  }

  /** One stream for the tile's life; only its track changes. */
  #attach(): void {
    const video = this.#video();
    if (!video || !this.isConnected) return;
    const track = this.videoTrack;
    if (!track) {
      this.#next.cancel();
      video.srcObject = null;
      this.#internals.states.delete('playing');
      return;
    }
    const [shown] = this.#stream?.getTracks() ?? [];
    const isOther = shown !== undefined && shown !== track && shown.readyState === 'live';
    if (!isOther || !this.#internals.states.has('playing')) return this.#show(video, track);
    this.#next.await(track, video, () => {
      if (this.videoTrack === track && this.isConnected) this.#show(video, track);
    });
  }

  #show(video: HTMLVideoElement, track: MediaStreamTrack): void {
    this.#stream ??= new MediaStream();
    for (const old of this.#stream.getTracks()) if (old !== track) this.#stream.removeTrack(old);
    this.#stream.addTrack(track);
    if (video.srcObject !== this.#stream) video.srcObject = this.#stream;
    this.#next.cancel();
  }

  #video(): HTMLVideoElement | null {
    return this.renderRoot?.querySelector<HTMLVideoElement>('video:not(.next)') ?? null;
  }

  #onPlaying(): void {
    if (this.videoTrack) this.#internals.states.add('playing');
  }

  #onEmptied(): void {
    this.#internals.states.delete('playing');
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'tai-participant': TaiParticipant;
  }
}
