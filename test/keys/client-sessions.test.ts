/** The sessions of `WebRTCE2EE`: begun on one side, or on both at once; judged before anything changes; refused. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ClientGeneration } from '../../src/engine/keys/client-generation.ts';
import { OLD_SESSION_MS } from '../../src/engine/keys/client-peers.ts';
import { PAIRS_MAX } from '../../src/engine/keys/join-keys.ts';
import type { EncryptedMessage } from '../../src/engine/protocol/e2ee.ts';
import { Random } from '../helpers/random.ts';
import { NOW_MS, faultOf, makeClient, meet, peerNamed, say, secretOf, talking } from './client-kit.ts';
import type { Client, Clock } from './client-kit.ts';

const SEED = 41;

function changed(message: EncryptedMessage, field: 'nonce' | 'ciphertext' | 'tag', at: number): EncryptedMessage {
  const bytes = message[field].slice();
  bytes[at] = Number(bytes[at]) ^ 1;
  return { ...message, [field]: bytes };
}

function sessionsOf(of: Client, peer: Client): number {
  return of.keys.sessions.get(peer.self)?.sessions.length ?? 0;
}

/** Both have met each other before either has heard of the other. */
async function cross(): Promise<{ readonly low: Client; readonly high: Client; readonly clock: Clock }> {
  const clock: Clock = { nowMs: NOW_MS };
  const [low, high] = [await makeClient(1, { clock }), await makeClient(2, { clock })];
  await meet(low, high);
  await meet(high, low);
  return { low, high, clock };
}

describe('a session', () => {
  it('is there for its beginner at once, and for the other with the first message', async () => {
    const [ada, bob] = [await makeClient(1), await makeClient(2)];
    await meet(ada, bob);
    assert.equal(bob.keys.sessions.get(ada.self), undefined);
    const first = await say(ada, bob, 'hello');
    assert.equal(await bob.read(first), 'hello');
    assert.equal(bob.keys.sessions.get(ada.self)?.chosen.pair.isConfirmed, false);
    assert.equal(await ada.read(await say(bob, ada, 'you too')), 'you too');
    assert.equal(await bob.read(await say(ada, bob, 'again')), 'again');
    assert.equal(bob.keys.sessions.get(ada.self)?.chosen.pair.isConfirmed, true);
  });

  it('opens what comes in another order, each message once, the first ones with a handshake too', async () => {
    const [ada, bob] = [await makeClient(1), await makeClient(2)];
    await meet(ada, bob);
    const messages: EncryptedMessage[] = [];
    for (let i = 0; i < 8; i++) messages.push(await say(ada, bob, `${i}`));
    const random = new Random(SEED);
    const shuffled = messages.map((message, i) => ({ message, i, by: random.uint32() })).sort((a, b) => a.by - b.by);
    for (const { message, i } of shuffled) assert.equal(await bob.read(message), `${i}`);
    for (const { message } of shuffled) assert.equal(await bob.read(message), 'replayed');
  });

  it('is begun once: to meet again changes nothing', async () => {
    const [ada, bob] = [await makeClient(1), await makeClient(2)];
    await talking(ada, bob);
    await meet(ada, bob);
    await meet(bob, ada);
    assert.deepEqual([sessionsOf(ada, bob), sessionsOf(bob, ada)], [1, 1]);
    assert.equal(await bob.read(await say(ada, bob, 'still')), 'still');
  });

  it('is not of another room, name or secret', async () => {
    const bob = await makeClient(2);
    for (const options of [{ name: 'other' }, { room: secretOf(2) }]) {
      const ada = await makeClient(1, options);
      const { head } = await bob.keys.publication();
      assert.equal(await ada.keys.meet(bob.self, { head }), 'bad-bundle');
      assert.notEqual(ada.keys.party.roomId, bob.keys.party.roomId);
      const other = await makeClient(2, options);
      await meet(ada, other);
      assert.equal(await bob.read(await say(ada, other, 'hello')), 'unopened');
    }
  });

  it('is refused for a bundle with a part that is another’s', async () => {
    const [ada, bob, eve] = [await makeClient(1), await makeClient(2), await makeClient(3)];
    const [{ head }, foreign] = [await bob.keys.publication(), await eve.keys.publication()];
    const one_time = String(foreign.one_time[0]);
    assert.equal(await ada.keys.meet(bob.self, { head, one_time }), 'bad-bundle');
    assert.equal(await ada.keys.meet(bob.self, { head: foreign.head }), 'bad-bundle');
    assert.equal(await ada.keys.meet(eve.self, { head, one_time }), 'bad-bundle');
    // broken inside its seal, by one who holds the link: what it names is not what it signs
    assert.equal(await ada.keys.meet(bob.self, { head: one_time }), 'bad-bundle');
    assert.deepEqual(ada.keys.sessions.peers(), []);
  });

  it('opens nothing that was changed, and then still what was not', async () => {
    const [ada, bob] = [await makeClient(1), await makeClient(2)];
    await meet(ada, bob);
    const random = new Random(SEED);
    for (const text of ['first', 'second']) {
      const message = await say(ada, bob, text);
      for (let times = 0; times < 40; times++) {
        const field = random.pick(['nonce', 'ciphertext', 'tag'] as const);
        const broken = changed(message, field, random.below(message[field].length));
        assert.match(await bob.read(broken), /^(unopened|malformed|no-session|second-handshake)$/);
      }
      assert.equal(await bob.read(message), text);
    }
  });

  it('takes no text over the largest bucket, and seals the next one', async () => {
    const [ada, bob] = [await makeClient(1), await makeClient(2)];
    await talking(ada, bob);
    assert.deepEqual(await ada.keys.seal(bob.self, 'x'.repeat(32_765)), { ok: false, fault: 'too-large' });
    const most = 'x'.repeat(32_764);
    assert.equal(await bob.read(await say(ada, bob, most)), most);
  });

  it('seals nothing where the peer’s newest key is refused, and says why', async () => {
    const [ada, bob] = [await makeClient(1), await makeClient(2)];
    await talking(ada, bob);
    assert.equal(await bob.read(await say(ada, bob, 'a new chain')), 'a new chain');
    const { provider } = bob.keys.party;
    const { generateDh } = provider;
    const refusing = { publicKey: new Uint8Array(32), agree: async () => undefined };
    Object.assign(provider, { generateDh: async () => refusing });
    assert.deepEqual(await bob.keys.seal(ada.self, 'x'), { ok: false, fault: 'refused-key' });
    Object.assign(provider, { generateDh });
    assert.equal(await ada.read(await say(bob, ada, 'on')), 'on');
  });

  it('without one nothing opens, and nothing that is no message', async () => {
    const [ada, bob, eve] = [await makeClient(1), await makeClient(2), await makeClient(3)];
    await talking(ada, bob);
    const message = await say(ada, bob, 'hello');
    assert.equal(await eve.read(message), 'no-session');
    assert.equal(await bob.read({ ...message, sender_id: eve.self }), 'no-session');
    assert.equal(await bob.read({ ...message, ciphertext: Uint8Array.of(1) }), 'malformed');
    assert.equal(await bob.read({ ...message, ciphertext: Uint8Array.of(1, 2, 0) }), 'malformed');
    assert.equal(faultOf(await bob.keys.sessions.open([], ada.self, Uint8Array.of(9), () => true)), 'malformed');
    // before it has published anything, a peer has no keys that a first message could name
    await meet(eve, bob);
    const first = await say(eve, bob, 'hello');
    const fresh = await makeClient(2);
    assert.equal(await fresh.read(first), 'unknown-pre-key');
  });
});

describe('what has opened', () => {
  it('changes nothing where the caller does not take it, first message or not', async () => {
    const [ada, bob] = [await makeClient(1), await makeClient(2)];
    await meet(ada, bob);
    for (const text of ['first', 'second']) {
      const message = await say(ada, bob, text);
      for (let times = 0; times < 3; times++) {
        const asked: unknown[] = [];
        const opened = await bob.keys.open(message, (said, { hash }) => {
          asked.push([said, hash]);
          return false;
        });
        assert.equal(faultOf(opened), 'malformed');
        const keyId = await ada.keys.keyId();
        assert.deepEqual(asked, [[text, keyId]]);
      }
      assert.equal(await bob.read(message), text);
    }
  });

  it('is told to be the first of its session once', async () => {
    const [ada, bob] = [await makeClient(1), await makeClient(2)];
    await meet(ada, bob);
    const messages = [await say(ada, bob, 'a'), await say(ada, bob, 'b')];
    const firsts: unknown[] = [];
    for (const message of messages) firsts.push(await bob.keys.open(message, () => true));
    firsts.push(await ada.keys.open(await say(bob, ada, 'c'), () => true));
    firsts.push(await ada.keys.open(await say(bob, ada, 'd'), () => true));
    assert.deepEqual(
      firsts,
      [true, false, true, false].map((isFirst) => ({ ok: true, isFirst })),
    );
  });
});

describe('keys of another session', () => {
  it('open nothing that is sealed by one that is gone', async () => {
    const [ada, bob, other] = [await makeClient(1), await makeClient(2), await makeClient(1)];
    await talking(ada, bob);
    await talking(other, await makeClient(2));
    assert.equal(await bob.read(await say(other, bob, 'hello')), 'unopened');
  });
});

describe('both sides begin at once', () => {
  it('and nothing that was said is lost, whichever comes first', async () => {
    for (const isLowFirst of [true, false]) {
      const { low, high } = await cross();
      const [fromLow, fromHigh] = [await say(low, high, 'low'), await say(high, low, 'high')];
      if (isLowFirst) assert.equal(await high.read(fromLow), 'low');
      assert.equal(await low.read(fromHigh), 'high');
      if (!isLowFirst) assert.equal(await high.read(fromLow), 'low');
      assert.deepEqual([sessionsOf(low, high), sessionsOf(high, low)], [2, 2]);
      for (let i = 0; i < 4; i++) {
        assert.equal(await high.read(await say(low, high, `l${i}`)), `l${i}`);
        assert.equal(await low.read(await say(high, low, `h${i}`)), `h${i}`);
      }
    }
  });

  it('and then both go on by the session of the lower peer id', async () => {
    const { low, high } = await cross();
    const [fromLow, fromHigh] = [await say(low, high, 'low'), await say(high, low, 'high')];
    await Promise.all([high.read(fromLow), low.read(fromHigh)]);
    for (let i = 0; i < 2; i++) {
      await high.read(await say(low, high, 'x'));
      await low.read(await say(high, low, 'x'));
    }
    assert.equal(low.keys.sessions.get(high.self)?.chosen.pair.role, 'initiator');
    assert.equal(high.keys.sessions.get(low.self)?.chosen.pair.role, 'responder');
  });

  it('and the other session is let go five minutes after it was used last, not before', async () => {
    const { low, high, clock } = await cross();
    const late = await say(high, low, 'late');
    const veryLate = await say(high, low, 'very late');
    await Promise.all([high.read(await say(low, high, 'low')), low.read(await say(high, low, 'high'))]);
    for (let i = 0; i < 2; i++) {
      await high.read(await say(low, high, 'x'));
      await low.read(await say(high, low, 'x'));
    }
    assert.deepEqual([sessionsOf(low, high), sessionsOf(high, low)], [2, 2]);
    clock.nowMs += OLD_SESSION_MS - 1;
    assert.equal(await low.read(late), 'late');
    assert.equal(sessionsOf(low, high), 2);
    clock.nowMs += 2;
    assert.equal(await low.read(await say(high, low, 'y')), 'y');
    assert.equal(await high.read(await say(low, high, 'y')), 'y');
    assert.deepEqual([sessionsOf(low, high), sessionsOf(high, low)], [1, 1]);
    // of a session that is gone; nor can it be begun anew
    assert.equal(await low.read(veryLate), 'second-handshake');
    assert.equal(await low.read(await say(high, low, 'z')), 'z');
  });
});

describe('HS9: the age of what is kept', () => {
  it('does not go by a clock that the relay, or anybody, can set', async () => {
    const { low, high, clock } = await cross();
    const late = await say(high, low, 'late');
    for (let i = 0; i < 2; i++) {
      await high.read(await say(low, high, 'x'));
      await low.read(await say(high, low, 'x'));
    }
    clock.steadyMs = clock.nowMs;
    clock.nowMs += 2 * OLD_SESSION_MS;
    assert.equal(await low.read(late), 'late');
    assert.equal(await low.read(await say(high, low, 'y')), 'y');
    assert.equal(sessionsOf(low, high), 2);
    clock.steadyMs += OLD_SESSION_MS + 1;
    assert.equal(await low.read(await say(high, low, 'z')), 'z');
    assert.equal(sessionsOf(low, high), 1);
  });
});

describe('somebody else in a peer’s name', () => {
  it('begins nothing where the peer has begun already', async () => {
    const [ada, bob, eve] = [await makeClient(1), await makeClient(2), await makeClient(1)];
    await talking(ada, bob);
    await meet(eve, bob);
    assert.equal(await bob.read(await say(eve, bob, 'I am Ada')), 'second-handshake');
    assert.equal(await bob.read(await say(ada, bob, 'no')), 'no');
  });

  it('begins nothing where we have begun with the peer, answered or not', async () => {
    const [ada, bob, eve] = [await makeClient(1), await makeClient(2), await makeClient(1)];
    await meet(bob, ada);
    await meet(eve, bob);
    assert.equal(await bob.read(await say(eve, bob, 'I am Ada')), 'other-device');
    assert.equal(await ada.read(await say(bob, ada, 'hello')), 'hello');
    assert.equal(await bob.read(await say(ada, bob, 'hello')), 'hello');
    assert.equal(await bob.read(await say(eve, bob, 'I am Ada')), 'other-device');
    assert.equal(sessionsOf(bob, ada), 1);
  });

  it('cannot play a first message again, to the same peer or another one', async () => {
    const [ada, bob, eve] = [await makeClient(1), await makeClient(2), await makeClient(3)];
    await meet(ada, bob);
    await eve.keys.publication();
    const first = await say(ada, bob, 'first');
    assert.equal(await eve.read(first), 'unopened');
    assert.equal(await bob.read({ ...first, sender_id: eve.self }), 'unopened');
    assert.equal(await bob.read(first), 'first');
    assert.equal(await bob.read(first), 'replayed');
  });

  it('with a one-time key that somebody else has used gets nothing', async () => {
    const [ada, bob, eve] = [await makeClient(1), await makeClient(2), await makeClient(3)];
    const { head, one_time } = await bob.keys.publication();
    const handed = { head, one_time: String(one_time[0]) };
    for (const each of [ada, eve]) assert.equal(await each.keys.meet(bob.self, handed), undefined);
    assert.equal(await bob.read(await say(ada, bob, 'mine')), 'mine');
    assert.equal(await bob.read(await say(eve, bob, 'mine too')), 'unknown-pre-key');
  });

  it('spends no key twice, though two begin with the same one at the same moment', async () => {
    const [ada, bob, eve] = [await makeClient(1), await makeClient(2), await makeClient(3)];
    const { head, one_time } = await bob.keys.publication();
    const handed = { head, one_time: String(one_time[0]) };
    for (const each of [ada, eve]) assert.equal(await each.keys.meet(bob.self, handed), undefined);
    const said = [await say(ada, bob, 'opened'), await say(eve, bob, 'opened')];
    const read = await Promise.all(said.map((message) => bob.read(message)));
    assert.deepEqual(read.sort(), ['opened', 'unknown-pre-key']);
  });

  it('is a replay even where two copies of a first message are opened at the same moment', async () => {
    for (const isForOne of [true, false]) {
      const [ada, bob] = [await makeClient(1), await makeClient(2)];
      const generation = await ClientGeneration.create(await bob.keys.party.own());
      const { head, one_time } = await generation.publication();
      const handed = { head, ...(isForOne && { one_time: String(one_time[0]) }) };
      assert.equal(await ada.keys.meet(bob.self, handed), undefined);
      const sealed = await ada.keys.sessions.seal(bob.self, 'hello');
      assert.ok(sealed.ok);
      // past the order that ClientKeys keeps
      const copies = [1, 2].map(() => bob.keys.sessions.open([generation], ada.self, sealed.payload, () => true));
      assert.deepEqual((await Promise.all(copies)).map(faultOf).sort(), ['opened', 'replayed']);
    }
  });
});

describe('too many peers', () => {
  it('push out those that have never answered, the first ones first; and those that have, stay', async () => {
    const bob = await makeClient(1000);
    const friend = await makeClient(1);
    await talking(friend, bob);
    assert.equal(await bob.read(await say(friend, bob, 'confirmed')), 'confirmed');
    const { head } = await bob.keys.publication();
    const crowd: Client[] = [];
    for (let i = 0; i < PAIRS_MAX; i++) {
      const one = await makeClient(2000 + i);
      await one.keys.meet(bob.self, { head });
      assert.equal(await bob.read(await say(one, bob, 'hello')), 'hello');
      crowd.push(one);
    }
    const [first, second] = crowd as [Client, Client];
    assert.equal(bob.keys.sessions.peers().length, PAIRS_MAX);
    // pushed out; and what it used to begin is used
    assert.equal(bob.keys.sessions.get(first.self), undefined);
    assert.equal(await bob.read(await say(first, bob, 'again')), 'replayed');
    assert.ok(bob.keys.sessions.get(second.self));
    assert.equal(await bob.keys.meet(peerNamed(1), { head }), undefined);
    assert.equal(await bob.read(await say(friend, bob, 'still')), 'still');
  });

  it('are refused where all that are known have answered, begun by us or by them', async () => {
    const bob = await makeClient(1000);
    const { head } = await bob.keys.publication();
    for (let i = 0; i < PAIRS_MAX; i++) {
      const one = await makeClient(2000 + i);
      await one.keys.meet(bob.self, { head });
      await bob.read(await say(one, bob, 'hello'));
      await one.read(await say(bob, one, 'hello'));
      assert.equal(await bob.read(await say(one, bob, 'yes')), 'yes');
    }
    const ada = await makeClient(1);
    await ada.keys.meet(bob.self, { head });
    const first = await say(ada, bob, 'hello');
    assert.equal(await bob.read(first), 'too-many-peers');
    assert.equal(await bob.keys.meet(ada.self, await handedBy(ada)), 'too-many-peers');
    assert.equal(bob.keys.sessions.peers().length, PAIRS_MAX);
  });
});

async function handedBy(client: Client): Promise<{ readonly head: string }> {
  const { head } = await client.keys.publication();
  return { head };
}

describe('keys that are dead', () => {
  it('end their sessions, both ways, and begin none', async () => {
    const [ada, bob, eve] = [await makeClient(1), await makeClient(2), await makeClient(3)];
    await talking(ada, bob);
    const { deviceId } = bob.keys.sessions.get(ada.self)?.certificate ?? assert.fail();
    const before = await say(ada, bob, 'before');
    await bob.identity.pins.markRevoked(deviceId);
    bob.keys.sessions.refuse(deviceId);
    assert.equal(await bob.read(before), 'revoked');
    assert.deepEqual(await bob.keys.seal(ada.self, 'x'), { ok: false, fault: 'revoked' });
    assert.equal(await bob.keys.meet(ada.self, await handedBy(ada)), 'revoked');
    assert.equal(bob.keys.sessions.get(ada.self)?.isRefused, true);

    await talking(eve, bob);
    assert.equal(bob.keys.sessions.get(eve.self)?.isRefused, false);
    await eve.identity.pins.markRevoked(deviceId);
    assert.equal(await eve.keys.meet(ada.self, await handedBy(ada)), 'revoked');
    await meet(ada, eve);
    assert.equal(await eve.read(await say(ada, eve, 'hello')), 'revoked');
  });

  it('that were declared dead since we began are not answered', async () => {
    const [ada, bob] = [await makeClient(1), await makeClient(2)];
    await meet(ada, bob);
    await bob.read(await say(ada, bob, 'hello'));
    const answer = await say(bob, ada, 'hello');
    const { deviceId } = ada.keys.sessions.get(bob.self)?.certificate ?? assert.fail();
    await ada.identity.pins.markRevoked(deviceId);
    assert.equal(await ada.read(answer), 'revoked');
    assert.deepEqual(await ada.keys.seal(bob.self, 'x'), { ok: false, fault: 'revoked' });
  });
});

describe('peer ids', () => {
  it('are ordered as their numbers are', () => {
    assert.ok(peerNamed(1) < peerNamed(2) && peerNamed(9) < peerNamed(10));
  });
});
