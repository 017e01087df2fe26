/** How each relay is spoken to: what opens a socket, and what one peer sends to another. */
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { PING_TEXT, RELAY_PATH, formatRequest } from '../../src/engine/protocol/relay.ts';
import { offerFor } from '../../test/helpers/tokens.ts';
import type { TestRoom } from '../../test/helpers/tokens.ts';
import type { RawHandshake } from './raw-socket.ts';

export const RELAY_NAMES = ['tai-room', 'floor', 'partyserver', 'ws', 'peerjs-server'] as const;
export type RelayName = (typeof RELAY_NAMES)[number];

/** Bytes of every text that is sent. */
export const TEXT_BYTES = 2048;

export type Place = { readonly room: TestRoom; readonly peerId: PeerId };

export type Dialect = {
  handshake(place: Place): Promise<RawHandshake>;
  /** Part of the text that a newcomer is told first, where it is told anything. */
  readonly welcome?: string;
  /** Said by everybody now and then, or its socket is taken for dead. */
  readonly heartbeat: string;
  /** With this payload. No answer is asked for. */
  message(from: Place, to: Place, payload: string): string;
};

/** What says nothing to those relays that know no heartbeat. */
const NOBODY = JSON.stringify({ to: '', payload: '' });

const simple: Dialect = {
  heartbeat: NOBODY,
  handshake: ({ room, peerId }) => Promise.resolve({ path: `/${room.roomId}?peer=${peerId}`, protocols: [] }),
  message: (_from, to, payload) => JSON.stringify({ to: to.peerId, payload }),
};

export const DIALECTS: Readonly<Record<RelayName, Dialect>> = {
  'tai-room': {
    handshake: async ({ room, peerId }) => ({ path: RELAY_PATH, protocols: await offerFor(room, { peerId }) }),
    welcome: '"method":"welcome"',
    heartbeat: PING_TEXT,
    message: (_from, to, payload) => {
      const params = { target_peer_id: to.peerId, room_id: to.room.roomId, payload };
      return formatRequest({ method: 'relay_message', params });
    },
  },
  floor: simple,
  ws: simple,
  partyserver: {
    ...simple,
    handshake: ({ room, peerId }) =>
      Promise.resolve({ path: `/parties/rooms/${room.roomId}?_pk=${peerId}`, protocols: [] }),
  },
  'peerjs-server': {
    handshake: ({ peerId }) =>
      Promise.resolve({ path: `/peerjs?key=peerjs&id=${peerId}&token=${peerId}&version=1.5.5`, protocols: [] }),
    welcome: '"type":"OPEN"',
    heartbeat: JSON.stringify({ type: 'HEARTBEAT' }),
    message: (_from, to, payload) => JSON.stringify({ type: 'OFFER', dst: to.peerId, payload }),
  },
};

/** A message whose text has exactly `TEXT_BYTES`, its payload beginning with `head`. */
export function messageOf(dialect: Dialect, from: Place, to: Place, head: string): string {
  const missing = TEXT_BYTES - dialect.message(from, to, head).length;
  return dialect.message(from, to, head + 'A'.repeat(missing));
}
