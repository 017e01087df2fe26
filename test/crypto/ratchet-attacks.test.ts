import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { requestKemStep } from '../../src/engine/crypto/ratchet.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { Random } from '../helpers/random.ts';
import { NOW_MS, Side, WatchedProvider, seededProvider, session, turn } from './ratchet-kit.ts';

describe('A message that was changed on the way', () => {
  it('is refused whichever byte it is, changes nothing, and makes no keys', async () => {
    const random = new Random(30);
    const watched = new WatchedProvider(seededProvider(random));
    const { alice, bob } = await session(random, { bob: watched });
    const first = await alice.seal('first');
    await refuseFlips(bob, first);
    assert.equal(watched.made, 0);
    await bob.open(first);
    const late = await alice.seal('late');
    const second = await alice.seal('second');
    await refuseFlips(bob, second);
    await bob.open(second);
    await refuseFlips(bob, late);
    assert.equal(await bob.open(late), 'late');
  });

  it('is refused whichever byte it is also where it carries ML-KEM', async () => {
    const random = new Random(31);
    const watched = new WatchedProvider(seededProvider(random));
    const { alice, bob } = await session(random, { bob: watched });
    bob.ratchet = requestKemStep(bob.ratchet);
    await bob.open(await alice.seal(''));
    alice.ratchet = requestKemStep(alice.ratchet);
    await alice.open(await bob.seal(''));
    const made = watched.made;
    const message = await alice.seal('key and ciphertext');
    assert.equal(message[0], 3);
    await refuseFlips(bob, message, 7);
    assert.equal(watched.made, made);
    assert.equal(await bob.open(message), 'key and ciphertext');
  });

  it('is refused at every other length', async () => {
    const { alice, bob } = await session(new Random(32));
    const message = await alice.seal('whole');
    for (let length = 0; length < message.length; length++) {
      assert.equal(await bob.refuse(message.slice(0, length)), 'malformed');
    }
    for (const more of [1, 1184, 1088, 2272, 1536]) {
      const longer = new Uint8Array(message.length + more);
      longer.set(message);
      assert.equal(await bob.refuse(longer), more === 1536 ? 'unopened' : 'malformed');
    }
    assert.equal(await bob.open(message), 'whole');
  });

  it('is refused with any other flags', async () => {
    const { alice, bob } = await session(new Random(35));
    const message = await alice.seal('no flags');
    for (let flags = 1; flags < 256; flags++) assert.equal(await bob.refuse(message.with(0, flags)), 'malformed');
    assert.equal(await bob.open(message), 'no flags');
  });

  it('is refused where it is put together from two', async () => {
    const { alice, bob } = await session(new Random(33));
    const [one, two] = [await alice.seal('one'), await alice.seal('two')];
    const mixed = one.slice();
    mixed.set(two.subarray(69), 69);
    assert.equal(await bob.refuse(mixed), 'unopened');
    assert.equal(await bob.open(one), 'one');
    assert.equal(await bob.open(two), 'two');
  });

  it('is refused where it is noise, however much of it comes', async () => {
    const random = new Random(34);
    const { alice, bob } = await session(random);
    await turn(alice, bob);
    for (let i = 0; i < 300; i++) {
      const noise = random.bytes(random.pick([0, 1, 85, 597, 597, 1781, 1685, 2869, 2133]));
      if (random.chance(0.8) && noise.length > 0) noise[0]! &= 3;
      const fault = await bob.refuse(noise);
      assert.ok(fault === 'malformed' || fault === 'unopened');
    }
    await turn(alice, bob);
  });
});

/** Flips a bit in every `stride`-th byte, and in every byte around the borders of the parts. */
async function refuseFlips(side: Side, message: Bytes, stride = 1): Promise<void> {
  for (let at = 0; at < message.length; at += at < 80 || at > message.length - 40 ? 1 : stride) {
    const changed = message.slice();
    changed[at]! ^= 1 << (at % 8);
    const fault = await side.refuse(changed);
    assert.ok(fault === 'unopened' || (at === 0 && fault === 'malformed'), `byte ${at}: ${fault}`);
  }
}

describe('A message somewhere else', () => {
  it('does not open in another session, nor for its own sender', async () => {
    const random = new Random(40);
    const { alice, bob, secrets } = await session(random);
    const message = await alice.seal('for Bob');
    const other = await session(random);
    assert.equal(await other.bob.refuse(message), 'unopened');
    assert.equal(await alice.refuse(message), 'unopened');
    const associatedData = secrets.transcriptHash.with(0, secrets.transcriptHash[0]! ^ 1);
    const elsewhere = new Side({ ...bob.ratchet, associatedData }, bob.provider);
    assert.equal(await elsewhere.refuse(message), 'unopened');
    assert.equal(await bob.open(message), 'for Bob');
    assert.equal(await bob.refuse(await bob.seal('to oneself')), 'unopened');
  });
});

describe('Forward secrecy: who takes a state', () => {
  it('opens nothing with it that was opened before', async () => {
    const { alice, bob } = await session(new Random(50));
    const seen: { side: Side; message: Bytes }[] = [];
    for (let i = 0; i < 4; i++) {
      if (i === 1) alice.ratchet = requestKemStep(alice.ratchet);
      for (const [from, to] of [
        [alice, bob],
        [bob, alice],
      ] as const) {
        for (const text of ['one', 'two']) {
          const message = await from.seal(text);
          assert.equal(await to.open(message), text);
          seen.push({ side: to, message });
        }
      }
    }
    for (const { side, message } of seen) {
      for (const thief of [side.copy(), side === alice ? bob.copy() : alice.copy()]) await thief.refuse(message);
    }
  });

  it('opens what was sealed for it and has not come yet, and nothing else: the test sees a difference', async () => {
    const { alice, bob } = await session(new Random(51));
    const [one, two, three] = [await alice.seal('one'), await alice.seal('two'), await alice.seal('three')];
    await bob.open(three);
    await bob.open(one);
    const thief = bob.copy();
    assert.equal(await thief.open(two), 'two');
    for (const message of [one, three]) assert.equal(await thief.refuse(message), 'replayed');
  });

  it('opens nothing that its owner has sealed', async () => {
    const { alice, bob } = await session(new Random(52));
    const sealed = await alice.seal('mine');
    const thief = alice.copy();
    assert.equal(await thief.refuse(sealed), 'unopened');
    assert.equal(await bob.open(sealed), 'mine');
  });

  it('finds in it the keys of the next message, and none that was stored for the last', async () => {
    const { alice, bob } = await session(new Random(53));
    const before = alice.ratchet.sending!.chainKey;
    await bob.open(await alice.seal('text'));
    const { chainKey } = alice.ratchet.sending!;
    assert.notDeepEqual(chainKey, before);
    assert.deepEqual(bob.ratchet.receiving!.chainKey, chainKey);
    assert.deepEqual(bob.ratchet.skippedKeys, []);
  });
});

type Knowledge = { readonly dh?: boolean; readonly kem?: boolean };

/**
 * Somebody has Bob's whole state, then reads everything that passes, and knows the keys of both kinds that Bob makes afterwards, as
 * `knows` says. For each round after the theft: whether what Alice says is open to the thief.
 */
async function theft(seed: number, knows: Knowledge, hasKemSteps: boolean): Promise<boolean[]> {
  const random = new Random(seed);
  const watched = new WatchedProvider(seededProvider(random));
  const { alice, bob } = await session(random, { bob: watched });
  await turn(alice, bob);
  const thief = bob.copy(watched.follower(seededProvider(new Random(seed + 1)), knows));
  const open: boolean[] = [];
  for (let round = 0; round < 5; round++) {
    if (hasKemSteps) for (const side of [alice, bob, thief]) side.ratchet = requestKemStep(side.ratchet);
    const message = await alice.seal(`secret ${round}`);
    assert.equal(await bob.open(message), `secret ${round}`);
    const read = await thief.attempt(message);
    open.push('text' in read);
    assert.equal(await alice.open(await bob.seal('answer')), 'answer');
    // who reads along and knows Bob's keys can also speak in his place, behind his own words; who does not, cannot
    await thief.seal('in the place of the answer');
    const isBelieved = 'text' in (await alice.copy().attempt(await thief.copy().seal('forged')));
    const knowsNext = knows.dh === true && (knows.kem === true || !hasKemSteps);
    assert.equal(isBelieved, 'text' in read && knowsNext);
  }
  return open;
}

describe('Healing: who has taken a state', () => {
  it('reads on as long as it knows all keys that are made afterwards: the test sees a difference', async () => {
    assert.deepEqual(await theft(60, { dh: true, kem: true }, true), [true, true, true, true, true]);
    assert.deepEqual(await theft(61, { dh: true, kem: true }, false), [true, true, true, true, true]);
  });

  it('is shut out by one step of each side', async () => {
    assert.deepEqual(await theft(62, {}, false), [true, false, false, false, false]);
    assert.deepEqual(await theft(63, {}, true), [true, false, false, false, false]);
  });

  it('reads on without ML-KEM steps where it can break X25519', async () => {
    assert.deepEqual(await theft(64, { dh: true }, false), [true, true, true, true, true]);
  });

  it('is shut out by an ML-KEM step even where it can break X25519', async () => {
    assert.deepEqual(await theft(65, { dh: true }, true), [true, false, false, false, false]);
  });

  it('is shut out by an X25519 step even where it can break ML-KEM', async () => {
    assert.deepEqual(await theft(66, { kem: true }, true), [true, false, false, false, false]);
  });
});

describe('A flood', () => {
  it('of messages with far counters costs no keys: they are refused by their numbers', async () => {
    const { alice, bob } = await session(new Random(70));
    await bob.open(await alice.seal('first'));
    const sending = alice.ratchet.sending!;
    for (const count of [258, 1_000, 2 ** 31, 2 ** 32 - 2]) {
      const far = new Side({ ...alice.ratchet, sending: { ...sending, count } }, alice.provider);
      assert.equal(await bob.refuse(await far.seal('far')), 'too-many-skipped');
    }
    assert.equal(bob.ratchet.skipped, 0);
    assert.equal(await bob.open(await alice.seal('near')), 'near');
  });

  it('of the same message opens once', async () => {
    const { alice, bob } = await session(new Random(71));
    const message = await alice.seal('once');
    assert.equal(await bob.open(message), 'once');
    for (let i = 0; i < 50; i++) assert.equal(await bob.refuse(message, NOW_MS + i), 'replayed');
  });

  it('of good messages makes no keys of ours: they are made when there is something to say', async () => {
    const random = new Random(73);
    const watched = new WatchedProvider(seededProvider(random));
    const { alice, bob } = await session(random, { bob: watched });
    await turn(alice, bob);
    const made = watched.made;
    for (let i = 0; i < 5; i++) assert.equal(await bob.open(await alice.seal(`${i}`)), `${i}`);
    assert.equal(watched.made, made);
    assert.equal(await alice.open(await bob.seal('answer')), 'answer');
    assert.equal(watched.made, made + 1);
  });

  it('of first messages of a chain with a broken body makes no keys of ours', async () => {
    const random = new Random(72);
    const watched = new WatchedProvider(seededProvider(random));
    const { alice, bob } = await session(random, { bob: watched });
    await turn(alice, bob);
    const made = watched.made;
    const broken = await alice.seal('x');
    const last = broken.length - 1;
    for (let i = 1; i < 50; i++) assert.equal(await bob.refuse(broken.with(last, broken[last]! ^ i)), 'unopened');
    assert.equal(watched.made, made);
  });
});
