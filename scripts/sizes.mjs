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
/**
 * Bytes of gzip; a kB here is 1,000 bytes but for the first script, whose limit is stated in KiB. Why room and engine may
 * weigh so much: docs/decisions/2026-11-21-key-agreement.md and 2026-11-27-frames-in-the-session.md.
 */
export const BUDGETS = { 'first-script': 6 * KIB, room: 109_000, engine: 73_500 };

/** What is loaded by itself, and what only when somebody needs it; each with all that it imports statically. */
const ENTRIES = {
  room: /^(tai\.js|chunks\/drop-in-rest-.*)$/,
  // `identity="device"`
  device: /^chunks\/device-/,
  // the dialog for comparing codes; QR codes, and reading them where the browser cannot
  verify: /^chunks\/(verify-dialog|qr|decode)-/,
  // `sharePath`
  report: /^chunks\/path-report-/,
  // where a relay issues TURN credentials
  turn: /^chunks\/(relay-calls|turn-issue)-/,
  // `private`
  private: /^chunks\/hidden-path-/,
  // stands in for browsers without these algorithms of their own, and is fetched by nobody else
  fallback: /^chunks\/(ed25519|ml-kem)-/,
};
const FILES = {
  'first-script': 'tai.js',
  worker: 'session.worker.js',
  single: 'tai.single.js',
  engine: 'engine.js',
  e2ee: 'e2ee.js',
};

/** `{group: [path]}` of `{path: bytes}`: a file counts in the first group that reaches it. Throws for a chunk that none does. */
export function groupFiles(files) {
  const groups = Object.fromEntries(Object.entries(FILES).map(([group, path]) => [group, [path]]));
  const counted = new Set();
  for (const [group, isEntry] of Object.entries(ENTRIES)) {
    const reached = reach(
      files,
      [...files.keys()].filter((path) => isEntry.test(path)),
    );
    groups[group] = reached.filter((path) => !counted.has(path));
    for (const path of reached) counted.add(path);
  }
  const lost = [...files.keys()].filter((path) => path.startsWith('chunks/') && !counted.has(path));
  if (lost.length > 0) throw new Error(`sizes: chunks of no group: ${lost.join(', ')}`);
  return groups;
}

/** These files and all that they import statically. */
function reach(files, entries) {
  const reached = [...entries];
  for (const path of reached) {
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    const code = String(files.get(path) ?? '');
    for (const [, name] of code.matchAll(/\b(?:from|import)\s*["'`]\.\/([^"'`]+)["'`]/g)) {
      if (!reached.includes(`${folder}${name}`)) reached.push(`${folder}${name}`);
    }
  }
  return reached;
}

/** An entry without elements by itself, with its packages, as a page that uses nothing else would bundle it. */
async function measureEntry(source) {
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
      lib: { entry: { entry: join(root, source) }, formats: ['es'] },
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
  const files = new Map(output.map((file) => [file.fileName, Buffer.from(file.code ?? '')]));
  return Buffer.concat(reach(files, ['entry.js']).map((path) => files.get(path)));
}

/** `{group: {bytes, gzip}}`. Gzip file by file, as they are sent. */
export async function measure() {
  const dist = join(root, 'dist');
  const files = new Map(listFiles(dist).map((path) => [path, readFileSync(join(dist, path))]));
  files.set('engine.js', await measureEntry('src/engine/index.ts'));
  files.set('e2ee.js', await measureEntry('src/engine/e2ee.ts'));
  const sizes = {};
  for (const [group, paths] of Object.entries(groupFiles(files))) {
    const chosen = paths.map((path) => files.get(path) ?? Buffer.alloc(0));
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
