/**
 * `npm run sizes`: sizes of what is published, against the figures pinned in `sizes.json` and against the budgets. Fails
 * in both directions: a figure that fell is pinned anew (`-- --pin`), so that the next growth cannot hide below it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from './build.mjs';
import { listFiles } from './lib/files.mjs';
import { root, setup } from './setup.mjs';

const KIB = 1024;
/** Bytes of gzip; a kB here is 1,000 bytes but for the first script, whose limit is stated in KiB. */
export const BUDGETS = { 'first-script': 6 * KIB, room: 60_000, engine: 24_000 };

const isChunk = (path) => path.startsWith('chunks/');
/** Stands in for browsers without these algorithms of their own, and is fetched by nobody else. */
const isFallback = (path) => /^chunks\/(ed25519|x25519|ml-kem)-/.test(path);

const GROUPS = {
  'first-script': (path) => path === 'tai.js',
  // Everything a browser with native algorithms fetches: lobby, room, engine and worker.
  room: (path) => path === 'tai.js' || (isChunk(path) && !isFallback(path)),
  fallback: isFallback,
  worker: (path) => path === 'clock.worker.js',
  single: (path) => path === 'tai.single.js',
  engine: (path) => path === 'engine.js',
};

/** The engine by itself, with its packages, as a page that uses no element would bundle it. */
async function measureEngine() {
  const { build: bundle } = await import('vite');
  const { workerSourcePlugin } = await import('./lib/worker-source-plugin.mjs');
  const result = await bundle({
    configFile: false,
    root,
    logLevel: 'warn',
    publicDir: false,
    plugins: [workerSourcePlugin()],
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      write: false,
      target: 'es2022',
      lib: { entry: { engine: join(root, 'src/engine/index.ts') }, formats: ['es'] },
      rolldownOptions: {
        output: {
          comments: false,
          minify: true,
          entryFileNames: '[name].js',
          chunkFileNames: 'chunks/[name]-[hash].js',
        },
      },
    },
  });
  const { output } = Array.isArray(result) ? result[0] : result;
  return Buffer.concat(output.filter((file) => !isFallback(file.fileName)).map((file) => Buffer.from(file.code ?? '')));
}

/** `{group: {bytes, gzip}}`. Gzip file by file, as they are sent. */
export async function measure() {
  const dist = join(root, 'dist');
  const files = new Map(listFiles(dist).map((path) => [path, readFileSync(join(dist, path))]));
  files.set('engine.js', await measureEngine());
  const sizes = {};
  for (const [group, includes] of Object.entries(GROUPS)) {
    const chosen = [...files].filter(([path]) => includes(path)).map(([, bytes]) => bytes);
    sizes[group] = {
      bytes: chosen.reduce((sum, each) => sum + each.length, 0),
      gzip: chosen.reduce((sum, each) => sum + gzipSync(each, { level: 9 }).length, 0),
    };
  }
  return sizes;
}

/** One sentence for each fault; none when all is well. */
export function compareSizes(sizes, pinned, budgets = BUDGETS) {
  const faults = [];
  for (const [group, limit] of Object.entries(budgets)) {
    const { gzip = Infinity } = sizes[group] ?? {};
    if (gzip > limit) faults.push(`${group}: ${gzip} bytes of gzip are over the budget of ${limit}.`);
  }
  for (const group of new Set([...Object.keys(sizes), ...Object.keys(pinned)])) {
    const now = sizes[group]?.bytes ?? 0;
    const then = pinned[group]?.bytes ?? 0;
    if (now === then) continue;
    const change = now > then ? `grew by ${now - then}` : `shrank by ${then - now}`;
    faults.push(`${group}: ${change} bytes, to ${now}. If that is meant, re-pin with: npm run sizes -- --pin`);
  }
  return faults;
}

export async function checkSizes() {
  return compareSizes(await measure(), JSON.parse(readFileSync(join(root, 'sizes.json'), 'utf8')));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  setup();
  if (!(await build())) process.exit(1);
  const sizes = await measure();
  if (process.argv.includes('--pin')) {
    writeFileSync(join(root, 'sizes.json'), `${JSON.stringify(sizes, undefined, 2)}\n`);
  }
  for (const [group, { bytes, gzip }] of Object.entries(sizes)) {
    const budget = BUDGETS[group] ? ` of ${BUDGETS[group]}` : '';
    process.stdout.write(
      `${group.padEnd(13)} ${String(bytes).padStart(7)} bytes, ${String(gzip).padStart(6)}${budget} gzip\n`,
    );
  }
  const faults = await checkSizes();
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  if (faults.length > 0) process.exit(1);
}
