/**
 * The Worker: one deployment is a whole installation. `/relay` leads to a room, `/relay/rpc` is its face for calls without
 * a socket, `/mailbox/rpc` leads to a mailbox, `/counters` takes what browsers tell of themselves, `/healthz` says that we are up, and everything else is a static file of `dist/` (the drop-in script and the
 * demo).
 */
import { CLOSE_CODES } from '../src/engine/protocol/errors.ts';
import { MAILBOX_RPC_PATH } from '../src/engine/protocol/mailbox.ts';
import { COUNTERS_PATH } from '../src/engine/protocol/path-report.ts';
import { RELAY_PATH, RELAY_RPC_PATH, formatExpiredReason } from '../src/engine/protocol/relay.ts';
import { SUBPROTOCOL } from '../src/engine/protocol/token.ts';
import type { TokenTimeFault } from '../src/engine/protocol/token.ts';
import { admit, objectName, parseOffer } from './admission.ts';
import { answerPathReport } from './counters.ts';
import type { RelayEnv } from './env.ts';
import { answerCall } from './http-face.ts';
import { answerMail } from './mailbox-face.ts';
import { isMailboxOn } from './mailbox-limits.ts';
import { objectNamed } from './placement.ts';
import type { EntryRefusal } from './relay-room.ts';
import { entryRefusalOf } from './room-object.ts';

export { MailboxObject } from './mailbox-object.ts';
export { RoomObject } from './room-object.ts';

const HEALTH_PATH = '/healthz';

// The platform asks for a default export.
export default {
  async fetch(request: Request, env: RelayEnv): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === RELAY_PATH) return await relay(request, env);
    if (pathname === RELAY_RPC_PATH) {
      return await answerCall(request, async ({ roomId, peerId }, text) => {
        const object = objectNamed(env.ROOMS, await objectName(roomId), env);
        return await object.handleCall(roomId, peerId, text);
      });
    }
    if (pathname === MAILBOX_RPC_PATH) {
      return await answerMail(request, isMailboxOn(env.MAILBOX), async (name, pass, text) => {
        const object = objectNamed(env.MAILBOXES, name, env);
        return await object.handleMail(pass, text);
      });
    }
    if (pathname === COUNTERS_PATH) return await answerPathReport(request, env.COUNTERS);
    if (pathname === HEALTH_PATH) return json(200, health(env));
    return await env.ASSETS.fetch(request);
  },
} satisfies ExportedHandler<RelayEnv>;

async function relay(request: Request, env: RelayEnv): Promise<Response> {
  if (request.headers.get('Upgrade')?.toLowerCase() !== 'websocket') {
    return json(426, { error: 'websocket-expected' }, { Upgrade: 'websocket' });
  }
  const nowS = Math.floor(Date.now() / 1000);
  const offer = parseOffer(request.headers.get('Sec-WebSocket-Protocol'));
  const admission = await admit(offer, nowS);
  if (admission.type === 'refused') return refuse(admission.reason, offer.isOurs, nowS);
  try {
    const answer = await objectNamed(env.ROOMS, await objectName(admission.claims.roomId), env).fetch(request);
    const refusal = entryRefusalOf(answer.status);
    return refusal ? refuse(refusal, offer.isOurs, nowS) : answer;
  } catch {
    // The object is being moved or is overloaded; what the platform says about it is not for clients.
    return json(503, { error: 'unavailable' }, { 'Retry-After': '1' });
  }
}

/** OP1: what the operator has deployed and set, and nothing of how it is used. */
function health({ MAILBOX, COUNTERS, DEPLOYMENT }: RelayEnv): Record<string, boolean | string> {
  const settings = { mailbox: isMailboxOn(MAILBOX), counters: COUNTERS !== undefined };
  return { ok: true, protocol: SUBPROTOCOL, ...settings, ...(DEPLOYMENT && { deployment: DEPLOYMENT.id }) };
}

/** Accepts and closes at once, because a browser does not show its page the status of a failed handshake. */
function refuse(reason: TokenTimeFault | EntryRefusal, isOurs: boolean, nowS: number): Response {
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
