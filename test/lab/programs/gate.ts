/**
 * Doors between a namespace and the outside: what comes in at one is passed on to another place, byte by byte. Sockets of the file
 * system are the same in every network, and lead from one into the other. The doors are a JSON list (`Door`) as the one argument.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Door } from '../gate.ts';
import { passOn } from '../pass-on.ts';

const doors = JSON.parse(process.argv[2] ?? '[]') as readonly Door[];

function open(door: Door): Promise<void> {
  const take = (socket: Socket): void => passOn(socket, door.to);
  const { tls } = door;
  const server: Server = tls
    ? createTlsServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, take)
    : createServer(take);
  return new Promise((resolve) => server.listen({ ...door.at }, resolve));
}

await Promise.all(doors.map(open));
process.stdin.on('data', () => undefined).on('close', () => process.exit(0));
process.stdout.write('ready\n');
