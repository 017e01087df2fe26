import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  asciiBytes,
  concatBytes,
  equalBytes,
  fromBase64Url,
  fromHex,
  readUint,
  toBase64Url,
  toHex,
  uintBytes,
  utf8Length,
} from '../../src/engine/protocol/bytes.ts';
import { fuzzParser } from '../helpers/fuzz.ts';
import { Random } from '../helpers/random.ts';

describe('the length of a text in UTF-8', () => {
  it('is what an encoder would write', () => {
    const parts = [
      '',
      'a',
      '\u0000',
      '\u007f',
      '\u0080',
      'é',
      '\u07ff',
      '\u0800',
      '€',
      '\uffff',
      '😀',
      '\ud83d',
      '\ude00',
    ];
    for (const a of parts) {
      for (const b of parts) {
        for (const c of parts) {
          const text = a + b + c;
          assert.equal(utf8Length(text), new TextEncoder().encode(text).length, JSON.stringify(text));
        }
      }
    }
  });
});

describe('base64url', () => {
  it('writes the vectors of RFC 4648 §10, without padding', () => {
    const texts = { '': '', f: 'Zg', fo: 'Zm8', foo: 'Zm9v', foob: 'Zm9vYg', fooba: 'Zm9vYmE', foobar: 'Zm9vYmFy' };
    for (const [plain, text] of Object.entries(texts)) {
      assert.equal(toBase64Url(asciiBytes(plain)), text);
      assert.deepEqual(fromBase64Url(text), asciiBytes(plain));
    }
  });

  it('agrees with another implementation, and reads back what it wrote, at all lengths', () => {
    const random = new Random(1);
    for (let length = 0; length <= 300; length++) {
      const bytes = random.bytes(length);
      const text = toBase64Url(bytes);
      assert.equal(text, Buffer.from(bytes).toString('base64url'));
      assert.deepEqual(fromBase64Url(text), bytes);
    }
  });

  it('knows all 64 digits', () => {
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    assert.equal(toBase64Url(fromBase64Url(digits)!), digits);
  });

  it('refuses padding, the other alphabet, spaces, and characters beyond ASCII', () => {
    for (const text of [
      'Zg==',
      'Zg=',
      '+/+/',
      'Zm9v\n',
      ' Zm9v',
      'Zm 9',
      'Zm9\u00e9',
      'Zm9\u0161',
      'Zm9\uffff',
      'Zm9\u0000',
    ]) {
      assert.equal(fromBase64Url(text), undefined, JSON.stringify(text));
    }
  });

  it('refuses a length that no bytes have', () => {
    assert.equal(fromBase64Url('A'), undefined);
    assert.equal(fromBase64Url('AAAAA'), undefined);
  });

  it('refuses trailing bits that are not zero: one text for the same bytes', () => {
    const accepted = { two: 0, three: 0 };
    for (const digit of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
      if (fromBase64Url(`A${digit}`)) accepted.two++;
      if (fromBase64Url(`AA${digit}`)) accepted.three++;
    }
    // 4 of 6 and 2 of 6 bits have to be zero
    assert.deepEqual(accepted, { two: 4, three: 16 });
  });

  it('fuzz: takes exactly the texts that it writes', () => {
    fuzzParser({ samples: ['', 'Zg', 'Zm8', 'AQID-_', 'A'.repeat(64)], parse: fromBase64Url, format: toBase64Url });
    const random = new Random(2);
    for (let i = 0; i < 20_000; i++) {
      const text = Array.from({ length: random.below(9) }, () => random.pick([...'AQgw-_09z=+'])).join('');
      const bytes = fromBase64Url(text);
      if (bytes) assert.equal(toBase64Url(bytes), text);
      else assert.notEqual(Buffer.from(text, 'base64url').toString('base64url'), text);
    }
  });
});

describe('hexadecimal', () => {
  it('reads back what it wrote', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    assert.equal(toHex(bytes), Buffer.from(bytes).toString('hex'));
    assert.deepEqual(fromHex(toHex(bytes)), bytes);
    assert.deepEqual(fromHex(''), new Uint8Array());
  });

  it('refuses capitals, odd lengths, other characters and a final line break', () => {
    for (const text of ['AA', 'aA', 'a', 'abc', '0x', 'gg', ' a', 'aa\n', '\n', 'é0', '١١']) {
      assert.equal(fromHex(text), undefined, JSON.stringify(text));
    }
  });

  it('fuzz: takes only what it writes', () => {
    fuzzParser({ samples: ['', '00', 'deadbeef', '0123456789abcdef'], parse: fromHex, format: toHex });
  });
});

describe('unsigned integers', () => {
  it('are big-endian and read back, up to 2^53 - 1', () => {
    assert.deepEqual([...uintBytes(0x010203, 4)], [0, 1, 2, 3]);
    for (const value of [0, 1, 255, 256, 2 ** 32 - 1, 2 ** 32, 2 ** 40 - 1, Number.MAX_SAFE_INTEGER]) {
      assert.equal(readUint(uintBytes(value, 8), 0, 8), value);
    }
  });

  it('are refused from 2^53 up, where numbers stop being exact', () => {
    assert.equal(readUint(Uint8Array.of(0, 0x1f, 255, 255, 255, 255, 255, 255), 0, 8), 2 ** 53 - 1);
    assert.equal(readUint(Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 0), 0, 8), undefined);
    assert.equal(readUint(Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 1), 0, 8), undefined);
    assert.equal(readUint(new Uint8Array(8).fill(255), 0, 8), undefined);
  });

  it('are refused where the bytes end before them', () => {
    assert.equal(readUint(Uint8Array.of(1, 2), 1, 2), undefined);
    assert.equal(readUint(new Uint8Array(), 0, 1), undefined);
    assert.equal(readUint(Uint8Array.of(1, 2), 1, 1), 2);
  });
});

describe('byte arrays', () => {
  it('are joined in order into a new one', () => {
    const part = Uint8Array.of(1);
    const joined = concatBytes(part, new Uint8Array(), Uint8Array.of(2, 3));
    part[0] = 9;
    assert.deepEqual([...joined], [1, 2, 3]);
    assert.deepEqual(concatBytes(), new Uint8Array());
  });

  it('are equal only with the same length and bytes', () => {
    assert.ok(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2)));
    assert.ok(!equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3)));
    assert.ok(!equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 0)));
    assert.ok(!equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1)));
  });
});
