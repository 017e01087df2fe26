/** Which key and counter a frame is sealed and opened under: generations, streams, ratchet steps, replays. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AES_128_GCM_SHA256_128 } from '../../src/engine/crypto/sframe-key.ts';
import { STEPS_AHEAD_MAX, SframeReceiver } from '../../src/engine/crypto/sframe-receiver.ts';
import { COUNTER_MAX, SframeSender } from '../../src/engine/crypto/sframe-sender.ts';
import type { SframeStream } from '../../src/engine/crypto/sframe-sender.ts';
import { asciiBytes, concatBytes, toHex } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { formatSframeHeader, parseFrameKeyId, parseSframeHeader } from '../../src/engine/protocol/sframe-header.ts';
import type { SframeUint } from '../../src/engine/protocol/sframe-header.ts';
import { METADATA, OLD_STEP_MS, baseKeyOf, layoutOf, makeEnds, opened, sealed } from '../helpers/frames.ts';
import { Random } from '../helpers/random.ts';

const SUITE = AES_128_GCM_SHA256_128;
const FRAME = asciiBytes('a frame of sound');
const { subtle } = globalThis.crypto;

function headerOf(frame: Bytes): { kid: ReturnType<typeof parseFrameKeyId>; ctr: SframeUint | undefined } {
  const header = parseSframeHeader(frame);
  return { kid: header && parseFrameKeyId(header.kid), ctr: header?.ctr };
}

async function opens(receiver: SframeReceiver, frame: Bytes, nowMs = 0): Promise<void> {
  assert.equal(toHex((await opened(receiver, 'opus', frame, nowMs)) as Bytes), toHex(FRAME));
}

async function faultOf(receiver: SframeReceiver, frame: Bytes, nowMs = 0): Promise<unknown> {
  const result = await opened(receiver, 'opus', frame, nowMs);
  return typeof result === 'string' ? result : 'opened';
}

const next = (stream: SframeStream): Promise<Bytes> => sealed(stream, 'opus', FRAME);

function forged(kid: SframeUint, ctr: SframeUint): Bytes {
  const header = formatSframeHeader(kid, ctr);
  assert.ok(header);
  return concatBytes(header, new Uint8Array(FRAME.length + 16));
}

describe('sealing (FR2, FR7)', () => {
  it('refuses while there is no key, and what has no layout or not its shape', async () => {
    const sender = new SframeSender(SUITE);
    const stream = sender.openStream(0);
    const seal = (mime: 'opus' | 'vp8' | undefined): unknown =>
      stream?.seal(new ArrayBuffer(0), false, mime && layoutOf(mime), METADATA);
    assert.equal(await seal('opus'), 'no-key');
    assert.equal(sender.use(0, await baseKeyOf(1)), true);
    assert.equal(await seal(undefined), 'unsupported-layout');
    assert.equal(await seal('vp8'), 'unsupported-layout');
    assert.ok((await seal('opus')) instanceof ArrayBuffer);
  });

  it('refuses under a base key that nothing can be derived from, and after a step from it', async () => {
    const sender = new SframeSender(SUITE);
    const stream = sender.openStream(0);
    const useless = await subtle.importKey('raw', new Uint8Array(16), 'AES-GCM', false, ['encrypt']);
    assert.equal(sender.use(0, useless), true);
    const seal = (): unknown => stream?.seal(FRAME.slice().buffer, false, layoutOf('opus'), METADATA);
    assert.equal(await seal(), 'unsealed');
    sender.ratchet();
    assert.equal(await seal(), 'unsealed');
  });

  it('counts from 0 in each stream of each generation, in the order of the calls', async () => {
    const { sender, stream } = await makeEnds();
    const other = sender.openStream(31);
    assert.ok(other);
    const frames = await Promise.all([next(stream), next(stream), next(other), next(stream)]);
    assert.deepEqual(frames.map(headerOf), [
      { kid: { generation: 0, stream: 0, step: 0 }, ctr: 0 },
      { kid: { generation: 0, stream: 0, step: 0 }, ctr: 1 },
      { kid: { generation: 0, stream: 31, step: 0 }, ctr: 0 },
      { kid: { generation: 0, stream: 0, step: 0 }, ctr: 2 },
    ]);
    assert.equal(sender.use(2 ** 32 - 1, await baseKeyOf(2)), true);
    assert.deepEqual(headerOf(await next(stream)), { kid: { generation: 2 ** 32 - 1, stream: 0, step: 0 }, ctr: 0 });
    assert.deepEqual(headerOf(await next(other)), { kid: { generation: 2 ** 32 - 1, stream: 31, step: 0 }, ctr: 0 });
  });

  it('never goes on a generation twice, or back', async () => {
    const { sender, stream } = await makeEnds();
    const key = await baseKeyOf(2);
    assert.equal(sender.use(5, key), true);
    for (const generation of [5, 4, 0, -1, 5.5, Number.NaN, 2 ** 32]) assert.equal(sender.use(generation, key), false);
    assert.equal(headerOf(await next(stream)).kid?.generation, 5);
  });

  it('has one writer for a stream', async () => {
    const { sender } = await makeEnds();
    for (const stream of [0, -1, 32, 0.5, Number.NaN]) assert.equal(sender.openStream(stream), undefined);
    assert.ok(sender.openStream(31));
    assert.equal(sender.openStream(31), undefined);
  });

  it('ends where counters do, until there is a new generation; a step is no new generation', async () => {
    assert.equal(COUNTER_MAX, 2 ** 53 - 2);
    const sender = new SframeSender(SUITE, 1);
    const stream = sender.openStream(0);
    assert.ok(stream);
    sender.use(0, await baseKeyOf(1));
    const seal = async (): Promise<unknown> => {
      const output = await stream.seal(FRAME.slice().buffer, false, layoutOf('opus'), METADATA);
      return typeof output === 'string' ? output : headerOf(new Uint8Array(output)).ctr;
    };
    assert.deepEqual([await seal(), await seal(), await seal()], [0, 1, 'exhausted']);
    sender.ratchet();
    assert.equal(await seal(), 'exhausted');
    sender.use(1, await baseKeyOf(2));
    assert.equal(await seal(), 0);
  });

  it('steps where a step was used, counters going on', async () => {
    const { sender, stream } = await makeEnds();
    sender.ratchet();
    assert.deepEqual(headerOf(await next(stream)), { kid: { generation: 0, stream: 0, step: 0 }, ctr: 0 });
    for (let step = 1; step < 20; step++) {
      sender.ratchet();
      sender.ratchet();
      assert.deepEqual(headerOf(await next(stream)), { kid: { generation: 0, stream: 0, step: step % 8 }, ctr: step });
    }
    new SframeSender(SUITE).ratchet();
  });

  it('refuses a frame whose buffer is gone', async () => {
    const { stream, receiver } = await makeEnds();
    const gone = new ArrayBuffer(40);
    structuredClone(gone, { transfer: [gone] });
    assert.equal(await stream.seal(gone, false, layoutOf('opus'), METADATA), 'unsealed');
    assert.equal(await receiver.open(gone, layoutOf('opus'), METADATA, 0), 'malformed');
    await opens(receiver, await next(stream));
  });
});

describe('opening (FR2, FR6)', () => {
  it('says what has no layout, no shape, no key', async () => {
    const { receiver } = await makeEnds();
    assert.equal(await receiver.open(new ArrayBuffer(40), undefined, METADATA, 0), 'unsupported-layout');
    assert.equal(await opened(receiver, 'vp8', new Uint8Array(0)), 'malformed');
    assert.equal(await opened(receiver, 'av1', new Uint8Array(40).fill(0x32)), 'malformed');
    assert.equal(await faultOf(receiver, new Uint8Array(0)), 'malformed');
    assert.equal(await faultOf(receiver, Uint8Array.of(0x80, 1)), 'malformed');
    assert.equal(await faultOf(receiver, forged(0, 2n ** 53n)), 'malformed');
    assert.equal(await faultOf(receiver, forged(0x100, 0)), 'unknown-key');
    for (const kid of [2 ** 40, 2n ** 53n, 2n ** 64n - 1n]) {
      assert.equal(await faultOf(receiver, forged(kid, 0)), 'unknown-key');
    }
    assert.equal(await faultOf(receiver, forged(0, 0)), 'unopened');
    assert.equal(await faultOf(receiver, forged(0, 2 ** 53 - 1)), 'unopened');
  });

  it('opens every frame once: in any order, and of two at the same time one', async () => {
    const { stream, receiver } = await makeEnds();
    const frames = await Promise.all(Array.from({ length: 20 }, () => next(stream)));
    for (const frame of frames.toReversed()) await opens(receiver, frame);
    for (const frame of frames) assert.equal(await faultOf(receiver, frame), 'replayed');
    const twice = await next(stream);
    const results = await Promise.all([faultOf(receiver, twice), faultOf(receiver, twice)]);
    assert.deepEqual(results.sort(), ['opened', 'replayed']);
  });

  it('has a window of 1,024 for each stream', async () => {
    const { sender, stream, receiver } = await makeEnds();
    const other = sender.openStream(1);
    assert.ok(other);
    const frames = await Promise.all(Array.from({ length: 1_025 }, () => next(stream)));
    const last = frames[1_024];
    assert.ok(last && frames[0] && frames[1]);
    await opens(receiver, last);
    assert.equal(await faultOf(receiver, frames[0]), 'replayed');
    await opens(receiver, frames[1]);
    await opens(receiver, await next(other));
  });

  it('is not moved on by a forged counter', async () => {
    const { stream, receiver } = await makeEnds();
    const frame = await next(stream);
    for (const ctr of [0, 1, 5_000, 2 ** 53 - 1]) assert.equal(await faultOf(receiver, forged(0, ctr)), 'unopened');
    await opens(receiver, frame);
  });

  it('opens under several generations until they are retired, and takes none back', async () => {
    const { sender, stream, receiver } = await makeEnds();
    const frames = [await next(stream), await next(stream)] as const;
    for (const generation of [3, 2]) assert.equal(receiver.add(generation, await baseKeyOf(generation)), true);
    sender.use(2, await baseKeyOf(2));
    await opens(receiver, await next(stream));
    const second = await next(stream);
    sender.use(3, await baseKeyOf(3));
    await opens(receiver, await next(stream));
    await opens(receiver, frames[0]);
    assert.equal(receiver.add(3, await baseKeyOf(3)), false, 'is there');
    receiver.retire(2);
    assert.equal(await faultOf(receiver, second), 'unknown-key');
    await opens(receiver, frames[1]);
    receiver.retire(0);
    receiver.retire(77);
    for (const generation of [0, 1, 2, 3, -1, 0.5, 2 ** 32]) {
      assert.equal(receiver.add(generation, await baseKeyOf(2)), false, `${generation}`);
    }
    await opens(receiver, await next(stream));
    assert.equal(receiver.add(2 ** 32 - 1, await baseKeyOf(4)), true);
    sender.use(2 ** 32 - 1, await baseKeyOf(4));
    await opens(receiver, await next(stream));
  });

  it('does not open under another base key, and answers where none can be derived from', async () => {
    const { stream } = await makeEnds();
    const frame = await next(stream);
    const useless = await subtle.importKey('raw', new Uint8Array(16), 'AES-GCM', false, ['decrypt']);
    for (const key of [await baseKeyOf(2), useless]) {
      const receiver = new SframeReceiver(SUITE, OLD_STEP_MS);
      receiver.add(0, key);
      assert.equal(await faultOf(receiver, frame), 'unopened');
      assert.equal(await faultOf(receiver, forged(2, 0)), 'unopened', 'a step ahead of it');
    }
  });
});

describe('ratchet steps at the receiver (FR3)', () => {
  it('are followed up to four ahead, and no further', async () => {
    for (let ahead = 1; ahead <= 6; ahead++) {
      const { sender, stream, receiver } = await makeEnds();
      await opens(receiver, await next(stream));
      let frame = await next(stream);
      for (let step = 0; step < ahead; step++) {
        sender.ratchet();
        frame = await next(stream);
      }
      assert.equal(
        await faultOf(receiver, frame),
        ahead <= STEPS_AHEAD_MAX ? 'opened' : 'unknown-key',
        `${ahead} ahead`,
      );
    }
  });

  it('go round: their number comes again after eight, with other keys and a window of their own', async () => {
    const { sender, stream, receiver } = await makeEnds();
    const first = await next(stream);
    await opens(receiver, first);
    for (let step = 1; step <= 30; step++) {
      sender.ratchet();
      await opens(receiver, await next(stream), step * 30_000);
    }
    // step 32 has the KID of step 0: the old frame meets another key there, before the receiver is there and after
    for (let step = 31; step <= 32; step++) {
      sender.ratchet();
      await opens(receiver, await next(stream), step * 30_000);
      assert.equal(await faultOf(receiver, first, step * 30_000), 'unopened');
    }
  });

  it('leave the steps before open for a while: for streams, too, of which nothing had come', async () => {
    const { sender, stream, receiver } = await makeEnds();
    const other = sender.openStream(7);
    assert.ok(other);
    await opens(receiver, await next(stream));
    const late = [await next(stream), await next(other), await next(stream)] as const;
    sender.ratchet();
    const between = [await next(stream), await next(other)] as const;
    sender.ratchet();
    await opens(receiver, await next(stream), 1_000);
    await opens(receiver, late[0], 1_000 + OLD_STEP_MS - 1);
    await opens(receiver, late[1], 1_000 + OLD_STEP_MS - 1);
    await opens(receiver, between[0], 1_000 + OLD_STEP_MS - 1);
    assert.equal(await faultOf(receiver, late[2], 1_000 + OLD_STEP_MS), 'unknown-key');
    assert.equal(await faultOf(receiver, between[1], 1_000 + OLD_STEP_MS), 'unknown-key');
    await opens(receiver, await next(stream), 1_000 + OLD_STEP_MS);
  });

  it('are forgotten by a sweep, the newest never', async () => {
    const { sender, stream, receiver } = await makeEnds();
    const old = [await next(stream), await next(stream), await next(stream)] as const;
    sender.ratchet();
    await opens(receiver, await next(stream), 0);
    receiver.sweep(OLD_STEP_MS - 1);
    await opens(receiver, old[0], 0);
    receiver.sweep(OLD_STEP_MS);
    assert.equal(await faultOf(receiver, old[1], 0), 'unknown-key', 'gone, whatever the time is said to be');
    receiver.sweep(1e12);
    await opens(receiver, await next(stream), 1e12);
  });

  it('end by the time of the step that followed them, not of the last one', async () => {
    const { sender, stream, receiver } = await makeEnds();
    await opens(receiver, await next(stream), 0);
    const old = await next(stream);
    sender.ratchet();
    await opens(receiver, await next(stream), 1_000);
    sender.ratchet();
    await opens(receiver, await next(stream), 1_000 + OLD_STEP_MS - 1);
    assert.equal(await faultOf(receiver, old, 1_000 + OLD_STEP_MS), 'unknown-key');
  });

  it('that are forged cost a bounded amount of work and change nothing', async (context) => {
    const { sender, stream, receiver } = await makeEnds();
    const frame = await next(stream);
    const derive = context.mock.method(subtle, 'deriveBits');
    const deriveKeys = context.mock.method(subtle, 'deriveKey');
    for (let round = 0; round < 20; round++) {
      for (let step = 1; step < 8; step++) {
        const fault = await faultOf(receiver, forged(step, round));
        assert.equal(fault, step <= STEPS_AHEAD_MAX ? 'unopened' : 'unknown-key');
      }
    }
    // four steps, and a key and a salt for each: once, however many frames claim them
    assert.equal(derive.mock.callCount(), 4 + 4);
    assert.equal(deriveKeys.mock.callCount(), 4);
    context.mock.restoreAll();
    await opens(receiver, frame, 10);
    receiver.sweep(1e12);
    await opens(receiver, await next(stream), 1e12);
    sender.ratchet();
    await opens(receiver, await next(stream), 1e12);
  });

  it('agree with a sender that steps at random, on frames that come out of order and some never', async () => {
    const seed = 51;
    const random = new Random(seed);
    const { sender, stream, receiver } = await makeEnds();
    let nowMs = 0;
    for (let i = 0; i < 400; i++) {
      const burst: Bytes[] = [];
      for (let count = 1 + random.below(4); count > 0; count--) {
        burst.push(await next(stream));
        if (random.chance(0.3)) sender.ratchet();
      }
      // of a burst some are lost, never the last; those of up to three steps back are in time
      const kept = burst.filter((_, at) => at === burst.length - 1 || random.chance(0.7));
      if (random.chance(0.5)) kept.reverse();
      for (const frame of kept) await opens(receiver, frame, nowMs);
      nowMs += random.below(2 * OLD_STEP_MS);
    }
  });
});
