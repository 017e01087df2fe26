/**
 * The load, in a process of its own that is started anew for each relay and round: it is told whom to load, and answers
 * with one sample. Messages come back to this process, so that one clock times them.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createTestRoom, randomPeerId } from '../../test/helpers/tokens.ts';
import { DIALECTS, messageOf } from './dialects.ts';
import type { Dialect, Place, RelayName } from './dialects.ts';
import { cpuSecondsOf, residentBytesOf } from './proc.ts';
import { RawSocket, textFrame } from './raw-socket.ts';
import type { RawHandshake } from './raw-socket.ts';

export const FORWARD_ROOMS = 50;
export const ROOM_PEERS = 4;
/** Rooms that are full at once for the connect rate and the memory; most of them leave before there are messages. */
const MEMORY_ROOMS = 250;
const WARM_ROOMS = 5;
export const FAN_OUT_PEERS = 6;
export const CALM_PER_S = 500;
export const BUSY_PER_S = 2000;

const CONNECTING_AT_ONCE = 32;
/** Texts on their way between two peers, so that the relay always has some to read. */
const IN_FLIGHT_A_PAIR = 4;
const SETTLE_MS = 500;
const WARM_MS = 1000;
const WINDOW_MS = 2000;
const DRAIN_MAX_MS = 3000;
const WELCOME_MAX_MS = 5000;

/** Stands first in every payload, before the microseconds of this process at which it was sent. */
const STAMP = '"S_';
const STAMP_DIGITS = 11;
/** How far into a text its payload begins at most. */
const STAMP_WITHIN = 600;
const ZERO = 48;

export type LoadOrder = { readonly name: RelayName; readonly port: number; readonly pid: number };

export type FanOutSample = {
  /** Of the messages that were sent, from 0 to 1. */
  readonly delivered: number;
  /** In those that arrived while more were sent. */
  readonly out_per_s: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly cpu_us: number;
};

export type RelaySample = {
  readonly connects_per_s: number;
  readonly socket_kB: number;
  /** 1:1, as many as the relay takes. */
  readonly messages_per_s: number;
  /** Processor time of the relay for one of them. */
  readonly cpu_us: number;
  /** Of one processor, while it was measured. */
  readonly relayShare: number;
  readonly loadShare: number;
  readonly calm: FanOutSample;
  readonly busy: FanOutSample;
};

type Peer = Place & { socket?: RawSocket; isWelcome: boolean };
/** From one peer to another, made beforehand but for the time. */
type Route = { readonly from: Peer; readonly frame: Buffer; readonly stampAt: number };

class Load {
  readonly #order: LoadOrder;
  readonly #dialect: Dialect;
  /** What is done with a message, at which time it was sent. */
  #onStamp: (receiver: Peer, sent_us: number) => void = () => undefined;

  constructor(order: LoadOrder) {
    this.#order = order;
    this.#dialect = DIALECTS[order.name];
  }

  async run(): Promise<RelaySample> {
    const rooms = await makeRooms(MEMORY_ROOMS, ROOM_PEERS);
    await this.#connect((await makeRooms(WARM_ROOMS, ROOM_PEERS)).flat());
    await delay(SETTLE_MS);
    const before = residentBytesOf(this.#order.pid);
    const connects_per_s = await this.#connect(rooms.flat());
    await delay(SETTLE_MS);
    const socket_kB = (residentBytesOf(this.#order.pid) - before) / 1000 / rooms.flat().length;

    for (const peer of rooms.slice(FORWARD_ROOMS).flat()) peer.socket?.close();
    const [big = []] = await makeRooms(1, FAN_OUT_PEERS);
    await this.#connect(big);
    await delay(SETTLE_MS);
    const forward = await this.#forward(rooms.slice(0, FORWARD_ROOMS));
    const calm = await this.#fanOut(big, CALM_PER_S);
    const busy = await this.#fanOut(big, BUSY_PER_S);
    return { connects_per_s, socket_kB, ...forward, calm, busy };
  }

  /** Sockets a second. */
  async #connect(peers: readonly Peer[]): Promise<number> {
    const handshakes = await Promise.all(peers.map((peer) => this.#dialect.handshake(peer)));
    const waiting = peers.map((peer, index) => ({ peer, handshake: handshakes[index] as RawHandshake }));
    const startMs = performance.now();
    const connectOthers = async (): Promise<void> => {
      for (let next = waiting.pop(); next; next = waiting.pop()) await this.#open(next.peer, next.handshake);
    };
    await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, connectOthers));
    const perS = (peers.length / (performance.now() - startMs)) * 1000;
    await until(() => peers.every(({ isWelcome }) => isWelcome), WELCOME_MAX_MS, 'everybody’s welcome');
    return perS;
  }

  async #open(peer: Peer, handshake: RawHandshake): Promise<void> {
    const { welcome } = this.#dialect;
    peer.isWelcome = welcome === undefined;
    peer.socket = await RawSocket.open(this.#order.port, handshake, (bytes, start, end) => {
      const at = bytes.subarray(start, Math.min(end, start + STAMP_WITHIN)).indexOf(STAMP);
      if (at >= 0) return this.#onStamp(peer, readStamp(bytes, start + at + STAMP.length));
      if (!peer.isWelcome && bytes.subarray(start, end).includes(welcome ?? '')) peer.isWelcome = true;
    });
  }

  /** Everybody answers the one that it heard from: two and two in each room, a few texts on their way between them. */
  async #forward(
    rooms: readonly (readonly Peer[])[],
  ): Promise<Pick<RelaySample, 'messages_per_s' | 'cpu_us' | 'relayShare' | 'loadShare'>> {
    const answers = new Map<Peer, Route>();
    for (const [a, b, c, d] of rooms as readonly [Peer, Peer, Peer, Peer][]) {
      for (const [from, to] of [
        [a, b],
        [b, a],
        [c, d],
        [d, c],
      ] as const) {
        answers.set(from, this.#route(from, to));
      }
    }
    let isOver = false;
    let delivered = 0;
    this.#onStamp = (receiver) => {
      delivered++;
      const answer = answers.get(receiver);
      if (answer && !isOver) send(answer);
    };
    for (const route of answers.values()) for (let i = 0; i < IN_FLIGHT_A_PAIR / 2; i++) send(route);
    await delay(WARM_MS);
    const window = this.#window();
    const already = delivered;
    await delay(WINDOW_MS);
    const { s, relayCpuS, loadCpuS } = window.end();
    const messages = delivered - already;
    isOver = true;
    await delay(SETTLE_MS);
    return {
      messages_per_s: messages / s,
      cpu_us: (relayCpuS / messages) * 1e6,
      relayShare: relayCpuS / s,
      loadShare: loadCpuS / s,
    };
  }

  /**
   * `perS` times a second one of a room says something to all others: a message to each of them, since what is sealed
   * for one is of no use to another. At a steady rate, whatever becomes of it.
   */
  async #fanOut(peers: readonly Peer[], perS: number): Promise<FanOutSample> {
    const routes = peers.map((from) => peers.filter((to) => to !== from).map((to) => this.#route(from, to)));
    const latencies: number[] = [];
    this.#onStamp = (_receiver, sent_us) => {
      latencies.push(now_us() - sent_us);
    };
    let said = 0;
    const sayFor = async (ms: number): Promise<void> => {
      const startMs = performance.now();
      const first = said;
      for (let pastMs = 0; pastMs < ms; pastMs = performance.now() - startMs) {
        const due = first + (pastMs * perS) / 1000;
        for (; said < due; said++) for (const route of routes[said % routes.length] ?? []) send(route);
        await delay(1);
      }
    };
    const sent = (): number => said * (peers.length - 1);
    const isDrained = (): boolean => latencies.length >= sent();
    await sayFor(WARM_MS / 2);
    await until(isDrained, DRAIN_MAX_MS).catch(() => undefined);
    said = 0;
    latencies.length = 0;
    const window = this.#window();
    await sayFor(WINDOW_MS);
    const { s, relayCpuS } = window.end();
    const inTime = latencies.length;
    await until(isDrained, DRAIN_MAX_MS).catch(() => undefined);
    const sorted = latencies.toSorted((a, b) => a - b);
    const at = (share: number): number => (sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN) / 1000;
    return {
      delivered: latencies.length / sent(),
      out_per_s: inTime / s,
      p50_ms: at(0.5),
      p99_ms: at(0.99),
      cpu_us: (relayCpuS / inTime) * 1e6,
    };
  }

  #route(from: Peer, to: Peer): Route {
    const frame = textFrame(messageOf(this.#dialect, from, to, `S_${'0'.repeat(STAMP_DIGITS)}`));
    return { from, frame, stampAt: frame.indexOf(STAMP) + STAMP.length };
  }

  #window(): { end(): { readonly s: number; readonly relayCpuS: number; readonly loadCpuS: number } } {
    const startMs = performance.now();
    const relay = cpuSecondsOf(this.#order.pid);
    const own = process.cpuUsage();
    return {
      end: () => {
        const { user, system } = process.cpuUsage(own);
        const s = (performance.now() - startMs) / 1000;
        return { s, relayCpuS: cpuSecondsOf(this.#order.pid) - relay, loadCpuS: (user + system) / 1e6 };
      },
    };
  }
}

function send({ from, frame, stampAt }: Route): void {
  const copy = Buffer.from(frame);
  let rest = now_us();
  for (let at = stampAt + STAMP_DIGITS - 1; at >= stampAt; at--) {
    copy[at] = ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  from.socket?.send(copy);
}

function readStamp(bytes: Buffer, from: number): number {
  let value = 0;
  for (let at = from; at < from + STAMP_DIGITS; at++) value = value * 10 + (bytes[at] ?? ZERO) - ZERO;
  return value;
}

/** Whole microseconds since this process began. */
function now_us(): number {
  return Math.floor(performance.now() * 1000);
}

async function makeRooms(rooms: number, peers: number): Promise<Peer[][]> {
  return await Promise.all(
    Array.from({ length: rooms }, async () => {
      const room = await createTestRoom();
      return Array.from({ length: peers }, () => ({ room, peerId: randomPeerId(), isWelcome: false }));
    }),
  );
}

async function until(isTrue: () => boolean, deadlineMs: number, what = 'the end'): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!isTrue()) {
    if (performance.now() > endMs) throw new Error(`waited in vain for ${what}`);
    await delay(5);
  }
}

if (process.send) {
  process.once('message', (order: LoadOrder) => {
    new Load(order).run().then(
      (sample) => process.send?.({ sample }, () => process.exit()),
      (error: unknown) => process.send?.({ error: String(error) }, () => process.exit(1)),
    );
  });
}
