/**
 * The page's hand on its sealed frames: puts the worker's transform into every sender and receiver, gives the worker its
 * keys, and asks what it has counted. Nothing here can let a frame through: where a step fails, nothing is sent.
 */
import type { FrameHandlers, FramePort } from './ports.ts';
import type { Bytes } from './protocol/bytes.ts';
import { TaiError } from './protocol/errors.ts';
import type { FrameCounts, TransformAddress } from './protocol/worker.ts';
import type { SessionWorker } from './session-worker.ts';

/** A worker that has not answered for so long will not. */
const ANSWER_MS = 5_000;
/** One may be kept from it: the whole page was asleep. */
const UNANSWERED_MAX = 2;
/** A worker whose script has not run by then will not: what hosts it does not answer. */
const START_MS = 15_000;

type EncodedStreams = { readonly readable: ReadableStream; readonly writable: WritableStream };
type RtpEnd = RTCRtpSender | RTCRtpReceiver;
/** Chromium before 141 has only this. */
type LegacyEnd = RtpEnd & { createEncodedStreams?: () => EncodedStreams };
type Answer = {
  readonly resolve: (counts: readonly FrameCounts[] | undefined) => void;
  readonly timer: ReturnType<typeof setTimeout>;
};

export class FrameSeals implements FramePort {
  readonly #worker: SessionWorker;
  readonly #answers = new Map<number, Answer>();
  #asked = 0;
  #named = 0;
  /** In a row. */
  #unanswered = 0;

  constructor(worker: SessionWorker, handlers: FrameHandlers) {
    this.#worker = worker;
    worker.addUser({
      onReport: (report) => {
        if (report.type === 'frames') handlers.onState(report, report.state);
        else if (report.type === 'flow') handlers.onFlow(report.link, report.isFlowing, report.stream);
        else if (report.type === 'counts') this.#answered(report.id, report.counts);
      },
      onRestart: () => {
        this.#giveUp();
        this.#unanswered = 0;
        handlers.onLost(false);
      },
      onLost: () => {
        this.#giveUp();
        handlers.onLost(true);
      },
    });
  }

  /** Whether the worker runs; that this browser has transforms, `createSession` has seen. Rejects with a `TaiError`: `worker-blocked`. */
  async ready(): Promise<void> {
    if (!(await this.#isRunning())) throw new TaiError('worker-blocked', 'session: the page lets no worker run');
  }

  /** In the task in which the sender or receiver was made: later, Chromium would have let frames through without the flag. */
  attach(end: RtpEnd, address: TransformAddress): void {
    const { worker } = this.#worker;
    if (!worker) throw new TaiError('worker-blocked', 'session: no worker');
    if (typeof RTCRtpScriptTransform === 'function') {
      end.transform = new RTCRtpScriptTransform(worker as Worker, address);
      return;
    }
    const streams = (end as LegacyEnd).createEncodedStreams?.();
    if (!streams) throw new TaiError('unsupported-browser', 'session: this browser cannot seal frames');
    const { readable, writable } = streams;
    worker.postMessage({ type: 'streams', address, readable, writable }, [readable, writable]);
  }

  nameLink(): string {
    this.#named += 1;
    return String(this.#named);
  }

  setSealKey(link: string, generation: number, key: Bytes): void {
    this.#worker.post({ type: 'seal-key', link, generation, key });
  }

  addOpenKey(link: string, generation: number, key: Bytes): void {
    this.#worker.post({ type: 'open-key', link, generation, key });
  }

  closeLink(link: string): void {
    this.#worker.post({ type: 'close-link', link });
  }

  /** What each transform has counted; `undefined` where the worker does not answer, which is started anew the second time. */
  counts(): Promise<readonly FrameCounts[] | undefined> {
    if (!this.#worker.worker) return Promise.resolve(undefined);
    const id = (this.#asked += 1);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#answered(id, undefined);
        this.#unanswered += 1;
        if (this.#unanswered >= UNANSWERED_MAX) this.#worker.restart();
      }, ANSWER_MS);
      this.#answers.set(id, { resolve, timer });
      this.#worker.post({ type: 'count', id });
    });
  }

  close(): void {
    this.#giveUp();
    this.#worker.close();
  }

  async #isRunning(): Promise<boolean> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, START_MS);
    });
    try {
      await Promise.race([this.#worker.started, late]);
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
    return this.#worker.hasStarted && this.#worker.worker !== undefined;
  }

  #answered(id: number, counts: readonly FrameCounts[] | undefined): void {
    const answer = this.#answers.get(id);
    if (!answer) return;
    this.#answers.delete(id);
    clearTimeout(answer.timer);
    if (counts) this.#unanswered = 0;
    answer.resolve(counts);
  }

  #giveUp(): void {
    for (const id of this.#answers.keys()) this.#answered(id, undefined);
  }
}

/** Whether this browser has any way to put a worker between encoder and network. */
export function canSealFrames(): boolean {
  if (typeof RTCPeerConnection !== 'function' || typeof RTCRtpSender !== 'function') return false;
  return typeof RTCRtpScriptTransform === 'function' || 'createEncodedStreams' in RTCRtpSender.prototype;
}
