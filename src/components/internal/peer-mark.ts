/** One peer's state as an icon and a word: colour never says it alone. */
import { html } from 'lit';
import type { TemplateResult } from 'lit';
import type { PeerMark } from './encryption.ts';
import { ICONS } from './icons.ts';
import type { RoomController } from './room-controller.ts';

export const MARK_ICONS: { readonly [Mark in PeerMark]: keyof typeof ICONS } = {
  'waiting-key': 'wait',
  encrypted: 'shield',
  verified: 'verified',
  changed: 'alert',
  'wrong-key': 'alert',
  unsupported: 'alert',
};

export function renderMark(mark: PeerMark, text: RoomController['text']): TemplateResult {
  return html`<span class="state" data-mark=${mark}
    >${ICONS[MARK_ICONS[mark]]}<span>${text(`mark-${mark}`)}</span></span
  >`;
}
