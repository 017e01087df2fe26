/** A page of a test: a session in a world of memory, and what it was told. Waiting is for conditions, never for time. */
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { roomSecretFromBytes } from '../../src/engine/protocol/invite.ts';
import type { RoomSecret } from '../../src/engine/protocol/invite.ts';
import { RoomSession } from '../../src/engine/room-session.ts';
import type { ParticipantView, SessionEvent, SessionOptions, SessionView } from '../../src/engine/session-types.ts';
import type { MemoryRelay } from './memory-relay.ts';
import { memoryWorld } from './memory-world.ts';
import type { World, WorldOptions } from './memory-world.ts';

const DEADLINE_MS = 60_000;

export type PageOptions = WorldOptions &
  Pick<SessionOptions, 'identity' | 'admission' | 'private' | 'iceServers'> & {
    readonly secretByte?: number;
    /** In place of the room of `secretByte`: a host's, or a guest's of a room with a host. */
    readonly room?: RoomSecret;
  };

export function roomOf(secretByte = 1): RoomSecret {
  const room = roomSecretFromBytes(new Uint8Array(32).fill(secretByte));
  assert.ok(room);
  return room;
}

export class Page {
  readonly name: string;
  readonly session: RoomSession;
  readonly world: World;
  readonly events: SessionEvent[] = [];

  constructor(relay: MemoryRelay, name: string, options: PageOptions = {}) {
    const {
      secretByte,
      identity = 'guest',
      admission,
      room: given,
      private: isPrivate,
      iceServers,
      ...world
    } = options;
    this.name = name;
    this.world = memoryWorld(relay, name, world);
    const room = { kind: 'private', room: given ?? roomOf(secretByte) } as const;
    const asked = { relay: 'wss://relay.test', room, displayName: name, identity, ...(admission && { admission }) };
    const more = { ...(isPrivate && { private: true }), ...(iceServers && { iceServers }) };
    this.session = new RoomSession({ ...asked, ...more }, this.world.ports);
    this.session.on((event) => this.events.push(event));
  }

  get view(): SessionView {
    return this.session.view;
  }

  get id(): PeerId {
    assert.ok(this.view.selfId, `${this.name} is in no room`);
    return this.view.selfId;
  }

  get code(): string | undefined {
    return this.view.encryption.roomCode?.digits;
  }

  get names(): readonly string[] {
    return this.view.participants.map(({ name }) => name).sort();
  }

  /** The codes of the errors that the page was told of, with the peer where there is one. */
  get errors(): readonly (readonly [string, PeerId | undefined])[] {
    return this.events.flatMap((event) => (event.type === 'error' ? [[event.code, event.peerId] as const] : []));
  }

  peer(peerId: PeerId): ParticipantView | undefined {
    return this.view.participants.find((participant) => participant.peerId === peerId);
  }

  join(): Promise<void> {
    this.session.dispatch({ type: 'join' });
    return until(`${this.name} is in`, () => this.view.phase === 'joined');
  }

  rename(name: string): void {
    this.session.dispatch({ type: 'set-name', name });
  }

  fire(timer: string): boolean {
    return this.world.clock?.fire(timer) ?? false;
  }

  fireAll(beginnings: readonly string[]): void {
    for (const timer of this.world.clock?.running ?? []) {
      if (beginnings.some((beginning) => timer.startsWith(beginning))) this.fire(timer);
    }
  }

  /** Of all reasons together. */
  async allDropped(): Promise<number> {
    const { dropped } = await this.session.getStats();
    return Object.values(dropped).reduce((sum, count) => sum + count, 0);
  }

  async dropped(reason: string): Promise<number> {
    const { dropped } = await this.session.getStats();
    return dropped[reason] ?? 0;
  }

  /** Once so many at least were dropped for this reason. */
  untilDropped(reason: string, count = 1): Promise<void> {
    return until(
      `${this.name} drops ${count} as ${reason}`,
      async () => (await this.dropped(reason)) >= count,
      async () => JSON.stringify((await this.session.getStats()).dropped),
    );
  }
}

/** Resolves once the check holds; looks after every turn of the event loop. Rejects after 60 s, with what `found` tells. */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  found: () => Promise<string> | string = () => '',
): Promise<void> {
  const deadline_ms = Date.now() + DEADLINE_MS;
  while (!(await check())) {
    if (Date.now() > deadline_ms) throw new Error(`never happened: ${what}. ${await found()}`);
    await turn();
  }
}

/** Nothing was said for so long: all that was on its way has come, and timers that run for seconds may fire. */
const QUIET_MS = 20;

/**
 * As `until`, while time goes by: timers whose names begin so fire whenever nothing has been said for a while; that which
 * tells the roster at once.
 */
export async function untilWith(
  pages: readonly Page[],
  timers: readonly string[],
  what: string,
  check: () => boolean,
): Promise<void> {
  const quick = timers.filter((timer) => timer === 'roster-announce');
  let said = -1;
  let since_ms = performance.now();
  const fireAndCheck = (): boolean => {
    const now_ms = performance.now();
    const count = pages.reduce((sum, { world }) => sum + world.sent, 0);
    if (count !== said) since_ms = now_ms;
    said = count;
    const isQuiet = now_ms - since_ms >= QUIET_MS;
    if (isQuiet) since_ms = now_ms;
    for (const page of pages) page.fireAll(isQuiet ? timers : quick);
    return check();
  };
  await until(what, fireAndCheck, () => pages.map(describe).join('\n'));
}

/** The timer that tells the roster; the ones that judge differences; all that look after what was lost. */
export const ANNOUNCE = ['roster-announce'];
export const JUDGE = ['roster-announce', 'roster-verdict', 'roster-grace'];
export const LOOK_AFTER = ['roster-announce', 'roster-beat', 'link:'];

/** Until all of them see each other, agree on who is there, and have one code. */
export async function settle(pages: readonly Page[]): Promise<void> {
  await untilWith(pages, ANNOUNCE, 'all agree', () => pages.every((page) => isAtOneWith(page, pages)));
}

/** `pages` in one room, joined in this order, settled. */
export async function gather(relay: MemoryRelay, names: readonly string[], options?: PageOptions): Promise<Page[]> {
  const pages = names.map((name) => new Page(relay, name, options));
  for (const page of pages) await page.join();
  await settle(pages);
  return pages;
}

let renamed = 0;

/** They still agree, and what each says now is heard by all the others: after this, everything that came before was looked at. */
export async function assertUnharmed(pages: readonly Page[]): Promise<void> {
  const names = new Map(pages.map((page) => [page, `${page.name} ${++renamed}`]));
  for (const [page, name] of names) page.rename(name);
  const hasHeard = (page: Page): boolean =>
    pages.every((other) => other === page || page.peer(other.id)?.name === names.get(other));
  await untilWith(pages, ANNOUNCE, 'all hear each other', () => pages.every(hasHeard));
  await settle(pages);
}

function isAtOneWith({ view, id, code }: Page, pages: readonly Page[]): boolean {
  const { participants, encryption } = view;
  const others = pages.filter((page) => page.id !== id);
  const isSeen = (peerId: PeerId): boolean =>
    participants.some((peer) => {
      const isSealed = peer.encryption === 'encrypted' || peer.encryption === 'verified';
      return peer.peerId === peerId && isSealed && peer.link === 'connected';
    });
  return (
    others.every((other) => isSeen(other.id)) &&
    participants.length === others.length &&
    encryption.isKeyAgreed &&
    encryption.roster === 'consistent' &&
    (others.length === 0 || (code !== undefined && pages.every((page) => page.code === code)))
  );
}

function describe(page: Page): string {
  const { phase, participants, encryption } = page.view;
  const peers = participants.map(({ name, encryption: state, link }) => `${name} ${state} ${link}`).join(', ');
  const { roster, mismatches } = encryption;
  return `${page.name}: ${phase}, ${roster} ${JSON.stringify(mismatches)}, code ${page.code ?? 'none'}; sees ${peers || 'nobody'}`;
}
