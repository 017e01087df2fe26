/** The host's tools, in words: who is at the door, the lock, and who is put out. */
import { html, nothing } from 'lit';
import type { TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { isInCall } from '../internal/encryption.ts';
import type { Room } from '../internal/room-context.ts';
import { fill } from '../internal/strings.ts';

/** Nothing where we are not the host of a room that we are in. */
export function renderHostDesk(room: Room): TemplateResult | typeof nothing {
  const { view, strings, actions } = room;
  if (!view.isHost || !isInCall(view.phase)) return nothing;
  const isLocked = view.door === 'locked';
  return html`
    <section class="host" part="host" aria-label=${strings['host-tools']}>
      ${view.knocks.length > 0 ? renderKnocks(room) : nothing}
      <div class="tools">
        <button
          part="button"
          type="button"
          aria-pressed=${isLocked ? 'true' : 'false'}
          title=${strings['lock-hint']}
          @click=${() => actions.door.lock(!isLocked)}
        >
          ${strings.lock}
        </button>
        <button
          part="button"
          type="button"
          aria-pressed=${view.door === 'knock' ? 'true' : 'false'}
          ?disabled=${isLocked}
          @click=${() => actions.door.setKnock(view.door !== 'knock')}
        >
          ${strings['knock-mode']}
        </button>
        ${view.participants.length > 0 ? renderKicks(room) : nothing}
      </div>
    </section>
  `;
}

function renderKnocks({ view, strings, actions }: Room): TemplateResult {
  return html`
    <div class="knocks" role="group" aria-label=${strings.knocks}>
      <p class="hint">${strings['knock-hint']}</p>
      <ul>
        ${repeat(
          view.knocks,
          ({ peerId }) => peerId,
          ({ peerId, name: claimed }) => {
            const name = claimed || strings['knock-unnamed'];
            return html`
              <li>
                <span>${fill(strings['knock-of'], { name })}</span>
                <button
                  part="button"
                  class="primary"
                  type="button"
                  aria-label=${fill(strings['admit-named'], { name })}
                  @click=${() => actions.door.admit(peerId)}
                >
                  ${strings.admit}
                </button>
                <button
                  part="button"
                  type="button"
                  aria-label=${fill(strings['decline-named'], { name })}
                  @click=${() => actions.door.decline(peerId)}
                >
                  ${strings.decline}
                </button>
              </li>
            `;
          },
        )}
      </ul>
    </div>
  `;
}

function renderKicks({ view, strings, actions }: Room): TemplateResult {
  return html`
    <details>
      <summary>${strings.kick}</summary>
      <p class="hint">${strings['kick-hint']}</p>
      <ul>
        ${repeat(
          view.participants,
          ({ peerId }) => peerId,
          ({ peerId, name }) => html`
            <li>
              <button part="button" type="button" @click=${() => actions.door.kick(peerId)}>
                ${fill(strings['kick-named'], { name: name || strings.guest })}
              </button>
            </li>
          `,
        )}
      </ul>
    </details>
  `;
}
