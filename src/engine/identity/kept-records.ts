/**
 * Records in IndexedDB, which keeps keys that no script can read (W3C WebCrypto §5.2: a CryptoKey is cloned, not exported).
 * Where the browser refuses (no IndexedDB, private windows, no room, cookies blocked) or does not answer, the page goes on
 * with a copy in memory, of what it had read so far, until it ends. Nothing here rejects.
 */
import { createStore, get, update } from 'idb-keyval';
import type { UseStore } from 'idb-keyval';
import { MemoryRecords } from './records.ts';
import type { Records } from './records.ts';

const STORE = 'records';
/** A storage that takes longer holds up a person who wants to join; usual is below 10 ms. */
export const STORAGE_DEADLINE_MS = 3_000;

export class KeptRecords implements Records {
  readonly #store: UseStore;
  readonly #deadlineMs: number;
  readonly #copy = new MemoryRecords();
  /** Aborted at the first failure: storage is left alone from then on, also by work that it still has in hand. */
  readonly #refusal = new AbortController();
  #hasKept = false;

  constructor(store: UseStore, deadlineMs: number = STORAGE_DEADLINE_MS) {
    this.#store = abortable(store, this.#refusal.signal);
    this.#deadlineMs = deadlineMs;
  }

  get isKept(): boolean {
    return this.#hasKept && !this.#refusal.signal.aborted;
  }

  async read(key: string): Promise<unknown> {
    await this.#attempt(async (signal) => {
      const value: unknown = await get<unknown>(key, this.#store);
      signal.throwIfAborted();
      await this.#copy.update(key, () => value);
    });
    return this.#copy.read(key);
  }

  async update(key: string, change: (value: unknown) => unknown): Promise<void> {
    const isDone = await this.#attempt(async (signal) => {
      let next: unknown;
      await update<unknown>(key, (value) => (next = change(value)), this.#store);
      signal.throwIfAborted();
      await this.#copy.update(key, () => next);
    });
    if (!isDone) await this.#copy.update(key, change);
  }

  /** Whether it was done in storage. After a failure storage is left alone: what it holds may not be what we go on with. */
  async #attempt(work: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    const { signal } = this.#refusal;
    if (signal.aborted) return false;
    try {
      await beforeDeadline(work(signal), this.#deadlineMs);
      this.#hasKept = true;
      return true;
    } catch {
      this.#refusal.abort();
      return false;
    }
  }
}

/**
 * The same store until `signal` is aborted: then no transaction begins any more, and those that are not over are undone. What was
 * given up after a while must not be written later, over what the page has gone on with.
 */
function abortable(store: UseStore, signal: AbortSignal): UseStore {
  return <T>(mode: IDBTransactionMode, use: (records: IDBObjectStore) => T | PromiseLike<T>): Promise<T> =>
    store<T>(mode, async (records) => {
      signal.throwIfAborted();
      const undo = (): void => {
        try {
          records.transaction.abort();
        } catch {
          // it is over, or the browser is writing it
        }
      };
      signal.addEventListener('abort', undo);
      try {
        return await use(records);
      } finally {
        signal.removeEventListener('abort', undo);
      }
    });
}

/** A database of its own: idb-keyval gives it one object store, and no second one later. Opened at the first use. */
export function openRecords(database: string): Records {
  return new KeptRecords(createStore(database, STORE));
}

async function beforeDeadline(work: Promise<void>, deadlineMs: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('storage does not answer')), deadlineMs);
  });
  try {
    await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
