import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromBase64Url, toBase64Url, toHex } from '../../src/engine/protocol/bytes.ts';
import {
  HOST_STATEMENT_TEXT_MAX,
  formatHostStatement,
  hasTarget,
  hostSigningBytes,
  parseHostStatement,
} from '../../src/engine/protocol/host.ts';
import type { HostAction, HostClaims } from '../../src/engine/protocol/host.ts';
import { JWT_TEXT_MAX, parseJwtText } from '../../src/engine/protocol/jwt.ts';
import { fuzzParser } from '../helpers/fuzz.ts';
import { HOST_CLAIMS } from '../helpers/samples.ts';

const SIGNATURE = new Uint8Array(64).fill(0x44);
const TEXT = formatHostStatement(HOST_CLAIMS, SIGNATURE);
const CLAIM: HostClaims = { ...HOST_CLAIMS, action: 'claim', target: undefined, ep: '' };
const ACTIONS: readonly HostAction[] = ['claim', 'open', 'knock', 'lock', 'admit', 'decline', 'kick'];

function changed(change: (bytes: Uint8Array) => void): string {
  const bytes = fromBase64Url(TEXT);
  assert.ok(bytes);
  change(bytes);
  return toBase64Url(bytes);
}

describe('AD10: a host’s statement', () => {
  it('is laid out as drawn, byte by byte', () => {
    const hex = [
      '0107',
      'aa'.repeat(32),
      'a1'.repeat(16),
      'b0'.repeat(16),
      '006b49d200',
      '33'.repeat(16),
      '0465702d31',
      '44'.repeat(64),
    ].join('');
    assert.equal(toHex(fromBase64Url(TEXT) ?? new Uint8Array()), hex);
  });

  it('reads back, with every action', () => {
    for (const action of ACTIONS) {
      const target = hasTarget(action) ? HOST_CLAIMS.target : undefined;
      const claims = { ...HOST_CLAIMS, action, target, ep: action === 'claim' ? '' : 'e'.repeat(64) };
      const parsed = parseHostStatement(formatHostStatement(claims, SIGNATURE));
      assert.deepEqual(parsed, { claims, signed: hostSigningBytes(claims), signature: SIGNATURE });
    }
  });

  it('signs everything but the signature', () => {
    const signed = hostSigningBytes(HOST_CLAIMS);
    const bytes = fromBase64Url(TEXT) ?? new Uint8Array();
    assert.equal(toHex(signed), toHex(new TextEncoder().encode('tai/1 host')) + toHex(bytes.subarray(0, -64)));
  });

  it('is refused in another version, with an unknown action, and cut or drawn out', () => {
    const bytes = fromBase64Url(TEXT) ?? new Uint8Array();
    const bad: unknown[] = [undefined, null, 7, '', 'AQ', changed((one) => (one[0] = 2))];
    for (const action of [0, 8, 255]) bad.push(changed((one) => (one[1] = action)));
    for (let length = 0; length < bytes.length; length++) bad.push(toBase64Url(bytes.slice(0, length)));
    bad.push(toBase64Url(Uint8Array.from([...bytes, 0])), `${TEXT}=`, 'A'.repeat(HOST_STATEMENT_TEXT_MAX + 1));
    for (const text of bad) assert.equal(parseHostStatement(text), undefined, String(text).slice(0, 20));
  });

  it('has a target where the action is about somebody, and nowhere else', () => {
    for (const action of ACTIONS) {
      const target = hasTarget(action) ? undefined : HOST_CLAIMS.target;
      const claims = { ...HOST_CLAIMS, action, target, ep: action === 'claim' ? '' : 'ep-1' };
      assert.equal(parseHostStatement(formatHostStatement(claims, SIGNATURE)), undefined, action);
    }
  });

  it('names an instance of the relay, but for a claim, which is made before one is known', () => {
    assert.equal(parseHostStatement(formatHostStatement({ ...CLAIM, ep: 'ep-1' }, SIGNATURE)), undefined);
    assert.equal(parseHostStatement(formatHostStatement({ ...HOST_CLAIMS, ep: '' }, SIGNATURE)), undefined);
    for (const ep of ['a b', '\u0000', 'x'.repeat(65)]) {
      assert.equal(parseHostStatement(formatHostStatement({ ...HOST_CLAIMS, ep }, SIGNATURE)), undefined, ep);
    }
  });

  it('fuzz: what is taken is taken the same way again', () => {
    fuzzParser({
      samples: [TEXT, formatHostStatement(CLAIM, SIGNATURE)],
      parse: parseHostStatement,
      format: ({ claims, signature }) => formatHostStatement(claims, signature),
    });
  });
});

describe('AD17: the text of a JWT', () => {
  it('is three parts of base64url, of 4,096 characters at most', () => {
    assert.equal(parseJwtText('eyJh.eyJi.c2ln'), 'eyJh.eyJi.c2ln');
    const longest = `a.b.${'c'.repeat(JWT_TEXT_MAX - 4)}`;
    assert.equal(parseJwtText(longest), longest);
    const bad = ['', 'a', 'a.b', 'a.b.', '.b.c', 'a..c', 'a.b.c.d', 'a.b.c=', 'a.b.c d', 'a.b,c.d', `${longest}c`];
    for (const text of [...bad, undefined, null, 7, ['a.b.c']]) assert.equal(parseJwtText(text), undefined);
  });

  it('fuzz: what is taken is taken the same way again', () => {
    fuzzParser({ samples: ['eyJh.eyJi.c2ln', 'a.b.c'], parse: parseJwtText, format: (text) => text });
  });
});
