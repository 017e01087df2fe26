/** Where idb-keyval has an IndexedDB store: one in memory that clones what it is given, and that can be made to fail. */
import type { UseStore } from 'idb-keyval';

type Request = { result?: unknown; onsuccess?: () => void; oncomplete?: () => void };

export class FakeStore {
  readonly values = new Map<string, unknown>();
  /** What to do in place of answering. */
  failure: 'none' | 'rejects' | 'silent' | 'full' = 'none';
  uses = 0;
  /** Runs once, before the next change: what another tab does between our reading and our writing. */
  beforeWrite: (() => void) | undefined;

  readonly use: UseStore = (mode, callback) => {
    this.uses += 1;
    if (mode === 'readwrite') {
      this.beforeWrite?.();
      this.beforeWrite = undefined;
    }
    if (this.failure === 'rejects') return Promise.reject(new DOMException('not here', 'SecurityError'));
    if (this.failure === 'silent') return new Promise(() => {});
    // the part of IDBObjectStore that idb-keyval's `get` and `update` use
    return Promise.resolve(callback(this.#objectStore() as unknown as IDBObjectStore));
  };

  #objectStore(): object {
    const transaction: Request = {};
    return {
      transaction,
      get: (key: string) => {
        const request: Request = {};
        queueMicrotask(() => {
          request.result = structuredClone(this.values.get(key));
          request.onsuccess?.();
        });
        return request;
      },
      put: (value: unknown, key: string) => {
        if (this.failure === 'full') throw new DOMException('no room', 'QuotaExceededError');
        this.values.set(key, structuredClone(value));
        queueMicrotask(() => transaction.oncomplete?.());
      },
    };
  }
}
