/** FO3: frames that come, and frames that have ceased. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FlowWatch, LOOK_EVERY_MS, SILENCE_MS } from '../../src/workers/flow-watch.ts';

/** Frames every so often until `until`, with looks in between; what is told, and when. */
class Clocked {
  readonly flow = new FlowWatch();
  readonly told: (readonly [number, boolean])[] = [];
  now = 0;

  run(until: number, every: number | undefined): void {
    const from = this.now;
    for (; this.now < until; this.now += 10) {
      const isDue = every !== undefined && (this.now - from) % every === 0;
      if (isDue && this.flow.heard(this.now)) this.told.push([this.now, true]);
      if (this.now % LOOK_EVERY_MS === 0) this.look();
    }
  }

  look(): void {
    if (this.flow.hasCeased(this.now)) this.told.push([this.now, false]);
  }
}

describe('FO3: the flow of frames', () => {
  it('is told when it begins, when it has ceased for the time, and when it begins again', () => {
    const scene = new Clocked();
    scene.run(1_000, undefined);
    assert.deepEqual(scene.told, [], 'a link on which nothing has come has not ceased');
    scene.run(3_000, 20);
    assert.deepEqual(scene.told, [[1_000, true]]);
    scene.run(5_000, undefined);
    const [, [ceasedAt, isFlowing] = [0, true]] = scene.told;
    assert.equal(isFlowing, false);
    const silence = ceasedAt - 2_980;
    assert.ok(silence >= SILENCE_MS && silence <= SILENCE_MS + LOOK_EVERY_MS, `${silence} ms`);
    scene.run(6_000, 20);
    assert.deepEqual(scene.told.slice(2), [[5_000, true]]);
  });

  it('where pauses are long by habit, one of them is no end', () => {
    const scene = new Clocked();
    scene.run(60_000, 500);
    assert.deepEqual(scene.told, [[0, true]]);
    scene.run(61_000, undefined);
    assert.deepEqual(scene.told, [[0, true]], 'two of them, neither');
    scene.run(63_000, undefined);
    assert.equal(scene.told.at(-1)?.[1], false);
  });

  it('a picture a second is no row of ends', () => {
    const scene = new Clocked();
    scene.run(60_000, 1_000);
    const ends = scene.told.filter(([, isFlowing]) => !isFlowing).length;
    assert.ok(ends <= 1, JSON.stringify(scene.told));
    scene.run(66_000, undefined);
    assert.equal(scene.told.at(-1)?.[1], false);
  });

  it('a worker that has slept and hears a frame before it looks notices the silence after it all the same', () => {
    const scene = new Clocked();
    scene.run(2_000, 20);
    scene.now += 300_000;
    scene.flow.heard(scene.now);
    scene.look();
    scene.run(scene.now + 10_000, undefined);
    assert.equal(scene.told.at(-1)?.[1], false);
  });

  it('a worker that was asleep itself does not say that others were silent', () => {
    const scene = new Clocked();
    scene.run(2_000, 20);
    scene.now += 5_000;
    scene.look();
    scene.run(scene.now + 300, undefined);
    assert.deepEqual(scene.told, [[0, true]]);
    scene.run(scene.now + 1_000, undefined);
    assert.equal(scene.told.at(-1)?.[1], false);
  });
});
