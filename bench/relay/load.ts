/**
 * The load on one relay, in a process of its own: it is told what to do, and answers with what it has measured. Messages
 * come back to this process, so that one clock times them.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createTestRoom, randomPeerId } from '../../test/helpers/tokens.ts';
import { DIALECTS, messageOf } from './dialects.ts';
import type { Dialect, Place, RelayName } from './dialects.ts';
import { cpuSecondsOf, residentBytesOf } from './proc.ts';
import { RawSocket, textFrame } from './raw-socket.ts';
import type { RawHandshake } from './raw-socket.ts';

/** Rooms that come in at once, for the connect rate and the memory of a socket. */
const ENTERING_ROOMS = 250;
export const FORWARD_ROOMS = 50;
export const ROOM_PEERS = 4;
export const FAN_OUT_PEERS = 6;
export const CALM_PER_S = 500;
export const BUSY_PER_S = 2000;
const WARM_ROOMS = 5;

const CONNECTING_AT_ONCE = 32;
/** Texts on their way between two peers, so that the relay always has some to read. */
const IN_FLIGHT_A_PAIR = 8;
const SETTLE_MS = 500;
const WARM_MS = 400;
const WINDOW_MS = 1000;
const DRAIN_MAX_MS = 3000;
const WELCOME_MAX_MS = 5000;

/** Stands first in every payload, before the microseconds of this process at which it was sent. */
const STAMP = '"S_';
const STAMP_DIGITS = 11;
/** How far into a text its payload begins at most. */
const STAMP_WITHIN = 600;
const ZERO = 48;

export type Target = { readonly name: RelayName; readonly port: number; readonly pid: number };

/** Coming in: a relay is asked this once, when it is new. */
export type EntrySample = {
  readonly connects_per_s: number;
  readonly connect_us: number;
  readonly socket_kB: number;
};

export type FanOutSample = {
  /** Of the messages that were sent, from 0 to 1. */
  readonly delivered: number;
  /** While they were sent. */
  readonly out_per_s: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
};

export type MessagesSample = {
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

/** `messages` needs nothing before it, comes as often as one likes, and keeps its sockets for the next time. */
export type LoadSamples = { readonly entry: EntrySample; readonly messages: MessagesSample };
export type LoadKind = keyof LoadSamples;
export type LoadOrder = { readonly kind: LoadKind; readonly target: Target };

type Peer = Place & { socket?: RawSocket; isWelcome: boolean };
type Rooms = readonly (readonly Peer[])[];
/** From one peer to another, made beforehand but for the time. */
type Route = { readonly from: Peer; readonly frame: Buffer; readonly stampAt: number };

class Load {
  readonly #target: Target;
  readonly #dialect: Dialect;
  #rooms: Rooms | undefined;
  /** What is done with a message, and when it was sent. */
  #onStamp: (receiver: Peer, sent_us: number) => void = () => undefined;

  constructor(target: Target) {
    this.#target = target;
    this.#dialect = DIALECTS[target.name];
  }

  async run<K extends LoadKind>(kind: K): Promise<LoadSamples[K]> {
    const loads: { readonly [N in LoadKind]: () => Promise<LoadSamples[N]> } = {
      entry: () => this.#entry(),
      messages: () => this.#messages(),
    };
    return await loads[kind]();
  }

  async #entry(): Promise<EntrySample> {
    const rooms = await makeRooms(ENTERING_ROOMS, ROOM_PEERS);
    await this.#connect(await makeRooms(WARM_ROOMS, ROOM_PEERS));
    await delay(SETTLE_MS);
    const residentBytes = residentBytesOf(this.#target.pid);
    const { s, relayCpuS } = await this.#connect(rooms);
    await delay(SETTLE_MS);
    const sockets = rooms.flat().length;
    return {
      connects_per_s: sockets / s,
      connect_us: (relayCpuS / sockets) * 1e6,
      socket_kB: (residentBytesOf(this.#target.pid) - residentBytes) / 1000 / sockets,
    };
  }

  async #messages(): Promise<MessagesSample> {
    if (!this.#rooms) {
      this.#rooms = [...(await makeRooms(1, FAN_OUT_PEERS)), ...(await makeRooms(FORWARD_ROOMS, ROOM_PEERS))];
      await this.#connect(this.#rooms);
    }
    const { heartbeat } = this.#dialect;
    for (const peer of this.#rooms.flat()) peer.socket?.send(textFrame(heartbeat));
    const [big = [], ...small] = this.#rooms;
    const forward = await this.#forward(small);
    const calm = await this.#fanOut(big, CALM_PER_S);
    const busy = await this.#fanOut(big, BUSY_PER_S);
    return { ...forward, calm, busy };
  }

  /** All at once, a few at a time; their tokens are made before. */
  async #connect(rooms: Rooms): Promise<Spent> {
    const peers = rooms.flat();
    const handshakes = await Promise.all(peers.map((peer) => this.#dialect.handshake(peer)));
    const waiting = peers.map((peer, index) => ({ peer, handshake: handshakes[index] as RawHandshake }));
    const spent = this.#watch();
    const connectOthers = async (): Promise<void> => {
      for (let next = waiting.pop(); next; next = waiting.pop()) await this.#open(next.peer, next.handshake);
    };
    await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, connectOthers));
    await until(() => peers.every(({ isWelcome }) => isWelcome), WELCOME_MAX_MS);
    const outside = peers.filter(({ isWelcome }) => !isWelcome).length;
    if (outside > 0) throw new Error(`${outside} of ${peers.length} were never welcomed`);
    return spent();
  }

  async #open(peer: Peer, handshake: RawHandshake): Promise<void> {
    const { welcome } = this.#dialect;
    peer.isWelcome = welcome === undefined;
    peer.socket = await RawSocket.open(this.#target.port, handshake, (bytes, start, end) => {
      const at = bytes.subarray(start, Math.min(end, start + STAMP_WITHIN)).indexOf(STAMP);
      if (at >= 0) return this.#onStamp(peer, readStamp(bytes, start + at + STAMP.length));
      if (!peer.isWelcome && bytes.subarray(start, end).includes(welcome ?? '')) peer.isWelcome = true;
    });
  }

  /** Everybody answers the one that it heard from: two and two in each room, a few texts on their way between them. */
  async #forward(rooms: Rooms): Promise<Omit<MessagesSample, 'calm' | 'busy'>> {
    const answers = new Map<Peer, Route>();
    for (const room of rooms) {
      for (const [index, from] of room.entries()) {
        const to = room[index ^ 1];
        if (to) answers.set(from, this.#route(from, to));
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
    const spent = this.#watch();
    const already = delivered;
    await delay(WINDOW_MS);
    const { s, relayCpuS, loadCpuS } = spent();
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
    let latencies_us: number[] = [];
    this.#onStamp = (_receiver, sent_us) => {
      latencies_us.push(now_us() - sent_us);
    };
    const sayFor = async (ms: number): Promise<number> => {
      const startMs = performance.now();
      let said = 0;
      for (let pastMs = 0; pastMs < ms; pastMs = performance.now() - startMs) {
        for (; said < (pastMs * perS) / 1000; said++)
          for (const route of routes[said % routes.length] ?? []) send(route);
        await delay(1);
      }
      return said * (peers.length - 1);
    };
    const warming = await sayFor(WARM_MS);
    await until(() => latencies_us.length >= warming, DRAIN_MAX_MS);
    latencies_us = [];
    const spent = this.#watch();
    const sent = await sayFor(WINDOW_MS);
    const out_per_s = latencies_us.length / spent().s;
    await until(() => latencies_us.length >= sent, DRAIN_MAX_MS);
    const sorted = latencies_us.toSorted((a, b) => a - b);
    const latency_ms = (share: number): number => (sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN) / 1000;
    return { delivered: sorted.length / sent, out_per_s, p50_ms: latency_ms(0.5), p99_ms: latency_ms(0.99) };
  }

  #route(from: Peer, to: Peer): Route {
    const frame = textFrame(messageOf(this.#dialect, from, to, `S_${'0'.repeat(STAMP_DIGITS)}`));
    return { from, frame, stampAt: frame.indexOf(STAMP) + STAMP.length };
  }

  /** From now on until it is asked. */
  #watch(): () => Spent {
    const startMs = performance.now();
    const relay = cpuSecondsOf(this.#target.pid);
    const own = process.cpuUsage();
    return () => {
      const { user, system } = process.cpuUsage(own);
      const s = (performance.now() - startMs) / 1000;
      return { s, relayCpuS: cpuSecondsOf(this.#target.pid) - relay, loadCpuS: (user + system) / 1e6 };
    };
  }
}

type Spent = { readonly s: number; readonly relayCpuS: number; readonly loadCpuS: number };

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

/** Also resolves where it stays untrue for so long. */
async function until(isTrue: () => boolean, maxMs: number): Promise<void> {
  const endMs = performance.now() + maxMs;
  while (!isTrue() && performance.now() < endMs) await delay(5);
}

let load: Load | undefined;
process.on('message', ({ kind, target }: LoadOrder) => {
  load ??= new Load(target);
  load.run(kind).then(
    (sample) => process.send?.({ sample }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
