import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseJson } from '../../src/engine/protocol/json.ts';
import { parseTransformAddress, parseWorkerReport, parseWorkerRequest } from '../../src/engine/protocol/worker.ts';
import { fuzzParser } from '../helpers/fuzz.ts';

const KEY = new Uint8Array(32).fill(7);
const ADDRESS = { link: '1', stream: 31, side: 'seal' } as const;
const COUNT = { ...ADDRESS, done: 3, dropped: { 'no-key': 1 } };

describe('WK1: what page and clock say', () => {
  it('reads back', () => {
    for (const request of [
      { type: 'start', id: 'link:0x1', delay_ms: 300 },
      { type: 'stop', id: '' },
    ]) {
      assert.deepEqual(parseWorkerRequest(request), request);
    }
    assert.deepEqual(parseWorkerReport({ type: 'fired', id: 'a', more: 1 }), { type: 'fired', id: 'a' });
    assert.deepEqual(parseWorkerReport({ type: 'started', more: 1 }), { type: 'started' });
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
      assert.equal(parseWorkerRequest({ ...start, ...change }), undefined, JSON.stringify(change));
    }
    for (const value of [
      null,
      undefined,
      'start',
      [start],
      { type: 'fired' },
      { type: 'fired', id: 1 },
      { type: 'stop' },
    ]) {
      assert.equal(parseWorkerRequest(value), undefined);
      assert.equal(parseWorkerReport(value), undefined);
    }
    assert.equal(parseWorkerReport(start), undefined);
  });
});

describe('WK2: what page and worker say of frames', () => {
  it('reads back', () => {
    for (const request of [
      { type: 'seal-key', link: '1', generation: 0, key: KEY },
      { type: 'open-key', link: '1', generation: 2 ** 32 - 1, key: KEY },
      { type: 'close-link', link: '1' },
      { type: 'count', id: 7 },
    ]) {
      assert.deepEqual(parseWorkerRequest(request), request);
    }
    for (const report of [
      { type: 'frames', state: 'ready', ...ADDRESS },
      { type: 'frames', state: 'failing', link: '2', stream: 0, side: 'open' },
      { type: 'counts', id: 1, counts: [COUNT] },
    ]) {
      assert.deepEqual(parseWorkerReport(report), report);
    }
    assert.deepEqual(parseTransformAddress({ ...ADDRESS, more: 1 }), ADDRESS);
  });

  it('is dropped for anything that it cannot be', () => {
    const key = { type: 'seal-key', link: '1', generation: 1, key: KEY };
    for (const change of [
      { link: 1 },
      { link: 'x'.repeat(65) },
      { generation: 2 ** 32 },
      { generation: -1 },
      { key: new Uint8Array(31) },
      { key: [...KEY] },
      { key: undefined },
      { type: 'close-link', link: undefined },
      { type: 'count' },
    ]) {
      assert.equal(parseWorkerRequest({ ...key, ...change }), undefined, JSON.stringify(change));
    }
    for (const change of [{ stream: 32 }, { stream: 1.5 }, { side: 'both' }, { link: null }]) {
      assert.equal(parseTransformAddress({ ...ADDRESS, ...change }), undefined, JSON.stringify(change));
      assert.equal(parseWorkerReport({ type: 'frames', state: 'ready', ...ADDRESS, ...change }), undefined);
    }
    assert.equal(parseWorkerReport({ type: 'frames', state: 'fine', ...ADDRESS }), undefined);
    assert.equal(parseTransformAddress('1'), undefined);
    for (const counts of [
      'none',
      Array.from({ length: 1025 }, () => COUNT),
      [{ ...COUNT, done: -1 }],
      [{ ...COUNT, dropped: [] }],
      [{ ...COUNT, dropped: { a: '1' } }],
      [{ ...COUNT, dropped: { ['x'.repeat(33)]: 1 } }],
      [ADDRESS, null],
      [null],
    ]) {
      assert.equal(parseWorkerReport({ type: 'counts', id: 1, counts }), undefined);
    }
    assert.equal(parseWorkerReport({ type: 'counts', counts: [] }), undefined);
  });
});

it('WK1, WK2: fuzz: is dropped, or taken the same way again', () => {
  fuzzParser({
    samples: [
      '{"type":"start","id":"a","delay_ms":300}',
      '{"type":"stop","id":"a"}',
      '{"type":"close-link","link":"1"}',
      '{"type":"count","id":1}',
    ],
    parse: (text) => parseWorkerRequest(parseJson(text)),
    format: (value) => JSON.stringify(value),
  });
  fuzzParser({
    samples: [
      '{"type":"fired","id":"gone:0x1"}',
      '{"type":"frames","state":"opened","link":"1","stream":1,"side":"open"}',
      JSON.stringify({ type: 'counts', id: 1, counts: [COUNT] }),
    ],
    parse: (text) => parseWorkerReport(parseJson(text)),
    format: (value) => JSON.stringify(value),
  });
});
