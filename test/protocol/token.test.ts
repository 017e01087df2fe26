import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asciiBytes, concatBytes, fromBase64Url, toBase64Url, toHex } from '../../src/engine/protocol/bytes.ts';
import {
  TOKEN_BYTES,
  TOKEN_LIFE_MAX_S,
  TOKEN_SKEW_MAX_S,
  TOKEN_SUBPROTOCOL_PREFIX,
  formatToken,
  parseToken,
  roomIdPreimage,
  tokenSigningBytes,
  tokenTimeFault,
} from '../../src/engine/protocol/token.ts';
import type { ParsedToken, TokenClaims } from '../../src/engine/protocol/token.ts';
import { fuzzParser } from '../helpers/fuzz.ts';
import { Random } from '../helpers/random.ts';
import { ALICE, ROOM } from '../helpers/samples.ts';

const CLAIMS: TokenClaims = {
  roomId: ROOM,
  pkRoom: new Uint8Array(32).fill(0x11),
  pkHost: new Uint8Array(32).fill(0x22),
  peerId: ALICE,
  joinNumber: 0x0102_0304_0506,
  iatS: 1_800_000_000,
  expS: 1_800_000_120,
  nonce: new Uint8Array(16).fill(0x33),
};
const SIGNATURE = new Uint8Array(64).fill(0x44);
const TEXT = formatToken(CLAIMS, SIGNATURE);

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return fromBase64Url(text.slice(TOKEN_SUBPROTOCOL_PREFIX.length))!;
}

function textOf(bytes: Uint8Array): string {
  return TOKEN_SUBPROTOCOL_PREFIX + toBase64Url(bytes);
}

describe('admission token', () => {
  it('is laid out as drawn, byte by byte', () => {
    const hex = [
      '01',
      'aa'.repeat(32),
      '11'.repeat(32),
      '22'.repeat(32),
      'a1'.repeat(16),
      '010203040506',
      '006b49d200',
      '006b49d278',
      '33'.repeat(16),
      '44'.repeat(64),
    ].join('');
    assert.equal(toHex(bytesOf(TEXT)), hex);
    assert.equal(TOKEN_BYTES, 209);
    assert.equal(hex.length, 2 * TOKEN_BYTES);
  });

  it('is a token of RFC 7230 §3.2.6, as a subprotocol has to be', () => {
    assert.match(TEXT, /^[A-Za-z0-9._-]+$/);
  });

  it('reads back its claims, signature and the signed bytes', () => {
    const parsed = parseToken(TEXT);
    assert.deepEqual(parsed?.claims, CLAIMS);
    assert.deepEqual(parsed?.signature, SIGNATURE);
    assert.deepEqual(parsed?.signed, tokenSigningBytes(CLAIMS));
    assert.deepEqual(parsed?.signed, concatBytes(asciiBytes('tai/1 token'), bytesOf(TEXT).slice(0, 145)));
  });

  it('binds the room id to both public keys', () => {
    const preimage = roomIdPreimage(CLAIMS.pkRoom, CLAIMS.pkHost);
    assert.deepEqual(preimage, concatBytes(asciiBytes('tai/1 room'), CLAIMS.pkRoom, CLAIMS.pkHost));
  });

  it('is refused with another prefix, version or length', () => {
    const bytes = bytesOf(TEXT);
    const otherVersion = bytes.slice();
    otherVersion[0] = 2;
    const bad = [
      '',
      'tai.1',
      TEXT.slice(1),
      TEXT.toUpperCase(),
      TEXT.slice(TOKEN_SUBPROTOCOL_PREFIX.length),
      TOKEN_SUBPROTOCOL_PREFIX,
      textOf(otherVersion),
      textOf(bytes.slice(1)),
      textOf(bytes.slice(0, -1)),
      textOf(concatBytes(bytes, Uint8Array.of(0))),
    ];
    for (const text of bad) assert.equal(parseToken(text), undefined, text.slice(0, 40));
  });

  it('is refused in another spelling of the same bytes', () => {
    // 209 bytes end in 4 bits that have to be zero
    const digit = TEXT.at(-1)!;
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const next = digits.charAt(digits.indexOf(digit) + 1);
    assert.equal(parseToken(TEXT.slice(0, -1) + next), undefined);
    assert.equal(parseToken(`${TEXT}=`), undefined);
  });

  it('shows every changed byte in what is signed, or in the signature', () => {
    const whole = parseToken(TEXT)!;
    for (let at = 1; at < TOKEN_BYTES; at++) {
      const bytes = bytesOf(TEXT);
      bytes[at] = bytes[at]! ^ 1;
      const parsed = parseToken(textOf(bytes))!;
      const isSignature = at >= 145;
      assert.equal(toHex(parsed.signed) === toHex(whole.signed), isSignature);
      assert.equal(toHex(parsed.signature) === toHex(whole.signature), !isSignature);
    }
  });

  it('fuzz: takes only what it writes, with any bytes in its fields', () => {
    const format = ({ claims, signature }: ParsedToken): string => formatToken(claims, signature);
    fuzzParser({ samples: [TEXT], parse: parseToken, format });
    const random = new Random(4);
    for (let i = 0; i < 2_000; i++) {
      const text = textOf(concatBytes(Uint8Array.of(1), random.bytes(TOKEN_BYTES - 1)));
      assert.equal(format(parseToken(text)!), text);
    }
  });
});

describe('AD4: the times of a token', () => {
  const at = (iatS: number, expS: number, nowS: number): string | undefined =>
    tokenTimeFault({ ...CLAIMS, iatS, expS }, nowS);

  it('hold from its issue to its expiry', () => {
    assert.equal(at(1000, 1120, 1000), undefined);
    assert.equal(at(1000, 1120, 1119), undefined);
    assert.equal(at(1000, 1120, 1120), 'token-expired');
    assert.equal(at(1000, 1120, 5000), 'token-expired');
  });

  it('may lie a little ahead of the relay', () => {
    assert.equal(at(1000 + TOKEN_SKEW_MAX_S, 1100, 1000), undefined);
    assert.equal(at(1001 + TOKEN_SKEW_MAX_S, 1100, 1000), 'token-expired');
  });

  it('are invalid at any hour where the life is none, negative or too long', () => {
    assert.equal(at(1000, 1000, 1000), 'token-invalid');
    assert.equal(at(1000, 999, 990), 'token-invalid');
    assert.equal(at(1000, 1001 + TOKEN_LIFE_MAX_S, 1000), 'token-invalid');
    assert.equal(at(1000, 1000 + TOKEN_LIFE_MAX_S, 1000), undefined);
  });
});
