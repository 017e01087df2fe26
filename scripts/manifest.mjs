/** `npm run manifest` writes `custom-elements.json`; `-- --check` says whether the committed one is what the source gives. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runNode } from './lib/processes.mjs';
import { fail, root, setup, tool } from './setup.mjs';

const committed = join(root, 'custom-elements.json');

export async function generateManifest() {
  const folder = mkdtempSync(join(tmpdir(), 'tai-manifest-'));
  try {
    const { code, text } = await runNode(
      [tool('@custom-elements-manifest/analyzer', 'cem'), 'analyze', '--quiet', '--outdir', relative(root, folder)],
      { output: 'capture' },
    );
    if (code !== 0) throw new Error(text);
    const manifest = JSON.parse(readFileSync(join(folder, 'custom-elements.json'), 'utf8'));
    // The order in which files are read depends on the file system.
    manifest.modules.sort((a, b) => (a.path < b.path ? -1 : 1));
    return `${JSON.stringify(manifest, undefined, 2)}\n`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A sentence when the committed manifest is not what the source gives. */
export async function checkManifest() {
  const wanted = await generateManifest();
  let found = '';
  try {
    found = readFileSync(committed, 'utf8');
  } catch {
    // Missing: differs.
  }
  return found === wanted ? undefined : 'custom-elements.json is not up to date: npm run manifest';
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  setup();
  if (process.argv.includes('--check')) {
    const fault = await checkManifest();
    if (fault) fail(fault);
  } else {
    writeFileSync(committed, await generateManifest());
  }
}
