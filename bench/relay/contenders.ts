/** Each relay as a process of its own, and the process that loads it. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startRelayProcess } from '../../test/helpers/relay-process.ts';
import type { WorkerVariant } from '../../test/helpers/workerd-config.ts';
import { BenchError } from '../harness.ts';
import type { RelayName } from './dialects.ts';
import type { LoadKind, LoadOrder, LoadSamples } from './load.ts';

type Running = { readonly port: number; readonly pid: number; stop(): Promise<void> };

const OUT_OF_THE_WAY = 1e9;
/**
 * What cuts the load, in our relay: the same buckets are asked the same questions, but have enough for anything. All
 * else is as it is deployed.
 */
const WIDE_LIMITS = {
  SOCKET_MESSAGES_PER_S: OUT_OF_THE_WAY,
  SOCKET_MESSAGES_BURST: OUT_OF_THE_WAY,
  SOCKET_BYTES_PER_S: OUT_OF_THE_WAY,
  SOCKET_BYTES_BURST: OUT_OF_THE_WAY,
  ROOM_MESSAGES_PER_S: OUT_OF_THE_WAY,
  ROOM_MESSAGES_BURST: OUT_OF_THE_WAY,
};

const RELAYS: Readonly<Record<RelayName, () => Promise<Running>>> = {
  'tai-room': () => startWorker({ limits: WIDE_LIMITS }),
  floor: () => startWorker({ entry: pathOf('workers/floor.ts') }),
  partyserver: () => startWorker({ entry: pathOf('workers/partyserver.ts') }),
  ws: () => startNode('ws'),
  'peerjs-server': () => startNode('peerjs'),
};

/** One relay with its load. */
export type Loaded = {
  run<K extends LoadKind>(kind: K): Promise<LoadSamples[K]>;
  stop(): Promise<void>;
};

export async function startLoaded(name: RelayName): Promise<Loaded> {
  const relay = await RELAYS[name]();
  const child = fork(pathOf('load.ts'));
  return {
    run: async <K extends LoadKind>(kind: K) => {
      child.send({ kind, target: { name, port: relay.port, pid: relay.pid } } satisfies LoadOrder);
      const { sample, error } = await nextMessage<{ sample?: LoadSamples[K]; error?: string }>(
        child,
        `${name}: the load`,
      );
      if (!sample) throw new BenchError(`${name}: ${error}`);
      return sample;
    },
    stop: async () => {
      const stopped = once(child, 'exit');
      child.kill();
      await stopped;
      await relay.stop();
    },
  };
}

/** Rejects where the process ends instead; what it had to say about it is on standard error already. */
async function nextMessage<T>(child: ChildProcess, what: string): Promise<T> {
  const over = new AbortController();
  const { signal } = over;
  const ended = once(child, 'exit', { signal }).then(() => {
    throw new BenchError(`${what} has ended`);
  });
  try {
    const [message] = (await Promise.race([once(child, 'message', { signal }), ended])) as [T];
    return message;
  } finally {
    over.abort();
    await ended.catch(() => undefined);
  }
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** On the platform's runtime alone, with objects in memory. */
async function startWorker(variant: WorkerVariant): Promise<Running> {
  const { port, pid, stop } = await startRelayProcess({ runtime: 'workerd', variant });
  return { port, pid: pid() ?? 0, stop };
}

async function startNode(name: 'ws' | 'peerjs'): Promise<Running> {
  const child = fork(pathOf('node-relay.ts'), [name]);
  const port = await nextMessage<number>(child, name);
  return {
    port,
    pid: child.pid ?? 0,
    stop: async () => {
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}
