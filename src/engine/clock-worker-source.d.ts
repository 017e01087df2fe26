/**
 * The text of `src/workers/clock.worker.ts`, bundled into one classic script (no imports, minified), ready for
 * `new Worker(URL.createObjectURL(new Blob([clockWorkerSource], { type: 'text/javascript' })))`.
 *
 * Every `src/workers/<name>.worker.ts` is offered as `virtual:<name>-worker-source` by one plugin,
 * `scripts/lib/worker-source-plugin.mjs`: in the Vite build and, un-built, under @web/test-runner. The same text is
 * published as `dist/<name>.worker.js`, for pages whose CSP forbids `blob:` workers (`worker-url`), and as the npm
 * entry `./worker`.
 *
 * Node cannot resolve it: only `browser-ports.ts` may import it, and begins with
 * `/// <reference path="./clock-worker-source.d.ts" />` so that each type pass finds this declaration.
 */
declare module 'virtual:clock-worker-source' {
  const clockWorkerSource: string;
  export default clockWorkerSource;
}
