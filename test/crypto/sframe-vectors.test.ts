/** RFC 9605's vectors in Node; `test/components/sframe.test.ts` runs the same in browsers. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { SFRAME_EXPECTED, SFRAME_VECTORS, runSframeVectors } from '../helpers/sframe-vectors.ts';

const FOLDER = new URL('../../../shared/vectors/sframe/', import.meta.url);
const skip = existsSync(FOLDER) ? false : 'no ../shared/vectors/sframe here: these vectors were not run';
const text = (): string => readFileSync(new URL(SFRAME_VECTORS, FOLDER), 'utf8');

describe("RFC 9605's vectors", () => {
  it('pass: headers, derivation and sealing in both suites', { skip }, async () => {
    assert.deepEqual(await runSframeVectors(text()), SFRAME_EXPECTED);
  });

  it('fail where one is changed', { skip }, async () => {
    const changed = text()
      .replace('"encoded": "09ffff"', '"encoded": "09fffe"')
      .replace('67b7412c2513a1b6', '67b7412c2513a1b7');
    const { headers, suites, wrong } = await runSframeVectors(changed);
    assert.deepEqual({ headers, suites, wrong: wrong.length }, { headers: 288, suites: 1, wrong: 2 });
  });
});
