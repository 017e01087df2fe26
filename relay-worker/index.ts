/**
 * The Worker: one deployment is a whole installation. `/relay` leads to a room, `/relay/rpc` is its face for calls without
 * a socket, `/turn` issues TURN credentials to wallets, `/mailbox/rpc` leads to a mailbox, `/counters` takes what browsers tell of
 * themselves, `/healthz` says that we are up, and everything else is a static file of `dist/` (the drop-in script and the
 * demo).
 */
import { CLOSE_CODES } from '../src/engine/protocol/errors.ts';
import { RELAY_PATH, RELAY_RPC_PATH, formatExpiredReason } from '../src/engine/protocol/relay.ts';
import { SUBPROTOCOL } from '../src/engine/protocol/token.ts';
import type { TokenTimeFault } from '../src/engine/protocol/token.ts';
import { TURN_PATH } from '../src/engine/protocol/turn.ts';
import { admit, objectName, parseOffer } from './admission.ts';
import { doorOf } from './door.ts';
import type { Door, OutsideRefusal } from './door.ts';
import type { RelayEnv } from './env.ts';
import { answerCall } from './http-face.ts';
import type { RoomCall } from './http-face.ts';
import { MAILBOX_RPC_PATH, answerMail } from './mailbox-face.ts';
import type { BoxCall } from './mailbox-face.ts';
import { COUNTERS_PATH, HEALTH_PATH, answerPathReport, count, healthOf } from './operator-view.ts';
import { objectNamed } from './placement.ts';
import type { EntryRefusal } from './relay-room.ts';
import { entryRefusalOf, entryRequest } from './room-object.ts';
import { TurnFace } from './turn-face.ts';

export { MailboxObject } from './mailbox-object.ts';
export { RoomObject } from './room-object.ts';

const turn = new TurnFace();

// The platform asks for a default export.
export default {
  async fetch(request: Request, env: RelayEnv): Promise<Response> {
    const { pathname } = new URL(request.url);
    const door = doorOf(env);
    if (pathname === RELAY_PATH) return await relay(request, env, door);
    if (pathname === RELAY_RPC_PATH) {
      const askRoom: RoomCall = async ({ roomId, pkHost, peerId }, text) => {
        const name = await objectName(roomId);
        const issued = await turn.answerCall(text, name, env);
        return issued ?? (await objectNamed(env.ROOMS, name, env).handleCall({ roomId, pkHost }, peerId, text));
      };
      return await answerCall(request, askRoom, door);
    }
    if (pathname === TURN_PATH) return await turn.answerRequest(request, env, door);
    if (pathname === MAILBOX_RPC_PATH) {
      const askBox: BoxCall = async (name, pass, text) => {
        const object = objectNamed(env.MAILBOXES, name, env);
        return await object.handleMail(pass, text);
      };
      return await answerMail(request, env.MAILBOX, askBox, door);
    }
    if (pathname === COUNTERS_PATH) return await answerPathReport(request, env.COUNTERS, door);
    if (pathname === HEALTH_PATH) {
      const health = healthOf(env, door);
      return json(health.ok ? 200 : 503, health);
    }
    return await env.ASSETS.fetch(request);
  },
} satisfies ExportedHandler<RelayEnv>;

async function relay(request: Request, env: RelayEnv, door: Door): Promise<Response> {
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
    const object = objectNamed(env.ROOMS, await objectName(claims.roomId), env);
    const answer = await object.fetch(entryRequest(request, isHost));
    const refusal = entryRefusalOf(answer.status);
    if (refusal) return refuse(refusal, offer.isOurs, nowS);
    if (answer.webSocket) count(env.COUNTERS, 'socket');
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

function json(
  status: number,
  body: Readonly<Record<string, boolean | string>>,
  headers: Record<string, string> = {},
): Response {
  return Response.json(body, {
    status,
    headers: { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', ...headers },
  });
}
