/** `WebRTCE2EE` as pages use it: two of them end to end, and everything that comes by a channel nobody vouches for. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { issueRotation } from '../../src/engine/crypto/statement.ts';
import { TIME_AGE_MAX_MS, TIME_AHEAD_MAX_MS } from '../../src/engine/e2ee-inbox.ts';
import type { E2eeEncryptedMessage, E2eeFault, WebRTCE2EEOptions } from '../../src/engine/e2ee-types.ts';
import { createGuestIdentity } from '../../src/engine/identity/guest.ts';
import { fromBase64Url, toBase64Url } from '../../src/engine/protocol/bytes.ts';
import { REVOKE_REASONS, formatE2eeMessage, parseE2eeMessage } from '../../src/engine/protocol/e2ee.ts';
import type { EncryptedMessage } from '../../src/engine/protocol/e2ee.ts';

import { TaiError } from '../../src/engine/protocol/errors.ts';
import { WebRTCE2EE } from '../../src/engine/webrtc-e2ee.ts';
import { brokenText } from '../helpers/fuzz.ts';
import { Random } from '../helpers/random.ts';
import { makeClient } from '../keys/client-kit.ts';
import { NOW_MS, openPage, pass, refused, roomOf, several, talk } from './e2ee-page.ts';
import type { Page } from './e2ee-page.ts';

const SEED = 2026;
const FUZZ_INPUTS = 400;

type MessageFields = Pick<EncryptedMessage, 'key_id' | 'nonce' | 'ciphertext' | 'tag'>;

/** The base64url text with one bit changed. */
function flipped(text: string, at = 0): string {
  const bytes = fromBase64Url(text) ?? assert.fail();
  bytes[at % bytes.length] = Number(bytes[at % bytes.length]) ^ 1;
  return toBase64Url(bytes);
}

function peerOf(page: Page, other: Page) {
  return page.e2ee.peers.find(({ peerId }) => peerId === other.peerId);
}

/** Two that both begin before either has heard of the other. */
async function cross(): Promise<readonly [Page, Page]> {
  const [ada, bob] = [openPage('ada'), openPage('bob')];
  const [fromAda, fromBob] = [await ada.e2ee.generateKeyPair(), await bob.e2ee.generateKeyPair()];
  await Promise.all([ada.e2ee.exchangeKeys(fromBob), bob.e2ee.exchangeKeys(fromAda)]);
  return [ada, bob];
}

describe('two pages', () => {
  it('agree by one message and talk, both ways', async () => {
    const [ada, bob] = [openPage('ada'), openPage('bob')];
    const key = await bob.e2ee.generateKeyPair();
    const begun = await ada.e2ee.exchangeKeys(key);
    assert.deepEqual([begun.peerId, begun.isConfirmed, begun.userId], [bob.peerId, false, undefined]);
    assert.equal(await pass(ada, bob, 'hello'), 'hello');
    assert.equal(await pass(bob, ada, 'hello yourself'), 'hello yourself');
    assert.equal(await pass(ada, bob, 'fine'), 'fine');
    for (const [page, other, userId] of [
      [ada, bob, 'bob'],
      [bob, ada, 'ada'],
    ] as const) {
      const { deviceId, ...peer } = peerOf(page, other) ?? assert.fail();
      assert.match(deviceId, /^[0-9a-f]{64}$/);
      assert.deepEqual(peer, {
        peerId: other.peerId,
        userId,
        standing: 'new',
        kind: 'guest',
        isConfirmed: true,
        isRevoked: false,
      });
    }
    assert.deepEqual([ada.events, bob.events], [[], []]);
  });

  it('hand everything over as JSON, as an object or as text', async () => {
    const [ada, bob] = [openPage('ada'), openPage('bob')];
    const key = await bob.e2ee.generateKeyPair({ isForOne: true });
    assert.deepEqual(JSON.parse(JSON.stringify(key)), key);
    assert.deepEqual(Object.keys(key).sort(), [
      'head',
      'key_id',
      'nonce',
      'one_time',
      'sender_id',
      'signature',
      'timestamp',
      'type',
    ]);
    await ada.e2ee.exchangeKeys(JSON.stringify(key));
    const message = await ada.e2ee.encrypt('hello');
    assert.deepEqual(JSON.parse(JSON.stringify(message)), message);
    assert.deepEqual(Object.keys(message).sort(), [
      'ciphertext',
      'key_id',
      'nonce',
      'sender_id',
      'tag',
      'timestamp',
      'type',
    ]);
    assert.equal(await bob.e2ee.decrypt(JSON.stringify(message)), 'hello');
  });

  it('get every string as it was', async () => {
    const [ada, bob] = [openPage('ada'), openPage('bob')];
    await talk(ada, bob);
    const longest = 'x'.repeat(32_600);
    for (const text of ['', ' ', '\u0000', '\ufeffx', '"\\\n', '✓ 🙂', '\ud800 alone', '__proto__', longest]) {
      assert.equal(await pass(ada, bob, text), text);
    }
    await refused(ada.e2ee.encrypt('x'.repeat(32_800)), 'too-large', 'too-large');
    await refused(ada.e2ee.encrypt('\u0000'.repeat(6_000)), 'too-large');
    assert.equal(await pass(ada, bob, 'next'), 'next');
  });

  it('that both begin at once lose nothing, and are one pair', async () => {
    const [ada, bob] = await cross();
    const [fromAda, fromBob] = [await several(ada, bob, ['a', 'b']), await several(bob, ada, ['c', 'd'])];
    for (const [i, message] of fromAda.entries()) assert.equal(await bob.e2ee.decrypt(message), 'ab'[i]);
    for (const [i, message] of fromBob.entries()) assert.equal(await ada.e2ee.decrypt(message), 'cd'[i]);
    for (const text of ['e', 'f', 'g']) {
      assert.equal(await pass(ada, bob, text), text);
      assert.equal(await pass(bob, ada, text), text);
    }
    assert.equal(ada.e2ee.peers.length, 1);
    const numbers = [ada.e2ee.safetyNumber(bob.peerId), bob.e2ee.safetyNumber(ada.peerId)];
    const [ours, theirs] = await Promise.all(numbers);
    assert.equal(ours?.digits, theirs?.digits);
  });

  it('with another room id or another secret have nothing in common', async () => {
    const bob = openPage('bob');
    const key = await bob.e2ee.generateKeyPair();
    for (const options of [{ roomId: 'sales' }, { room: roomOf(2) }]) {
      const eve = openPage('eve', options);
      await refused(eve.e2ee.exchangeKeys(key), 'bad-signature', 'wrong-key');
      assert.equal(await eve.e2ee.validateSignature(key), false);
    }
  });

  it('say who they are sealed only', async () => {
    const [ada, bob] = [openPage('Ada Lovelace', { roomId: 'Analytical' }), openPage('bob', { roomId: 'Analytical' })];
    const sent: unknown[] = [await bob.e2ee.generateKeyPair()];
    await ada.e2ee.exchangeKeys(sent[0]);
    sent.push(await ada.e2ee.encrypt('secret words'), await ada.e2ee.rotateKey(), ...(await ada.e2ee.revokeKey()));
    const text = JSON.stringify(sent) + (JSON.stringify(sent).match(/[A-Za-z0-9_-]{20,}/g) ?? []).map(latin1).join();
    assert.doesNotMatch(text, /lovelace|analytical|secret words/i);
  });

  it('give to three what is for each alone', async () => {
    const [ada, bob, eve] = [openPage('ada'), openPage('bob'), openPage('eve')];
    const key = await ada.e2ee.generateKeyPair();
    await bob.e2ee.exchangeKeys(key);
    await eve.e2ee.exchangeKeys(key);
    assert.equal(await pass(bob, ada, 'b'), 'b');
    assert.equal(await pass(eve, ada, 'e'), 'e');
    await refused(ada.e2ee.encrypt('to whom?'), 'ambiguous', 'usage');
    const forBob = await ada.e2ee.encrypt('for Bob', bob.peerId);
    await refused(eve.e2ee.decrypt(forBob), 'unopened');
    assert.equal(await bob.e2ee.decrypt(forBob), 'for Bob');
  });
});

function latin1(base64url: string): string {
  return Buffer.from(base64url, 'base64url').toString('latin1');
}

describe('a message', () => {
  it('opens in any order, and once', async () => {
    const [ada, bob] = [openPage('ada'), openPage('bob')];
    await ada.e2ee.exchangeKeys(await bob.e2ee.generateKeyPair());
    for (let round = 0; round < 2; round++) {
      const messages = await several(ada, bob, ['0', '1', '2', '3', '4']);
      for (const i of [3, 0, 4, 2, 1]) {
        const message = messages[i] ?? assert.fail();
        assert.equal(await bob.e2ee.verifyMessageIntegrity(message), true);
        assert.equal(await bob.e2ee.decrypt(message), String(i));
        assert.equal(await bob.e2ee.verifyMessageIntegrity(message), false);
        await refused(bob.e2ee.decrypt(message), 'replayed', 'wrong-key');
      }
      await pass(bob, ada, 'answer');
    }
  });

  it('is not made fresh by another timestamp: the ratchet counts, and the sealed time is compared', async () => {
    let nowMs = NOW_MS;
    const [ada, bob] = [openPage('ada', { now: () => nowMs }), openPage('bob', { now: () => nowMs })];
    await talk(ada, bob);
    const message = await ada.e2ee.encrypt('pay 10');
    assert.equal(await bob.e2ee.decrypt(message), 'pay 10');
    nowMs += 1000;
    await refused(bob.e2ee.decrypt({ ...message, timestamp: nowMs }), 'replayed');
    await refused(bob.e2ee.decrypt(message), 'replayed');
    const next = await ada.e2ee.encrypt('pay 20');
    assert.equal(next.timestamp, nowMs);
    await refused(bob.e2ee.decrypt({ ...next, timestamp: nowMs - 1 }), 'wrong-time');
    assert.equal(await bob.e2ee.decrypt(next), 'pay 20');
  });

  it('of another day, or of a time that has not come, is refused until its time', async () => {
    let nowMs = NOW_MS;
    const [ada, bob] = [openPage('ada'), openPage('bob', { now: () => nowMs })];
    const key = await bob.e2ee.generateKeyPair();
    await ada.e2ee.exchangeKeys(key);
    const message = await ada.e2ee.encrypt('hello');
    for (const wrongMs of [NOW_MS - TIME_AHEAD_MAX_MS - 1, NOW_MS + TIME_AGE_MAX_MS + 1]) {
      nowMs = wrongMs;
      await refused(bob.e2ee.decrypt(message), 'wrong-time', 'wrong-key');
      assert.equal(await bob.e2ee.verifyMessageIntegrity(message), false);
    }
    nowMs = NOW_MS - TIME_AHEAD_MAX_MS;
    assert.equal(await bob.e2ee.verifyMessageIntegrity(message), true);
    nowMs = NOW_MS + TIME_AGE_MAX_MS;
    assert.equal(await bob.e2ee.decrypt(message), 'hello');
  });

  it('with any field changed is refused, first message or later, and then opens as it was', async () => {
    const [ada, bob, eve] = [openPage('ada'), openPage('bob'), openPage('eve')];
    const key = await bob.e2ee.generateKeyPair();
    await ada.e2ee.exchangeKeys(key);
    await talk(eve, bob);
    const random = new Random(SEED);
    for (const text of ['first', 'second', 'third']) {
      const message = await ada.e2ee.encrypt(text);
      const changes: Partial<E2eeEncryptedMessage>[] = [
        { sender_id: eve.peerId },
        { key_id: flipped(message.key_id) },
        { key_id: key.key_id },
        { nonce: flipped(message.nonce) },
        { tag: flipped(message.tag) },
        { timestamp: message.timestamp + 1 },
        { timestamp: message.timestamp - 1 },
        ...Array.from({ length: 30 }, () => ({ ciphertext: flipped(message.ciphertext, random.below(3000)) })),
      ];
      for (const change of changes) {
        const changed = { ...message, ...change };
        await assert.rejects(bob.e2ee.decrypt(changed), TaiError, JSON.stringify(change));
        assert.equal(await bob.e2ee.verifyMessageIntegrity(changed), false);
      }
      await refused(bob.e2ee.decrypt({ ...message, key_id: key.key_id }), 'wrong-key-id');
      assert.equal(await bob.e2ee.decrypt(message), text);
      await pass(bob, ada, 'answer');
    }
    assert.equal(await pass(eve, bob, 'unharmed'), 'unharmed');
  });

  it('of one without a session, or to oneself, is refused', async () => {
    const [ada, bob, eve] = [openPage('ada'), openPage('bob'), openPage('eve')];
    await talk(ada, bob);
    const message = await ada.e2ee.encrypt('hello');
    await refused(eve.e2ee.decrypt(message), 'no-session', 'peer-unreachable');
    await refused(ada.e2ee.decrypt(message), 'no-session');
    await refused(eve.e2ee.encrypt('x'), 'no-session');
    await refused(eve.e2ee.encrypt('x', bob.peerId), 'no-session');
    await refused(ada.e2ee.encrypt('x', ada.peerId), 'no-session');
  });

  it('goes through the three kinds of checks without changing anything', async () => {
    const [ada, bob] = [openPage('ada'), openPage('bob')];
    const key = await bob.e2ee.generateKeyPair();
    await ada.e2ee.exchangeKeys(key);
    const first = await ada.e2ee.encrypt('first');
    for (let times = 0; times < 3; times++) {
      assert.equal(await bob.e2ee.verifyMessageIntegrity(first), true);
      // a tag is no signature
      assert.equal(await bob.e2ee.validateSignature(first), false);
      assert.deepEqual(bob.e2ee.peers, []);
    }
    assert.equal(await bob.e2ee.decrypt(first), 'first');
  });
});

describe('whatever else comes', () => {
  it('is refused as malformed, and never thrown at the page in another way', async () => {
    const [ada, bob] = [openPage('ada'), openPage('bob')];
    const key = await bob.e2ee.generateKeyPair();
    await talk(ada, bob);
    const message = await ada.e2ee.encrypt('x');
    const rotation = await ada.e2ee.rotateKey();
    const circle: Record<string, unknown> = { ...message };
    circle['self'] = circle;
    const hostile: readonly unknown[] = [
      undefined,
      null,
      7,
      7n,
      '',
      'hello',
      '{}',
      [],
      {},
      [message],
      Symbol('x'),
      () => message,
      circle,
      { ...message, n: 1n },
      { toJSON: () => undefined },
      {
        toJSON: () => {
          throw new Error('on purpose');
        },
      },
      { ...message, type: 'E2EE_ENCRYPTED_MESSAGE' },
      { ...message, nonce: `${message.nonce}=` },
      { ...message, tag: message.tag.slice(1) },
      { ...message, ciphertext: '' },
      { ...message, ciphertext: 'A'.repeat(60_000) },
      { ...message, timestamp: `${message.timestamp}` },
      { ...message, timestamp: -1 },
      { ...message, timestamp: NOW_MS + 0.5 },
      { ...message, sender_id: ada.peerId.toUpperCase() },
      'x'.repeat(70_000),
    ];
    for (const value of hostile) {
      await refused(bob.e2ee.decrypt(value), 'malformed', 'usage');
      await refused(bob.e2ee.exchangeKeys(value), 'malformed');
      await refused(bob.e2ee.acceptKeyChange(value), 'malformed');
      assert.equal(await bob.e2ee.validateSignature(value), false);
      assert.equal(await bob.e2ee.verifyMessageIntegrity(value), false);
    }
    for (const value of [key, rotation]) await refused(bob.e2ee.decrypt(value), 'malformed');
    for (const value of [message, rotation]) await refused(bob.e2ee.exchangeKeys(value), 'malformed');
    for (const value of [message, key]) await refused(bob.e2ee.acceptKeyChange(value), 'malformed');
    assert.equal(await bob.e2ee.decrypt(message), 'x');
  });

  it('as texts that are half right, is refused, and the session is unharmed', async () => {
    const [ada, bob] = [openPage('ada'), openPage('bob')];
    await talk(ada, bob);
    const samples = [
      await ada.e2ee.generateKeyPair(),
      await ada.e2ee.generateKeyPair({ isForOne: true }),
      await ada.e2ee.encrypt('one'),
      await ada.e2ee.rotateKey(),
    ].map((message) => JSON.stringify(message));
    const random = new Random(SEED);
    let taken = 0;
    for (let i = 0; i < FUZZ_INPUTS; i++) {
      const text = brokenText(random, samples);
      const calls = [bob.e2ee.decrypt(text), bob.e2ee.exchangeKeys(text), bob.e2ee.acceptKeyChange(text)];
      for (const result of await Promise.allSettled(calls)) {
        if (result.status === 'fulfilled') taken++;
        else assert.ok(result.reason instanceof TaiError, `seed ${SEED}, input ${i}: ${String(result.reason)}`);
      }
      await Promise.all([bob.e2ee.validateSignature(text), bob.e2ee.verifyMessageIntegrity(text)]);
    }
    // the samples themselves, or what JSON reads in the same way
    assert.ok(taken > 0 && taken < FUZZ_INPUTS / 2, `${taken} were taken`);
    assert.equal(await pass(ada, bob, 'unharmed'), 'unharmed');
    assert.equal(await pass(bob, ada, 'unharmed'), 'unharmed');
  });
});

describe('a public key', () => {
  it('is believed by its signature, its key id and its time, all of them', async () => {
    let nowMs = NOW_MS;
    const [ada, bob, eve] = [openPage('ada', { now: () => nowMs }), openPage('bob'), openPage('eve')];
    const key = await bob.e2ee.generateKeyPair({ isForOne: true });
    const foreign = await eve.e2ee.generateKeyPair();
    const changes = [
      { sender_id: eve.peerId },
      { key_id: foreign.key_id },
      { timestamp: key.timestamp + 1 },
      { nonce: flipped(key.nonce) },
      { signature: flipped(key.signature, 40) },
      { head: flipped(key.head, 500) },
      { one_time: undefined },
    ];
    for (const change of changes) {
      const changed = { ...key, ...change };
      await refused(ada.e2ee.exchangeKeys(changed), 'bad-signature', 'wrong-key');
      assert.equal(await ada.e2ee.validateSignature(changed), false);
      assert.equal(await ada.e2ee.verifyMessageIntegrity(changed), false);
    }
    for (const wrongMs of [NOW_MS - TIME_AHEAD_MAX_MS - 1, NOW_MS + TIME_AGE_MAX_MS + 1]) {
      nowMs = wrongMs;
      await refused(ada.e2ee.exchangeKeys(key), 'wrong-time');
      assert.equal(await ada.e2ee.verifyMessageIntegrity(key), false);
    }
    nowMs = NOW_MS;
    assert.deepEqual(ada.e2ee.peers, []);
    assert.equal(await ada.e2ee.validateSignature(key), true);
    assert.equal(await ada.e2ee.verifyMessageIntegrity(key), true);
    await ada.e2ee.exchangeKeys(key);
    assert.equal(await pass(ada, bob, 'hello'), 'hello');
  });

  it('of our own is none of a peer’s', async () => {
    const ada = openPage('ada');
    await refused(ada.e2ee.exchangeKeys(await ada.e2ee.generateKeyPair()), 'malformed');
    await refused(ada.e2ee.exchangeKeys(ada.peerId), 'malformed');
  });

  it('that comes again, or is another of the same device, changes nothing', async () => {
    const [ada, bob] = [openPage('ada'), openPage('bob')];
    const key = await bob.e2ee.generateKeyPair();
    await talk(ada, bob);
    const again = await Promise.all([ada.e2ee.exchangeKeys(key), ada.e2ee.exchangeKeys(key)]);
    for (const peer of again) assert.equal(peer.isConfirmed, true);
    await ada.e2ee.exchangeKeys(await bob.e2ee.generateKeyPair());
    assert.equal(await pass(ada, bob, 'same'), 'same');
  });

  it('of another device under a peer’s id is refused, loudly', async () => {
    const bob = openPage('bob');
    const [ada, eve] = [openPage('ada'), openPage('bob', { peerId: bob.peerId })];
    await talk(ada, bob);
    await refused(ada.e2ee.exchangeKeys(await eve.e2ee.generateKeyPair()), 'other-device', 'identity-changed');
    await eve.e2ee.exchangeKeys(await ada.e2ee.generateKeyPair());
    await refused(ada.e2ee.decrypt(await eve.e2ee.encrypt('I am Bob')), 'other-device', 'identity-changed');
    assert.equal(await pass(bob, ada, 'I am'), 'I am');
  });

  it('for one serves one: the second that begins with it is refused', async () => {
    const [ada, bob, eve] = [openPage('ada'), openPage('bob'), openPage('eve')];
    const key = await bob.e2ee.generateKeyPair({ isForOne: true });
    await ada.e2ee.exchangeKeys(key);
    await eve.e2ee.exchangeKeys(key);
    assert.equal(await pass(ada, bob, 'mine'), 'mine');
    await refused(pass(eve, bob, 'mine'), 'unknown-pre-key', 'wrong-key');
  });
});

describe('who a peer is', () => {
  it('is what it has said first: another user id, or a body of another form, is refused though it opens', async () => {
    const bob = openPage('bob');
    const mallory = await makeClient(1, { name: 'support' });
    const key = parseE2eeMessage(JSON.stringify(await bob.e2ee.generateKeyPair()));
    assert.ok(key?.type === 'e2ee_public_key');
    const signedBy = (await mallory.keys.openPublicKey(key)) ?? assert.fail();
    assert.equal(await mallory.keys.meetBy(key, signedBy), undefined);
    const sealed = async (inner: string): Promise<string> => {
      const message = await mallory.keys.seal(bob.peerId, inner);
      assert.ok(message.ok);
      const sent = { type: 'e2ee_encrypted_message', sender_id: mallory.self, ...message.fields, timestamp: NOW_MS };
      return formatE2eeMessage(sent as EncryptedMessage);
    };
    const inner = { type: 'text', timestamp: NOW_MS, user_id: 'mallory', text: 'hello' };
    const bodies: readonly (readonly [string, E2eeFault])[] = [
      ['', 'malformed'],
      ['hello', 'malformed'],
      ['[]', 'malformed'],
      ...[
        { type: 'file' },
        { user_id: '' },
        { user_id: 'x'.repeat(257) },
        { user_id: 7 },
        { text: 7 },
        { text: null },
        { timestamp: -1 },
        { timestamp: `${NOW_MS}` },
      ].map((change) => [JSON.stringify({ ...inner, ...change }), 'malformed'] as const),
      [JSON.stringify({ ...inner, timestamp: NOW_MS - 1 }), 'wrong-time'],
    ];
    for (const [body, fault] of bodies) {
      const message = await sealed(body);
      assert.equal(await bob.e2ee.verifyMessageIntegrity(message), false);
      await refused(bob.e2ee.decrypt(message), fault);
      assert.deepEqual(bob.e2ee.peers, []);
    }
    assert.equal(await bob.e2ee.decrypt(await sealed(JSON.stringify(inner))), 'hello');
    const renamed = await sealed(JSON.stringify({ ...inner, user_id: 'ada' }));
    assert.equal(await bob.e2ee.verifyMessageIntegrity(renamed), false);
    await refused(bob.e2ee.decrypt(renamed), 'other-device', 'identity-changed');
    assert.deepEqual(
      bob.e2ee.peers.map(({ userId }) => userId),
      ['mallory'],
    );
  });

  it('is told from who had that name before, in a browser that remembers', async () => {
    const bob = openPage('bob', { identity: 'device' });
    const ada = openPage('ada', { identity: 'device' });
    await talk(ada, bob);
    assert.deepEqual([peerOf(bob, ada)?.standing, peerOf(bob, ada)?.kind], ['new', 'device']);
    const other = openPage('Ada', { identity: 'device' });
    await other.e2ee.exchangeKeys(await bob.e2ee.generateKeyPair());
    const messages = await several(other, bob, ['I am Ada', 'really']);
    // told before any of the messages is
    const told = await Promise.all(
      messages.map(async (message) => [await bob.e2ee.decrypt(message), bob.events.length]),
    );
    assert.deepEqual(told, [
      ['I am Ada', 1],
      ['really', 1],
    ]);
    assert.deepEqual(bob.events, [{ type: 'identity-changed', peerId: other.peerId }]);
    assert.equal(peerOf(bob, other)?.standing, 'changed');
  });

  it('can be compared: numbers and scans are of the two devices', async () => {
    const [ada, bob, eve] = [openPage('ada'), openPage('bob'), openPage('eve')];
    assert.equal(await ada.e2ee.safetyNumber(bob.peerId), undefined);
    assert.equal(await ada.e2ee.safetyNumber('nobody'), undefined);
    assert.equal(ada.e2ee.checkScan(bob.peerId, ''), 'unreadable');
    assert.equal(ada.e2ee.checkScan('nobody', ''), 'unreadable');
    await refused(ada.e2ee.setVerified(bob.peerId, true), 'no-session');
    await refused(ada.e2ee.setVerified('nobody', true), 'no-session');
    await ada.e2ee.exchangeKeys(await bob.e2ee.generateKeyPair());
    await ada.e2ee.setVerified(bob.peerId, true);
    assert.equal(peerOf(ada, bob)?.standing, undefined);
    await talk(ada, bob);
    assert.equal(peerOf(ada, bob)?.standing, 'verified');
    await talk(eve, bob);
    const [ours, theirs, others] = await Promise.all([
      ada.e2ee.safetyNumber(bob.peerId),
      bob.e2ee.safetyNumber(ada.peerId),
      bob.e2ee.safetyNumber(eve.peerId),
    ]);
    assert.ok(ours && theirs && others);
    assert.match(ours.digits, /^[0-9]{60}$/);
    assert.equal(ours.digits, theirs.digits);
    assert.notEqual(ours.digits, others.digits);
    assert.equal(ada.e2ee.checkScan(bob.peerId, theirs.qr), 'match');
    assert.equal(ada.e2ee.checkScan(bob.peerId, others.qr), 'mismatch');
    await ada.e2ee.setVerified(bob.peerId, false);
    assert.equal(peerOf(ada, bob)?.standing, 'known');
  });
});

describe('keys that are rotated', () => {
  it('are announced by the old ones and the new ones, and taken over once', async () => {
    const [ada, bob, eve] = [openPage('ada'), openPage('bob'), openPage('eve')];
    await talk(ada, bob);
    const before = await ada.e2ee.generateKeyPair();
    const rotation = await ada.e2ee.rotateKey();
    assert.deepEqual(Object.keys(rotation).sort(), ['key_id', 'sender_id', 'statement', 'type']);
    assert.equal(rotation.key_id, before.key_id);
    assert.equal(await bob.e2ee.validateSignature(rotation), true);
    assert.equal(await bob.e2ee.verifyMessageIntegrity(rotation), true);
    // without a session there is nobody to believe it of
    assert.equal(await eve.e2ee.validateSignature(rotation), false);
    await refused(eve.e2ee.acceptKeyChange(rotation), 'bad-signature', 'wrong-key');
    const changes = [
      { statement: flipped(rotation.statement) },
      { key_id: flipped(rotation.key_id) },
      { sender_id: eve.peerId },
    ];
    for (const change of changes) {
      await refused(bob.e2ee.acceptKeyChange({ ...rotation, ...change }), 'bad-signature');
    }
    const old = peerOf(bob, ada)?.deviceId;
    assert.equal(await bob.e2ee.acceptKeyChange(JSON.stringify(rotation)), 'rotated');
    assert.notEqual(peerOf(bob, ada)?.deviceId, old);
    await refused(bob.e2ee.acceptKeyChange(rotation), 'bad-signature');
  });

  it('leave the talk as it is, and are those of new sessions', async () => {
    const [ada, bob, eve] = [openPage('ada'), openPage('bob'), openPage('eve')];
    await talk(ada, bob);
    const [before] = await several(ada, bob, ['x']);
    const rotation = await ada.e2ee.rotateKey();
    assert.equal(await pass(ada, bob, 'still'), 'still');
    assert.equal(await pass(bob, ada, 'still'), 'still');
    assert.equal((await ada.e2ee.encrypt('x')).key_id, before?.key_id);
    const key = await ada.e2ee.generateKeyPair();
    assert.notEqual(key.key_id, rotation.key_id);
    await eve.e2ee.exchangeKeys(key);
    assert.equal(await pass(eve, ada, 'new'), 'new');
    assert.equal((await ada.e2ee.encrypt('new', eve.peerId)).key_id, key.key_id);
    // without the announcement, the new keys under the same peer id are somebody else's
    await refused(bob.e2ee.exchangeKeys(key), 'other-device');
    await bob.e2ee.acceptKeyChange(rotation);
    await bob.e2ee.exchangeKeys(key);
    assert.equal(await pass(bob, ada, 'fine'), 'fine');
  });

  it('keep what was verified, and a name its owner', async () => {
    const ada = openPage('ada', { identity: 'device' });
    const bob = openPage('bob', { identity: 'device' });
    await talk(ada, bob);
    await bob.e2ee.setVerified(ada.peerId, true);
    await bob.e2ee.acceptKeyChange(await ada.e2ee.rotateKey());
    assert.equal(peerOf(bob, ada)?.standing, 'verified');
    assert.deepEqual(bob.events, []);
  });

  it('and then again, are followed one by one, and never back', async () => {
    const [ada, bob] = [openPage('ada'), openPage('bob', { identity: 'device' })];
    await talk(ada, bob);
    await bob.e2ee.setVerified(ada.peerId, true);
    const rotations = [await ada.e2ee.rotateKey(), await ada.e2ee.rotateKey(), await ada.e2ee.rotateKey()];
    await refused(bob.e2ee.acceptKeyChange(rotations[1]), 'bad-signature');
    for (const rotation of rotations) assert.equal(await bob.e2ee.acceptKeyChange(rotation), 'rotated');
    for (const rotation of rotations) await refused(bob.e2ee.acceptKeyChange(rotation), 'bad-signature');
    assert.equal(peerOf(bob, ada)?.deviceId, (await bob.e2ee.exchangeKeys(await ada.e2ee.generateKeyPair())).deviceId);
  });
});

describe('keys that are revoked', () => {
  it('end everything with them, for everybody who hears of it, for good', async () => {
    const [ada, bob, eve] = [openPage('ada'), openPage('bob'), openPage('eve')];
    await talk(ada, bob);
    await talk(eve, bob);
    const [late] = await several(ada, bob, ['late']);
    const key = await ada.e2ee.generateKeyPair();
    const [revocation, ...others] = await ada.e2ee.revokeKey('compromised');
    assert.deepEqual(others, []);
    assert.equal(revocation?.reason, 'compromised');
    assert.equal(await eve.e2ee.validateSignature(revocation), true);
    assert.equal(await bob.e2ee.acceptKeyChange(revocation), 'revoked');
    assert.equal(await eve.e2ee.acceptKeyChange(revocation), 'revoked');
    assert.equal(await bob.e2ee.acceptKeyChange(revocation), 'revoked');
    assert.equal(peerOf(bob, ada)?.isRevoked, true);
    await refused(bob.e2ee.decrypt(late), 'revoked', 'wrong-key');
    await refused(bob.e2ee.encrypt('x', ada.peerId), 'revoked');
    await refused(bob.e2ee.exchangeKeys(key), 'revoked');
    await refused(bob.e2ee.exchangeKeys(ada.peerId), 'revoked');
    await refused(eve.e2ee.exchangeKeys(key), 'revoked');
    assert.equal(await pass(eve, bob, 'unharmed'), 'unharmed');
    for (const call of [ada.e2ee.encrypt('x'), ada.e2ee.generateKeyPair(), ada.e2ee.revokeKey()]) {
      await refused(call, 'closed', 'usage');
    }
  });

  it('are all that this instance has used', async () => {
    const [ada, bob, eve] = [openPage('ada'), openPage('bob'), openPage('eve')];
    await talk(ada, bob);
    const rotation = await ada.e2ee.rotateKey();
    await eve.e2ee.exchangeKeys(await ada.e2ee.generateKeyPair());
    await pass(eve, ada, 'hello');
    const revocations = await ada.e2ee.revokeKey();
    assert.equal(revocations.length, 2);
    for (const each of revocations) {
      assert.equal(await bob.e2ee.acceptKeyChange(each), 'revoked');
      assert.equal(await eve.e2ee.acceptKeyChange(each), 'revoked');
    }
    assert.deepEqual([peerOf(bob, ada)?.isRevoked, peerOf(eve, ada)?.isRevoked], [true, true]);
    await refused(bob.e2ee.acceptKeyChange(rotation), 'bad-signature');
  });

  it('are not revoked by others, or by a word that is broken', async () => {
    const [ada, bob, eve] = [openPage('ada'), openPage('bob'), openPage('eve')];
    await talk(ada, bob);
    const adas = await ada.e2ee.generateKeyPair();
    const [foreign] = await eve.e2ee.revokeKey();
    assert.ok(foreign);
    // Eve's word about herself, in Ada's name
    const inHerName = { ...foreign, sender_id: ada.peerId, key_id: adas.key_id };
    assert.equal(await bob.e2ee.validateSignature(inHerName), false);
    await refused(bob.e2ee.acceptKeyChange(inHerName), 'bad-signature');
    await refused(bob.e2ee.acceptKeyChange({ ...foreign, statement: flipped(foreign.statement) }), 'bad-signature');
    await refused(bob.e2ee.acceptKeyChange({ ...foreign, reason: 'because' }), 'malformed');
    assert.equal(await bob.e2ee.acceptKeyChange(foreign), 'revoked');
    assert.equal(await pass(ada, bob, 'unharmed'), 'unharmed');
  });

  it('take one of a few reasons', async () => {
    const ada = openPage('ada');
    await refused(ada.e2ee.revokeKey('because' as never), 'malformed');
    for (const reason of REVOKE_REASONS) {
      const [revocation] = await openPage('x').e2ee.revokeKey(reason);
      assert.equal(revocation?.reason, reason);
    }
    assert.equal((await ada.e2ee.revokeKey())[0]?.reason, 'unspecified');
  });

  it('cannot be rotated to', async () => {
    const [ada, bob] = [openPage('ada'), openPage('bob')];
    await talk(ada, bob);
    const rotation = await ada.e2ee.rotateKey();
    const [newer] = await ada.e2ee.revokeKey();
    assert.equal(await bob.e2ee.acceptKeyChange(newer), 'revoked');
    await refused(bob.e2ee.acceptKeyChange(rotation), 'bad-signature');
  });

  it('once rotated cannot rotate to other keys, whoever holds the old ones', async () => {
    const bob = openPage('bob');
    const identity = createGuestIdentity();
    const [ada, thief] = [
      await makeClient(1, { name: 'support', identity }),
      await makeClient(2, { name: 'support', identity }),
    ];
    const { party } = ada.keys;
    const { device } = await party.own();
    for (const client of [ada, thief]) {
      const key = parseE2eeMessage(JSON.stringify(await bob.e2ee.generateKeyPair()));
      assert.ok(key?.type === 'e2ee_public_key');
      assert.equal(await client.keys.meetBy(key, (await client.keys.openPublicKey(key)) ?? assert.fail()), undefined);
      const said = JSON.stringify({ type: 'text', timestamp: NOW_MS, user_id: 'ada', text: 'hello' });
      const { fields } = (await client.keys.seal(bob.peerId, said)) as { readonly fields: MessageFields };
      const message = { type: 'e2ee_encrypted_message', sender_id: client.self, ...fields, timestamp: NOW_MS } as const;
      assert.equal(await bob.e2ee.decrypt(formatE2eeMessage(message)), 'hello');
    }
    await bob.e2ee.setVerified(ada.self, true);
    const key_id = device.certificate.hash;
    const { statement } = await identity.rotate(party.provider, party.nowS());
    const rotation = { type: 'e2ee_key_rotation', sender_id: ada.self, key_id, statement } as const;
    assert.equal(await bob.e2ee.acceptKeyChange(formatE2eeMessage(rotation)), 'rotated');
    const { device: stolen } = await (await makeClient(3)).keys.party.own();
    const second = await issueRotation(device, stolen, party.nowS());
    const forged = { ...rotation, sender_id: thief.self, statement: second };
    await refused(bob.e2ee.acceptKeyChange(formatE2eeMessage(forged)), 'other-device', 'identity-changed');
    await refused(bob.e2ee.acceptKeyChange(formatE2eeMessage({ ...forged, sender_id: ada.self })), 'bad-signature');
  });
});

describe('an instance', () => {
  const good: WebRTCE2EEOptions = { room: roomOf(1) };
  const bad: readonly (readonly [string, readonly [unknown, unknown, unknown]])[] = [
    ['roomId', ['', 'ada', good]],
    ['roomId', [7, 'ada', good]],
    ['roomId', ['x'.repeat(257), 'ada', good]],
    ['userId', ['r', '', good]],
    ['userId', ['r', undefined, good]],
    ['userId', ['r', 'x'.repeat(257), good]],
    ['room', ['r', 'ada', {}]],
    ['room', ['r', 'ada', { room: { kind: 'private', room: { secret: 'x' } } }]],
    ['room', ['r', 'ada', { room: { kind: 'private', room: { secret: new Uint8Array(31) } } }]],
    ['peerId', ['r', 'ada', { ...good, peerId: '0x12' }]],
    ['identity', ['r', 'ada', { ...good, identity: 'wallet' }]],
    ['relay', ['r', 'ada', { ...good, relay: 'https://relay.example', registry: {} }]],
    ['relay', ['r', 'ada', { ...good, relay: 'http://relay.example' }]],
    ['relay', ['r', 'ada', { ...good, relay: 'nowhere' }]],
  ];
  for (const [i, [option, [roomId, userId, options]]] of bad.entries()) {
    it(`is not made with a bad ${option} (${i})`, () => {
      assert.throws(
        () => new WebRTCE2EE(roomId as string, userId as string, options as WebRTCE2EEOptions),
        (error) => error instanceof TaiError && error.code === 'usage' && error.message.startsWith(option),
      );
    });
  }

  it('has a peer id of its own, or the one that it is given', () => {
    const ids = [openPage('ada').peerId, openPage('ada').peerId];
    assert.notEqual(ids[0], ids[1]);
    assert.equal(openPage('ada', { peerId: String(ids[0]) }).peerId, ids[0]);
  });

  it('takes the clock of the machine where none is given', async () => {
    const [ada, bob] = [
      new WebRTCE2EE('r', 'ada', { room: roomOf(1) }),
      new WebRTCE2EE('r', 'bob', { room: roomOf(1) }),
    ];
    const beforeMs = Date.now();
    const key = await bob.generateKeyPair();
    assert.ok(key.timestamp >= beforeMs && key.timestamp <= Date.now());
    await ada.exchangeKeys(key);
    assert.equal(await bob.decrypt(await ada.encrypt('now')), 'now');
  });

  it('without a registry finds nobody by a peer id', async () => {
    const [ada, bob] = [openPage('ada'), openPage('bob')];
    await refused(ada.e2ee.exchangeKeys(bob.peerId), 'no-registry', 'usage');
  });

  it('encrypts strings only, and for peers only', async () => {
    const [ada, bob] = [openPage('ada'), openPage('bob')];
    await talk(ada, bob);
    for (const value of [undefined, null, 7, {}, new String('x')]) {
      await refused(ada.e2ee.encrypt(value as string), 'malformed', 'usage');
    }
    for (const peerId of ['', 'bob', `${bob.peerId}0`, null]) {
      await refused(ada.e2ee.encrypt('x', peerId as string), 'malformed');
    }
  });

  it('that is closed does nothing more, and what is under way ends', async () => {
    const [ada, bob] = [openPage('ada'), openPage('bob')];
    await talk(ada, bob);
    const message = await bob.e2ee.encrypt('x');
    const starting = openPage('eve');
    const pending = starting.e2ee.generateKeyPair();
    starting.e2ee.close();
    await refused(pending, 'closed', 'usage');
    ada.e2ee.close();
    ada.e2ee.close();
    const { e2ee } = ada;
    assert.deepEqual(e2ee.peers, []);
    assert.equal(e2ee.checkScan(bob.peerId, 'x'), 'unreadable');
    for (const call of [
      e2ee.generateKeyPair(),
      e2ee.exchangeKeys(bob.peerId),
      e2ee.encrypt('x'),
      e2ee.decrypt(message),
      e2ee.rotateKey(),
      e2ee.revokeKey(),
      e2ee.acceptKeyChange('x'),
      e2ee.validateSignature('x'),
      e2ee.verifyMessageIntegrity('x'),
      e2ee.safetyNumber(bob.peerId),
      e2ee.setVerified(bob.peerId, true),
      e2ee.admission(),
    ]) {
      await refused(call, 'closed', 'usage');
    }
  });

  it('whose keys cannot be made says so, and can be asked again', async () => {
    let isBroken = true;
    const now = (): number => {
      if (isBroken) throw new Error('on purpose: seed 0102030405');
      return NOW_MS;
    };
    const ada = openPage('ada', { now });
    await refused(ada.e2ee.generateKeyPair(), 'keys-failed', 'unsupported-browser');
    isBroken = false;
    const [bob] = [openPage('bob')];
    await talk(ada, bob);
  });

  it('gives out an admission to its own room at a relay', async () => {
    const ada = openPage('ada');
    const { roomId, peerId, token } = await ada.e2ee.admission();
    assert.match(roomId, /^0x[0-9a-f]{64}$/);
    assert.equal(peerId, ada.peerId);
    assert.match(await token(NOW_MS / 1000), /^tai\.token\.[A-Za-z0-9_-]{279}$/);
    assert.notEqual((await openPage('ada', { roomId: 'sales' }).e2ee.admission()).roomId, roomId);
  });
});
