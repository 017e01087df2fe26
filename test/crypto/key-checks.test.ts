/** The checks by themselves: most implementations behind them would refuse the same, so that only this shows that they do. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { agreeChecked, isKemKey, verifyChecked } from '../../src/engine/crypto/key-checks.ts';
import { createNobleProvider } from '../../src/engine/crypto/noble-provider.ts';
import { concatBytes } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { edgeSignatures, littleEndian } from '../helpers/edge-signatures.ts';

const P = 2n ** 255n - 19n;
/** RFC 8032 §5.1. */
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const SIGN_BIT = 2n ** 255n;

describe('verifyChecked', () => {
  const good = littleEndian(9n);
  const signed = async () => true;
  const isPassed = (key: Bytes, r: Bytes, s: bigint) => verifyChecked(key, concatBytes(r, littleEndian(s)), signed);

  it('leaves it to the equation where nothing is wrong with the form', async () => {
    const signature = concatBytes(good, littleEndian(1n));
    assert.equal(await verifyChecked(good, signature, async () => true), true);
    assert.equal(await verifyChecked(good, signature, async () => false), false);
    assert.equal(await verifyChecked(good, signature, () => Promise.reject(new Error('no point'))), false);
  });

  it('refuses small order, in key and R, and a large S, whatever the equation says', async () => {
    let refused = 0;
    for (const { name, publicKey, signature } of edgeSignatures()) {
      const isBad = /small order|large S/.test(name);
      assert.equal(await verifyChecked(publicKey, signature, signed), !isBad, name);
      if (isBad) refused += 1;
    }
    assert.equal(refused, 31);
  });

  it('refuses S from the order of the group up', async () => {
    for (const s of [0n, 1n, L - 1n]) assert.equal(await isPassed(good, good, s), true);
    for (const s of [L, L + 1n, 2n ** 253n, 2n ** 256n - 1n]) assert.equal(await isPassed(good, good, s), false);
  });

  it('refuses a key or R that is not canonical: y from the modulus up, with either sign', async () => {
    for (let y = 2n; y < 19n; y++) {
      for (const sign of [0n, SIGN_BIT]) {
        assert.equal(await isPassed(littleEndian(y + sign), good, 1n), true);
        assert.equal(await isPassed(littleEndian(P + y + sign), good, 1n), false);
        assert.equal(await isPassed(good, littleEndian(P + y + sign), 1n), false);
      }
    }
    assert.equal(await isPassed(littleEndian(P - 2n), littleEndian(P - 2n + SIGN_BIT), 1n), true);
  });

  it('refuses other lengths', async () => {
    for (const length of [0, 31, 33]) {
      assert.equal(await verifyChecked(new Uint8Array(length).fill(9), new Uint8Array(64).fill(9), signed), false);
    }
    for (const length of [0, 32, 63, 65]) {
      assert.equal(await verifyChecked(new Uint8Array(32).fill(9), new Uint8Array(length).fill(9), signed), false);
    }
    assert.equal(await verifyChecked(new Uint8Array(32).fill(9), new Uint8Array(64).fill(9), signed), true);
  });
});

describe('agreeChecked', () => {
  it('refuses a secret of zeros that an implementation let pass, and only that', async () => {
    const key = littleEndian(9n);
    assert.equal(await agreeChecked(key, async () => new Uint8Array(32)), undefined);
    for (let at = 0; at < 32; at++) {
      const secret = new Uint8Array(32);
      secret[at] = 0x80;
      assert.deepEqual(await agreeChecked(key, async () => secret), secret);
    }
  });

  it('never derives with a refused key', async () => {
    const derive = () => assert.fail('derived');
    assert.equal(await agreeChecked(littleEndian(P), derive), undefined);
    assert.equal(await agreeChecked(new Uint8Array(33), derive), undefined);
  });
});

describe('isKemKey', () => {
  it('takes every coefficient below the modulus and no other, and any last 32 bytes', async () => {
    const { publicKey } = await createNobleProvider().generateKem();
    const withPair = (at: number, low: number, high: number) => {
      const changed = publicKey.slice();
      changed.set([low & 255, (low >> 8) | ((high & 15) << 4), high >> 4], at);
      return changed;
    };
    assert.equal(isKemKey(publicKey), true);
    for (let at = 0; at < 1152; at += 3) {
      assert.equal(isKemKey(withPair(at, 3328, 3328)), true);
      assert.equal(isKemKey(withPair(at, 3329, 3328)), false);
      assert.equal(isKemKey(withPair(at, 3328, 3329)), false);
    }
    for (let value = 0; value < 4096; value++) {
      assert.equal(isKemKey(withPair(0, value, 0)), value < 3329);
      assert.equal(isKemKey(withPair(1149, 0, value)), value < 3329);
    }
    assert.equal(isKemKey(new Uint8Array(publicKey).fill(255, 1152)), true);
  });

  it('refuses other lengths', () => {
    for (const length of [0, 1152, 1183, 1185]) assert.equal(isKemKey(new Uint8Array(length)), false);
    assert.equal(isKemKey(new Uint8Array(1184)), true);
  });
});
