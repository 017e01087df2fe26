/** LM2–LM5, LM7 without a relay: buckets under a clock that the test holds. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  PEERS_CEILING,
  PEERS_DEFAULT,
  RATE_ERRORS_BURST,
  ROOM_MESSAGES_BURST,
  ROOM_MESSAGES_PER_S,
  SOCKET_BYTES_BURST,
  SOCKET_BYTES_PER_S,
  SOCKET_MESSAGES_BURST,
  SOCKET_MESSAGES_PER_S,
  SocketBudget,
  bucketOf,
  parseMaxPeers,
} from '../../relay-worker/limits.ts';
import type { TokenBucket } from '../../src/engine/protocol/token-bucket.ts';
import type { RateVerdict } from '../../relay-worker/limits.ts';

const START_MS = 1_000_000;
const SMALL_BYTES = 200;

function openRoom(): TokenBucket {
  return bucketOf(1e9, 1e9);
}

function verdicts(budget: SocketBudget, times: number, nowMs: number, bytes = SMALL_BYTES): RateVerdict[] {
  return Array.from({ length: times }, () => budget.judge(bytes, openRoom(), nowMs));
}

function count(list: readonly RateVerdict[], verdict: RateVerdict): number {
  return list.filter((one) => one === verdict).length;
}

describe('what a socket may send', () => {
  it('LM2: 150 messages at once, then 20 a second', () => {
    const budget = new SocketBudget();
    assert.equal(count(verdicts(budget, 400, START_MS), 'pass'), SOCKET_MESSAGES_BURST);
    assert.equal(count(verdicts(budget, 60, START_MS + 1000), 'pass'), SOCKET_MESSAGES_PER_S);
    assert.deepEqual([SOCKET_MESSAGES_BURST, SOCKET_MESSAGES_PER_S], [150, 20]);
  });

  it('LM3: 1 MiB at once, then 128 KiB a second', () => {
    const budget = new SocketBudget();
    const bytes = 64 * 1024;
    assert.equal(count(verdicts(budget, 20, START_MS, bytes), 'pass'), SOCKET_BYTES_BURST / bytes);
    assert.equal(count(verdicts(budget, 3, START_MS + 1000, bytes), 'pass'), SOCKET_BYTES_PER_S / bytes);
    assert.deepEqual([SOCKET_BYTES_BURST, SOCKET_BYTES_PER_S], [1024 * 1024, 128 * 1024]);
  });

  it('LM5: over the rate some errors are told, the rest is dropped, and a flood is closed', () => {
    const list = verdicts(new SocketBudget(), 10_000, START_MS);
    const closedAt = list.indexOf('close');
    assert.equal(closedAt, SOCKET_MESSAGES_BURST + 300);
    assert.equal(count(list.slice(0, closedAt), 'refuse'), RATE_ERRORS_BURST);
    assert.equal(count(list.slice(0, closedAt), 'drop'), 300 - RATE_ERRORS_BURST);
    assert.equal(count(list.slice(closedAt), 'pass'), 0);
  });

  it('LM5: big messages end a flood sooner', () => {
    const list = verdicts(new SocketBudget(), 100, START_MS, 1_000_000);
    assert.deepEqual([list[0], list[1], list[2]], ['pass', 'refuse', 'close']);
  });

  it('LM5: who sends twice as much as allowed is told, and never closed', () => {
    const budget = new SocketBudget();
    const list: RateVerdict[] = [];
    for (let ms = 0; ms < 600_000; ms += 25) list.push(budget.judge(SMALL_BYTES, openRoom(), START_MS + ms));
    assert.equal(count(list, 'close'), 0);
    assert.ok(count(list, 'refuse') > 1000 && count(list, 'pass') >= 12_000);
  });

  it('LM4: the room lets 900 through at once, then 300 a second', () => {
    const room = bucketOf(ROOM_MESSAGES_PER_S, ROOM_MESSAGES_BURST);
    const passed = (nowMs: number): number => {
      let total = 0;
      for (let socket = 0; socket < 20; socket++) {
        const budget = new SocketBudget();
        for (let i = 0; i < 100; i++) if (budget.judge(SMALL_BYTES, room, nowMs) === 'pass') total++;
      }
      return total;
    };
    assert.equal(passed(START_MS), 900);
    assert.equal(passed(START_MS + 1000), 300);
  });

  it('LM4: a full room closes nobody who keeps to his own rate, and one flooder cannot fill it', () => {
    const full = bucketOf(0, 0);
    const budget = new SocketBudget();
    const list = Array.from({ length: SOCKET_MESSAGES_BURST }, () => budget.judge(SMALL_BYTES, full, START_MS));
    assert.equal(count(list, 'close') + count(list, 'pass'), 0);

    const room = bucketOf(ROOM_MESSAGES_PER_S, ROOM_MESSAGES_BURST);
    const flooder = new SocketBudget();
    for (let i = 0; i < 10_000; i++) flooder.judge(SMALL_BYTES, room, START_MS);
    assert.equal(new SocketBudget().judge(SMALL_BYTES, room, START_MS), 'pass');
    assert.equal(room.has(ROOM_MESSAGES_BURST - SOCKET_MESSAGES_BURST - 1, START_MS), true);
  });
});

describe('LM7: the MAX_PEERS setting', () => {
  it('is 1 to 64, as text or number', () => {
    assert.deepEqual(['1', '8', '64', 6].map(parseMaxPeers), [1, 8, PEERS_CEILING, 6]);
  });

  it('is 8 for anything else', () => {
    for (const setting of [
      undefined,
      null,
      '',
      '0',
      '65',
      '1e1',
      ' 8',
      '-1',
      'many',
      0,
      65,
      2.5,
      Number.NaN,
      [8],
      {},
    ]) {
      assert.equal(parseMaxPeers(setting), PEERS_DEFAULT);
    }
  });
});
