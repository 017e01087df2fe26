import { css } from 'lit';
import { buttons, fields, tokens } from '../internal/styles.ts';

export const inviteStyles = [
  tokens,
  buttons,
  fields,
  css`
    :host {
      display: block;
      container: invite / inline-size;
    }
    .row {
      display: flex;
      flex-wrap: wrap;
      gap: 0.5rem;
    }
    input {
      flex: 1 1 11rem;
      border-color: var(--_line);
      border-radius: 999px;
      background: var(--_sunken);
      color: var(--_quiet);
      font-size: 0.875rem;
    }
    button,
    button.primary {
      min-block-size: 2.75rem;
      padding-inline: 1.1rem;
    }
    @container invite (inline-size < 24rem) {
      input {
        flex-basis: 100%;
      }
      button {
        flex: 1 1 auto;
      }
    }
  `,
];
