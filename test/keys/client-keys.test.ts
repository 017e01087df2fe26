/** What `WebRTCE2EE` gives out of its keys: bundles and signed messages, statements, numbers, tokens; and in which order. */
import assert from 'node:assert/strict';
import { createHash, hkdfSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { CERTIFICATE_LEEWAY_S } from '../../src/engine/crypto/certificate.ts';
import { KEM_CIPHERTEXT_BYTES, KEM_KEY_BYTES } from '../../src/engine/crypto/provider.ts';
import { clientRoom } from '../../src/engine/keys/client-room.ts';
import { InOrder } from '../../src/engine/keys/in-order.ts';
import { concatBytes, toBase64Url, toHex } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { publicKeySigningBytes } from '../../src/engine/protocol/e2ee.ts';
import type { KeyRevokeMessage, KeyRotationMessage, PublicKeyMessage } from '../../src/engine/protocol/e2ee.ts';
import { idBytes } from '../../src/engine/protocol/ids.ts';
import { TOKEN_LIFE_MAX_S, parseToken, tokenTimeFault } from '../../src/engine/protocol/token.ts';
import { NOW_MS, makeClient, meet, peerNamed, say, secretOf, talking } from './client-kit.ts';
import type { Client } from './client-kit.ts';

const NOW_S = NOW_MS / 1000;
const KEM_STEP_EVERY_MS = 30_000;

function flipped(bytes: Bytes): Bytes {
  const changed = bytes.slice();
  changed[changed.length - 1] = Number(changed.at(-1)) ^ 1;
  return changed;
}

async function rotationOf(client: Client): Promise<KeyRotationMessage> {
  const { party } = client.keys;
  const key_id = await client.keys.keyId();
  const { statement } = await client.identity.rotate(party.provider, party.nowS());
  await client.keys.rotated();
  return { type: 'e2ee_key_rotation', sender_id: client.self, key_id, statement };
}

async function revocationsOf(client: Client): Promise<readonly KeyRevokeMessage[]> {
  const revocations = await client.keys.revocations();
  return revocations.map(({ keyId, statement }) => ({
    type: 'e2ee_key_revoke',
    sender_id: client.self,
    key_id: keyId,
    statement,
    reason: 'lost',
  }));
}

describe('the room of a client', () => {
  it('follows from secret and name, and is no other room of the same secret', () => {
    const room = clientRoom(secretOf(1), 'talk ✓');
    const expected = hkdfSync('sha256', secretOf(1).secret, 'tai/1 secret', 'tai/1 e2ee clienttalk ✓', 32);
    assert.deepEqual(room, { secret: new Uint8Array(expected), pkHost: new Uint8Array(32) });
    const names = ['', 'talk', 'Talk', 'talk ', 'x'.repeat(256)];
    const secrets = [...names, 'talk ✓'].map((name) => toHex(clientRoom(secretOf(1), name).secret));
    assert.equal(new Set([...secrets, toHex(clientRoom(secretOf(2), 'talk').secret)]).size, names.length + 2);
  });

  it('has tokens of the client’s peer that the relay takes, with a join number that asks for no bundles', async () => {
    const { keys, self } = await makeClient(1);
    const token = parseToken(await keys.party.token(NOW_S));
    assert.ok(token);
    const { roomId, peerId, joinNumber, pkRoom, pkHost, iatS, expS } = token.claims;
    assert.deepEqual([roomId, peerId, joinNumber], [keys.party.roomId, self, 1]);
    assert.deepEqual([iatS, expS], [NOW_S, NOW_S + TOKEN_LIFE_MAX_S]);
    assert.equal(tokenTimeFault(token.claims, NOW_S), undefined);
    const hash = createHash('sha256').update('tai/1 room').update(pkRoom).update(pkHost).digest();
    assert.deepEqual(idBytes(roomId), new Uint8Array(hash));
  });

  it('goes by the relay’s clock where the device’s is wrong, in certificates and messages too', async () => {
    const clock = { nowMs: NOW_MS - 3_600_000.5 };
    const [ada, bob] = [await makeClient(1, { clock }), await makeClient(2)];
    await ada.keys.party.token(NOW_S);
    assert.equal(ada.keys.party.now(), NOW_MS);
    await talking(bob, ada);
    // a second or two are the time that an answer takes
    await ada.keys.party.token(Math.floor(clock.nowMs / 1000) + 2);
    assert.equal(ada.keys.party.now(), Math.floor(clock.nowMs));
  });
});

describe('what is given out', () => {
  it('never holds a one-time record twice, in bundles or in messages for one peer', async () => {
    const { keys } = await makeClient(1);
    const messages = [];
    const bundles = [];
    for (let i = 0; i < 9; i++) messages.push(await keys.publicKey(true));
    bundles.push(await keys.publication(), await keys.publication());
    messages.push(...(await Promise.all([1, 2, 3].map(() => keys.publicKey(true)))));
    bundles.push(...(await Promise.all([1, 2].map(() => keys.publication()))));
    const given = [
      ...bundles.flatMap(({ one_time }) => one_time),
      ...messages.map(({ one_time }) => toBase64Url(one_time ?? new Uint8Array())),
    ];
    assert.equal(given.length, 4 * 8 + 12);
    // every seal is another; what is sealed must be, too
    const reader = await makeClient(2);
    const records = await Promise.all(given.map((one_time) => openRecord(reader, one_time)));
    assert.equal(new Set(records).size, given.length);
  });

  it('without “for one” holds none, and all that get the message can begin with it', async () => {
    const bob = await makeClient(9);
    const message = await bob.keys.publicKey(false);
    assert.equal(message.one_time, undefined);
    for (const number of [1, 2, 3]) {
      const peer = await makeClient(number);
      const signedBy = await peer.keys.openPublicKey(message);
      assert.ok(signedBy);
      assert.equal(await peer.keys.meetBy(message, signedBy), undefined);
      assert.equal(await bob.read(await say(peer, bob, 'hello')), 'hello');
    }
  });

  it('for one opens whatever was published in between: its record is under the head beside it', async () => {
    const [ada, bob] = [await makeClient(1), await makeClient(9)];
    const first = await bob.keys.publicKey(true);
    await bob.keys.publication();
    const second = await bob.keys.publicKey(true);
    for (const message of [first, second]) {
      assert.ok(message.one_time);
      assert.ok(await ada.keys.openPublicKey(message));
    }
    const signedBy = await ada.keys.openPublicKey(second);
    assert.ok(signedBy);
    assert.equal(await ada.keys.meetBy(second, signedBy), undefined);
    assert.equal(await bob.read(await say(ada, bob, 'hello')), 'hello');
  });

  it('for one is used up by that one', async () => {
    const [ada, eve, bob] = [await makeClient(1), await makeClient(2), await makeClient(9)];
    const message = await bob.keys.publicKey(true);
    for (const peer of [ada, eve]) {
      const signedBy = await peer.keys.openPublicKey(message);
      assert.ok(signedBy);
      assert.equal(await peer.keys.meetBy(message, signedBy), undefined);
    }
    assert.equal(await bob.read(await say(ada, bob, 'mine')), 'mine');
    assert.equal(await bob.read(await say(eve, bob, 'mine')), 'unknown-pre-key');
  });

  it('names who has signed it: the certificate of the key id, the sender, at this time', async () => {
    const [ada, bob] = [await makeClient(1), await makeClient(2)];
    const message = await bob.keys.publicKey(true);
    const certificate = await ada.keys.openPublicKey(message);
    assert.deepEqual(certificate?.hash, await bob.keys.keyId());
    assert.equal(message.timestamp, NOW_MS);
    assert.equal(message.sender_id, bob.self);
    const nonces = [message, await bob.keys.publicKey(true)].map(({ nonce }) => toHex(nonce));
    assert.equal(new Set(nonces).size, 2);
  });

  it('with any field changed is nobody’s', async () => {
    const [ada, bob, eve] = [await makeClient(1), await makeClient(2), await makeClient(3)];
    const message = await bob.keys.publicKey(true);
    const other = await bob.keys.publicKey(true);
    const foreign = await eve.keys.publicKey(true);
    const changes: Partial<PublicKeyMessage>[] = [
      { sender_id: eve.self },
      { key_id: flipped(message.key_id) },
      { key_id: foreign.key_id },
      { timestamp: NOW_MS + 1 },
      { nonce: flipped(message.nonce) },
      { signature: flipped(message.signature) },
      { signature: foreign.signature },
      { signature: other.signature },
      { head: flipped(message.head) },
      { head: foreign.head },
      { one_time: other.one_time },
      { one_time: foreign.one_time },
      { one_time: undefined },
    ];
    for (const change of changes) {
      const fields = Object.keys(change).join();
      assert.equal(await ada.keys.openPublicKey({ ...message, ...change }), undefined, fields);
    }
    assert.ok(await ada.keys.openPublicKey(message));
  });

  it('of the bundle of one who holds the link, signed by himself, is his, and not the owner’s', async () => {
    const [ada, bob, eve] = [await makeClient(1), await makeClient(2), await makeClient(3)];
    const message = await bob.keys.publicKey(false);
    const { device } = await eve.keys.party.own();
    const forged = { ...message, key_id: device.certificate.hash };
    const signature = await device.signer.sign(publicKeySigningBytes(forged));
    assert.equal(await ada.keys.openPublicKey({ ...forged, signature }), undefined);
    const renamed = { ...message, signature: await device.signer.sign(publicKeySigningBytes(message)) };
    assert.equal(await ada.keys.openPublicKey(renamed), undefined);
  });

  it('by another device than the session is with, begins nothing', async () => {
    const [ada, bob, eve] = [await makeClient(1), await makeClient(2), await makeClient(2)];
    await talking(ada, bob);
    const message = await eve.keys.publicKey(false);
    const signedBy = await ada.keys.openPublicKey(message);
    assert.ok(signedBy);
    assert.equal(await ada.keys.meetBy(message, signedBy), 'other-device');
    assert.equal(await bob.read(await say(ada, bob, 'you')), 'you');
    const own = await bob.keys.publicKey(false);
    assert.equal(await ada.keys.meetBy(own, (await ada.keys.openPublicKey(own)) ?? assert.fail()), undefined);
    const dead = await makeClient(3);
    await ada.identity.pins.markRevoked((await dead.keys.party.own()).device.certificate.deviceId);
    const revoked = await dead.keys.publicKey(false);
    assert.equal(await ada.keys.meetBy(revoked, (await ada.keys.openPublicKey(revoked)) ?? assert.fail()), 'revoked');
  });
});

/** The signed record of peer 1 in a sealed one, as hexadecimal; opened by hand, by what PROTOCOL.md EN2 says of the seal. */
async function openRecord(reader: Client, sealed: string): Promise<string> {
  const { room } = reader.keys.party;
  const key = await room.bundleKey(peerNamed(1));
  const bytes = new Uint8Array(Buffer.from(sealed, 'base64url'));
  const context = concatBytes(
    new TextEncoder().encode('tai/1 room seal'),
    new TextEncoder().encode('bundle one-time'),
    idBytes(room.roomId),
    idBytes(peerNamed(1)),
  );
  const algorithm = { name: 'AES-GCM', iv: bytes.slice(0, 12), additionalData: context };
  return toHex(new Uint8Array(await crypto.subtle.decrypt(algorithm, key, bytes.slice(12))));
}

describe('a rotation', () => {
  it('leaves sessions as they are, and new ones are of the new keys', async () => {
    const [ada, bob, eve] = [await makeClient(1), await makeClient(2), await makeClient(3)];
    await talking(ada, bob);
    const before = await bob.keys.keyId();
    // begun with the old keys, and on its way
    await meet(eve, bob);
    const first = await say(eve, bob, 'hello');
    const rotation = await rotationOf(bob);
    assert.deepEqual(rotation.key_id, before);
    const after = await bob.keys.keyId();
    assert.notDeepEqual(after, before);
    assert.equal(await bob.read(first), 'hello');
    assert.deepEqual((await say(bob, ada, 'x')).key_id, before);
    assert.equal(await bob.read(await say(ada, bob, 'still')), 'still');
    const carol = await makeClient(4);
    await meet(carol, bob);
    assert.equal(await bob.read(await say(carol, bob, 'new')), 'new');
    assert.deepEqual((await say(bob, carol, 'new')).key_id, after);
  });

  it('is read by who has a session with its sender, under the key id that it knows', async () => {
    const [ada, bob, eve] = [await makeClient(1), await makeClient(2), await makeClient(3)];
    await talking(ada, bob);
    const message = await rotationOf(bob);
    assert.equal(await eve.keys.proofs.openRotation(message), undefined);
    for (const change of [
      { key_id: await bob.keys.keyId() },
      { statement: flipped(message.statement) },
      { statement: message.statement.slice(1) },
      { sender_id: eve.self },
    ]) {
      assert.equal(await ada.keys.proofs.openRotation({ ...message, ...change }), undefined);
    }
    const rotation = await ada.keys.proofs.openRotation(message);
    assert.deepEqual(rotation?.certificate.hash, await bob.keys.keyId());
    assert.deepEqual(rotation?.from, ada.keys.sessions.get(bob.self)?.certificate.deviceId);
  });

  it('can be followed by another, which is of the keys in between', async () => {
    const [ada, bob] = [await makeClient(1), await makeClient(2)];
    await talking(ada, bob);
    const peer = ada.keys.sessions.get(bob.self) ?? assert.fail();
    for (let times = 0; times < 3; times++) {
      const message = await rotationOf(bob);
      const rotation = await ada.keys.proofs.openRotation(message);
      assert.ok(rotation);
      peer.current = rotation.certificate;
      // the same again says nothing new
      assert.equal(await ada.keys.proofs.openRotation(message), undefined);
    }
    assert.deepEqual(peer.current.hash, await bob.keys.keyId());
    const own = await bob.keys.publicKey(false);
    assert.equal(await ada.keys.meetBy(own, (await ada.keys.openPublicKey(own)) ?? assert.fail()), undefined);
  });

  it('of keys that are dead is none', async () => {
    const [ada, bob] = [await makeClient(1), await makeClient(2)];
    await talking(ada, bob);
    await ada.identity.pins.markRevoked((ada.keys.sessions.get(bob.self) ?? assert.fail()).certificate.deviceId);
    assert.equal(await ada.keys.proofs.openRotation(await rotationOf(bob)), undefined);
  });
});

describe('a revocation', () => {
  it('is made by every key that was in use, and proves itself to whoever reads it', async () => {
    const [ada, bob, eve] = [await makeClient(1), await makeClient(2), await makeClient(3)];
    await talking(ada, bob);
    await rotationOf(bob);
    const messages = await revocationsOf(bob);
    assert.equal(messages.length, 2);
    const known = ada.keys.sessions.get(bob.self)?.certificate.deviceId;
    const devices = await Promise.all(messages.map((message) => ada.keys.proofs.openRevocation(message)));
    assert.deepEqual(devices[1]?.deviceId, known);
    assert.notDeepEqual(devices[0]?.deviceId, known);
    for (const message of messages) assert.ok(await eve.keys.proofs.openRevocation(message));
  });

  it('is made of keys that nobody has seen, too', async () => {
    const [ada, bob] = [await makeClient(1), await makeClient(2)];
    const messages = await revocationsOf(bob);
    assert.equal(messages.length, 1);
    assert.deepEqual(messages[0]?.key_id, await bob.keys.keyId());
    assert.ok(await ada.keys.proofs.openRevocation(messages[0] ?? assert.fail()));
  });

  it('that is broken, or under a key id of other keys than it names, is none', async () => {
    const [ada, bob] = [await makeClient(1), await makeClient(2)];
    await talking(ada, bob);
    await rotationOf(bob);
    const [newer, older] = await revocationsOf(bob);
    assert.ok(newer && older);
    const { proofs } = ada.keys;
    assert.equal(await proofs.openRevocation({ ...older, statement: flipped(older.statement) }), undefined);
    assert.equal(await proofs.openRevocation({ ...older, statement: newer.statement }), undefined);
    assert.ok(await proofs.openRevocation({ ...older, sender_id: ada.self }));
  });
});

describe('a safety number', () => {
  it('is the same on both sides of a session, whatever was rotated since, and another with others', async () => {
    const [ada, bob, eve] = [await makeClient(1), await makeClient(2), await makeClient(3)];
    assert.equal(await ada.keys.proofs.safetyNumber(bob.self), undefined);
    assert.equal(ada.keys.proofs.checkScan(bob.self, ''), 'unreadable');
    await talking(ada, bob);
    await talking(eve, bob);
    await rotationOf(bob);
    const [ours, theirs, others] = await Promise.all([
      ada.keys.proofs.safetyNumber(bob.self),
      bob.keys.proofs.safetyNumber(ada.self),
      bob.keys.proofs.safetyNumber(eve.self),
    ]);
    assert.ok(ours && theirs && others);
    assert.equal(ours.digits, theirs.digits);
    assert.notEqual(ours.digits, others.digits);
    assert.equal(ada.keys.proofs.checkScan(bob.self, theirs.qr), 'match');
    assert.equal(ada.keys.proofs.checkScan(bob.self, others.qr), 'mismatch');
    assert.equal(ada.keys.proofs.checkScan(bob.self, 'x'), 'unreadable');
  });
});

describe('ratchets', () => {
  it('take a step with ML-KEM where 30 s have gone by, by whichever clock', async () => {
    for (const passedMs of [KEM_STEP_EVERY_MS, -KEM_STEP_EVERY_MS]) {
      const clock = { nowMs: NOW_MS };
      const [ada, bob] = [await makeClient(1, { clock }), await makeClient(2)];
      await talking(ada, bob);
      const sizes: number[] = [];
      const rounds = async (times: number): Promise<readonly number[]> => {
        sizes.length = 0;
        for (let i = 0; i < times; i++) {
          for (const [from, to] of [
            [ada, bob],
            [bob, ada],
          ] as const) {
            const message = await say(from, to, 'x');
            assert.equal(await to.read(message), 'x');
            sizes.push(message.ciphertext.length);
          }
        }
        return [...new Set(sizes)];
      };
      const [small = 0, ...others] = await rounds(3);
      assert.deepEqual(others, []);
      clock.nowMs += passedMs / 2;
      assert.deepEqual(await rounds(3), [small]);
      clock.nowMs += passedMs / 2;
      const expected = [small, small + KEM_KEY_BYTES, small + KEM_CIPHERTEXT_BYTES];
      assert.deepEqual([...(await rounds(3))].sort(), expected.sort());
      assert.deepEqual(await rounds(3), [small]);
    }
  });
});

describe('a certificate', () => {
  it('that has ended begins nothing', async () => {
    const clock = { nowMs: NOW_MS };
    const [ada, bob] = [await makeClient(1, { clock }), await makeClient(2)];
    const { head } = await bob.keys.publication();
    clock.nowMs += (30 * 24 * 3600 + CERTIFICATE_LEEWAY_S) * 1000;
    assert.equal(await ada.keys.meet(bob.self, { head }), 'bad-bundle');
  });
});

describe('work in order', () => {
  it('begins when what was asked for before has ended, failed or not', async () => {
    const inOrder = new InOrder();
    const done: string[] = [];
    const gates: (() => void)[] = [];
    const work = (name: string) => async () => {
      done.push(`begin ${name}`);
      await new Promise<void>((resolve) => gates.push(resolve));
      done.push(`end ${name}`);
      if (name === 'a') throw new Error('on purpose');
      return name;
    };
    const [a, b] = [inOrder.run(work('a')), inOrder.run(work('b'))];
    await new Promise(setImmediate);
    assert.deepEqual(done, ['begin a']);
    gates[0]?.();
    await assert.rejects(a, /on purpose/);
    await new Promise(setImmediate);
    gates[1]?.();
    assert.equal(await b, 'b');
    assert.deepEqual(done, ['begin a', 'end a', 'begin b', 'end b']);
  });
});
