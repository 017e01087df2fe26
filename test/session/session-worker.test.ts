import { strict as assert } from 'node:assert';
import { describe, it } from 'node:test';
import { SessionWorker } from '../../src/engine/session-worker.ts';
import type { WorkerReport } from '../../src/engine/protocol/worker.ts';

/** A worker that does what the test says. */
class FakeWorker extends EventTarget {
  isTerminated = false;
  postMessage(): void {}
  terminate(): void {
    this.isTerminated = true;
  }
  report(data: unknown): void {
    this.dispatchEvent(new MessageEvent('message', { data }));
  }
  die(): void {
    this.dispatchEvent(new Event('error'));
  }
}

/** A session's worker, the workers behind it, and what its user was told. */
function scene(): { host: SessionWorker; workers: FakeWorker[]; told: string[]; latest: () => FakeWorker } {
  const workers: FakeWorker[] = [];
  const told: string[] = [];
  const host = new SessionWorker(() => {
    const worker = new FakeWorker();
    workers.push(worker);
    return worker;
  });
  host.addUser({
    onReport: ({ type }: WorkerReport) => told.push(type),
    onRestart: () => told.push('restart'),
    onLost: () => told.push('lost'),
  });
  return { host, workers, told, latest: () => workers.at(-1) as FakeWorker };
}

describe('the worker of a session', () => {
  it('has started when its script says so; what it cannot have said is dropped', async () => {
    const { host, told, latest } = scene();
    latest().report({ type: 'started' });
    await host.started;
    latest().report({ type: 'fired', id: 7 });
    latest().report('nonsense');
    latest().report({ type: 'fired', id: 'a' });
    assert.deepEqual(told, ['started', 'fired']);
  });

  it('that dies is started anew, and the old one is heard no more', () => {
    const { host, workers, told, latest } = scene();
    latest().report({ type: 'started' });
    latest().die();
    assert.equal(workers.length, 2);
    assert.ok(workers[0]?.isTerminated);
    workers[0]?.report({ type: 'fired', id: 'a' });
    workers[0]?.die();
    assert.deepEqual(told, ['started', 'restart']);
    assert.equal(host.worker, workers[1]);
  });

  it('that dies again and again is given up', () => {
    const { host, workers, told, latest } = scene();
    latest().report({ type: 'started' });
    for (let i = 0; i < 6; i++) latest().die();
    assert.equal(workers.length, 6);
    assert.equal(told.at(-1), 'lost');
    assert.equal(host.worker, undefined);
  });

  it('whose script never runs is not tried again: the page keeps it from running', async () => {
    const { host, workers, told, latest } = scene();
    latest().die();
    await assert.rejects(host.started);
    assert.equal(workers.length, 1);
    assert.deepEqual(told, ['lost']);
  });

  it('that may not even be made is none', async () => {
    const host = new SessionWorker(() => {
      throw new DOMException('refused by the policy', 'SecurityError');
    });
    await assert.rejects(host.started);
    assert.equal(host.worker, undefined);
    host.post({ type: 'count', id: 1 });
    host.restart();
  });

  it('that is closed ends, and tells nobody anything', () => {
    const { host, workers, told, latest } = scene();
    latest().report({ type: 'started' });
    host.close();
    assert.ok(workers[0]?.isTerminated);
    workers[0]?.report({ type: 'fired', id: 'a' });
    workers[0]?.die();
    assert.deepEqual(told, ['started']);
    assert.equal(workers.length, 1);
  });
});
