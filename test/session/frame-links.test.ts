/** The worker's links over a long life: what is over is forgotten, and what is alive still opens. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { TransformAddress } from '../../src/engine/protocol/worker.ts';
import type { SframeReceiver } from '../../src/engine/crypto/sframe-receiver.ts';
import { FrameLinks } from '../../src/workers/frame-links.ts';
import { FramePipe } from '../../src/workers/frame-pipe.ts';

const ROTATIONS = 10_000;
/** Rotations to a frame. */
const FRAME_EVERY = 5;
/** A peer's four generations and ours, the steps of each, a key of each step for each stream; and what is on its way. */
const KEYS_MAX = 40;
const SSRC = 7;

/** The part of an encoded frame that is used; of sound, for any bytes will do. */
type Frame = { data: ArrayBuffer; getMetadata(): object };

/** Both ends of one transform: what is given to it, and what it has passed on. */
class Ends {
  readonly passed: Frame[] = [];
  readonly readable: ReadableStream<Frame>;
  readonly writable = new WritableStream<Frame>({
    write: (frame) => {
      this.onWritten(frame);
      this.passed.push(frame);
    },
  });
  onWritten: (frame: Frame) => void = () => undefined;
  #controller: ReadableStreamDefaultController<Frame> | undefined;

  constructor() {
    this.readable = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
    });
  }

  give(frame: Frame): void {
    this.#controller?.enqueue(frame);
  }

  close(): void {
    this.#controller?.close();
  }
}

let collectGarbage: () => void;
/** Every `CryptoKey` that was made, as far as it is still reachable. */
const made: WeakRef<CryptoKey>[] = [];
/** When the last of them was made. */
let last: Promise<void> = Promise.resolve();
const { subtle } = globalThis.crypto;
const { importKey, deriveKey } = subtle;

async function keysAlive(): Promise<number> {
  // a reference that was looked at lives to the end of its task
  for (let round = 0; round < 3; round++) {
    await turn();
    collectGarbage();
  }
  return made.filter((key) => key.deref()).length;
}

function noted<Arguments extends unknown[]>(
  make: (...all: Arguments) => Promise<CryptoKey>,
): (...all: Arguments) => Promise<CryptoKey> {
  return (...all) => {
    const making = make.apply(subtle, all);
    last = making.then((key) => void made.push(new WeakRef(key)));
    return making;
  };
}

class Page {
  nowMs = 0;
  readonly links = new FrameLinks({ now: () => this.nowMs, report: () => undefined });
  readonly ends = new Map<string, Ends>();

  attach(link: string, side: TransformAddress['side'], stream = 0): void {
    const ends = new Ends();
    this.ends.set(`${link} ${side}`, ends);
    this.links.attach({ link, stream, side }, ends);
  }

  /** Until the worker has it in use. */
  async take(type: 'seal-key' | 'open-key', link: string, generation: number): Promise<void> {
    this.links.take({ type, link, generation, key: keyOf(generation) });
    await last;
    await turn();
  }

  /** Gives it to one transform, and resolves with what that passes on, or `undefined` where it drops it. */
  async through(link: string, side: TransformAddress['side'], data: ArrayBuffer): Promise<ArrayBuffer | undefined> {
    const ends = this.ends.get(`${link} ${side}`);
    assert.ok(ends);
    const handled = (): number => {
      const counts = this.links.counts().find((each) => each.link === link && each.side === side);
      assert.ok(counts);
      return counts.done + Object.values(counts.dropped).reduce((sum, count) => sum + count, 0);
    };
    const before = handled();
    ends.give({
      data,
      getMetadata: () => ({ mimeType: 'audio/opus', synchronizationSource: SSRC, rtpTimestamp: 1 }),
    });
    while (handled() === before) await turn();
    await turn();
    return ends.passed.splice(0)[0]?.data;
  }
}

function keyOf(generation: number): Uint8Array<ArrayBuffer> {
  const key = new Uint8Array(32);
  new DataView(key.buffer).setUint32(0, generation);
  return key;
}

const payload = (): ArrayBuffer => new Uint8Array(64).fill(5).buffer;

describe('links of the worker', () => {
  before(() => {
    setFlagsFromString('--expose-gc');
    collectGarbage = runInNewContext('gc') as () => void;
    Object.assign(subtle, { importKey: noted(importKey as never), deriveKey: noted(deriveKey as never) });
  });
  after(() => {
    Reflect.deleteProperty(subtle, 'importKey');
    Reflect.deleteProperty(subtle, 'deriveKey');
  });

  it(`FR7, SK3: after ${ROTATIONS} rotations they hold no more keys than after a few, and every frame has opened`, async () => {
    const page = new Page();
    page.attach('a', 'seal');
    page.attach('b', 'open');
    let heapBefore = 0;
    for (let generation = 1; generation <= ROTATIONS; generation++) {
      const taken = [page.take('open-key', 'b', generation), page.take('seal-key', 'a', generation)];
      if (generation % FRAME_EVERY !== 0) continue;
      await Promise.all(taken);
      page.nowMs += generation % (3 * FRAME_EVERY) === 0 ? 31_000 : 700;
      const sealed = await page.through('a', 'seal', payload());
      assert.ok(sealed);
      const opened = await page.through('b', 'open', sealed);
      assert.deepEqual(opened && new Uint8Array(opened), new Uint8Array(payload()), `generation ${generation}`);
      if (generation % 1000 === 0) {
        const alive = await keysAlive();
        assert.ok(alive > 0 && alive <= KEYS_MAX, `${alive} keys after ${generation} rotations`);
        made.splice(0, made.length, ...made.filter((key) => key.deref()));
      }
      if (generation === 2000) heapBefore = process.memoryUsage().heapUsed;
    }
    const grown = process.memoryUsage().heapUsed - heapBefore;
    assert.ok(grown < 1_000_000, `${grown} bytes more than after 2000`);
    const [seal, open] = page.links.counts();
    const frames = ROTATIONS / FRAME_EVERY;
    assert.deepEqual([seal?.done, open?.done, open?.dropped], [frames, frames, {}]);
  });

  it('SK3: a key opens for 16 s after a newer one has come, and no longer', async () => {
    const page = new Page();
    page.attach('a', 'seal');
    page.attach('b', 'open');
    await page.take('open-key', 'b', 1);
    await page.take('open-key', 'b', 2);
    await page.take('seal-key', 'a', 1);
    const early = await page.through('a', 'seal', payload());
    const late = await page.through('a', 'seal', payload());
    assert.ok(early && late);
    page.nowMs = 15_999;
    assert.ok(await page.through('b', 'open', early));
    page.nowMs = 16_001;
    assert.equal(await page.through('b', 'open', late), undefined);
  });

  it('FR7: the memory of a frame, plain and sealed, is given back once it is written, and a small one is left alone', async () => {
    const page = new Page();
    page.attach('a', 'seal');
    page.attach('b', 'open');
    for (const type of ['seal-key', 'open-key'] as const) await page.take(type, type === 'seal-key' ? 'a' : 'b', 1);
    const plain = new Uint8Array(10_000).fill(5).buffer;
    // what a browser takes a copy of when it is written
    const copies: ArrayBuffer[] = [];
    for (const ends of page.ends.values()) ends.onWritten = ({ data }) => void copies.push(data.slice(0));
    const sealed = await page.through('a', 'seal', plain);
    const [copy] = copies;
    assert.ok(sealed && copy && copy.byteLength > 10_000);
    assert.deepEqual([plain.detached, sealed.detached], [true, true]);
    const opened = await page.through('b', 'open', copy);
    assert.deepEqual(copies[1] && new Uint8Array(copies[1]), new Uint8Array(10_000).fill(5));
    assert.deepEqual([copy.detached, opened?.detached], [true, true]);
    const small = payload();
    const sealedSmall = await page.through('a', 'seal', small);
    assert.deepEqual([small.detached, sealedSmall?.detached], [false, false]);
  });

  it('a frame that makes the opening reject, or cannot be read, is one that is dropped: those after it are opened', async () => {
    const ends = new Ends();
    const opened = payload();
    const outcomes = [() => Promise.reject(new Error('later')), () => Promise.resolve(opened)];
    const receiver = { open: () => outcomes.shift()?.() } as unknown as SframeReceiver;
    const address = { link: 'a', stream: 0, side: 'open' } as const;
    const pipe = new FramePipe(address, ends, {
      now: () => 0,
      report: () => undefined,
      reportFlow: () => undefined,
      sealing: () => undefined,
      opening: () => receiver,
      heard: () => undefined,
    });
    const getMetadata = () => ({ mimeType: 'audio/opus', synchronizationSource: SSRC, rtpTimestamp: 1 });
    const unreadable = (): object => {
      throw new Error('at once');
    };
    ends.give({ data: payload(), getMetadata: unreadable });
    for (let i = 0; i < 2; i++) ends.give({ data: payload(), getMetadata });
    while (pipe.counts().done === 0) await turn();
    await turn();
    assert.deepEqual([pipe.counts().dropped, ends.passed.map(({ data }) => data)], [{ failed: 2 }, [opened]]);
  });

  it('SK1: of links that are closed, and whose frames have ended, keep nothing', async () => {
    const page = new Page();
    for (let number = 0; number < 500; number++) {
      const link = String(number);
      page.attach(link, 'seal');
      page.attach(link, 'open');
      for (const type of ['seal-key', 'open-key'] as const) await page.take(type, link, 1);
      const sealed = await page.through(link, 'seal', payload());
      assert.ok(sealed && (await page.through(link, 'open', sealed)));
      page.links.take({ type: 'close-link', link });
      for (const side of ['seal', 'open'] as const) {
        page.ends.get(`${link} ${side}`)?.close();
        page.ends.delete(`${link} ${side}`);
      }
    }
    assert.deepEqual(page.links.counts(), []);
    const alive = await keysAlive();
    assert.ok(alive <= KEYS_MAX, `${alive} keys of no link`);
  });
});
