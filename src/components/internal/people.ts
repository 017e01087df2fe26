/** Who is here, each with a state as icon and word: colour never says it alone. */
import { html, nothing } from 'lit';
import type { TemplateResult } from 'lit';
import type { ParticipantView, PeerId } from '../../engine/index.ts';
import { isComparable, markOf, verifyKey } from './encryption.ts';
import type { PeerMark } from './encryption.ts';
import { ICONS } from './icons.ts';
import type { RoomController } from './room-controller.ts';

export const MARK_ICONS: { readonly [Mark in PeerMark]: keyof typeof ICONS } = {
  'waiting-key': 'wait',
  encrypted: 'shield',
  verified: 'verified',
  changed: 'alert',
  'codes-differ': 'alert',
  'wrong-key': 'alert',
  revoked: 'alert',
  unsupported: 'alert',
};

/** The list, with a button for each whose codes can be compared. */
export function renderPeople(
  participants: readonly ParticipantView[],
  text: RoomController['text'],
  verify: (peerId: PeerId) => void,
): TemplateResult {
  return html`
    <ul class="people">
      ${participants.map((peer) => renderPerson(peer, text, verify))}
    </ul>
  `;
}

function renderPerson(
  peer: ParticipantView,
  text: RoomController['text'],
  verify: (peerId: PeerId) => void,
): TemplateResult {
  const mark = markOf(peer);
  const name = peer.name || text('guest');
  const key = verifyKey(mark);
  return html`
    <li data-peer=${peer.peerId}>
      <span class="name"><bdi>${name}</bdi></span>
      <span class="state" data-mark=${mark}>${ICONS[MARK_ICONS[mark]]}<span>${text(`mark-${mark}`)}</span></span>
      ${
        isComparable(mark)
          ? html`<button
              part="button"
              type="button"
              aria-label=${text(`${key}-name`, { name })}
              @click=${() => verify(peer.peerId)}
            >
              ${text(key)}
            </button>`
          : nothing
      }
    </li>
  `;
}
