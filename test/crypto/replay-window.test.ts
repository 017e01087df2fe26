import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REPLAY_WINDOW_IDS, ReplayWindow } from '../../src/engine/crypto/replay-window.ts';
import { Random } from '../helpers/random.ts';

describe('the replay window', () => {
  it('accepts each id once, in order or not', () => {
    const window = new ReplayWindow();
    for (const id of [1, 3, 2, 10]) assert.ok(window.accept(id), String(id));
    for (const id of [1, 3, 2, 10]) assert.ok(!window.accept(id), String(id));
    assert.ok(window.accept(4));
  });

  it('refuses ids that are never given', () => {
    const window = new ReplayWindow();
    assert.ok(!window.accept(0));
    assert.ok(!window.accept(-1));
    assert.ok(window.accept(1));
  });

  it('ends just where it says', () => {
    const window = new ReplayWindow();
    const highest = 5_000;
    assert.ok(window.accept(highest));
    assert.ok(!window.accept(highest - REPLAY_WINDOW_IDS));
    assert.ok(window.accept(highest - REPLAY_WINDOW_IDS + 1));
    assert.ok(!window.accept(highest - REPLAY_WINDOW_IDS + 1));
  });

  it('forgets nothing that it still has to refuse after a far jump', () => {
    const window = new ReplayWindow();
    for (let id = 1; id <= 2_000; id++) assert.ok(window.accept(id));
    assert.ok(window.accept(Number.MAX_SAFE_INTEGER));
    for (let id = 1; id <= 2_000; id++) assert.ok(!window.accept(id));
    assert.ok(!window.accept(Number.MAX_SAFE_INTEGER));
    assert.ok(window.accept(Number.MAX_SAFE_INTEGER - 1));
  });

  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    it(`does as a list of all that came would, seed ${seed}`, () => {
      const random = new Random(seed);
      const window = new ReplayWindow();
      const seen = new Set<number>();
      let highest = 0;
      for (let i = 0; i < 5_000; i++) {
        const jump = random.pick([
          1,
          1,
          1,
          2,
          5,
          -1,
          -5,
          -random.below(1_100),
          random.chance(0.02) ? random.below(3_000) : 1,
        ]);
        const id = Math.max(0, highest + jump);
        const isFresh = id >= 1 && id > highest - REPLAY_WINDOW_IDS && !seen.has(id);
        assert.equal(window.accept(id), isFresh, `seed ${seed}, step ${i}, id ${id}`);
        seen.add(id);
        highest = Math.max(highest, id);
      }
    });
  }
});
