import { css } from 'lit';
import { tokens } from '../internal/styles.ts';

export const participantStyles = [
  tokens,
  css`
    :host {
      display: block;
      min-inline-size: 0;
      min-block-size: 0;
      aspect-ratio: var(--tai-tile-ratio, auto);
      container: tile / size;
    }
    .tile {
      position: relative;
      display: grid;
      place-items: center;
      inline-size: 100%;
      block-size: 100%;
      overflow: hidden;
      isolation: isolate;
      border-radius: var(--_radius);
      background: radial-gradient(
        120% 120% at 30% 0%,
        light-dark(hsl(var(--_hue) 34% 88%), hsl(var(--_hue) 26% 24%)),
        light-dark(hsl(var(--_hue) 26% 78%), hsl(var(--_hue) 30% 14%))
      );
      box-shadow: var(--_shadow);
      --_hue: 176;
      --_alarm: #b3261e;
    }
    [data-tint='1'] {
      --_hue: 28;
    }
    [data-tint='2'] {
      --_hue: 210;
    }
    [data-tint='3'] {
      --_hue: 138;
    }
    [data-tint='4'] {
      --_hue: 346;
    }
    [data-tint='5'] {
      --_hue: 258;
    }
    video {
      position: absolute;
      inset: 0;
      inline-size: 100%;
      block-size: 100%;
      object-fit: cover;
      opacity: 0;
      transition: opacity var(--_ease);
    }
    :host(:state(playing)) video:not(.next) {
      opacity: 1;
    }
    :host([self]) video {
      transform: scaleX(-1);
    }
    .avatar {
      display: grid;
      place-items: center;
      inline-size: clamp(3rem, 34cqmin, 9rem);
      aspect-ratio: 1;
      border-radius: 50%;
      background: light-dark(hsl(var(--_hue) 40% 97% / 0.75), hsl(var(--_hue) 30% 10% / 0.5));
      color: light-dark(hsl(var(--_hue) 48% 22%), hsl(var(--_hue) 55% 86%));
      font-size: clamp(1.1rem, 12cqmin, 3.2rem);
      font-weight: 600;
      letter-spacing: 0.02em;
    }
    .plate {
      position: absolute;
      inset-block-end: clamp(0.4rem, 3cqmin, 0.8rem);
      inset-inline-start: clamp(0.4rem, 3cqmin, 0.8rem);
      display: flex;
      align-items: center;
      gap: 0.4rem;
      max-inline-size: calc(100% - 1.2rem);
      padding: 0.22rem 0.7rem;
      border-radius: 999px;
      background: #0c1717c7;
      color: #fff;
      font-size: 0.875rem;
      font-weight: 550;
      line-height: 1.4;
    }
    .text {
      overflow: hidden;
      text-overflow: ellipsis;
      white-space: nowrap;
    }
    .badge {
      display: grid;
      margin-inline-start: -0.2rem;
      color: #ffb3a4;
    }
    .status {
      position: absolute;
      inset: 0;
      display: grid;
      place-items: center;
      margin: 0;
      padding: clamp(0.25rem, 6cqmin, 1rem);
      background: #0c171799;
      color: #fff;
      font-size: clamp(0.75rem, 9cqmin, 1rem);
      font-weight: 600;
      line-height: 1.4;
      text-align: center;
    }
    .status span {
      padding: 0.35em 1em;
      border-radius: 999px;
      background: #0c1717b3;
      animation: breathe 2.4s ease-in-out infinite;
    }
    :host(:is(:state(wrong-key), :state(revoked))) .status {
      /* clear of the name, also on a small tile */
      padding-block-end: clamp(2.1rem, 14cqmin, 3rem);
      border: 3px solid var(--_alarm);
      border-radius: inherit;
      background: #2b0a06e6;
    }
    :host(:is(:state(wrong-key), :state(revoked))) .status span {
      background: none;
      animation: none;
    }
    .mark {
      position: absolute;
      inset-block-start: 0;
      inset-inline-end: 0;
      display: grid;
      place-items: center;
      min-inline-size: 2.75rem;
      min-block-size: 2.75rem;
      max-inline-size: 100%;
      margin: 0;
      padding: clamp(0.3rem, 2cqmin, 0.6rem);
      border: 0;
      border-radius: var(--_radius);
      background: none;
      color: #fff;
      font: inherit;
    }
    button.mark {
      cursor: pointer;
    }
    /* inside: the tile cuts off what stands out; light within dark, to show on any picture */
    button.mark:focus-visible {
      outline: 3px solid #fff;
      outline-offset: -3px;
      box-shadow: inset 0 0 0 5px #0c1717;
    }
    .chip {
      display: flex;
      align-items: center;
      gap: 0.35rem;
      min-inline-size: 0;
      padding: 0.28rem;
      border-radius: 999px;
      background: #0c1717c7;
      font-size: 0.8125rem;
      font-weight: 600;
      line-height: 1.4;
      white-space: nowrap;
      transition: background-color var(--_ease);
    }
    .chip .icon {
      inline-size: 1.25rem;
      block-size: 1.25rem;
    }
    .chip span {
      display: none;
      overflow: hidden;
      text-overflow: ellipsis;
    }
    button.mark:not([data-mark='changed'], [data-mark='codes-differ']):hover .chip {
      background: #0c1717;
    }
    [data-mark='verified'] .icon {
      color: #7fe0ab;
    }
    [data-mark='changed'] .chip {
      background: #8a3d0c;
    }
    :is([data-mark='wrong-key'], [data-mark='revoked'], [data-mark='codes-differ']) .chip {
      background: var(--_alarm);
    }
    @container tile (inline-size >= 15rem) {
      .chip {
        padding-inline-end: 0.65rem;
      }
      .chip span {
        display: block;
      }
    }
    @container tile (inline-size >= 11.25rem) {
      .mark:not([data-mark='waiting-key'], [data-mark='encrypted'], [data-mark='verified']) .chip {
        padding-inline-end: 0.65rem;
      }
      .mark:not([data-mark='waiting-key'], [data-mark='encrypted'], [data-mark='verified']) .chip span {
        display: block;
      }
    }
    /* the mark above, the name below, what is said between them */
    @container tile (inline-size < 11.25rem) {
      .status,
      :host(:is(:state(wrong-key), :state(revoked))) .status {
        padding: 2.5rem 0.3rem 2.1rem;
        font-size: 0.75rem;
        line-height: 1.25;
      }
      .status span,
      :host(:is(:state(wrong-key), :state(revoked))) .status span {
        padding-inline: 0.4em;
      }
      .mark {
        padding: 0.3rem;
      }
    }
    @keyframes breathe {
      50% {
        opacity: 0.6;
      }
    }
    @media (forced-colors: active) {
      [data-mark='verified'] .icon {
        color: inherit;
      }
      .tile {
        border: 1px solid CanvasText;
      }
      .plate,
      .chip,
      .avatar,
      .status span {
        border: 1px solid CanvasText;
        background: Canvas;
        color: CanvasText;
      }
    }
  `,
];
