/**
 * Messages that must arrive, once each and in order (PROTOCOL.md PM13, PM14): numbered, kept until the peer itself says that it has taken
 * them, and said again until then. Neither the relay's word nor an open connection counts for that. One join's; no clock, no socket: it
 * says what is due when it is asked.
 *
 * What is kept is bounded on both sides, and so is how often anything is said again, over all peers together: never near what the relay
 * lets a socket say (LM2).
 */
import type { Delivery } from './protocol/delivery.ts';
import type { PeerId } from './protocol/ids.ts';
import { TokenBucket } from './protocol/token-bucket.ts';

/** Of one peer: so many are on their way at once, and so many wait behind others that have not come. */
export const IN_FLIGHT_MAX = 16;
/** Of one peer, those included that are not on their way yet. */
export const UNACKNOWLEDGED_MAX = 64;
export const UNACKNOWLEDGED_MAX_CHARS = 256 * 1024;
/** Without an acknowledgement a message is said again after this, then after twice as long … */
export const REPEAT_MS = 2_000;
/** … up to this. */
export const REPEAT_MAX_MS = 30_000;
export const REPEATS_PER_S = 5;
export const REPEATS_BURST = 10;
/** Acknowledgements that nothing else carries, counted by themselves. */
export const ACKS_PER_S = 5;
export const ACKS_BURST = 10;
/** Of as many peers is remembered what came last; more than can have keys with us. */
const PEERS_MAX = 256;

export type Due<M> = { readonly to: PeerId; readonly id: number; readonly message: M };

type Unacknowledged<M> = {
  readonly id: number;
  readonly message: M;
  readonly chars: number;
  /** `undefined`: not yet, or it is to be said again at once. */
  saidMs: number | undefined;
  times: number;
};

type Held<M> = { readonly after: number; readonly message: M };

type Heard<M> = {
  /** Highest `id` that was taken. */
  last: number;
  /** Came before what they follow. */
  readonly held: Map<number, Held<M>>;
  isAckOwed: boolean;
};

export class Deliveries<M> {
  readonly #now: () => number;
  readonly #sizeOf: (message: M) => number;
  readonly #out = new Map<PeerId, Unacknowledged<M>[]>();
  readonly #heard = new Map<PeerId, Heard<M>>();
  readonly #repeats = new TokenBucket({ burst: REPEATS_BURST, refill: REPEATS_PER_S, everyMs: 1_000 });
  readonly #acks = new TokenBucket({ burst: ACKS_BURST, refill: ACKS_PER_S, everyMs: 1_000 });
  #lastId = 0;

  /** `now`: milliseconds of a clock that nobody sets. `sizeOf`: in characters, for the bound on what is kept. */
  constructor(now: () => number, sizeOf: (message: M) => number) {
    this.#now = now;
    this.#sizeOf = sizeOf;
  }

  /** So many messages to this peer are not acknowledged. */
  unacknowledged(to: PeerId): number {
    return this.#out.get(to)?.length ?? 0;
  }

  /** Takes a message; `isDue`: it is to be said now, else later. `undefined` where too much is kept for this peer already. */
  add(to: PeerId, message: M): { readonly id: number; readonly isDue: boolean } | undefined {
    const waiting = this.#out.get(to) ?? [];
    const size = this.#sizeOf(message);
    const chars = waiting.reduce((sum, each) => sum + each.chars, size);
    if (waiting.length >= UNACKNOWLEDGED_MAX || chars > UNACKNOWLEDGED_MAX_CHARS) return undefined;
    const id = ++this.#lastId;
    const isDue = waiting.length < IN_FLIGHT_MAX;
    waiting.push({ id, message, chars: size, saidMs: isDue ? this.#now() : undefined, times: isDue ? 1 : 0 });
    this.#out.set(to, waiting);
    return { id, isDue };
  }

  /** What is to be said (again) now, the oldest first; it counts as said. `canHear`: whether anything can be said to this peer. */
  due(canHear: (to: PeerId) => boolean): readonly Due<M>[] {
    const now_ms = this.#now();
    const late = [...this.#out].flatMap(([to, waiting]) =>
      canHear(to)
        ? waiting.slice(0, IN_FLIGHT_MAX).flatMap((each) => (isLate(each, now_ms) ? [{ to, each }] : []))
        : [],
    );
    const due: Due<M>[] = [];
    for (const { to, each } of late.sort((a, b) => a.each.id - b.each.id)) {
      if (!this.#repeats.take(1, now_ms)) break;
      each.saidMs = now_ms;
      each.times += 1;
      due.push({ to, id: each.id, message: each.message });
    }
    return due;
  }

  /** Something may have been lost: all that is not acknowledged is due. */
  hasten(): void {
    for (const waiting of this.#out.values()) {
      for (const each of waiting) {
        each.saidMs = undefined;
        each.times = 0;
      }
    }
  }

  /** What goes with the next message to this peer; `undefined` where the message with this `id` has been acknowledged meanwhile. */
  fieldsFor(to: PeerId, id?: number): Delivery | undefined {
    const heard = this.#heard.get(to);
    const ack = heard?.isAckOwed ? { ack: heard.last } : {};
    if (id === undefined) return ack;
    const waiting = this.#out.get(to) ?? [];
    const at = waiting.findIndex((each) => each.id === id);
    return at < 0 ? undefined : { id, after: waiting[at - 1]?.id ?? 0, ...ack };
  }

  /** This is on its way: what it acknowledges needs no message of its own. */
  carried(to: PeerId, { ack }: Delivery): void {
    const heard = this.#heard.get(to);
    if (heard && ack === heard.last) heard.isAckOwed = false;
  }

  /** Who is to be told by a message of its own how far it was heard. Those that it is too early for are so later. */
  owed(): readonly PeerId[] {
    const now_ms = this.#now();
    return [...this.#heard].flatMap(([peerId, { isAckOwed }]) =>
      isAckOwed && this.#acks.take(1, now_ms) ? [peerId] : [],
    );
  }

  /** What is to be taken now that this has come, in order: nothing where it came before, or too early. */
  receive(from: PeerId, { id, after = 0, ack }: Delivery, message: M): readonly M[] {
    if (ack !== undefined) this.#acknowledged(from, ack);
    if (id === undefined) return [message];
    const heard = this.#heardOf(from);
    if (id <= heard.last) {
      // our acknowledgement was lost
      heard.isAckOwed = true;
      return [];
    }
    if (after > heard.last) {
      if (heard.held.size < IN_FLIGHT_MAX || heard.held.has(id)) heard.held.set(id, { after, message });
      return [];
    }
    heard.isAckOwed = true;
    const taken = [message];
    heard.last = id;
    for (let next = takeNext(heard); next; next = takeNext(heard)) taken.push(next.message);
    return taken;
  }

  /** To the others nothing is said again, and what of theirs has come too early is forgotten. */
  keepOnly(peers: ReadonlySet<PeerId>): void {
    for (const to of this.#out.keys()) if (!peers.has(to)) this.#out.delete(to);
    for (const [from, heard] of this.#heard) if (!peers.has(from)) heard.held.clear();
  }

  #acknowledged(from: PeerId, ack: number): void {
    const waiting = this.#out.get(from)?.filter(({ id }) => id > ack);
    if (waiting) this.#out.set(from, waiting);
  }

  #heardOf(from: PeerId): Heard<M> {
    const known = this.#heard.get(from);
    if (known) return known;
    const heard: Heard<M> = { last: 0, held: new Map(), isAckOwed: false };
    this.#heard.set(from, heard);
    for (const oldest of this.#heard.keys()) if (this.#heard.size > PEERS_MAX) this.#heard.delete(oldest);
    return heard;
  }
}

function isLate({ saidMs, times }: Unacknowledged<unknown>, now_ms: number): boolean {
  if (saidMs === undefined) return true;
  return now_ms - saidMs >= Math.min(REPEAT_MS * 2 ** (times - 1), REPEAT_MAX_MS);
}

/** The next one that follows nothing but what was taken. */
function takeNext<M>(heard: Heard<M>): Held<M> | undefined {
  for (const [id, held] of [...heard.held].sort(([a], [b]) => a - b)) {
    if (id > heard.last && held.after > heard.last) return undefined;
    heard.held.delete(id);
    if (id <= heard.last) continue;
    heard.last = id;
    return held;
  }
  return undefined;
}
