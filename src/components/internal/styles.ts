/** Tokens and pieces that several elements share. `--tai-*` are the page's, `--_*` our own with their defaults. */
import { css } from 'lit';

/**
 * Light or dark follows the page's `color-scheme`, so that a room on a light-only page stays light.
 * Every colour of text keeps 4.5 : 1 on the surfaces it stands on.
 */
export const tokens = css`
  :host {
    --_accent: var(--tai-color-accent, light-dark(#0b615d, #72d5c8));
    --_on-accent: var(--tai-color-on-accent, light-dark(#ffffff, #05211f));
    --_surface: var(--tai-color-surface, light-dark(#faf7f1, #0e1819));
    --_text: var(--tai-color-text, light-dark(#12302f, #eaf1ef));
    --_danger: var(--tai-color-danger, light-dark(#ab3122, #ff9a86));
    --_on-danger: light-dark(#ffffff, #340903);
    --_ok: var(--tai-color-ok, light-dark(#17703f, #7fdca6));
    --_warm: light-dark(#a24a12, #f5b581);
    --_raised: color-mix(in oklab, var(--_surface), light-dark(#ffffff, #7fa5a2) var(--_lift, 12%));
    --_sunken: color-mix(in oklab, var(--_surface), light-dark(#5f5238, #000000) 7%);
    --_line: color-mix(in oklab, var(--_surface), var(--_text) 16%);
    --_quiet: color-mix(in oklab, var(--_surface), var(--_text) 74%);
    --_glow: color-mix(in oklab, var(--_surface), var(--_accent) 13%);
    --_radius: var(--tai-radius, 1.25rem);
    --_radius-small: calc(var(--_radius) * 0.6);
    --_gap: var(--tai-gap, 0.75rem);
    --_shadow: 0 1px 2px light-dark(#3b2f1712, #0006), 0 12px 32px -12px light-dark(#3b2f1730, #000a);
    --_ease: 220ms cubic-bezier(0.2, 0.7, 0.2, 1);
    color: var(--_text);
    font-family: var(--tai-font, ui-sans-serif, system-ui, 'Segoe UI', 'Helvetica Neue', 'Noto Sans', sans-serif);
    font-size: 1rem;
    line-height: 1.5;
    letter-spacing: normal;
    text-align: start;
    text-transform: none;
    -webkit-font-smoothing: antialiased;
  }
  :host([hidden]) {
    display: none;
  }
  *,
  ::before,
  ::after {
    box-sizing: border-box;
  }
  [hidden] {
    display: none !important;
  }
  .icon {
    inline-size: 1.375em;
    block-size: 1.375em;
    flex: none;
    fill: none;
    stroke: currentColor;
    stroke-width: 1.75;
    stroke-linecap: round;
    stroke-linejoin: round;
  }
  .visually-hidden {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    margin: -1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  :focus-visible {
    outline: 3px solid var(--_accent);
    outline-offset: 2px;
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    ::before,
    ::after {
      animation: none !important;
      transition: none !important;
    }
  }
`;

/** Buttons of at least 44 px: quiet by default, `.primary` for the one way on. */
export const buttons = css`
  button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 0.55em;
    min-block-size: 2.75rem;
    min-inline-size: 2.75rem;
    padding: 0.4rem 1.05rem;
    border: 1px solid var(--_line);
    border-radius: 999px;
    background: var(--_raised);
    color: inherit;
    font: inherit;
    font-weight: 550;
    line-height: 1.25;
    cursor: pointer;
    transition:
      background-color var(--_ease),
      border-color var(--_ease),
      transform var(--_ease);
  }
  button:hover {
    border-color: color-mix(in oklab, var(--_line), var(--_text) 35%);
  }
  button:active {
    transform: scale(0.975);
  }
  button:disabled,
  button[aria-disabled='true'] {
    cursor: default;
    opacity: 0.65;
  }
  button.primary {
    min-block-size: 3.25rem;
    padding-inline: 1.75rem;
    border-color: transparent;
    background: var(--_accent);
    color: var(--_on-accent);
    font-weight: 650;
  }
  button.primary:hover {
    background: color-mix(in oklab, var(--_accent), var(--_text) 16%);
  }
  button.plain {
    border-color: transparent;
    background: transparent;
  }
  button.plain:hover {
    background: var(--_glow);
  }
  @media (forced-colors: active) {
    button {
      border-color: ButtonText;
    }
    button.primary {
      border-width: 2px;
    }
    button[aria-pressed='true'] {
      forced-color-adjust: none;
      border-color: Highlight;
      background: Highlight;
      color: HighlightText;
    }
  }
`;

export const fields = css`
  label {
    display: grid;
    gap: 0.3rem;
    color: var(--_quiet);
    font-size: 0.875rem;
    font-weight: 550;
  }
  input,
  select {
    min-inline-size: 0;
    inline-size: 100%;
    min-block-size: 2.75rem;
    padding: 0.4rem 0.9rem;
    border: 1px solid color-mix(in oklab, var(--_surface), var(--_text) 52%);
    border-radius: var(--_radius-small);
    background: var(--_raised);
    color: var(--_text);
    font: inherit;
    font-size: 1rem;
    font-weight: 450;
    text-overflow: ellipsis;
  }
  input::placeholder {
    color: var(--_quiet);
    opacity: 1;
  }
`;

/** The list of `people.ts`: name over state, button at the end. */
export const people = css`
  .people {
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .people li {
    display: grid;
    grid-template-columns: minmax(6.75rem, 1fr) minmax(0, auto);
    align-items: center;
    gap: 0 0.6rem;
    padding-block: 0.5rem;
    border-block-start: 1px solid var(--_line);
  }
  .people li:first-child {
    border: 0;
  }
  .people .name {
    grid-column: 1;
    overflow: hidden;
    font-weight: 600;
    text-overflow: ellipsis;
  }
  .people button {
    grid-area: 1 / 2 / span 2;
    padding-inline: 0.9rem;
    font-size: 0.9375rem;
  }
  .state {
    grid-column: 1;
    display: flex;
    align-items: center;
    gap: 0.35rem;
    color: var(--_quiet);
    font-size: 0.875rem;
  }
  .state .icon {
    inline-size: 1.15rem;
    block-size: 1.15rem;
  }
  .state[data-mark='verified'] {
    color: var(--_ok);
    font-weight: 600;
  }
  .state[data-mark='changed'],
  .state[data-mark='unsupported'] {
    color: var(--_warm);
    font-weight: 600;
  }
  .state:is([data-mark='wrong-key'], [data-mark='revoked'], [data-mark='codes-differ']) {
    color: var(--_danger);
    font-weight: 650;
  }
`;
