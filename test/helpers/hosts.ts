/** Rooms with a host, and what a host says: made with the platform's own Ed25519. */
import {
  HOST_NONCE_BYTES,
  HOST_SUBPROTOCOL_PREFIX,
  formatHostStatement,
  hostSigningBytes,
} from '../../src/engine/protocol/host.ts';
import type { HostAction, HostClaims } from '../../src/engine/protocol/host.ts';
import type { PeerId, RoomId } from '../../src/engine/protocol/ids.ts';
import type { ClientRequest } from '../../src/engine/protocol/relay.ts';
import { createTestRoom, offerFor, roomIdOfKeys } from './tokens.ts';
import type { TestRoom } from './tokens.ts';

export type HostedRoom = TestRoom & { readonly hostKey: CryptoKey };

export async function createHostedTestRoom(): Promise<HostedRoom> {
  const room = await createTestRoom();
  const { publicKey, privateKey } = await crypto.subtle.generateKey({ name: 'Ed25519' }, true, ['sign', 'verify']);
  const pkHost = new Uint8Array(await crypto.subtle.exportKey('raw', publicKey));
  return { ...room, pkHost, hostKey: privateKey, roomId: await roomIdOfKeys(room.pkRoom, pkHost) };
}

export type Said = { readonly from: PeerId; readonly ep: string; readonly target?: PeerId | undefined };

/** Of this room and moment, with the given claims instead. */
export function hostClaims(
  room: Pick<HostedRoom, 'roomId'>,
  action: HostAction,
  { from, ep, target }: Said,
  overrides: Partial<HostClaims> = {},
): HostClaims {
  return {
    action,
    roomId: room.roomId,
    hostPeerId: from,
    target,
    issuedS: Math.floor(Date.now() / 1000),
    nonce: crypto.getRandomValues(new Uint8Array(HOST_NONCE_BYTES)),
    ep,
    ...overrides,
  };
}

/** base64url, signed with the room's host key, or with another. */
export async function signHostClaims(claims: HostClaims, key: CryptoKey): Promise<string> {
  const signature = await crypto.subtle.sign({ name: 'Ed25519' }, key, hostSigningBytes(claims));
  return formatHostStatement(claims, new Uint8Array(signature));
}

export function hostRequest(roomId: RoomId, statement: string): ClientRequest {
  return { method: 'host_statement', params: { room_id: roomId, statement } };
}

/** What the host's page offers in `Sec-WebSocket-Protocol`. */
export async function hostOfferFor(room: HostedRoom, peerId: PeerId, joinNumber = 0): Promise<string[]> {
  const claim = await signHostClaims(hostClaims(room, 'claim', { from: peerId, ep: '' }), room.hostKey);
  return [...(await offerFor(room, { peerId, joinNumber })), HOST_SUBPROTOCOL_PREFIX + claim];
}
