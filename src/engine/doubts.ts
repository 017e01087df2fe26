/**
 * How often the page hears that somebody’s keys are in doubt. Whoever holds the link, and the relay, can give cause for it as often
 * as they like; an alarm that never ends is one that nobody reads. The counters count every cause.
 */
import type { PeerId } from './protocol/ids.ts';
import { TokenBucket } from './protocol/token-bucket.ts';
import type { DoubtReason, RoomEvent } from './room/events.ts';

/** Of one peer, for one reason. */
export const DOUBT_EVERY_MS = 60_000;
/** Of all those together who have proved nothing: the relay can list any number of them. */
export const STRANGERS_BURST = 8;
export const STRANGER_EVERY_MS = 10_000;
/** Of peers and reasons is it known when they were told last; of the oldest it is forgotten. */
const TOLD_MAX = 512;

/** Of one join. `onEvent`, but that it hears of doubts no more often than the page shall. */
export function tellSeldom(
  onEvent: (event: RoomEvent) => void,
  isProved: (peerId: PeerId) => boolean,
  steadyNow: () => number,
): (event: RoomEvent) => void {
  const doubts = new Doubts();
  return (event) => {
    const isTold =
      event.type !== 'peer-doubted' || doubts.tell(event.peerId, event.reason, isProved(event.peerId), steadyNow());
    if (isTold) onEvent(event);
  };
}

export class Doubts {
  readonly #strangers = new TokenBucket({ burst: STRANGERS_BURST, everyMs: STRANGER_EVERY_MS });
  readonly #told = new Map<string, number>();

  /** Whether the page is told. `isProved`: the peer holds keys that we share. `nowMs`: by a clock that nobody sets. */
  tell(peerId: PeerId, reason: DoubtReason, isProved: boolean, nowMs: number): boolean {
    const key = `${peerId} ${reason}`;
    const last = this.#told.get(key);
    if (last !== undefined && nowMs - last < DOUBT_EVERY_MS) return false;
    if (!isProved && !this.#strangers.take(1, nowMs)) return false;
    this.#told.delete(key);
    this.#told.set(key, nowMs);
    for (const oldest of this.#told.keys()) if (this.#told.size > TOLD_MAX) this.#told.delete(oldest);
    return true;
  }
}
