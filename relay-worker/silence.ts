/**
 * Half-open sockets (PROTOCOL.md LM9, LM12): without this one would keep its place, and be seen by the others, for as long as the room
 * lives. Who is silent is asked first, for a hidden page may ping once a minute only. No timer: it is looked for when something happens.
 */
import { PROBE_WAIT_MS, SILENCE_LOOK_EVERY_MS, SILENCE_MAX_MS, SILENCE_PROBE_MS } from './limits.ts';
import type { Member } from './members.ts';

export type SilenceOptions<S> = {
  /** Of everybody with a socket here, those outside too. */
  everybody(): readonly Member<S>[];
  /** When the platform last answered a ping of this socket for us (RL7). */
  answeredAtMs(socket: S): number | undefined;
  probe(member: Member<S>): void;
  onLost(member: Member<S>, nowMs: number): void;
};

export class Silence<S> {
  readonly #options: SilenceOptions<S>;
  #lookedMs = 0;

  constructor(options: SilenceOptions<S>) {
    this.#options = options;
  }

  lookNowAndThen(nowMs: number): void {
    if (Math.abs(nowMs - this.#lookedMs) >= SILENCE_LOOK_EVERY_MS) this.look(nowMs);
  }

  look(nowMs: number): void {
    const { everybody, answeredAtMs, probe, onLost } = this.#options;
    this.#lookedMs = nowMs;
    for (const member of everybody()) {
      const lastMs = Math.max(member.heardMs, answeredAtMs(member.socket) ?? 0);
      const silentMs = nowMs - lastMs;
      const isAsked = member.probedMs > lastMs;
      if (silentMs > SILENCE_MAX_MS || (isAsked && nowMs - member.probedMs >= PROBE_WAIT_MS)) onLost(member, nowMs);
      else if (silentMs > SILENCE_PROBE_MS && !isAsked) {
        member.probedMs = nowMs;
        probe(member);
      }
    }
  }
}
