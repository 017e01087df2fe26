/** What the session worker of a page holds in memory after the garbage is gone; of Chromium. */
import type { TestPage } from './browsers.ts';

/** Bytes: of JavaScript, of the browser's own objects behind it, and of buffers. */
export type WorkerMemory = { readonly script: number; readonly browser: number; readonly buffers: number };

type HeapUsage = {
  readonly usedSize: number;
  readonly embedderHeapUsedSize?: number;
  readonly backingStorageSize?: number;
};
type Answer = { readonly id: number; readonly result?: unknown; readonly error?: { readonly message: string } };

export class WorkerWatch {
  readonly #send: (method: string) => Promise<unknown>;

  private constructor(send: (method: string) => Promise<unknown>) {
    this.#send = send;
  }

  /** Of the page's only worker. */
  static async of(page: TestPage): Promise<WorkerWatch> {
    const devtools = await page.devtools();
    const waiting = new Map<number, (answer: Answer) => void>();
    devtools.on('Target.receivedMessageFromTarget', (parameters) => {
      const answer = JSON.parse((parameters as { message: string }).message) as Answer;
      waiting.get(answer.id)?.(answer);
      waiting.delete(answer.id);
    });
    const attached = new Promise<string>((resolve) => {
      devtools.on('Target.attachedToTarget', (parameters) => {
        const { sessionId, targetInfo } = parameters as { sessionId: string; targetInfo: { type: string } };
        if (targetInfo.type === 'worker') resolve(sessionId);
      });
    });
    await devtools.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
    const sessionId = await attached;
    let asked = 0;
    return new WorkerWatch(async (method) => {
      const id = (asked += 1);
      const answered = new Promise<Answer>((resolve) => {
        waiting.set(id, resolve);
      });
      await devtools.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method }) });
      const { result, error } = await answered;
      if (error) throw new Error(`${method}: ${error.message}`);
      return result;
    });
  }

  async memory(): Promise<WorkerMemory> {
    for (let round = 0; round < 3; round++) await this.#send('HeapProfiler.collectGarbage');
    const usage = (await this.#send('Runtime.getHeapUsage')) as HeapUsage;
    return {
      script: usage.usedSize,
      browser: usage.embedderHeapUsedSize ?? 0,
      buffers: usage.backingStorageSize ?? 0,
    };
  }
}
