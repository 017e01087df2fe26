/** The checks of `npm run verify`. Each resolves to the text of what is wrong, empty when nothing is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../build.mjs';
import { missingFromLock } from '../complete-lock.mjs';
import { checkManifest } from '../manifest.mjs';
import { root, tool } from '../setup.mjs';
import { checkSizes } from '../sizes.mjs';
import { runNode } from './processes.mjs';

async function quiet(args) {
  const { code, text } = await runNode(args, { output: 'capture' });
  return code === 0 ? '' : text.trim() || `ended with code ${code}`;
}

const typecheck = (project) => () => quiet([tool('typescript', 'tsc'), '-p', join(root, project)]);
const test = (path) => () => quiet(['--test', '--test-reporter=spec', join(root, path)]);

/** Whether `npm ci` would take the lock on every platform. */
async function checkLock() {
  const missing = missingFromLock(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));
  const names = missing.map(({ name }) => name).join(', ');
  return missing.length > 0 ? `package-lock.json lacks ${names}. Complete it with: npm run lock` : '';
}

/** Checks that the unit suite runs too, as tests. */
export const TESTED_ELSEWHERE = ['architecture', 'exports'];

export const CHECKS = {
  lock: () => checkLock(),
  format: () => quiet([tool('oxfmt'), '--check']),
  lint: () => quiet([tool('oxlint'), '--deny-warnings']),
  'types: page': typecheck('tsconfig.json'),
  'types: worker': typecheck('src/workers/tsconfig.json'),
  'types: relay': typecheck('relay-worker/tsconfig.json'),
  'types: pure': typecheck('src/engine/tsconfig.pure.json'),
  'types: tests': typecheck('test/tsconfig.json'),
  architecture: test('test/architecture/architecture.test.ts'),
  manifest: async () => (await checkManifest()) ?? '',
  build: async () => ((await build()) ? '' : 'the build failed: the lines above say why'),
  exports: test('test/delivery/exports.test.ts'),
  sizes: async () => (await checkSizes()).join('\n'),
};
