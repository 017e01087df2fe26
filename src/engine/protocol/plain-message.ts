/**
 * Nearly all that a relay reads and writes: `relay_message` as our own clients and relays write it. One pass over such a text shows that
 * it is ASCII, JSON and a payload; any other text goes by `JSON.parse`, and comes to the same (PROTOCOL.md RL3).
 */
import { PEER_ID_BYTES, ROOM_ID_BYTES, parsePeerId, parseRoomId } from './ids.ts';
import type { PeerId, RoomId } from './ids.ts';

/** From a client to its relay. */
export type PlainMessage = {
  readonly id: number | undefined;
  readonly target_peer_id: PeerId;
  readonly room_id: RoomId;
  /** Not empty; how long it may be is for the caller to say. */
  readonly payload: string;
};

const PLAIN = new RegExp(
  `^\\{"jsonrpc":"2\\.0",(?:"id":(0|[1-9][0-9]{0,14}),)?"method":"relay_message","params":\\{` +
    `"target_peer_id":"(0x[0-9a-f]{${2 * PEER_ID_BYTES}})","room_id":"(0x[0-9a-f]{${2 * ROOM_ID_BYTES}})",` +
    `"payload":"([A-Za-z0-9_-]+)"\\}\\}$`,
);

/** `undefined` where it is not written like this, whatever it is then. */
export function readPlainMessage(text: string): PlainMessage | undefined {
  const [, id, to, room, payload] = PLAIN.exec(text) ?? [];
  const [target_peer_id, room_id] = [parsePeerId(to), parseRoomId(room)];
  if (!target_peer_id || !room_id || payload === undefined) return undefined;
  return { id: id === undefined ? undefined : Number(id), target_peer_id, room_id, payload };
}

/** As a relay passes it on. None of these has anything to escape: ids and digits of base64url. */
export function formatPassedOn(params: {
  readonly sender_peer_id: PeerId;
  readonly room_id: RoomId;
  readonly payload: string;
  readonly n: number;
  readonly ep: string;
}): string {
  const { sender_peer_id, room_id, payload, n, ep } = params;
  return (
    `{"jsonrpc":"2.0","method":"relay_message","params":{"sender_peer_id":"${sender_peer_id}",` +
    `"room_id":"${room_id}","payload":"${payload}","n":${n},"ep":"${ep}"}}`
  );
}
