/** The relays that are Node programs, each started as a process of its own: `node-relay.ts ws` or `node-relay.ts peerjs`. */
import { createServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { PeerServer } from 'peer';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';

const HOST = '127.0.0.1';

export type NodeRelayName = 'ws' | 'peerjs';

/** Does what the floor does: reads who is meant, passes the rest on with the sender's name. */
function servePlain(): Promise<Server> {
  const rooms = new Map<string, Map<string, WebSocket>>();
  const server = createServer();
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket, { url = '' }) => {
    const { pathname, searchParams } = new URL(url, `http://${HOST}`);
    const from = searchParams.get('peer') ?? '';
    const room = rooms.get(pathname) ?? new Map<string, WebSocket>();
    rooms.set(pathname, room.set(from, socket));
    socket.on('message', (data) => {
      const { to, payload } = JSON.parse(String(data)) as { to: string; payload: string };
      room.get(to)?.send(JSON.stringify({ from, payload }));
    });
    socket.on('close', () => {
      room.delete(from);
      if (room.size === 0) rooms.delete(pathname);
    });
  });
  return new Promise((resolve) => {
    server.listen(0, HOST, () => resolve(server));
  });
}

/** PeerJS's own server, as it comes. */
function servePeerJs(): Promise<Server> {
  return new Promise((resolve) => {
    PeerServer({ host: HOST, port: 0, path: '/' }, resolve);
  });
}

const server = await (process.argv[2] === 'peerjs' ? servePeerJs() : servePlain());
process.on('disconnect', () => process.exit());
process.send?.((server.address() as AddressInfo).port);
