import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DOUBT_EVERY_MS, Doubts, STRANGERS_BURST, STRANGER_EVERY_MS } from '../../src/engine/doubts.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { ALICE, BOB } from '../helpers/samples.ts';

const idOf = (i: number): PeerId => `0x${i.toString(16).padStart(32, '0')}` as PeerId;

describe('HS6: doubts about keys', () => {
  it('are told once a minute for each peer and reason', () => {
    const doubts = new Doubts();
    const isTold = (peerId: PeerId, nowMs: number, reason: 'revoked' | 'wrong-mode' = 'revoked'): boolean =>
      doubts.tell(peerId, reason, true, nowMs);
    assert.deepEqual([isTold(BOB, 0), isTold(BOB, 0), isTold(BOB, DOUBT_EVERY_MS - 1)], [true, false, false]);
    assert.deepEqual([isTold(ALICE, 1), isTold(BOB, 1, 'wrong-mode')], [true, true], 'others are others');
    assert.deepEqual([isTold(BOB, DOUBT_EVERY_MS), isTold(BOB, DOUBT_EVERY_MS)], [true, false]);
  });

  it('about peers that have proved nothing are told a few times, whatever the relay lists; others are told besides', () => {
    const doubts = new Doubts();
    const told = (nowMs: number, from: number): number =>
      Array.from({ length: 1_000 }, (_, i) => doubts.tell(idOf(from + i), 'bad-bundle', false, nowMs)).filter(Boolean)
        .length;
    assert.equal(told(0, 0), STRANGERS_BURST);
    assert.equal(told(STRANGER_EVERY_MS, 10_000), 1);
    assert.equal(doubts.tell(BOB, 'second-handshake', true, STRANGER_EVERY_MS), true);
  });

  it('are remembered of so many only: who is forgotten is told again', () => {
    const doubts = new Doubts();
    for (let i = 0; i <= 512; i++) assert.ok(doubts.tell(idOf(i), 'revoked', true, i));
    assert.equal(doubts.tell(idOf(1), 'revoked', true, 513), false);
    assert.equal(doubts.tell(idOf(0), 'revoked', true, 513), true);
  });
});
