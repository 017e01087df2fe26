/**
 * `npm test`: everything. `npm test -- unit|components|e2e|verify [filter]` runs one part; a filter is a piece of a file's
 * path, or else of a test's name. `long` is a part too, and runs only when it is named; `lab` then runs whole. The last line is
 * `N passed, N failed`, over all runners.
 */
import { build } from './build.mjs';
import { wantMaude } from './model.mjs';
import { fail, setup } from './setup.mjs';

const PARTS = ['verify', 'unit', 'components', 'e2e', 'lab', 'long'];
/** Takes half an hour. */
const ONLY_NAMED = 'long';
const [part, filter] = process.argv.slice(2);
if (part !== undefined && !PARTS.includes(part)) fail(`Parts are ${PARTS.join(', ')}; there is no “${part}”.`);

const isWanted = (name) => part === name || (part === undefined && name !== ONLY_NAMED);
const needsBrowsers = part !== 'verify';
const { chromium, firefox, coturn } = setup({ browsers: needsBrowsers, coturn: needsBrowsers, lab: isWanted('lab') });
const env = needsBrowsers ? { CHROMIUM_PATH: chromium, FIREFOX_PATH: firefox, TURNSERVER_PATH: coturn } : {};

// The model of the key agreement is searched where it can be; its tests say so where it cannot.
if (isWanted('unit')) wantMaude();
// After `setup`: these need what it installs.
const suites = await import('./lib/suites.mjs');
const { TESTED_ELSEWHERE } = await import('./lib/checks.mjs');
const { verify } = await import('./verify.mjs');
const total = { passed: 0, failed: 0, skipped: 0 };

async function run(name, suite) {
  if (!isWanted(name)) return;
  process.stdout.write(`\n── ${name}\n`);
  const start = performance.now();
  const counts = await suite();
  for (const key of Object.keys(total)) total[key] += counts[key];
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  process.stdout.write(`── ${name}: ${counts.passed} passed, ${counts.failed} failed in ${seconds} s\n`);
}

await run('verify', () => verify({ except: part === undefined ? TESTED_ELSEWHERE : [] }));
if (part !== 'verify' && !(await build())) {
  process.stdout.write('The build failed: the lines above say why.\n');
  total.failed += 1;
} else {
  await run('unit', () => suites.unit({ filter, env }));
  await run('components', () => suites.components({ filter, env }));
  await run('e2e', () => suites.e2e({ filter, env }));
  await run('lab', () => suites.lab({ filter, env, isWhole: part === 'lab' }));
  await run('long', () => suites.long({ filter, env }));
}

const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed${skipped}\n`);
// a part may be one that this machine cannot run, which is no failure; that nothing was there to run is one
process.exit(total.failed > 0 || total.passed + total.skipped === 0 ? 1 : 0);
