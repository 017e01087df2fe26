/**
 * How the members of a roster come to one room code (PROTOCOL.md RC1–RC3): everybody commits to a random nonce, and reveals it
 * only when it holds the commitments of all. Then whoever sits between two members has had to fix its own nonces before
 * it could know theirs, and the two codes are equal with a chance of 2⁻³⁶ for the emoji alone, whatever it computes. One
 * that does not like what it sees can fall silent or force another roster: each such try is seen, and has the same chance.
 *
 * No I/O, no clock: what to send is handed back, and the caller's timer calls `ask` while a code is outstanding.
 */
import { commitment, roomCode } from '../crypto/room-code.ts';
import type { RoomCode } from '../crypto/room-code.ts';
import { fromBase64Url, toBase64Url } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import type { CodeMessage } from '../protocol/code-message.ts';
import type { PeerId } from '../protocol/ids.ts';

export type Outgoing = { readonly to: PeerId; readonly message: CodeMessage };

export type CodeFault =
  /** It speaks about a roster that it is not in. */
  | 'not-a-member'
  /** It has committed to something else before, for the same roster. */
  | 'changed-commitment'
  /** What it reveals is not what it has committed to. */
  | 'wrong-reveal';

export type Received = {
  readonly out: readonly Outgoing[];
  /** The message was refused, and has changed nothing. */
  readonly fault?: { readonly peerId: PeerId; readonly reason: CodeFault };
};

/** A roster that comes back within so many others has its code again. */
export const ROUNDS_MAX = 64;
/** More peers than any room has. */
export const EARLY_MAX = 128;

/** What is known of one roster. Nothing in it is ever taken back or changed, only added. */
type Round = {
  readonly hash: Bytes;
  /** The hash, base64url. */
  readonly roster: string;
  /** All members but ourselves. */
  readonly others: ReadonlySet<PeerId>;
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
  /** By roster, the one that was present last at the end. */
  readonly #rounds = new Map<string, Round>();
  /** The last commitment of each peer to a roster that we do not know: it may be ahead of us. */
  readonly #early = new Map<PeerId, Commit>();
  #present: Round | undefined;

  /** `random` gives `CODE_NONCE_BYTES` secret random bytes, new ones at every call. */
  constructor(self: PeerId, random: () => Bytes) {
    this.#self = self;
    this.#random = random;
  }

  /** Of the present roster; `undefined` until everybody's nonce is in, and for somebody who is alone. */
  get code(): RoomCode | undefined {
    return this.#present?.code;
  }

  /** `hash`: of this roster (32 bytes). `members`: all of them, with or without ourselves. The present roster again: nothing. */
  setRoster(hash: Bytes, members: readonly PeerId[]): readonly Outgoing[] {
    const roster = toBase64Url(hash);
    if (roster === this.#present?.roster) return [];
    const known = this.#rounds.get(roster);
    const round = known ?? this.#begin(hash, roster, members);
    this.#present = round;
    // to the end, so that the one that was present longest ago is the first
    this.#rounds.delete(roster);
    this.#rounds.set(roster, round);
    dropFirst(this.#rounds, ROUNDS_MAX);
    // What was lost while this roster was not ours is told again to who asks.
    const told = known ? this.#askMissing(round) : [...round.others].map((to) => this.#commit(round, to, false));
    return [...told, ...this.#proceed(round)];
  }

  receive(from: PeerId, message: CodeMessage): Received {
    const round = this.#rounds.get(message.roster);
    if (!round) {
      if (message.type === 'code-commit') this.#keepEarly(from, message);
      return { out: [] };
    }
    if (!round.others.has(from)) return refused(from, 'not-a-member');
    return message.type === 'code-commit'
      ? this.#takeCommit(round, from, message)
      : this.#takeReveal(round, from, message);
  }

  /** Asks everybody whose part of the present code is missing: for a timer of the caller's, as messages get lost. */
  ask(): readonly Outgoing[] {
    return this.#present ? this.#askMissing(this.#present) : [];
  }

  #begin(hash: Bytes, roster: string, members: readonly PeerId[]): Round {
    const others = new Set(members);
    others.delete(this.#self);
    const commitments = new Map<PeerId, string>();
    for (const [from, early] of this.#early) {
      if (early.roster !== roster) continue;
      this.#early.delete(from);
      if (others.has(from)) commitments.set(from, early.commitment);
    }
    return {
      hash,
      roster,
      others,
      nonce: this.#random(),
      commitments,
      reveals: new Map(),
      hasRevealed: false,
      code: undefined,
    };
  }

  #keepEarly(from: PeerId, message: Commit): void {
    this.#early.delete(from);
    this.#early.set(from, message);
    dropFirst(this.#early, EARLY_MAX);
  }

  #takeCommit(round: Round, from: PeerId, { commitment, isAsking }: Commit): Received {
    const held = round.commitments.get(from) ?? commitment;
    if (held !== commitment) return refused(from, 'changed-commitment');
    round.commitments.set(from, commitment);
    const isAnswerDue = isAsking && round === this.#present;
    const answer = isAnswerDue ? [this.#commit(round, from, false)] : [];
    if (isAnswerDue && round.hasRevealed) answer.push(this.#reveal(round, from));
    return { out: [...answer, ...this.#proceed(round)] };
  }

  #takeReveal(round: Round, from: PeerId, message: Reveal): Received {
    // parsed: always base64url
    const nonce = fromBase64Url(message.nonce) as Bytes;
    const said = toBase64Url(commitment(round.hash, from, nonce));
    // One that has overtaken its commitment is a commitment too: ours is not revealed before we hold it.
    const held = round.commitments.get(from) ?? said;
    if (held !== said) return refused(from, 'wrong-reveal');
    round.commitments.set(from, said);
    round.reveals.set(from, nonce);
    return { out: this.#proceed(round) };
  }

  /** Reveals as soon as everybody has committed to the present roster, and makes the code when everybody has revealed. */
  #proceed(round: Round): readonly Outgoing[] {
    const { others, commitments, reveals } = round;
    if (round !== this.#present || others.size === 0 || commitments.size < others.size) return [];
    if (reveals.size === others.size) {
      round.code ??= roomCode(round.hash, new Map([...reveals, [this.#self, round.nonce]]));
    }
    if (round.hasRevealed) return [];
    round.hasRevealed = true;
    return [...others].map((to) => this.#reveal(round, to));
  }

  #askMissing(round: Round): readonly Outgoing[] {
    const missing = [...round.others].filter((peerId) => !round.reveals.has(peerId));
    return missing.map((to) => this.#commit(round, to, true));
  }

  #commit({ hash, roster, nonce }: Round, to: PeerId, isAsking: boolean): Outgoing {
    const own = toBase64Url(commitment(hash, this.#self, nonce));
    return { to, message: { type: 'code-commit', roster, commitment: own, isAsking } };
  }

  #reveal({ roster, nonce }: Round, to: PeerId): Outgoing {
    return { to, message: { type: 'code-reveal', roster, nonce: toBase64Url(nonce) } };
  }
}

function refused(peerId: PeerId, reason: CodeFault): Received {
  return { out: [], fault: { peerId, reason } };
}

/** Drops what was put in first, until there are `max` at most. */
function dropFirst<Key>(map: Map<Key, unknown>, max: number): void {
  for (const key of [...map.keys()].slice(0, -max)) map.delete(key);
}
