/**
 * What a peer that does not read costs the others of its room: two of them talk, three send to the one that does not read as much as each of them
 * may, and the time from one talker to the other is measured; beside the same room in which that peer reads. On the `workerd` binary, in a
 * new room each time, in turns.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { quantile } from '../test/helpers/gaps.ts';
import { openRaw } from '../test/helpers/raw-client.ts';
import { enter, messageText } from '../test/helpers/relay-client.ts';
import type { Guest } from '../test/helpers/relay-client.ts';
import { startRelayProcess } from '../test/helpers/relay-process.ts';
import type { RelayProcess } from '../test/helpers/relay-process.ts';
import { createTestRoom, offerFor, randomPeerId } from '../test/helpers/tokens.ts';
import { goal, interleave, rounded, runBench, summarize } from './harness.ts';
import type { BenchOptions, BenchResult, Row } from './harness.ts';
import { describeMachine } from './machine.ts';

const DEFAULTS = { rounds: 12, seed: 1 };
const SENDERS = 3;
/** Of a talker, each taken before the next is said: below the 20 a second that a socket may send. */
const MESSAGES = 120;
const MESSAGE_EVERY_MS = 60;
const PAYLOAD = 'A'.repeat(2_000);
/** As much as a socket may send at once, and then as often as its bytes allow. */
const BIG_PAYLOAD = 'A'.repeat(60_000);
const BIG_AT_ONCE = 16;
const BIG_EVERY_MS = 500;
const P99_MAX = 1.25;
/** Below this a difference is the machine's. */
const P99_SPARE_MS = 1;

async function measure({ rounds, seed }: BenchOptions): Promise<BenchResult> {
  const relay = await startRelayProcess({ runtime: 'workerd' });
  try {
    const contenders = [true, false].map((isStalled) => ({
      name: isStalled ? 'with one that does not read' : 'all read',
      measure: () => talk(relay, isStalled),
    }));
    const samples = await interleave(contenders, { rounds, seed });
    const [stalled = [], reading = []] = contenders.map(({ name }) => (samples.get(name) ?? []).flat());
    const [p99, floor] = [quantile(stalled, 0.99), quantile(reading, 0.99)];
    return {
      bench: 'stalled-reader',
      machine: describeMachine({}),
      rounds,
      rows: contenders.map(({ name }) => rowOf(name, (samples.get(name) ?? []).flat())),
      goals: [goal('p99 of the others, ms', rounded(p99, 2), rounded(floor * P99_MAX + P99_SPARE_MS, 2), 'lower')],
    };
  } finally {
    await relay.stop();
  }
}

/** Milliseconds from one to the other, of each message. */
async function talk(relay: RelayProcess, isStalled: boolean): Promise<readonly number[]> {
  const room = await createTestRoom();
  const readerId = randomPeerId();
  const reader = await openRaw(relay.port, await offerFor(room, { peerId: readerId }));
  if (isStalled) reader.socket.pause();
  const senders: Guest[] = [];
  for (let i = 0; i < SENDERS; i++) senders.push(await enter(relay.url, room));
  const [ada, bob] = [await enter(relay.url, room), await enter(relay.url, room)];
  const flood = (): void => {
    for (const sender of senders) sender.client.send(messageText(sender, readerId, BIG_PAYLOAD));
  };
  for (let i = 0; i < BIG_AT_ONCE; i++) flood();
  const flooding = setInterval(flood, BIG_EVERY_MS);
  const took_ms: number[] = [];
  for (let i = 0; i < MESSAGES; i++) {
    const at = performance.now();
    ada.client.send(messageText(ada, bob.peerId, PAYLOAD));
    await bob.client.text((text) => text.includes('"relay_message"'), 'a message');
    took_ms.push(performance.now() - at);
    await delay(Math.max(0, MESSAGE_EVERY_MS - (performance.now() - at)));
  }
  clearInterval(flooding);
  reader.socket.destroy();
  await Promise.all([ada, bob, ...senders].map(({ client }) => client.close()));
  return took_ms;
}

function rowOf(name: string, values: readonly number[]): Row {
  const { median, n } = summarize(values);
  return {
    room: name,
    median_ms: rounded(median, 2),
    p95_ms: rounded(quantile(values, 0.95), 2),
    p99_ms: rounded(quantile(values, 0.99), 2),
    max_ms: rounded(Math.max(...values), 2),
    n,
  };
}

await runBench(DEFAULTS, measure);
