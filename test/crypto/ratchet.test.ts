import assert from 'node:assert/strict';
import {
  createDecipheriv,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
} from 'node:crypto';
import { describe, it } from 'node:test';
import { createNativeProvider } from '../../src/engine/crypto/native-provider.ts';
import { createNobleProvider } from '../../src/engine/crypto/noble-provider.ts';
import { BODY_MAX_BYTES, PADDING_BUCKETS_BYTES } from '../../src/engine/crypto/padding.ts';
import {
  acceptRatchet,
  initiateRatchet,
  openMessage,
  requestKemStep,
  sealMessage,
} from '../../src/engine/crypto/ratchet.ts';
import { fromBase64Url, toBase64Url } from '../../src/engine/protocol/bytes.ts';
import { Random } from '../helpers/random.ts';
import { NOW_MS, dhKeyFrom, secretsFrom, seededProvider, session, turn } from './ratchet-kit.ts';

const OVERHEAD_BYTES = 1 + 12 + 40 + 16 + 16;
const KEM_KEY_BYTES = 1184;
const KEM_CIPHERTEXT_BYTES = 1088;

describe('A ratchet', () => {
  it('brings what one side seals to the other, both ways and in order', async () => {
    const { alice, bob } = await session(new Random(1));
    for (let i = 0; i < 5; i++) {
      for (const text of [`a ${i}`, `b ${i}`]) assert.equal(await bob.open(await alice.seal(text)), text);
      for (const text of [`c ${i}`, `d ${i}`]) assert.equal(await alice.open(await bob.seal(text)), text);
    }
  });

  it('brings empty texts, all of Unicode, and every byte', async () => {
    const { alice, bob } = await session(new Random(2));
    for (const text of ['', '\0', 'ÄÖÜ ß', 'مرحبا \u202e', '👩‍👩‍👧‍👦 𝄞', '\u{10ffff}']) {
      assert.equal(await bob.open(await alice.seal(text)), text);
    }
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const sealed = await sealMessage(alice.ratchet, bytes);
    assert.ok(sealed);
    const opened = await openMessage(bob.ratchet, sealed.message, NOW_MS);
    assert.ok(opened.ok);
    assert.deepEqual(opened.plaintext, bytes);
  });

  it('seals up to the largest bucket, and nothing that is longer', async () => {
    const { alice, bob } = await session(new Random(3));
    const longest = 'x'.repeat(BODY_MAX_BYTES);
    assert.equal(await bob.open(await alice.seal(longest)), longest);
    assert.equal(await sealMessage(alice.ratchet, new Uint8Array(BODY_MAX_BYTES + 1)), undefined);
  });

  it('leaves the plaintext that it was given as it was', async () => {
    const { alice } = await session(new Random(4));
    const plaintext = Uint8Array.of(1, 2, 3);
    await sealMessage(alice.ratchet, plaintext);
    assert.deepEqual(plaintext, Uint8Array.of(1, 2, 3));
  });

  it('seals nothing for a responder that has not heard anything', async () => {
    const { alice, bob } = await session(new Random(5));
    assert.equal(await sealMessage(bob.ratchet, new Uint8Array(1)), undefined);
    await bob.open(await alice.seal('first'));
    assert.equal(await alice.open(await bob.seal('answer')), 'answer');
  });

  it('does not begin with a key of small order', async () => {
    const random = new Random(6);
    const ratchet = await initiateRatchet(seededProvider(random), secretsFrom(random), new Uint8Array(32));
    assert.equal(ratchet, undefined);
  });

  it('does not begin where the handshake gives no secrets', async () => {
    const provider = seededProvider(new Random(17));
    const { publicKey } = await provider.generateDh();
    assert.equal(await initiateRatchet(provider, Promise.resolve(undefined), publicKey), undefined);
  });

  it('seals nothing before its answer to a new chain of the peer has begun', async () => {
    const { alice, bob } = await session(new Random(18));
    await turn(alice, bob);
    assert.equal(await sealMessage(alice.ratchet, new Uint8Array(1)), undefined);
    const { ratchet } = alice;
    await alice.answer();
    assert.ok(await sealMessage(alice.ratchet, new Uint8Array(1)));
    const answered = alice.ratchet;
    await alice.answer();
    assert.equal(alice.ratchet, answered, 'and it begins once');
    assert.notEqual(answered, ratchet);
  });

  it('does not depend on the arrays that it was given', async () => {
    const random = new Random(7);
    const provider = seededProvider(random);
    const secrets = secretsFrom(random);
    const preKey = await provider.generateDh();
    const ratchets = [await initiateRatchet(provider, secrets, preKey.publicKey), acceptRatchet(secrets, preKey)];
    secrets.rootKey.fill(0);
    secrets.initiatorHeaderKey.fill(0);
    secrets.responderHeaderKey.fill(0);
    const sealed = await sealMessage(ratchets[0]!, Uint8Array.of(7));
    const opened = await openMessage(ratchets[1]!, sealed!.message, NOW_MS);
    assert.ok(opened.ok);
  });

  it('counts steps and says when the peer is confirmed', async () => {
    const { alice, bob } = await session(new Random(8));
    const counters = (side: typeof alice) => {
      const { isConfirmed, dhSteps, kemSteps, skipped } = side.ratchet;
      return [isConfirmed, dhSteps, kemSteps, skipped];
    };
    assert.deepEqual(
      [counters(alice), counters(bob)],
      [
        [false, 0, 0, 0],
        [false, 0, 0, 0],
      ],
    );
    // a first message may be an old one, sent again: Bob has put nothing new into its keys
    await bob.open(await alice.seal('first'));
    assert.deepEqual(counters(bob), [false, 1, 0, 0]);
    await alice.open(await bob.seal('answer'));
    assert.deepEqual(counters(alice), [true, 1, 0, 0]);
    const late = await alice.seal('late');
    await bob.open(await alice.seal('next'));
    assert.deepEqual(counters(bob), [true, 2, 0, 1]);
    await bob.open(late);
    assert.deepEqual(counters(bob), [true, 2, 0, 0]);
  });

  it('goes once round with an ML-KEM key where that was asked for, and then no more', async () => {
    const { alice, bob } = await session(new Random(9));
    await turn(alice, bob);
    alice.ratchet = requestKemStep(alice.ratchet);
    const seen: [number, number, number][] = [];
    for (let i = 0; i < 4; i++) {
      const there = await alice.seal('');
      await bob.open(there);
      const back = await bob.seal('');
      await alice.open(back);
      seen.push([there.length, back.length, alice.ratchet.kemSteps]);
    }
    const plain = OVERHEAD_BYTES + 512;
    assert.deepEqual(seen, [
      [plain + KEM_KEY_BYTES, plain + KEM_CIPHERTEXT_BYTES, 1],
      [plain, plain, 1],
      [plain, plain, 1],
      [plain, plain, 1],
    ]);
    assert.equal(bob.ratchet.kemSteps, 1);
  });

  it('takes ML-KEM steps of both sides at the same time, whichever message of a chain comes first', async () => {
    const { alice, bob } = await session(new Random(10));
    for (let i = 0; i < 6; i++) {
      alice.ratchet = requestKemStep(alice.ratchet);
      bob.ratchet = requestKemStep(bob.ratchet);
      const there = [await alice.seal('0'), await alice.seal('1'), await alice.seal('2')];
      assert.equal(await bob.open(there[2]!), '2');
      const back = [await bob.seal('0'), await bob.seal('1')];
      assert.equal(await alice.open(back[1]!), '1');
      assert.equal(await bob.open(there[0]!), '0');
      assert.equal(await alice.open(back[0]!), '0');
      assert.equal(await bob.open(there[1]!), '1');
    }
    // five answers to Alice, five to Bob
    assert.deepEqual([alice.ratchet.kemSteps, bob.ratchet.kemSteps], [10, 10]);
    alice.ratchet = requestKemStep(alice.ratchet);
    const full = OVERHEAD_BYTES + 512 + KEM_KEY_BYTES + KEM_CIPHERTEXT_BYTES;
    assert.equal((await alice.seal('')).length, full);
  });

  it('has the first answer carry an ML-KEM key where the responder asks before it opens', async () => {
    const { alice, bob } = await session(new Random(11));
    bob.ratchet = requestKemStep(bob.ratchet);
    await turn(alice, bob);
    await bob.open(await alice.seal('ciphertext'));
    assert.deepEqual([alice.ratchet.kemSteps, bob.ratchet.kemSteps], [1, 1]);
  });

  it('goes between the browser’s own algorithms and the library’s, either way round', async () => {
    const providers = [createNativeProvider(), createNobleProvider()];
    for (const [alices, bobs] of [providers, providers.toReversed()]) {
      const { alice, bob } = await session(new Random(16), { alice: alices!, bob: bobs! });
      for (let i = 0; i < 3; i++) {
        for (const side of [alice, bob]) side.ratchet = requestKemStep(side.ratchet);
        await turn(alice, bob);
      }
      assert.deepEqual([alice.ratchet.kemSteps, bob.ratchet.kemSteps], [4, 4]);
    }
  });

  it('tells the bucket of a plaintext, and nothing else of it, by the length', async () => {
    const { alice } = await session(new Random(12));
    for (const [i, bucket] of PADDING_BUCKETS_BYTES.entries()) {
      const shortest = i === 0 ? 0 : PADDING_BUCKETS_BYTES[i - 1]! - 4 + 1;
      for (const length of [shortest, bucket - 4]) {
        assert.equal((await alice.seal('x'.repeat(length))).length, OVERHEAD_BYTES + bucket);
      }
    }
  });

  it('makes two different messages even of one state and one text', async () => {
    const { alice, bob } = await session(new Random(13));
    const twin = alice.copy();
    const messages = [await alice.seal('same'), await twin.seal('same')];
    const bodies = messages.map((message) => toBase64Url(message.slice(-528)));
    assert.notEqual(bodies[0], bodies[1]);
    assert.equal(await bob.open(messages[0]!), 'same');
    assert.equal(await bob.refuse(messages[1]!), 'replayed');
  });
});

describe('The first message', () => {
  it('is what another implementation of the key schedule makes of it', async () => {
    const random = new Random(14);
    const secrets = secretsFrom(random);
    const preKey = generateKeyPairSync('x25519');
    const preKeyBytes = fromBase64Url(preKey.publicKey.export({ format: 'jwk' }).x!)!;
    const ratchet = await initiateRatchet(seededProvider(random), secrets, preKeyBytes);
    const skipped = await sealMessage(ratchet!, Uint8Array.of(0));
    const { message } = (await sealMessage(skipped!.ratchet, new TextEncoder().encode('known')))!;

    const sealedHeader = message.subarray(0, 69);
    const header = opened(
      secrets.initiatorHeaderKey,
      message.subarray(1, 13),
      [secrets.transcriptHash, Uint8Array.of(0)],
      message.subarray(13, 69),
    );
    assert.equal(header.subarray(32).toString('hex'), '0000000000000001');
    const x = header.subarray(0, 32).toString('base64url');
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
    const dh = diffieHellman({ privateKey: preKey.privateKey, publicKey });
    const step = Buffer.from(hkdfSync('sha256', dh, secrets.rootKey, 'tai/1 ratchet root', 96));
    const hmac = (key: Uint8Array, ...data: Uint8Array[]) =>
      createHmac('sha256', key).update(Buffer.concat(data)).digest();
    const messageKey = hmac(hmac(step.subarray(32, 64), Uint8Array.of(2)), Uint8Array.of(1));
    const nonce = message.subarray(1, 13);
    const padded = opened(
      hmac(messageKey, Buffer.from('tai/1 ratchet message'), nonce),
      nonce,
      [secrets.transcriptHash, sealedHeader],
      message.subarray(69),
    );
    assert.equal(padded.length, 512);
    assert.equal(padded.subarray(0, 9).toString('latin1'), '\0\0\0\x05known');
    assert.ok(padded.subarray(9).every((byte) => byte === 0));
  });

  it('opens for the holder of the pre-key alone', async () => {
    const random = new Random(15);
    const { alice, bob, secrets } = await session(random);
    const message = await alice.seal('first');
    const other = acceptRatchet(secrets, dhKeyFrom(random.bytes(32)));
    const refused = await openMessage(other, message, NOW_MS);
    assert.deepEqual(refused, { ok: false, fault: 'unopened' });
    assert.equal(await bob.open(message), 'first');
  });
});

/** AES-256-GCM of another implementation. */
function opened(key: Uint8Array, nonce: Uint8Array, associatedData: Uint8Array[], sealed: Uint8Array): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce);
  decipher.setAAD(Buffer.concat(associatedData));
  decipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
}
