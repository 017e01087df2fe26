/** The relays of the contenders: each brings its own, all on the loopback, none over TLS. */
import { createServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { PeerServer } from 'peer';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { startRelayProcess } from '../../test/helpers/relay-process.ts';

const HOST = '127.0.0.1';

export type BenchRelay = { readonly url: string; stop(): Promise<void> };

/** The least that a relay can do: every text goes to the others at the same path. Reads nothing, checks nothing. */
export async function startPlainRelay(): Promise<BenchRelay> {
  const rooms = new Map<string, Set<WebSocket>>();
  const server = createServer();
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket, { url = '' }) => {
    const room = rooms.get(url) ?? new Set();
    rooms.set(url, room.add(socket));
    socket.on('message', (data) => {
      for (const other of room) if (other !== socket) other.send(data, { binary: false });
    });
    socket.on('close', () => room.delete(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, HOST, resolve);
  });
  return benchRelay(server, 'ws');
}

/** PeerJS's own server, as it comes. */
export async function startPeerJsServer(): Promise<BenchRelay> {
  const server = await new Promise<Server>((resolve) => {
    PeerServer({ host: HOST, port: 0, path: '/' }, resolve);
  });
  return benchRelay(server, 'http');
}

/**
 * Our relay Worker, or that of the checkout given, on the platform's own runtime, with rooms in memory. Without wrangler
 * before it: its development proxy is not there in a deployment.
 */
export async function startTaiRelay(repository?: string): Promise<BenchRelay> {
  const { url, stop } = await startRelayProcess({ runtime: 'workerd', ...(repository && { repository }) });
  return { url, stop };
}

function benchRelay(server: Server & { closeAllConnections?(): void }, scheme: string): BenchRelay {
  const { port } = server.address() as AddressInfo;
  return {
    url: `${scheme}://${HOST}:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections?.();
      }),
  };
}
