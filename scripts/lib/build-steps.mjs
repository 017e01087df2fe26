/** Builds everything into the folder given: `node build-steps.mjs OUT_DIR [ROOT]`. Run by `scripts/build.mjs` with the project's Node. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { root as ownRoot, tool } from '../setup.mjs';
import { listFiles } from './files.mjs';
import { runNode } from './processes.mjs';

const outDir = resolve(process.argv[2]);
const root = resolve(process.argv[3] ?? ownRoot);
rmSync(outDir, { recursive: true, force: true });
mkdirSync(outDir, { recursive: true });

const { build } = await import('vite');
const { builds } = await import('../../vite.config.mjs');
const { workerSource } = await import('./worker-source-plugin.mjs');

for (const config of builds(root, outDir)) await build(config);
await writeWorkers();
await writeTypes();
writeFileSync(join(outDir, '.assetsignore'), 'npm\n.assetsignore\n');
writeIntegrity();

/** Beside the drop-in for pages that allow no `blob:` worker, and as the npm entry. */
async function writeWorkers() {
  const workers = readdirSync(join(root, 'src', 'workers')).filter((name) => name.endsWith('.worker.ts'));
  for (const name of workers.map((file) => file.replace(/\.worker\.ts$/, ''))) {
    const source = await workerSource(name);
    writeFileSync(join(outDir, `${name}.worker.js`), source);
    if (name === 'session') {
      writeFileSync(join(outDir, 'npm', 'worker.js'), source);
      writeFileSync(join(outDir, 'npm', 'worker.d.ts'), 'export {};\n');
    }
  }
}

/** Declarations, with the extensions that the built modules have. */
async function writeTypes() {
  const types = join(outDir, 'npm', 'types');
  const options = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--outDir', types];
  const { code, text } = await runNode(
    [tool('typescript', 'tsc'), '-p', join(root, 'tsconfig.types.json'), ...options],
    {
      output: 'capture',
    },
  );
  if (code !== 0) {
    process.stderr.write(text);
    process.exit(1);
  }
  for (const path of listFiles(types)) {
    const declaration = readFileSync(join(types, path), 'utf8');
    writeFileSync(join(types, path), declaration.replaceAll(/(['"])(\.{1,2}\/[^'"]+)\.ts\1/g, '$1$2.js$1'));
  }
}

/** For `<script integrity>`: which bytes belong to this build. Chunks are listed too, for who checks what is served. */
function writeIntegrity() {
  const hashes = {};
  for (const path of listFiles(outDir).filter((each) => each.endsWith('.js') && !each.startsWith('npm/'))) {
    hashes[path] = `sha384-${createHash('sha384')
      .update(readFileSync(join(outDir, path)))
      .digest('base64')}`;
  }
  writeFileSync(join(outDir, 'sri.json'), `${JSON.stringify(hashes, undefined, 2)}\n`);
}
