/**
 * What is said as a room's host, and to it (PROTOCOL.md AD9–AD15): statements under the key that only the host's link
 * holds, whose public half every link names; and names of people at the door, sealed for those who hold the link.
 */
import type { Provider } from '../crypto/provider.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { openForRoom, sealForRoom } from '../crypto/room-seal.ts';
import { asciiBytes, concatBytes, fromBase64Url, readUint, toBase64Url, uintBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import {
  HOST_NONCE_BYTES,
  HOST_SUBPROTOCOL_PREFIX,
  formatHostStatement,
  hostSigningBytes,
  parseHostStatement,
} from '../protocol/host.ts';
import type { HostAction } from '../protocol/host.ts';
import { JWT_ROOM_LABEL } from '../protocol/jwt.ts';
import { idBytes } from '../protocol/ids.ts';
import type { PeerId } from '../protocol/ids.ts';
import { cleanName } from '../protocol/peer.ts';

const NOTE_CONTEXT = asciiBytes('knock');
const NOTE_LENGTH_BYTES = 2;
/** A name of the longest (64 units) has at most 192 bytes of UTF-8; all notes are of one size. */
const NOTE_BYTES = 256;

export type HostWords = {
  readonly action: HostAction;
  /** Our own peer id. */
  readonly from: PeerId;
  readonly target?: PeerId | undefined;
  /** The relay's instance, as it was heard of last; empty in a claim. */
  readonly ep: string;
  /** By the relay's clock as far as it is known. */
  readonly nowS: number;
};

export class HostKeys {
  readonly #room: RoomKeys;
  readonly #provider: Provider;

  constructor(room: RoomKeys, provider: Provider) {
    this.#room = room;
    this.#provider = provider;
  }

  /** Whether our link is the host's. */
  get isHost(): boolean {
    return this.#room.host !== undefined;
  }

  /** AD9: a WebSocket subprotocol; `undefined` for a guest. */
  async claim(from: PeerId, nowS: number): Promise<string | undefined> {
    const claim = await this.say({ action: 'claim', from, ep: '', nowS });
    return claim === undefined ? undefined : HOST_SUBPROTOCOL_PREFIX + claim;
  }

  /** AD10: base64url; `undefined` for a guest. */
  async say({ action, from, target, ep, nowS }: HostWords): Promise<string | undefined> {
    const { host, roomId } = this.#room;
    if (!host) return undefined;
    const nonce = globalThis.crypto.getRandomValues(new Uint8Array(HOST_NONCE_BYTES));
    const claims = { action, roomId, hostPeerId: from, target, issuedS: nowS, nonce, ep };
    return formatHostStatement(claims, await host.sign(hostSigningBytes(claims)));
  }

  /**
   * AD13: whom the host has put out of this room, in whatever way its word has come. `undefined`: it is not the host's. No
   * time is looked at: a peer id serves one join, so that a kick that is said again says nothing new.
   */
  async kicked(text: string): Promise<PeerId | undefined> {
    const { roomId, pkHost } = this.#room;
    const statement = parseHostStatement(text);
    if (!statement) return undefined;
    const { claims, signed, signature } = statement;
    const isMeant = claims.action === 'kick' && claims.roomId === roomId && pkHost.some((byte) => byte !== 0);
    return isMeant && (await this.#provider.verify(pkHost, signed, signature)) ? claims.target : undefined;
  }

  /** AD12: base64url. */
  async sealNote(owner: PeerId, name: string): Promise<string> {
    const text = new TextEncoder().encode(cleanName(name));
    const plain = new Uint8Array(NOTE_BYTES);
    plain.set(concatBytes(uintBytes(text.length, NOTE_LENGTH_BYTES), text));
    return toBase64Url(await sealForRoom(await this.#room.knockKey(owner), this.#noteContext(owner), plain));
  }

  /** The name in it; empty where it does not open, or holds none. */
  async openNote(owner: PeerId, note: string): Promise<string> {
    const sealed = fromBase64Url(note);
    const plain = sealed && (await openForRoom(await this.#room.knockKey(owner), this.#noteContext(owner), sealed));
    if (plain?.length !== NOTE_BYTES) return '';
    // two bytes that are there are always a number
    const length = readUint(plain, 0, NOTE_LENGTH_BYTES) as number;
    return cleanName(new TextDecoder().decode(plain.subarray(NOTE_LENGTH_BYTES, NOTE_LENGTH_BYTES + length)));
  }

  /** AD18: what a JWT may name as its `room`. */
  async jwtRoom(): Promise<string> {
    const preimage = concatBytes(asciiBytes(JWT_ROOM_LABEL), idBytes(this.#room.roomId));
    return toBase64Url(new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', preimage)));
  }

  #noteContext(owner: PeerId): Bytes {
    return concatBytes(NOTE_CONTEXT, idBytes(this.#room.roomId), idBytes(owner));
  }
}
