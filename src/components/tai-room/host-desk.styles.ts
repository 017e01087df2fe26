/** The host's tools: plain rows that wrap. */
import { css } from 'lit';

export const hostDeskStyles = css`
  .host {
    display: grid;
    gap: 0.5rem;
    font-size: 0.9375rem;
  }
  .host .tools,
  .host li {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.5rem;
  }
  .host li span {
    flex: 1 1 12rem;
    overflow-wrap: anywhere;
  }
  .host ul {
    display: grid;
    gap: 0.35rem;
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .host .hint {
    margin: 0 0 0.35rem;
  }
  .host button[aria-pressed='true'] {
    outline: 2px solid currentColor;
    outline-offset: -4px;
  }
`;
