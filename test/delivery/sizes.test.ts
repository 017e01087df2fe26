/** The size check fails in both directions, and at a budget. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareSizes } from '../../scripts/sizes.mjs';

const PINNED = { room: { bytes: 100, gzip: 50 } };

describe('sizes', () => {
  it('says nothing when nothing changed', () => {
    assert.deepEqual(compareSizes(PINNED, PINNED, { room: 50 }), []);
  });

  it('names a growth by one byte', () => {
    const faults = compareSizes({ room: { bytes: 101, gzip: 50 } }, PINNED, {});
    assert.equal(faults.length, 1);
    assert.match(faults[0]!, /room: grew by 1 bytes, to 101.*--pin/);
  });

  it('names a fall by one byte', () => {
    const faults = compareSizes({ room: { bytes: 99, gzip: 50 } }, PINNED, {});
    assert.match(faults[0]!, /room: shrank by 1 bytes, to 99.*--pin/);
  });

  it('names a group that came or went', () => {
    assert.equal(compareSizes({ ...PINNED, worker: { bytes: 1, gzip: 1 } }, PINNED, {}).length, 1);
    assert.equal(compareSizes({}, PINNED, {}).length, 1);
  });

  it('cannot be pinned above a budget', () => {
    const sizes = { room: { bytes: 100, gzip: 51 } };
    assert.match(compareSizes(sizes, sizes, { room: 50 })[0]!, /over the budget of 50/);
  });

  it('a group with a budget that was not measured is over it', () => {
    assert.match(compareSizes({}, {}, { engine: 10 })[0]!, /engine/);
  });
});
