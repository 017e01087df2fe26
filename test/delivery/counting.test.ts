/** The last line of `npm test` tells the truth: what fails in any way is counted, and nothing run is nothing passed. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { runNodeTests } from '../../scripts/lib/suites.mjs';
import { ROOT, runNode, scratchFolder } from './tools.ts';

const REPORTER = join(ROOT, 'scripts/lib/count-reporter.mjs');
const IMPORTS = `import { before, describe, it } from 'node:test';\nvoid [before, describe, it];\n`;
const fails = `() => { throw new Error('x'); }`;

for (const [title, text, expected] of [
  ['one of each', `it('a', () => {}); it('b', ${fails}); it.skip('c', () => {});`, [1, 1, 1]],
  ['a suite counts by its tests', `describe('s', () => { it('a', () => {}); it('b', ${fails}); });`, [1, 1, 0]],
  ['a hook that fails', `describe('s', () => { before(${fails}); it('a', () => {}); });`, [0, 2, 0]],
  ['a file that does not load', `import './nowhere.ts';`, [0, 1, 0]],
  ['a file without a test', ``, [0, 0, 0]],
] as const) {
  it(title, async () => {
    using folder = scratchFolder();
    writeFileSync(join(folder.path, 'a.test.ts'), IMPORTS + text);
    const counts = join(folder.path, 'counts.json');
    const reporter = [`--test-reporter=${REPORTER}`, `--test-reporter-destination=${counts}`];
    await runNode(['--test', ...reporter, 'a.test.ts'], { cwd: folder.path });
    const [passed, failed, skipped] = expected;
    assert.deepEqual(JSON.parse(readFileSync(counts, 'utf8')), { passed, failed, skipped });
  });
}

it('a file whose process never ends is ended at the deadline, and fails', async () => {
  using folder = scratchFolder();
  const file = join(folder.path, 'a.test.ts');
  writeFileSync(file, `${IMPORTS}it('a', () => {}); setInterval(() => {}, 1000);`);
  const counts = await runNodeTests([file], { timeout_ms: 60_000, deadline_ms: 1500 });
  assert.deepEqual([counts.failed, counts.passed], [1, 0]);
});
