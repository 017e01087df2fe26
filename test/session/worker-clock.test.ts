import { strict as assert } from 'node:assert';
import { describe, it } from 'node:test';
import { SessionWorker } from '../../src/engine/session-worker.ts';
import type { PageWorker } from '../../src/engine/session-worker.ts';
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
    const clock = createWorkerClock((id) => fired.push(id), new SessionWorker(() => worker));
    clock.start('a', 500);
    worker.report({ type: 'fired', id: 'a' });
    worker.report({ type: 'fired', id: 'a' });
    assert.deepEqual(fired, ['a']);
    assert.deepEqual(worker.asked, [{ type: 'start', id: 'a', delay_ms: 500 }]);
    clock.close();
    worker.report({ type: 'fired', id: 'a' });
    assert.deepEqual(fired, ['a']);
  });

  it('WK1: a stopped timer that was already on its way means nothing', () => {
    const worker = new FakeWorker();
    const fired: string[] = [];
    const clock = createWorkerClock((id) => fired.push(id), new SessionWorker(() => worker));
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
      const refused = (): PageWorker => {
        throw new DOMException('refused by the policy', 'SecurityError');
      };
      const clock = createWorkerClock(resolve, new SessionWorker(refused));
      clock.start('a', 1);
    });
    assert.equal(fired, 'a');
  });

  it('takes the timers over where the worker is kept from running', async () => {
    const worker = new FakeWorker();
    const fired = new Promise<string>((resolve) => {
      const clock = createWorkerClock(resolve, new SessionWorker(() => worker));
      clock.start('a', 1);
    });
    worker.dispatchEvent(new Event('error'));
    assert.equal(await fired, 'a');
    assert.ok(worker.isTerminated);
  });

  it('asks the next worker for all timers where one dies', () => {
    const workers: FakeWorker[] = [];
    const clock = createWorkerClock(
      () => {},
      new SessionWorker(() => {
        const worker = new FakeWorker();
        workers.push(worker);
        return worker;
      }),
    );
    workers[0]?.report({ type: 'started' });
    clock.start('a', 500);
    clock.start('b', 700);
    clock.stop('a');
    workers[0]?.dispatchEvent(new Event('error'));
    assert.ok(workers[0]?.isTerminated);
    assert.deepEqual(workers[1]?.asked, [{ type: 'start', id: 'b', delay_ms: 700 }]);
    clock.close();
  });

  describe('a worker that ends without a word', () => {
    type Scene = { workers: FakeWorker[]; clock: ReturnType<typeof createWorkerClock>; fired: string[] };
    const scene = (): Scene => {
      const workers: FakeWorker[] = [];
      const fired: string[] = [];
      const create = (): PageWorker => {
        const worker = new FakeWorker();
        workers.push(worker);
        return worker;
      };
      return { workers, fired, clock: createWorkerClock((id) => fired.push(id), new SessionWorker(create)) };
    };

    it('WK3: is noticed where a timer is 10 s late, and the next one has all timers', ({ mock }) => {
      mock.timers.enable({ apis: ['setTimeout'] });
      const { workers, clock, fired } = scene();
      workers[0]?.report({ type: 'started' });
      clock.start('a', 2_000);
      clock.start('b', 60_000);
      mock.timers.tick(2_000);
      mock.timers.tick(9_999);
      assert.equal(workers.length, 1);
      mock.timers.tick(1);
      assert.ok(workers[0]?.isTerminated);
      const asked = (id: string, delay_ms: number): unknown => ({ type: 'start', id, delay_ms });
      assert.deepEqual(workers[1]?.asked, [asked('a', 2_000), asked('b', 60_000)]);
      workers[1]?.report({ type: 'fired', id: 'a' });
      assert.deepEqual(fired, ['a']);
      // the new one is held to the same
      mock.timers.tick(60_000);
      mock.timers.tick(10_000);
      assert.equal(workers.length, 3);
      clock.close();
      mock.timers.tick(100_000);
      mock.timers.tick(100_000);
      assert.equal(workers.length, 3);
    });

    it('is not suspected for a timer that has come, was stopped, or was started again', ({ mock }) => {
      mock.timers.enable({ apis: ['setTimeout'] });
      const { workers, clock } = scene();
      workers[0]?.report({ type: 'started' });
      for (const id of ['comes', 'late', 'stopped', 'again']) clock.start(id, 2_000);
      workers[0]?.report({ type: 'fired', id: 'comes' });
      mock.timers.tick(2_000);
      workers[0]?.report({ type: 'fired', id: 'late' });
      clock.stop('stopped');
      clock.start('again', 10_000);
      mock.timers.tick(9_000);
      assert.equal(workers.length, 1);
      clock.close();
    });

    it('is not meant while its script is being loaded', ({ mock }) => {
      mock.timers.enable({ apis: ['setTimeout'] });
      const { workers, clock } = scene();
      clock.start('a', 10);
      mock.timers.tick(10);
      mock.timers.tick(100_000);
      assert.equal(workers.length, 1);
      assert.equal(workers[0]?.isTerminated, false);
      clock.close();
    });
  });

  it('fires nothing after it was closed', () => {
    const worker = new FakeWorker();
    const fired: string[] = [];
    const clock = createWorkerClock((id) => fired.push(id), new SessionWorker(() => worker));
    clock.start('a', 500);
    clock.close();
    worker.report({ type: 'fired', id: 'a' });
    assert.deepEqual(fired, []);
  });
});
