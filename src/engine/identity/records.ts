/** What an identity remembers: values under keys. Those of `kept-records.ts` outlive the page, those of memory do not. */

export type Records = {
  /** What is here outlives the page: seen so far, since storage may be refused at any time. */
  readonly isKept: boolean;
  /** `undefined` = nothing there. What is read is parsed: other scripts of the page write here too. */
  read(key: string): Promise<unknown>;
  /**
   * Puts what `change` makes of the present value (`undefined` on either side = nothing there); nobody else writes in
   * between. `change` is synchronous, leaves its argument as it is, and can be called again where storage fails.
   */
  update(key: string, change: (value: unknown) => unknown): Promise<void>;
};

export class MemoryRecords implements Records {
  readonly isKept = false;
  readonly #values = new Map<string, unknown>();

  read(key: string): Promise<unknown> {
    return Promise.resolve(this.#values.get(key));
  }

  update(key: string, change: (value: unknown) => unknown): Promise<void> {
    this.#values.set(key, change(this.#values.get(key)));
    return Promise.resolve();
  }
}
