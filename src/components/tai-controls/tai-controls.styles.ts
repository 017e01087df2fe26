import { css } from 'lit';
import { buttons, tokens } from '../internal/styles.ts';

export const controlsStyles = [
  tokens,
  buttons,
  css`
    :host {
      display: block;
      inline-size: 100%;
      container: controls / inline-size;
    }
    .bar {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      justify-content: center;
      gap: 0.6rem;
    }
    button {
      min-block-size: 3rem;
      min-inline-size: 3rem;
      padding-inline: 0.75rem;
    }
    .toggle {
      position: relative;
      inline-size: 3.5rem;
      border-color: transparent;
      background: color-mix(in oklab, var(--_surface), var(--_danger) 16%);
      color: color-mix(in oklab, var(--_danger), var(--_text) 22%);
    }
    .toggle[aria-pressed='true'] {
      border-color: var(--_line);
      background: var(--_raised);
      color: var(--_text);
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
      inset-block-start: -0.15rem;
      inset-inline-end: -0.15rem;
      display: grid;
      place-items: center;
      inline-size: 1.15rem;
      block-size: 1.15rem;
      border-radius: 50%;
      background: var(--_danger);
      color: var(--_on-danger);
      font-size: 0.8rem;
      font-weight: 800;
      line-height: 1;
    }
    .copy[data-copied] {
      color: var(--_ok);
    }
    .leave {
      padding-inline: 1.15rem 1.3rem;
      border-color: transparent;
      background: var(--_danger);
      color: var(--_on-danger);
    }
    .leave:hover {
      background: color-mix(in oklab, var(--_danger), var(--_text) 18%);
    }
    @container controls (inline-size < 24rem) {
      .bar {
        gap: 0.4rem;
      }
      .toggle {
        inline-size: 3rem;
      }
    }
    @media (forced-colors: active) {
      .leave {
        border-width: 2px;
      }
    }
  `,
];
