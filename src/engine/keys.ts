/** The key ring: the only owner of secrets on the page. It hands out tokens and sealed payloads, never a key. */
import { openEnvelope, sealEnvelope } from './crypto/envelope.ts';
import { ReplayWindow } from './crypto/replay-window.ts';
import { deriveRoomKeys } from './crypto/room-keys.ts';
import type { RoomKeys } from './crypto/room-keys.ts';
import { fromBase64Url, toBase64Url } from './protocol/bytes.ts';
import { peerIdFromBytes, PEER_ID_BYTES } from './protocol/ids.ts';
import type { PeerId, RoomId } from './protocol/ids.ts';
import type { RoomSecret } from './protocol/invite.ts';
import { PAYLOAD_TEXT_MAX } from './protocol/relay.ts';
import { TOKEN_LIFE_MAX_S, TOKEN_NONCE_BYTES, formatToken, tokenSigningBytes } from './protocol/token.ts';

export { openRoomSecret } from './crypto/room-keys.ts';

export type OpenFault = 'malformed' | 'unopened' | 'replayed';
export type Opened = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly fault: OpenFault };

/** What is needed to talk to one peer, for one of our own peer ids. */
type Pair = {
  readonly sealKey: Promise<CryptoKey>;
  readonly openKey: Promise<CryptoKey>;
  readonly window: ReplayWindow;
  nextId: number;
};

export class KeyRing {
  readonly roomId: RoomId;
  readonly #keys: RoomKeys;
  readonly #pairs = new Map<string, Pair>();

  private constructor(keys: RoomKeys) {
    this.#keys = keys;
    this.roomId = keys.roomId;
  }

  static async create(room: RoomSecret): Promise<KeyRing> {
    return new KeyRing(await deriveRoomKeys(room));
  }

  /** A fresh admission token, as a WebSocket subprotocol (AD1–AD6). `nowS` is the relay's clock as far as it is known. */
  async token(peerId: PeerId, joinNumber: number, nowS: number): Promise<string> {
    const claims = {
      roomId: this.roomId,
      pkRoom: this.#keys.admission.publicKey,
      pkHost: this.#keys.pkHost,
      peerId,
      joinNumber,
      iatS: nowS,
      expS: nowS + TOKEN_LIFE_MAX_S,
      nonce: globalThis.crypto.getRandomValues(new Uint8Array(TOKEN_NONCE_BYTES)),
    };
    return formatToken(claims, await this.#keys.admission.sign(tokenSigningBytes(claims)));
  }

  /** A payload for the relay; `undefined` where the text is too long to be sealed. */
  async seal(self: PeerId, to: PeerId, text: string): Promise<string | undefined> {
    const pair = this.#pair(self, to);
    const id = pair.nextId++;
    const context = { roomId: this.roomId, from: self, to };
    const bytes = await sealEnvelope(await pair.sealKey, context, id, new TextEncoder().encode(text));
    return bytes && toBase64Url(bytes);
  }

  /** Opens a payload that the relay says came from `from`; the seal decides whether that is so. */
  async open(self: PeerId, from: PeerId, payload: string): Promise<Opened> {
    const bytes = payload.length <= PAYLOAD_TEXT_MAX ? fromBase64Url(payload) : undefined;
    if (!bytes) return { ok: false, fault: 'malformed' };
    const context = { roomId: this.roomId, from, to: self };
    const known = this.#pairs.get(pairName(self, from));
    const openKey = await (known?.openKey ?? this.#keys.envelopeKey(from, self));
    const opened = await openEnvelope(openKey, context, bytes);
    if (!opened) return { ok: false, fault: 'unopened' };
    // Only now: senders that the relay invents must not fill the memory.
    const pair = this.#pair(self, from);
    if (!pair.window.accept(opened.id)) return { ok: false, fault: 'replayed' };
    return { ok: true, text: new TextDecoder().decode(opened.body) };
  }

  /** A join of ours is over. Its pairs are never needed again, since every join has a new peer id. */
  forget(self: PeerId): void {
    for (const name of this.#pairs.keys()) if (name.startsWith(self)) this.#pairs.delete(name);
  }

  #pair(self: PeerId, peer: PeerId): Pair {
    const name = pairName(self, peer);
    const known = this.#pairs.get(name);
    if (known) return known;
    const pair: Pair = {
      sealKey: this.#keys.envelopeKey(self, peer),
      openKey: this.#keys.envelopeKey(peer, self),
      window: new ReplayWindow(),
      nextId: 1,
    };
    this.#pairs.set(name, pair);
    return pair;
  }
}

function pairName(self: PeerId, peer: PeerId): string {
  return `${self} ${peer}`;
}

export function randomPeerId(): PeerId {
  // of this many bytes it is never undefined
  return peerIdFromBytes(globalThis.crypto.getRandomValues(new Uint8Array(PEER_ID_BYTES))) as PeerId;
}
