import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js';
import { createNativeProvider } from '../../src/engine/crypto/native-provider.ts';
import { createNobleProvider } from '../../src/engine/crypto/noble-provider.ts';
import {
  ED25519_KEY_BYTES,
  ED25519_SIGNATURE_BYTES,
  KEM_CIPHERTEXT_BYTES,
  KEM_KEY_BYTES,
  SHARED_SECRET_BYTES,
  X25519_KEY_BYTES,
  createProvider,
} from '../../src/engine/crypto/provider.ts';
import { asciiBytes } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { edgeSignatures, littleEndian } from '../helpers/edge-signatures.ts';
import { Random } from '../helpers/random.ts';

const PROVIDERS = { native: createNativeProvider(), noble: createNobleProvider(), chosen: await createProvider() };
const P = 2n ** 255n - 19n;
const MESSAGE = asciiBytes('a message');

function flipped(bytes: Bytes, at: number, mask = 1): Bytes {
  return bytes.map((byte, i) => (i === at ? byte ^ mask : byte));
}

for (const [name, provider] of Object.entries(PROVIDERS)) {
  describe(`the ${name} provider`, () => {
    it('gives keys, signatures and secrets of the lengths that the standards have', async () => {
      const [signer, dh, kem] = await Promise.all([
        provider.generateSigner(),
        provider.generateDh(),
        provider.generateKem(),
      ]);
      const encapsulated = await provider.encapsulate(kem.publicKey);
      assert.ok(encapsulated);
      assert.deepEqual(
        {
          signingKey: signer.publicKey.length,
          signature: (await signer.sign(MESSAGE)).length,
          dhKey: dh.publicKey.length,
          secret: (await dh.agree((await provider.generateDh()).publicKey))?.length,
          kemKey: kem.publicKey.length,
          ciphertext: encapsulated.ciphertext.length,
          kemSecret: encapsulated.secret.length,
        },
        {
          signingKey: ED25519_KEY_BYTES,
          signature: ED25519_SIGNATURE_BYTES,
          dhKey: X25519_KEY_BYTES,
          secret: SHARED_SECRET_BYTES,
          kemKey: KEM_KEY_BYTES,
          ciphertext: KEM_CIPHERTEXT_BYTES,
          kemSecret: SHARED_SECRET_BYTES,
        },
      );
    });

    it('makes a new key each time', async () => {
      for (const make of [provider.generateSigner, provider.generateDh, provider.generateKem]) {
        const [a, b] = await Promise.all([make(), make()]);
        assert.notDeepEqual(a.publicKey, b.publicKey);
      }
      const { publicKey } = await provider.generateKem();
      const [a, b] = await Promise.all([provider.encapsulate(publicKey), provider.encapsulate(publicKey)]);
      assert.notDeepEqual(a?.secret, b?.secret);
      assert.notDeepEqual(a?.ciphertext, b?.ciphertext);
    });

    it('refuses a signature with any bit of it, of its key or of its message changed', async () => {
      const random = new Random(31);
      const signer = await provider.generateSigner();
      const signature = await signer.sign(MESSAGE);
      assert.equal(await provider.verify(signer.publicKey, MESSAGE, signature), true);
      for (let at = 0; at < ED25519_SIGNATURE_BYTES; at++) {
        const mask = 1 << random.below(8);
        assert.equal(await provider.verify(signer.publicKey, MESSAGE, flipped(signature, at, mask)), false);
      }
      for (let at = 0; at < ED25519_KEY_BYTES; at++) {
        const mask = 1 << random.below(8);
        assert.equal(await provider.verify(flipped(signer.publicKey, at, mask), MESSAGE, signature), false);
      }
      assert.equal(await provider.verify(signer.publicKey, flipped(MESSAGE, 3), signature), false);
    });

    it('refuses a signature or a key of another length', async () => {
      const signer = await provider.generateSigner();
      const signature = await signer.sign(MESSAGE);
      for (const length of [0, 31, 33, 63, 65, 128]) {
        const other = new Uint8Array(length);
        other.set(signature.subarray(0, length));
        assert.equal(await provider.verify(signer.publicKey, MESSAGE, other), false);
        other.fill(0);
        other.set(signer.publicKey.subarray(0, length));
        assert.equal(await provider.verify(other, MESSAGE, signature), false);
      }
    });

    it('says of every signature that implementations disagree on what the others say', async () => {
      for (const { name, publicKey, message, signature, isSigned } of edgeSignatures()) {
        assert.equal(await provider.verify(publicKey, message, signature), isSigned, name);
      }
    });

    it('verifies nothing with a key that is no point of the curve', async () => {
      const signature = await (await provider.generateSigner()).sign(MESSAGE);
      let seen = 0;
      for (let y = 2n; y < 20n; y++) {
        if (isOnCurve(littleEndian(y))) continue;
        seen += 1;
        assert.equal(await provider.verify(littleEndian(y), MESSAGE, signature), false);
      }
      assert.ok(seen > 5);
    });

    it('verifies with a view into a larger buffer', async () => {
      const signer = await provider.generateSigner();
      const packed = new Uint8Array(200);
      packed.set(signer.publicKey, 7);
      packed.set(await signer.sign(MESSAGE), 101);
      assert.equal(await provider.verify(packed.subarray(7, 39), MESSAGE, packed.subarray(101, 165)), true);
    });

    it('refuses an X25519 key of another length', async () => {
      const key = await provider.generateDh();
      for (const length of [0, 31, 33, 64]) assert.equal(await key.agree(new Uint8Array(length).fill(9)), undefined);
    });

    it('refuses an X25519 key of small order, in all its encodings', async () => {
      const key = await provider.generateDh();
      const ofSmallOrder = smallOrderMontgomery();
      assert.equal(ofSmallOrder.length, 5);
      for (const u of ofSmallOrder) {
        for (const encoded of [u, u + P, u + 2n ** 255n, u + P + 2n ** 255n]) {
          if (encoded < 2n ** 256n) assert.equal(await key.agree(littleEndian(encoded)), undefined);
        }
      }
    });

    it('refuses an X25519 key that is not canonical, though RFC 7748 §5 would reduce it', async () => {
      const key = await provider.generateDh();
      const base = littleEndian(9n);
      assert.ok(await key.agree(base));
      assert.equal(await key.agree(littleEndian(9n + 2n ** 255n)), undefined);
      assert.equal(await key.agree(littleEndian(9n + P)), undefined);
      assert.ok(await key.agree(littleEndian(P - 2n)));
    });

    it('refuses an ML-KEM key of another length', async () => {
      const { publicKey } = await provider.generateKem();
      for (const length of [0, 32, KEM_KEY_BYTES - 1, KEM_KEY_BYTES + 1]) {
        const other = new Uint8Array(length);
        other.set(publicKey.subarray(0, length));
        assert.equal(await provider.encapsulate(other), undefined);
      }
    });

    it('refuses an ML-KEM key with a coefficient that is not reduced (FIPS 203 §7.2), wherever it is', async () => {
      const { publicKey } = await provider.generateKem();
      const random = new Random(32);
      for (const coefficient of [0, 1, 766, 767, random.below(768), random.below(768)]) {
        for (const value of [3329, 3330, 4095]) {
          assert.equal(await provider.encapsulate(withCoefficient(publicKey, coefficient, value)), undefined);
        }
        for (const value of [0, 3328]) {
          assert.ok(await provider.encapsulate(withCoefficient(publicKey, coefficient, value)));
        }
      }
    });

    it('refuses a ciphertext of another length, and gives another secret for a changed one', async () => {
      const key = await provider.generateKem();
      const { ciphertext, secret } = (await provider.encapsulate(key.publicKey))!;
      for (const length of [0, 32, KEM_CIPHERTEXT_BYTES - 1, KEM_CIPHERTEXT_BYTES + 1]) {
        const other = new Uint8Array(length);
        other.set(ciphertext.subarray(0, length));
        assert.equal(await key.decapsulate(other), undefined);
      }
      const changed = flipped(ciphertext, 500);
      const rejected = await key.decapsulate(changed);
      assert.equal(rejected?.length, SHARED_SECRET_BYTES);
      assert.notDeepEqual(rejected, secret);
      assert.deepEqual(await key.decapsulate(changed), rejected);
    });

    it('gives results over buffers of their own', async () => {
      const [signer, dh, kem] = await Promise.all([
        provider.generateSigner(),
        provider.generateDh(),
        provider.generateKem(),
      ]);
      const { ciphertext, secret } = (await provider.encapsulate(kem.publicKey))!;
      const agreed = (await dh.agree((await provider.generateDh()).publicKey))!;
      for (const bytes of [signer.publicKey, dh.publicKey, kem.publicKey, ciphertext, secret, agreed]) {
        assert.equal(bytes.byteOffset, 0);
        assert.equal(bytes.buffer.byteLength, bytes.length);
      }
    });
  });
}

function isOnCurve(encoded: Bytes): boolean {
  try {
    ed25519.Point.fromBytes(encoded);
    return true;
  } catch {
    return false;
  }
}

/** The u coordinates that give zeros on the curve or its twist: 0, 1, −1, and the two of order 8 (RFC 7748 §6.1, [Curve25519]). */
function smallOrderMontgomery(): readonly bigint[] {
  const { Fp } = ed25519.Point;
  // u = (1 + y) / (1 − y) takes the points of small order of edwards25519 along (RFC 7748 §4.1); −1 is on the twist
  const us = ED25519_TORSION_SUBGROUP.map((hex) => ed25519.Point.fromHex(hex).toAffine().y)
    .filter((y) => y !== 1n)
    .map((y) => Fp.div(Fp.create(1n + y), Fp.create(1n - y)));
  return [...new Set([...us, P - 1n])];
}

function withCoefficient(publicKey: Bytes, index: number, value: number): Bytes {
  const changed = publicKey.slice();
  const at = 3 * Math.floor(index / 2);
  const [a, b, c] = changed.subarray(at, at + 3) as unknown as [number, number, number];
  const isHigh = index % 2 === 1;
  const low = isHigh ? a | ((b & 15) << 8) : value;
  const high = isHigh ? value : (b >> 4) | (c << 4);
  changed.set([low & 255, (low >> 8) | ((high & 15) << 4), high >> 4], at);
  return changed;
}
