/** Texts that JSON-RPC 2.0 has something to say about, and what the relay makes of each. */
import type { RpcErrorReason } from '../../src/engine/protocol/errors.ts';
import { RELAY_TEXT_MAX } from '../../src/engine/protocol/relay.ts';
import type { RpcId } from '../../src/engine/protocol/relay.ts';

/** The answer: an error, or that of a call of `join` or `delete_bundle` that went well; or none, as for a notification. */
export type Handling =
  | { readonly type: 'error'; readonly id: RpcId | null; readonly reason: RpcErrorReason }
  | { readonly type: 'result'; readonly id: RpcId }
  | { readonly type: 'silence' };

export type Case = { readonly name: string; readonly text: string; readonly handling: Handling };

const error = (reason: RpcErrorReason, id: RpcId | null = null): Handling => ({ type: 'error', id, reason });
const result = (id: RpcId): Handling => ({ type: 'result', id });
const SILENCE: Handling = { type: 'silence' };

/** JSON-RPC 2.0 §7, request by request, in its order; methods and numbers as there. docs/relay-api.md has the same names. */
export const SPECIFICATION: readonly Case[] = [
  {
    name: 'positional parameters',
    text: '{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}',
    handling: error('method-not-found', 1),
  },
  {
    name: 'positional parameters, other order',
    text: '{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}',
    handling: error('method-not-found', 2),
  },
  {
    name: 'named parameters',
    text: '{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}',
    handling: error('method-not-found', 3),
  },
  {
    name: 'named parameters, other order',
    text: '{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}',
    handling: error('method-not-found', 4),
  },
  {
    name: 'a notification',
    text: '{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}',
    handling: SILENCE,
  },
  { name: 'a notification without parameters', text: '{"jsonrpc": "2.0", "method": "foobar"}', handling: SILENCE },
  {
    name: 'a method that does not exist',
    text: '{"jsonrpc": "2.0", "method": "foobar", "id": "1"}',
    handling: error('method-not-found', '1'),
  },
  {
    name: 'invalid JSON',
    text: '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]',
    handling: error('parse-error'),
  },
  {
    name: 'an invalid request',
    text: '{"jsonrpc": "2.0", "method": 1, "params": "bar"}',
    handling: error('invalid-request'),
  },
  {
    name: 'a batch of invalid JSON',
    text: '[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},{"jsonrpc": "2.0", "method"]',
    handling: error('parse-error'),
  },
  { name: 'an empty batch', text: '[]', handling: error('invalid-request') },
  { name: 'a batch of one that is invalid', text: '[1]', handling: error('invalid-request') },
  { name: 'a batch of three that are invalid', text: '[1,2,3]', handling: error('invalid-request') },
  {
    name: 'a batch',
    text: `[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
      {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
      {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
      {"foo": "boo"},
      {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
      {"jsonrpc": "2.0", "method": "get_data", "id": "9"}]`,
    handling: error('invalid-request'),
  },
  {
    name: 'a batch of notifications',
    text: `[{"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
      {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}]`,
    handling: error('invalid-request'),
  },
];

const DEPTH = 20_000;

/**
 * What else a client may get wrong, around a call that goes well: `method` and `params` are put in place of `CALL`.
 * `call` is what every door of the relay takes.
 */
export function edgeCases(call: { readonly method: string; readonly params: object }): readonly Case[] {
  const params = JSON.stringify(call.params);
  const text = (id: string): string => `{"jsonrpc":"2.0","id":${id},"method":"${call.method}","params":${params}}`;
  const inParams = (extra: string): string => text('1').replace('"params":{', `"params":{${extra},`);
  const good = text('1');
  const padded = (bytes: number): string => good + ' '.repeat(bytes - good.length);
  // two bytes each in UTF-8, one unit each in a string
  const wide = (bytes: number): string => inParams(`"x":"${'é'.repeat((bytes - inParams('"x":""').length) / 2)}"`);
  const evenBytes = RELAY_TEXT_MAX + (inParams('"x":""').length % 2);
  return [
    { name: 'white space around', text: ` \t\r\n${good}\n`, handling: result(1) },
    {
      name: 'positional parameters of a method of ours',
      text: good.replace(params, '[1]'),
      handling: error('invalid-params', 1),
    },
    { name: 'parameters that are none', text: good.replace(params, 'null'), handling: error('invalid-params', 1) },
    { name: 'another version', text: good.replace('2.0', '1.0'), handling: error('invalid-request', 1) },
    { name: 'no version', text: good.replace('"jsonrpc":"2.0",', ''), handling: error('invalid-request', 1) },
    { name: 'members that nobody knows', text: inParams('"x":[{"y":null}]'), handling: result(1) },
    {
      name: 'the same member twice: the last counts',
      text: good.replace('"id":1', '"id":1,"id":2'),
      handling: result(2),
    },
    {
      name: 'a method of every object',
      text: good.replace(call.method, 'constructor'),
      handling: error('method-not-found', 1),
    },
    {
      name: 'the method __proto__',
      text: good.replace(call.method, '__proto__'),
      handling: error('method-not-found', 1),
    },
    {
      name: 'parameters from a prototype',
      text: good.replace(params, `{"__proto__":${params}}`),
      handling: error('invalid-params', 1),
    },
    { name: 'an id of 64 characters', text: text(`"${'i'.repeat(64)}"`), handling: result('i'.repeat(64)) },
    { name: 'an id of 65 characters', text: text(`"${'i'.repeat(65)}"`), handling: error('invalid-request') },
    { name: 'an empty id', text: text('""'), handling: result('') },
    { name: 'the id null', text: text('null'), handling: error('invalid-request') },
    { name: 'an id that is an object', text: text('{}'), handling: error('invalid-request') },
    { name: 'a fraction as id', text: text('1.5'), handling: result(1.5) },
    { name: 'the largest id', text: text('9007199254740991'), handling: result(9_007_199_254_740_991) },
    { name: 'an id that JavaScript would round', text: text('9007199254740993'), handling: error('invalid-request') },
    { name: 'an id beyond all numbers', text: text('1e400'), handling: error('invalid-request') },
    { name: 'an empty text', text: '', handling: error('parse-error') },
    { name: 'white space alone', text: '  \n', handling: error('parse-error') },
    { name: 'JSON that is no object', text: '"join"', handling: error('invalid-request') },
    { name: 'two calls in one text', text: good + good, handling: error('parse-error') },
    { name: 'lists in lists without an end', text: '['.repeat(DEPTH), handling: error('parse-error') },
    { name: 'lists in lists', text: '['.repeat(DEPTH) + ']'.repeat(DEPTH), handling: error('invalid-request') },
    { name: 'deep parameters', text: inParams(`"x":${'{"x":'.repeat(9000)}1${'}'.repeat(9000)}`), handling: result(1) },
    { name: 'as long as a text may be', text: padded(RELAY_TEXT_MAX), handling: result(1) },
    { name: 'a byte longer', text: padded(RELAY_TEXT_MAX + 1), handling: error('too-large') },
    { name: 'as long as may be, in two-byte letters', text: wide(evenBytes - 2), handling: result(1) },
    { name: 'longer, in two-byte letters', text: wide(evenBytes + 2), handling: error('too-large') },
    { name: 'NUL in a text', text: good.replace('"id":1', '"id":"\u0000"'), handling: error('parse-error') },
    { name: 'NUL in an id, escaped', text: text('"\\u0000"'), handling: result('\u0000') },
    { name: 'a byte order mark before', text: `\ufeff${good}`, handling: error('parse-error') },
    { name: 'half a surrogate pair in an id, escaped', text: text('"\\ud83d"'), handling: result('\ud83d') },
    { name: 'a surrogate pair in an id', text: text('"\u{1f512}"'), handling: result('\u{1f512}') },
    { name: 'a line separator in an id', text: text('"\u2028"'), handling: result('\u2028') },
    {
      name: 'letters that look alike in a method',
      text: good.replace(call.method, call.method.replace('e', 'е').replace('o', 'о')),
      handling: error('method-not-found', 1),
    },
  ];
}
