import { css } from 'lit';
import { buttons, people, tokens } from '../internal/styles.ts';

export const shieldStyles = [
  tokens,
  buttons,
  people,
  css`
    :host {
      position: relative;
      display: block;
    }
    :host([compact]) {
      display: inline-block;
    }
    .pill {
      padding-inline: 0.85rem 0.7rem;
      border-color: transparent;
      background: var(--_glow);
      color: color-mix(in oklab, var(--_accent), var(--_text) 25%);
      font-size: 0.9375rem;
    }
    .pill.open-room {
      background: color-mix(in oklab, var(--_surface), var(--_warm) 15%);
      color: color-mix(in oklab, var(--_warm), var(--_text) 30%);
    }
    .pill.alarming {
      background: var(--_danger);
      color: var(--_on-danger);
      font-weight: 650;
    }
    .pill .icon:last-child {
      inline-size: 1em;
      block-size: 1em;
      transition: rotate var(--_ease);
    }
    .pill[aria-expanded='true'] .icon:last-child {
      rotate: 180deg;
    }
    .float {
      position: absolute;
      inset-block-start: calc(100% + 0.4rem);
      inset-inline-start: 0;
      z-index: 5;
      inline-size: min(23rem, var(--_room-inline, 88vw));
    }
    .float .panel {
      max-block-size: var(--_room-block, 70vh);
      overflow-y: auto;
      border: 1px solid var(--_line);
      box-shadow: var(--_shadow);
    }
    .panel {
      padding: 1.1rem 1.25rem 1.25rem;
      border-radius: var(--_radius);
      background: var(--_raised);
    }
    .title {
      margin: 0 0 0.75rem;
      font-weight: 650;
    }
    .facts.alarms {
      margin-block-end: 1.1rem;
      padding: 0.9rem 1rem;
      border: 2px solid var(--_danger);
      border-radius: var(--_radius-small);
    }
    .compare {
      inline-size: 100%;
      margin-block: 0.6rem 1.4rem;
    }
    .facts {
      display: grid;
      gap: 0.8rem;
      margin: 0;
      padding: 0;
      list-style: none;
    }
    .facts li {
      display: grid;
      grid-template-columns: auto 1fr;
      gap: 0.75rem;
      font-size: 0.875rem;
      line-height: 1.45;
    }
    .facts p {
      margin: 0;
    }
    .facts strong {
      display: block;
      font-weight: 600;
    }
    .facts p span {
      color: var(--_quiet);
    }
    .mark {
      display: grid;
      place-items: center;
      inline-size: 1.6rem;
      block-size: 1.6rem;
      border-radius: 50%;
      background: color-mix(in oklab, var(--_raised), var(--_ok) 18%);
      color: var(--_ok);
      font-size: 0.75rem;
    }
    .known .mark {
      background: color-mix(in oklab, var(--_raised), var(--_warm) 18%);
      color: var(--_warm);
    }
    .alarm .mark {
      background: var(--_danger);
      color: var(--_on-danger);
    }
    @media (forced-colors: active) {
      .panel,
      .mark {
        border: 1px solid CanvasText;
      }
    }
  `,
];
