/** `npm run build`: everything into `dist/`. Skipped when no input changed since the last time; `--force` builds anyway. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { hashFiles } from './lib/files.mjs';
import { runNode } from './lib/processes.mjs';
import { root, setup } from './setup.mjs';

const INPUTS = [
  'src',
  'demo',
  'scripts/lib',
  'scripts/setup.mjs',
  'vite.config.mjs',
  'tsconfig.json',
  'tsconfig.types.json',
  'package.json',
  'package-lock.json',
];
const dist = join(root, 'dist');
const cache = join(root, '.cache');
/** The inputs and the output of the last build, so that a changed `dist/` is noticed too. */
const stamp = join(cache, 'build.json');

const state = () => JSON.stringify({ inputs: hashFiles(root, INPUTS), output: hashFiles(dist, ['']) });

/** Resolves to false when the build failed; what failed has been printed then, and the former `dist/` still stands. */
export async function build({ force = false } = {}) {
  if (!force && existsSync(stamp) && existsSync(dist) && readFileSync(stamp, 'utf8') === state()) return true;
  const inputs = hashFiles(root, INPUTS);
  const fresh = join(cache, `dist-${process.pid}`);
  mkdirSync(cache, { recursive: true });
  const { code, text } = await runNode([join(root, 'scripts/lib/build-steps.mjs'), fresh], { output: 'capture' });
  if (code !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    process.stderr.write(text);
    return false;
  }
  // Swapped at the end: a relay serving `dist/` never sees half a build.
  const old = join(cache, `dist-old-${process.pid}`);
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(fresh, dist);
  rmSync(old, { recursive: true, force: true });
  writeFileSync(stamp, JSON.stringify({ inputs, output: hashFiles(dist, ['']) }));
  return true;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  setup();
  if (!(await build({ force: process.argv.includes('--force') }))) process.exit(1);
}
