import { css } from 'lit';
import { buttons, fields, tokens } from '../internal/styles.ts';
import { hostDeskStyles } from './host-desk.styles.ts';
import { stageStyles } from './stage.styles.ts';

export const roomStyles = [
  tokens,
  buttons,
  fields,
  stageStyles,
  hostDeskStyles,
  css`
    :host {
      display: block;
      min-inline-size: 0;
      block-size: 40rem;
      max-block-size: 100svh;
      min-block-size: 24rem;
      overflow: hidden;
      border-radius: var(--_radius);
      background: var(--_surface);
      container: room / size;
    }
    .room {
      position: relative;
      display: flex;
      flex-direction: column;
      block-size: 100%;
      padding: clamp(0.5rem, 1.6cqi, 1rem);
      --_room-inline: calc(100cqi - 2rem);
      --_room-block: calc(100cqb - 5.5rem);
    }
    .head {
      z-index: 2;
      display: flex;
      align-items: center;
      justify-content: space-between;
      gap: 0.75rem;
      min-block-size: 2.75rem;
      padding-block-end: clamp(0.4rem, 1.2cqi, 0.75rem);
    }
    .people {
      display: flex;
      align-items: center;
      gap: 0.35rem;
      margin: 0;
      padding-inline-end: 0.5rem;
      color: var(--_quiet);
      font-size: 0.875rem;
    }
    .lobby {
      flex: 1;
      display: grid;
      min-block-size: 0;
      overflow-y: auto;
    }
    .lobby tai-lobby {
      align-self: safe center;
      inline-size: 100%;
    }
    .card {
      flex: 1;
      display: grid;
      justify-items: center;
      align-content: center;
      gap: 1.1rem;
      padding: 1.5rem;
      text-align: center;
    }
    .card p {
      max-inline-size: 32rem;
      margin: 0;
      text-wrap: balance;
    }
    h2 {
      margin: 0;
      font-size: 1.5rem;
      font-weight: 660;
      line-height: 1.2;
      letter-spacing: -0.018em;
      text-wrap: balance;
    }
    .orb {
      display: grid;
      place-items: center;
      inline-size: 4rem;
      block-size: 4rem;
      border-radius: 50%;
      background: var(--_glow);
      color: var(--_accent);
      font-size: 1.25rem;
    }
    .orb.warn {
      background: color-mix(in oklab, var(--_surface), var(--_warm) 17%);
      color: var(--_warm);
    }
    .call {
      flex: 1;
      display: grid;
      grid-template: minmax(0, 1fr) auto / minmax(0, 1fr) auto;
      min-block-size: 0;
    }
    .main {
      display: flex;
      flex-direction: column;
      gap: 0.5rem;
      min-block-size: 0;
      min-inline-size: 0;
    }
    .side {
      display: flex;
      min-block-size: 0;
      overflow: auto;
    }
    .foot {
      grid-column: 1 / -1;
      display: grid;
      justify-items: center;
      gap: 0.6rem;
      padding-block-start: clamp(0.6rem, 1.6cqi, 1rem);
      padding-block-end: env(safe-area-inset-bottom);
    }
    .banner {
      align-self: center;
      margin: 0;
      padding: 0.35rem 1rem;
      border-radius: 999px;
      background: color-mix(in oklab, var(--_surface), var(--_warm) 18%);
      font-size: 0.9375rem;
      font-weight: 550;
      text-align: center;
    }
    /* in the flow: nothing that a message is about may lie under it */
    .toasts {
      flex: none;
      display: grid;
      justify-items: center;
      gap: 0.5rem;
      max-block-size: 45cqb;
      overflow-y: auto;
    }
    .toasts:has(.toast) {
      padding-block-end: 0.5rem;
    }
    .toast {
      display: grid;
      grid-template-columns: 1fr auto;
      align-items: center;
      gap: 0.25rem 0.5rem;
      inline-size: fit-content;
      max-inline-size: min(100%, 34rem);
      padding-block: 0.35rem;
      padding-inline: 1.1rem 0.4rem;
      border: 1px solid var(--_line);
      border-radius: var(--_radius-small);
      background: var(--_raised);
      box-shadow: var(--_shadow);
      font-size: 0.9375rem;
      line-height: 1.4;
      animation: arrive var(--_ease);
    }
    .toast p {
      margin: 0;
    }
    .toast.alarm {
      border: 2px solid var(--_danger);
    }
    .toast p .icon {
      margin-inline-end: 0.5rem;
      color: var(--_danger);
      vertical-align: -0.3em;
    }
    .toast input {
      grid-row: 2;
      grid-column: 1 / -1;
      margin-block-end: 0.4rem;
    }
    @keyframes arrive {
      from {
        opacity: 0;
        translate: 0 -0.6rem;
      }
    }
    @media (forced-colors: active) {
      :host {
        border: 1px solid CanvasText;
      }
      .banner {
        border: 1px solid CanvasText;
      }
    }
  `,
];
