/** What the dialog shows: the room's code, one peer's number and QR code, or that codes differ. */
import { html, nothing, svg } from 'lit';
import type { TemplateResult } from 'lit';
import type { ParticipantView, PeerId, RoomCode, SafetyNumber } from '../../engine/index.ts';
import { isAlarming, isComparable, isRefused, markOf } from '../internal/encryption.ts';
import { ICONS } from '../internal/icons.ts';
import { renderPeople } from '../internal/people.ts';
import type { Room, VerifyTarget } from '../internal/room-context.ts';
import type { RoomController } from '../internal/room-controller.ts';
import type { QrCode } from './qr-code.ts';

/** `differs`: somebody has said so, or a scanned code has. */
export type VerifyStep = 'compare' | 'differs';

/** `loading`: being computed; `undefined`: there is none. */
export type ShownNumber = SafetyNumber | 'loading' | undefined;

export type VerifyModel = {
  readonly room: Room;
  readonly text: RoomController['text'];
  readonly step: VerifyStep;
  /** The room code, as `comparedCode` gives it, that was found equal in this dialog. */
  readonly answered: string | undefined;
  /** Where one is compared: `undefined` also once that one has left. */
  readonly peer: ParticipantView | undefined;
  readonly number: ShownNumber;
  /** `loading`: being drawn, and its place is kept. */
  readonly qr: QrCode | 'loading' | undefined;
  readonly camera: MediaStream | undefined;
  readonly note: string;
  /** Of the one that is compared, also when that one has left. */
  readonly name: string;
  /** What has happened since the code was another one, which somebody may still be reading; empty = nothing. */
  readonly news: string;
};

export type VerifyHandlers = {
  close(): void;
  show(target: VerifyTarget): void;
  /** The new code is read from here on. */
  read(): void;
  /** `code`: what was on the screen, as `comparedCode` gives it. */
  answer(peers: readonly PeerId[], isSame: boolean, code: string | undefined): void;
  undo(peers: readonly PeerId[]): void;
  again(): void;
  leave(): void;
  scan(peerId: PeerId): void;
  stopScan(): void;
};

/** As many digits as people read in one breath. */
const GROUP = /\d{1,5}/g;
/** Of the 60 digits of a safety number. */
const NUMBER_GROUPS = 12;

export function renderVerify(model: VerifyModel, on: VerifyHandlers): TemplateResult {
  const { room, text, step, name, news } = model;
  const isRoom = room.verifying === 'room';
  const isDiffering = step === 'differs';
  const title = isDiffering ? text('verify-alarm') : isRoom ? text('verify-room') : text('verify-name', { name });
  const done = isDiffering ? '' : doneText(model);
  const note = isDiffering || news === '' ? model.note : news;
  return html`
    <header>
      <h2 id="title" tabindex="-1" autofocus>${title}</h2>
      <button class="plain" part="button" type="button" aria-label=${text('verify-close')} @click=${on.close}>
        ${ICONS.close}
      </button>
    </header>
    <p id="note" class=${done === '' ? 'note' : 'note done'} role="status" ?hidden=${done === '' && note === ''}>
      ${done === '' ? note : html`${ICONS.verified}<span>${done}</span>`}
    </p>
    ${isDiffering ? renderAlarm(model, on) : isRoom ? renderRoomCode(model, on) : renderPeer(model, on)}
  `;
}

/** The room's code while that is what is compared, as one text. */
export function comparedCode({ verifying, view }: Room): string | undefined {
  return verifying === 'room' ? view.encryption.roomCode?.digits : undefined;
}

function doneText({ room, text, peer, name, answered }: VerifyModel): string {
  if (room.verifying !== 'room') return peer?.encryption === 'verified' ? text('verify-peer-done', { name }) : '';
  // marks from before, of pins or safety numbers, say nothing of this code
  const isAnswered = answered !== undefined && answered === comparedCode(room);
  const isDone = isAnswered && room.view.participants.every(({ encryption }) => encryption === 'verified');
  return isDone ? text('verify-room-done') : '';
}

function renderAlarm({ text }: VerifyModel, on: VerifyHandlers): TemplateResult {
  return html`
    <div class="alarm" role="alert">
      ${ICONS.alert}
      <div>
        <p>${text('verify-alarm-hint')}</p>
        <p><strong>${text('verify-alarm-tell')}</strong></p>
      </div>
    </div>
    <p class="quiet">${text('verify-alarm-slip')}</p>
    <div class="actions">
      <button part="button" class="danger" type="button" @click=${on.leave}>${ICONS.leave}${text('leave')}</button>
      <button part="button" type="button" @click=${on.again}>${text('verify-again')}</button>
    </div>
  `;
}

function renderRoomCode(model: VerifyModel, on: VerifyHandlers): TemplateResult {
  const { room, text } = model;
  const { participants, encryption } = room.view;
  // who was refused stays on the screen a while, and makes no code with us
  const isAlone = participants.every((peer) => isRefused(markOf(peer)));
  // marked by an answer: those whose keys this code speaks of
  const peers = participants.filter((peer) => isComparable(markOf(peer))).map(({ peerId }) => peerId);
  return html`
    ${
      encryption.roomCode
        ? html`${model.news === '' ? nothing : renderRead(text, on)} ${renderCode(encryption.roomCode, text)}
          ${renderAnswers(model, on, peers)}`
        : html`<p class="quiet" ?hidden=${model.news !== '' && !isAlone}>
            ${text(isAlone ? 'verify-room-alone' : 'verify-room-wait')}
          </p>`
    }
    ${
      participants.length === 0
        ? nothing
        : html`<h3>${text('verify-single')}</h3>
            ${renderPeople(participants, text, on.show)}`
    }
  `;
}

/** Above the code, and far from the answers: a click that was meant for one of them must not land here. */
function renderRead(text: RoomController['text'], on: VerifyHandlers): TemplateResult {
  return html`
    <button part="button" class="read" type="button" @click=${on.read}>${text('verify-code-read')}</button>
  `;
}

function renderCode({ emoji, digits }: RoomCode, text: RoomController['text']): TemplateResult {
  return html`
    <p>${text('verify-room-how')}</p>
    <ul class="emoji" aria-label=${text('verify-emoji')}>
      ${emoji.map(
        ({ symbol, name }) =>
          html`<li><span class="symbol" aria-hidden="true">${symbol}</span><span lang="en">${name}</span></li>`,
      )}
    </ul>
    ${renderDigits(digits, text('verify-digits'))}
    <p class="quiet">${text('verify-room-why')}</p>
  `;
}

function renderPeer(model: VerifyModel, on: VerifyHandlers): TemplateResult {
  const { text, peer, number, camera, name } = model;
  if (!peer) return html`<p class="quiet">${text('verify-peer-gone')}</p>`;
  const mark = markOf(peer);
  if (camera) return renderScanner(text, camera, name, on);
  const isShown = number !== undefined && isComparable(mark);
  return html`
    ${
      isAlarming(mark)
        ? html`<div class="alarm" role="alert">
            ${ICONS.alert}
            <p><strong>${text(`shield-${mark}`, { name })}.</strong> ${text(`shield-${mark}-hint`, { name })}</p>
          </div>`
        : nothing
    }
    ${
      isShown
        ? html`
            <p>${text('verify-peer-how', { name })}</p>
            ${number === 'loading' ? renderPending(text) : renderDigits(number.digits, text('verify-number'))}
            <p class="quiet">${text('verify-peer-why', { name })}</p>
            <div class="numbered" ?inert=${number === 'loading'}>
              ${renderAnswers(model, on, [peer.peerId])} ${renderNear(model, name, on, peer.peerId)}
            </div>
          `
        : nothing
    }
    ${isShown || isRefused(mark) ? nothing : html`<p class="quiet">${text('verify-peer-wait', { name })}</p>`}
  `;
}

/** The eye reads groups, the ear single digits. */
function renderDigits(digits: string, label: string): TemplateResult {
  const groups = digits.match(GROUP) ?? [];
  return html`
    <p class="label">${label}</p>
    <p class="digits" dir="ltr" data-groups=${groups.length}>
      ${groups.map((group) => html`<span aria-hidden="true">${group}</span>`)}
      <span class="visually-hidden">${groups.map((group) => [...group].join(' ')).join(', ')}</span>
    </p>
  `;
}

/** As large as the number that takes its place: nothing may move under a finger. */
function renderPending(text: RoomController['text']): TemplateResult {
  return html`
    <p class="label">${text('verify-number')}</p>
    <p class="digits pending" data-groups=${NUMBER_GROUPS}>
      ${Array.from({ length: NUMBER_GROUPS }, () => html`<span aria-hidden="true">00000</span>`)}
      <span class="wait">${text('verify-peer-loading')}</span>
    </p>
  `;
}

function renderAnswers(model: VerifyModel, on: VerifyHandlers, peers: readonly PeerId[]): TemplateResult {
  const { text, room, news } = model;
  const code = comparedCode(room);
  const differ = html`
    <button part="button" type="button" @click=${() => on.answer(peers, false, code)}>
      ${ICONS.close}${text('verify-differ')}
    </button>
  `;
  if (doneText(model) !== '') {
    // who compares again may find that it is so no longer
    return html`
      <div class="actions">
        <button part="button" type="button" @click=${() => on.undo(peers)}>${text('verify-undo')}</button>
        ${differ}
      </div>
    `;
  }
  // Nobody is to say so of a code that came while the last one was read. Not `disabled`: that would take the focus away.
  const isLocked = news !== '';
  // neither is the way on: who has not compared must not be led to say so
  return html`
    <div class="actions">
      <button
        part="button"
        type="button"
        aria-disabled=${isLocked ? 'true' : nothing}
        aria-describedby=${isLocked ? 'note' : nothing}
        @click=${() => isLocked || on.answer(peers, true, code)}
      >
        ${ICONS.check}${text('verify-match')}
      </button>
      ${differ}
    </div>
  `;
}

function renderNear({ text, qr }: VerifyModel, name: string, on: VerifyHandlers, peerId: PeerId): TemplateResult {
  return html`
    <div class="near">
      ${qr === 'loading' ? html`<span class="qr-place"></span>` : qr ? renderQr(qr, text('verify-qr', { name })) : nothing}
      <div>
        <h3>${text('verify-near')}</h3>
        <p class="quiet">${text('verify-near-hint', { name })}</p>
        <button part="button" type="button" @click=${() => on.scan(peerId)}>${ICONS.scan}${text('verify-scan')}</button>
      </div>
    </div>
  `;
}

function renderQr({ size, path }: QrCode, label: string): TemplateResult {
  return html`
    <svg class="qr" role="img" aria-label=${label} viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges">
      ${svg`<rect width=${size} height=${size} /><path d=${path} />`}
    </svg>
  `;
}

function renderScanner(
  text: RoomController['text'],
  camera: MediaStream,
  name: string,
  on: VerifyHandlers,
): TemplateResult {
  return html`
    <div class="scanner">
      <video
        ?data-mirrored=${isFacingUs(camera)}
        .srcObject=${camera}
        .muted=${true}
        autoplay
        playsinline
        disablepictureinpicture
        aria-hidden="true"
      ></video>
      <p>${text('verify-scan-hint', { name })}</p>
      <button part="button" type="button" @click=${on.stopScan}>${text('verify-scan-stop')}</button>
    </div>
  `;
}

/** Most cameras that do not say where they look are above a screen. */
function isFacingUs(camera: MediaStream): boolean {
  return camera.getVideoTracks().every((track) => track.getSettings().facingMode !== 'environment');
}
