import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toHex } from '../../src/engine/protocol/bytes.ts';
import {
  GENERATION_MAX,
  formatFrameKeyId,
  formatSframeHeader,
  parseFrameKeyId,
  parseSframeHeader,
  sframeHeaderLength,
  writeSframeHeader,
} from '../../src/engine/protocol/sframe-header.ts';
import type { SframeUint } from '../../src/engine/protocol/sframe-header.ts';
import { Random } from '../helpers/random.ts';

const SEED = 9_605;

function hexOf(kid: SframeUint, ctr: SframeUint): string | undefined {
  const bytes = formatSframeHeader(kid, ctr);
  return bytes && toHex(bytes);
}

describe('the header of a sealed frame (FR1)', () => {
  it('holds small values in its first byte, and others in as few as will do', () => {
    const cases: readonly (readonly [SframeUint, SframeUint, string])[] = [
      [0, 0, '00'],
      [7, 7, '77'],
      [8, 7, '8708'],
      [7, 8, '7808'],
      [255, 256, '89ff0100'],
      [2 ** 32 - 1, 2 ** 32, 'bcffffffff0100000000'],
      [2 ** 53 - 1, 2n ** 53n, 'ee1fffffffffffff20000000000000'],
      [2n ** 64n - 1n, 2n ** 63n + 1n, 'ffffffffffffffffff8000000000000001'],
    ];
    for (const [kid, ctr, text] of cases) {
      assert.equal(hexOf(kid, ctr), text);
      assert.equal(hexOf(BigInt(kid), BigInt(ctr)), text);
      if (typeof kid === 'bigint' || typeof ctr === 'bigint') continue;
      const bytes = new Uint8Array(sframeHeaderLength(kid, ctr));
      assert.equal(writeSframeHeader(bytes, 0, kid, ctr), text.length / 2);
      assert.equal(toHex(bytes), text);
    }
  });

  it('is not made of what it cannot hold', () => {
    for (const value of [-1, 0.5, Number.NaN, Infinity, 2 ** 53, -1n, 2n ** 64n]) {
      assert.equal(formatSframeHeader(value, 0), undefined);
      assert.equal(formatSframeHeader(0, value), undefined);
    }
  });

  it('is written into what is there, and only over its own bytes', () => {
    const target = new Uint8Array(8).fill(0xaa);
    assert.equal(writeSframeHeader(target, 2, 300, 5), 5);
    assert.equal(toHex(target), 'aaaa95012caaaaaa');
    assert.deepEqual(parseSframeHeader(target, 2), { kid: 300, ctr: 5, length: 3 });
  });

  it('comes back as it was, at random', () => {
    const random = new Random(SEED);
    for (let i = 0; i < 20_000; i++) {
      const [kid, ctr] = [randomUint(random), randomUint(random)] as const;
      const bytes = formatSframeHeader(kid, ctr);
      assert.ok(bytes, `seed ${SEED}, ${i}`);
      const parsed = parseSframeHeader(bytes);
      if (kid < 2n ** 53n && ctr < 2n ** 53n) {
        const written = new Uint8Array(sframeHeaderLength(Number(kid), Number(ctr)));
        writeSframeHeader(written, 0, Number(kid), Number(ctr));
        assert.equal(toHex(written), toHex(bytes), `seed ${SEED}, ${i}`);
      }
      assert.deepEqual(parsed, { kid: asParsed(kid), ctr: asParsed(ctr), length: bytes.length }, `seed ${SEED}, ${i}`);
      for (let end = 0; end < bytes.length; end++) assert.equal(parseSframeHeader(bytes.subarray(0, end)), undefined);
    }
  });

  it('has one spelling: what parses is what would have been written', () => {
    const random = new Random(SEED + 1);
    let taken = 0;
    for (let i = 0; i < 50_000; i++) {
      const bytes = random.bytes(random.below(20));
      for (const at of bytes.keys()) if (random.chance(0.3)) bytes[at] = 0;
      const parsed = parseSframeHeader(bytes);
      if (!parsed) continue;
      taken++;
      assert.equal(hexOf(parsed.kid, parsed.ctr), toHex(bytes.subarray(0, parsed.length)), `seed ${SEED + 1}, ${i}`);
    }
    assert.ok(taken > 5_000 && taken < 45_000, `${taken}`);
  });

  it('is refused where a value has more bytes than it needs', () => {
    for (const text of ['8000', '8007', '0800', '900000', '9000ff', '0900ff', 'f0001fffffffffffff']) {
      const bytes = Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
      assert.equal(parseSframeHeader(bytes), undefined, text);
    }
  });
});

describe('the KID of a frame (FR2)', () => {
  it('is generation, stream and step, beyond 32 bits too', () => {
    const cases = [
      [{ generation: 0, stream: 0, step: 0 }, 0],
      [{ generation: 1, stream: 2, step: 3 }, 0x113],
      [{ generation: 0x0100_0000, stream: 31, step: 7 }, 0x1_0000_00ff],
      [{ generation: GENERATION_MAX, stream: 31, step: 7 }, 0xff_ffff_ffff],
    ] as const;
    for (const [id, kid] of cases) {
      assert.equal(formatFrameKeyId(id), kid);
      assert.deepEqual(parseFrameKeyId(kid), id);
    }
    assert.equal(formatFrameKeyId({ generation: 1, stream: 0, step: 8 + 3 }), 0x103, 'steps are counted modulo 8');
  });

  it('is not made of parts that are out of range, nor read from a KID that has none', () => {
    const id = { generation: 1, stream: 1, step: 1 };
    for (const wrong of [-1, 0.5, Number.NaN, 2 ** 53]) {
      for (const part of ['generation', 'stream', 'step'] as const) {
        assert.equal(formatFrameKeyId({ ...id, [part]: wrong }), undefined, `${part} ${wrong}`);
      }
      assert.equal(parseFrameKeyId(wrong), undefined);
    }
    assert.equal(formatFrameKeyId({ ...id, generation: GENERATION_MAX + 1 }), undefined);
    assert.equal(formatFrameKeyId({ ...id, stream: 32 }), undefined);
    for (const kid of [2 ** 40, 2 ** 53 - 1, 2n ** 53n, 2n ** 64n - 1n]) assert.equal(parseFrameKeyId(kid), undefined);
  });

  it('comes back as it was, at random', () => {
    const random = new Random(SEED + 2);
    for (let i = 0; i < 10_000; i++) {
      const id = { generation: random.uint32(), stream: random.below(32), step: random.below(8) };
      assert.deepEqual(parseFrameKeyId(formatFrameKeyId(id) ?? -1), id, `seed ${SEED + 2}, ${i}`);
    }
  });
});

/** Of every length alike. */
function randomUint(random: Random): bigint {
  const bytes = random.bytes(1 + random.below(8));
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n) >> BigInt(random.below(8));
}

function asParsed(value: bigint): SframeUint {
  return value < 2n ** 53n ? Number(value) : value;
}
