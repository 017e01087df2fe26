import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseJson } from '../../src/engine/protocol/json.ts';
import { parseClockReport, parseClockRequest } from '../../src/engine/protocol/worker.ts';
import { fuzzParser } from '../helpers/fuzz.ts';

describe('WK1: what page and clock say', () => {
  it('reads back', () => {
    for (const request of [
      { type: 'start', id: 'link:0x1', delay_ms: 300 },
      { type: 'stop', id: '' },
    ]) {
      assert.deepEqual(parseClockRequest(request), request);
    }
    assert.deepEqual(parseClockReport({ type: 'fired', id: 'a', more: 1 }), { type: 'fired', id: 'a' });
  });

  it('is dropped for anything that it cannot be', () => {
    const start = { type: 'start', id: 'a', delay_ms: 1 };
    for (const change of [
      { type: 'go' },
      { type: 'constructor' },
      { id: 1 },
      { id: 'x'.repeat(129) },
      { delay_ms: -1 },
      { delay_ms: 0.5 },
      { delay_ms: 86_400_001 },
      { delay_ms: '1' },
    ]) {
      assert.equal(parseClockRequest({ ...start, ...change }), undefined, JSON.stringify(change));
    }
    for (const value of [null, undefined, 'start', [start], { type: 'fired' }, { type: 'fired', id: 1 }]) {
      assert.equal(parseClockRequest(value), undefined);
      assert.equal(parseClockReport(value), undefined);
    }
    assert.equal(parseClockReport(start), undefined);
  });

  it('fuzz: is dropped, or taken the same way again', () => {
    const samples = ['{"type":"start","id":"a","delay_ms":300}', '{"type":"stop","id":"a"}'];
    fuzzParser({
      samples,
      parse: (text) => parseClockRequest(parseJson(text)),
      format: (value) => JSON.stringify(value),
    });
    const fired = ['{"type":"fired","id":"gone:0x1"}'];
    fuzzParser({
      samples: fired,
      parse: (text) => parseClockReport(parseJson(text)),
      format: (value) => JSON.stringify(value),
    });
  });
});
