import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createProvider } from '../../src/engine/crypto/provider.ts';
import { requestKemStep } from '../../src/engine/crypto/ratchet.ts';
import {
  SKIP_MAX,
  STORED_CHAINS_MAX,
  STORED_KEYS_MAX,
  STORED_KEY_LIFE_MS,
} from '../../src/engine/crypto/ratchet-skipped.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { Random } from '../helpers/random.ts';
import { NOW_MS, session, turn } from './ratchet-kit.ts';
import type { Side } from './ratchet-kit.ts';

const RUNS = 25;
const STEPS = 120;
const IN_FLIGHT_MAX = 20;

/** The fastest there is: what the seed decides is the order, not the keys. */
const provider = await createProvider();

type Message = { readonly bytes: Bytes; readonly text: string; readonly chain: number };
type Network = { readonly share: { readonly lost: number; readonly twice: number; readonly changed: number } };
type Lane = {
  readonly from: Side;
  readonly to: Side;
  /** The initiator has a chain that answers nothing. */
  readonly firstChain: 0 | 1;
  readonly inFlight: Message[];
  readonly delivered: Message[];
};

/** Seals, delivers in any order, loses, doubles, changes and steps, as the seed says. The messages that opened. */
async function run(seed: number, { share }: Network): Promise<number> {
  const random = new Random(seed);
  const { alice, bob } = await session(random, { alice: provider, bob: provider });
  const lane = (from: Side, to: Side, firstChain: 0 | 1): Lane => ({
    from,
    to,
    firstChain,
    inFlight: [],
    delivered: [],
  });
  const lanes = [lane(alice, bob, 1), lane(bob, alice, 0)] as const;
  // Bob can say nothing before
  await deliver(await sealed(lanes[0], 'first'), lanes[0]);
  for (let i = 0; i < STEPS; i++) {
    const at = random.pick(lanes);
    if (random.chance(0.1)) at.from.ratchet = requestKemStep(at.from.ratchet);
    if (random.chance(0.5) && at.inFlight.length < IN_FLIGHT_MAX) {
      const length = random.pick([3, 30, 600, 3000]);
      at.inFlight.push(await sealed(at, `${seed}/${i} `.padEnd(length, '.')));
    } else if (at.inFlight.length > 0) {
      const [message] = at.inFlight.splice(random.below(at.inFlight.length), 1);
      if (random.chance(share.lost)) continue;
      if (random.chance(share.changed)) {
        const changed = message!.bytes.slice();
        changed[random.below(changed.length)]! ^= 1 << random.below(8);
        await at.to.refuse(changed);
      }
      await deliver(message!, at);
      if (random.chance(share.twice)) {
        const fault = await at.to.refuse(random.pick(at.delivered).bytes);
        assert.ok(fault === 'replayed' || fault === 'unopened', fault);
      }
    }
  }
  // whatever has happened, they go on
  for (let i = 0; i < 3; i++) {
    const [there, back] = [await sealed(lanes[0], `there ${i}`), await sealed(lanes[1], `back ${i}`)];
    assert.ok((await deliver(there, lanes[0])) && (await deliver(back, lanes[1])));
  }
  assert.ok(alice.ratchet.isConfirmed && bob.ratchet.isConfirmed);
  assert.ok(alice.ratchet.skipped <= STORED_KEYS_MAX);
  return lanes[0].delivered.length + lanes[1].delivered.length;
}

async function sealed({ from, firstChain }: Lane, text: string): Promise<Message> {
  return { text, bytes: await from.seal(text), chain: from.ratchet.dhSteps + firstChain };
}

/** Whether it has opened, which only a message from so many chains ago may fail to do that its key may have been given up. */
async function deliver(message: Message, { to, delivered }: Lane): Promise<boolean> {
  const result = await to.attempt(message.bytes);
  if ('fault' in result) {
    assert.ok(to.ratchet.dhSteps - message.chain >= STORED_CHAINS_MAX, result.fault);
    return false;
  }
  assert.equal(result.text, message.text);
  delivered.push(message);
  return true;
}

async function runs(first: number, network: Network): Promise<void> {
  let opened = 0;
  for (let seed = first; seed < first + RUNS; seed++) {
    try {
      opened += await run(seed, network);
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause });
    }
  }
  assert.ok(opened > 30 * RUNS, `only ${opened} messages have opened`);
}

describe('Messages in any order', () => {
  it('all open, with ML-KEM steps among them', () => runs(1000, { share: { lost: 0, twice: 0, changed: 0 } }));

  it('open once, and not when they were changed', () => runs(2000, { share: { lost: 0, twice: 0.5, changed: 0.3 } }));

  it('open though others are lost', () => runs(3000, { share: { lost: 0.3, twice: 0.2, changed: 0.1 } }));
});

/** `count` messages of one chain. */
async function sealMany(side: Side, count: number): Promise<Bytes[]> {
  const messages: Bytes[] = [];
  for (let i = 0; i < count; i++) messages.push(await side.seal(`${i}`));
  return messages;
}

describe('Messages that are late', () => {
  it('may be 256 in a chain before one that comes, and not one more', async () => {
    const { alice, bob } = await session(new Random(20));
    const messages = await sealMany(alice, SKIP_MAX + 2);
    assert.equal(await bob.refuse(messages[SKIP_MAX + 1]!), 'too-many-skipped');
    assert.equal(await bob.open(messages[SKIP_MAX]!), `${SKIP_MAX}`);
    assert.equal(bob.ratchet.skipped, SKIP_MAX);
    const next = await sealMany(alice, SKIP_MAX + 1);
    assert.equal(await bob.refuse(next[SKIP_MAX]!), 'too-many-skipped');
    assert.equal(await bob.open(next[SKIP_MAX - 1]!), `${SKIP_MAX - 1}`);
    for (const i of [0, 17, SKIP_MAX - 1]) assert.equal(await bob.open(messages[i]!), `${i}`);
  });

  it('may be 256 at the end of the chain before, and not one more', async () => {
    for (const late of [SKIP_MAX, SKIP_MAX + 1]) {
      const { alice, bob } = await session(new Random(21));
      const messages = await sealMany(alice, late + 1);
      await bob.open(messages[0]!);
      await alice.open(await bob.seal('answer'));
      const next = await alice.seal('next');
      if (late > SKIP_MAX) {
        assert.equal(await bob.refuse(next), 'too-many-skipped');
        // one that comes after all makes it few enough
        await bob.open(messages[1]!);
      }
      assert.equal(await bob.open(next), 'next');
      assert.equal(bob.ratchet.skipped, SKIP_MAX);
      assert.equal(await bob.open(messages[late]!), `${late}`);
    }
  });

  it('are kept up to 1,000, the oldest given up first', async () => {
    const { alice, bob } = await session(new Random(22));
    const messages = await sealMany(alice, 5 * (SKIP_MAX + 1));
    for (let i = SKIP_MAX; i < messages.length; i += SKIP_MAX + 1) await bob.open(messages[i]!);
    assert.equal(bob.ratchet.skipped, STORED_KEYS_MAX);
    // 1,280 were skipped; the first 280 are 0–255 and 257–280
    assert.equal(await bob.refuse(messages[280]!), 'replayed');
    assert.equal(await bob.open(messages[281]!), '281');
    assert.equal(bob.ratchet.skipped, STORED_KEYS_MAX - 1);
  });

  it('are kept of eight chains, the oldest given up first', async () => {
    const { alice, bob } = await session(new Random(23));
    const late: Bytes[] = [];
    for (let i = 0; i < STORED_CHAINS_MAX + 1; i++) {
      late.push(await alice.seal(`late ${i}`));
      await turn(alice, bob);
    }
    assert.equal(bob.ratchet.skipped, STORED_CHAINS_MAX);
    assert.equal(await bob.refuse(late[0]!), 'unopened');
    for (let i = 1; i < late.length; i++) assert.equal(await bob.open(late[i]!), `late ${i}`);
    assert.equal(bob.ratchet.skipped, 0);
  });

  it('are kept for five minutes, and their keys are gone with the next message after that', async () => {
    const { alice, bob } = await session(new Random(24));
    const [first, second, third, fourth] = await sealMany(alice, 4);
    await bob.open(fourth!, NOW_MS);
    assert.equal(await bob.open(first!, NOW_MS + STORED_KEY_LIFE_MS - 1), '0');
    assert.equal(await bob.refuse(second!, NOW_MS + STORED_KEY_LIFE_MS), 'replayed');
    await bob.open(await alice.seal('later'), NOW_MS + STORED_KEY_LIFE_MS);
    assert.equal(bob.ratchet.skipped, 0);
    assert.equal(await bob.refuse(third!, NOW_MS), 'replayed');
  });

  it('are told from the ones that have come before, as long as their chain is known', async () => {
    const { alice, bob } = await session(new Random(25));
    const [first, second, third] = await sealMany(alice, 3);
    await bob.open(first!);
    assert.equal(await bob.refuse(first!), 'replayed');
    await bob.open(third!);
    assert.equal(await bob.refuse(third!), 'replayed');
    await turn(bob, alice);
    // the second is still waited for
    assert.equal(await bob.refuse(first!), 'replayed');
    assert.equal(await bob.open(second!), '1');
    for (const message of [first!, second!, third!]) assert.equal(await bob.refuse(message), 'unopened');
  });
});
