/**
 * All keys that follow from a room's secret (PROTOCOL.md KD1–KD6): HKDF-SHA-256 (RFC 5869), one label a use.
 * Trap: whoever has the link has all of these. They keep out the relay and everybody without the link, and nobody
 * else; who is who among the holders is for the key agreement between devices to say (pqxdh.ts).
 */
import { asciiBytes, concatBytes, equalBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { idBytes, roomIdFromBytes } from '../protocol/ids.ts';
import type { PeerId, RoomId } from '../protocol/ids.ts';
import { HOST_SEED_BYTES } from '../protocol/invite.ts';
import type { RoomSecret } from '../protocol/invite.ts';
import { roomIdPreimage } from '../protocol/token.ts';
import { createSigner } from './ed25519.ts';
import type { Signer, SignerFactory } from './ed25519.ts';

const SALT = asciiBytes('tai/1 secret');
const ADMISSION_INFO = asciiBytes('tai/1 K_room');
const ENVELOPE_INFO = asciiBytes('tai/1 K_env');
const BUNDLE_INFO = asciiBytes('tai/1 K_bundle');
const KNOCK_INFO = asciiBytes('tai/1 K_knock');
const PSK_INFO = asciiBytes('tai/1 psk');
const OPEN_ROOM_LABEL = asciiBytes('tai/1 open room');
const SEED_BITS = 256;

export type RoomKeys = {
  readonly roomId: RoomId;
  readonly pkHost: Uint8Array<ArrayBuffer>;
  /** Signs admission tokens. */
  readonly admission: Signer;
  /** Signs what the host says; only from the host's own link, and only where its key is the one that the room names. */
  readonly host: Signer | undefined;
  /** Mixed into every handshake: who does not hold the link agrees on no key. 32 bytes. */
  readonly psk: Bytes;
  /** The key that seals the handshake from one peer to another: AES-256-GCM, not extractable. */
  envelopeKey(from: PeerId, to: PeerId): Promise<CryptoKey>;
  /** The key that seals what a peer publishes at the relay: AES-256-GCM, not extractable. */
  bundleKey(owner: PeerId): Promise<CryptoKey>;
  /** The key that seals the name of who knocks: AES-256-GCM, not extractable. */
  knockKey(owner: PeerId): Promise<CryptoKey>;
};

export async function deriveRoomKeys(room: RoomSecret, signerFactory: SignerFactory = createSigner): Promise<RoomKeys> {
  const { subtle } = globalThis.crypto;
  const secret = await subtle.importKey('raw', room.secret, 'HKDF', false, ['deriveBits']);
  const derive = async (info: Bytes): Promise<Bytes> =>
    new Uint8Array(await subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: SALT, info }, secret, SEED_BITS));
  const [seed, envelopeSeed, psk] = await Promise.all([
    derive(ADMISSION_INFO),
    derive(ENVELOPE_INFO),
    derive(PSK_INFO),
  ]);
  const [admission, host, envelopeRoot] = await Promise.all([
    signerFactory(seed),
    hostSigner(room, signerFactory),
    subtle.importKey('raw', envelopeSeed, 'HKDF', false, ['deriveKey']),
  ]);
  seed.fill(0);
  envelopeSeed.fill(0);
  const preimage = roomIdPreimage(admission.publicKey, room.pkHost);
  // SHA-256 gives 32 bytes, and 32 bytes are always a room id
  const roomId = roomIdFromBytes(new Uint8Array(await subtle.digest('SHA-256', preimage))) as RoomId;
  const sealingKey = (info: Bytes): Promise<CryptoKey> =>
    subtle.deriveKey(
      { name: 'HKDF', hash: 'SHA-256', salt: idBytes(roomId), info },
      envelopeRoot,
      { name: 'AES-GCM', length: 256 },
      false,
      ['encrypt', 'decrypt'],
    );
  return {
    roomId,
    pkHost: room.pkHost,
    admission,
    host,
    psk,
    envelopeKey: (from, to) => sealingKey(concatBytes(ENVELOPE_INFO, idBytes(from), idBytes(to))),
    bundleKey: (owner) => sealingKey(concatBytes(BUNDLE_INFO, idBytes(owner))),
    knockKey: (owner) => sealingKey(concatBytes(KNOCK_INFO, idBytes(owner))),
  };
}

/** `undefined` for a guest, and where the seed is not that of the room's host: its word would count nowhere. */
export async function hostSigner(
  { hostSeed, pkHost }: RoomSecret,
  signerFactory: SignerFactory = createSigner,
): Promise<Signer | undefined> {
  const signer = hostSeed && (await signerFactory(hostSeed));
  return signer && equalBytes(signer.publicKey, pkHost) ? signer : undefined;
}

/** A room of this secret with host tools: everything that is in the host's own link. */
export async function withHost(secret: Bytes): Promise<RoomSecret & { readonly hostSeed: Bytes }> {
  const hostSeed = globalThis.crypto.getRandomValues(new Uint8Array(HOST_SEED_BYTES));
  const { publicKey } = await createSigner(hostSeed);
  return { secret, pkHost: publicKey, hostSeed };
}

/**
 * The secret of an open room (LK5): `SHA-256(label ‖ host of the relay ‖ 0 ‖ name)`. No secret at all to anyone who sees the page:
 * it keeps the relay's other users out, and the shield says so.
 */
export async function openRoomSecret(relayOrigin: string, roomName: string): Promise<Uint8Array<ArrayBuffer>> {
  const name = new TextEncoder().encode(`${relayOrigin}\0${roomName}`);
  return new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', concatBytes(OPEN_ROOM_LABEL, name)));
}
