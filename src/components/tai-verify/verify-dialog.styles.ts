import { css } from 'lit';
import { buttons, people, tokens } from '../internal/styles.ts';

export const verifyStyles = [
  tokens,
  buttons,
  people,
  css`
    :host {
      display: contents;
    }
    dialog {
      inline-size: min(35rem, 100vw - 1rem);
      max-inline-size: none;
      max-block-size: calc(100dvh - 1rem);
      padding: 0 clamp(1rem, 4vw, 1.75rem) clamp(1rem, 4vw, 1.75rem);
      overflow: auto;
      overscroll-behavior: contain;
      border: 1px solid var(--_line);
      border-radius: var(--_radius);
      background: var(--_surface);
      color: var(--_text);
      box-shadow: var(--_shadow);
    }
    dialog[open] {
      display: grid;
      gap: 1rem;
      animation: arrive var(--_ease);
    }
    dialog::backdrop {
      background: #06101199;
    }
    @keyframes arrive {
      from {
        opacity: 0;
        translate: 0 0.6rem;
      }
    }
    header {
      position: sticky;
      inset-block-start: 0;
      z-index: 1;
      display: flex;
      align-items: center;
      justify-content: space-between;
      gap: 0.5rem;
      margin-inline-end: -0.6rem;
      padding-block: 0.75rem 0.35rem;
      background: var(--_surface);
    }
    h2 {
      min-inline-size: 0;
      margin: 0;
      font-size: 1.3rem;
      font-weight: 660;
      line-height: 1.25;
      letter-spacing: -0.015em;
      overflow-wrap: anywhere;
    }
    h2:focus-visible {
      outline: none;
    }
    h3 {
      margin: 0;
      font-size: 1rem;
      font-weight: 650;
    }
    p {
      margin: 0;
      text-wrap: pretty;
    }
    .quiet,
    .label {
      color: var(--_quiet);
      font-size: 0.9375rem;
    }
    .label {
      margin-block-end: -0.7rem;
      font-size: 0.875rem;
      font-weight: 550;
    }
    .note,
    .alarm {
      display: flex;
      gap: 0.75rem;
      padding: 0.8rem 1rem;
      border-radius: var(--_radius-small);
      background: color-mix(in oklab, var(--_surface), var(--_warm) 14%);
    }
    .note .icon,
    .alarm .icon {
      margin-block-start: 0.06em;
    }
    .note.done {
      background: color-mix(in oklab, var(--_surface), var(--_ok) 14%);
      font-weight: 600;
    }
    .done .icon {
      color: var(--_ok);
    }
    .alarm {
      border: 2px solid var(--_danger);
      background: color-mix(in oklab, var(--_surface), var(--_danger) 9%);
    }
    .alarm p + p {
      margin-block-start: 0.6rem;
    }
    .alarm .icon {
      color: var(--_danger);
    }
    ul {
      margin: 0;
      padding: 0;
      list-style: none;
    }
    .emoji {
      display: grid;
      grid-template-columns: repeat(3, minmax(0, 1fr));
      gap: 0.5rem;
    }
    .emoji li {
      display: grid;
      justify-items: center;
      gap: 0.15rem;
      padding: 0.8rem 0.25rem 0.65rem;
      border-radius: var(--_radius-small);
      background: color-mix(in oklab, var(--_surface), var(--_text) 6%);
      font-size: clamp(0.8125rem, 4vw, 1rem);
      font-weight: 600;
      text-align: center;
      overflow-wrap: anywhere;
    }
    .symbol {
      font-family: 'Apple Color Emoji', 'Segoe UI Emoji', 'Noto Color Emoji', 'Twemoji Mozilla', sans-serif;
      font-size: 2.4rem;
      font-variant-emoji: emoji;
      line-height: 1.2;
    }
    .digits {
      display: grid;
      grid-template-columns: repeat(3, minmax(0, 1fr));
      gap: 0.45rem 0.25rem;
      padding: 0.9rem 0.5rem;
      border-radius: var(--_radius-small);
      background: color-mix(in oklab, var(--_surface), var(--_text) 6%);
      font-family: ui-monospace, 'Cascadia Mono', 'SF Mono', Menlo, 'DejaVu Sans Mono', monospace;
      font-size: 1.2rem;
      font-variant-numeric: tabular-nums;
      letter-spacing: 0.04em;
      text-align: center;
    }
    .digits[data-groups='12'] {
      grid-template-columns: repeat(4, minmax(0, 1fr));
    }
    .pending {
      position: relative;
    }
    .pending [aria-hidden],
    .numbered[inert] {
      visibility: hidden;
    }
    .wait {
      position: absolute;
      inset: 0;
      display: grid;
      place-content: center;
      padding: 0.5rem;
      color: var(--_quiet);
      font-family: var(--tai-font, ui-sans-serif, system-ui, 'Segoe UI', 'Helvetica Neue', 'Noto Sans', sans-serif);
      font-size: 1rem;
      letter-spacing: normal;
    }
    .numbered {
      display: grid;
      gap: 1rem;
    }
    .actions {
      display: flex;
      flex-wrap: wrap;
      gap: 0.6rem;
    }
    .actions button {
      flex: 1 1 10rem;
      min-block-size: 3.25rem;
    }
    button.danger {
      border-color: transparent;
      background: var(--_danger);
      color: var(--_on-danger);
      font-weight: 650;
    }
    .read {
      justify-self: start;
      border-color: var(--_warm);
    }
    .near {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 1.25rem;
      padding-block-start: 1rem;
      border-block-start: 1px solid var(--_line);
    }
    .near > div {
      flex: 1 1 12rem;
      display: grid;
      justify-items: start;
      gap: 0.6rem;
    }
    .qr,
    .qr-place {
      flex: 0 0 auto;
      inline-size: min(13rem, 100%);
      margin-inline: auto;
      aspect-ratio: 1;
      border-radius: var(--_radius-small);
      forced-color-adjust: none;
    }
    .qr rect {
      fill: #fff;
    }
    .qr path {
      fill: #000;
    }
    .scanner {
      display: grid;
      justify-items: center;
      gap: 0.75rem;
      text-align: center;
    }
    video {
      inline-size: min(100%, 20rem);
      aspect-ratio: 1;
      border-radius: var(--_radius-small);
      background: #0c1717;
      object-fit: cover;
    }
    video[data-mirrored] {
      transform: scaleX(-1);
    }
    @media (max-width: 26rem) {
      .digits[data-groups='12'] {
        grid-template-columns: repeat(3, minmax(0, 1fr));
      }
    }
    @media (forced-colors: active) {
      .emoji li,
      .digits,
      .note {
        border: 1px solid CanvasText;
      }
    }
  `,
];
