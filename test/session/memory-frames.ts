/** The worker's side of frames without frames: which keys it holds, and for which links. */
import type { FrameHandlers, FramePort } from '../../src/engine/ports.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import type { FrameCounts, TransformAddress } from '../../src/engine/protocol/worker.ts';

export type HeldKeys = {
  /** Generation and key that this side seals under. */
  seal: { readonly generation: number; readonly key: Bytes } | undefined;
  /** By generation: what the peer may seal under. */
  readonly open: Map<number, Bytes>;
  readonly addresses: TransformAddress[];
};

export class MemoryFrames implements FramePort {
  readonly handlers: FrameHandlers;
  /** By the link's name; closed links are gone. */
  readonly links = new Map<string, HeldKeys>();
  /** What `ready` rejects with. */
  fault: Error | undefined;
  answers: readonly FrameCounts[] | undefined = [];
  #named = 0;

  constructor(handlers: FrameHandlers) {
    this.handlers = handlers;
  }

  async ready(): Promise<void> {
    if (this.fault) throw this.fault;
  }

  attach(_: RTCRtpSender | RTCRtpReceiver, address: TransformAddress): void {
    this.#of(address.link).addresses.push(address);
    if (address.side === 'seal') queueMicrotask(() => this.handlers.onState(address, 'ready'));
  }

  nameLink(): string {
    this.#named += 1;
    return `link ${this.#named}`;
  }

  setSealKey(link: string, generation: number, key: Bytes): void {
    this.#of(link).seal = { generation, key };
  }

  addOpenKey(link: string, generation: number, key: Bytes): void {
    this.#of(link).open.set(generation, key);
  }

  closeLink(link: string): void {
    this.links.delete(link);
  }

  async counts(): Promise<readonly FrameCounts[] | undefined> {
    return this.answers;
  }

  close(): void {
    this.links.clear();
  }

  #of(name: string): HeldKeys {
    const held = this.links.get(name) ?? { seal: undefined, open: new Map(), addresses: [] };
    this.links.set(name, held);
    return held;
  }
}

/** A port that takes keys and does nothing with them. */
export const NO_FRAMES: Pick<FramePort, 'nameLink' | 'setSealKey' | 'addOpenKey' | 'closeLink'> = {
  nameLink: () => 'link',
  setSealKey: () => {},
  addOpenKey: () => {},
  closeLink: () => {},
};
