/** What `<tai-room>` shows, from the room's value and the store's messages. */
import { html, nothing } from 'lit';
import type { TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { ParticipantView, PublicationView } from '../../engine/index.ts';
import { isInCall } from '../internal/encryption.ts';
import { renderHostDesk } from './host-desk.template.ts';
import { TaiJoinRequestEvent } from '../internal/events.ts';
import { ICONS } from '../internal/icons.ts';
import { isDeviceOn } from '../internal/room-context.ts';
import type { Room } from '../internal/room-context.ts';
import type { RoomStore } from '../internal/room-store.ts';
import type { Toast } from '../internal/store-state.ts';
import { fill } from '../internal/strings.ts';

/** From here on the grid scrolls. */
const MAX_PLACES = 7;

/** Slots stand always, and only hide: a slot that comes and goes loses what the page has put into it. */
export function renderRoom(room: Room, store: RoomStore): TemplateResult {
  const { view, strings, problem } = room;
  const isCalling = isInCall(view.phase) || view.phase === 'joining';
  const isLobby = view.phase === 'lobby' && !problem;
  const isAlone = isInCall(view.phase) && view.participants.length === 0;
  return html`
    <div class="room" role="group" aria-label=${strings.room} data-phase=${view.phase}>
      <div class="head" ?hidden=${!room.isReady || problem !== undefined}>
        <tai-privacy-shield compact part="shield"></tai-privacy-shield>
        <p class="people" ?hidden=${!isInCall(view.phase)}>${ICONS.person}<bdi>${peopleText(room)}</bdi></p>
      </div>
      <div class="toasts" aria-live="polite">
        ${repeat(
          store.state.toasts,
          ({ id }) => id,
          (toast) => renderToast(toast, room, store),
        )}
      </div>
      <div class="lobby" part="lobby" ?hidden=${!isLobby}>
        <slot name="lobby"> ${isLobby ? html`<tai-lobby exportparts="button"></tai-lobby>` : nothing} </slot>
      </div>
      ${isCalling || isLobby ? nothing : renderCard(room)}
      <div class="call" ?hidden=${!isCalling}>
        <div class="main">
          <p class="banner" role="status" ?hidden=${view.phase !== 'reconnecting'}>${strings.reconnecting}</p>
          <p class="banner knocking" ?hidden=${!view.isKnocking}>
            ${strings['knocking-title']}. ${strings['knocking-hint']}
          </p>
          ${renderHostDesk(room)}
          <div
            class="stage"
            part="stage"
            role="group"
            aria-label=${strings.stage}
            tabindex="-1"
            data-count=${Math.min(view.participants.length + (isAlone ? 2 : 1), MAX_PLACES)}
          >
            ${isCalling ? renderTiles(room) : nothing}
            <div class="empty" ?hidden=${!isAlone}>
              <slot name="empty">${isAlone ? renderAlone(room) : nothing}</slot>
            </div>
          </div>
          <slot></slot>
        </div>
        <div class="side"><slot name="side"></slot></div>
        <div class="foot">
          <button
            part="button"
            class="primary hear"
            type="button"
            ?hidden=${!store.state.isSoundBlocked || view.participants.every(({ audioTrack }) => !audioTrack)}
            @click=${() => store.hear()}
          >
            ${ICONS.sound}<span>${strings.hear}</span>
          </button>
          <tai-controls part="controls" exportparts="button">
            <slot name="controls-start" slot="start"></slot>
            <slot name="controls-end" slot="end"></slot>
          </tai-controls>
        </div>
      </div>
      <p class="visually-hidden" role="status">${store.state.announcement}</p>
      <tai-verify exportparts="dialog, button"></tai-verify>
    </div>
  `;
}

function renderTiles(room: Room): TemplateResult {
  const { view } = room;
  return html`
    ${repeat(
      view.participants,
      ({ peerId }) => peerId,
      (peer) => renderPeer(peer),
    )}
    <tai-participant
      part="tile"
      exportparts="video: tile-video, name: tile-name"
      self
      name=${view.name}
      ?muted=${!isDeviceOn(view, 'microphone')}
      .videoTrack=${isDeviceOn(view, 'camera') ? view.cameraTrack : undefined}
      link=${view.phase === 'joining' ? 'connecting' : 'connected'}
    ></tai-participant>
  `;
}

function renderPeer(peer: ParticipantView): TemplateResult {
  return html`
    <tai-participant
      part="tile"
      exportparts="video: tile-video, name: tile-name, mark: tile-mark"
      name=${peer.name}
      .peerId=${peer.peerId}
      encryption=${peer.encryption}
      ?changed=${peer.identity?.standing === 'changed'}
      ?revoked=${peer.identity?.standing === 'revoked'}
      ?muted=${!isOn(peer.microphone)}
      .videoTrack=${isOn(peer.camera) ? peer.videoTrack : undefined}
      link=${peer.link}
    ></tai-participant>
  `;
}

/** What is sent counts once a frame of it has opened: before, there is nothing to hear or see. */
function isOn(publication: PublicationView | undefined): boolean {
  return publication !== undefined && !publication.isMuted && publication.isOpened;
}

function renderAlone({ strings, hasInvite }: Room): TemplateResult {
  return html`
    <div class="alone">
      <h2>${strings['alone-title']}</h2>
      ${
        hasInvite
          ? html`<p>${strings['alone-hint']}</p>
              <tai-invite exportparts="button"></tai-invite>`
          : nothing
      }
    </div>
  `;
}

/** Where there is neither lobby nor call: nothing known yet, something wrong, or after the call. */
function renderCard(room: Room): TemplateResult {
  const { problem, strings, view, actions } = room;
  if (problem) {
    return html`
      <div class="card" role="alert">
        <span class="orb warn">${ICONS.alert}</span>
        <p>${strings[problem.text]}</p>
        ${problem.detail === undefined ? nothing : html`<p lang="en" dir="ltr"><code>${problem.detail}</code></p>`}
        ${
          problem.code === 'link-invalid'
            ? html`<button part="button" type="button" @click=${() => actions.renew()}>${strings['new-room']}</button>`
            : nothing
        }
      </div>
    `;
  }
  const isOver = view.phase === 'left';
  return html`
    <div class="card">
      <span class="orb">${ICONS[isOver ? 'check' : 'camera']}</span>
      ${isOver ? html`<h2>${strings[`left-${view.leaveReason ?? 'left'}`]}</h2>` : nothing}
      <button
        part="button"
        class="primary"
        type="button"
        ?disabled=${!room.isReady}
        @click=${(event: MouseEvent) => askToJoin(event, room)}
      >
        ${strings[isOver ? 'rejoin' : room.isNew ? 'join-new' : 'join']}
      </button>
    </div>
  `;
}

function renderToast({ id, text, copyable, isAlarm }: Toast, { strings }: Room, store: RoomStore): TemplateResult {
  return html`
    <div class=${isAlarm ? 'toast alarm' : 'toast'} part="toast">
      <p>${isAlarm ? ICONS.alert : nothing}${text}</p>
      ${
        copyable === undefined
          ? nothing
          : html`<input type="text" readonly dir="ltr" aria-label=${strings['invite-link']} .value=${copyable} />`
      }
      <button class="plain" type="button" aria-label=${strings.dismiss} @click=${() => store.dismiss(id)}>
        ${ICONS.close}
      </button>
    </div>
  `;
}

function askToJoin(event: MouseEvent, room: Room): void {
  const isAllowed = event.currentTarget?.dispatchEvent(new TaiJoinRequestEvent()) ?? false;
  if (isAllowed) room.actions.join();
}

function peopleText({ strings, view }: Room): string {
  const count = view.participants.length + 1;
  return count === 1 ? strings['people-one'] : fill(strings.people, { count });
}
