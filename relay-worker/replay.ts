/**
 * What peers that have lost their socket find again (PROTOCOL.md RL21–RL24, LM13): the messages of the last seconds, in one ring for
 * the whole room, and a seat for each peer that is away, which keeps its count. In memory only, and no clock in here: what is too old
 * is noticed when something happens.
 */
import type { Bytes } from '../src/engine/protocol/bytes.ts';
import type { PeerId } from '../src/engine/protocol/ids.ts';
import { RING_AGE_MAX_MS, RING_BYTES_MAX, RING_MESSAGES_MAX, SEATS_MAX } from './limits.ts';
import { TextArena } from './text-arena.ts';
import type { KeptText } from './text-arena.ts';

/** How far a peer's count has come, and by which number and proof (AD8) it is known when it is back. */
export type Seat = { readonly joinNumber: number; readonly n: number; readonly proof: Bytes };

type AwaySeat = Seat & { readonly leftMs: number };

type Entry = { readonly to: PeerId; readonly n: number; readonly text: KeptText; readonly atMs: number };

export class Replay {
  /** The oldest first. */
  #entries: Entry[] = [];
  #bytes = 0;
  #texts = new TextArena();
  readonly #seats = new Map<PeerId, AwaySeat>();

  /** Of the texts that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of the buffers that they are kept in. */
  get memory(): number {
    return this.#texts.bytes;
  }

  /** Message number `n` for a peer, as it was or would have been sent. */
  keep(to: PeerId, n: number, text: string, nowMs: number): void {
    this.#entries.push({ to, n, text: this.#texts.keep(text), atMs: nowMs });
    this.#bytes += text.length;
    this.#expire(nowMs);
  }

  /** A peer's socket has ended, and it may be back. */
  leave(peerId: PeerId, { joinNumber, n, proof }: Seat, nowMs: number): void {
    this.#seats.delete(peerId);
    this.#seats.set(peerId, { joinNumber, n, proof, leftMs: nowMs });
    for (const oldest of this.#seats.keys()) if (this.#seats.size > SEATS_MAX) this.#seats.delete(oldest);
  }

  /** One more message for a peer that is away: its number, or `undefined` for one that has no seat (any more). */
  nextAway(peerId: PeerId, nowMs: number): number | undefined {
    const seat = this.#seatOf(peerId, nowMs);
    if (!seat) return undefined;
    const n = seat.n + 1;
    this.#seats.set(peerId, { ...seat, n });
    return n;
  }

  /** A peer comes in, by this number: its seat, which is given up by this. Who has none begins with 1, and nothing is kept for it. */
  take(peerId: PeerId, joinNumber: number, nowMs: number): Seat | undefined {
    const seat = this.#seatOf(peerId, nowMs);
    if (seat?.joinNumber === joinNumber) {
      this.#seats.delete(peerId);
      return seat;
    }
    this.forget(peerId);
    return undefined;
  }

  /** Of a peer that has a seat. */
  proofOf(peerId: PeerId, nowMs: number): Bytes | undefined {
    return this.#seatOf(peerId, nowMs)?.proof;
  }

  /** Who has left does not come back under this id; one that does must not find numbers of before among its own. */
  forget(peerId: PeerId): void {
    this.#seats.delete(peerId);
    const others = this.#entries.filter(({ to }) => to !== peerId);
    if (others.length === this.#entries.length) return;
    // closed up: taken from between others, its texts would be memory that nobody can use, and nothing would count it
    const [old, texts] = [this.#texts, new TextArena()];
    this.#entries = others.map((entry) => ({ ...entry, text: texts.keep(old.read(entry.text)) }));
    this.#bytes = this.#entries.reduce((sum, { text }) => sum + text.length, 0);
    this.#texts = texts;
  }

  /** The texts of messages `from + 1` to `upTo` for this peer, in order; `undefined` where one of them is gone, or never was. */
  missed(peerId: PeerId, from: number, upTo: number, nowMs: number): readonly string[] | undefined {
    if (from > upTo) return undefined;
    this.#expire(nowMs);
    const missed = this.#entries.filter(({ to, n }) => to === peerId && n > from && n <= upTo);
    // each number is given out once, so that as many as there should be are all of them
    return missed.length === upTo - from ? missed.map(({ text }) => this.#texts.read(text)) : undefined;
  }

  #seatOf(peerId: PeerId, nowMs: number): AwaySeat | undefined {
    const seat = this.#seats.get(peerId);
    return seat && nowMs - seat.leftMs <= RING_AGE_MAX_MS ? seat : undefined;
  }

  #expire(nowMs: number): void {
    for (let oldest = this.#entries[0]; oldest; oldest = this.#entries[0]) {
      const isTooMuch = this.#entries.length > RING_MESSAGES_MAX || this.#bytes > RING_BYTES_MAX;
      if (!isTooMuch && nowMs - oldest.atMs <= RING_AGE_MAX_MS) return;
      // what is a few hundred long is shifted as fast as a ring would turn, and holds on to nothing
      this.#entries.shift();
      this.#bytes -= oldest.text.length;
      this.#texts.release(oldest.text);
    }
  }
}
