import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REPLAY_WINDOW, ReplayWindow } from '../../src/engine/crypto/replay-window.ts';
import { Random } from '../helpers/random.ts';

const SEED = 1_024;

describe('the replay window (FR6)', () => {
  it('has 1,024 counters: the oldest is taken once, what is older never', () => {
    const window = new ReplayWindow();
    assert.equal(window.note(5_000), true);
    assert.equal(window.isNew(5_000 - REPLAY_WINDOW), false);
    assert.equal(window.note(5_000 - REPLAY_WINDOW), false);
    assert.equal(window.isNew(5_000 - REPLAY_WINDOW + 1), true);
    assert.equal(window.note(5_000 - REPLAY_WINDOW + 1), true);
    assert.equal(window.note(5_000 - REPLAY_WINDOW + 1), false);
    assert.equal(window.note(5_000), false);
  });

  it('changes nothing by being asked', () => {
    const window = new ReplayWindow();
    for (let i = 0; i < 3; i++) assert.equal(window.isNew(2 ** 53 - 2), true);
    assert.equal(window.note(0), true);
  });

  it('forgets what it has passed: the place of a counter is another one’s later', () => {
    const window = new ReplayWindow();
    for (let i = 0; i < REPLAY_WINDOW; i++) assert.equal(window.note(i), true);
    assert.equal(window.note(REPLAY_WINDOW + 9), true);
    // 1024–1032 share their places with 0–8, which are behind the window now
    for (let i = REPLAY_WINDOW; i < REPLAY_WINDOW + 9; i++) assert.equal(window.note(i), true, `${i}`);
    assert.equal(window.note(10), false);
  });

  it('goes as far as numbers are exact', () => {
    const window = new ReplayWindow();
    assert.equal(window.note(3), true);
    assert.equal(window.note(2 ** 53 - 2), true);
    assert.equal(window.note(2 ** 53 - 2), false);
    assert.equal(window.note(2 ** 53 - 2 - 1_023), true);
    assert.equal(window.note(2 ** 53 - 2 - 1_024), false);
  });

  it('agrees with a set of all counters, at random', () => {
    const random = new Random(SEED);
    for (const reach of [3, 40, 1_000, 1_100, 5_000]) {
      const window = new ReplayWindow();
      const seen = new Set<number>();
      let highest = -1;
      for (let i = 0; i < 5_000; i++) {
        const counter = Math.max(0, highest - reach + random.below(2 * reach));
        const isNew = !seen.has(counter) && highest - counter < REPLAY_WINDOW;
        assert.equal(window.isNew(counter), isNew, `seed ${SEED}, reach ${reach}, ${i}`);
        assert.equal(window.note(counter), isNew, `seed ${SEED}, reach ${reach}, ${i}`);
        seen.add(counter);
        highest = Math.max(highest, counter);
      }
    }
  });
});
