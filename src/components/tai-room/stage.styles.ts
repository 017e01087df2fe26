import { css } from 'lit';

/**
 * The grid of tiles. Tracks are half tiles, so that a short last row stands in the middle: a tile spans two tracks, and
 * the first tile of a short row starts one later. Which count of columns shows the largest faces depends only on the
 * ratio of the stage.
 */
export const stageStyles = css`
  .main {
    container: stage / size;
  }
  .stage {
    flex: 1;
    display: grid;
    grid-template-columns: repeat(calc(var(--_columns) * 2), minmax(0, 1fr));
    grid-auto-rows: minmax(0, 1fr);
    gap: var(--_gap);
    min-block-size: 0;
    --_columns: 1;
  }
  .stage:focus-visible {
    outline-offset: -2px;
  }
  .stage > * {
    grid-column-end: span 2;
  }
  .stage > tai-participant {
    place-self: stretch;
  }
  .stage[data-count='4'],
  .stage[data-count='5'],
  .stage[data-count='6'] {
    --_columns: 2;
  }
  .stage[data-count='5'] > tai-participant:nth-last-of-type(1) {
    grid-column-start: 2;
  }
  .stage[data-count='7'] {
    --_columns: 2;
    grid-auto-rows: minmax(9rem, 1fr);
    overflow-y: auto;
  }
  .empty {
    display: grid;
    min-inline-size: 0;
    min-block-size: 0;
    overflow-y: auto;
    border: 1.5px dashed var(--_line);
    border-radius: var(--_radius);
  }
  .alone {
    display: grid;
    align-content: safe center;
    gap: 0.6rem;
    inline-size: min(100%, 30rem);
    margin: auto;
    padding: clamp(0.75rem, 4cqmin, 2rem);
  }
  .alone p {
    margin: 0 0 0.4rem;
    color: var(--_quiet);
  }
  @container stage (aspect-ratio >= 1.05) {
    .stage[data-count='2'],
    .stage[data-count='3'] {
      --_columns: 2;
    }
    .stage[data-count='3'] > tai-participant:nth-last-of-type(1) {
      grid-column-start: 2;
    }
  }
  @container stage (aspect-ratio >= 1.3) {
    .stage[data-count='5'],
    .stage[data-count='6'],
    .stage[data-count='7'] {
      --_columns: 3;
    }
    .stage[data-count='5'] > tai-participant:nth-last-of-type(1) {
      grid-column-start: auto;
    }
    .stage[data-count='5'] > tai-participant:nth-last-of-type(2) {
      grid-column-start: 2;
    }
  }
  @container stage (aspect-ratio >= 2.4) {
    .stage[data-count='3'] {
      --_columns: 3;
    }
    .stage[data-count='3'] > tai-participant:nth-last-of-type(1) {
      grid-column-start: auto;
    }
  }
  @container stage (aspect-ratio >= 3.6) {
    .stage[data-count='4'] {
      --_columns: 4;
    }
  }
`;
