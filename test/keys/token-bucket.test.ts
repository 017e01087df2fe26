import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TokenBucket } from '../../src/engine/keys/token-bucket.ts';
import { Random } from '../helpers/random.ts';

function takenAt(bucket: TokenBucket, times: readonly number[]): readonly boolean[] {
  return times.map((nowMs) => bucket.take(nowMs));
}

describe('a token bucket', () => {
  it('gives its burst at once, then one each so many milliseconds, and never saves more than its burst', () => {
    const bucket = new TokenBucket(3, 100);
    assert.deepEqual(takenAt(bucket, [1000, 1000, 1000, 1000]), [true, true, true, false]);
    assert.deepEqual(takenAt(bucket, [1099, 1100, 1100, 1199, 1200]), [false, true, false, false, true]);
    assert.deepEqual(takenAt(bucket, [99_000, 99_000, 99_000, 99_000]), [true, true, true, false]);
  });

  it('gives and takes nothing by a clock that is set back', () => {
    const bucket = new TokenBucket(2, 100);
    assert.deepEqual(takenAt(bucket, [5000, 0, 0, 99, 100]), [true, true, false, false, true]);
  });

  it('never gives more than burst + t / every, whenever it is asked (200 seeds)', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = new Random(seed);
      const bucket = new TokenBucket(6, 5_000);
      const startMs = random.uint32();
      let nowMs = startMs;
      let taken = 0;
      for (let i = 0; i < 300; i++) {
        nowMs += random.below(random.pick([2, 500, 20_000]));
        if (bucket.take(nowMs)) taken += 1;
        assert.ok(taken <= 6 + (nowMs - startMs) / 5_000, `seed ${seed}`);
      }
    }
  });
});
