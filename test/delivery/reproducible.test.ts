/** The same source gives the same bytes, wherever and whenever it is built: what is served can be checked by anybody. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ROOT, runNode, scratchFolder } from './tools.ts';

const SOURCES = ['src', 'demo', 'scripts', 'package.json', 'package-lock.json', 'vite.config.mjs'];
const SETTINGS = ['tsconfig.json', 'tsconfig.types.json'];
/** Copied, so that their paths differ too; all other packages are tools, and linked. */
const BUNDLED = ['lit', 'lit-html', 'lit-element', '@lit', '@noble', 'partysocket', 'event-target-polyfill'];

async function buildIn(folder: string, env: Readonly<Record<string, string>>): Promise<ReadonlyMap<string, string>> {
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  for (const path of [...SOURCES, ...SETTINGS]) cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    const target = join(folder, 'node_modules', name);
    if (BUNDLED.includes(name)) cpSync(join(ROOT, 'node_modules', name), target, { recursive: true });
    else symlinkSync(join(ROOT, 'node_modules', name), target);
  }
  const out = join(folder, 'dist');
  const { code, stderr } = await runNode([join(folder, 'scripts/lib/build-steps.mjs'), out], { cwd: folder, env });
  assert.equal(code, 0, stderr);
  const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(out.length + 1), createHash('sha256').update(readFileSync(path)).digest('hex')]),
  );
}

describe('what is built', () => {
  const folder = scratchFolder();
  const place = join(folder.path, 'a');
  let files: ReadonlyMap<string, string>;
  before(async () => {
    files = await buildIn(place, { TZ: 'UTC', LANG: 'C' });
  });
  after(() => folder[Symbol.dispose]());

  it('is the same in another place, under another time zone', async () => {
    using other = scratchFolder();
    const second = await buildIn(join(other.path, 'deeper/and/longer'), { TZ: 'Asia/Tokyo', LANG: 'de_DE.UTF-8' });
    assert.ok(files.has('tai.js') && files.has('tai.single.js') && files.has('npm/index.js') && files.has('sri.json'));
    assert.deepEqual([...second], [...files]);
  });

  it('has the hash of every script in sri.json, and no path of the machine in it', () => {
    const hashes = JSON.parse(readFileSync(join(place, 'dist/sri.json'), 'utf8')) as Record<string, string>;
    const published = [...files.keys()].filter((path) => path.endsWith('.js') && !path.startsWith('npm/'));
    assert.deepEqual(Object.keys(hashes).sort(), published.sort());
    for (const [path, hash] of Object.entries(hashes)) {
      const bytes = readFileSync(join(place, 'dist', path));
      assert.equal(hash, `sha384-${createHash('sha384').update(bytes).digest('base64')}`, path);
    }
    const served = readFileSync(join(place, 'dist/tai.single.js'), 'utf8');
    assert.ok(!served.includes(place) && !served.includes(ROOT), 'a path of the machine stands in the script');
  });
});
