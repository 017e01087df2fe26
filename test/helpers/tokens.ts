/** Rooms and admission tokens for tests, made with the platform's own Ed25519. */
import { idBytes, roomIdFromBytes, peerIdFromBytes } from '../../src/engine/protocol/ids.ts';
import type { PeerId, RoomId } from '../../src/engine/protocol/ids.ts';
import {
  SUBPROTOCOL,
  TOKEN_NONCE_BYTES,
  formatToken,
  roomIdPreimage,
  tokenSigningBytes,
} from '../../src/engine/protocol/token.ts';
import type { TokenClaims } from '../../src/engine/protocol/token.ts';

const TOKEN_LIFE_S = 60;

export type TestRoom = {
  readonly roomId: RoomId;
  readonly pkRoom: Uint8Array<ArrayBuffer>;
  readonly pkHost: Uint8Array<ArrayBuffer>;
  readonly privateKey: CryptoKey;
};

export async function createTestRoom(): Promise<TestRoom> {
  const { publicKey, privateKey } = await crypto.subtle.generateKey({ name: 'Ed25519' }, true, ['sign', 'verify']);
  const pkRoom = new Uint8Array(await crypto.subtle.exportKey('raw', publicKey));
  const pkHost = new Uint8Array(32);
  return { roomId: await roomIdOfKeys(pkRoom, pkHost), pkRoom, pkHost, privateKey };
}

export async function roomIdOfKeys(pkRoom: Uint8Array, pkHost: Uint8Array): Promise<RoomId> {
  const hash = await crypto.subtle.digest('SHA-256', roomIdPreimage(pkRoom, pkHost));
  return defined(roomIdFromBytes(new Uint8Array(hash)));
}

export function randomPeerId(): PeerId {
  return defined(peerIdFromBytes(crypto.getRandomValues(new Uint8Array(16))));
}

/** Claims that hold now, with the given ones instead. */
export function testClaims(room: TestRoom, overrides: Partial<TokenClaims> = {}): TokenClaims {
  const peerId = overrides.peerId ?? randomPeerId();
  const iatS = overrides.iatS ?? Math.floor(Date.now() / 1000);
  return {
    roomId: room.roomId,
    pkRoom: room.pkRoom,
    pkHost: room.pkHost,
    peerId,
    joinNumber: 0,
    iatS,
    expS: iatS + TOKEN_LIFE_S,
    // AD8: the same in all tokens of one peer, or it could not come back
    nonce: idBytes(peerId).slice(0, TOKEN_NONCE_BYTES),
    ...overrides,
  };
}

/** The token's text, prefix included, signed by the room's key. */
export async function signToken(room: TestRoom, claims: TokenClaims): Promise<string> {
  const signature = await crypto.subtle.sign({ name: 'Ed25519' }, room.privateKey, tokenSigningBytes(claims));
  return formatToken(claims, new Uint8Array(signature));
}

/** What a client offers in `Sec-WebSocket-Protocol`. */
export async function offerFor(room: TestRoom, overrides: Partial<TokenClaims> = {}): Promise<string[]> {
  return [SUBPROTOCOL, await signToken(room, testClaims(room, overrides))];
}

function defined<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the test helper made something malformed');
  return value;
}
