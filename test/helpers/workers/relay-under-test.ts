/**
 * The relay as it is, and doors into its objects for tests: put one to sleep at once, look at what it keeps, and leave
 * something in a room to show that it would be seen. Runs on workerd with `unsafe_module` alone.
 */
import unsafe from 'workerd:unsafe';
import { objectName } from '../../../relay-worker/admission.ts';
import type { RelayEnv } from '../../../relay-worker/env.ts';
import relay, {
  MailboxObject as RelayMailboxObject,
  RoomObject as RelayRoomObject,
} from '../../../relay-worker/index.ts';
import { parseRoomId } from '../../../src/engine/protocol/ids.ts';

/** What an object keeps beyond its memory and its sockets. */
export type Kept = { readonly tables: readonly string[]; readonly keys: number; readonly alarm: number | null };

export class RoomObject extends RelayRoomObject {
  async look(): Promise<Kept> {
    return await keptIn(this.ctx.storage);
  }

  /** The platform lets nobody set an alarm who does not answer to it. */
  override alarm(): void {}

  async leaveTraces(text: string): Promise<void> {
    console.log(text);
    await this.ctx.storage.put('trace', text);
    await this.ctx.storage.setAlarm(Date.now() + 3_600_000);
  }
}

export class MailboxObject extends RelayMailboxObject {
  async look(): Promise<Kept> {
    return await keptIn(this.ctx.storage);
  }
}

export default {
  async fetch(request: Request, env: RelayEnv): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (!pathname.startsWith('/under-test/')) return await relay.fetch(request, env);
    const roomId = parseRoomId(searchParams.get('room'));
    const rooms = env.ROOMS as unknown as DurableObjectNamespace<RoomObject>;
    const boxes = env.MAILBOXES as unknown as DurableObjectNamespace<MailboxObject>;
    const room = roomId && rooms.get(rooms.idFromName(await objectName(roomId)));
    const object = room ?? boxes.get(boxes.idFromName(searchParams.get('box') ?? ''));
    switch (pathname) {
      case '/under-test/evict':
        return await evict(object);
      case '/under-test/look':
        return Response.json(await object.look());
      case '/under-test/leave-traces':
        await room?.leaveTraces(await request.text());
        return new Response();
      default:
        return new Response(null, { status: 404 });
    }
  },
} satisfies ExportedHandler<RelayEnv>;

async function keptIn(storage: DurableObjectStorage): Promise<Kept> {
  const tables = storage.sql.exec<{ name: string }>('SELECT name FROM sqlite_master').toArray();
  const [keys, alarm] = [await storage.list(), await storage.getAlarm()];
  return { tables: tables.map(({ name }) => name), keys: keys.size, alarm };
}

/** One that is not in memory is asleep already. */
async function evict(object: DurableObjectStub): Promise<Response> {
  try {
    await unsafe.evict(object);
  } catch (error) {
    if (!String(error).includes('not currently running')) throw error;
  }
  return new Response();
}
