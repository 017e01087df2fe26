/**
 * The worker of a session: it keeps the time and seals the frames. Started once, watched, and started anew where it dies;
 * where none may run at all, whoever needs it is told, and no frame is sent.
 */
import { parseWorkerReport } from './protocol/worker.ts';
import type { WorkerReport, WorkerRequest } from './protocol/worker.ts';

/** The part of `Worker` that is used. */
export type PageWorker = Pick<Worker, 'postMessage' | 'addEventListener' | 'terminate'>;

/** A worker that dies this often in one session would die again. */
const RESTARTS_MAX = 5;

export type WorkerHandlers = {
  onReport(report: WorkerReport): void;
  /** A new worker runs: it knows nothing of what the one before was told. */
  onRestart(): void;
  /** There is none, and there will be none. */
  onLost(): void;
};

export class SessionWorker {
  /** Resolves once the worker's script runs; rejects where it never will. */
  readonly started: Promise<void>;
  readonly #create: () => PageWorker;
  readonly #users: WorkerHandlers[] = [];
  #worker: PageWorker | undefined;
  #restarts = 0;
  #hasStarted = false;
  #settle: { resolve(): void; reject(reason: Error): void } | undefined;

  /** `create` may throw (CSP). */
  constructor(create: () => PageWorker) {
    this.#create = create;
    this.started = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // for who waits for it
    this.started.catch(() => undefined);
    this.#start();
  }

  /** The running worker, for what can only be given to it itself; `undefined` where there is none. */
  get worker(): PageWorker | undefined {
    return this.#worker;
  }

  addUser(user: WorkerHandlers): void {
    this.#users.push(user);
  }

  post(request: WorkerRequest): void {
    this.#worker?.postMessage(request);
  }

  /** The worker does not answer any more. */
  restart(): void {
    if (!this.#worker) return;
    this.#worker.terminate();
    this.#worker = undefined;
    // one whose script has never run is kept from running
    if (!this.#hasStarted || this.#restarts >= RESTARTS_MAX || !this.#start()) return this.#lose();
    this.#restarts += 1;
    for (const user of this.#users) user.onRestart();
  }

  /** It has not done in time what it had to. One that is still being loaded is not meant. */
  suspect(): void {
    if (this.#hasStarted) this.restart();
  }

  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  close(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#settle?.reject(new Error('session: it is over'));
    this.#users.length = 0;
  }

  #start(): boolean {
    try {
      const worker = this.#create();
      worker.addEventListener('message', (event) => this.#receive(worker, (event as MessageEvent<unknown>).data));
      worker.addEventListener('error', () => worker === this.#worker && this.restart());
      this.#worker = worker;
      return true;
    } catch {
      // refused by the page's policy: nobody has asked for anything yet where it is the first
      if (!this.#hasStarted) this.#settle?.reject(new Error('session: the worker may not run'));
      return false;
    }
  }

  #receive(worker: PageWorker, data: unknown): void {
    if (worker !== this.#worker) return;
    const report = parseWorkerReport(data);
    if (!report) return;
    if (report.type === 'started') {
      this.#hasStarted = true;
      this.#settle?.resolve();
    }
    for (const user of this.#users) user.onReport(report);
  }

  #lose(): void {
    this.#settle?.reject(new Error('session: the worker does not run'));
    for (const user of this.#users) user.onLost();
  }
}
