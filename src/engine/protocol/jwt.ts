/** An operator's own JWT on its way to the relay (PROTOCOL.md AD17–AD19): its text only; what is in it the relay checks. */

/** Beside the token in `Sec-WebSocket-Protocol`: the one way in which a browser lets a page send it, and no URL is. */
export const JWT_SUBPROTOCOL_PREFIX = 'tai.jwt.';
/** The same over HTTP, without the prefix. */
export const JWT_HEADER = 'Tai-Jwt';
/** In characters. */
export const JWT_TEXT_MAX = 4096;
/** `SHA-256(label ‖ room id)`, base64url, is what a JWT may name as its `room`. */
export const JWT_ROOM_LABEL = 'tai/1 jwt room';

/** A JWS in its compact form (RFC 7515 §7.1), three parts; `undefined` for anything else. Also what a page's callback gives. */
export function parseJwtText(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > JWT_TEXT_MAX) return undefined;
  return /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/.test(value) ? value : undefined;
}
