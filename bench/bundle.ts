/** One way to bundle and minify for everything that is compared. */
import { isBuiltin } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import type { Plugin } from 'vite';
import { workerSourcePlugin } from '../scripts/lib/worker-source-plugin.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ENTRY = 'virtual:bench-entry';

/** A script, and the chunks that it loads only when needed. */
export type Bundle = { readonly entry: string; readonly chunks: readonly string[] };

/** A page's script from a file of a checkout (ours, or the one at `root`), whole: nothing beside it has to be loaded. */
export async function bundleFile(path: string, root = ROOT): Promise<string> {
  return (await bundle(path, root, [], false)).entry;
}

/** What a page would load that has this one line of code. */
export async function bundleCode(code: string): Promise<Bundle> {
  const entry: Plugin = {
    name: 'bench-entry',
    resolveId: (id) => (id === ENTRY ? `${ROOT}bench-entry.js` : undefined),
    load: (id) => (id === `${ROOT}bench-entry.js` ? code : undefined),
  };
  return await bundle(ENTRY, ROOT, [entry], true);
}

async function bundle(input: string, root: string, plugins: readonly Plugin[], isSplit: boolean): Promise<Bundle> {
  const result = await build({
    configFile: false,
    root,
    logLevel: 'error',
    publicDir: false,
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [...plugins, workerSourcePlugin(root)],
    build: {
      write: false,
      target: 'es2022',
      minify: true,
      modulePreload: false,
      rolldownOptions: {
        input,
        preserveEntrySignatures: 'strict',
        output: { format: 'es', comments: false, codeSplitting: isSplit },
      },
    },
  });
  const outputs = Array.isArray(result) ? result : [result];
  const scripts = outputs
    .flatMap((each) => ('output' in each ? each.output : []))
    .filter((file) => file.type === 'chunk');
  const entry = scripts.find(({ isEntry }) => isEntry);
  if (!entry) throw new Error(`nothing was built of ${input}`);
  const foreign = scripts.flatMap(({ imports }) => imports).filter((name) => isBuiltin(name));
  if (foreign.length > 0) throw new Error(`${input} does not run in a browser: it needs ${foreign.join(', ')}`);
  return { entry: entry.code, chunks: scripts.filter((file) => file !== entry).map(({ code }) => code) };
}
