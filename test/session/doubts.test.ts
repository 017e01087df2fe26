import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DOUBT_EVERY_MS, Doubts, STRANGERS_BURST, STRANGER_EVERY_MS, tellSeldom } from '../../src/engine/doubts.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { RoomEvent } from '../../src/engine/room/events.ts';
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

  it('about peers that the room does not know take nothing from those that it does', () => {
    const told: RoomEvent[] = [];
    const listed = new Set<PeerId>([BOB]);
    const tell = tellSeldom({
      onEvent: (event) => told.push(event),
      isListed: (peerId) => listed.has(peerId),
      isProved: () => false,
      steadyNow: () => 0,
    });
    const doubt = (peerId: PeerId): RoomEvent => ({ type: 'peer-doubted', peerId, reason: 'bad-bundle' });
    for (let i = 0; i < 100; i++) tell(doubt(idOf(i)));
    tell(doubt(ALICE));
    assert.deepEqual(told, []);
    tell(doubt(BOB));
    // nor from themselves, for when they are listed
    listed.add(ALICE);
    tell(doubt(ALICE));
    assert.deepEqual(told, [doubt(BOB), doubt(ALICE)]);
  });

  it('about keys that are dead and have signed for the peer are told besides, once a minute as all', () => {
    const told: RoomEvent[] = [];
    const tell = tellSeldom({
      onEvent: (event) => told.push(event),
      isListed: () => true,
      isProved: () => false,
      steadyNow: () => 0,
    });
    for (let i = 0; i < STRANGERS_BURST; i++) tell({ type: 'peer-doubted', peerId: idOf(i), reason: 'bad-bundle' });
    assert.equal(told.splice(0).length, STRANGERS_BURST);
    tell({ type: 'peer-doubted', peerId: ALICE, reason: 'revoked', isSigned: false });
    assert.deepEqual(told, []);
    for (let i = 0; i < 2; i++) tell({ type: 'peer-doubted', peerId: BOB, reason: 'revoked', isSigned: true });
    assert.equal(told.length, 1);
  });
});
