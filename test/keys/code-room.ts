/** A room of peers that agree on codes over a network which the test decides about: what is lost, and what comes when. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { RoomCode } from '../../src/engine/crypto/room-code.ts';
import { RoomCodeRounds } from '../../src/engine/keys/room-code-round.ts';
import type { CodeFault, Outgoing } from '../../src/engine/keys/room-code-round.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import type { CodeMessage } from '../../src/engine/protocol/code-message.ts';
import { parseCodeMessage } from '../../src/engine/protocol/code-message.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { Random } from '../helpers/random.ts';

export type Letter = Outgoing & { readonly from: PeerId };
export type Fault = { readonly at: PeerId; readonly peerId: PeerId; readonly reason: CodeFault };

/** Stands for the hash of a roster whose members have one certificate each, unless `view` says that they are others. */
export function hashOf(members: readonly PeerId[], view = ''): Bytes {
  const hash = createHash('sha256').update(`${view} ${[...members].sort().join(' ')}`);
  return new Uint8Array(hash.digest());
}

export function spoken(code: RoomCode | undefined): string | undefined {
  return code && `${code.emoji.map(({ symbol }) => symbol).join('')} ${code.digits}`;
}

type Member = {
  readonly rounds: RoomCodeRounds;
  roster: readonly PeerId[];
  /** By roster and round: whose commitment or nonce has come in. */
  readonly heard: Map<string, Set<PeerId>>;
  /** By round: what was committed to, and for which roster. */
  readonly committed: Map<number, string>;
  highest: number;
};

export class CodeRoom {
  readonly #random: Random;
  readonly #members = new Map<PeerId, Member>();
  readonly inFlight: Letter[] = [];
  readonly faults: Fault[] = [];
  nowMs = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  join(peerId: PeerId): void {
    const rounds = new RoomCodeRounds(peerId, () => this.#random.bytes(32));
    this.#members.set(peerId, { rounds, roster: [], heard: new Map(), committed: new Map(), highest: 0 });
  }

  /** One peer sees this roster from now on. */
  see(peerId: PeerId, roster: readonly PeerId[], view?: string): void {
    const member = this.#member(peerId);
    member.roster = roster;
    this.#post(peerId, member.rounds.setRoster(hashOf(roster, view), roster, this.nowMs));
  }

  ask(peerId: PeerId): void {
    this.#post(peerId, this.#member(peerId).rounds.ask(this.nowMs));
  }

  /** Takes one letter out of the bag and hands it over. */
  deliver(at: number): void {
    const [letter] = this.inFlight.splice(at, 1);
    if (letter) this.hand(letter);
  }

  /** Hands a message over, also one that nobody of the room has sent. */
  hand({ from, to, message }: Letter): void {
    const member = this.#members.get(to);
    if (!member) return;
    const heard = member.heard.get(roundOf(message)) ?? new Set();
    member.heard.set(roundOf(message), heard.add(from));
    const { out, fault } = member.rounds.receive(from, message, this.nowMs);
    if (fault) this.faults.push({ at: to, ...fault });
    this.#post(to, out);
  }

  /** Everything that is on its way, in any order. */
  deliverAll(): void {
    while (this.inFlight.length > 0) this.deliver(this.#random.below(this.inFlight.length));
  }

  code(peerId: PeerId): string | undefined {
    return spoken(this.#member(peerId).rounds.code);
  }

  /** Number of the last round that this peer has begun; 0 before the first. */
  roundsOf(peerId: PeerId): { readonly highest: number; readonly begun: number; readonly unfinished: number } {
    const { highest, committed, rounds } = this.#member(peerId);
    return { highest, begun: committed.size, unfinished: rounds.unfinished };
  }

  #member(peerId: PeerId): Member {
    const member = this.#members.get(peerId);
    if (!member) throw new Error('nobody of this id is here');
    return member;
  }

  /** Checks what holds for every message that an honest peer sends: above all, no nonce before everybody's commitment. */
  #post(from: PeerId, out: readonly Outgoing[]): void {
    const member = this.#member(from);
    const { roster, heard, committed } = member;
    for (const { to, message } of out) {
      assert.deepEqual(parseCodeMessage(JSON.parse(JSON.stringify(message))), message);
      assert.notEqual(to, from);
      assert.ok(roster.includes(to), 'only members are told');
      assert.ok(message.round >= member.highest, 'numbers only grow: no round is gone back to');
      member.highest = message.round;
      if (message.type === 'code-reveal') {
        for (const other of roster) assert.ok(other === from || heard.get(roundOf(message))?.has(other), 'too early');
      } else {
        const own = `${message.roster} ${message.commitment}`;
        assert.equal(committed.get(message.round) ?? own, own, 'a round has one roster and one nonce');
        committed.set(message.round, own);
      }
      this.inFlight.push({ from, to, message });
    }
  }
}

function roundOf({ roster, round }: CodeMessage): string {
  return `${roster} ${round}`;
}

export function isOfType<Type extends CodeMessage['type']>(
  letter: Letter,
  type: Type,
): letter is Letter & { readonly message: Extract<CodeMessage, { type: Type }> } {
  return letter.message.type === type;
}
