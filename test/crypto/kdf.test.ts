import assert from 'node:assert/strict';
import { createHash, createHmac, hkdfSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { hkdfSha256, hkdfSha512, hmacSha256, hmacSha512, sha256, sha512 } from '../../src/engine/crypto/kdf.ts';
import { asciiBytes, fromHex, toHex } from '../../src/engine/protocol/bytes.ts';
import { Random } from '../helpers/random.ts';

const hex = (text: string) => fromHex(text)!;

describe('the hashes', () => {
  it('pass the examples of FIPS 180-4 (“abc”)', () => {
    assert.equal(toHex(sha256(asciiBytes('abc'))), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    assert.equal(
      toHex(sha512(asciiBytes('abc'))),
      'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    );
  });

  it('agree with OpenSSL on inputs of all lengths around a block', () => {
    const random = new Random(41);
    for (const length of [0, 1, 55, 56, 63, 64, 65, 111, 112, 119, 127, 128, 129, 1000]) {
      const data = random.bytes(length);
      assert.equal(toHex(sha256(data)), createHash('sha256').update(data).digest('hex'));
      assert.equal(toHex(sha512(data)), createHash('sha512').update(data).digest('hex'));
    }
  });
});

describe('HMAC', () => {
  it('passes test cases 1, 2 and 6 of RFC 4231 (short key, text key, key longer than a block)', () => {
    const cases = [
      [
        new Uint8Array(20).fill(0x0b),
        'Hi There',
        '87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854',
      ],
      [
        asciiBytes('Jefe'),
        'what do ya want for nothing?',
        '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
      ],
      [
        new Uint8Array(131).fill(0xaa),
        'Test Using Larger Than Block-Size Key - Hash Key First',
        '80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598',
      ],
    ] as const;
    for (const [key, data, mac] of cases) assert.equal(toHex(hmacSha512(key, asciiBytes(data))), mac);
  });

  it('agrees with OpenSSL on keys around a block', () => {
    const random = new Random(42);
    for (const length of [1, 32, 63, 64, 65, 127, 128, 129, 300]) {
      const [key, data] = [random.bytes(length), random.bytes(random.below(300))];
      assert.equal(toHex(hmacSha512(key, data)), createHmac('sha512', key).update(data).digest('hex'));
      assert.equal(toHex(hmacSha256(key, data)), createHmac('sha256', key).update(data).digest('hex'));
    }
  });
});

describe('HKDF', () => {
  it('passes test cases 1 and 3 of RFC 5869 (with and without salt and info)', () => {
    const ikm = new Uint8Array(22).fill(0x0b);
    assert.equal(
      toHex(hkdfSha256(ikm, hex('000102030405060708090a0b0c'), hex('f0f1f2f3f4f5f6f7f8f9'), 42)),
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    );
    assert.equal(
      toHex(hkdfSha256(ikm, new Uint8Array(), new Uint8Array(), 42)),
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    );
  });

  it('agrees with OpenSSL, and no salt is a salt of zeros', () => {
    const random = new Random(43);
    for (let i = 0; i < 20; i++) {
      const [ikm, salt, info] = [random.bytes(1 + random.below(200)), random.bytes(64), random.bytes(random.below(90))];
      const length = 1 + random.below(400);
      const openSsl = (hash: string) => toHex(new Uint8Array(hkdfSync(hash, ikm, salt, info, length)));
      assert.equal(toHex(hkdfSha256(ikm, salt, info, length)), openSsl('sha256'));
      assert.equal(toHex(hkdfSha512(ikm, salt, info, length)), openSsl('sha512'));
      assert.deepEqual(hkdfSha512(ikm, new Uint8Array(64), info, 128), hkdfSha512(ikm, new Uint8Array(), info, 128));
    }
  });

  it('gives results over a buffer of their own', () => {
    const derived = hkdfSha512(new Uint8Array(32), new Uint8Array(64), new Uint8Array(), 128);
    assert.equal(derived.byteOffset, 0);
    assert.ok(derived.buffer instanceof ArrayBuffer);
    assert.equal(derived.buffer.byteLength, 128);
  });

  it('throws for more than 255 hashes', () => {
    const none = new Uint8Array();
    assert.equal(hkdfSha256(none, none, none, 255 * 32).length, 8160);
    assert.equal(hkdfSha512(none, none, none, 255 * 64).length, 16320);
    assert.throws(() => hkdfSha256(none, none, none, 255 * 32 + 1));
    assert.throws(() => hkdfSha512(none, none, none, 255 * 64 + 1));
  });
});
