/** The published vectors in Node; `test/components/vectors.test.ts` runs the same in browsers. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { native, noble } from '../helpers/implementations.ts';
import type { Implementation } from '../helpers/implementations.ts';
import { EXPECTED, VECTOR_FILES, runVectors } from '../helpers/wycheproof.ts';
import type { VectorName } from '../helpers/wycheproof.ts';

const FOLDER = new URL('../../../shared/vectors/wycheproof/', import.meta.url);
const skip = existsSync(FOLDER) ? false : 'no ../shared/vectors/wycheproof here: these vectors were not run';
const NAMES = ['x25519', 'ed25519', 'hkdfSha256', 'hkdfSha512', 'aesGcm', 'mlKem768'] as const satisfies VectorName[];

function textOf(name: VectorName): string {
  return readFileSync(new URL(VECTOR_FILES[name], FOLDER), 'utf8');
}

function runsOn(implementation: Implementation, names: readonly VectorName[]): void {
  for (const name of names) {
    it(`pass: ${name}`, { skip }, async () => {
      assert.deepEqual(await runVectors(name, textOf(name), implementation), EXPECTED[name]);
    });
  }
}

describe("Wycheproof's vectors on WebCrypto", () => runsOn(native, NAMES));
// HKDF is noble's in both, AES-GCM WebCrypto's
describe("Wycheproof's vectors on noble", () => runsOn(noble, ['x25519', 'ed25519', 'mlKem768']));

describe('the run of the vectors', () => {
  it('covers every file there is for us', () => {
    assert.deepEqual([...NAMES].sort(), Object.keys(VECTOR_FILES).sort());
  });

  it('rejects a file that has lost a case', { skip }, async () => {
    const text = textOf('ed25519').replace(/"numberOfTests"\s*:\s*151/, '"numberOfTests": 152');
    await assert.rejects(runVectors('ed25519', text, noble), /151 cases of 152/);
  });

  it('names the cases that come out wrong', { skip }, async () => {
    const gullible = { ...noble, provider: { ...noble.provider, verify: async () => true } };
    const report = await runVectors('ed25519', textOf('ed25519'), gullible);
    assert.equal(report.wrong.length, EXPECTED.ed25519.refused);
  });
});
