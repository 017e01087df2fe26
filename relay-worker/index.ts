/**
 * The Worker: one deployment is a whole installation. `/relay` leads to a room, `/relay/rpc` is its face for calls without
 * a socket, `/turn` issues TURN credentials to wallets, `/mailbox/rpc` leads to a mailbox, `/counters` takes what browsers tell of
 * themselves, `/healthz` says that we are up, and everything else is a static file of `dist/` (the drop-in script and the
 * demo).
 */
import { RELAY_PATH, RELAY_RPC_PATH } from '../src/engine/protocol/relay.ts';
import { objectName } from './admission.ts';
import { doorOf } from './door.ts';
import type { RelayEnv } from './env.ts';
import { answerCall } from './http-face.ts';
import type { RoomCall } from './http-face.ts';
import { MAILBOX_RPC_PATH, answerMail } from './mailbox-face.ts';
import type { BoxCall } from './mailbox-face.ts';
import { COUNTERS_PATH, HEALTH_PATH, answerHealth, answerPathReport } from './operator-view.ts';
import { objectNamed } from './placement.ts';
import { answerSocket } from './socket-face.ts';
import type { EntryCall } from './socket-face.ts';
import { TURN_PATH, TurnFace } from './turn-face.ts';

export { MailboxObject } from './mailbox-object.ts';
export { RoomObject } from './room-object.ts';

const turn = new TurnFace();

// The platform asks for a default export.
export default {
  async fetch(request: Request, env: RelayEnv): Promise<Response> {
    const { pathname } = new URL(request.url);
    const door = doorOf(env);
    if (pathname === RELAY_PATH) {
      const askRoom: EntryCall = async ({ roomId }, entry) =>
        await objectNamed(env.ROOMS, await objectName(roomId), env).fetch(entry);
      return await answerSocket(request, askRoom, { door, counters: env.COUNTERS });
    }
    if (pathname === RELAY_RPC_PATH) {
      const askRoom: RoomCall = async ({ roomId, pkHost, peerId, nonce }, text) => {
        const name = await objectName(roomId);
        const issued = await turn.answerCall(text, name, env);
        return issued ?? (await objectNamed(env.ROOMS, name, env).handleCall({ roomId, pkHost, peerId, nonce }, text));
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
    if (pathname === HEALTH_PATH) return answerHealth(env, door);
    return await env.ASSETS.fetch(request);
  },
} satisfies ExportedHandler<RelayEnv>;
