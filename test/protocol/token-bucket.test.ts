import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TokenBucket } from '../../src/engine/protocol/token-bucket.ts';
import { Random } from '../helpers/random.ts';

const START_MS = 1_000_000;

function takenAt(bucket: TokenBucket, times: readonly number[]): readonly boolean[] {
  return times.map((nowMs) => bucket.take(1, nowMs));
}

describe('a token bucket', () => {
  it('gives its burst at once, then one each so many milliseconds, and never saves more than its burst', () => {
    const bucket = new TokenBucket({ burst: 3, everyMs: 100 });
    assert.deepEqual(takenAt(bucket, [1000, 1000, 1000, 1000]), [true, true, true, false]);
    assert.deepEqual(takenAt(bucket, [1099, 1100, 1100, 1199, 1200]), [false, true, false, false, true]);
    assert.deepEqual(takenAt(bucket, [99_000, 99_000, 99_000, 99_000]), [true, true, true, false]);
  });

  it('starts full, gives all or nothing, and fills at its rate up to its burst', () => {
    const bucket = new TokenBucket({ burst: 5, refill: 10, everyMs: 1000 });
    assert.equal(bucket.take(6, START_MS), false);
    assert.equal(bucket.take(5, START_MS), true);
    assert.equal(bucket.take(1, START_MS + 99), false);
    assert.equal(bucket.take(1, START_MS + 100), true);
    assert.equal(bucket.take(5, START_MS + 3_600_000), true);
    assert.equal(bucket.take(0.1, START_MS + 3_600_000), false);
  });

  it('gives and takes nothing by a clock that is set back', () => {
    const bucket = new TokenBucket({ burst: 2, everyMs: 100 });
    assert.deepEqual(takenAt(bucket, [5000, 0, 0, 99, 100]), [true, true, false, false, true]);
    const back = new TokenBucket({ burst: 5, refill: 10, everyMs: 1000 });
    back.take(5, START_MS);
    assert.equal(back.has(1, START_MS - 3_600_000), false);
    assert.equal(back.has(1, START_MS - 3_600_000 + 100), true);
  });

  it('never gives more than burst + t · refill / every, whenever it is asked (200 seeds)', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = new Random(seed);
      const refill = random.pick([1, 3]);
      const bucket = new TokenBucket({ burst: 6, refill, everyMs: 5_000 });
      const startMs = random.uint32();
      let nowMs = startMs;
      let taken = 0;
      for (let i = 0; i < 300; i++) {
        nowMs += random.below(random.pick([2, 500, 20_000]));
        if (bucket.take(1, nowMs)) taken += 1;
        assert.ok(taken <= 6 + ((nowMs - startMs) * refill) / 5_000, `seed ${seed}`);
      }
    }
  });
});
