/**
 * The way to a room's socket (PROTOCOL.md AD1–AD19): what an operator has put before every room, the room's token, the operator's JWT, and only
 * then the room itself.
 */
import { CLOSE_CODES } from '../src/engine/protocol/errors.ts';
import { formatExpiredReason } from '../src/engine/protocol/relay.ts';
import { SUBPROTOCOL } from '../src/engine/protocol/token.ts';
import type { TokenClaims, TokenTimeFault } from '../src/engine/protocol/token.ts';
import { admit, parseOffer } from './admission.ts';
import type { Door, OutsideRefusal } from './door.ts';
import { json } from './http-face.ts';
import { count } from './operator-view.ts';
import type { Counters } from './operator-view.ts';
import type { EntryRefusal } from './relay-room.ts';
import { entryRefusalOf, entryRequest } from './room-entry.ts';

/** Asks the room that an admitted token names. Rejects where it cannot be reached. */
export type EntryCall = (claims: TokenClaims, entry: Request) => Promise<Response>;

export type SocketFaceOptions = { readonly door: Door; readonly counters: Counters | undefined };

/** Never rejects. No room is asked for who does not pass the door. */
export async function answerSocket(
  request: Request,
  askRoom: EntryCall,
  { door, counters }: SocketFaceOptions,
): Promise<Response> {
  const { headers } = request;
  const isSocket = headers.get('Upgrade')?.toLowerCase() === 'websocket';
  const offer = parseOffer(headers.get('Sec-WebSocket-Protocol'));
  const nowMs = Date.now();
  const nowS = Math.floor(nowMs / 1000);
  const outside = await door.refusalOf(headers, nowMs);
  if (outside && !isSocket) return json(outside === 'origin-refused' ? 403 : 429, { error: outside });
  if (outside) return refuse(outside, offer.isOurs, nowS);
  if (!isSocket) return json(426, { error: 'websocket-expected' }, { Upgrade: 'websocket' });
  const admission = await admit(offer, nowS);
  if (admission.type === 'refused') return refuse(admission.reason, offer.isOurs, nowS);
  const { claims, isHost } = admission;
  // After the token: only who holds a link makes us ask the operator's login service for its keys.
  const verdict = await door.jwt.check(offer.jwt, claims.roomId);
  if (verdict === 'jwt-invalid') return refuse(verdict, offer.isOurs, nowS);
  if (verdict === 'unavailable') return unavailable();
  try {
    const answer = await askRoom(claims, entryRequest(request, isHost));
    const refusal = entryRefusalOf(answer.status);
    if (refusal) return refuse(refusal, offer.isOurs, nowS);
    if (answer.webSocket) count(counters, 'socket');
    return answer;
  } catch {
    // The object is being moved or is overloaded; what the platform says about it is not for clients.
    return unavailable();
  }
}

function unavailable(): Response {
  return json(503, { error: 'unavailable' }, { 'Retry-After': '1' });
}

type Refusal = OutsideRefusal | TokenTimeFault | 'jwt-invalid' | EntryRefusal;

/** Accepts and closes at once, because a browser does not show its page the status of a failed handshake. */
function refuse(reason: Refusal, isOurs: boolean, nowS: number): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  server.close(CLOSE_CODES[reason], reason === 'token-expired' ? formatExpiredReason(nowS) : reason);
  const headers: HeadersInit = isOurs ? { 'Sec-WebSocket-Protocol': SUBPROTOCOL } : {};
  return new Response(null, { status: 101, webSocket: client, headers });
}
