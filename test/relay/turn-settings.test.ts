/** TU4: what the operator says of TURN credentials is taken whole or not at all, and a word says what is wrong. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TURN_TTL_DEFAULT_S, parseTurnSettings, turnHealth, turnOffer } from '../../relay-worker/ice-issuer.ts';
import type { TurnEnv } from '../../relay-worker/ice-issuer.ts';
import { TURN_TTL_MAX_S, TURN_TTL_MIN_S } from '../../src/engine/protocol/turn.ts';
import { Random } from '../helpers/random.ts';

const SECRET = 'a-secret-that-no-test-may-print-0123456789';
const TOKEN = 'another-secret-of-cloudflare-0123456789';
const URLS = ['turn:turn.example', 'turns:turn.example:443?transport=tcp'];
const REST: TurnEnv = { TURN_URLS: JSON.stringify(URLS), TURN_SECRET: SECRET };
const CLOUDFLARE: TurnEnv = { CLOUDFLARE_TURN_KEY_ID: '0123456789abcdef', CLOUDFLARE_TURN_API_TOKEN: TOKEN };
const WALLET: TurnEnv = { ...REST, TURN_REQUIRES: 'wallet' };
const STAKE: TurnEnv = { ...WALLET, STAKE_RPC_URL: 'https://node.example/key', STAKE_MINIMUM: '1000000000' };

function faultOf(env: TurnEnv): string {
  const setting = parseTurnSettings(env);
  return setting.type === 'fault' ? setting.fault : setting.type;
}

describe('TU4: the settings', () => {
  it('are off where there are none, and say nothing then', () => {
    for (const env of [{}, { TURN_URLS: '', TURN_SECRET: '', TURN_REQUIRES: '', TURN_TTL_S: '' }]) {
      assert.deepEqual(parseTurnSettings(env), { type: 'off' });
      assert.deepEqual([turnOffer(env), turnHealth(env)], [undefined, {}]);
    }
  });

  it('of coturn are URLs and a secret', () => {
    const settings = {
      offer: 'token',
      ttlS: TURN_TTL_DEFAULT_S,
      issuer: { type: 'rest', urls: URLS, secret: SECRET },
      stake: undefined,
    };
    assert.deepEqual(parseTurnSettings(REST), { type: 'on', settings });
    assert.deepEqual(parseTurnSettings({ ...REST, TURN_URLS: URLS }), { type: 'on', settings });
    assert.deepEqual([turnOffer(REST), turnHealth(REST)], ['token', { turn: 'token' }]);
    assert.deepEqual([turnOffer(WALLET), turnHealth(WALLET)], ['wallet', { turn: 'wallet' }]);
  });

  it('of Cloudflare are a key’s id and its token', () => {
    const issuer = { type: 'cloudflare', keyId: '0123456789abcdef', apiToken: TOKEN };
    const settings = { offer: 'token', ttlS: 3600, issuer, stake: undefined };
    assert.deepEqual(parseTurnSettings({ ...CLOUDFLARE, TURN_TTL_S: '3600' }), { type: 'on', settings });
  });

  it('of a stake are a node and an amount, and perhaps a coin', () => {
    const stakeOf = (env: TurnEnv): unknown => {
      const setting = parseTurnSettings(env);
      return setting.type === 'on' && setting.settings.stake;
    };
    const stake = { rpcUrl: 'https://node.example/key', minimum: 1_000_000_000n, coinType: undefined };
    assert.deepEqual(stakeOf(STAKE), stake);
    assert.deepEqual(stakeOf({ ...STAKE, STAKE_COIN_TYPE: '0x2::sui::SUI' }), { ...stake, coinType: '0x2::sui::SUI' });
    assert.deepEqual(stakeOf({ ...STAKE, STAKE_RPC_URL: 'http://127.0.0.1:9000' }), {
      ...stake,
      rpcUrl: 'http://127.0.0.1:9000/',
    });
  });

  const bad: readonly (readonly [string, TurnEnv])[] = [
    ['TURN_URLS', { TURN_SECRET: SECRET }],
    ['TURN_URLS', { ...REST, TURN_URLS: 'turn:turn.example' }],
    ['TURN_URLS', { ...REST, TURN_URLS: '[]' }],
    ['TURN_URLS', { ...REST, TURN_URLS: '["stun:turn.example"]' }],
    ['TURN_URLS', { ...REST, TURN_URLS: '["turn:turn.example","turn:"]' }],
    ['TURN_URLS', { ...REST, TURN_URLS: JSON.stringify(Array.from({ length: 9 }, () => 'turn:a')) }],
    ['TURN_SECRET', { TURN_URLS: REST.TURN_URLS }],
    ['TURN_SECRET', { ...REST, TURN_SECRET: 'short' }],
    ['TURN_SECRET', { ...REST, TURN_SECRET: 'x'.repeat(257) }],
    ['TURN_SECRET', { ...REST, TURN_SECRET: `${SECRET} with spaces` }],
    ['TURN_SECRET', { ...REST, TURN_SECRET: `${SECRET}é` }],
    ['CLOUDFLARE_TURN_KEY_ID', { CLOUDFLARE_TURN_API_TOKEN: TOKEN }],
    ['CLOUDFLARE_TURN_KEY_ID', { ...CLOUDFLARE, CLOUDFLARE_TURN_KEY_ID: '../../x/0123456789' }],
    ['CLOUDFLARE_TURN_API_TOKEN', { CLOUDFLARE_TURN_KEY_ID: '0123456789abcdef' }],
    ['CLOUDFLARE_TURN_API_TOKEN', { ...CLOUDFLARE, CLOUDFLARE_TURN_API_TOKEN: `${TOKEN}\n` }],
    // two that could do it: which one is meant?
    ['CLOUDFLARE_TURN_KEY_ID', { ...REST, ...CLOUDFLARE }],
    ['TURN_TTL_S', { ...REST, TURN_TTL_S: '1h' }],
    ['TURN_TTL_S', { ...REST, TURN_TTL_S: String(TURN_TTL_MIN_S - 1) }],
    ['TURN_TTL_S', { ...REST, TURN_TTL_S: TURN_TTL_MAX_S + 1 }],
    ['TURN_REQUIRES', { ...REST, TURN_REQUIRES: 'Wallet' }],
    ['TURN_REQUIRES', { ...STAKE, TURN_REQUIRES: 'token' }],
    ['TURN_REQUIRES', { ...STAKE, TURN_REQUIRES: '' }],
    ['TURN_URLS', { TURN_REQUIRES: 'wallet' }],
    ['TURN_URLS', { TURN_TTL_S: '600' }],
    ['STAKE_RPC_URL', { ...WALLET, STAKE_MINIMUM: '1' }],
    ['STAKE_RPC_URL', { ...STAKE, STAKE_RPC_URL: 'http://node.example' }],
    ['STAKE_RPC_URL', { ...STAKE, STAKE_RPC_URL: 'https://user:password@node.example' }],
    ['STAKE_RPC_URL', { ...STAKE, STAKE_RPC_URL: 'node.example' }],
    ['STAKE_MINIMUM', { ...WALLET, STAKE_RPC_URL: 'https://node.example' }],
    ['STAKE_MINIMUM', { ...STAKE, STAKE_MINIMUM: '0' }],
    ['STAKE_MINIMUM', { ...STAKE, STAKE_MINIMUM: '1.5' }],
    ['STAKE_MINIMUM', { ...STAKE, STAKE_MINIMUM: 5 }],
    ['STAKE_COIN_TYPE', { ...STAKE, STAKE_COIN_TYPE: 'SUI' }],
    ['STAKE_COIN_TYPE', { ...STAKE, STAKE_COIN_TYPE: '0x2::sui' }],
  ];
  for (const [index, [name, env]] of bad.entries()) {
    it(`fail closed at ${name} (${index}), and say so without a value`, () => {
      assert.equal(faultOf(env), name);
      assert.equal(turnOffer(env), undefined);
      assert.deepEqual(turnHealth(env), { turn: `bad ${name}` });
    });
  }

  it('of any kind throw nothing, and say nothing but a name', () => {
    const random = new Random(31);
    const names = Object.keys({ ...STAKE, ...CLOUDFLARE, TURN_TTL_S: '', STAKE_COIN_TYPE: '' }) as (keyof TurnEnv)[];
    const words = new Set(['token', 'wallet', ...names.map((name) => `bad ${name}`)]);
    const values: readonly unknown[] = [
      SECRET,
      TOKEN,
      ...Object.values(STAKE),
      '',
      '{',
      '[[]]',
      0,
      NaN,
      600,
      null,
      {},
      [],
      true,
      '\u0000',
      '9'.repeat(50),
    ];
    const seen = new Set<string | undefined>();
    for (let i = 0; i < 20_000; i++) {
      const base = random.pick([STAKE, CLOUDFLARE, REST, {}]);
      const changed = Object.fromEntries(
        names.filter(() => random.chance(0.15)).map((name) => [name, random.pick(values)]),
      );
      const { turn } = turnHealth({ ...base, ...changed });
      assert.ok(turn === undefined || words.has(turn), String(turn));
      seen.add(turn);
    }
    assert.ok(seen.size > 8, `${seen.size}`);
  });
});
