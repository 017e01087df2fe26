/** A relay on workerd whose rooms a test can put to sleep and look into. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import type { RoomId } from '../../src/engine/protocol/ids.ts';
import { startRelayProcess } from './relay-process.ts';
import type { RelayProcess } from './relay-process.ts';

/** What a room's object keeps beyond its memory and its sockets. */
export type Kept = { readonly tables: readonly string[]; readonly keys: number; readonly alarm: number | null };

export const NOTHING_KEPT: Kept = { tables: [], keys: 0, alarm: null };

export type RelayUnderTest = RelayProcess & {
  /** Resolves when the room's object is out of memory. Its sockets stay, as when the platform does it. */
  evict(roomId: RoomId): Promise<void>;
  look(roomId: RoomId): Promise<Kept>;
  /** Has the room keep and print this text, and set an alarm. */
  leaveTraces(roomId: RoomId, text: string): Promise<void>;
};

export async function startRelayUnderTest(vars: Readonly<Record<string, string>> = {}): Promise<RelayUnderTest> {
  const entry = fileURLToPath(new URL('workers/relay-under-test.ts', import.meta.url));
  const relay = await startRelayProcess({ runtime: 'workerd', vars, variant: { entry, isUnsafe: true } });
  const ask = async (what: string, roomId: RoomId, body = ''): Promise<Response> => {
    const response = await fetch(`${relay.url}/under-test/${what}?room=${roomId}`, { method: 'POST', body });
    assert.equal(response.status, 200, `${what} of a room`);
    return response;
  };
  return {
    ...relay,
    evict: async (roomId) => {
      await (await ask('evict', roomId)).arrayBuffer();
    },
    look: async (roomId) => (await (await ask('look', roomId)).json()) as Kept,
    leaveTraces: async (roomId, text) => {
      await (await ask('leave-traces', roomId, text)).arrayBuffer();
    },
  };
}
