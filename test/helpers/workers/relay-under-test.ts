/**
 * The relay as it is, and doors into its rooms for tests: put a room to sleep at once, look at what its object keeps,
 * and leave something there to show that it would be seen. Runs on workerd with `unsafe_module` alone.
 */
import unsafe from 'workerd:unsafe';
import { objectName } from '../../../relay-worker/admission.ts';
import type { RelayEnv } from '../../../relay-worker/env.ts';
import relay, { RoomObject as RelayRoomObject } from '../../../relay-worker/index.ts';
import { parseRoomId } from '../../../src/engine/protocol/ids.ts';

/** What an object keeps beyond its memory and its sockets. */
export type Kept = { readonly tables: readonly string[]; readonly keys: number; readonly alarm: number | null };

export class RoomObject extends RelayRoomObject {
  async look(): Promise<Kept> {
    const { storage } = this.ctx;
    const tables = storage.sql.exec<{ name: string }>('SELECT name FROM sqlite_master').toArray();
    const [keys, alarm] = [await storage.list(), await storage.getAlarm()];
    return { tables: tables.map(({ name }) => name), keys: keys.size, alarm };
  }

  /** The platform lets nobody set an alarm who does not answer to it. */
  override alarm(): void {}

  async leaveTraces(text: string): Promise<void> {
    console.log(text);
    await this.ctx.storage.put('trace', text);
    await this.ctx.storage.setAlarm(Date.now() + 3_600_000);
  }
}

export default {
  async fetch(request: Request, env: RelayEnv): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const roomId = parseRoomId(searchParams.get('room'));
    if (!pathname.startsWith('/under-test/') || !roomId) return await relay.fetch(request, env);
    const rooms = env.ROOMS as unknown as DurableObjectNamespace<RoomObject>;
    const room = rooms.get(rooms.idFromName(await objectName(roomId)));
    switch (pathname) {
      case '/under-test/evict':
        return await evict(room);
      case '/under-test/look':
        return Response.json(await room.look());
      case '/under-test/leave-traces':
        await room.leaveTraces(await request.text());
        return new Response();
      default:
        return new Response(null, { status: 404 });
    }
  },
} satisfies ExportedHandler<RelayEnv>;

/** One that is not in memory is asleep already. */
async function evict(room: DurableObjectStub): Promise<Response> {
  try {
    await unsafe.evict(room);
  } catch (error) {
    if (!String(error).includes('not currently running')) throw error;
  }
  return new Response();
}
