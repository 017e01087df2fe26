/** A relay that is killed under six people who are talking, with the engine's own signalling, keys and sockets. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { toBase64Url } from '../../src/engine/protocol/bytes.ts';
import { roomSecretFromBytes } from '../../src/engine/protocol/invite.ts';
import { RELAY_PATH } from '../../src/engine/protocol/relay.ts';
import type { Ports } from '../../src/engine/ports.ts';
import { RelaySocket } from '../../src/engine/transport/relay-socket.ts';
import { MemoryRelay } from '../session/memory-relay.ts';
import { assertUnharmed, gather, until } from '../session/page.ts';
import { eventually } from '../helpers/eventually.ts';
import { startRelayProcess } from '../helpers/relay-process.ts';
import type { RelayProcess } from '../helpers/relay-process.ts';
import { openSignallingClient } from '../helpers/signalling-client.ts';
import type { SignallingClient } from '../helpers/signalling-client.ts';

const PEERS = 6;
/** Before the relay is killed, while it is away, and after its return. */
const STATEMENTS = 3;

let relay: RelayProcess;
let clients: SignallingClient[] = [];

before(async () => {
  relay = await startRelayProcess({ runtime: 'workerd' });
});

after(async () => {
  for (const client of clients) client.close();
  await relay.stop();
});

/** `STATEMENTS` of everybody to everybody, numbered. */
function talk(part: string): void {
  for (let i = 1; i <= STATEMENTS; i++) for (const client of clients) client.state(`${part} ${i}`);
}

function spoken(...parts: readonly string[]): string[] {
  return parts.flatMap((part) =>
    Array.from({ length: STATEMENTS }, (_, i) => toBase64Url(new TextEncoder().encode(`${part} ${i + 1}`))),
  );
}

describe('kill -9 of the relay in a room of six', () => {
  it('RL9: no session shows anybody as gone, no connection is touched, and all agree again', async () => {
    const url = `${relay.url.replace(/^http/, 'ws')}${RELAY_PATH}`;
    const connectRelay: Ports['connectRelay'] = (options) => new RelaySocket({ ...options, url });
    const names = Array.from({ length: PEERS }, (_, i) => `Peer ${i}`);
    // between them the connections are of memory; the relay is the real one
    const pages = await gather(new MemoryRelay(), names, { isDirect: true, instead: { connectRelay } });
    const linksBefore = pages.map(({ world }) => world.links.length);
    await relay.kill();
    await until('all notice', () => pages.every(({ view }) => view.phase === 'reconnecting'));
    await relay.restart();
    await until('all are back', () => pages.every(({ view }) => view.phase === 'joined'));
    await assertUnharmed(pages);
    for (const [i, { world, events }] of pages.entries()) {
      assert.deepEqual(
        events.filter(({ type }) => type === 'peer-left' || type === 'error'),
        [],
      );
      assert.deepEqual([world.released.includes('link'), world.links.length], [false, linksBefore[i]]);
    }
    for (const { session } of pages) session.close();
  });

  it('PM13, RL22: all are back, and what is acknowledged was neither lost nor doubled', async (t) => {
    const room = roomSecretFromBytes(globalThis.crypto.getRandomValues(new Uint8Array(32)));
    assert.ok(room);
    clients = Array.from({ length: PEERS }, () => openSignallingClient(relay.url, room));
    await eventually('everybody has keys with everybody', () =>
      clients.every(({ agreed }) => agreed.size === PEERS - 1),
    );
    talk('before');
    // some of it is on its way just now
    await relay.kill();
    talk('away');
    await eventually('everybody has noticed', () => clients.every(({ events }) => events.includes('relay-lost')));
    await relay.restart();
    const returnMs = Date.now();
    await eventually('everybody is back', () => clients.every(({ welcomes }) => welcomes.length === 2));
    talk('after');
    const expected = spoken('before', 'away', 'after');
    const isWhole = (client: SignallingClient): boolean =>
      clients.every(
        ({ peerId }) => client.peerId === peerId || (client.taken.get(peerId)?.length ?? 0) >= expected.length,
      );
    await eventually('everything has come', () => clients.every(isWhole));
    for (const client of clients) {
      for (const { peerId } of clients) {
        if (peerId !== client.peerId) assert.deepEqual(client.taken.get(peerId), expected);
      }
      // what is said again never meets the relay's limit (LM2)
      assert.equal(client.dropped.get('relay-rate-limited'), undefined);
    }
    const back = clients.map(({ welcomes }) => (welcomes[1] ?? 0) - returnMs).toSorted((a, b) => a - b);
    t.diagnostic(`back after ${back.join(', ')} ms; ${expected.length * PEERS * (PEERS - 1)} statements`);
  });
});
