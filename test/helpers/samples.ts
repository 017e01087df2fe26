/** Good values of every message, for tests to take and to break. */
import { formatHostStatement } from '../../src/engine/protocol/host.ts';
import type { HostClaims } from '../../src/engine/protocol/host.ts';
import { parsePeerId, parseRoomId } from '../../src/engine/protocol/ids.ts';
import type { PeerId, RoomId } from '../../src/engine/protocol/ids.ts';
import type { PeerMessage } from '../../src/engine/protocol/peer.ts';
import type { ClientRequest, RelayNotification, Welcome } from '../../src/engine/protocol/relay.ts';

export function roomIdOf(byte: number): RoomId {
  return parseRoomId(`0x${byte.toString(16).padStart(2, '0').repeat(32)}`)!;
}

export function peerIdOf(byte: number): PeerId {
  return parsePeerId(`0x${byte.toString(16).padStart(2, '0').repeat(16)}`)!;
}

export const ROOM = roomIdOf(0xaa);
export const ALICE = peerIdOf(0xa1);
export const BOB = peerIdOf(0xb0);
export const CAROL = peerIdOf(0xca);

export const WELCOME: Welcome = {
  room_id: ROOM,
  peer_id: ALICE,
  join_number: 3,
  ep: 'ep-1',
  peers: [
    { peer_id: BOB, join_number: 1, bundle: { head: 'c2VhbGVk', one_time: 'b25jZQ' } },
    { peer_id: CAROL, join_number: 2 },
  ],
  ice_servers: [
    { urls: ['stun:stun.example:3478'] },
    { urls: ['turn:turn.example:3478', 'turns:turn.example:443?transport=tcp'], username: 'u', credential: 'c' },
  ],
};

export const REQUESTS: readonly ClientRequest[] = [
  { method: 'join', params: { room_id: ROOM, peer_id: ALICE } },
  { method: 'leave', params: { room_id: ROOM } },
  { method: 'relay_message', params: { target_peer_id: BOB, room_id: ROOM, payload: 'AQID-_' } },
  { method: 'resume', params: { room_id: ROOM, ep: 'ep-1', n: 9 } },
  { method: 'publish_bundle', params: { room_id: ROOM, head: 'c2VhbGVk', one_time: ['b25jZQ', 'dHdpY2U'] } },
  { method: 'fetch_bundle', params: { room_id: ROOM, peer_id: BOB } },
  { method: 'delete_bundle', params: { room_id: ROOM } },
  { method: 'exchange_bundles', params: { room_id: ROOM, peer_id: BOB, head: 'c2VhbGVk', one_time: [] } },
  { method: 'host_statement', params: { room_id: ROOM, statement: 'AQID-_' } },
  { method: 'knock', params: { room_id: ROOM, note: 'c2VhbGVk' } },
];

export const HOST_CLAIMS: HostClaims = {
  action: 'kick',
  roomId: ROOM,
  hostPeerId: ALICE,
  target: BOB,
  issuedS: 1_800_000_000,
  nonce: new Uint8Array(16).fill(0x33),
  ep: 'ep-1',
};
const KICK = formatHostStatement(HOST_CLAIMS, new Uint8Array(64).fill(0x44));

export const NOTIFICATIONS: readonly RelayNotification[] = [
  { method: 'welcome', params: WELCOME },
  { method: 'peer_joined', params: { peer_id: BOB, join_number: 7 } },
  { method: 'peer_left', params: { peer_id: BOB } },
  { method: 'bundle_published', params: { peer_id: BOB } },
  { method: 'relay_message', params: { sender_peer_id: BOB, room_id: ROOM, payload: 'AQID-_', n: 9, ep: 'ep-1' } },
  { method: 'gap', params: { room_id: ROOM, ep: 'ep-1', n: 9 } },
  { method: 'probe', params: { room_id: ROOM } },
  { method: 'waiting', params: { room_id: ROOM, peer_id: ALICE, ep: 'ep-1' } },
  { method: 'door_changed', params: { door: 'knock' } },
  { method: 'peer_knocked', params: { peer_id: BOB, note: 'c2VhbGVk' } },
  { method: 'knock_ended', params: { peer_id: BOB } },
  { method: 'peer_kicked', params: { statement: KICK } },
];

const PRESENCE = {
  name: 'Ada',
  publications: [
    { kind: 'microphone', isMuted: true },
    { kind: 'camera', isMuted: false },
  ],
} as const;

const SENDER_KEY = { generation: 7, key: 'kWJf3bVw0K2C1bXgWmG1q3rXo2y8m7T4m0bqk2o3x5E' };
const DIGEST = 'pX2v0K2C1bXgWmG1q3rXo2y8m7T4m0bqk2o3x5kWJfE';

export const PEER_MESSAGES: readonly PeerMessage[] = [
  { type: 'offer', link: 1, round: 1, seq: 1, sdp: 'v=0\r\n', presence: PRESENCE, senderKey: SENDER_KEY },
  {
    type: 'answer',
    link: 2,
    round: 3,
    seq: 2 ** 32 - 1,
    sdp: 'v=0\r\n',
    presence: { name: '', publications: [] },
    senderKey: SENDER_KEY,
  },
  {
    type: 'candidates',
    link: 1,
    candidates: [
      { candidate: 'candidate:1 1 udp 1 192.0.2.1 9 typ host', sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'ab' },
      { candidate: '', sdpMid: null, sdpMLineIndex: null, usernameFragment: null },
    ],
  },
  { type: 'presence', link: 1, seq: 3, presence: PRESENCE, isAsking: false },
  { type: 'presence', link: 1, seq: 4, presence: PRESENCE, isAsking: true },
  {
    type: 'roster',
    seq: 5,
    members: [{ peerId: ALICE, certificate: 'A'.repeat(43) }],
    mac: 'A'.repeat(43),
    isAsking: true,
  },
  { type: 'e2ee_sender_key', link: 1, ...SENDER_KEY, commitment: DIGEST, epoch: 3 },
  { type: 'e2ee_sender_key_ack', link: 1, generation: 7, isAsking: false },
  { type: 'e2ee_sender_key_ack', link: 1, generation: 0, isAsking: true },
  { type: 'kick', statement: KICK },
  { type: 'route', link: 2 ** 31 + 1, seq: 3 },
  { type: 'ack' },
  { type: 'leave' },
];
