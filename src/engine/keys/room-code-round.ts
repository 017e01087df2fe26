/**
 * How the members of a roster come to one room code (PROTOCOL.md RC1–RC3): everybody commits to a random nonce, and reveals it
 * only when it holds the commitments of all. Then whoever sits between two members has had to fix its own nonces before
 * it could know theirs, and the two codes are equal with a chance of 2⁻³⁶ for the emoji alone, whatever it computes.
 *
 * It learns a code before it reveals, though, and one that does not like what it sees can fall silent and have another
 * round begun. So a round is one try, and the tries are few: a nonce serves one round, a round that was left never comes
 * back, and we begin six rounds at once and one more each 5 s, our own and those of others alike. Within t seconds of a
 * join an attacker succeeds against us with a chance of at most 2⁻³⁶ · (6 + t / 5 s), and as much again by the rounds of the
 * other one that it has to match: 2⁻²⁵ in an hour. Rounds that ended when only its nonce was missing are counted.
 *
 * Rounds have numbers, which only grow. A new round of ours takes the next number; who hears of a higher one for the roster
 * that it has itself follows, so that all meet at the highest.
 *
 * No I/O, no clock: what to send is handed back, and the caller's timer calls `ask` while a code is outstanding.
 */
import { commitment, roomCode } from '../crypto/room-code.ts';
import type { RoomCode } from '../crypto/room-code.ts';
import { fromBase64Url, toBase64Url } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { ROUND_MAX } from '../protocol/code-message.ts';
import type { CodeMessage } from '../protocol/code-message.ts';
import type { PeerId } from '../protocol/ids.ts';
import { TokenBucket } from '../protocol/token-bucket.ts';

export type Outgoing = { readonly to: PeerId; readonly message: CodeMessage };

export type CodeFault =
  /** It speaks about a roster that it is not in. */
  | 'not-a-member'
  /** It has committed to something else before, for the same round. */
  | 'changed-commitment'
  /** What it reveals is not what it has committed to. */
  | 'wrong-reveal';

export type Received = {
  readonly out: readonly Outgoing[];
  /** The message was refused, and has changed nothing. */
  readonly fault?: { readonly peerId: PeerId; readonly reason: CodeFault };
};

/** Rounds that may begin at once, and how long each one more takes. */
export const ROUNDS_BURST = 6;
export const ROUND_EVERY_MS = 5_000;
/** More peers than any room has. */
export const EARLY_MAX = 128;

type Roster = {
  readonly hash: Bytes;
  /** The hash, base64url. */
  readonly id: string;
  /** All members but ourselves. */
  readonly others: ReadonlySet<PeerId>;
};

/** Nothing in it is ever taken back or changed, only added. */
type Round = {
  readonly roster: Roster;
  readonly number: number;
  readonly nonce: Bytes;
  /** Of the others, base64url. */
  readonly commitments: Map<PeerId, string>;
  /** Of the others; each has its commitment. */
  readonly reveals: Map<PeerId, Bytes>;
  hasRevealed: boolean;
  code: RoomCode | undefined;
};

type Commit = Extract<CodeMessage, { type: 'code-commit' }>;
type Reveal = Extract<CodeMessage, { type: 'code-reveal' }>;

export class RoomCodeRounds {
  readonly #self: PeerId;
  readonly #random: () => Bytes;
  readonly #allowance = new TokenBucket({ burst: ROUNDS_BURST, everyMs: ROUND_EVERY_MS });
  /** Of each peer the commitment with the highest number, where we have not come to that number: it is ahead of us. */
  readonly #early = new Map<PeerId, Commit>();
  /** How often each of the others has kept its nonce back. */
  #withheld: ReadonlyMap<PeerId, number> = new Map();
  #roster: Roster | undefined;
  /** Of the present roster; `undefined` until we may begin one. */
  #round: Round | undefined;
  /** Of our last round; 0 before the first. */
  #number = 0;
  #unfinished = 0;

  /** `random` gives `CODE_NONCE_BYTES` secret random bytes, new ones at every call. */
  constructor(self: PeerId, random: () => Bytes) {
    this.#self = self;
    this.#random = random;
  }

  /** Of the present roster; `undefined` until everybody's nonce is in, and for somebody who is alone. */
  get code(): RoomCode | undefined {
    return this.#round?.code;
  }

  /** How many rounds ended without a code after we had revealed: each may have been a try of somebody who knew the code. */
  get unfinished(): number {
    return this.#unfinished;
  }

  /** Those of the present roster whose nonces were missing most often in these rounds. */
  get withholding(): readonly PeerId[] {
    const most = Math.max(...this.#withheld.values());
    return [...this.#withheld].flatMap(([peerId, times]) => (times === most ? [peerId] : []));
  }

  /**
   * `hash`: of this roster (32 bytes). `members`: all of them, with or without ourselves. `nowMs`: of any clock, always the
   * same one. Another roster than before ends the round; the present roster again changes nothing.
   */
  setRoster(hash: Bytes, members: readonly PeerId[], nowMs: number): readonly Outgoing[] {
    const id = toBase64Url(hash);
    if (id !== this.#roster?.id) {
      const others = new Set(members);
      others.delete(this.#self);
      this.#end();
      this.#withheld = new Map([...this.#withheld].filter(([peerId]) => others.has(peerId)));
      this.#roster = { hash, id, others };
    }
    return this.#beginDue(nowMs);
  }

  receive(from: PeerId, message: CodeMessage, nowMs: number): Received {
    const isOurs = message.roster === this.#roster?.id;
    if (isOurs && !this.#roster?.others.has(from)) return refused(from, 'not-a-member');
    if (message.type === 'code-commit') this.#keepEarly(from, message);
    const begun = this.#beginDue(nowMs);
    const round = this.#round;
    // Where a round has begun, all are told of it, and the message is in it or about one that is over.
    if (begun.length > 0 || !isOurs || !round) return { out: begun };
    if (message.round === round.number) {
      return message.type === 'code-commit'
        ? this.#takeCommit(round, from, message)
        : this.#takeReveal(round, from, message);
    }
    // Who is behind us follows as soon as it knows; a nonce of another round is of no use to anybody.
    const isBehind = message.type === 'code-commit' && message.round < round.number;
    return { out: isBehind ? [this.#commit(round, from, false)] : [] };
  }

  /** Asks everybody whose part of the present code is missing: for a timer of the caller's, as messages get lost. */
  ask(nowMs: number): readonly Outgoing[] {
    const begun = this.#beginDue(nowMs);
    const round = this.#round;
    if (begun.length > 0 || !round) return begun;
    return missingIn(round).map((to) => this.#commit(round, to, true));
  }

  /** Begins the round that is wanted, if there is one and its time has come. */
  #beginDue(nowMs: number): readonly Outgoing[] {
    const roster = this.#roster;
    if (!roster) return [];
    const number = this.#wantedNumber(roster);
    if (number === undefined || !this.#allowance.take(1, nowMs)) return [];
    this.#end();
    const commitments = new Map<PeerId, string>();
    for (const [from, early] of this.#early) {
      if (early.round > number) continue;
      this.#early.delete(from);
      const isOfThis = early.round === number && early.roster === roster.id && roster.others.has(from);
      if (isOfThis) commitments.set(from, early.commitment);
    }
    const nonce = this.#random();
    const round: Round = {
      roster,
      number,
      nonce,
      commitments,
      reveals: new Map(),
      hasRevealed: false,
      code: undefined,
    };
    this.#number = number;
    this.#round = round;
    return [...[...roster.others].map((to) => this.#commit(round, to, false)), ...this.#proceed(round)];
  }

  /** Number of the round to begin: our own where the roster has none yet, or the highest of somebody who is ahead. */
  #wantedNumber({ id, others }: Roster): number | undefined {
    if (others.size === 0) return undefined;
    const ahead = [...this.#early].flatMap(([from, { roster, round }]) =>
      roster === id && others.has(from) ? [round] : [],
    );
    if (this.#round && ahead.length === 0) return undefined;
    const number = Math.max(this.#number + 1, ...ahead);
    return number <= ROUND_MAX ? number : undefined;
  }

  /** Throws the round away: no nonce is used again, and no message about it is heard any more. */
  #end(): void {
    const round = this.#round;
    this.#round = undefined;
    if (!round?.hasRevealed || round.code) return;
    this.#unfinished += 1;
    const withheld = new Map(this.#withheld);
    for (const peerId of missingIn(round)) withheld.set(peerId, (withheld.get(peerId) ?? 0) + 1);
    this.#withheld = withheld;
  }

  #keepEarly(from: PeerId, message: Commit): void {
    const held = this.#early.get(from);
    // An honest peer's numbers only grow, in whatever order its messages come.
    if (message.round <= this.#number || (held && message.round < held.round)) return;
    this.#early.delete(from);
    this.#early.set(from, message);
    for (const peerId of [...this.#early.keys()].slice(0, -EARLY_MAX)) this.#early.delete(peerId);
  }

  #takeCommit(round: Round, from: PeerId, { commitment, isAsking }: Commit): Received {
    const held = round.commitments.get(from) ?? commitment;
    if (held !== commitment) return refused(from, 'changed-commitment');
    round.commitments.set(from, commitment);
    const answer = isAsking ? [this.#commit(round, from, false)] : [];
    if (isAsking && round.hasRevealed) answer.push(this.#reveal(round, from));
    return { out: [...answer, ...this.#proceed(round)] };
  }

  #takeReveal(round: Round, from: PeerId, message: Reveal): Received {
    // parsed: always base64url
    const nonce = fromBase64Url(message.nonce) as Bytes;
    const said = toBase64Url(commitment(round.roster.hash, round.number, from, nonce));
    // One that has overtaken its commitment is a commitment too: ours is not revealed before we hold it.
    const held = round.commitments.get(from) ?? said;
    if (held !== said) return refused(from, 'wrong-reveal');
    round.commitments.set(from, said);
    round.reveals.set(from, nonce);
    return { out: this.#proceed(round) };
  }

  /** Reveals as soon as everybody has committed, and makes the code when everybody has revealed. */
  #proceed(round: Round): readonly Outgoing[] {
    const { roster, number, nonce, commitments, reveals } = round;
    const { hash, others } = roster;
    if (commitments.size < others.size) return [];
    if (reveals.size === others.size) round.code ??= roomCode(hash, number, new Map([...reveals, [this.#self, nonce]]));
    if (round.hasRevealed) return [];
    round.hasRevealed = true;
    return [...others].map((to) => this.#reveal(round, to));
  }

  #commit({ roster, number, nonce }: Round, to: PeerId, isAsking: boolean): Outgoing {
    const own = toBase64Url(commitment(roster.hash, number, this.#self, nonce));
    return { to, message: { type: 'code-commit', roster: roster.id, round: number, commitment: own, isAsking } };
  }

  #reveal({ roster, number, nonce }: Round, to: PeerId): Outgoing {
    return { to, message: { type: 'code-reveal', roster: roster.id, round: number, nonce: toBase64Url(nonce) } };
  }
}

function missingIn({ roster, reveals }: Round): readonly PeerId[] {
  return [...roster.others].filter((peerId) => !reveals.has(peerId));
}

function refused(peerId: PeerId, reason: CodeFault): Received {
  return { out: [], fault: { peerId, reason } };
}
