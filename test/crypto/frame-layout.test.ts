import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { escapeZeros, unescapeZeros } from '../../src/engine/crypto/frame-layout/annex-b.ts';
import { CLEAR_MAX_BYTES } from '../../src/engine/crypto/frame-layout/layout.ts';
import { frameLayoutOf } from '../../src/engine/crypto/frame-layout/layouts.ts';
import { concatBytes, fromHex, toHex } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { ANY_BYTES, CODECS, layoutOf, sampleFrame, zeroishBytes } from '../helpers/frames.ts';
import type { Codec } from '../helpers/frames.ts';
import { Random } from '../helpers/random.ts';

const SEED = 6_386;

function hex(text: string): Bytes {
  const bytes = fromHex(text.replaceAll(' ', ''));
  assert.ok(bytes, text);
  return bytes;
}

function clearOf(codec: Codec, frame: string, isKey = false): string | undefined {
  const clear = layoutOf(codec).clear(hex(frame), isKey);
  return clear && toHex(clear);
}

/** An SFrame of these bytes, packed behind `clear` as the cipher does it. */
function packed(codec: Codec, clear: Bytes, sframe: Bytes): Bytes {
  const { packing } = layoutOf(codec);
  assert.ok(packing);
  const before = new Uint8Array(packing.before(sframe.length));
  const frame = concatBytes(clear, before, sframe, new Uint8Array(packing.after));
  return packing.pack(frame, clear.length, sframe.length);
}

function unpacked(codec: Codec, frame: Bytes): Bytes | undefined {
  const layout = layoutOf(codec);
  const length = layout.clearLength(frame);
  return length === undefined ? undefined : layout.packing?.unpack(frame, length);
}

describe('the layouts of frames (FR5)', () => {
  it('are found by MIME type, and are authenticated as what PROTOCOL.md says', () => {
    const numbers = ['audio/opus', 'audio/red', 'video/VP8', 'video/VP9', 'video/AV1', 'video/H264', 'video/H265'].map(
      (type) => [frameLayoutOf(type)?.kind, frameLayoutOf(type)?.codec],
    );
    assert.deepEqual(numbers, [
      [1, 1],
      [1, 2],
      [2, 3],
      [2, 4],
      [2, 5],
      [2, 6],
      [2, 7],
    ]);
    for (const type of [undefined, '', 'audio/PCMU', 'video/rtx', 'opus', 'toString']) {
      assert.equal(frameLayoutOf(type), undefined);
    }
  });

  it('leave nothing clear of Opus, RED and VP9, not even of an empty frame', () => {
    for (const codec of ['opus', 'red', 'vp9'] as const) {
      for (const frame of ['', '00', '820102']) {
        assert.equal(clearOf(codec, frame, true), '');
        assert.equal(layoutOf(codec).clearLength(hex(frame)), 0);
      }
    }
  });

  it('agree in both directions: what is clear is found again in front of whatever follows', () => {
    const random = new Random(SEED);
    for (const codec of CODECS) {
      for (const isKey of [true, false]) {
        for (let i = 0; i < 300; i++) {
          const clear = layoutOf(codec).clear(sampleFrame(codec, isKey, zeroishBytes(random, 40)), isKey);
          assert.ok(clear);
          const sframe = zeroishBytes(random, random.below(60));
          const frame = layoutOf(codec).packing ? packed(codec, clear, sframe) : concatBytes(clear, sframe);
          assert.equal(layoutOf(codec).clearLength(frame), clear.length, `${codec}, seed ${SEED}, ${i}`);
          if (layoutOf(codec).packing) assert.equal(toHex(unpacked(codec, frame) ?? hex('')), toHex(sframe));
        }
      }
    }
  });

  it('read anything from a network without throwing, and what they unpack is packed the same way', () => {
    const random = new Random(SEED + 1);
    for (const codec of CODECS) {
      let taken = 0;
      for (let i = 0; i < 4_000; i++) {
        const isKey = random.chance(0.5);
        const clear = layoutOf(codec).clear(sampleFrame(codec, isKey, hex('80')), isKey) ?? hex('');
        const good = layoutOf(codec).packing ? packed(codec, clear, zeroishBytes(random, 30)) : clear;
        const frame = random.chance(0.2) ? zeroishBytes(random, random.below(40)) : good.slice();
        for (let times = random.below(3); times > 0; times--) frame[random.below(frame.length + 1)] = random.below(256);
        const cut = random.chance(0.3) ? frame.slice(0, random.below(frame.length + 1)) : frame;
        const length = layoutOf(codec).clearLength(cut);
        if (length === undefined) continue;
        assert.ok(length <= cut.length && length <= CLEAR_MAX_BYTES);
        if (layoutOf(codec).packing === undefined) taken++;
        const sframe = unpacked(codec, cut);
        if (!sframe) continue;
        taken++;
        assert.equal(
          toHex(packed(codec, cut.subarray(0, length), sframe)),
          toHex(cut),
          `${codec}, seed ${SEED + 1}, ${i}`,
        );
      }
      assert.ok(taken > 100, `${codec}: ${taken} were taken`);
    }
  });

  it('take any bytes as what an encoder made without throwing, and let no frame of another shape be sent', () => {
    const random = new Random(SEED + 2);
    for (const codec of CODECS) {
      let refused = 0;
      for (let i = 0; i < 3_000; i++) {
        const clear = layoutOf(codec).clear(zeroishBytes(random, random.below(30)), random.chance(0.5));
        if (!clear) refused++;
        else assert.ok(clear.length <= CLEAR_MAX_BYTES);
      }
      assert.equal(refused > 0, !ANY_BYTES.includes(codec), codec);
    }
  });
});

describe('VP8', () => {
  it('shows the tag’s first byte of a delta, and ten bytes of a key frame, whatever the browser calls it', () => {
    assert.equal(clearOf('vp8', '31aabb'), '31');
    assert.equal(clearOf('vp8', '31', true), '31');
    assert.equal(clearOf('vp8', '504201 9d012a 8002 6801 aabb'), '5042019d012a80026801');
  });

  it('refuses an empty frame, a key frame cut short, and one without its start code', () => {
    for (const frame of [
      '',
      '504201',
      '5042019d012a800268',
      '5042019d012b80026801aa',
      '5042019d022a80026801',
      '504201 9e012a80026801',
    ]) {
      assert.equal(clearOf('vp8', frame), undefined, frame);
      assert.equal(layoutOf('vp8').clearLength(hex(frame)), undefined, frame);
    }
  });
});

describe('AV1', () => {
  it('is one OBU, with its size in the shortest form', () => {
    for (const [size, head] of [
      [0, '3200'],
      [1, '3201'],
      [127, '327f'],
      [128, '328001'],
      [129, '328101'],
      [16_383, '32ff7f'],
      [16_384, '32808001'],
      [2_097_152, '3280808001'],
    ] as const) {
      const frame = packed('av1', hex('32'), new Uint8Array(size));
      assert.equal(toHex(frame.subarray(0, head.length / 2)), head);
      assert.equal(unpacked('av1', frame)?.length, size);
    }
    assert.equal(clearOf('av1', '1200', true), '0a');
    assert.equal(clearOf('av1', '1200'), '32');
  });

  it('refuses other OBUs, and sizes that are too long, too short, cut, or written with more bytes', () => {
    for (const text of [
      '',
      '1200',
      '30',
      '32',
      '3201',
      '320000',
      '3201aaaa',
      '328000',
      '328100aa',
      '3280',
      '32ffffffff0f',
      '32808080808001',
    ]) {
      assert.equal(unpacked('av1', hex(text)), undefined, text);
    }
  });
});

describe('H.264 and H.265', () => {
  const SPS = '6742c01f';
  const PPS = '68ce3c80';

  it('show the parameter sets of a key frame, with start codes of four bytes, and one synthetic slice', () => {
    const expected = `00000001${SPS}00000001${PPS}0000000165f0`;
    assert.equal(clearOf('h264', `00000001 ${SPS} 00000001 ${PPS} 00000001 65b8aa`), expected);
    assert.equal(clearOf('h264', `000001 ${SPS} 000001 ${PPS} 000001 65b8aa`), expected);
    assert.equal(clearOf('h264', `00000001 ${SPS} 0000 00000001 ${PPS} 00000001 65`), expected, 'zeros after a unit');
    assert.equal(clearOf('h264', `00000001 09f0 000001 06 05ff80 000001 ${SPS} 000001 ${PPS} 000001 65`), expected);
    assert.equal(clearOf('h264', '000001 65b8', true), '0000000165f0');
    assert.equal(
      clearOf('h265', '00000001 400101 00000001 420102 00000001 440103 00000001 4e0180 00000001 2801af'),
      '000000014001010000000142010200000001440103000000012601f0',
    );
  });

  it('show a slice and nothing else of other frames', () => {
    assert.equal(clearOf('h264', '00000001 419a00'), '0000000161f0');
    assert.equal(
      clearOf('h264', `00000001 ${SPS} 00000001 419a`, true),
      '0000000161f0',
      'parameter sets without a key slice',
    );
    assert.equal(clearOf('h264', '000001 09f0 000001 019a'), '0000000161f0');
    assert.equal(clearOf('h265', '00000001 0001d0'), '000000010201f0');
  });

  it('refuse what has no start code, no unit behind it, or no slice', () => {
    for (const frame of [
      '',
      '00',
      '0000',
      '000001',
      '00000001',
      'ff000001 419a',
      '05000001 419a',
      '00000000 01419a',
      `00000001${SPS}`,
      `00000001${SPS}00000001`,
      '000001 429a',
    ]) {
      assert.equal(clearOf('h264', frame), undefined, frame);
    }
  });

  it('refuse parameter sets of a size that none has', () => {
    const room = CLEAR_MAX_BYTES - '0000000165f0'.length / 2 - 4;
    const withSps = (length: number): string => `00000001 67${'42'.repeat(length - 1)} 00000001 65b8`;
    const longest = clearOf('h264', withSps(room));
    assert.equal(longest?.length, 2 * CLEAR_MAX_BYTES);
    assert.equal(layoutOf('h264').clearLength(hex(longest)), CLEAR_MAX_BYTES);
    assert.equal(clearOf('h264', withSps(room + 1)), undefined);
    assert.equal(clearOf('h264', withSps(CLEAR_MAX_BYTES + 1)), undefined);
    // received: the end of the set is in reach, that of the slice's header is not
    const tooLong = `00000001 67${'42'.repeat(room)} 0000000165f0`;
    assert.equal(layoutOf('h264').clearLength(hex(tooLong)), undefined);
    assert.equal(
      layoutOf('h264').clearLength(hex(`00000001 67${'42'.repeat(CLEAR_MAX_BYTES)} 0000000165f0`)),
      undefined,
    );
  });

  it('refuse, received, what they do not write', () => {
    for (const text of [
      '',
      '00000001',
      '0000000161',
      '000001 61f0aa80',
      '0000000141f0',
      '0000000165b8',
      `00000001${SPS}`,
      `00000001${SPS} 000001 65f0`,
      '0000000109f0 0000000165f0',
      '0000000167 ff',
    ]) {
      assert.equal(layoutOf('h264').clearLength(hex(text)), undefined, text);
    }
    assert.equal(layoutOf('h265').clearLength(hex('0000000161f0')), undefined);
    for (const text of [
      '',
      '81',
      '00',
      '0000010080',
      '00000080',
      '00000280',
      '000003ff80',
      '00000380',
      '00000304ff80',
    ]) {
      const frame = concatBytes(hex('0000000161f0'), hex(text));
      assert.equal(unpacked('h264', frame), undefined, text);
    }
  });

  it('end in a stop bit, so that no unit ends in a zero', () => {
    for (const sframe of ['', '00', '0000', '000000', '00000000', '0000000000', '000003', '00000300']) {
      const frame = packed('h264', hex('0000000161f0'), hex(sframe));
      assert.equal(frame.at(-1), 0x80);
      assert.equal(toHex(unpacked('h264', frame) ?? hex('ff')), sframe);
    }
  });
});

describe('the escapes of NAL units (H.264 §7.4.1.1)', () => {
  it('go between two zeros and a byte up to three', () => {
    for (const [plain, escaped] of [
      ['', ''],
      ['0001', '0001'],
      ['000004', '000004'],
      ['000000', '00000300'],
      ['000001', '00000301'],
      ['000002', '00000302'],
      ['000003', '00000303'],
      ['0000000000', '00000300000300'],
      ['ff00000300000003', 'ff000003030000030003'],
    ] as const) {
      assert.equal(toHex(escapeZeros(hex(plain), 0)), escaped, plain);
      assert.equal(toHex(unescapeZeros(hex(escaped)) ?? hex('ee')), plain);
    }
  });

  it('begin where they are told to, and copy nothing where there is nothing to escape', () => {
    const bytes = hex('00000001 00000001');
    assert.equal(toHex(escapeZeros(bytes, 4)), '000000010000030001');
    assert.equal(escapeZeros(bytes, 6), bytes);
    const plain = hex('0102000104');
    assert.equal(unescapeZeros(plain), plain);
  });

  it('leave no start code in anything, and come back as it was, at random', () => {
    const random = new Random(SEED + 3);
    for (let i = 0; i < 5_000; i++) {
      // as the cipher does it: the stop bit is behind
      const plain = concatBytes(zeroishBytes(random, random.below(50)), hex('80'));
      const escaped = escapeZeros(plain, 0);
      assert.ok(!/^(..)*?0000(00|01|02)/.test(toHex(escaped)), `seed ${SEED + 3}, ${i}`);
      assert.equal(toHex(unescapeZeros(escaped) ?? hex('')), toHex(plain), `seed ${SEED + 3}, ${i}`);
    }
  });

  it('are undone only where they would have been put', () => {
    const random = new Random(SEED + 4);
    let taken = 0;
    for (let i = 0; i < 20_000; i++) {
      const bytes = zeroishBytes(random, random.below(10));
      const plain = unescapeZeros(bytes);
      if (!plain) continue;
      taken++;
      assert.equal(toHex(escapeZeros(plain, 0)), toHex(bytes), `seed ${SEED + 4}, ${i}`);
    }
    assert.ok(taken > 1_000, `${taken}`);
  });
});
