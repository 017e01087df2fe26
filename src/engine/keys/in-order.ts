/** Pieces of asynchronous work, one after the other in the order of the calls. */
export class InOrder {
  #last: Promise<unknown> = Promise.resolve();

  /** As the work does; it begins when all before it have ended, in whatever way. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    // who asked for the work hears of its failure
    this.#last = done.catch(() => undefined);
    return done;
  }
}
