import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isRecord, parseCount, parseJson, parseList, parseText } from '../../src/engine/protocol/json.ts';
import { parsePeerMessage } from '../../src/engine/protocol/peer.ts';
import { parseClientText, parseRelayText } from '../../src/engine/protocol/relay.ts';
import { brokenText } from '../helpers/fuzz.ts';
import { Random } from '../helpers/random.ts';

const NESTED = 100_000;

describe('JSON from outside', () => {
  it('is undefined where it is none', () => {
    for (const text of ['', '{', "{'a':1}", 'undefined', 'NaN', '{"a":1,}', '01', '\u0000']) {
      assert.equal(parseJson(text), undefined, JSON.stringify(text));
    }
    assert.equal(parseJson('null'), null);
    assert.deepEqual(parseJson('{"a":[1]}'), { a: [1] });
  });

  it('nested 100,000 deep throws nowhere', () => {
    const brackets = '['.repeat(NESTED) + ']'.repeat(NESTED);
    const braces = '{"type":'.repeat(NESTED) + '1' + '}'.repeat(NESTED);
    const deep = [brackets, braces, '['.repeat(NESTED), `{"type":"leave","x":${brackets}}`];
    for (const text of deep) {
      assert.doesNotThrow(() => parseJson(text));
      assert.doesNotThrow(() => parsePeerMessage(text));
      assert.doesNotThrow(() => parseClientText(text));
      assert.doesNotThrow(() => parseRelayText(text));
    }
    assert.equal(parsePeerMessage(brackets), undefined);
    assert.equal(parseRelayText(brackets), undefined);
  });

  it('fuzz: never throws', () => {
    const random = new Random(3);
    for (let i = 0; i < 20_000; i++) {
      const text = brokenText(random, ['{"a":[1,null,{"b":"c"}]}', '[]', '"x"', '-0.5e3']);
      assert.doesNotThrow(() => parseJson(text), JSON.stringify(text));
    }
  });
});

describe('the checks that parsers are made of', () => {
  it('a record is an object, no list and not null', () => {
    assert.ok(isRecord({}));
    assert.ok(isRecord(Object.create(null)));
    for (const value of [null, [], 'x', 1, undefined, true]) assert.ok(!isRecord(value));
  });

  it('a text is a string up to its length', () => {
    assert.equal(parseText('', 0), '');
    assert.equal(parseText('ab', 2), 'ab');
    assert.equal(parseText('abc', 2), undefined);
    assert.equal(parseText(12, 2), undefined);
    assert.equal(parseText(['a'], 2), undefined);
  });

  it('a count is a safe integer from 0 up to its limit', () => {
    assert.equal(parseCount(0), 0);
    assert.equal(parseCount(2 ** 53 - 1), 2 ** 53 - 1);
    assert.equal(parseCount(5, 5), 5);
    for (const value of [-1, 0.5, 2 ** 53, NaN, Infinity, '1', null, undefined, 1n]) {
      assert.equal(parseCount(value), undefined);
    }
    assert.equal(parseCount(6, 5), undefined);
  });

  it('a list is refused for its length or for one bad item', () => {
    const digits = (value: unknown): number | undefined => parseCount(value, 9);
    assert.deepEqual(parseList([], 0, digits), []);
    assert.deepEqual(parseList([0, 9], 2, digits), [0, 9]);
    assert.equal(parseList([1, 2, 3], 2, digits), undefined);
    assert.equal(parseList([1, 10], 2, digits), undefined);
    assert.equal(parseList({ length: 1, 0: 1 }, 2, digits), undefined);
    assert.equal(parseList('12', 2, digits), undefined);
  });
});
