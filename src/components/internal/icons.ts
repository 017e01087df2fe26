/** The elements' own set of icons: 24 px, drawn with strokes in the text colour, silent for screen readers. */
import { html, svg } from 'lit';
import type { SVGTemplateResult, TemplateResult } from 'lit';

function icon(shape: SVGTemplateResult): TemplateResult {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${shape}</svg>`;
}

export const ICONS = {
  microphone: icon(
    svg`<rect x="9" y="3" width="6" height="11.5" rx="3"/><path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3"/>`,
  ),
  'microphone-off': icon(
    svg`<path d="M15 10V6a3 3 0 0 0-5.6-1.5M9 9v2.5a3 3 0 0 0 4.6 2.5M5.5 11.5a6.5 6.5 0 0 0 10.4 5.2M18.5 11.5a6.5 6.5 0 0 1-.5 2.5M12 18v3M4 3l16 18"/>`,
  ),
  camera: icon(svg`<rect x="3" y="6.5" width="12.5" height="11" rx="3"/><path d="m15.5 11 5.5-3v8l-5.5-3"/>`),
  'camera-off': icon(
    svg`<path d="M10 6.5h2.5a3 3 0 0 1 3 3V11l5.5-3v8l-3.5-1.9M14.6 16.7a3 3 0 0 1-2.1.8H6a3 3 0 0 1-3-3v-5a3 3 0 0 1 2.4-2.9M4 3l16 18"/>`,
  ),
  link: icon(
    svg`<path d="M10 14a4.2 4.2 0 0 0 6 0l3.2-3.2a4.2 4.2 0 0 0-6-6L12 6"/><path d="M14 10a4.2 4.2 0 0 0-6 0l-3.2 3.2a4.2 4.2 0 0 0 6 6L12 18"/>`,
  ),
  share: icon(svg`<path d="M12 15V3.5M7.5 7.5 12 3l4.5 4.5M5 12v6a2.5 2.5 0 0 0 2.5 2.5h9A2.5 2.5 0 0 0 19 18v-6"/>`),
  check: icon(svg`<path d="m5 12.5 4.5 4.5L19 7.5"/>`),
  leave: icon(
    svg`<path d="M3.2 14.6c-.6-1.7.3-3.2 1.9-4.1 4.2-2.4 9.6-2.4 13.8 0 1.6.9 2.5 2.4 1.9 4.1l-.4 1.1a1.4 1.4 0 0 1-1.8.9l-2.7-.9a1.4 1.4 0 0 1-.9-1.5l.2-1.7a10.5 10.5 0 0 0-6.4 0l.2 1.7a1.4 1.4 0 0 1-.9 1.5l-2.7.9a1.4 1.4 0 0 1-1.8-.9z"/>`,
  ),
  shield: icon(svg`<path d="M12 3 5 5.8v5.4c0 4.3 2.9 7.9 7 9.8 4.1-1.9 7-5.5 7-9.8V5.8z"/>`),
  verified: icon(
    svg`<path d="M12 3 5 5.8v5.4c0 4.3 2.9 7.9 7 9.8 4.1-1.9 7-5.5 7-9.8V5.8z"/><path d="m8.8 11.8 2.4 2.4 4.2-4.4"/>`,
  ),
  wait: icon(svg`<circle cx="12" cy="12" r="8.5"/><path d="M12 7.5V12l3 2"/>`),
  scan: icon(
    svg`<path d="M4 8.5V6a2 2 0 0 1 2-2h2.5M15.5 4H18a2 2 0 0 1 2 2v2.5M20 15.5V18a2 2 0 0 1-2 2h-2.5M8.5 20H6a2 2 0 0 1-2-2v-2.5M7.5 12h9"/>`,
  ),
  eye: icon(
    svg`<path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z"/><circle cx="12" cy="12" r="3"/>`,
  ),
  alert: icon(svg`<path d="M12 4 2.8 19.5h18.4zM12 10v4.5M12 17v.1"/>`),
  sound: icon(svg`<path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a7.8 7.8 0 0 1 0 11"/>`),
  person: icon(svg`<circle cx="12" cy="8.5" r="4"/><path d="M4.5 20.5a7.5 7.5 0 0 1 15 0"/>`),
  close: icon(svg`<path d="m6 6 12 12M18 6 6 18"/>`),
  unfold: icon(svg`<path d="m7 10 5 5 5-5"/>`),
};
