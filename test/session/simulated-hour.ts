/**
 * An hour of a room by a clock that only the test moves: real sessions with their real timers, in memory. What is counted is what
 * the relay would be billed for. Pings are not: the platform answers them by itself.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { HandedBundle, SealedBundle } from '../../src/engine/protocol/relay.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { RelaySocketOptions } from '../../src/engine/transport/relay-socket.ts';
import { MemoryRelay } from './memory-relay.ts';
import { Page, until } from './page.ts';

const STEP_MS = 1_000;
const HOUR_MS = 3_600_000;
/** Between two people who come in. */
const JOIN_EVERY_MS = 60_000;
/** Nothing was said for so long by the real clock: all that was on its way has come. */
const QUIET_MS = 2;
const QUIET_ROUNDS = 4;
/** A room that has heard nothing for so long sleeps (hibernation). */
export const SLEEPS_AFTER_MS = 10_000;

/** What a browser finds: its own addresses at once, one by a STUN server a moment later. */
const CANDIDATES = [
  'candidate:1 1 udp 2122260223 192.0.2.1 50000 typ host',
  'candidate:2 1 udp 1686052607 198.51.100.1 50001 typ srflx',
];

export type HourCounts = {
  /** Sockets that were opened: a request to the Worker and one to the room each. */
  readonly connections: number;
  /** Texts that clients sent on them. */
  readonly messages: number;
  /** Times that the room had been asleep, or was not there, and something came. */
  readonly wakeUps: number;
  /** From each of these to ten seconds after the last of what followed: as long as the room was in memory. */
  readonly awakeS: number;
};

/** Notes the time of all that comes from clients. */
class CountingRelay extends MemoryRelay {
  nowMs = 0;
  readonly #events: number[] = [];
  connections = 0;
  messages = 0;

  get wakeUps(): number {
    return this.#events.filter((ms, at) => ms - (this.#events[at - 1] ?? -Infinity) > SLEEPS_AFTER_MS).length;
  }

  get awakeS(): number {
    const waits = this.#events.map((ms, at) => Math.min((this.#events[at + 1] ?? Infinity) - ms, SLEEPS_AFTER_MS));
    return waits.reduce((sum, ms) => sum + ms, 0) / 1000;
  }

  override async connect(options: RelaySocketOptions): Promise<void> {
    this.connections++;
    this.#events.push(this.nowMs);
    await super.connect(options);
  }

  override publish(options: RelaySocketOptions, bundle: SealedBundle): boolean {
    this.#note();
    return super.publish(options, bundle);
  }

  override fetch(options: RelaySocketOptions, owner: PeerId): HandedBundle | undefined {
    this.#note();
    return super.fetch(options, owner);
  }

  override forward(options: RelaySocketOptions, to: PeerId, payload: string): boolean {
    this.#note();
    return super.forward(options, to, payload);
  }

  override leave(options: RelaySocketOptions): void {
    this.#note();
    super.leave(options);
  }

  #note(): void {
    this.messages++;
    this.#events.push(this.nowMs);
  }
}

/** `people` come in one after another, stay for the rest of the hour, and leave at its end. `isDirect`: their data channels stand. */
export async function simulateHour(people: number, isDirect: boolean): Promise<HourCounts> {
  const relay = new CountingRelay();
  const pages: Page[] = [];
  const said = (): number => relay.messages + pages.reduce((sum, { world }) => sum + world.sent, 0);
  const settle = async (): Promise<void> => {
    let last = said();
    for (let quiet = 0; quiet < QUIET_ROUNDS; quiet++) {
      await delay(QUIET_MS);
      if (said() !== last) quiet = -1;
      last = said();
    }
  };
  while (relay.nowMs < HOUR_MS) {
    if (pages.length < people && relay.nowMs >= pages.length * JOIN_EVERY_MS) {
      const page = new Page(relay, `Guest ${pages.length + 1}`, { isDirect, candidates: CANDIDATES });
      pages.push(page);
      await page.join();
      await until('all are connected, and have agreed', () =>
        pages.every(
          ({ view }) => view.participants.filter(({ link }) => link === 'connected').length === pages.length - 1,
        ),
      );
      await settle();
    }
    const before = said();
    relay.nowMs += STEP_MS;
    for (const { world } of pages) world.clock?.advance(STEP_MS);
    await Promise.resolve();
    // most seconds say nothing
    if (said() !== before || relay.nowMs % (30 * STEP_MS) === 0) await settle();
  }
  await settle();
  // One after another: where all leave in one moment, how much they still say to each other is chance.
  for (const [at, page] of pages.entries()) {
    page.session.dispatch({ type: 'leave' });
    const others = pages.slice(at + 1);
    await until(
      `${page.name} is gone`,
      () =>
        page.world.released.includes('relay') &&
        others.every(({ view }) => view.participants.length === others.length - 1),
    );
    await settle();
  }
  for (const { session } of pages) session.close();
  const { connections, messages, wakeUps, awakeS } = relay;
  return { connections, messages, wakeUps, awakeS };
}
