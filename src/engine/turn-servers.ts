/**
 * The ICE servers of a join: those that the relay lists, and TURN servers that it issues credentials for (PROTOCOL.md TU1, TU5, TU10).
 * Credentials are asked for once we are admitted, or on the way in where that is sure to be right, again before they are over, and forgotten with the join. Where there are none, calls go on without: it is told only where somebody cannot be reached, which is what they would have been for.
 */
import type { CallsPort, Ports, RelayAccess } from './ports.ts';
import type { IceServer, TurnOffer, Welcome } from './protocol/relay.ts';
import type { IssuedServers } from './protocol/turn.ts';
import type { Moment } from './room/events.ts';
import type { TurnWallet } from './session-types.ts';
import type * as TurnIssue from './turn-issue.ts';
import type { TurnAnswer } from './turn-issue.ts';

/**
 * How long links wait for credentials: with them from the start, nobody has to begin anew because of them. A line with a round trip of
 * 200 ms and some loss takes more than a second to bring them; who begins without waits for the room's next look, at 5 s.
 */
export const HOLD_MS = 3_000;
/** Of their life. */
const RENEW_AT = 0.8;
const RENEW_MAX_MS = 86_400_000;
const RETRY_FIRST_MS = 30_000;
const RETRY_MAX_MS = 600_000;

/** What will not be another answer as long as this join lasts. */
const FINAL = ['method-not-found', 'wallet-required', 'wallet-refused', 'stake-too-low', 'refused'];

export type TurnServersOptions = {
  /** The page's own, in place of all that the relay says. */
  readonly own: readonly IceServer[] | undefined;
  readonly wallet: TurnWallet | undefined;
  readonly relay: URL;
  readonly ports: Pick<Ports, 'openCalls' | 'pageOrigin'>;
  /** Milliseconds of a clock that nobody sets. */
  steadyNow(): number;
  /** For links from now on, and for those that stand, when they look for ways again. */
  onServers(servers: readonly IceServer[]): void;
  /** More are known than what `welcome` has said: whoever shows them should look again. */
  onChanged(): void;
  onMoment(moment: Moment): void;
  onDropped(reason: string): void;
  startTimer(delay_ms: number): void;
  stopTimer(): void;
  /** In place of the browser's timer. */
  readonly wait?: (delay_ms: number, signal: AbortSignal) => Promise<void>;
};

type Issued = { readonly servers: readonly IceServer[]; readonly until_ms: number };

export class TurnServers {
  readonly #options: TurnServersOptions;
  #calls: Promise<CallsPort> | undefined;
  #access: RelayAccess | undefined;
  #listed: readonly IceServer[] = [];
  #offer: TurnOffer | undefined;
  #issued: Issued | undefined;
  #join = new AbortController();
  /** It has said so in a join before this one. */
  #isIssuer = false;
  #isAsking = false;
  /** What was asked before the relay had said whether it issues any. */
  #early: Promise<void> | undefined;
  #isRefused = false;
  #failures = 0;
  #isTold = false;

  constructor(options: TurnServersOptions) {
    this.#options = options;
  }

  /**
   * The way in has begun. Whether the relay issues any, it says only when we are in; by then a line that is far away has brought the answer. Asked
   * is only where that cannot be in vain, or cannot be forbidden: a page of another origin may let us reach the relay's socket and nothing else, and
   * would have a violation of its policy in the console of every visitor. A wallet is not troubled for nothing.
   */
  foresee(access: RelayAccess): void {
    const { own, wallet, relay, ports } = this.#options;
    const isLikely = this.#isIssuer || URL.parse(ports.pageOrigin())?.host === relay.host;
    if (!isLikely || own || wallet || this.#isFresh || this.#isRefused) return;
    this.#access = access;
    this.#early = this.#ask(true);
  }

  /** The relay's word at each coming in. Resolves when links may open; `undefined`: at once. */
  welcomed(welcome: Pick<Welcome, 'ice_servers' | 'turn'>, access: RelayAccess): Promise<void> | undefined {
    if (this.#options.own) return undefined;
    const offer = welcome.turn;
    this.#access = access;
    this.#listed = welcome.ice_servers;
    this.#offer = offer;
    this.#isIssuer = offer === 'token';
    this.#tell();
    if (!offer || this.#isFresh || this.#isRefused) return undefined;
    const early = this.#early?.then(() => (this.#isFresh ? undefined : this.#ask()));
    this.#early = undefined;
    const asked = early ?? this.#ask();
    // A wallet asks somebody who may be making coffee.
    return offer === 'wallet' ? undefined : this.#first(asked);
  }

  /** The timer has come. */
  renew(): void {
    void this.#ask();
  }

  /** What was issued is of this join: the next one gets a name that nothing connects with it. */
  leave(): void {
    this.#join.abort();
    this.#join = new AbortController();
    this.#options.stopTimer();
    if (this.#issued) {
      this.#issued = undefined;
      this.#tell();
    }
    this.#offer = undefined;
    this.#early = undefined;
    this.#isAsking = false;
    this.#isRefused = false;
    this.#isTold = false;
    this.#failures = 0;
  }

  /** Once in a join: somebody cannot be reached, and a TURN server might have helped. */
  troubleOf(moment: Moment): Moment | undefined {
    const isNeeded = moment.type === 'error' && moment.code === 'peer-unreachable';
    if (!isNeeded || !this.#offer || this.#isFresh || this.#isTold) return undefined;
    this.#isTold = true;
    return { type: 'error', code: 'turn-unavailable', isRecoverable: true };
  }

  get #isFresh(): boolean {
    return this.#issued !== undefined && this.#issued.until_ms > this.#options.steadyNow();
  }

  async #first(asked: Promise<void>): Promise<void> {
    const { wait = delay } = this.#options;
    const done = new AbortController();
    await Promise.race([asked, wait(HOLD_MS, done.signal)]);
    done.abort();
  }

  /** `isEarly`: that there are none is no news then. */
  async #ask(isEarly = false): Promise<void> {
    const { signal } = this.#join;
    if (this.#isAsking || this.#isRefused) return;
    this.#isAsking = true;
    const answer = await this.#issue(signal, isEarly).catch(() => undefined);
    // of a join that was left meanwhile
    if (signal.aborted) return;
    this.#isAsking = false;
    if (answer?.ok) this.#take(answer.issued);
    else if (!isEarly) this.#failed(answer?.reason ?? 'unavailable');
  }

  #take({ ice_servers, ttl_s }: IssuedServers): void {
    const life_ms = ttl_s * 1000;
    this.#failures = 0;
    this.#issued = { servers: ice_servers, until_ms: this.#options.steadyNow() + life_ms };
    this.#options.startTimer(Math.min(life_ms * RENEW_AT, RENEW_MAX_MS));
    this.#tell();
    this.#options.onChanged();
  }

  #failed(reason: string): void {
    this.#options.onDropped(`turn-${reason}`);
    this.#isRefused = FINAL.includes(reason);
    if (reason === 'wallet-refused') {
      this.#options.onMoment({ type: 'error', code: 'wallet-refused', isRecoverable: true });
    }
    if (this.#isRefused) return;
    this.#options.startTimer(Math.min(RETRY_FIRST_MS * 2 ** this.#failures++, RETRY_MAX_MS));
  }

  #tell(): void {
    this.#options.onServers([...this.#listed, ...(this.#issued?.servers ?? [])]);
  }

  /** Few relays issue any: the code for it comes when one does. */
  #code(): Promise<readonly [typeof TurnIssue, CallsPort]> {
    this.#calls ??= this.#options.ports.openCalls({
      relay: this.#options.relay.href,
      // asked for only once there is a way in
      token: async (nowS) => (await this.#access?.token(nowS)) ?? '',
      jwt: async () => await this.#access?.jwt(),
      now: () => this.#access?.now() ?? Date.now(),
    });
    return Promise.all([import('./turn-issue.ts'), this.#calls]);
  }

  async #issue(signal: AbortSignal, isEarly: boolean): Promise<TurnAnswer> {
    const { ports, relay, wallet } = this.#options;
    if (this.#offer === 'wallet' && !wallet) return { ok: false, reason: 'wallet-required' };
    const [{ issueForToken, issueForWallet }, calls] = await this.#code();
    if (this.#offer !== 'wallet' || !wallet) return issueForToken(calls, signal, isEarly);
    return issueForWallet(wallet, { calls, relayHost: relay.host, pageOrigin: ports.pageOrigin() }, signal);
  }
}

function delay(delay_ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, delay_ms);
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  });
}
