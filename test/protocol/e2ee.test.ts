import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concatBytes, toBase64Url, toHex, utf8Length } from '../../src/engine/protocol/bytes.ts';
import {
  E2EE_TEXT_MAX,
  REVOKE_REASONS,
  formatE2eeMessage,
  parseE2eeMessage,
  publicKeySigningBytes,
} from '../../src/engine/protocol/e2ee.ts';
import type { E2eeMessage, EncryptedMessage, PublicKeyMessage } from '../../src/engine/protocol/e2ee.ts';
import { RELAY_TEXT_MAX } from '../../src/engine/protocol/relay.ts';
import { fuzzParser } from '../helpers/fuzz.ts';
import { Random } from '../helpers/random.ts';
import { ALICE } from '../helpers/samples.ts';

const random = new Random(20_261);
const SENT = { sender_id: ALICE, key_id: random.bytes(32) };
const PUBLIC_KEY: PublicKeyMessage = {
  type: 'e2ee_public_key',
  ...SENT,
  head: random.bytes(30),
  one_time: random.bytes(20),
  timestamp: 1_800_000_000_000,
  nonce: random.bytes(16),
  signature: random.bytes(64),
};
const ENCRYPTED: EncryptedMessage = {
  type: 'e2ee_encrypted_message',
  ...SENT,
  nonce: random.bytes(12),
  ciphertext: random.bytes(40),
  tag: random.bytes(16),
  timestamp: 0,
};
const MESSAGES: readonly E2eeMessage[] = [
  PUBLIC_KEY,
  { ...PUBLIC_KEY, one_time: undefined },
  ENCRYPTED,
  { type: 'e2ee_key_rotation', ...SENT, statement: random.bytes(338) },
  ...REVOKE_REASONS.map((reason) => ({
    type: 'e2ee_key_revoke' as const,
    ...SENT,
    statement: random.bytes(118),
    reason,
  })),
];

type Json = { readonly [key: string]: unknown };

/** The message as JSON with one field changed; `undefined` leaves it out. */
function withField(message: E2eeMessage, field: string, value: unknown): string {
  return JSON.stringify({ ...(JSON.parse(formatE2eeMessage(message)) as Json), [field]: value });
}

describe('the key messages', () => {
  it('there and back', () => {
    for (const message of MESSAGES) assert.deepEqual(parseE2eeMessage(formatE2eeMessage(message)), message);
  });

  it('are JSON with the documented names, bytes in base64url', () => {
    assert.deepEqual(JSON.parse(formatE2eeMessage(ENCRYPTED)), {
      type: 'e2ee_encrypted_message',
      sender_id: ALICE,
      key_id: toBase64Url(SENT.key_id),
      nonce: toBase64Url(ENCRYPTED.nonce),
      ciphertext: toBase64Url(ENCRYPTED.ciphertext),
      tag: toBase64Url(ENCRYPTED.tag),
      timestamp: 0,
    });
    assert.deepEqual(
      MESSAGES.map((message) => Object.keys(JSON.parse(formatE2eeMessage(message)) as Json)),
      [
        ['type', 'sender_id', 'key_id', 'head', 'one_time', 'timestamp', 'nonce', 'signature'],
        ['type', 'sender_id', 'key_id', 'head', 'timestamp', 'nonce', 'signature'],
        ['type', 'sender_id', 'key_id', 'nonce', 'ciphertext', 'tag', 'timestamp'],
        ['type', 'sender_id', 'key_id', 'statement'],
        ...REVOKE_REASONS.map(() => ['type', 'sender_id', 'key_id', 'statement', 'reason']),
      ],
    );
  });

  it('are refused without any one of their fields, and with any of them of another kind', () => {
    for (const message of MESSAGES) {
      for (const field of Object.keys(JSON.parse(formatE2eeMessage(message)) as Json)) {
        if (field !== 'one_time') {
          assert.equal(parseE2eeMessage(withField(message, field, undefined)), undefined, `without ${field}`);
        }
        for (const bad of [null, '', -1, 0.5, 2 ** 48, 'A', '====', 'AA==', 'AB', [], {}, true]) {
          assert.equal(parseE2eeMessage(withField(message, field, bad)), undefined, `${field}: ${JSON.stringify(bad)}`);
        }
      }
    }
  });

  it('have fields of fixed length, and no byte more or less', () => {
    const lengths = [
      [PUBLIC_KEY, { key_id: 32, nonce: 16, signature: 64 }],
      [ENCRYPTED, { key_id: 32, nonce: 12, tag: 16 }],
    ] as const;
    for (const [message, fields] of lengths) {
      for (const [field, length] of Object.entries(fields)) {
        const text = (bytes: number): string => withField(message, field, toBase64Url(random.bytes(bytes)));
        assert.ok(parseE2eeMessage(text(length)), field);
        assert.equal(parseE2eeMessage(text(length - 1)), undefined, field);
        assert.equal(parseE2eeMessage(text(length + 1)), undefined, field);
      }
    }
  });

  it('have fields that are bounded', () => {
    const bounds = [
      [PUBLIC_KEY, 'head', 3_072],
      [PUBLIC_KEY, 'one_time', 1_400],
      [ENCRYPTED, 'ciphertext', 40_960],
      [MESSAGES[3]!, 'statement', 768],
      [MESSAGES[4]!, 'statement', 768],
    ] as const;
    for (const [message, field, most] of bounds) {
      for (const length of [1, most]) {
        assert.ok(
          parseE2eeMessage(withField(message, field, toBase64Url(random.bytes(length)))),
          `${field}: ${length}`,
        );
      }
      assert.equal(parseE2eeMessage(withField(message, field, toBase64Url(random.bytes(most + 1)))), undefined, field);
    }
  });

  it('at their longest fit into a relay message and into what is looked at', () => {
    for (const longest of [
      { ...PUBLIC_KEY, head: random.bytes(3_072), one_time: random.bytes(1_400), timestamp: 2 ** 48 - 1 },
      { ...ENCRYPTED, ciphertext: random.bytes(40_960), timestamp: 2 ** 48 - 1 },
    ]) {
      const text = formatE2eeMessage(longest);
      assert.ok(utf8Length(text) < RELAY_TEXT_MAX && text.length < E2EE_TEXT_MAX, `${text.length}`);
      assert.deepEqual(parseE2eeMessage(text), longest);
    }
  });

  it('that are longer are not looked at', () => {
    const text = formatE2eeMessage(ENCRYPTED);
    const padded = (length: number): string => text + ' '.repeat(length - text.length);
    assert.ok(parseE2eeMessage(padded(E2EE_TEXT_MAX)));
    assert.equal(parseE2eeMessage(padded(E2EE_TEXT_MAX + 1)), undefined);
  });

  it('of other types, and what is no object, are refused', () => {
    for (const type of ['offer', 'e2ee_public_keys', '', 7, null, undefined]) {
      assert.equal(parseE2eeMessage(withField(ENCRYPTED, 'type', type)), undefined);
    }
    for (const text of ['', 'null', '[]', '7', '"e2ee_public_key"', '{', '{}']) {
      assert.equal(parseE2eeMessage(text), undefined, text);
    }
  });

  it('are read without what they do not have', () => {
    const text = withField(ENCRYPTED, 'note', 'ignored');
    assert.deepEqual(parseE2eeMessage(text), ENCRYPTED);
  });

  it('fuzz: are taken the same way twice or not at all', () => {
    fuzzParser({ samples: MESSAGES.map(formatE2eeMessage), parse: parseE2eeMessage, format: formatE2eeMessage });
  });
});

describe('the bytes under a public key’s signature', () => {
  it('are the known ones', () => {
    const bytes = publicKeySigningBytes({
      ...PUBLIC_KEY,
      key_id: new Uint8Array(32).fill(0x11),
      head: Uint8Array.of(1, 2, 3),
      one_time: Uint8Array.of(4),
      timestamp: 0x0102_0304_0506,
      nonce: new Uint8Array(16).fill(0x22),
    });
    const label = toHex(new TextEncoder().encode('tai/1 e2ee_public_key'));
    assert.equal(
      toHex(bytes),
      `${label}${ALICE.slice(2)}${'11'.repeat(32)}010203040506${'22'.repeat(16)}0003010203000104`,
    );
  });

  it('are others for any other field, also where two fields run together', () => {
    const { head, one_time = new Uint8Array() } = PUBLIC_KEY;
    const others: readonly Partial<PublicKeyMessage>[] = [
      {},
      { one_time: undefined },
      { head: concatBytes(head, one_time), one_time: undefined },
      { head: concatBytes(head, one_time.subarray(0, 1)), one_time: one_time.slice(1) },
      { timestamp: PUBLIC_KEY.timestamp + 1 },
      { nonce: random.bytes(16) },
      { key_id: random.bytes(32) },
      { sender_id: `0x${'ab'.repeat(16)}` as typeof ALICE },
    ];
    const texts = others.map((other) => toHex(publicKeySigningBytes({ ...PUBLIC_KEY, ...other })));
    assert.equal(new Set(texts).size, others.length);
  });
});
