/**
 * The builds: four passes over one source, each with its own way to split. `scripts/build.mjs` runs them; the output must
 * be the same bytes for the same commit, so nothing here may depend on time, path or machine.
 */
import { join } from 'node:path';
import { FRAME_FOLDER, demoPagesPlugin } from './scripts/lib/demo-pages-plugin.mjs';
import { listFiles } from './scripts/lib/files.mjs';
import { workerSourcePlugin } from './scripts/lib/worker-source-plugin.mjs';

const TARGET = 'es2022';
/** Anything that is neither relative, absolute, nor ours by a virtual name. */
const isPackage = (id) => /^[a-z@]/.test(id) && !id.startsWith('virtual:');

function base(root, outDir) {
  return {
    configFile: false,
    root,
    base: './',
    logLevel: 'warn',
    publicDir: false,
    plugins: [workerSourcePlugin()],
    build: {
      outDir,
      emptyOutDir: false,
      target: TARGET,
      minify: true,
      modulePreload: false,
      reportCompressedSize: false,
      chunkSizeWarningLimit: 2000,
    },
  };
}

function modules(root, outDir, input, output, options = {}) {
  const config = base(root, outDir);
  // As a library: without Vite's preload helper around dynamic imports, which adds link elements to the host's page.
  config.build.lib = { entry: input, formats: ['es'] };
  config.define = { 'process.env.NODE_ENV': '"production"' };
  config.build.rolldownOptions = { output: { comments: false, minify: true, ...output }, ...options };
  return config;
}

/** In the order in which they run. `root` is the checkout, `outDir` an empty folder. */
export function builds(root, outDir) {
  const source = (path) => join(root, 'src', path);
  const dropIn = modules(
    root,
    outDir,
    { tai: source('drop-in.ts') },
    {
      entryFileNames: '[name].js',
      chunkFileNames: 'chunks/[name]-[hash].js',
    },
  );
  const single = modules(
    root,
    outDir,
    { 'tai.single': source('drop-in.ts') },
    {
      entryFileNames: '[name].js',
      codeSplitting: false,
    },
  );
  const npm = modules(
    root,
    join(outDir, 'npm'),
    {
      index: source('index.ts'),
      define: source('define.ts'),
      engine: source('engine/index.ts'),
      e2ee: source('engine/e2ee.ts'),
    },
    // A page's bundler minifies; readable code helps who debugs.
    { entryFileNames: '[name].js', chunkFileNames: 'chunks/[name].js', minify: false },
    { external: isPackage },
  );
  const demo = base(join(root, 'demo'), outDir);
  demo.base = '/';
  demo.publicDir = join(root, 'demo', 'public');
  demo.plugins.push(demoPagesPlugin());
  demo.build.rolldownOptions = {
    input: listFiles(join(root, 'demo'))
      .filter((path) => path.endsWith('.html') && !path.startsWith('public/') && !path.startsWith(`${FRAME_FOLDER}/`))
      .map((path) => join(root, 'demo', path)),
    output: { format: 'es', comments: false },
  };
  // A data: address would need `data:` in the page's policy.
  demo.build.assetsInlineLimit = 0;
  // What knows light-dark(), as the elements need anyway: for older ones Vite would follow the system's scheme, not the page's.
  demo.build.cssTarget = ['chrome123', 'firefox120', 'safari17.5'];
  return demo.build.rolldownOptions.input.length > 0 ? [dropIn, single, npm, demo] : [dropIn, single, npm];
}
