import { LitElement, html, nothing } from 'lit';
import type { PropertyDeclarations, PropertyValues, TemplateResult } from 'lit';
import type { ParticipantView, PeerId, SafetyNumber } from '../../engine/index.ts';
import { markOf } from '../internal/encryption.ts';
import { TaiLeaveRequestEvent } from '../internal/events.ts';
import type { Room, VerifyTarget } from '../internal/room-context.ts';
import { RoomController } from '../internal/room-controller.ts';
import { drawQr } from './qr-code.ts';
import type { QrCode } from './qr-code.ts';
import { browserScanner, cameraErrorKey, look } from './qr-scanner.ts';
import type { ScannerPort } from './qr-scanner.ts';
import { verifyStyles } from './tai-verify.styles.ts';
import { renderVerify } from './tai-verify.template.ts';
import type { VerifyHandlers, VerifyStep } from './tai-verify.template.ts';

/** The place of camera and detector, for tests. Not part of the public face. */
export const SCANNER: unique symbol = Symbol('scanner');

/**
 * @summary Where people compare codes: the room's with everybody, a safety number or a QR code with one. A modal dialog,
 * closed until somebody asks for it at the shield or at a tile. Empty outside a room.
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
  static override readonly styles = verifyStyles;
  static override readonly properties: PropertyDeclarations = {
    step: { state: true },
    number: { state: true },
    qr: { state: true },
    camera: { state: true },
    note: { state: true },
  };

  declare protected step: VerifyStep;
  declare protected number: SafetyNumber | undefined;
  declare protected qr: QrCode | undefined;
  /** While the scanner looks. */
  declare protected camera: MediaStream | undefined;
  /** What the scanner has to say. */
  declare protected note: string;

  readonly #room = new RoomController(this);
  #target: VerifyTarget | undefined;
  /** What the dialog was last opened for: one that the participant closes tells so a task later, and must not open again. */
  #shown: VerifyTarget | undefined;
  /** Whose safety number is shown: a peer, and its device. */
  #numberOf = '';
  #scan: AbortController | undefined;
  [SCANNER]: ScannerPort = browserScanner;

  constructor() {
    super();
    this.#reset();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#reset();
    // what is taken out of the page is no longer modal, though it stays open
    this.#dialog()?.close();
    this.#shown = undefined;
  }

  /** Moved within the page: the dialog stays open. */
  connectedMoveCallback(): void {}

  protected override willUpdate(): void {
    const room = this.#room.room;
    const target = room?.verifying;
    if (target !== this.#target) {
      this.#target = target;
      this.#reset();
    }
    const peer = room && peerOf(room, target);
    const numberOf = peer?.identity ? `${peer.peerId} ${peer.identity.deviceId}` : '';
    if (numberOf !== this.#numberOf) {
      this.#numberOf = numberOf;
      this.number = undefined;
      this.qr = undefined;
      if (peer && numberOf !== '') void this.#load(peer.peerId, numberOf);
    }
    // whose keys are refused, or who has left, is nobody to scan
    if (this.camera && (!peer || markOf(peer) === 'wrong-key')) this.#stopScan();
  }

  protected override render(): TemplateResult {
    const room = this.#room.room;
    const { step, number, qr, camera, note } = this;
    const text = this.#room.text.bind(this.#room);
    return html`
      <dialog part="dialog" aria-labelledby="title" @close=${this.#onClose}>
        ${
          room?.verifying === undefined
            ? nothing
            : renderVerify({ room, text, step, number, qr, camera, note, peer: peerOf(room, room.verifying) }, this.#on)
        }
      </dialog>
    `;
  }

  protected override updated(changed: PropertyValues): void {
    const dialog = this.#dialog();
    if (!dialog) return;
    const target = this.isConnected ? this.#target : undefined;
    if (target === undefined) dialog.close();
    else if (target !== this.#shown && !dialog.open) dialog.showModal();
    this.#shown = target;
    // the button that was pressed is gone: whoever reads by ear goes on at the title
    if (dialog.open && !this.shadowRoot?.activeElement) dialog.querySelector('h2')?.focus();
    if (changed.has('step') && this.step === 'differs') dialog.scrollTop = 0;
  }

  readonly #on: VerifyHandlers = {
    close: () => this.#room.room?.actions.trust.close(),
    show: (target) => this.#room.room?.actions.trust.open(target),
    answer: (peers, isSame) => this.#answer(peers, isSame),
    undo: (peers) => this.#setVerified(peers, false),
    again: () => this.#reset(),
    leave: () => this.#room.request(new TaiLeaveRequestEvent(), (actions) => actions.leave()),
    scan: (peerId) => void this.#startScan(peerId),
    stopScan: () => this.#stopScan(),
  };

  /** About those whose codes were on the screen, whoever has come since. */
  #answer(peers: readonly PeerId[], isSame: boolean): void {
    this.#stopScan();
    if (isSame) this.#setVerified(peers, true);
    else this.#differ();
  }

  #differ(): void {
    this.step = 'differs';
    // a slip with the room's code says of nobody which of them it was
    if (this.#target !== undefined && this.#target !== 'room') this.#setVerified([this.#target], false);
  }

  #setVerified(peers: readonly PeerId[], isVerified: boolean): void {
    this.#room.room?.actions.trust.setVerified(peers, isVerified);
  }

  async #load(peerId: PeerId, numberOf: string): Promise<void> {
    const number = await this.#room.room?.actions.trust.safetyNumber(peerId);
    if (numberOf !== this.#numberOf) return;
    this.number = number;
    if (!number) return;
    try {
      const qr = await drawQr(number.qr);
      if (numberOf === this.#numberOf) this.qr = qr;
    } catch {
      // the digits say the same
    }
  }

  async #startScan(peerId: PeerId): Promise<void> {
    this.#stopScan();
    this.note = '';
    const scan = new AbortController();
    this.#scan = scan;
    try {
      await this.#scanWith(scan.signal, peerId);
    } catch (error) {
      if (!scan.signal.aborted)
        this.note = this.#room.text(cameraErrorKey(error), { device: this.#room.text('the-camera') });
    }
    // one that was ended has been cleared away, and the next may have begun
    if (!scan.signal.aborted) this.#stopScan();
  }

  async #scanWith(signal: AbortSignal, peerId: PeerId): Promise<void> {
    const track = await this[SCANNER].openCamera(this.#room.room?.view.cameraTrack);
    if (signal.aborted) return track.stop();
    signal.addEventListener('abort', () => track.stop());
    this.camera = new MediaStream([track]);
    const read = await this[SCANNER].createReader();
    await this.updateComplete;
    const video = this.renderRoot.querySelector('video');
    if (video && !signal.aborted) await look(video, track, read, (text) => this.#take(text, peerId), signal);
  }

  /** Whether that is what was looked for. */
  #take(text: string, peerId: PeerId): boolean {
    const result = this.#room.room?.actions.trust.checkScan(peerId, text);
    this.note = result === 'unreadable' ? this.#room.text('verify-scan-other') : '';
    if (result === 'match') this.#setVerified([peerId], true);
    if (result === 'mismatch') this.#differ();
    return result !== 'unreadable';
  }

  #stopScan(): void {
    this.#scan?.abort();
    this.#scan = undefined;
    this.camera = undefined;
  }

  #reset(): void {
    this.#stopScan();
    this.step = 'compare';
    this.note = '';
  }

  #dialog(): HTMLDialogElement | null {
    return this.renderRoot?.querySelector('dialog') ?? null;
  }

  /** By Escape, or as a phone goes back. Told a task later: it may be open again by then. */
  #onClose(): void {
    if (this.#dialog()?.open === false) this.#room.room?.actions.trust.close();
  }
}

function peerOf(room: Room, target: VerifyTarget | undefined): ParticipantView | undefined {
  return room.view.participants.find(({ peerId }) => peerId === target);
}

declare global {
  interface HTMLElementTagNameMap {
    'tai-verify': TaiVerify;
  }
}
