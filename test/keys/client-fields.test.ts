/** A payload in the fields of `e2ee_encrypted_message`: nothing is lost, and nothing else is put together again. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { PADDING_BUCKETS_BYTES } from '../../src/engine/crypto/padding.ts';
import { fieldsOfPayload, payloadOfFields } from '../../src/engine/keys/client-fields.ts';
import { ClientSessions } from '../../src/engine/keys/client-sessions.ts';
import { KIND_ENCRYPTED_MESSAGE, KIND_PUBLIC_KEY } from '../../src/engine/keys/wire.ts';
import { concatBytes } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { formatE2eeMessage, parseE2eeMessage } from '../../src/engine/protocol/e2ee.ts';
import { RELAY_TEXT_MAX } from '../../src/engine/protocol/relay.ts';
import { Random } from '../helpers/random.ts';
import { makeClient, meet, peerNamed, talking } from './client-kit.ts';

const SEED = 7;
const [NONCE_BYTES, TAG_BYTES] = [12, 16];

/** One of each kind, for every size of body. */
const payloads: Bytes[] = [];

before(async () => {
  const [ada, bob, eve] = [await makeClient(1), await makeClient(2), await makeClient(3)];
  await meet(ada, bob);
  await talking(eve, bob);
  for (const bytes of PADDING_BUCKETS_BYTES) {
    for (const { sessions } of [ada.keys, eve.keys]) {
      const sealed = await sessions.seal(bob.self, 'x'.repeat(bytes - 100));
      assert.ok(sealed.ok);
      payloads.push(sealed.payload);
    }
  }
});

describe('the fields of a payload', () => {
  it('give the same payload again, of both kinds and all sizes', () => {
    assert.deepEqual([...new Set(payloads.map((payload) => payload[1]))].sort(), [
      KIND_PUBLIC_KEY,
      KIND_ENCRYPTED_MESSAGE,
    ]);
    for (const payload of payloads) {
      const fields = fieldsOfPayload(payload);
      assert.equal(fields.nonce.length, NONCE_BYTES);
      assert.equal(fields.tag.length, TAG_BYTES);
      assert.equal(fields.ciphertext.length, payload.length - NONCE_BYTES - TAG_BYTES);
      assert.deepEqual(payloadOfFields(fields), payload);
    }
  });

  it('hold the ratchet header’s nonce and the body’s tag', () => {
    for (const payload of payloads) {
      const handshakeBytes = payload[1] === KIND_PUBLIC_KEY ? 1348 : 0;
      const { nonce, tag } = fieldsOfPayload(payload);
      assert.deepEqual(nonce, payload.slice(3 + handshakeBytes, 15 + handshakeBytes));
      assert.deepEqual(tag, payload.slice(-16));
    }
  });

  it('fit into the message, and the message into what a relay would carry', () => {
    for (const payload of payloads) {
      const message = {
        type: 'e2ee_encrypted_message' as const,
        sender_id: peerNamed(1),
        key_id: new Uint8Array(32),
        ...fieldsOfPayload(payload),
        timestamp: 2 ** 48 - 1,
      };
      const text = formatE2eeMessage(message);
      assert.deepEqual(parseE2eeMessage(text), message);
      assert.ok(text.length < RELAY_TEXT_MAX);
    }
  });

  it('of every other length, version or kind are none, or another payload: never a mistake', () => {
    const random = new Random(SEED);
    for (const payload of payloads) {
      const fields = fieldsOfPayload(payload);
      const changes: readonly ((bytes: Bytes) => Bytes)[] = [
        (bytes) => bytes.slice(0, random.below(1400)),
        (bytes) => bytes.slice(random.below(4)),
        (bytes) => concatBytes(Uint8Array.of(random.below(256), random.below(256)), bytes.subarray(2)),
      ];
      for (let times = 0; times < 50; times++) {
        const ciphertext = random.pick(changes)(fields.ciphertext);
        const changed = payloadOfFields({ ...fields, ciphertext });
        if (changed) assert.deepEqual(fieldsOfPayload(changed), { ...fields, ciphertext });
      }
    }
  });

  it('are refused without a ratchet message, and without a kind', () => {
    const { nonce, tag } = fieldsOfPayload(payloads[0] as Bytes);
    for (const start of [[], [1], [0, 2, 0], [2, 2, 0], [1, 0, 0], [1, 3, 0], [1, 2], [1, 1, 0]]) {
      assert.equal(payloadOfFields({ nonce, ciphertext: Uint8Array.from(start), tag }), undefined, String(start));
    }
    const justFlags = payloadOfFields({ nonce, ciphertext: Uint8Array.of(1, 2, 0), tag });
    assert.deepEqual(justFlags, concatBytes(Uint8Array.of(1, 2, 0), nonce, tag));
  });

  it('without a session there is nothing to put into them', async () => {
    const { party } = (await makeClient(1)).keys;
    const sessions = new ClientSessions({
      room: party.room,
      self: party.self,
      steadyNow: () => 0,
      isRevoked: async () => false,
    });
    assert.deepEqual(await sessions.seal(peerNamed(2), 'hello'), { ok: false, fault: 'no-session' });
  });
});
