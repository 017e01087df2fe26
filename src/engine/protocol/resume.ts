/**
 * Where a client is in what the relay has sent it (PROTOCOL.md RL21): which instance of the room, and the last message of it.
 * Shown in `Sec-WebSocket-Protocol` beside the token, since that is all that a browser lets a page say before the first answer.
 */
import { parseRoomId } from './ids.ts';
import type { RoomId } from './ids.ts';
import { parseCount, parseText } from './json.ts';
import type { JsonRecord } from './json.ts';

export type StreamPlace = {
  /** The instance of the room, as it names itself. */
  readonly ep: string;
  /** Of the last message that came with nothing missing before it; 0 = none. */
  readonly n: number;
};

export const RESUME_SUBPROTOCOL_PREFIX = 'tai.resume.';
const EP_MAX_CHARS = 64;
const EP_PATTERN = /^[A-Za-z0-9_-]+$/;
const OFFER_PATTERN = /^([0-9]{1,15})\.([A-Za-z0-9_-]{1,64})$/;
/** Names of subprotocols, tokens of operators among them; nothing longer is looked at. */
const OFFERED_TEXT_MAX = 16_384;

/** The name of an instance: 1 to 64 characters that may stand in a subprotocol's name. */
export function parseEp(value: unknown): string | undefined {
  const ep = parseText(value, EP_MAX_CHARS);
  return ep !== undefined && EP_PATTERN.test(ep) ? ep : undefined;
}

/** Parameters of `resume` and `gap`. */
export function parseRoomPlace(params: JsonRecord): ({ readonly room_id: RoomId } & StreamPlace) | undefined {
  const room_id = parseRoomId(params['room_id']);
  const ep = parseEp(params['ep']);
  const n = parseCount(params['n']);
  return room_id && ep !== undefined && n !== undefined ? { room_id, ep, n } : undefined;
}

export function formatResumeOffer({ ep, n }: StreamPlace): string {
  return `${RESUME_SUBPROTOCOL_PREFIX}${n}.${ep}`;
}

/** Reads `Sec-WebSocket-Protocol`. Two places are as good as none: which one would count? */
export function parseResumeOffer(header: string | null): StreamPlace | undefined {
  if (header === null || header.length > OFFERED_TEXT_MAX) return undefined;
  const offered = header.split(',').map((name) => name.trim());
  const [only, ...others] = offered.filter((name) => name.startsWith(RESUME_SUBPROTOCOL_PREFIX));
  if (only === undefined || others.length > 0) return undefined;
  const [, n, ep] = OFFER_PATTERN.exec(only.slice(RESUME_SUBPROTOCOL_PREFIX.length)) ?? [];
  return n === undefined || ep === undefined ? undefined : { ep, n: Number(n) };
}
