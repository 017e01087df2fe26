/** What holds between two providers, and what the signatures that they are tested with are worth. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ed25519 } from '@noble/curves/ed25519.js';
import { createNativeProvider } from '../../src/engine/crypto/native-provider.ts';
import { createNobleProvider, dhKeyOfSecret, kemKeyOfSeed } from '../../src/engine/crypto/noble-provider.ts';
import { KEM_CIPHERTEXT_BYTES } from '../../src/engine/crypto/provider.ts';
import type { Provider } from '../../src/engine/crypto/provider.ts';
import { toHex } from '../../src/engine/protocol/bytes.ts';
import { EDGE_COUNTS, SMALL_ORDER_ENCODINGS, edgeSignatures, littleEndian } from '../helpers/edge-signatures.ts';
import { native as nativeImplementation } from '../helpers/implementations.ts';
import { Random } from '../helpers/random.ts';

const P = 2n ** 255n - 19n;
const native = createNativeProvider();
const noble = createNobleProvider();
const PAIRS: readonly (readonly [string, Provider, Provider])[] = [
  ['native, native', native, native],
  ['native, noble', native, noble],
  ['noble, native', noble, native],
  ['noble, noble', noble, noble],
];

describe('two providers', () => {
  for (const [name, a, b] of PAIRS) {
    it(`${name}: what one signs, the other verifies`, async () => {
      const random = new Random(33);
      const signer = await a.generateSigner();
      for (const length of [0, 1, 63, 64, 65, 1000]) {
        const message = random.bytes(length);
        assert.equal(await b.verify(signer.publicKey, message, await signer.sign(message)), true);
      }
    });

    it(`${name}: both sides of a key agreement get the same secret, and no third one`, async () => {
      const [one, other, third] = await Promise.all([a.generateDh(), b.generateDh(), a.generateDh()]);
      const secret = await one.agree(other.publicKey);
      assert.ok(secret);
      assert.deepEqual(await other.agree(one.publicKey), secret);
      assert.notDeepEqual(await third.agree(other.publicKey), secret);
    });

    it(`${name}: what one encapsulates, the other opens`, async () => {
      const [key, third] = await Promise.all([a.generateKem(), a.generateKem()]);
      const { ciphertext, secret } = (await b.encapsulate(key.publicKey))!;
      assert.deepEqual(await key.decapsulate(ciphertext), secret);
      assert.notDeepEqual(await third.decapsulate(ciphertext), secret);
    });
  }

  it('give the same bytes for the same ML-KEM seed, a refused ciphertext included', async () => {
    const random = new Random(34);
    for (let i = 0; i < 10; i++) {
      const seed = random.bytes(64);
      const [a, b] = await Promise.all([kemKeyOfSeed(seed), nativeImplementation.kemKey(seed)]);
      assert.deepEqual(a.publicKey, b.publicKey);
      const ciphertext = random.bytes(KEM_CIPHERTEXT_BYTES);
      assert.deepEqual(await a.decapsulate(ciphertext), await b.decapsulate(ciphertext));
    }
  });

  it('give the same bytes for the same X25519 secret', async () => {
    const random = new Random(35);
    for (let i = 0; i < 10; i++) {
      const secret = random.bytes(32);
      const [a, b] = await Promise.all([dhKeyOfSecret(secret), nativeImplementation.dhKey(secret)]);
      assert.deepEqual(a.publicKey, b.publicKey);
      const other = littleEndian(BigInt(`0x${toHex(random.bytes(32))}`) % P);
      assert.deepEqual(await a.agree(other), await b.agree(other));
    }
  });
});

describe('noble keys out of given secrets', () => {
  it('are refused for another length', async () => {
    for (const length of [0, 31, 33]) await assert.rejects(dhKeyOfSecret(new Uint8Array(length)));
    for (const length of [0, 32, 63, 65]) await assert.rejects(kemKeyOfSeed(new Uint8Array(length)));
  });

  it('a KEM key lives on when its seed is wiped', async () => {
    const seed = new Random(36).bytes(64);
    const key = await kemKeyOfSeed(seed);
    seed.fill(0);
    const { ciphertext, secret } = (await native.encapsulate(key.publicKey))!;
    assert.deepEqual(await key.decapsulate(ciphertext), secret);
  });
});

describe('the signatures that implementations disagree on', () => {
  it('are of every class', () => {
    const signatures = edgeSignatures();
    const count = (name: string) => signatures.filter((edge) => edge.name.startsWith(name)).length;
    assert.deepEqual(Object.fromEntries(Object.keys(EDGE_COUNTS).map((name) => [name, count(name)])), EDGE_COUNTS);
    assert.equal(new Set(SMALL_ORDER_ENCODINGS.map(toHex)).size, 14);
  });

  it('would have been taken, S too large apart, by a verifier that is as lax as ZIP 215 allows', () => {
    for (const { name, publicKey, message, signature } of edgeSignatures()) {
      const isTaken = ed25519.verify(signature, message, publicKey, { zip215: true });
      assert.equal(isTaken, !name.startsWith('large S'), name);
    }
  });

  it('S ≥ L is refused by WebCrypto alone as well', async () => {
    const { subtle } = globalThis.crypto;
    for (const { name, publicKey, message, signature } of edgeSignatures()) {
      if (!name.startsWith('large S')) continue;
      const key = await subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify']);
      assert.equal(await subtle.verify('Ed25519', key, signature, message), false, name);
    }
  });
});
