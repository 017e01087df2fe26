import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CLOSE_CODES, RPC_ERRORS } from '../../src/engine/protocol/errors.ts';
import type { RpcErrorReason } from '../../src/engine/protocol/errors.ts';
import {
  PAYLOAD_TEXT_MAX,
  RELAY_TEXT_MAX,
  formatError,
  formatExpiredReason,
  formatNotification,
  formatRequest,
  formatResult,
  parseClientText,
  parseExpiredClose,
  parseIceServer,
  parseRelayText,
  parseWelcome,
} from '../../src/engine/protocol/relay.ts';
import type { RelayMessage } from '../../src/engine/protocol/relay.ts';
import { fuzzParser } from '../helpers/fuzz.ts';
import { BAD_ICE_URLS, GOOD_ICE_URLS, LOGIN } from '../helpers/ice-samples.ts';
import { ALICE, BOB, NOTIFICATIONS, REQUESTS, ROOM, WELCOME } from '../helpers/samples.ts';

const JOIN = { jsonrpc: '2.0', id: 1, method: 'join', params: { room_id: ROOM, peer_id: ALICE } };

function read(value: unknown): ReturnType<typeof parseClientText> {
  return parseClientText(JSON.stringify(value));
}

function fault(id: string | number | null | undefined, reason: RpcErrorReason): object {
  return { type: 'fault', id, reason };
}

describe('a request of a client', () => {
  for (const request of REQUESTS) {
    it(`${request.method} reads back, with an id or as a notification`, () => {
      for (const id of [0, -1, 1.5, 'seven', '', undefined]) {
        assert.deepEqual(parseClientText(formatRequest(request, id)), { type: 'request', id, request });
      }
    });
  }

  it('that is too long is not even read', () => {
    const padded = formatRequest(REQUESTS[0]!, 1).padEnd(RELAY_TEXT_MAX, ' ');
    assert.equal(parseClientText(padded).type, 'request');
    assert.deepEqual(parseClientText(`${padded} `), fault(null, 'too-large'));
  });

  it('that is no JSON is a parse-error without id', () => {
    for (const text of ['', 'x', '{', formatRequest(REQUESTS[0]!, 1).slice(0, -1)]) {
      assert.deepEqual(parseClientText(text), fault(null, 'parse-error'));
    }
  });

  it('RL4: in a batch, or no object at all, is an invalid-request', () => {
    for (const value of [[], [JOIN], null, 'join', 7, true]) {
      assert.deepEqual(read(value), fault(null, 'invalid-request'));
    }
  });

  it('of another version is an invalid-request, answered by its id where it has one', () => {
    for (const jsonrpc of ['1.0', 2, 2.0, undefined, null, '2.0 ']) {
      assert.deepEqual(read({ ...JOIN, jsonrpc }), fault(1, 'invalid-request'));
    }
    assert.deepEqual(read({ jsonrpc: '1.0', method: 'join' }), fault(null, 'invalid-request'));
  });

  it('with an id that JSON-RPC does not know is an invalid-request', () => {
    for (const id of [null, {}, [], true, 'x'.repeat(65)]) {
      assert.deepEqual(read({ ...JOIN, id }), fault(null, 'invalid-request'));
    }
  });

  it('without a method that is a string is an invalid-request', () => {
    for (const method of [undefined, null, 1, ['join'], { toString: 'join' }]) {
      assert.deepEqual(read({ ...JOIN, method }), fault(1, 'invalid-request'));
    }
  });

  it('with an unknown method is told so; names of Object.prototype are unknown too', () => {
    const methods = ['', 'Join', 'welcome', 'constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf'];
    for (const method of methods) assert.deepEqual(read({ ...JOIN, method }), fault(1, 'method-not-found'));
    assert.deepEqual(read({ ...JOIN, id: undefined, method: 'x' }), fault(undefined, 'method-not-found'));
  });

  it('with bad parameters is told so', () => {
    const relayed = { target_peer_id: BOB, room_id: ROOM, payload: 'AA' };
    const bad: readonly (readonly [string, unknown])[] = [
      ['join', undefined],
      ['join', null],
      ['join', [ROOM, ALICE]],
      ['join', { room_id: ROOM }],
      ['join', { room_id: ALICE, peer_id: ALICE }],
      ['join', { room_id: ROOM.toUpperCase(), peer_id: ALICE }],
      ['leave', {}],
      ['leave', { room_id: 1 }],
      ['relay_message', { ...relayed, payload: '' }],
      ['relay_message', { ...relayed, payload: 'AA==' }],
      ['relay_message', { ...relayed, payload: 'A A' }],
      ['relay_message', { ...relayed, payload: 'A\n' }],
      ['relay_message', { ...relayed, payload: 'A'.repeat(PAYLOAD_TEXT_MAX + 1) }],
      ['relay_message', { ...relayed, payload: { length: 2 } }],
      ['relay_message', { ...relayed, target_peer_id: ROOM }],
      ['relay_message', { ...relayed, room_id: undefined }],
    ];
    for (const [method, params] of bad) {
      assert.deepEqual(
        read({ ...JOIN, method, params }),
        fault(1, 'invalid-params'),
        JSON.stringify(params)?.slice(0, 90),
      );
    }
  });

  it('with the longest payload fits into the longest text', () => {
    const params = { target_peer_id: BOB, room_id: ROOM, payload: 'A'.repeat(PAYLOAD_TEXT_MAX) };
    const text = formatRequest({ method: 'relay_message', params }, 'x'.repeat(64));
    assert.ok(text.length <= RELAY_TEXT_MAX);
    assert.equal(parseClientText(text).type, 'request');
    const notification = {
      sender_peer_id: BOB,
      room_id: ROOM,
      payload: params.payload,
      n: 2 ** 53 - 1,
      ep: 'x'.repeat(64),
    };
    const sent = formatNotification({ method: 'relay_message', params: notification });
    assert.ok(sent.length <= RELAY_TEXT_MAX);
    assert.equal(parseRelayText(sent)?.type, 'notification');
  });

  it('loses what nobody knows, and `__proto__` gives it nothing', () => {
    const text = `{"jsonrpc":"2.0","id":1,"method":"leave","x":1,"params":{"room_id":"${ROOM}","y":2,"__proto__":{"z":3}}}`;
    assert.deepEqual(parseClientText(text), { type: 'request', id: 1, request: REQUESTS[1] });
    const inherited = `{"jsonrpc":"2.0","id":1,"method":"leave","params":{"__proto__":{"room_id":"${ROOM}"}}}`;
    assert.deepEqual(parseClientText(inherited), fault(1, 'invalid-params'));
  });

  it('fuzz: is a request that reads back, or a fault of the closed set', () => {
    fuzzParser({
      samples: REQUESTS.flatMap((request) => [formatRequest(request, 1), formatRequest(request)]),
      parse: (text) => {
        const parsed = parseClientText(text);
        if (parsed.type === 'request') return parsed;
        assert.ok(parsed.reason in RPC_ERRORS);
        assert.doesNotThrow(() => formatError(parsed.id ?? null, parsed.reason));
        return undefined;
      },
      format: ({ id, request }) => formatRequest(request, id),
    });
  });
});

describe('a message of the relay', () => {
  for (const notification of NOTIFICATIONS) {
    it(`${notification.method} reads back`, () => {
      assert.deepEqual(parseRelayText(formatNotification(notification)), { type: 'notification', ...notification });
    });
  }

  it('a result reads back by its id', () => {
    assert.deepEqual(parseRelayText(formatResult('a', {})), { type: 'result', id: 'a', result: {} });
    const joined = parseRelayText(formatResult(1, WELCOME));
    assert.deepEqual(joined, { type: 'result', id: 1, result: WELCOME });
    assert.deepEqual(parseWelcome(WELCOME), WELCOME);
  });

  it('an error reads back with its code and reason, and says nothing else', () => {
    for (const [reason, code] of Object.entries(RPC_ERRORS)) {
      const text = formatError(7, reason as RpcErrorReason);
      assert.deepEqual(parseRelayText(text), { type: 'error', id: 7, code, reason });
      assert.deepEqual(JSON.parse(text), { jsonrpc: '2.0', id: 7, error: { code, message: reason, data: { reason } } });
    }
    const expired = formatError(null, 'token-expired', { now: 1_800_000_000 });
    assert.deepEqual(JSON.parse(expired).error.data, { reason: 'token-expired', now: 1_800_000_000 });
    const nameless = parseRelayText(formatError(null, 'parse-error'));
    assert.deepEqual(nameless, { type: 'error', id: null, code: -32700, reason: 'parse-error' });
  });

  it('is dropped for its length, version, method or lack of any', () => {
    const welcome = formatNotification(NOTIFICATIONS[0]!);
    const bad = [
      '',
      'pong',
      '[]',
      'null',
      `[${welcome}]`,
      welcome.padEnd(RELAY_TEXT_MAX + 1, ' '),
      welcome.replace('2.0', '2.1'),
      welcome.replace('"welcome"', '"constructor"'),
      welcome.replace('"welcome"', '"join"'),
      '{"jsonrpc":"2.0"}',
      '{"jsonrpc":"2.0","id":1}',
      '{"jsonrpc":"2.0","id":null,"result":{}}',
      '{"jsonrpc":"2.0","id":1,"__proto__":{"result":1}}',
      '{"jsonrpc":"2.0","id":1,"error":{"code":-32600}}',
      '{"jsonrpc":"2.0","id":1,"error":{"code":"-32600","data":{"reason":"x"}}}',
      '{"jsonrpc":"2.0","id":1,"error":[],"x":1}',
    ];
    for (const text of bad) assert.equal(parseRelayText(text), undefined, text.slice(0, 80));
  });

  it('is dropped for any field that is missing or wrong', () => {
    for (const { method, params } of NOTIFICATIONS) {
      for (const field of Object.keys(params)) {
        for (const value of [undefined, null, -1, 0.5, 2 ** 53, {}, 'x'.repeat(70), `${ALICE}00`]) {
          const text = JSON.stringify({ jsonrpc: '2.0', method, params: { ...params, [field]: value } });
          // these may be any short text
          if (
            typeof value === 'string' &&
            (field === 'payload' || field === 'note' || (field === 'ep' && value.length <= 64))
          )
            continue;
          assert.equal(parseRelayText(text), undefined, `${method}.${field} = ${String(value)}`);
        }
      }
      assert.equal(parseRelayText(JSON.stringify({ jsonrpc: '2.0', method, params: [params] })), undefined);
      assert.equal(parseRelayText(JSON.stringify({ jsonrpc: '2.0', method })), undefined);
    }
  });

  it('a welcome is dropped for too many peers', () => {
    const peers = Array.from({ length: 65 }, () => WELCOME.peers[0]);
    assert.equal(parseWelcome({ ...WELCOME, peers }), undefined);
    assert.notEqual(parseWelcome({ ...WELCOME, peers: peers.slice(1) }), undefined);
  });

  it('RL15: a welcome loses bad ICE servers and those beyond sixteen, and admits', () => {
    const [good, other] = WELCOME.ice_servers;
    const bad = [null, 7, {}, { urls: 'turn:a' }, { urls: 'stun:a:99999' }, { urls: 'stuns:a' }];
    const ice_servers = [...bad, good, ...bad, other];
    assert.deepEqual(parseWelcome({ ...WELCOME, ice_servers }), WELCOME);
    const text = JSON.stringify({ jsonrpc: '2.0', method: 'welcome', params: { ...WELCOME, ice_servers } });
    assert.deepEqual(parseRelayText(text), { type: 'notification', method: 'welcome', params: WELCOME });
    const many = parseWelcome({ ...WELCOME, ice_servers: Array.from({ length: 40 }, () => good) });
    assert.equal(many?.ice_servers.length, 16);
    assert.deepEqual(parseWelcome({ ...WELCOME, ice_servers: bad })?.ice_servers, []);
  });

  it('fuzz: is dropped, or taken the same way again', () => {
    const format = (message: RelayMessage): string => {
      const { type, ...rest } = message;
      if (message.type !== 'error') return JSON.stringify({ jsonrpc: '2.0', ...rest });
      const { id, code, reason } = message;
      return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message: type, data: { reason } } });
    };
    const samples = [...NOTIFICATIONS.map(formatNotification), formatResult(1, WELCOME), formatError('a', 'too-large')];
    fuzzParser({ samples, parse: parseRelayText, format });
  });
});

describe('an ICE server', () => {
  it('has one URL or several, and a username and credential where given', () => {
    assert.deepEqual(parseIceServer({ urls: 'stun:a' }), { urls: ['stun:a'] });
    const turn = { urls: ['turn:a', 'turns:b:443?transport=tcp'], username: 'u', credential: 'c' };
    assert.deepEqual(parseIceServer({ ...turn, credentialType: 'password' }), turn);
    assert.deepEqual(parseIceServer({ ...turn, urls: 'stun:a' }), { urls: ['stun:a'] }, 'of no use to anybody');
  });

  it('of turn has a username of 1 to 509 bytes and a credential', () => {
    const turn = { urls: ['turn:a'], username: 'u', credential: 'c' };
    const longest = { ...turn, username: '€'.repeat(169) + 'uu', credential: 'c'.repeat(1024) };
    assert.deepEqual(parseIceServer(longest), longest);
    for (const name of ['username', 'credential']) {
      for (const value of [undefined, null, '', 7, 'x'.repeat(1025)]) {
        assert.equal(parseIceServer({ ...turn, [name]: value }), undefined, `${name} = ${String(value)}`);
        assert.equal(parseIceServer({ ...turn, urls: ['stun:a', 'turns:b'], [name]: value }), undefined);
      }
    }
    for (const username of ['u'.repeat(510), '€'.repeat(170), '😀'.repeat(128)]) {
      assert.equal(parseIceServer({ ...turn, username }), undefined);
    }
  });

  it('has URLs that every browser takes', () => {
    for (const url of GOOD_ICE_URLS) assert.deepEqual(parseIceServer({ urls: url, ...LOGIN })?.urls, [url], url);
    for (const url of BAD_ICE_URLS) assert.equal(parseIceServer({ urls: url, ...LOGIN }), undefined, url);
  });

  it('is refused without a URL of stun or turn', () => {
    const bad: readonly unknown[] = [
      '',
      [],
      'https://a',
      'javascript:x',
      'stun:',
      'STUN:a',
      ' stun:a',
      'stun:a b',
      'stun:a\n',
      ['stun:a', 'x'],
      [1],
      1,
      undefined,
    ];
    for (const urls of bad) assert.equal(parseIceServer({ urls }), undefined, JSON.stringify(urls));
    assert.equal(parseIceServer({ urls: `stun:${'a'.repeat(1020)}` }), undefined);
    assert.equal(parseIceServer(null), undefined);
    assert.equal(parseIceServer(['stun:a']), undefined);
  });

  it('fuzz: is refused, or taken the same way again', () => {
    fuzzParser({
      samples: WELCOME.ice_servers.map((server) => JSON.stringify(server)),
      parse: (text) => {
        try {
          return parseIceServer(JSON.parse(text));
        } catch (error) {
          if (error instanceof SyntaxError) return undefined;
          throw error;
        }
      },
      format: (server) => JSON.stringify(server),
    });
  });
});

describe("AD5: the relay's clock in the close of an expired token", () => {
  const expired = CLOSE_CODES['token-expired'];

  it('reads back', () => {
    assert.equal(parseExpiredClose(expired, formatExpiredReason(1_800_000_000)), 1_800_000_000);
    assert.equal(parseExpiredClose(expired, formatExpiredReason(0)), 0);
  });

  it('is not read from another close, or from another reason', () => {
    assert.equal(parseExpiredClose(CLOSE_CODES['token-invalid'], formatExpiredReason(1)), undefined);
    for (const reason of [
      '',
      'token-expired',
      'token-expired;now=',
      'token-expired;now=-1',
      'token-expired;now=1e3',
      'token-expired;now=1\n',
      'token-expired;now=1234567890123',
      'xtoken-expired;now=1',
    ]) {
      assert.equal(parseExpiredClose(expired, reason), undefined, reason);
    }
  });

  it('fuzz: is read as a number that reads back', () => {
    const samples = [formatExpiredReason(1_800_000_000), formatExpiredReason(0)];
    fuzzParser({ samples, parse: (text) => parseExpiredClose(expired, text), format: formatExpiredReason });
  });
});
