/** TU1, TU5, TU6: how TURN credentials are asked for and told, and the text that wallets sign. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatResult, parseClientText, parseRelayText, parseWelcome } from '../../src/engine/protocol/relay.ts';
import {
  TURN_TTL_MAX_S,
  formatTurnRequest,
  parseIssuedServers,
  parseTurnChallenge,
  parseTurnText,
  parseTurnWalletText,
} from '../../src/engine/protocol/turn.ts';
import type { IssuedServers, TurnWalletRequest } from '../../src/engine/protocol/turn.ts';
import { formatTurnMessage, parsePageOrigin, parseTurnMessage } from '../../src/engine/protocol/turn-message.ts';
import type { TurnMessage } from '../../src/engine/protocol/turn-message.ts';
import { fuzzParser } from '../helpers/fuzz.ts';
import { WELCOME } from '../helpers/samples.ts';

const SUI: TurnMessage = {
  origin: 'https://page.example',
  chain: 'sui',
  address: `0x${'0a'.repeat(32)}`,
  uri: 'https://relay.example/turn',
  nonce: '0123456789abcdef'.repeat(4),
  issuedAt: '2027-01-15T08:00:00.000Z',
  expiresAt: '2027-01-15T08:05:00.000Z',
};
const ETHEREUM: TurnMessage = {
  ...SUI,
  chain: 'ethereum',
  origin: 'http://localhost:8080',
  address: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
};
const REQUESTS: readonly TurnWalletRequest[] = [
  { method: 'turn_challenge', params: { chain: 'sui', address: SUI.address } },
  { method: 'turn_challenge', params: { chain: 'ethereum', address: ETHEREUM.address } },
  { method: 'turn_redeem', params: { message: formatTurnMessage(SUI), signature: 'AAAA' } },
];
const ISSUED: IssuedServers = {
  ice_servers: [{ urls: ['turn:turn.example', 'turns:turn.example:443'], username: '1:a', credential: 'b=' }],
  ttl_s: 600,
};

describe('TU1: asking under the token', () => {
  it('is one method, with one parameter that counts; every other text is for the room', () => {
    const text = formatTurnRequest({ method: 'turn_credentials', params: {} }, 7);
    assert.deepEqual(parseTurnText(text), {
      type: 'request',
      id: 7,
      request: { method: 'turn_credentials', params: {} },
    });
    const early = parseTurnText(formatTurnRequest({ method: 'turn_credentials', params: { if_any: true } }, 7));
    assert.deepEqual(early?.type === 'request' && early.request.params, { if_any: true });
    for (const vague of ['1', '"true"', 'null', 'false']) {
      const parsed = parseTurnText(text.replace('{}', `{"if_any":${vague}}`));
      assert.deepEqual(parsed?.type === 'request' && parsed.request.params, {}, vague);
    }
    const odd = parseTurnText(text.replace('{}', '[]'));
    assert.deepEqual(odd, { type: 'fault', id: 7, reason: 'invalid-params' });
    const others = ['', '[]', text.slice(1), text.replace('2.0', '1.0'), text.replace('credentials', 'challenge')];
    for (const other of others) assert.equal(parseTurnText(other), undefined, other);
  });

  it('is nothing that a room answers', () => {
    const text = formatTurnRequest({ method: 'turn_credentials', params: {} }, 7);
    assert.deepEqual(parseClientText(text), { type: 'fault', id: 7, reason: 'method-not-found' });
  });

  it('is offered by `welcome` in two ways; another word offers nothing, and takes nothing away', () => {
    for (const turn of ['token', 'wallet'] as const)
      assert.deepEqual(parseWelcome({ ...WELCOME, turn }), { ...WELCOME, turn });
    for (const turn of ['', 'Token', 1, true, null, ['token']])
      assert.deepEqual(parseWelcome({ ...WELCOME, turn }), WELCOME);
  });
});

describe('TU1: what was issued', () => {
  it('comes back as it was told', () => {
    const message = parseRelayText(formatResult(1, ISSUED));
    assert.ok(message?.type === 'result');
    assert.deepEqual(parseIssuedServers(message.result), ISSUED);
  });

  it('without a server, or a time that it is good for, is none', () => {
    const bad: readonly unknown[] = [
      undefined,
      null,
      [],
      {},
      { ...ISSUED, ice_servers: [] },
      { ...ISSUED, ice_servers: {} },
      { ...ISSUED, ice_servers: [{ urls: 'turn:a' }] },
      ...[0, -1, 0.5, '600', TURN_TTL_MAX_S + 1, undefined].map((ttl_s) => ({ ...ISSUED, ttl_s })),
    ];
    for (const each of bad) assert.equal(parseIssuedServers(each), undefined, JSON.stringify(each));
    const half = { ...ISSUED, ice_servers: [{ urls: 'x' }, ...ISSUED.ice_servers] };
    assert.deepEqual(parseIssuedServers(half), ISSUED);
  });

  it('survives fuzzing', () => {
    fuzzParser({
      samples: [JSON.stringify(ISSUED)],
      parse: (text) => parseIssuedServers(parseOr(text)),
      format: (value) => JSON.stringify(value),
    });
  });
});

describe('TU5: what a wallet’s page says', () => {
  it('comes back as it was said', () => {
    for (const request of REQUESTS) {
      assert.deepEqual(parseTurnWalletText(formatTurnRequest(request, 'x')), { type: 'request', id: 'x', request });
    }
    assert.deepEqual(parseTurnChallenge({ message: 'm' }), { message: 'm' });
  });

  it('is refused where it is malformed', () => {
    const [sui, , redeem] = REQUESTS;
    assert.ok(sui && redeem);
    const reasonOf = (request: object): string | undefined => {
      const parsed = parseTurnWalletText(JSON.stringify({ jsonrpc: '2.0', id: 1, ...request }));
      return parsed.type === 'fault' ? parsed.reason : undefined;
    };
    const params: readonly object[] = [
      { ...sui, params: { ...sui.params, chain: 'bitcoin' } },
      { ...sui, params: { ...sui.params, chain: 'ethereum' } },
      { ...sui, params: { ...sui.params, address: SUI.address.toUpperCase() } },
      { ...sui, params: { chain: 'sui' } },
      { ...redeem, params: { ...redeem.params, message: 'x'.repeat(2049) } },
      { ...redeem, params: { ...redeem.params, signature: 'x'.repeat(257) } },
      { ...redeem, params: { ...redeem.params, signature: 1 } },
      { ...redeem, params: [] },
    ];
    for (const request of params) assert.equal(reasonOf(request), 'invalid-params', JSON.stringify(request));
    for (const method of ['turn_credentials', 'fetch_bundle', 'constructor', '__proto__']) {
      assert.equal(reasonOf({ ...redeem, method }), 'method-not-found');
    }
    for (const value of [undefined, {}, { message: 1 }, { message: 'x'.repeat(2049) }]) {
      assert.equal(parseTurnChallenge(value), undefined);
    }
  });

  it('survives fuzzing', () => {
    fuzzParser({
      samples: REQUESTS.map((request) => formatTurnRequest(request, 1)),
      parse: (text) => {
        const parsed = parseTurnWalletText(text);
        return parsed.type === 'request' ? parsed.request : undefined;
      },
      format: (request) => formatTurnRequest(request, 1),
    });
  });
});

describe('TU6: the text that a wallet signs', () => {
  it('is that of ERC-4361, word for word', () => {
    assert.equal(
      formatTurnMessage(ETHEREUM),
      [
        'http://localhost:8080 wants you to sign in with your Ethereum account:',
        '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
        '',
        'Let this page use the TURN servers of a relay. It moves nothing, costs nothing and names no room.',
        '',
        'URI: https://relay.example/turn',
        'Version: 1',
        'Chain ID: 1',
        `Nonce: ${ETHEREUM.nonce}`,
        'Issued At: 2027-01-15T08:00:00.000Z',
        'Expiration Time: 2027-01-15T08:05:00.000Z',
      ].join('\n'),
    );
  });

  it('reads back, for both chains', () => {
    for (const message of [SUI, ETHEREUM]) assert.deepEqual(parseTurnMessage(formatTurnMessage(message)), message);
  });

  it('is refused where one character of it is another, or is missing', () => {
    const text = formatTurnMessage(SUI);
    for (let at = 0; at < text.length; at++) {
      for (const put of ['', '\n', ' ', '\u0000', 'é']) {
        if (text[at] === put) continue;
        const other = text.slice(0, at) + put + text.slice(at + 1);
        const parsed = parseTurnMessage(other);
        // what may be any letter may be one fewer; it is then another text, and reads as such
        if (parsed) assert.equal(formatTurnMessage(parsed), other);
        assert.ok(parsed === undefined || put === '', `${at} ${JSON.stringify(put)}`);
      }
    }
    for (const bad of [
      undefined,
      1,
      '',
      `${text}\n`,
      `\n${text}`,
      `${text}\nResources:`,
      text.replaceAll('\n', '\r\n'),
    ]) {
      assert.equal(parseTurnMessage(bad), undefined);
    }
  });

  it('names an origin as browsers write one', () => {
    for (const good of ['https://a', 'http://127.0.0.1:80', 'https://[::1]:8443', 'https://a-b.c.example']) {
      assert.equal(parsePageOrigin(good), good);
    }
    const bad = [
      'null',
      '',
      'https://',
      'https://a/',
      'https://A',
      'file://',
      'https://a b',
      'https://a\n',
      'wss://a',
      `https://${'a'.repeat(300)}`,
      null,
    ];
    for (const each of bad) assert.equal(parsePageOrigin(each), undefined, String(each));
  });

  it('survives fuzzing', () => {
    fuzzParser({
      samples: [formatTurnMessage(SUI), formatTurnMessage(ETHEREUM)],
      parse: parseTurnMessage,
      format: formatTurnMessage,
    });
  });
});

function parseOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
