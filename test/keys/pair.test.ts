import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { DhKey } from '../../src/engine/crypto/provider.ts';
import { createProvider } from '../../src/engine/crypto/provider.ts';
import type { Provider } from '../../src/engine/crypto/provider.ts';
import {
  acceptRatchet,
  answerChain,
  initiateRatchet,
  openMessage,
  sealMessage,
} from '../../src/engine/crypto/ratchet.ts';
import type { Ratchet } from '../../src/engine/crypto/ratchet.ts';
import { Pair } from '../../src/engine/keys/pair.ts';
import type { PairSealed } from '../../src/engine/keys/pair.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { secretsFrom } from '../crypto/ratchet-kit.ts';
import { Random } from '../helpers/random.ts';
import { makeDevice } from '../crypto/handshake-fixtures.ts';

const NOW_MS = 1_800_000_000_000;
const HEADER = new Uint8Array(4);
const FINGERPRINT = new Uint8Array(32).fill(9);

let provider: Provider;
let alice: Pair;
let bob: Pair;
/** Makes a pair of a state: Alice's role, or Bob's. */
let pairOf: (role: 'initiator' | 'responder', ratchet: Ratchet) => Pair;
let bobsFirst: Ratchet;

beforeEach(async () => {
  provider = await createProvider();
  const { certificate } = await makeDevice(provider);
  const secrets = secretsFrom(new Random(7));
  const preKey: DhKey = await provider.generateDh();
  pairOf = (role, ratchet) =>
    new Pair({ provider, role, header: HEADER, secrets, ratchet, certificate, dtlsFingerprint: FINGERPRINT });
  const ratchet = await initiateRatchet(provider, secrets, preKey.publicKey);
  assert.ok(ratchet);
  bobsFirst = acceptRatchet(secrets, preKey);
  alice = pairOf('initiator', ratchet);
  bob = pairOf('responder', bobsFirst);
});

const utf8 = (text: string): Bytes => new TextEncoder().encode(text);

async function carried(pair: Pair, text: string): Promise<PairSealed> {
  let carried: PairSealed | undefined;
  const fault = await pair.seal(utf8(text), async (sealed) => {
    carried = sealed;
    return true;
  });
  assert.equal(fault, undefined);
  assert.ok(carried);
  return carried;
}

async function hand(from: Pair, to: Pair, text: string): Promise<void> {
  const opened = await to.open((await carried(from, text)).message, NOW_MS);
  assert.ok(opened.ok && new TextDecoder().decode(opened.plaintext) === text);
}

describe('A pair', () => {
  it('seals and opens, confirmed for each side as soon as the other has shown its keys', async () => {
    const states = (): boolean[] => [alice, bob].flatMap(({ isConfirmed, hasOpened }) => [isConfirmed, hasOpened]);
    assert.deepEqual(states(), [false, false, false, true]);
    await hand(alice, bob, 'hello');
    assert.deepEqual(states(), [false, false, false, true]);
    await hand(bob, alice, 'welcome');
    assert.deepEqual(states(), [true, true, false, true]);
    await hand(alice, bob, 'so');
    assert.deepEqual(states(), [true, true, true, true]);
  });

  it('shows what the handshake has proved', () => {
    assert.deepEqual([alice.role, bob.role], ['initiator', 'responder']);
    assert.deepEqual([alice.header, alice.dtlsFingerprint, alice.exporter], [HEADER, FINGERPRINT, bob.exporter]);
    assert.equal(alice.certificate, bob.certificate);
  });

  it('has its handshake go along until something has opened; a responder has none to send', async () => {
    const first = await carried(alice, 'hello');
    assert.equal(first.isHeaderDue, true);
    assert.ok((await bob.open(first.message, NOW_MS)).ok);
    const answer = await carried(bob, 'welcome');
    assert.equal(answer.isHeaderDue, false);
    assert.equal((await carried(alice, 'again')).isHeaderDue, true);
    const opened = await alice.open(answer.message, NOW_MS);
    assert.ok(opened.ok && opened.isFirst && opened.isConfirmed);
    assert.equal((await carried(alice, 'so')).isHeaderDue, false);
  });

  it('does everything in the order of the calls, however they overlap', async () => {
    const texts = Array.from({ length: 20 }, (_, i) => `text ${i}`);
    const messages: Bytes[] = [];
    await Promise.all(
      texts.map((text) =>
        alice.seal(utf8(text), async ({ message }) => {
          messages.push(message);
          return true;
        }),
      ),
    );
    const opened = await Promise.all(messages.map((message) => bob.open(message, NOW_MS)));
    const read = opened.map((each) => (each.ok ? new TextDecoder().decode(each.plaintext) : each.fault));
    assert.deepEqual(read, texts);
  });

  it('goes on after a text that is too long, one that could not leave, a message that does not open, and a failure', async () => {
    const carry = async (): Promise<boolean> => assert.fail('sealed');
    assert.equal(await alice.seal(new Uint8Array(33_000), carry), 'too-large');
    assert.equal(await alice.seal(utf8('lost'), async () => false), 'not-carried');
    await assert.rejects(
      alice.seal(utf8('failed'), async () => {
        throw new Error('the channel has closed');
      }),
    );
    assert.deepEqual(await bob.open(new Uint8Array(5), NOW_MS), { ok: false, fault: 'malformed' });
    await hand(alice, bob, 'hello');
    await hand(bob, alice, 'welcome');
  });

  it('goes on after an answer that has arrived, though it was believed lost', async () => {
    await hand(alice, bob, 'hello');
    let arrived: Bytes | undefined;
    const carry = async ({ message }: PairSealed): Promise<boolean> => {
      arrived = message;
      return false;
    };
    assert.equal(await bob.seal(utf8('welcome'), carry), 'not-carried');
    assert.ok(arrived && (await alice.open(arrived, NOW_MS)).ok);
    // takes the place of the first one, and is of the same chain
    const { message } = await carried(bob, 'welcome');
    assert.deepEqual(await alice.open(message, NOW_MS), { ok: false, fault: 'replayed' });
    await hand(bob, alice, 'so');
    await hand(alice, bob, 'so');
  });

  it('seals nothing with a provider that makes no keys', async () => {
    await hand(alice, bob, 'hello');
    const refusing = { publicKey: new Uint8Array(32), agree: async () => undefined };
    provider.generateDh = async () => refusing;
    assert.equal(await bob.seal(utf8('x'), async () => assert.fail('sealed')), 'no-chain');
  });

  it('changes nothing by a message that is not accepted: it can come again', async () => {
    const { message } = await carried(alice, 'hello');
    const heard: string[] = [];
    const refused = await bob.open(message, NOW_MS, (plaintext) => {
      heard.push(new TextDecoder().decode(plaintext));
      return false;
    });
    assert.deepEqual([refused, heard], [{ ok: false, fault: 'malformed' }, ['hello']]);
    assert.ok((await bob.open(message, NOW_MS, () => true)).ok);
    assert.deepEqual(await bob.open(message, NOW_MS), { ok: false, fault: 'replayed' });
  });

  it('HS10: makes a whole ML-KEM step within one message of each side and one more', async () => {
    await hand(alice, bob, 'hello');
    await hand(bob, alice, 'welcome');
    alice.requestKemStep();
    const lengths = [];
    for (const [from, to] of [
      [alice, bob],
      [bob, alice],
      [alice, bob],
      [bob, alice],
    ] as const) {
      const { message } = await carried(from, 'x');
      lengths.push(message.length);
      assert.ok((await to.open(message, NOW_MS)).ok);
    }
    const plain = Math.min(...lengths);
    // Alice has a chain of Bob's to answer: she begins hers with a key, which his next one answers
    assert.deepEqual(
      lengths.map((length) => length - plain),
      [1184, 1088, 0, 0],
    );
  });
});

/** All that a thief of the memory would have: bytes of his own, and the handles of keys that cannot be taken out. */
function copyOf(ratchet: Ratchet): Ratchet {
  const copied = (value: unknown): unknown => {
    if (value instanceof Uint8Array) return value.slice();
    if (Array.isArray(value)) return value.map(copied);
    const isPlain = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
    if (!isPlain || 'agree' in value || 'decapsulate' in value) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copied(item)]));
  };
  return copied(ratchet) as Ratchet;
}

describe('A copy of one side’s state', () => {
  /** Bob's state is in our hands until `sit` gives it to a pair: that is when it is copied. */
  let ratchet: Ratchet;
  /** What went to Bob. */
  let heard: Bytes[];

  beforeEach(() => {
    ratchet = bobsFirst;
    heard = [];
  });

  async function talk(text: string): Promise<void> {
    const { message } = await carried(alice, text);
    heard.push(message);
    const opened = await openMessage(ratchet, message, NOW_MS);
    assert.ok(opened.ok);
    const answering = await answerChain(provider, opened.ratchet);
    const sealed = answering && (await sealMessage(answering, utf8('answer')));
    assert.ok(sealed);
    ratchet = sealed.ratchet;
    assert.ok((await alice.open(sealed.message, NOW_MS)).ok);
  }

  /** What of these the thief reads with his copy, one after the other, taking every step that he can. */
  async function readWith(stolen: Ratchet, messages: readonly Bytes[]): Promise<number> {
    let own = stolen;
    let count = 0;
    for (const message of messages) {
      const opened = await openMessage(own, message, NOW_MS);
      if (!opened.ok) continue;
      own = opened.ratchet;
      count++;
    }
    return count;
  }

  it('opens nothing that was opened before, and the next message: it is alive', async () => {
    for (const text of ['one', 'two', 'three']) await talk(text);
    const stolen = copyOf(ratchet);
    bob = pairOf('responder', ratchet);
    assert.equal(await readWith(stolen, heard), 0);
    assert.equal(await readWith(stolen, [(await carried(alice, 'next')).message]), 1);
  });

  it('opens nothing after a whole step with ML-KEM by each side', async () => {
    for (const text of ['one', 'two']) await talk(text);
    const stolen = copyOf(ratchet);
    bob = pairOf('responder', ratchet);
    const before: Bytes[] = [];
    const say = async (from: Pair, to: Pair): Promise<void> => {
      const { message } = await carried(from, 'x');
      if (to === bob) before.push(message);
      assert.ok((await to.open(message, NOW_MS)).ok);
    };
    alice.requestKemStep();
    bob.requestKemStep();
    for (let i = 0; i < 3; i++) {
      await say(alice, bob);
      await say(bob, alice);
    }
    const after = await Promise.all(Array.from({ length: 5 }, async () => (await carried(alice, 'secret')).message));
    // he is there for the first of those, and is shut out from the first step of Bob's on
    assert.equal(await readWith(stolen, before.slice(0, 1)), 1);
    assert.equal(await readWith(stolen, [...before, ...after]), 1);
    assert.equal(await readWith(stolen, after), 0);
    for (const message of after) assert.ok((await bob.open(message, NOW_MS)).ok);
  });

  it('seals nothing that the peer takes, once both have stepped', async () => {
    await talk('one');
    const stolen = copyOf(ratchet);
    bob = pairOf('responder', ratchet);
    for (let i = 0; i < 2; i++) {
      await hand(alice, bob, 'x');
      await hand(bob, alice, 'y');
    }
    const forged = await sealMessage(stolen, utf8('I am Bob'));
    assert.ok(forged);
    assert.equal((await alice.open(forged.message, NOW_MS)).ok, false);
    await hand(bob, alice, 'it is I');
  });
});
