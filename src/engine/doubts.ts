/**
 * How often the page hears that somebody’s keys are in doubt. Whoever holds the link, and the relay, can give cause for it as often
 * as they like; an alarm that never ends is one that nobody reads. The counters count every cause.
 */
import type { PeerId } from './protocol/ids.ts';
import { TokenBucket } from './protocol/token-bucket.ts';
import type { DoubtReason, RoomEvent } from './room/events.ts';

/** Of one peer, for one reason. */
export const DOUBT_EVERY_MS = 60_000;
/** Of all those together who have proved nothing: the relay can list many of them. */
export const STRANGERS_BURST = 8;
export const STRANGER_EVERY_MS = 10_000;
/** Of peers and reasons is it known when they were told last; of the oldest it is forgotten. */
const TOLD_MAX = 512;

export type TellSeldomOptions = {
  onEvent(event: RoomEvent): void;
  /** The room knows this peer: of another, people hear nothing, and it must not use up what others need. */
  isListed(peerId: PeerId): boolean;
  /** It holds keys that we share. */
  isProved(peerId: PeerId): boolean;
  /** Milliseconds of a clock that nobody sets. */
  steadyNow(): number;
};

/** Of one join. `onEvent`, but that it hears of doubts no more often than the page shall. */
export function tellSeldom({ onEvent, isListed, isProved, steadyNow }: TellSeldomOptions): (event: RoomEvent) => void {
  const doubts = new Doubts();
  return (event) => {
    if (event.type === 'peer-doubted') {
      const { peerId, reason, isSigned = false } = event;
      if (!isListed(peerId) || !doubts.tell(peerId, reason, isSigned || isProved(peerId), steadyNow())) return;
    }
    onEvent(event);
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
