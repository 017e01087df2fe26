/**
 * The text of `src/workers/session.worker.ts`, bundled into one classic script (no imports, minified), ready for
 * `new Worker(URL.createObjectURL(new Blob([sessionWorkerSource], { type: 'text/javascript' })))`.
 *
 * Every `src/workers/<name>.worker.ts` is offered as `virtual:<name>-worker-source` by one plugin,
 * `scripts/lib/worker-source-plugin.mjs`: in the Vite build and, un-built, under @web/test-runner. The same text is
 * published as `dist/<name>.worker.js`, for pages whose CSP forbids `blob:` workers (`worker-url`), and as the npm
 * entry `./worker`.
 *
 * Node cannot resolve it: only `browser-ports.ts` may import it, and begins with
 * `/// <reference path="./session-worker-source.d.ts" />` so that each type pass finds this declaration.
 */
declare module 'virtual:session-worker-source' {
  const sessionWorkerSource: string;
  export default sessionWorkerSource;
}
