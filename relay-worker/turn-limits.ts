/**
 * How often TURN credentials are issued (PROTOCOL.md LM18–LM20). The memory is that of one instance of the Worker, of which the
 * platform runs several, and forgets each when it likes: this bounds what one place gives out. No clock in here.
 */
import { TokenBucket } from '../src/engine/protocol/token-bucket.ts';
import { bucketOf } from './limits.ts';

/** To the peers of one room together: the largest room can come back at once, as LM8 lets it. */
export const TURN_ROOM_PER_S = 2;
export const TURN_ROOM_BURST = 64;
/** To all rooms and wallets that one instance of the Worker serves. */
export const TURN_ALL_PER_S = 50;
export const TURN_ALL_BURST = 500;
/** For these anybody may ask, without a signature: not at the cost of what is issued. */
export const TURN_CHALLENGES_PER_S = 50;
export const TURN_CHALLENGES_BURST = 500;
/** To one wallet: so many at once, and one more each so many milliseconds. */
export const TURN_WALLET_BURST = 8;
export const TURN_WALLET_EVERY_MS = 15_000;
/** A signature takes milliseconds to check, and anybody can send one. */
export const TURN_CHECKS_PER_S = 20;
export const TURN_CHECKS_BURST = 100;
/** Of rooms, and of wallets. The one that was asked for least recently is forgotten; `TURN_ALL_PER_S` bounds what that is good for. */
const BUCKETS_MAX = 4096;

/** A bucket for each name. */
class Buckets {
  readonly #make: () => TokenBucket;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(make: () => TokenBucket) {
    this.#make = make;
  }

  take(name: string, nowMs: number): boolean {
    const bucket = this.#buckets.get(name) ?? this.#make();
    // a map remembers the order in which it was filled
    this.#buckets.delete(name);
    this.#buckets.set(name, bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > BUCKETS_MAX && oldest !== undefined) this.#buckets.delete(oldest);
    return bucket.take(1, nowMs);
  }
}

export class TurnLimits {
  readonly #all = bucketOf(TURN_ALL_PER_S, TURN_ALL_BURST);
  readonly #challenges = bucketOf(TURN_CHALLENGES_PER_S, TURN_CHALLENGES_BURST);
  readonly #checks = bucketOf(TURN_CHECKS_PER_S, TURN_CHECKS_BURST);
  readonly #rooms = new Buckets(() => bucketOf(TURN_ROOM_PER_S, TURN_ROOM_BURST));
  readonly #wallets = new Buckets(() => new TokenBucket({ burst: TURN_WALLET_BURST, everyMs: TURN_WALLET_EVERY_MS }));

  /** `room`: any name that only this room has. */
  takeForRoom(room: string, nowMs: number): boolean {
    return this.#rooms.take(room, nowMs) && this.#all.take(1, nowMs);
  }

  takeForWallet(address: string, nowMs: number): boolean {
    return this.#wallets.take(address, nowMs) && this.#all.take(1, nowMs);
  }

  takeCheck(nowMs: number): boolean {
    return this.#checks.take(1, nowMs);
  }

  takeChallenge(nowMs: number): boolean {
    return this.#challenges.take(1, nowMs);
  }
}
