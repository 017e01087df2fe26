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
  #state: 'untried' | 'kept' | 'refused' = 'untried';

  constructor(store: UseStore, deadlineMs: number = STORAGE_DEADLINE_MS) {
    this.#store = store;
    this.#deadlineMs = deadlineMs;
  }

  get isKept(): boolean {
    return this.#state === 'kept';
  }

  async read(key: string): Promise<unknown> {
    await this.#attempt(async () => {
      const value: unknown = await get<unknown>(key, this.#store);
      await this.#copy.update(key, () => value);
    });
    return this.#copy.read(key);
  }

  async update(key: string, change: (value: unknown) => unknown): Promise<void> {
    const isDone = await this.#attempt(async () => {
      let next: unknown;
      await update<unknown>(key, (value) => (next = change(value)), this.#store);
      await this.#copy.update(key, () => next);
    });
    if (!isDone) await this.#copy.update(key, change);
  }

  /** Whether it was done in storage. After a failure storage is left alone: what it holds may not be what we go on with. */
  async #attempt(work: () => Promise<void>): Promise<boolean> {
    if (this.#state === 'refused') return false;
    try {
      await beforeDeadline(work(), this.#deadlineMs);
      this.#state = 'kept';
      return true;
    } catch {
      this.#state = 'refused';
      return false;
    }
  }
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
