/** Messages about room codes as a test writes them: for a roster of these members, in this round, with this nonce. */
import { commitment } from '../../src/engine/crypto/room-code.ts';
import { RoomCodeRounds } from '../../src/engine/keys/room-code-round.ts';
import type { Outgoing } from '../../src/engine/keys/room-code-round.ts';
import { toBase64Url } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import type { CodeMessage } from '../../src/engine/protocol/code-message.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { ALICE, BOB, CAROL, peerIdOf } from '../helpers/samples.ts';
import { hashOf } from './code-room.ts';

export const MALLORY = peerIdOf(0x3a);
export const TWO = [ALICE, BOB];
export const THREE = [ALICE, BOB, CAROL];

export const nonceOf = (byte: number): Bytes => new Uint8Array(32).fill(byte);

export function commitOf(from: PeerId, members: readonly PeerId[], round: number, nonce: Bytes): CodeMessage {
  const hash = hashOf(members);
  const own = toBase64Url(commitment(hash, round, from, nonce));
  return { type: 'code-commit', roster: toBase64Url(hash), round, commitment: own, isAsking: false };
}

export function askOf(from: PeerId, members: readonly PeerId[], round: number, nonce: Bytes): CodeMessage {
  const message = commitOf(from, members, round, nonce);
  return message.type === 'code-commit' ? { ...message, isAsking: true } : message;
}

export function revealOf(members: readonly PeerId[], round: number, nonce: Bytes): CodeMessage {
  return { type: 'code-reveal', roster: toBase64Url(hashOf(members)), round, nonce: toBase64Url(nonce) };
}

/** Alice, whose nonces are all ones, then all twos, … and whose clock stands at `nowMs` until it is set. */
export class Alice {
  #calls = 0;
  readonly rounds = new RoomCodeRounds(ALICE, () => nonceOf(++this.#calls));
  nowMs = 0;

  see(members: readonly PeerId[]): readonly Outgoing[] {
    return this.rounds.setRoster(hashOf(members), members, this.nowMs);
  }

  hear(from: PeerId, message: CodeMessage): ReturnType<RoomCodeRounds['receive']> {
    return this.rounds.receive(from, message, this.nowMs);
  }

  ask(): readonly Outgoing[] {
    return this.rounds.ask(this.nowMs);
  }
}

/** `commit 3 → Bob`, with a question mark where it asks. */
export function told(out: readonly Outgoing[]): readonly string[] {
  const names = new Map([
    [BOB, 'Bob'],
    [CAROL, 'Carol'],
    [MALLORY, 'Mallory'],
  ]);
  return out.map(({ to, message }) => {
    const kind = message.type === 'code-reveal' ? 'reveal' : message.isAsking ? 'commit?' : 'commit';
    return `${kind} ${message.round} → ${names.get(to) ?? to}`;
  });
}
