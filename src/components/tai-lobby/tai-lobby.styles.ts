import { css } from 'lit';
import { buttons, fields, tokens } from '../internal/styles.ts';

export const lobbyStyles = [
  tokens,
  buttons,
  fields,
  css`
    :host {
      display: block;
      container: lobby / inline-size;
    }
    .lobby {
      display: grid;
      gap: 1.5rem;
      inline-size: min(100%, 62rem);
      margin: auto;
      padding: clamp(1rem, 4cqi, 2.5rem);
    }
    .listen {
      inline-size: min(100%, 30rem);
    }
    /* no grid: what sticks in a grid stays in its own row */
    .words {
      display: flex;
      flex-direction: column;
      justify-content: center;
      gap: 1rem;
      min-inline-size: 0;
    }
    .go {
      position: sticky;
      inset-block-end: 0;
      z-index: 1;
      display: grid;
      margin-block-start: -0.25rem;
      padding-block: 0.6rem;
      background: var(--_surface);
    }
    h2 {
      margin: 0;
      font-size: clamp(1.5rem, 3.6cqi, 2.125rem);
      font-weight: 680;
      line-height: 1.15;
      letter-spacing: -0.022em;
      text-wrap: balance;
    }
    .hint {
      margin: -0.4rem 0 0.25rem;
      color: var(--_quiet);
      text-wrap: pretty;
    }
    .primary {
      font-size: 1.0625rem;
    }
    .side {
      display: grid;
      grid-template-columns: minmax(0, 1fr);
      align-content: center;
      gap: 0.75rem;
      min-inline-size: 0;
    }
    .preview {
      position: relative;
      display: grid;
      grid-template-rows: 1fr auto;
      inline-size: 100%;
      overflow: clip;
      isolation: isolate;
      border-radius: calc(var(--_radius) * 1.2);
      background: radial-gradient(130% 120% at 20% 0%, #24504f, #0f2a2c 60%, #0a1d20);
      color: #eaf4f1;
      box-shadow: var(--_shadow);
    }
    video {
      position: absolute;
      inset: 0;
      inline-size: 100%;
      block-size: 100%;
      object-fit: cover;
      opacity: 0;
      pointer-events: none;
      transform: scaleX(-1);
      transition: opacity var(--_ease);
    }
    video[data-live] {
      opacity: 1;
    }
    .preview::before {
      content: '';
      grid-area: 1 / 1;
      min-block-size: 9rem;
    }
    .off {
      position: relative;
      display: grid;
      grid-area: 1 / 1;
      justify-items: center;
      align-content: center;
      gap: 0.7rem;
      padding: 1rem 1.25rem 0;
      text-align: center;
    }
    .off p {
      max-inline-size: 22rem;
      margin: 0;
      color: #cfe0dc;
      font-size: 0.9375rem;
      text-wrap: balance;
    }
    .orb {
      display: grid;
      place-items: center;
      inline-size: 3.5rem;
      block-size: 3.5rem;
      border-radius: 50%;
      background: radial-gradient(circle at 30% 20%, #f0b98a, #c9713a);
      color: #2b1204;
      font-size: 1.25rem;
    }
    .glass {
      border-color: #ffffff3d;
      background: #10302fcc;
      color: #fff;
      font-size: 0.9375rem;
    }
    .glass:hover {
      border-color: #ffffff80;
    }
    .preview :focus-visible {
      outline-color: #fff;
    }
    .toggles {
      position: relative;
      grid-row: 2;
      display: flex;
      justify-content: center;
      gap: 0.6rem;
      padding: 0.9rem;
    }
    .toggle {
      position: relative;
      inline-size: 3.25rem;
      block-size: 3.25rem;
      padding: 0;
    }
    .toggle[aria-pressed='false'] {
      border-color: transparent;
      background: #ffc9bd;
      color: #5f150a;
    }
    .toggle[aria-busy] .icon {
      animation: pulse 1.1s ease-in-out infinite;
    }
    @keyframes pulse {
      50% {
        opacity: 0.35;
      }
    }
    .alert {
      position: absolute;
      inset-block-start: -0.2rem;
      inset-inline-end: -0.2rem;
      display: grid;
      place-items: center;
      inline-size: 1.2rem;
      block-size: 1.2rem;
      border-radius: 50%;
      background: #fff;
      color: #8c2416;
      font-size: 0.8rem;
      font-weight: 800;
    }
    .level {
      display: flex;
      align-items: center;
      gap: 0.65rem;
      padding-inline: 0.25rem;
      color: var(--_quiet);
      font-size: 0.875rem;
    }
    .bars {
      display: inline-flex;
      flex: none;
      gap: 3px;
    }
    .bars i {
      inline-size: 4px;
      block-size: 1.1rem;
      border-radius: 2px;
      background: var(--_line);
    }
    .bars i[data-lit] {
      background: var(--_ok);
    }
    .failure {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 0.5rem 0.75rem;
      margin: 0;
      padding: 0.7rem 0.9rem;
      border-radius: var(--_radius-small);
      background: color-mix(in oklab, var(--_surface), var(--_warm) 13%);
      font-size: 0.9375rem;
      line-height: 1.4;
    }
    .failure > .icon {
      color: var(--_warm);
    }
    .failure > span {
      flex: 1 1 12rem;
    }
    @container lobby (inline-size >= 24rem) {
      .preview {
        aspect-ratio: 4 / 3;
        max-block-size: max(16.75rem, 36cqb);
      }
    }
    @container lobby (inline-size >= 42rem) {
      .lobby:not(.listen) {
        grid-template-columns: minmax(0, 1.25fr) minmax(0, 1fr);
        gap: clamp(1.75rem, 5cqi, 3.5rem);
      }
      .preview {
        max-block-size: none;
      }
    }
    /* a short room, one column: its size is that of the room, because the lobby contains only its inline size */
    @container (inline-size < 42rem) and (block-size < 38rem) {
      .lobby {
        gap: 0.75rem;
        padding-block: 0.25rem;
      }
      .preview {
        aspect-ratio: auto;
      }
      .preview::before {
        min-block-size: 6rem;
      }
      .off .orb {
        display: none;
      }
    }
    @media (forced-colors: active) {
      .preview,
      .orb,
      .failure {
        border: 1px solid CanvasText;
      }
      .preview {
        background: Canvas;
        color: CanvasText;
      }
      .bars i {
        border: 1px solid CanvasText;
      }
      .bars i[data-lit] {
        forced-color-adjust: none;
        background: Highlight;
      }
    }
  `,
];
