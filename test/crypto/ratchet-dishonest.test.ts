/** A peer that holds the keys and does not keep to the protocol: its messages open, and are refused for what they say. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PADDING_BUCKETS_BYTES } from '../../src/engine/crypto/padding.ts';
import { CHAIN_MESSAGES_MAX, sealHeader } from '../../src/engine/crypto/ratchet-header.ts';
import type { Header } from '../../src/engine/crypto/ratchet-header.ts';
import { sealBody, stepChain } from '../../src/engine/crypto/ratchet-keys.ts';
import { answerChain, requestKemStep, sealMessage } from '../../src/engine/crypto/ratchet.ts';
import type { Ratchet } from '../../src/engine/crypto/ratchet.ts';
import { concatBytes } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { Random } from '../helpers/random.ts';
import { Side, dhKeyFrom, kemKeyFrom, seededProvider, session, turn } from './ratchet-kit.ts';

type Lie = { readonly header?: Partial<Header>; readonly padded?: Bytes };

/** The next message of `side` with something else in it. */
async function lying(side: Side, { header, padded }: Lie): Promise<Bytes> {
  await side.answer();
  const { sending, ownDh, ownKem, associatedData } = side.ratchet;
  assert.ok(sending);
  const honest: Header = {
    dhKey: ownDh.publicKey,
    previousCount: sending.previousCount,
    number: sending.count,
    kemKey: ownKem?.publicKey,
    kemCiphertext: sending.kemCiphertext,
  };
  const sealedHeader = await sealHeader(sending.headerKey, { ...honest, ...header }, associatedData);
  const { messageKey } = stepChain(sending.chainKey);
  const body = padded ?? new Uint8Array(PADDING_BUCKETS_BYTES[0]);
  return concatBytes(sealedHeader, await sealBody(messageKey, sealedHeader, associatedData, body));
}

describe('What the lies are told with', () => {
  it('makes an honest message where nothing is changed', async () => {
    const { alice, bob } = await session(new Random(80));
    assert.equal(await bob.open(await lying(alice, {})), '');
  });
});

describe('A dishonest peer', () => {
  it('cannot leave out the answer to an ML-KEM key', async () => {
    const { alice, bob } = await session(new Random(81));
    bob.ratchet = requestKemStep(bob.ratchet);
    await turn(alice, bob);
    await alice.answer();
    assert.ok(alice.ratchet.sending?.kemCiphertext);
    assert.equal(await bob.refuse(await lying(alice, { header: { kemCiphertext: undefined } })), 'malformed');
    assert.equal(await bob.open(await alice.seal('with it')), 'with it');
  });

  it('cannot answer an ML-KEM key that there is not', async () => {
    const random = new Random(82);
    const { alice, bob } = await session(random);
    const kemCiphertext = random.bytes(1088);
    assert.equal(await bob.refuse(await lying(alice, { header: { kemCiphertext } })), 'malformed');
    await turn(alice, bob);
    assert.equal(await bob.refuse(await lying(alice, { header: { kemCiphertext } })), 'malformed');
    await turn(alice, bob);
  });

  it('cannot answer with the ciphertext to another ML-KEM key', async () => {
    const random = new Random(83);
    const { alice, bob } = await session(random);
    bob.ratchet = requestKemStep(bob.ratchet);
    await turn(alice, bob);
    const other = await seededProvider(random).encapsulate(kemKeyFrom(random.bytes(64)).publicKey);
    const kemCiphertext = other!.ciphertext;
    assert.equal(await bob.refuse(await lying(alice, { header: { kemCiphertext } })), 'unopened');
    assert.equal(await bob.open(await alice.seal('the right one')), 'the right one');
  });

  it('cannot bring an X25519 key of small order, nor an ML-KEM key that is not canonical', async () => {
    const { alice, bob } = await session(new Random(84));
    for (const dhKey of [new Uint8Array(32), Uint8Array.of(1, ...new Uint8Array(31))]) {
      assert.equal(await bob.refuse(await lying(alice, { header: { dhKey } })), 'malformed');
    }
    const kemKey = new Uint8Array(1184).fill(0xff);
    assert.equal(await bob.refuse(await lying(alice, { header: { kemKey } })), 'malformed');
    assert.equal(await bob.open(await alice.seal('good keys')), 'good keys');
  });

  it('cannot count fewer messages than it has sealed, nor any in a chain that never was', async () => {
    const { alice, bob } = await session(new Random(85));
    assert.equal(await bob.refuse(await lying(alice, { header: { previousCount: 1 } })), 'malformed');
    await bob.open(await alice.seal('1'));
    await turn(alice, bob);
    await alice.answer();
    assert.equal(alice.ratchet.sending?.previousCount, 2);
    assert.equal(await bob.refuse(await lying(alice, { header: { previousCount: 1 } })), 'malformed');
    for (const header of [{ previousCount: 2 + 257 }, { previousCount: 2 ** 32 - 1 }, { number: 257 }]) {
      assert.equal(await bob.refuse(await lying(alice, { header })), 'too-many-skipped');
    }
    assert.equal(await bob.open(await alice.seal('2')), '2');
  });

  it('cannot begin a second chain before we have answered the first', async () => {
    const { alice, bob } = await session(new Random(88));
    await turn(alice, bob);
    const bobsKey = bob.ratchet.ownDh.publicKey;
    assert.equal(await bob.open(await alice.seal('one chain')), 'one chain');
    const hasty = alice.copy();
    hasty.ratchet = { ...hasty.ratchet, unanswered: { dhKey: bobsKey, kemKey: undefined } };
    assert.equal(await bob.refuse(await hasty.seal('another')), 'malformed');
    await turn(bob, alice);
    await turn(alice, bob);
  });

  it('cannot hold a chain open beyond its end', async () => {
    const { alice, bob } = await session(new Random(86));
    const late = await alice.seal('late');
    await bob.open(await alice.seal('1'));
    const old = alice.copy();
    await alice.open(await bob.seal('step'));
    await bob.open(await alice.seal('2'));
    assert.equal(await bob.refuse(await old.seal('beyond')), 'replayed');
    assert.equal(await bob.open(late), 'late');
  });

  it('cannot say that a body is longer than it is', async () => {
    const { alice, bob } = await session(new Random(87));
    const padded = new Uint8Array(PADDING_BUCKETS_BYTES[0]).fill(0xff);
    // as the first of a chain, in a chain, and late
    assert.equal(await bob.refuse(await lying(alice, { padded })), 'malformed');
    await bob.open(await alice.seal('1'));
    const late = await lying(alice, { padded });
    assert.equal(await bob.refuse(late), 'malformed');
    await alice.seal('not delivered');
    await bob.open(await alice.seal('3'));
    assert.equal(await bob.refuse(late), 'malformed');
  });
});

describe('A provider that refuses', () => {
  const refusing = async (): Promise<undefined> => undefined;

  it("ML-KEM's secret: the message is refused", async () => {
    const { alice, bob } = await session(new Random(90));
    bob.ratchet = requestKemStep(bob.ratchet);
    await turn(alice, bob);
    const { publicKey } = bob.ratchet.ownKem!;
    const deaf = new Side({ ...bob.ratchet, ownKem: { publicKey, decapsulate: refusing } }, bob.provider);
    assert.equal(await deaf.refuse(await alice.seal('')), 'malformed');
  });

  it("X25519's secret for our next chain, or ML-KEM's: it is not begun", async () => {
    const random = new Random(91);
    const { publicKey } = dhKeyFrom(random.bytes(32));
    const bobs = seededProvider(random);
    const { alice, bob } = await session(random, { bob: bobs });
    alice.ratchet = requestKemStep(alice.ratchet);
    await turn(alice, bob);
    assert.equal(await bob.open(await alice.seal('with an ML-KEM key')), 'with an ML-KEM key');
    const deaf = { ...bobs, generateDh: async () => ({ publicKey, agree: refusing }) };
    for (const provider of [deaf, { ...bobs, encapsulate: refusing }]) {
      assert.equal(await answerChain(provider, bob.ratchet), undefined);
    }
    assert.equal(await alice.open(await bob.seal('answer')), 'answer');
  });
});

describe('The end of a chain', () => {
  it('is where its count would no longer fit: nothing more is sealed until the next one', async () => {
    const { alice, bob } = await session(new Random(95));
    await turn(alice, bob);
    await bob.open(await alice.seal('new chain'));
    const near = (count: number): Ratchet => ({ ...alice.ratchet, sending: { ...alice.ratchet.sending!, count } });
    const last = await sealMessage(near(CHAIN_MESSAGES_MAX - 1), new Uint8Array(1));
    assert.ok(last);
    assert.equal(await sealMessage(last.ratchet, new Uint8Array(1)), undefined);
    alice.ratchet = last.ratchet;
    await alice.open(await bob.seal('step'));
    await alice.answer();
    assert.equal(alice.ratchet.sending?.previousCount, 2 ** 32 - 1);
    assert.ok(await alice.seal('goes on'));
  });
});
