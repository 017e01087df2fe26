/** The dialog of `<tai-verify>`, fetched when somebody first wants to compare: what is shown, and what an answer does. */
import { html, nothing } from 'lit';
import type { LitElement, ReactiveController, TemplateResult } from 'lit';
import type { ParticipantView, PeerId } from '../../engine/index.ts';
import { isRefused, markOf } from '../internal/encryption.ts';
import { TaiLeaveRequestEvent } from '../internal/events.ts';
import type { Room, VerifyTarget } from '../internal/room-context.ts';
import type { RoomController } from '../internal/room-controller.ts';
import { drawQr } from './qr-code.ts';
import type { QrCode } from './qr-code.ts';
import { browserScanner, cameraErrorKey, look } from './qr-scanner.ts';
import type { ScannerPort } from './qr-scanner.ts';
import { comparedCode, renderVerify } from './verify-dialog.template.ts';
import type { ShownNumber, VerifyHandlers, VerifyStep } from './verify-dialog.template.ts';

export { verifyStyles } from './verify-dialog.styles.ts';

export class VerifyDialog implements ReactiveController {
  readonly #host: LitElement;
  readonly #room: RoomController;
  readonly #scanner: () => ScannerPort | undefined;
  #step: VerifyStep = 'compare';
  /** The room code that was found equal; forgotten with the dialog, and as soon as the code is another. */
  #answered: string | undefined;
  #number: ShownNumber;
  #qr: QrCode | 'loading' | undefined;
  /** While the scanner looks. */
  #camera: MediaStream | undefined;
  /** What the scanner has to say. */
  #note = '';
  #target: VerifyTarget | undefined;
  /** What the one is called that is compared, or was. */
  #name = '';
  /** The code that is being read, and who was there with it. */
  #read: CodeReading | undefined;
  /** What the dialog was last opened for: one that the participant closes tells so a task later, and must not open again. */
  #shown: VerifyTarget | undefined;
  /** Whose safety number is shown: a peer, and its device. */
  #numberOf = '';
  #scan: AbortController | undefined;
  /** Somebody has answered, and has not seen what becomes of it yet. */
  #isAnswered = false;

  /** `scanner`: in place of the browser's own. */
  constructor(host: LitElement, room: RoomController, scanner: () => ScannerPort | undefined) {
    this.#host = host;
    this.#room = room;
    this.#scanner = scanner;
    host.addController(this);
  }

  hostDisconnected(): void {
    this.#reset();
    // what is taken out of the page is no longer modal, though it stays open
    this.#element()?.close();
    this.#shown = undefined;
  }

  hostUpdate(): void {
    const room = this.#room.room;
    const target = room?.verifying;
    if (target !== this.#target) {
      this.#target = target;
      this.#name = '';
      this.#reset();
    }
    if (room && comparedCode(room) !== this.#answered) this.#answered = undefined;
    if (room && !this.#read) this.#read = readingOf(room);
    const peer = room && peerOf(room, target);
    if (peer) this.#name = peer.name;
    const numberOf = peer?.identity ? `${peer.peerId} ${peer.identity.deviceId}` : '';
    if (numberOf !== this.#numberOf) {
      this.#numberOf = numberOf;
      const isLoading = peer !== undefined && numberOf !== '';
      this.#number = isLoading ? 'loading' : undefined;
      this.#qr = this.#number && 'loading';
      if (isLoading) void this.#load(peer.peerId, numberOf);
    }
    // whose keys are refused, or who has left, is nobody to scan
    if (this.#scan && (!peer || isRefused(markOf(peer)))) this.#stopScan();
  }

  render(): TemplateResult {
    const room = this.#room.room;
    const text = this.#room.text.bind(this.#room);
    const model = {
      ...{
        text,
        step: this.#step,
        answered: this.#answered,
        number: this.#number,
        qr: this.#qr,
        camera: this.#camera,
        note: this.#note,
        name: this.#name || text('guest'),
        news: room && this.#read ? newsOf(room, this.#read, text) : '',
      },
      peer: room && peerOf(room, room.verifying),
    };
    return html`
      <dialog part="dialog" aria-labelledby="title" @close=${() => this.#onClose()}>
        ${room?.verifying === undefined ? nothing : renderVerify({ ...model, room }, this.#on)}
      </dialog>
    `;
  }

  hostUpdated(): void {
    const dialog = this.#element();
    if (!dialog) return;
    const target = this.#host.isConnected ? this.#target : undefined;
    if (target === undefined) dialog.close();
    else if (target !== this.#shown && !dialog.open) dialog.showModal();
    this.#shown = target;
    this.#revealAnswer(dialog);
    // the button that was pressed is gone: whoever reads by ear goes on at the title
    if (dialog.open && !this.#host.shadowRoot?.activeElement) dialog.querySelector('h2')?.focus();
  }

  readonly #on: VerifyHandlers = {
    close: () => this.#room.room?.actions.trust.close(),
    show: (target) => this.#room.room?.actions.trust.open(target),
    read: () => {
      this.#read = undefined;
      this.#host.requestUpdate();
    },
    answer: (peers, isSame, code) => this.#answer(peers, isSame, code),
    undo: (peers) => {
      this.#answered = undefined;
      this.#setVerified(peers, false);
      this.#host.requestUpdate();
    },
    again: () => {
      this.#reset();
      this.#host.requestUpdate();
    },
    leave: () => this.#room.request(new TaiLeaveRequestEvent(), (actions) => actions.leave()),
    scan: (peerId) => void this.#startScan(peerId),
    stopScan: () => this.#stopScan(),
  };

  /** About those whose codes were on the screen, whoever has come since. */
  #answer(peers: readonly PeerId[], isSame: boolean, code: string | undefined): void {
    this.#answered = isSame ? code : undefined;
    if (isSame) this.#setVerified(peers, true);
    else this.#differ(peers);
    this.#isAnswered = true;
    // nothing else may change: all may have been marked before
    this.#host.requestUpdate();
  }

  /** Of the room's code nobody knows which of them it is about: nobody stays verified. */
  #differ(peers: readonly PeerId[]): void {
    this.#step = 'differs';
    this.#room.room?.actions.trust.reportDifference(peers);
    this.#host.requestUpdate();
  }

  #setVerified(peers: readonly PeerId[], isVerified: boolean): void {
    this.#room.room?.actions.trust.setVerified(peers, isVerified);
  }

  async #load(peerId: PeerId, numberOf: string): Promise<void> {
    const number = await this.#room.room?.actions.trust.safetyNumber(peerId);
    if (numberOf !== this.#numberOf) return;
    this.#number = number;
    this.#host.requestUpdate();
    if (!number) return;
    try {
      const qr = await drawQr(number.qr);
      if (numberOf !== this.#numberOf) return;
      this.#qr = qr;
      this.#host.requestUpdate();
    } catch {
      // the digits say the same
      if (numberOf !== this.#numberOf) return;
      this.#qr = undefined;
      this.#host.requestUpdate();
    }
  }

  async #startScan(peerId: PeerId): Promise<void> {
    this.#stopScan();
    this.#note = '';
    const scan = new AbortController();
    this.#scan = scan;
    try {
      await this.#scanWith(scan.signal, peerId);
    } catch (error) {
      const device = this.#room.text('the-camera');
      if (!scan.signal.aborted) this.#note = this.#room.text(cameraErrorKey(error), { device });
    }
    // one that was ended has been cleared away, and the next may have begun
    if (!scan.signal.aborted) this.#stopScan();
  }

  async #scanWith(signal: AbortSignal, peerId: PeerId): Promise<void> {
    const scanner = this.#scanner() ?? browserScanner;
    const track = await scanner.openCamera(this.#room.room?.view.cameraTrack);
    if (signal.aborted) return track.stop();
    signal.addEventListener('abort', () => track.stop());
    this.#camera = new MediaStream([track]);
    this.#host.requestUpdate();
    const read = await scanner.createReader();
    await this.#host.updateComplete;
    const video = this.#element()?.querySelector('video');
    if (video && !signal.aborted) await look(video, track, read, (text) => this.#take(text, peerId), signal);
  }

  /** Whether that is what was looked for. */
  #take(text: string, peerId: PeerId): boolean {
    const result = this.#room.room?.actions.trust.checkScan(peerId, text);
    this.#note = result === 'unreadable' ? this.#room.text('verify-scan-other') : '';
    if (result === 'match') this.#setVerified([peerId], true);
    if (result === 'mismatch') this.#differ([peerId]);
    this.#host.requestUpdate();
    return result !== 'unreadable';
  }

  #stopScan(): void {
    this.#scan?.abort();
    this.#scan = undefined;
    this.#camera = undefined;
    this.#host.requestUpdate();
  }

  /** On a small screen the answers stand below what they bring about: it must not happen out of sight. */
  #revealAnswer(dialog: HTMLDialogElement): void {
    const isSaid = this.#step === 'differs' || dialog.querySelector('.done') !== null;
    if (!this.#isAnswered || !isSaid) return;
    this.#isAnswered = false;
    dialog.scrollTop = 0;
    dialog.querySelector('h2')?.focus();
  }

  #reset(): void {
    this.#isAnswered = false;
    this.#stopScan();
    this.#step = 'compare';
    this.#answered = undefined;
    this.#note = '';
    this.#read = undefined;
  }

  #element(): HTMLDialogElement | null {
    return this.#host.renderRoot.querySelector('dialog');
  }

  /** By Escape, or as a phone goes back. Told a task later: it may be open again by then. */
  #onClose(): void {
    if (this.#element()?.open === false) this.#room.room?.actions.trust.close();
  }
}

function peerOf({ view }: Room, target: VerifyTarget | undefined): ParticipantView | undefined {
  return view.participants.find(({ peerId }) => peerId === target);
}

/** A room's code while it is read, and the names of those who were there with it. */
type CodeReading = { readonly code: string; readonly people: ReadonlyMap<PeerId, string> };

function readingOf(room: Room): CodeReading | undefined {
  const code = comparedCode(room);
  const people = new Map(room.view.participants.map(({ peerId, name }) => [peerId, name]));
  return code === undefined ? undefined : { code, people };
}

/** Who has come or gone since this code was read, and that there is another one; empty while it is the one. */
function newsOf(room: Room, { code, people }: CodeReading, text: RoomController['text']): string {
  const current = comparedCode(room);
  if (current === code || room.verifying !== 'room') return '';
  const { participants } = room.view;
  const isAlone = participants.every((peer) => isRefused(markOf(peer)));
  const here = new Set(participants.map(({ peerId }) => peerId));
  const came = participants.filter(({ peerId }) => !people.has(peerId)).map(({ name }) => name);
  const went = [...people].filter(([peerId]) => !here.has(peerId)).map(([, name]) => name);
  return [
    ...came.map((name) => `${text('peer-joined', { name: name || text('guest') })}.`),
    ...went.map((name) => `${text('peer-left', { name: name || text('guest') })}.`),
    ...(current === undefined && isAlone
      ? []
      : [text(current === undefined ? 'verify-code-changing' : 'verify-code-changed')]),
  ].join(' ');
}
