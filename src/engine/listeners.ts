/** The page's listeners. One that throws is the page's own error, reported as such; the others and the room go on. */
export class Listeners<T> {
  readonly #listeners = new Set<(value: T) => void>();

  /** Returns the way to stop. */
  add(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(value: T): void {
    for (const listener of this.#listeners) {
      try {
        listener(value);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  clear(): void {
    this.#listeners.clear();
  }
}
