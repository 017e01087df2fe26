import { strict as assert } from 'node:assert';
import { describe, it } from 'node:test';
import { toResult } from '../../bench/lab-connect/result.ts';
import type { LabSample } from '../../bench/lab-connect/result.ts';

const seen = (firstFrame: number, connections = 1): LabSample => ({
  waited_ms: firstFrame,
  journal: { marks: { joined: 10, firstFrame }, candidates: [], connections, states: [] },
  paths: ['relay', 'relay tcp'],
});
const inVain: LabSample = { waited_ms: 30_000, journal: undefined, paths: [] };

describe('bench lab-connect', () => {
  const result = toResult(
    3,
    new Map([
      ['x, clear', [seen(900), seen(1_000), seen(1_100, 2)]],
      ['x, bad line', [seen(2_600), inVain, inVain]],
      ['y, clear', [inVain, inVain, inVain]],
    ]),
    {},
  );

  it('has the median, for which who saw nobody has waited to the end, and says how many did see somebody', () => {
    const [clear, bad] = result.rows;
    assert.deepEqual(
      [clear?.['joined_ms'], clear?.['firstFrame_ms'], clear?.['seen'], clear?.['again'], clear?.['paths']],
      [10, 1_000, '3/3', 1, 'relay + relay tcp'],
    );
    assert.deepEqual([bad?.['firstFrame_ms'], bad?.['seen']], [30_000, '1/3']);
  });

  it('meets no goal for what nobody saw, and has another goal for a bad line', () => {
    assert.deepEqual(
      result.goals.map(({ limit, met }) => [limit, met]),
      [
        [1_000, true],
        [2_500, false],
        [1_000, false],
      ],
    );
  });
});
