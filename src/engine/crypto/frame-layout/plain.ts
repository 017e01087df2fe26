/** Opus (RFC 7587), RED (RFC 2198) and VP9 (RFC 9628): packetizers do not look into the payload, nothing stays clear. */
import { AUDIO, VIDEO } from './layout.ts';
import type { FrameLayout } from './layout.ts';

const NOTHING = new Uint8Array();
const whole = { clear: () => NOTHING, clearLength: () => 0 };

export const opus: FrameLayout = { kind: AUDIO, codec: 1, ...whole };
export const red: FrameLayout = { kind: AUDIO, codec: 2, ...whole };
export const vp9: FrameLayout = { kind: VIDEO, codec: 4, ...whole };
