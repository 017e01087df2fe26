/** A fresh admission token (PROTOCOL.md AD1–AD6): signed by the room's own key, good for two minutes. */
import type { RoomKeys } from '../crypto/room-keys.ts';
import type { Bytes } from '../protocol/bytes.ts';
import type { PeerId } from '../protocol/ids.ts';
import { TOKEN_LIFE_MAX_S, TOKEN_NONCE_BYTES, formatToken, tokenSigningBytes } from '../protocol/token.ts';

/** For all tokens of one join the same: by it the relay knows who comes back (AD8). */
export function tokenNonce(): Bytes {
  return globalThis.crypto.getRandomValues(new Uint8Array(TOKEN_NONCE_BYTES));
}

/** As a WebSocket subprotocol. `joinNumber` of 0 asks for a new one; `nowS` is the relay's clock as far as it is known. */
export async function admissionToken(
  keys: RoomKeys,
  peerId: PeerId,
  joinNumber: number,
  nowS: number,
  nonce: Bytes = tokenNonce(),
): Promise<string> {
  const claims = {
    roomId: keys.roomId,
    pkRoom: keys.admission.publicKey,
    pkHost: keys.pkHost,
    peerId,
    joinNumber,
    iatS: nowS,
    expS: nowS + TOKEN_LIFE_MAX_S,
    nonce,
  };
  return formatToken(claims, await keys.admission.sign(tokenSigningBytes(claims)));
}
