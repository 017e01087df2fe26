import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeptRecords, openRecords } from '../../src/engine/identity/kept-records.ts';
import { MemoryRecords } from '../../src/engine/identity/records.ts';
import type { Records } from '../../src/engine/identity/records.ts';
import { FakeStore } from './fake-store.ts';

const add = (value: unknown): unknown => (typeof value === 'number' ? value : 0) + 1;

function contract(create: () => Records): void {
  it('have nothing, then what was put there, then nothing again', async () => {
    const records = create();
    assert.equal(await records.read('a'), undefined);
    await records.update('a', () => 'x');
    assert.deepEqual([await records.read('a'), await records.read('b')], ['x', undefined]);
    await records.update('a', () => undefined);
    assert.equal(await records.read('a'), undefined);
  });

  it('lose no change of many at once', async () => {
    const records = create();
    await Promise.all(Array.from({ length: 20 }, () => records.update('n', add)));
    assert.equal(await records.read('n'), 20);
  });
}

describe('records in memory', () => {
  contract(() => new MemoryRecords());
});

describe('records in storage', () => {
  contract(() => new KeptRecords(new FakeStore().use));

  it('outlive those who wrote them, and say so once they have seen it', async () => {
    const store = new FakeStore();
    const records = new KeptRecords(store.use);
    assert.equal(records.isKept, false);
    await records.update('a', () => 'x');
    assert.equal(records.isKept, true);
    const later = new KeptRecords(store.use);
    assert.equal(await later.read('a'), 'x');
    assert.equal(later.isKept, true);
  });
});

describe('records where storage is refused', () => {
  contract(() => {
    const store = new FakeStore();
    store.failure = 'rejects';
    return new KeptRecords(store.use);
  });

  it('are not kept, and ask no more', async () => {
    const store = new FakeStore();
    store.failure = 'rejects';
    const records = new KeptRecords(store.use);
    assert.equal(await records.read('a'), undefined);
    store.failure = 'none';
    await records.update('a', add);
    assert.deepEqual([records.isKept, store.uses, store.values.size], [false, 1, 0]);
  });

  it('begin without IndexedDB at all', async () => {
    assert.equal(typeof indexedDB, 'undefined', 'this runtime has IndexedDB: the test shows nothing');
    const records = openRecords('tai-room-test');
    await records.update('a', add);
    assert.deepEqual([await records.read('a'), records.isKept], [1, false]);
  });

  it('go on with what they had read, where there is no room for more', async () => {
    const store = new FakeStore();
    await new KeptRecords(store.use).update('n', () => 6);
    const records = new KeptRecords(store.use);
    assert.equal(await records.read('n'), 6);
    store.failure = 'full';
    await records.update('n', add);
    assert.deepEqual([await records.read('n'), records.isKept, store.values.get('n')], [7, false, 6]);
  });

  it('go on without a value that storage does not take', async () => {
    const records = new KeptRecords(new FakeStore().use);
    const unclonable = (): void => {};
    await records.update('a', () => unclonable);
    assert.deepEqual([await records.read('a'), records.isKept], [unclonable, false]);
  });

  it('do not wait for a storage that does not answer', async () => {
    const store = new FakeStore();
    store.failure = 'silent';
    const records = new KeptRecords(store.use, 1);
    await records.update('a', add);
    assert.deepEqual([await records.read('a'), records.isKept, store.uses], [1, false, 1]);
  });

  for (const failure of ['late', 'slow'] as const) {
    it(`write nothing that was given up, where it comes too ${failure}`, async () => {
      const store = new FakeStore();
      await new KeptRecords(store.use).update('a', () => 'before');
      store.failure = failure;
      const records = new KeptRecords(store.use, 1);
      await records.update('a', () => 'given up');
      assert.deepEqual([await records.read('a'), records.isKept], ['given up', false]);
      await records.update('a', () => 'gone on with');
      store.failure = 'none';
      store.catchUp();
      await new Promise(setImmediate);
      assert.equal(store.values.get('a'), 'before');
      assert.equal(await records.read('a'), 'gone on with');
    });
  }

  it('read nothing that comes too late: what was gone on with stays', async () => {
    const store = new FakeStore();
    await new KeptRecords(store.use).update('a', () => 'before');
    store.failure = 'late';
    const records = new KeptRecords(store.use, 1);
    assert.equal(await records.read('a'), undefined);
    await records.update('a', () => 'gone on with');
    store.failure = 'none';
    store.catchUp();
    await new Promise(setImmediate);
    assert.equal(await records.read('a'), 'gone on with');
  });

  it('are given up all at once: what was asked for beside the one that failed is not kept either', async () => {
    const store = new FakeStore();
    store.failure = 'slow';
    const records = new KeptRecords(store.use, 1);
    await Promise.all([records.update('a', add), records.update('b', add)]);
    store.catchUp();
    await new Promise(setImmediate);
    assert.deepEqual([await records.read('a'), await records.read('b'), records.isKept], [1, 1, false]);
    assert.equal(store.values.size, 0);
  });

  it('leave alone what was done before: undoing it is no failure', async () => {
    const store = new FakeStore();
    const records = new KeptRecords(store.use);
    await records.update('a', add);
    store.failure = 'rejects';
    await records.update('b', add);
    assert.deepEqual([store.values.get('a'), await records.read('b')], [1, 1]);
  });
});
