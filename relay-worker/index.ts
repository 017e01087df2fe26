/**
 * The Worker: one deployment is a whole installation. `/relay` leads to a room, `/relay/rpc` is its face for calls without
 * a socket, `/healthz` says that we are up, and everything else is a static file of `dist/` (the drop-in script and the
 * demo).
 */
import { CLOSE_CODES } from '../src/engine/protocol/errors.ts';
import { RELAY_PATH, RELAY_RPC_PATH, formatExpiredReason } from '../src/engine/protocol/relay.ts';
import { SUBPROTOCOL } from '../src/engine/protocol/token.ts';
import type { TokenTimeFault } from '../src/engine/protocol/token.ts';
import { admit, objectName, parseOffer } from './admission.ts';
import { doorOf } from './door.ts';
import type { Door, OutsideRefusal } from './door.ts';
import type { RelayEnv } from './env.ts';
import { answerCall } from './http-face.ts';
import type { RoomCall } from './http-face.ts';
import type { EntryRefusal } from './relay-room.ts';
import { entryRefusalOf, entryRequest } from './room-object.ts';
import type { RoomObject } from './room-object.ts';

export { RoomObject } from './room-object.ts';

const HEALTH_PATH = '/healthz';

// The platform asks for a default export.
export default {
  async fetch(request: Request, env: RelayEnv): Promise<Response> {
    const { pathname } = new URL(request.url);
    const door = doorOf(env);
    if (pathname === RELAY_PATH) return await relay(request, env, door);
    if (pathname === RELAY_RPC_PATH) {
      const askRoom: RoomCall = async ({ roomId, pkHost, peerId }, text) => {
        const object = objectNamed(env, await objectName(roomId));
        return await object.handleCall({ roomId, pkHost }, peerId, text);
      };
      return await answerCall(request, askRoom, door);
    }
    if (pathname === HEALTH_PATH) return health(door);
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
    const answer = await objectNamed(env, await objectName(claims.roomId)).fetch(entryRequest(request, isHost));
    const refusal = entryRefusalOf(answer.status);
    return refusal ? refuse(refusal, offer.isOurs, nowS) : answer;
  } catch {
    // The object is being moved or is overloaded; what the platform says about it is not for clients.
    return unavailable();
  }
}

function unavailable(): Response {
  return json(503, { error: 'unavailable' }, { 'Retry-After': '1' });
}

/** A relay that lets nobody in because of a slip in its settings says so here, and which one: never what stands in it. */
function health({ faults }: Door): Response {
  return faults.length === 0 ? json(200, { ok: true }) : json(503, { ok: false, faults: faults.join(' ') });
}

/** Not through a promise: a stub answers to every name, and might be taken for one itself. */
function objectNamed(env: RelayEnv, name: string): DurableObjectStub<RoomObject> {
  return env.ROOMS.get(env.ROOMS.idFromName(name));
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

function json(status: number, body: Record<string, boolean | string>, headers: Record<string, string> = {}): Response {
  return Response.json(body, {
    status,
    headers: { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', ...headers },
  });
}
