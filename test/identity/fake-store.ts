/** Where idb-keyval has an IndexedDB store: one in memory that clones what it is given, and that can be made to fail. */
import type { UseStore } from 'idb-keyval';

type Request = {
  result?: unknown;
  onsuccess?: () => void;
  oncomplete?: () => void;
  onabort?: () => void;
  abort?: () => void;
};

export class FakeStore {
  readonly values = new Map<string, unknown>();
  /** What to do in place of answering. `late`: it answers when `catchUp` is called. `slow`: what was put is there when it is. */
  failure: 'none' | 'rejects' | 'silent' | 'full' | 'late' | 'slow' = 'none';
  uses = 0;
  /** Runs once, before the next change: what another tab does between our reading and our writing. */
  beforeWrite: (() => void) | undefined;
  readonly #late: (() => void)[] = [];

  readonly use: UseStore = async (mode, callback) => {
    this.uses += 1;
    if (mode === 'readwrite') {
      this.beforeWrite?.();
      this.beforeWrite = undefined;
    }
    if (this.failure === 'rejects') throw new DOMException('not here', 'SecurityError');
    if (this.failure === 'silent') return new Promise(() => {});
    if (this.failure === 'late') await new Promise<void>((resolve) => this.#late.push(resolve));
    // the part of IDBObjectStore that idb-keyval's `get` and `update` use
    return callback(this.#objectStore() as unknown as IDBObjectStore);
  };

  /** Does all that it was asked for while it was late or slow. */
  catchUp(): void {
    for (let next = this.#late.shift(); next; next = this.#late.shift()) next();
  }

  #objectStore(): object {
    let isOver = false;
    const transaction: Request = {
      abort: () => {
        if (isOver) throw new DOMException('it is over', 'InvalidStateError');
        isOver = true;
        queueMicrotask(() => transaction.onabort?.());
      },
    };
    const commit = (key: string, value: unknown): void => {
      if (isOver) return;
      isOver = true;
      this.values.set(key, structuredClone(value));
      queueMicrotask(() => transaction.oncomplete?.());
    };
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
        structuredClone(value);
        if (this.failure === 'slow') this.#late.push(() => commit(key, value));
        else commit(key, value);
      },
    };
  }
}
