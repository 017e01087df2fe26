import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createNativeSigner, createNobleSigner, createSigner } from '../../src/engine/crypto/ed25519.ts';
import type { SigningCrypto } from '../../src/engine/crypto/ed25519.ts';
import { fromHex, toHex } from '../../src/engine/protocol/bytes.ts';
import { Random } from '../helpers/random.ts';

/** RFC 8032 §7.1: TEST 1, TEST 2, TEST 3 and TEST SHA(abc). */
const VECTORS = [
  {
    seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    publicKey: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
  {
    seed: '833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42',
    publicKey: 'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    message:
      'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    signature:
      'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  },
] as const;

/** WebCrypto with something missing or changed. */
function subtleWith(change: Partial<SigningCrypto>): SigningCrypto {
  const { subtle } = globalThis.crypto;
  return {
    importKey: subtle.importKey.bind(subtle),
    exportKey: subtle.exportKey.bind(subtle),
    sign: subtle.sign.bind(subtle),
    ...change,
  };
}

const withoutEd25519 = subtleWith({
  importKey: () => Promise.reject(new DOMException('no such algorithm', 'NotSupportedError')),
});

for (const [name, create] of Object.entries({ createNativeSigner, createNobleSigner, createSigner })) {
  describe(name, () => {
    for (const [i, vector] of VECTORS.entries()) {
      it(`signs vector ${i + 1} of RFC 8032 §7.1`, async () => {
        const signer = await create(fromHex(vector.seed)!);
        assert.equal(toHex(signer.publicKey), vector.publicKey);
        assert.equal(toHex(await signer.sign(fromHex(vector.message)!)), vector.signature);
      });
    }

    it('refuses a seed of another length', async () => {
      await assert.rejects(create(new Uint8Array(31)));
      await assert.rejects(create(new Uint8Array(33)));
    });

    it('keeps signing when the seed was wiped after it began', async () => {
      const seed = fromHex(VECTORS[1].seed)!;
      const signer = await create(seed);
      seed.fill(0);
      assert.equal(toHex(await signer.sign(fromHex('72')!)), VECTORS[1].signature);
    });
  });
}

describe('native and noble signers', () => {
  it('give the same bytes for seeds and messages of all kinds', async () => {
    const random = new Random(11);
    for (let i = 0; i < 25; i++) {
      const seed = random.bytes(32);
      const message = random.bytes(random.below(400));
      const [native, noble] = await Promise.all([createNativeSigner(seed), createNobleSigner(seed)]);
      assert.deepEqual(native.publicKey, noble.publicKey);
      assert.deepEqual(await native.sign(message), await noble.sign(message));
    }
  });

  it('the native one keeps a key that cannot be exported', async () => {
    const imported: CryptoKey[] = [];
    const { subtle } = globalThis.crypto;
    const signedWith: CryptoKey[] = [];
    const watched = subtleWith({
      importKey: (async (...args: Parameters<SubtleCrypto['importKey']>) => {
        const key = await subtle.importKey(...args);
        imported.push(key);
        return key;
      }) as SubtleCrypto['importKey'],
      sign: (algorithm, key, data) => {
        signedWith.push(key);
        return subtle.sign(algorithm, key, data);
      },
    });
    const signer = await createNativeSigner(fromHex(VECTORS[0].seed)!, watched);
    await signer.sign(new Uint8Array());
    assert.equal(imported.length, 2);
    assert.deepEqual(
      signedWith.map((key) => key.extractable),
      [false],
    );
  });
});

describe('createSigner', () => {
  it('falls back to noble where WebCrypto has no Ed25519', async () => {
    await assert.rejects(createNativeSigner(fromHex(VECTORS[2].seed)!, withoutEd25519));
    const signer = await createSigner(fromHex(VECTORS[2].seed)!, withoutEd25519);
    assert.equal(toHex(signer.publicKey), VECTORS[2].publicKey);
    assert.equal(toHex(await signer.sign(fromHex('af82')!)), VECTORS[2].signature);
  });

  it('falls back to noble where WebCrypto tells no public key, or half of one', async () => {
    for (const x of [undefined, 'AAAA']) {
      const exportKey = (async () => ({ x })) as unknown as SubtleCrypto['exportKey'];
      await assert.rejects(createNativeSigner(fromHex(VECTORS[0].seed)!, subtleWith({ exportKey })), /no public key/);
      const signer = await createSigner(fromHex(VECTORS[0].seed)!, subtleWith({ exportKey }));
      assert.equal(toHex(signer.publicKey), VECTORS[0].publicKey);
    }
  });
});
