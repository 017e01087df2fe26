/**
 * One transform: reads the frames of a sender or receiver one by one, seals or opens each, and writes it on; or drops it, and
 * counts why. Never passes a frame on as it is, and never throws: both browsers end a stream whose transform does.
 */
import { frameLayoutOf } from '../engine/crypto/frame-layout/layouts.ts';
import { release } from '../engine/crypto/release.ts';
import type { SframeReceiver } from '../engine/crypto/sframe-receiver.ts';
import type { SframeSender, SframeStream } from '../engine/crypto/sframe-sender.ts';
import type { FrameCounts, FrameState, TransformAddress } from '../engine/protocol/worker.ts';
import { FlowWatch } from './flow-watch.ts';

/** Frames come, and none has opened for so long: the peer seals under another key. After as long without any, it begins anew. */
const FAILING_MS = 1_000;
/** So many frames without what the seal is bound to, and none with it: the browser does not have it. */
const BARE_MAX = 10;
/** As long as it goes on, it is told again so often: what was asked for then may have been lost. */
const STILL_FAILING_MS = 5_000;
/** A picture may be ahead of its key by so much: it waits, and those behind it in the browser's own queue (60 of them). */
const KEY_WAIT_MS = 500;
/** Asked for so often at most. */
const KEY_FRAME_EVERY_MS = 1_000;

const SAYS_NOTHING: ReadonlySet<string> = new Set(['replayed', 'failed', 'unsupported-browser']);

type Frame = RTCEncodedVideoFrame | RTCEncodedAudioFrame;
type Metadata = RTCEncodedVideoFrameMetadata & { readonly mimeType?: string };

/** An `RTCRtpScriptTransformer`, or the two streams alone. */
export type FrameEnd = {
  readonly readable: ReadableStream;
  readonly writable: WritableStream;
  sendKeyFrameRequest?(): Promise<unknown>;
};

export type FramePipeOptions = {
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  report(state: FrameState): void;
  /** Frames that open have begun to come, or have ceased. */
  reportFlow(isFlowing: boolean): void;
  /** `undefined` once the link is closed. */
  sealing(): SframeSender | undefined;
  opening(): SframeReceiver | undefined;
  /** A frame of the peer's has come. */
  heard(): void;
};

export class FramePipe {
  readonly #address: TransformAddress;
  readonly #end: FrameEnd;
  readonly #options: FramePipeOptions;
  readonly #dropped: Record<string, number> = {};
  readonly #flow = new FlowWatch();
  #done = 0;
  #stream: SframeStream | undefined;
  #isReady = false;
  /** What was told last of frames that come. */
  #told: 'nothing' | 'opened' | 'failing' = 'nothing';
  #toldAt = 0;
  /** Since when none has opened, though some came, and when the last of these came. */
  #failingSince: number | undefined;
  #failedAt = -Infinity;
  /** So many frames came without what the seal is bound to. */
  #bare = 0;
  /** Of the key that is waited for. */
  #waitUntil: number | undefined;
  #keyCame: (() => void) | undefined;
  /** Pictures were lost: what comes next may build on them. */
  #isKeyFrameDue = false;
  #keyFrameAskedAt = -Infinity;

  constructor(address: TransformAddress, end: FrameEnd, options: FramePipeOptions) {
    this.#address = address;
    this.#end = end;
    this.#options = options;
    if (address.side === 'seal') this.#stream = options.sealing()?.openStream(address.stream);
    void this.#run();
  }

  /** To be called every `LOOK_EVERY_MS`. */
  look(): void {
    if (this.#address.side === 'open' && this.#flow.hasCeased(this.#options.now())) this.#options.reportFlow(false);
  }

  /** The link has a new key. */
  keysCame(): void {
    this.#keyCame?.();
    if (this.#isReady || !this.#stream) return;
    this.#isReady = true;
    this.#options.report('ready');
  }

  counts(): FrameCounts {
    return { ...this.#address, done: this.#done, dropped: { ...this.#dropped } };
  }

  async #run(): Promise<void> {
    const { readable, writable } = this.#end;
    const isOpening = this.#address.side === 'open';
    try {
      const reader = (readable as ReadableStream<Frame>).getReader();
      const writer = (writable as WritableStream<Frame>).getWriter();
      for (;;) {
        const { done, value: frame } = await reader.read();
        if (done) return;
        if (isOpening) this.#options.heard();
        const { data } = frame;
        let changed: ArrayBuffer | string;
        try {
          changed = await this.#change(frame, data);
          // Sound that comes late is of no use; a picture may be what the next ones build on.
          while (changed === 'unknown-key' && isPicture(frame) && (await this.#waitForKey())) {
            changed = await this.#change(frame, data);
          }
        } catch {
          // one frame that cannot be read must not be the end of all
          changed = 'failed';
        }
        // an empty one says nothing
        if (isOpening && changed !== data) this.#note(frame, changed);
        if (typeof changed !== 'string') this.#write(writer, frame, data, changed);
        else this.#dropped[changed] = (this.#dropped[changed] ?? 0) + 1;
      }
    } catch {
      // the connection is gone, and with it the streams
    }
  }

  #write(writer: WritableStreamDefaultWriter<Frame>, frame: Frame, before: ArrayBuffer, data: ArrayBuffer): void {
    this.#done += 1;
    if (data !== before) {
      frame.data = data;
      release(before);
    }
    // not waited for: what it waits for is the network. Once it is written the browser has its own copy
    writer.write(frame).then(
      () => release(data),
      () => undefined,
    );
  }

  /** The frame to pass on, or why there is none. One promise at most: it runs for every frame. */
  #change(frame: Frame, data: ArrayBuffer): Promise<ArrayBuffer | string> | ArrayBuffer | string {
    // Redundancy and padding have frames without content: there is nothing to seal, and what has been opened as nothing.
    if (data.byteLength === 0) return data;
    const metadata: Metadata = frame.getMetadata();
    if (!isWhole(metadata)) return this.#unsupported();
    const layout = frameLayoutOf(metadata.mimeType);
    if (this.#address.side === 'seal') {
      if (!this.#options.sealing() || !this.#stream) return 'no-key';
      return this.#stream.seal(data, isKeyFrame(frame), layout, metadata);
    }
    return this.#options.opening()?.open(data, layout, metadata, this.#options.now()) ?? 'unknown-key';
  }

  /** An older browser, which does not tell what the seal is bound to: nothing is sealed or opened here. */
  #unsupported(): string {
    this.#bare += 1;
    if (this.#bare === BARE_MAX && this.#done === 0) this.#options.report('unsupported');
    return 'unsupported-browser';
  }

  /** What became of a frame that was to be opened, as far as it says something about keys: one that came twice does not. */
  #note(frame: Frame, outcome: ArrayBuffer | string): void {
    if (typeof outcome !== 'string') this.#opened(frame);
    else if (!SAYS_NOTHING.has(outcome)) this.#failed(frame);
  }

  #opened(frame: Frame): void {
    if (this.#flow.heard(this.#options.now())) this.#options.reportFlow(true);
    this.#failingSince = undefined;
    this.#waitUntil = undefined;
    if (this.#told !== 'opened') {
      this.#told = 'opened';
      this.#options.report('opened');
    }
    if (isKeyFrame(frame)) this.#isKeyFrameDue = false;
    if (!this.#isKeyFrameDue) return;
    const now = this.#options.now();
    if (now - this.#keyFrameAskedAt < KEY_FRAME_EVERY_MS) return;
    this.#keyFrameAskedAt = now;
    // no key frame comes, or one comes anyway
    this.#end.sendKeyFrameRequest?.().catch(() => undefined);
  }

  #failed(frame: Frame): void {
    const now = this.#options.now();
    this.#isKeyFrameDue ||= isPicture(frame);
    if (this.#failingSince === undefined || now - this.#failedAt > FAILING_MS) this.#failingSince = now;
    this.#failedAt = now;
    if (now - this.#failingSince < FAILING_MS) return;
    if (this.#told === 'failing' && now - this.#toldAt < STILL_FAILING_MS) return;
    this.#told = 'failing';
    this.#toldAt = now;
    this.#options.report('failing');
  }

  /** `true`: a key came, try again. Waits `KEY_WAIT_MS` all told, until something has opened again. */
  async #waitForKey(): Promise<boolean> {
    const now = this.#options.now();
    this.#waitUntil ??= now + KEY_WAIT_MS;
    const left_ms = this.#waitUntil - now;
    if (left_ms <= 0) return false;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), left_ms);
      this.#keyCame = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}

/** What the layout and the associated data are taken from. */
function isWhole({ mimeType, rtpTimestamp, synchronizationSource }: Metadata): boolean {
  return mimeType !== undefined && rtpTimestamp !== undefined && synchronizationSource !== undefined;
}

function isPicture(frame: Frame): frame is RTCEncodedVideoFrame {
  return 'type' in frame && frame.type !== undefined;
}

function isKeyFrame(frame: Frame): boolean {
  return isPicture(frame) && frame.type === 'key';
}
