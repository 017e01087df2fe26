import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toBase64Url } from '../../src/engine/protocol/bytes.ts';
import { ROUND_MAX, parseCodeMessage } from '../../src/engine/protocol/code-message.ts';
import { parseJson } from '../../src/engine/protocol/json.ts';
import { fuzzParser } from '../helpers/fuzz.ts';

const DIGEST = toBase64Url(new Uint8Array(32).fill(7));
const COMMIT = { type: 'code-commit', roster: DIGEST, round: 1, commitment: DIGEST, isAsking: false };
const REVEAL = { type: 'code-reveal', roster: DIGEST, round: ROUND_MAX, nonce: DIGEST };
/** 31 and 33 bytes, bits that no encoder sets, another alphabet, other types. */
const NO_DIGESTS: readonly unknown[] = [
  undefined,
  null,
  7,
  [DIGEST],
  '',
  toBase64Url(new Uint8Array(31)),
  toBase64Url(new Uint8Array(33)),
  `${DIGEST.slice(0, 42)}d`,
  `+${DIGEST.slice(1)}`,
  `${DIGEST}=`,
  ` ${DIGEST.slice(1)}`,
];

describe('messages about a room code', () => {
  it('read back as they were written', () => {
    for (const message of [COMMIT, { ...COMMIT, isAsking: true }, REVEAL]) {
      assert.deepEqual(parseCodeMessage(JSON.parse(JSON.stringify(message))), message);
    }
  });

  it('are refused for any field that is not exactly 32 bytes', () => {
    for (const bad of NO_DIGESTS) {
      for (const field of ['roster', 'commitment'])
        assert.equal(parseCodeMessage({ ...COMMIT, [field]: bad }), undefined);
      for (const field of ['roster', 'nonce']) assert.equal(parseCodeMessage({ ...REVEAL, [field]: bad }), undefined);
    }
  });

  it('are refused without a round from 1 to 2^32 - 1', () => {
    for (const message of [COMMIT, REVEAL]) {
      for (const round of [1, 2, ROUND_MAX]) {
        assert.deepEqual(parseCodeMessage({ ...message, round }), { ...message, round });
      }
      for (const round of [undefined, null, 0, -1, 1.5, 2 ** 32, Number.NaN, Infinity, '1', [1], true]) {
        assert.equal(parseCodeMessage({ ...message, round }), undefined);
      }
    }
  });

  it('of another type, and what is no object, are none', () => {
    for (const type of ['code', 'Code-commit', 'toString', '__proto__', null, 1, ['code-commit']]) {
      assert.equal(parseCodeMessage({ ...COMMIT, ...REVEAL, type }), undefined);
    }
    for (const value of [undefined, null, 'code-commit', 5, [COMMIT]]) assert.equal(parseCodeMessage(value), undefined);
  });

  it('ask only with a plain true, and lose fields that nobody knows', () => {
    for (const isAsking of [undefined, null, 1, 'true', false]) {
      assert.deepEqual(parseCodeMessage({ ...COMMIT, isAsking, nonce: DIGEST, extra: 1 }), COMMIT);
    }
    assert.deepEqual(parseCodeMessage({ ...REVEAL, commitment: DIGEST, isAsking: true }), REVEAL);
  });

  it('fuzz: are dropped, or taken the same way again', () => {
    fuzzParser({
      samples: [COMMIT, { ...COMMIT, isAsking: true }, REVEAL].map((message) => JSON.stringify(message)),
      parse: (text) => parseCodeMessage(parseJson(text)),
      format: (message) => JSON.stringify(message),
    });
  });
});
