/// <reference path="../../src/engine/session-worker-source.d.ts" />
/** The inlined worker text, as a page starts it: proves the bundling and the browser, not the clock's logic. */
import sessionWorkerSource from 'virtual:session-worker-source';

describe('the inlined worker', () => {
  it('runs from a blob: address and reports the timer that was asked for', async () => {
    const url = URL.createObjectURL(new Blob([sessionWorkerSource], { type: 'text/javascript' }));
    const worker = new Worker(url);
    try {
      const report = await new Promise<unknown>((resolve, reject) => {
        worker.addEventListener('message', ({ data }: MessageEvent<{ readonly type: string }>) => {
          if (data.type === 'fired') resolve(data);
        });
        worker.addEventListener('error', () => reject(new Error('the worker did not start')));
        worker.postMessage({ type: 'start', id: 'a', delay_ms: 0 });
      });
      const text = JSON.stringify(report);
      if (text !== '{"type":"fired","id":"a"}') throw new Error(`unexpected report ${text}`);
    } finally {
      worker.terminate();
      URL.revokeObjectURL(url);
    }
  });

  it('is one classic script, without imports', () => {
    if (/\b(import|export)\b/.test(sessionWorkerSource)) throw new Error('the text has imports or exports');
  });
});
