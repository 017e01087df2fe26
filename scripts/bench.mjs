/** `npm run -s bench -- NAME [--json] [options of that bench]`: with `--json`, standard output is the one object and nothing else. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { runNode } from './lib/processes.mjs';
import { fail, root, setup } from './setup.mjs';

const folder = join(root, 'bench');
/** Each bench is a file beside a folder of its parts, or a file alone that runs itself; the others are their tools. */
const TOOLS = ['bundle.ts', 'harness.ts', 'machine.ts'];
const benches = existsSync(folder)
  ? readdirSync(folder).filter((file) => file.endsWith('.ts') && !TOOLS.includes(file))
  : [];

const [name, ...options] = process.argv.slice(2);
if (!name || !benches.includes(`${name}.ts`)) {
  const names = benches.map((file) => file.replace(/\.ts$/, '')).join(', ');
  fail(`${name ? `There is no bench “${name}”` : 'Name a bench'}: ${names || 'there is none yet'}.`);
}

const isInLab = ['lab-connect', 'failover'].includes(name);
const { chromium, firefox, coturn } = setup({ browsers: true, coturn: isInLab, lab: isInLab });
if (!(await build())) fail('The build failed: the lines above say why.');
const { code } = await runNode([join(folder, `${name}.ts`), ...options], {
  env: { CHROMIUM_PATH: chromium, FIREFOX_PATH: firefox, ...(coturn && { TURNSERVER_PATH: coturn }) },
});
process.exit(code);
