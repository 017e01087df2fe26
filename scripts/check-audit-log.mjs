/**
 * `node scripts/check-audit-log.mjs FILE`: whether the chain of an exported audit log holds. Ends with 0 for `intact`, with
 * 1 otherwise.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runNode } from './lib/processes.mjs';
import { fail, root, setup } from './setup.mjs';

const [path, ...others] = process.argv.slice(2);
if (!path || others.length > 0) fail('Name one file: node scripts/check-audit-log.mjs log.jsonl');
setup();
// An older Node does not read TypeScript: the project's own does.
if (!process.features.typescript) process.exit((await runNode([fileURLToPath(import.meta.url), resolve(path)])).code);

const { checkAuditLog } = await import(pathToFileURL(join(root, 'src/engine/keys/audit-log.ts')).href);
const result = checkAuditLog(read(path));
console.log(result);
process.exitCode = result === 'intact' ? 0 : 1;

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return fail(`${file} cannot be read.`);
  }
}
