import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CLOSE_CODES, ERROR_CODES, RPC_ERRORS, TaiError, closeReasonOf } from '../../src/engine/protocol/errors.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('the table of docs/errors.md', () => {
  const rows = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

  it('has every code, in order, with meaning, whether it is recoverable, and a way on', () => {
    assert.deepEqual(
      rows.map(([code]) => code),
      ERROR_CODES.map((code) => `\`${code}\``),
    );
    for (const row of rows) {
      const [code = ''] = row;
      assert.equal(row.length, 4, code);
      assert.ok(
        row.every((cell) => cell !== ''),
        code,
      );
      assert.match(row[2] ?? '', /^(yes|no|not in this version)\b/, code);
    }
  });

  it('says of exactly those codes that they are not in this version which nothing tells', () => {
    const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.endsWith('errors.ts'))
      .map((path) => join('src', path));
    const source = sources.map((path) => readFileSync(join(ROOT, path), 'utf8')).join('\n');
    const untold = ERROR_CODES.filter((code) => !source.includes(`'${code}'`));
    const absent = rows.filter(([, , recoverable]) => recoverable === 'not in this version').map(([code]) => code);
    assert.deepEqual(
      absent,
      untold.map((code) => `\`${code}\``),
    );
  });
});

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
