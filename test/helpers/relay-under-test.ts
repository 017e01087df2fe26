/** A relay on workerd whose rooms and mailboxes a test can put to sleep and look into. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import type { RoomId } from '../../src/engine/protocol/ids.ts';
import { startRelayProcess } from './relay-process.ts';
import type { RelayProcess } from './relay-process.ts';

/** What an object keeps beyond its memory and its sockets. */
export type Kept = { readonly tables: readonly string[]; readonly keys: number; readonly alarm: number | null };

export const NOTHING_KEPT: Kept = { tables: [], keys: 0, alarm: null };

/** A room, or a mailbox by the name of its object. */
export type ObjectUnderTest = RoomId | { readonly box: string };

export type RelayUnderTest = RelayProcess & {
  /** Resolves when the object is out of memory. Its sockets stay, as when the platform does it. */
  evict(object: ObjectUnderTest): Promise<void>;
  look(object: ObjectUnderTest): Promise<Kept>;
  /** Has the room keep and print this text, and set an alarm. */
  leaveTraces(roomId: RoomId, text: string): Promise<void>;
};

/** `limits`: in place of the constants of `relay-worker/limits.ts`. */
export async function startRelayUnderTest(
  vars: Readonly<Record<string, string>> = {},
  limits: Readonly<Record<string, number>> = {},
): Promise<RelayUnderTest> {
  const entry = fileURLToPath(new URL('workers/relay-under-test.ts', import.meta.url));
  const relay = await startRelayProcess({ runtime: 'workerd', vars, variant: { entry, limits, isUnsafe: true } });
  const ask = async (what: string, object: ObjectUnderTest, body = ''): Promise<Response> => {
    const query = new URLSearchParams(typeof object === 'string' ? { room: object } : object);
    const response = await fetch(`${relay.url}/under-test/${what}?${query}`, { method: 'POST', body });
    assert.equal(response.status, 200, `${what} of an object`);
    return response;
  };
  return {
    ...relay,
    evict: async (object) => {
      await (await ask('evict', object)).arrayBuffer();
    },
    look: async (object) => (await (await ask('look', object)).json()) as Kept,
    leaveTraces: async (roomId, text) => {
      await (await ask('leave-traces', roomId, text)).arrayBuffer();
    },
  };
}
