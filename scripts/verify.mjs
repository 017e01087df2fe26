/** `npm run verify`: everything that can be checked without a browser and without the test suites. Runs all checks, then says which failed. */
import { pathToFileURL } from 'node:url';
import { setup } from './setup.mjs';

/** Resolves to counts of checks. `except`: names to leave out. */
export async function verify({ except = [] } = {}) {
  // After `setup`: this needs what it installs.
  const { CHECKS } = await import('./lib/checks.mjs');
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [name, check] of Object.entries(CHECKS)) {
    if (except.includes(name)) continue;
    const start = performance.now();
    const fault = await check().catch((error) => String(error?.message ?? error));
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    process.stdout.write(`${fault ? '✖' : '✔'} ${name} (${seconds} s)\n`);
    if (fault) process.stdout.write(`${fault.replaceAll(/^/gm, '    ')}\n`);
    counts[fault ? 'failed' : 'passed'] += 1;
  }
  return counts;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  setup();
  const { passed, failed } = await verify();
  process.stdout.write(`${passed} checks passed, ${failed} failed\n`);
  if (failed > 0 || passed === 0) process.exit(1);
}
