/** Which implementation `createProvider` takes for what, and how WebCrypto keeps its keys. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createNativeProvider,
  dhKeyOfKeyPair,
  generateDhKeyPair,
  generateSigningKeyPair,
  kemKeyOfPrivateKey,
  signerOfKeyPair,
} from '../../src/engine/crypto/native-provider.ts';
import { createNobleProvider } from '../../src/engine/crypto/noble-provider.ts';
import { KEM_KEY_BYTES, SHARED_SECRET_BYTES, createProvider } from '../../src/engine/crypto/provider.ts';
import type { Provider } from '../../src/engine/crypto/provider.ts';
import { asciiBytes } from '../../src/engine/protocol/bytes.ts';

const noble = createNobleProvider();
const MESSAGE = asciiBytes('a message');

/** WebCrypto with some methods changed; `undefined` takes one away. */
function subtleWith(change: { readonly [method: string]: unknown }): SubtleCrypto {
  return new Proxy(globalThis.crypto.subtle, {
    has: (target, name) => (name in change ? change[String(name)] !== undefined : name in target),
    get: (target, name) => {
      if (name in change) return change[String(name)];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const nameOf = (algorithm: unknown): unknown =>
  typeof algorithm === 'object' && algorithm !== null && 'name' in algorithm ? algorithm.name : algorithm;

/** WebCrypto as it is where an algorithm is not known; `asked` lists what keys were asked for. */
function subtleWithout(...missing: readonly string[]) {
  const { subtle } = globalThis.crypto;
  const asked: string[] = [];
  const generateKey = async (...args: Parameters<SubtleCrypto['generateKey']>) => {
    const name = String(nameOf(args[0]));
    asked.push(name);
    if (missing.includes(name)) throw new DOMException('Unrecognized name.', 'NotSupportedError');
    return subtle.generateKey(...args);
  };
  return { subtle: subtleWith({ generateKey }), asked };
}

describe('WebCrypto keys', () => {
  it('are not extractable, whichever algorithm', async () => {
    const made: CryptoKeyPair[] = [];
    const { subtle } = globalThis.crypto;
    const generateKey = async (...args: Parameters<SubtleCrypto['generateKey']>) => {
      const pair = await subtle.generateKey(...args);
      if ('privateKey' in pair) made.push(pair);
      return pair;
    };
    const provider = createNativeProvider(subtleWith({ generateKey }));
    await Promise.all([provider.generateSigner(), provider.generateDh(), provider.generateKem()]);
    assert.deepEqual(made.map(({ privateKey }) => `${privateKey.algorithm.name} ${privateKey.extractable}`).sort(), [
      'Ed25519 false',
      'ML-KEM-768 false',
      'X25519 false',
    ]);
    for (const { privateKey } of made) {
      await assert.rejects(subtle.exportKey('pkcs8', privateKey));
      await assert.rejects(subtle.exportKey('jwk', privateKey));
    }
  });

  it('are the same keys after storage has cloned their pairs', async () => {
    const signing = await generateSigningKeyPair();
    const dh = await generateDhKeyPair();
    const [signer, stored] = await Promise.all([signerOfKeyPair(signing), signerOfKeyPair(structuredClone(signing))]);
    assert.deepEqual(stored.publicKey, signer.publicKey);
    assert.equal(await noble.verify(signer.publicKey, MESSAGE, await stored.sign(MESSAGE)), true);
    const peer = await noble.generateDh();
    const [key, storedKey] = await Promise.all([dhKeyOfKeyPair(dh), dhKeyOfKeyPair(structuredClone(dh))]);
    assert.deepEqual(await storedKey.agree(peer.publicKey), await key.agree(peer.publicKey));
    assert.deepEqual(await peer.agree(storedKey.publicKey), await key.agree(peer.publicKey));
  });

  it('of others are imported once each, and anew where an array has other bytes by then', async () => {
    const imported: string[] = [];
    const { subtle } = globalThis.crypto;
    const importKey = (...args: Parameters<SubtleCrypto['importKey']>) => {
      imported.push(String(args[2]));
      return subtle.importKey(...args);
    };
    const provider = createNativeProvider(subtleWith({ importKey }));
    const [signer, dh, other, another] = await Promise.all([
      provider.generateSigner(),
      provider.generateDh(),
      noble.generateDh(),
      noble.generateDh(),
    ]);
    const signature = await signer.sign(MESSAGE);
    for (let i = 0; i < 3; i++) assert.equal(await provider.verify(signer.publicKey, MESSAGE, signature), true);
    const shared = other.publicKey.slice();
    for (let i = 0; i < 3; i++) assert.deepEqual(await dh.agree(shared), await other.agree(dh.publicKey));
    assert.deepEqual(imported, ['Ed25519', 'X25519']);
    shared.set(another.publicKey);
    assert.deepEqual(await dh.agree(shared), await another.agree(dh.publicKey));
    assert.equal(await provider.verify(shared, MESSAGE, signature), false);
    assert.deepEqual(imported, ['Ed25519', 'X25519', 'X25519', 'Ed25519']);
    await createNativeProvider(subtleWith({ importKey })).verify(signer.publicKey, MESSAGE, signature);
    assert.equal(imported.length, 5, 'each provider has keys of its own WebCrypto alone');
  });

  it('are refused in the place of another algorithm', async () => {
    const [signing, dh] = await Promise.all([generateSigningKeyPair(), generateDhKeyPair()]);
    await assert.rejects(signerOfKeyPair(dh), /not one for Ed25519/);
    await assert.rejects(dhKeyOfKeyPair(signing), /not one for X25519/);
  });
});

describe('createProvider', () => {
  for (const missing of [[], ['Ed25519'], ['X25519'], ['ML-KEM-768'], ['Ed25519', 'X25519', 'ML-KEM-768']]) {
    it(`takes all from WebCrypto but ${missing.join(', ') || 'nothing'}`, async () => {
      const { subtle, asked } = subtleWithout(...missing);
      const provider = await createProvider(subtle);
      asked.length = 0;
      const [signer, a, b, kem] = await Promise.all([
        provider.generateSigner(),
        provider.generateDh(),
        provider.generateDh(),
        provider.generateKem(),
      ]);
      const kinds = [...new Set(asked)].sort();
      assert.deepEqual(
        kinds,
        ['Ed25519', 'ML-KEM-768', 'X25519'].filter((name) => !missing.includes(name)),
      );
      assert.equal(await provider.verify(signer.publicKey, MESSAGE, await signer.sign(MESSAGE)), true);
      assert.deepEqual(await a.agree(b.publicKey), await b.agree(a.publicKey));
      const { ciphertext, secret } = (await provider.encapsulate(kem.publicKey))!;
      assert.deepEqual(await kem.decapsulate(ciphertext), secret);
    });
  }

  it('takes noble where WebCrypto knows no KEM methods at all, as in Firefox', async () => {
    const subtle = subtleWith({ encapsulateBits: undefined, decapsulateBits: undefined });
    const alone = createNativeProvider(subtle);
    await assert.rejects(alone.generateKem(), /not in this WebCrypto/);
    await assert.rejects(alone.encapsulate(new Uint8Array(KEM_KEY_BYTES)), /not in this WebCrypto/);
    assert.throws(() => kemKeyOfPrivateKey(new Uint8Array(KEM_KEY_BYTES), {} as CryptoKey, subtle), /not in this/);
    await worksThroughout(await createProvider(subtle));
    await worksThroughout(await createProvider(subtleWith({ decapsulateBits: undefined })));
  });

  it('takes noble where WebCrypto has an algorithm and does it wrong', async () => {
    const { subtle } = globalThis.crypto;
    const faults: { readonly [method: string]: unknown }[] = [
      { sign: async () => new ArrayBuffer(63) },
      { verify: async () => false },
      { deriveBits: async () => globalThis.crypto.getRandomValues(new Uint8Array(32)).buffer },
      { deriveBits: async () => new ArrayBuffer(32) },
      { deriveBits: async () => Uint8Array.from({ length: 31 }, () => 1).buffer },
      { encapsulateBits: async () => ({}) },
      { encapsulateBits: async () => ({ sharedKey: new ArrayBuffer(32), ciphertext: new ArrayBuffer(1088) }) },
      { encapsulateBits: async () => ({ sharedKey: new ArrayBuffer(32), ciphertext: new ArrayBuffer(1087) }) },
      {
        exportKey: (format: 'raw', key: CryptoKey) =>
          key.algorithm.name === 'ML-KEM-768' ? Promise.resolve(new ArrayBuffer(8)) : subtle.exportKey(format, key),
      },
    ];
    for (const fault of faults) await worksThroughout(await createProvider(subtleWith(fault)));
  });

  it('works where there is no WebCrypto to ask', async () => {
    const provider = await createProvider({} as SubtleCrypto);
    const signer = await provider.generateSigner();
    assert.equal(await provider.verify(signer.publicKey, MESSAGE, await signer.sign(MESSAGE)), true);
  });

  it('tries each algorithm when a provider is made, and not again', async () => {
    const { subtle, asked } = subtleWithout('X25519');
    const provider = await createProvider(subtle);
    asked.length = 0;
    await provider.generateDh();
    await provider.generateDh();
    assert.deepEqual(asked, []);
  });
});

async function worksThroughout(provider: Provider): Promise<void> {
  const [signer, a, b, kem] = await Promise.all([
    provider.generateSigner(),
    provider.generateDh(),
    provider.generateDh(),
    provider.generateKem(),
  ]);
  assert.equal(await provider.verify(signer.publicKey, MESSAGE, await signer.sign(MESSAGE)), true);
  const secret = await a.agree(b.publicKey);
  assert.equal(secret?.length, SHARED_SECRET_BYTES);
  assert.deepEqual(await b.agree(a.publicKey), secret);
  const encapsulated = await provider.encapsulate(kem.publicKey);
  assert.ok(encapsulated);
  assert.deepEqual(await kem.decapsulate(encapsulated.ciphertext), encapsulated.secret);
}
