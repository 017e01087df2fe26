/**
 * `virtual:<name>-worker-source`: the text of `src/workers/<name>.worker.ts` as one classic script, for a `blob:` worker.
 * One bundling, three users: the Vite builds, the published `<name>.worker.js`, and un-built modules under
 * @web/test-runner (an import of `virtual:…` means nothing to a browser, so it is served under a path there).
 */
import { join } from 'node:path';
import { build } from 'vite';
import { root } from '../setup.mjs';

const PATTERN = /^virtual:([a-z-]+)-worker-source$/;
const SERVED = /^\/__virtual\/([a-z-]+)-worker-source\.js$/;

/**
 * Bundled and minified; no imports left in it. Imported where there is no worker scope (Node), it does nothing. `from` is
 * the checkout that it is the worker of.
 */
export async function workerSource(name, from = root) {
  const result = await build({
    configFile: false,
    root: from,
    logLevel: 'warn',
    publicDir: false,
    build: {
      write: false,
      target: 'es2022',
      minify: true,
      modulePreload: false,
      rolldownOptions: {
        input: join(from, 'src', 'workers', `${name}.worker.ts`),
        output: { format: 'iife', comments: false },
      },
    },
  });
  const { output } = Array.isArray(result) ? result[0] : result;
  return `typeof self=='object'&&${output[0].code.trim()}\n`;
}

/** For Vite. */
export function workerSourcePlugin(from = root) {
  return {
    name: 'tai-worker-source',
    resolveId: (id) => (PATTERN.test(id) ? `\0${id}` : undefined),
    async load(id) {
      const name = id.startsWith('\0') ? PATTERN.exec(id.slice(1))?.[1] : undefined;
      return name ? `export default ${JSON.stringify(await workerSource(name, from))};` : undefined;
    },
  };
}

/** For @web/test-runner: bundled once a run. */
export function workerSourceServerPlugin() {
  const sources = new Map();
  return {
    name: 'tai-worker-source',
    resolveImport({ source }) {
      const name = PATTERN.exec(source)?.[1];
      return name ? `/__virtual/${name}-worker-source.js` : undefined;
    },
    async serve({ path }) {
      const name = SERVED.exec(path)?.[1];
      if (!name) return undefined;
      if (!sources.has(name)) sources.set(name, workerSource(name));
      return { body: `export default ${JSON.stringify(await sources.get(name))};`, type: 'js' };
    },
  };
}
