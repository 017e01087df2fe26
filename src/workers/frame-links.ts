/** All links of a session, each with its keys and its transforms. What is not addressed to a link that is open goes nowhere. */
import { importBaseKey, AES_128_GCM_SHA256_128 } from '../engine/crypto/sframe-key.ts';
import { SframeReceiver } from '../engine/crypto/sframe-receiver.ts';
import { SframeSender } from '../engine/crypto/sframe-sender.ts';
import type { FrameCounts, FrameRequest, TransformAddress, WorkerReport } from '../engine/protocol/worker.ts';
import { FlowWatch } from './flow-watch.ts';
import { FramePipe } from './frame-pipe.ts';
import type { FrameEnd } from './frame-pipe.ts';

export type { FrameEnd } from './frame-pipe.ts';

/** A sender ratchets its key so often. */
const RATCHET_MS = 30_000;
/** A step of the ratchet still opens frames so long after a later one has. */
const OLD_STEP_MS = 3_000;
/** So does a key after a newer one has come (SK3): ten seconds and a look to wait for the answer, three more of its life, and the way. */
const OLD_KEY_MS = 16_000;
/** Generations of a peer at a time, the newest. */
const GENERATIONS_MAX = 4;

export type FrameLinksOptions = {
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  report(message: WorkerReport): void;
  /** While there are links, `look` is to be called every `LOOK_EVERY_MS`. */
  onBusy?(isBusy: boolean): void;
};

type KeyRequest = Extract<FrameRequest, { readonly type: 'seal-key' | 'open-key' }>;

type Link = {
  /** `undefined` once the link is closed: their keys go with them, whatever still holds the link. */
  sender: SframeSender | undefined;
  receiver: SframeReceiver | undefined;
  /** Of the peer's keys, oldest first: when each is over. */
  readonly ends: Map<number, number>;
  readonly pipes: FramePipe[];
  readonly flow: FlowWatch;
  /** Keys are imported one after the other: the later one counts. */
  work: Promise<void>;
  hasSealKey: boolean;
  ratchetedAt: number;
};

export class FrameLinks {
  readonly #options: FrameLinksOptions;
  readonly #links = new Map<string, Link>();
  /** Names serve once. A transform and the end of its link may come in either order. */
  readonly #closed = new Set<string>();

  constructor(options: FrameLinksOptions) {
    this.#options = options;
  }

  take(request: FrameRequest): void {
    switch (request.type) {
      case 'seal-key':
        return this.#import(request, (link, key) => this.#seal(link, request.generation, key));
      case 'open-key':
        return this.#import(request, (link, key) => this.#open(link, request.generation, key));
      case 'close-link':
        return this.#close(request.link);
      case 'count':
    }
  }

  /** Puts itself between both ends of a sender's or receiver's frames, until they end. */
  attach(address: TransformAddress, end: FrameEnd): void {
    const link = this.#link(address.link);
    // nobody reads these frames: none leaves, none is shown
    if (!link) return;
    const { report, now } = this.#options;
    const pipe = new FramePipe(address, end, {
      now,
      report: (state) => report({ type: 'frames', state, ...address }),
      reportFlow: (isFlowing) => report({ type: 'flow', link: address.link, stream: address.stream, isFlowing }),
      sealing: () => this.#sealing(link),
      opening: () => this.#opening(link),
      heard: () => {
        if (link.flow.heard(now())) report({ type: 'flow', link: address.link, isFlowing: true });
      },
    });
    link.pipes.push(pipe);
    if (link.hasSealKey) pipe.keysCame();
  }

  /** To be called every `LOOK_EVERY_MS`: tells which links have ceased to bring frames. */
  look(): void {
    const { now, report } = this.#options;
    for (const [name, { flow, pipes }] of this.#links) {
      if (flow.hasCeased(now())) report({ type: 'flow', link: name, isFlowing: false });
      for (const pipe of pipes) pipe.look();
    }
  }

  counts(): readonly FrameCounts[] {
    return [...this.#links.values()].flatMap(({ pipes }) => pipes.map((pipe) => pipe.counts()));
  }

  /** `undefined`: it is closed. */
  #link(name: string): Link | undefined {
    const known = this.#links.get(name);
    if (known || this.#closed.has(name)) return known;
    const link: Link = {
      sender: new SframeSender(AES_128_GCM_SHA256_128),
      receiver: new SframeReceiver(AES_128_GCM_SHA256_128, OLD_STEP_MS),
      ends: new Map(),
      pipes: [],
      flow: new FlowWatch(),
      work: Promise.resolve(),
      hasSealKey: false,
      ratchetedAt: this.#options.now(),
    };
    this.#links.set(name, link);
    if (this.#links.size === 1) this.#options.onBusy?.(true);
    return link;
  }

  #close(name: string): void {
    this.#closed.add(name);
    const link = this.#links.get(name);
    if (!link) return;
    link.sender = undefined;
    link.receiver = undefined;
    this.#links.delete(name);
    if (this.#links.size === 0) this.#options.onBusy?.(false);
  }

  #import({ link: name, key: bytes }: KeyRequest, use: (link: Link, key: CryptoKey) => void): void {
    const link = this.#link(name);
    const imported = importBaseKey(bytes);
    bytes.fill(0);
    if (!link) return void imported.catch(() => undefined);
    // a browser without the algorithm: nothing is sealed, nothing opens
    link.work = link.work.then(async () => use(link, await imported)).catch(() => undefined);
  }

  #seal(link: Link, generation: number, key: CryptoKey): void {
    if (!link.sender?.use(generation, key)) return;
    link.ratchetedAt = this.#options.now();
    link.hasSealKey = true;
    for (const pipe of link.pipes) pipe.keysCame();
  }

  #open(link: Link, generation: number, key: CryptoKey): void {
    if (!link.receiver?.add(generation, key)) return;
    const now = this.#options.now();
    for (const [older, end] of link.ends) link.ends.set(older, Math.min(end, now + OLD_KEY_MS));
    link.ends.set(generation, Infinity);
    for (const older of link.ends.keys()) if (link.ends.size > GENERATIONS_MAX) this.#retire(link, older);
    for (const pipe of link.pipes) pipe.keysCame();
  }

  #retire(link: Link, generation: number): void {
    link.receiver?.retire(generation);
    link.ends.delete(generation);
  }

  #sealing(link: Link): SframeSender | undefined {
    const now = this.#options.now();
    if (now - link.ratchetedAt >= RATCHET_MS) {
      link.ratchetedAt = now;
      link.sender?.ratchet();
    }
    return link.sender;
  }

  #opening(link: Link): SframeReceiver | undefined {
    const now = this.#options.now();
    for (const [generation, end] of link.ends) if (end <= now) this.#retire(link, generation);
    link.receiver?.sweep(now);
    return link.receiver;
  }
}
