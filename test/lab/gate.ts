/** Ways between this process and what runs in a namespace (`programs/gate.ts`). */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { end, readiness } from './namespace.ts';
import type { Namespace } from './namespace.ts';
import { passOn } from './pass-on.ts';
import type { Place } from './pass-on.ts';

export type Door = {
  readonly at: Place;
  readonly to: Place;
  /** Paths of a certificate and its key: TLS ends here. */
  readonly tls?: { readonly cert: string; readonly key: string };
};

export type Gate = { close(): Promise<void> };

const LOOPBACK = '127.0.0.1';
const PROGRAM = fileURLToPath(new URL('programs/gate.ts', import.meta.url));

/** Opens doors in a namespace. */
export async function openGate(namespace: Namespace, doors: readonly Door[]): Promise<Gate> {
  const [program = '', ...parameters] = [...namespace.enter, process.execPath, PROGRAM, JSON.stringify(doors)];
  const child = spawn(program, parameters, { stdio: ['pipe', 'pipe', 'pipe'] });
  await readiness(child, 'a gate');
  return { close: () => end(child) };
}

/** A server of ours that takes what comes at `at` to another place. */
export async function passAll(at: Place, to: Place): Promise<Gate> {
  const sockets = new Set<Socket>();
  const server = createServer((incoming) => {
    sockets.add(incoming);
    incoming.on('close', () => sockets.delete(incoming));
    passOn(incoming, to);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ ...at }, resolve);
  });
  return {
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/**
 * These ports of our own loopback are then those of a namespace: of its loopback, or of the address that is named. What is told a port in there
 * can be given the same one out here. `folder`: for the sockets between them.
 */
export async function reachPorts(
  namespace: Namespace,
  ports: readonly { readonly port: number; readonly host?: string }[],
  folder: string,
): Promise<Gate> {
  const ways = ports.map(({ port, host = LOOPBACK }) => ({
    between: { path: join(folder, `port-${port}`) },
    outside: { host: LOOPBACK, port },
    inside: { host, port },
  }));
  const inner = await openGate(
    namespace,
    ways.map(({ between, inside }) => ({ at: between, to: inside })),
  );
  const outer = await Promise.all(ways.map(({ between, outside }) => passAll(outside, between)));
  return { close: async () => void (await Promise.all([inner, ...outer].map((gate) => gate.close()))) };
}
