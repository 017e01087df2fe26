import { strict as assert } from 'node:assert';
import { describe, it } from 'node:test';
import { createWorkerClock } from '../../src/engine/worker-clock.ts';

/** A worker whose timers the test ends. */
class FakeWorker extends EventTarget {
  readonly asked: unknown[] = [];
  isTerminated = false;
  postMessage(message: unknown): void {
    this.asked.push(message);
  }
  terminate(): void {
    this.isTerminated = true;
  }
  report(data: unknown): void {
    this.dispatchEvent(new MessageEvent('message', { data }));
  }
}

describe('the clock', () => {
  it('WK1: asks the worker, and passes on what it reports, once', () => {
    const worker = new FakeWorker();
    const fired: string[] = [];
    const clock = createWorkerClock(
      (id) => fired.push(id),
      () => worker,
    );
    clock.start('a', 500);
    worker.report({ type: 'fired', id: 'a' });
    worker.report({ type: 'fired', id: 'a' });
    assert.deepEqual(fired, ['a']);
    assert.deepEqual(worker.asked, [{ type: 'start', id: 'a', delay_ms: 500 }]);
    clock.close();
    assert.ok(worker.isTerminated);
  });

  it('WK1: a stopped timer that was already on its way means nothing', () => {
    const worker = new FakeWorker();
    const fired: string[] = [];
    const clock = createWorkerClock(
      (id) => fired.push(id),
      () => worker,
    );
    clock.start('a', 500);
    clock.stop('a');
    worker.report({ type: 'fired', id: 'a' });
    worker.report('nonsense');
    worker.report({ type: 'fired', id: 7 });
    assert.deepEqual(fired, []);
    clock.close();
  });

  it('keeps time in the page where no worker may run', async () => {
    const fired = await new Promise<string>((resolve) => {
      const clock = createWorkerClock(resolve, () => {
        throw new DOMException('refused by the policy', 'SecurityError');
      });
      clock.start('a', 1);
    });
    assert.equal(fired, 'a');
  });

  it('takes the timers over when the worker fails later', async () => {
    const worker = new FakeWorker();
    const fired = new Promise<string>((resolve) => {
      const clock = createWorkerClock(resolve, () => worker);
      clock.start('a', 1);
    });
    worker.dispatchEvent(new Event('error'));
    assert.equal(await fired, 'a');
    assert.ok(worker.isTerminated);
  });

  it('fires nothing after it was closed', () => {
    const worker = new FakeWorker();
    const fired: string[] = [];
    const clock = createWorkerClock(
      (id) => fired.push(id),
      () => worker,
    );
    clock.start('a', 500);
    clock.close();
    worker.report({ type: 'fired', id: 'a' });
    assert.deepEqual(fired, []);
  });
});
