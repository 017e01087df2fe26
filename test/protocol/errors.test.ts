import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CLOSE_CODES, ERROR_CODES, RPC_ERRORS, TaiError, closeReasonOf } from '../../src/engine/protocol/errors.ts';

describe('error codes', () => {
  it('RPC codes are those of JSON-RPC 2.0 §5.1, and our own are outside its reserved standard ones', () => {
    const {
      'parse-error': parse,
      'invalid-request': request,
      'method-not-found': method,
      'invalid-params': params,
    } = RPC_ERRORS;
    assert.deepEqual([parse, request, method, params], [-32700, -32600, -32601, -32602]);
    const own = Object.values(RPC_ERRORS).filter((code) => code > -32100);
    assert.equal(own.length, Object.keys(RPC_ERRORS).length - 4);
    assert.ok(own.every((code) => code <= -32000));
  });

  it('no code means two things', () => {
    for (const codes of [Object.values(RPC_ERRORS), Object.values(CLOSE_CODES), [...ERROR_CODES]]) {
      assert.equal(new Set<unknown>(codes).size, codes.length);
    }
  });

  it('close codes are such as an application may send (RFC 6455 §7.4.2), and are found again', () => {
    for (const [reason, code] of Object.entries(CLOSE_CODES)) {
      assert.ok(code === 1000 || (code >= 4000 && code <= 4999));
      assert.equal(closeReasonOf(code), reason);
    }
  });

  it('any other close code has no reason', () => {
    for (const code of [0, 1001, 1006, 3000, 4000, 4999, -1, NaN]) assert.equal(closeReasonOf(code), undefined);
  });

  it('a TaiError has its code, name and message', () => {
    const error = new TaiError('usage', 'room: bad');
    assert.ok(error instanceof Error);
    assert.deepEqual([error.name, error.code, error.message], ['TaiError', 'usage', 'room: bad']);
  });
});
