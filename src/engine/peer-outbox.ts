/** What we have to say to one peer: in order, and held back until there is a session of keys with it. */
import type { PeerMessage } from './protocol/peer.ts';
import type { HandedBundle } from './protocol/relay.ts';

/** A peer without keys (an entry that the relay has made up) must not fill the memory. */
const HELD_MAX = 64;

export type PeerOutboxOptions<M> = {
  isSession(): boolean;
  /** The peer's pre-keys from the relay; `undefined` where it has none, or there is no relay. */
  fetch(): Promise<HandedBundle | undefined>;
  /** Makes the session; `false` where the peer's keys are refused. */
  begin(bundle: HandedBundle): Promise<boolean>;
  deliver(message: M): Promise<void>;
  onDropped(reason: string): void;
};

export class PeerOutbox<M = PeerMessage> {
  readonly #options: PeerOutboxOptions<M>;
  #held: M[] = [];
  #work: Promise<void> = Promise.resolve();
  /** The session is ours to begin. */
  #isMeeting = false;

  constructor(options: PeerOutboxOptions<M>) {
    this.#options = options;
  }

  send(message: M): void {
    if (this.#options.isSession()) {
      this.#release();
      this.#do(() => this.#options.deliver(message));
    } else if (this.#isMeeting && this.#held.length < HELD_MAX) this.#held.push(message);
    else this.#options.onDropped('no-session');
  }

  /** Begins the session, with the bundle that came with the welcome or with one that is asked for. */
  meet(bundle?: HandedBundle): void {
    this.#isMeeting = true;
    if (bundle) this.#begin(bundle);
    else if (!this.#options.isSession()) void this.#fetch();
  }

  /** As `meet`, with what there is now; what waits is of a connection that will be another. */
  meetAgain(): void {
    this.#held = [];
    this.meet();
  }

  /** The peer has begun it. */
  opened(): void {
    this.#release();
  }

  /** What is held back is not said any more. */
  giveUp(): void {
    this.#isMeeting = false;
    this.#held = [];
  }

  /** When everything that can be said is out: to a peer without a session, that is nothing. */
  idle(): Promise<void> {
    return this.#options.isSession() ? this.#work : Promise.resolve();
  }

  /** Not in the queue: a relay that never answers must not hold back what can be said. */
  async #fetch(): Promise<void> {
    const bundle = await this.#options.fetch().catch(() => this.#options.onDropped('signalling-failed'));
    if (bundle) this.#begin(bundle);
  }

  #begin(bundle: HandedBundle): void {
    this.#do(async () => {
      if (!this.#options.isSession() && (await this.#options.begin(bundle))) this.#release();
    });
  }

  #release(): void {
    const held = this.#held;
    this.#held = [];
    for (const message of held) this.#do(() => this.#options.deliver(message));
  }

  /** One piece of work that fails is counted, and must not stop those after it. */
  #do(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch(() => this.#options.onDropped('signalling-failed'));
  }
}
