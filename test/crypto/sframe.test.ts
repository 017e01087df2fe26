import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  AES_128_GCM_SHA256_128,
  AES_256_GCM_SHA512_128,
  deriveSframeKey,
  importBaseKey,
  ratchetBaseKey,
} from '../../src/engine/crypto/sframe-key.ts';
import { FrameCipher, wrapSealed } from '../../src/engine/crypto/sframe.ts';
import type { FrameMetadata } from '../../src/engine/crypto/sframe.ts';
import { hkdfSha256, hkdfSha512 } from '../../src/engine/crypto/kdf.ts';
import { asciiBytes, concatBytes, toHex, uintBytes } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import {
  ANY_BYTES,
  CODECS,
  METADATA,
  layoutOf,
  makeEnds,
  opened,
  sampleFrame,
  sealed,
  zeroishBytes,
} from '../helpers/frames.ts';
import { Random } from '../helpers/random.ts';

const SEED = 9_605;
const { subtle } = globalThis.crypto;
const SUITES = [AES_128_GCM_SHA256_128, AES_256_GCM_SHA512_128] as const;

describe('keys of frames (FR3)', () => {
  it('cannot be extracted, and are for one direction', async () => {
    const baseKey = await importBaseKey(new Uint8Array(32));
    const { key } = await deriveSframeKey(AES_128_GCM_SHA256_128, baseKey, 1, 'encrypt');
    const next = await ratchetBaseKey(AES_128_GCM_SHA256_128, baseKey);
    for (const each of [baseKey, key, next]) {
      assert.equal(each.extractable, false);
      await assert.rejects(subtle.exportKey('raw', each));
    }
    assert.deepEqual(key.usages, ['encrypt']);
  });

  it('ratchet by RFC 9605 §5.1: the chain is that of another HKDF', async () => {
    for (const suite of SUITES) {
      let bytes: Bytes = Uint8Array.from({ length: 32 }, (_, i) => i);
      let baseKey = await importBaseKey(bytes);
      for (let step = 0; step < 3; step++) {
        const hkdf = suite === AES_128_GCM_SHA256_128 ? hkdfSha256 : hkdfSha512;
        const length = suite === AES_128_GCM_SHA256_128 ? 32 : 64;
        bytes = hkdf(bytes, new Uint8Array(), asciiBytes('SFrame 1.0 Ratchet'), length);
        baseKey = await ratchetBaseKey(suite, baseKey);
        const { salt } = await deriveSframeKey(suite, baseKey, 0x123, 'encrypt');
        const info = concatBytes(asciiBytes('SFrame 1.0 Secret salt '), uintBytes(0x123, 8), uintBytes(suite, 2));
        assert.equal(toHex(salt), toHex(hkdf(bytes, new Uint8Array(), info, 12)));
      }
    }
  });
});

describe('a sealed frame (FR1, FR4)', () => {
  it('is clear ‖ header ‖ AES-GCM, under salt XOR counter and all of its metadata', async () => {
    const key = await subtle.importKey('raw', new Uint8Array(16).fill(7), 'AES-GCM', false, ['encrypt']);
    const salt = Uint8Array.from({ length: 12 }, (_, i) => 0xf0 + i);
    const frame = sampleFrame('vp8', false, asciiBytes('the rest of it'));
    const clear = frame.slice(0, 1);
    for (const [ctr, nonce, header] of [
      [0, 'f0f1f2f3f4f5f6f7f8f9fafb', '900123'],
      [0x4567, 'f0f1f2f3f4f5f6f7f8f9bf9c', '9901234567'],
      [0x1f_ffff_ffff_fffe, 'f0f1f2f3f4ea090807060505', '9e01231ffffffffffffe'],
    ] as const) {
      const sframeKey = { kid: 0x123, key, salt };
      const layout = layoutOf('vp8');
      const encrypted = await new FrameCipher().encrypt(sframeKey, ctr, frame.buffer, clear, layout, METADATA);
      const output = wrapSealed(encrypted, sframeKey.kid, ctr, clear, layout);
      const aad = Uint8Array.from(`${header}010203deadbeeffffffff0${toHex(clear)}`.match(/../g) ?? [], (pair) =>
        Number.parseInt(pair, 16),
      );
      const iv = Uint8Array.from(nonce.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
      const expected = await subtle.encrypt({ name: 'AES-GCM', iv, additionalData: aad }, key, frame);
      assert.equal(toHex(new Uint8Array(output)), toHex(clear) + header + toHex(new Uint8Array(expected)));
    }
  });

  it('opens as it was: every codec, both suites, any size, and many at once', async () => {
    const random = new Random(SEED);
    for (const suite of SUITES) {
      const { stream, receiver } = await makeEnds(suite);
      for (const codec of CODECS) {
        const sizes = [0, 1, 2, 3, 15, 16, 17, 1_200, 70_000, ...Array.from({ length: 20 }, () => random.below(3_000))];
        const frames = sizes.map((size) => {
          const body = random.chance(0.5) ? random.bytes(size) : zeroishBytes(random, size);
          const isKey = random.chance(0.5);
          return { isKey, frame: sampleFrame(codec, isKey, body) };
        });
        const outputs = await Promise.all(frames.map(({ frame, isKey }) => sealed(stream, codec, frame, isKey)));
        const plain = await Promise.all(outputs.map((output) => opened(receiver, codec, output)));
        for (const [i, { frame }] of frames.entries()) {
          assert.equal(toHex(plain[i] as Bytes), toHex(frame), `${codec}, seed ${SEED}, ${i}`);
        }
      }
    }
  });

  it('costs no more than header, tag, what stays clear and its framing', async () => {
    const { stream } = await makeEnds();
    const extra = async (codec: (typeof CODECS)[number], isKey: boolean): Promise<number> => {
      const frame = sampleFrame(codec, isKey, new Uint8Array(1_200).fill(9));
      return (await sealed(stream, codec, frame, isKey)).length - frame.length;
    };
    // counter 0–6 and KID 0 stand in one byte
    assert.equal(await extra('opus', false), 1 + 16);
    assert.equal(await extra('vp8', false), 1 + 16 + 1);
    assert.equal(await extra('vp8', true), 1 + 16 + 10);
    assert.equal(await extra('vp9', true), 1 + 16);
    assert.equal(await extra('av1', false), 1 + 16 + 3);
    assert.equal(await extra('h264', false), 1 + 16 + 6 + 1);
  });

  it('does not open with any bit flipped: every one of small frames', async () => {
    const random = new Random(SEED + 1);
    for (const codec of CODECS) {
      for (const isKey of [true, false]) {
        const { stream, receiver } = await makeEnds();
        const frame = sampleFrame(codec, isKey, ANY_BYTES.includes(codec) ? random.bytes(9) : zeroishBytes(random, 9));
        const output = await sealed(stream, codec, frame, isKey);
        for (let bit = 0; bit < 8 * output.length; bit++) await refusesFlip(receiver, codec, output, bit);
        assert.equal(toHex((await opened(receiver, codec, output)) as Bytes), toHex(frame), 'and whole, it still does');
      }
    }
  });

  it('does not open with any bit flipped: some of big frames, those at both ends among them', async () => {
    const random = new Random(SEED + 2);
    for (const codec of CODECS) {
      const { stream, receiver } = await makeEnds();
      const frame = sampleFrame(codec, true, zeroishBytes(random, 30_000));
      const output = await sealed(stream, codec, frame, true);
      const bits = Array.from({ length: 100 }, () => random.below(8 * output.length));
      for (let bit = 0; bit < 64; bit++) bits.push(bit, 8 * output.length - 1 - bit);
      for (const bit of bits) await refusesFlip(receiver, codec, output, bit);
      assert.equal(toHex((await opened(receiver, codec, output)) as Bytes), toHex(frame));
    }
  });

  it('does not open when it is cut, lengthened, or said to be of another codec, SSRC or time', async () => {
    const { stream, receiver } = await makeEnds();
    const output = await sealed(stream, 'opus', asciiBytes('a frame'));
    for (let end = 0; end < output.length; end++) {
      const fault = await opened(receiver, 'opus', output.slice(0, end));
      assert.equal(fault, end <= 16 ? 'malformed' : 'unopened', `${end}`);
    }
    assert.equal(await opened(receiver, 'opus', concatBytes(output, Uint8Array.of(0))), 'unopened');
    assert.equal(await opened(receiver, 'red', output), 'unopened');
    assert.equal(await opened(receiver, 'vp9', output), 'unopened');
    const others: readonly FrameMetadata[] = [
      {},
      { ...METADATA, synchronizationSource: METADATA.synchronizationSource - 1 },
      { ...METADATA, rtpTimestamp: METADATA.rtpTimestamp + 1 },
      { rtpTimestamp: METADATA.rtpTimestamp },
      { synchronizationSource: METADATA.rtpTimestamp, rtpTimestamp: METADATA.synchronizationSource },
    ];
    for (const other of others) {
      const plain = await receiver.open(output.slice().buffer, layoutOf('opus'), other, 0);
      assert.equal(plain, 'unopened', JSON.stringify(other));
    }
    assert.equal(toHex((await opened(receiver, 'opus', output)) as Bytes), toHex(asciiBytes('a frame')));
  });

  it('opens where no metadata is told at either end, as behind a server that changes it', async () => {
    const { stream, receiver } = await makeEnds();
    const output = await stream.seal(asciiBytes('a frame').buffer, false, layoutOf('opus'), {});
    assert.ok(output instanceof ArrayBuffer);
    const plain = await receiver.open(output, layoutOf('opus'), {}, 0);
    assert.ok(plain instanceof ArrayBuffer);
    assert.equal(toHex(new Uint8Array(plain)), toHex(asciiBytes('a frame')));
  });
});

async function refusesFlip(
  receiver: Awaited<ReturnType<typeof makeEnds>>['receiver'],
  codec: (typeof CODECS)[number],
  output: Bytes,
  bit: number,
): Promise<void> {
  const flipped = output.slice();
  const at = bit >> 3;
  flipped[at] = (flipped[at] as number) ^ (1 << (bit & 7));
  const fault = await opened(receiver, codec, flipped);
  assert.equal(typeof fault, 'string', `${codec}: bit ${bit} of ${8 * output.length}`);
}
