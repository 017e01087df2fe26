/** What page and relay say about a room's door (PROTOCOL.md AD9–AD15): the host's statements, and who knocks. */
import { HOST_STATEMENT_TEXT_MAX, parseDoor, parseHostStatement } from './host.ts';
import type { Door } from './host.ts';
import { parsePeerId, parseRoomId } from './ids.ts';
import type { PeerId, RoomId } from './ids.ts';
import { parseText } from './json.ts';
import type { JsonRecord } from './json.ts';
import { parseEp } from './resume.ts';

/** LM16, in base64url digits: a name of the longest, padded and sealed, and no essay. */
export const NOTE_TEXT_MAX = 512;

export type HostRequest =
  /** `statement`: base64url of what is drawn in `host.ts`. */
  | { readonly method: 'host_statement'; readonly params: { readonly room_id: RoomId; readonly statement: string } }
  /** `note`: who knocks, sealed for those who hold the link; opaque to the relay. */
  | { readonly method: 'knock'; readonly params: { readonly room_id: RoomId; readonly note: string } };

export type HostNotification =
  /** In place of `welcome`: this peer stands outside and may knock. */
  | {
      readonly method: 'waiting';
      readonly params: { readonly room_id: RoomId; readonly peer_id: PeerId; readonly ep: string };
    }
  | { readonly method: 'door_changed'; readonly params: { readonly door: Door } }
  | { readonly method: 'peer_knocked'; readonly params: { readonly peer_id: PeerId; readonly note: string } }
  /** It knocks no longer: let in, turned away, or gone. */
  | { readonly method: 'knock_ended'; readonly params: { readonly peer_id: PeerId } }
  /** The host's own words, for every peer to check. */
  | { readonly method: 'peer_kicked'; readonly params: { readonly statement: string } };

export function parseHostRequest(params: JsonRecord): HostRequest | undefined {
  const room_id = parseRoomId(params['room_id']);
  const statement = parseBase64Url(params['statement'], HOST_STATEMENT_TEXT_MAX);
  return room_id && statement ? { method: 'host_statement', params: { room_id, statement } } : undefined;
}

export function parseKnock(params: JsonRecord): HostRequest | undefined {
  const room_id = parseRoomId(params['room_id']);
  const note = parseBase64Url(params['note'], NOTE_TEXT_MAX);
  return room_id && note ? { method: 'knock', params: { room_id, note } } : undefined;
}

export const HOST_NOTIFICATION_PARSERS: {
  readonly [M in HostNotification['method']]: (params: JsonRecord) => HostNotification | undefined;
} = {
  waiting: (params) => {
    const room_id = parseRoomId(params['room_id']);
    const peer_id = parsePeerId(params['peer_id']);
    const ep = parseEp(params['ep']);
    return room_id && peer_id && ep !== undefined ? { method: 'waiting', params: { room_id, peer_id, ep } } : undefined;
  },
  door_changed: (params) => {
    const door = parseDoor(params['door']);
    return door && { method: 'door_changed', params: { door } };
  },
  peer_knocked: (params) => {
    const peer_id = parsePeerId(params['peer_id']);
    const note = parseBase64Url(params['note'], NOTE_TEXT_MAX);
    return peer_id && note ? { method: 'peer_knocked', params: { peer_id, note } } : undefined;
  },
  knock_ended: (params) => {
    const peer_id = parsePeerId(params['peer_id']);
    return peer_id && { method: 'knock_ended', params: { peer_id } };
  },
  peer_kicked: (params) => {
    const statement = parseBase64Url(params['statement'], HOST_STATEMENT_TEXT_MAX);
    const isKick = parseHostStatement(statement)?.claims.action === 'kick';
    return statement && isKick ? { method: 'peer_kicked', params: { statement } } : undefined;
  },
};

function parseBase64Url(value: unknown, maxLength: number): string | undefined {
  const text = parseText(value, maxLength);
  return text !== undefined && /^[A-Za-z0-9_-]+$/.test(text) ? text : undefined;
}
