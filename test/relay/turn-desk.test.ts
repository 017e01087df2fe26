/** TU1–TU9, LM18–LM20: who is issued what. The hosts that the issuer asks are real ones, on the loopback. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import type { TurnSettings } from '../../relay-worker/ice-issuer.ts';
import { CHALLENGE_LIFE_S, CHALLENGE_TRIES } from '../../relay-worker/turn-challenges.ts';
import type { Place } from '../../relay-worker/turn-challenges.ts';
import { API_ORIGIN, cloudflareServers } from '../../relay-worker/turn-cloudflare.ts';
import { TurnDesk, turnMemory } from '../../relay-worker/turn-desk.ts';
import type { TurnMemory, TurnOutcome } from '../../relay-worker/turn-desk.ts';
import { OUTSIDE_TEXT_MAX, askOutside } from '../../relay-worker/turn-fetch.ts';
import {
  TURN_ALL_BURST,
  TURN_CHALLENGES_BURST,
  TURN_CHECKS_BURST,
  TURN_ROOM_BURST,
  TURN_ROOM_PER_S,
  TURN_WALLET_BURST,
  TURN_WALLET_EVERY_MS,
  TurnLimits,
} from '../../relay-worker/turn-limits.ts';
import { suiStakeCheck } from '../../relay-worker/turn-stake.ts';
import type { StakeCheck } from '../../relay-worker/turn-stake.ts';
import { parseIceServer } from '../../src/engine/protocol/relay.ts';
import { parseTurnMessage } from '../../src/engine/protocol/turn-message.ts';
import { brokenText } from '../helpers/fuzz.ts';
import { startJsonServer } from '../helpers/json-server.ts';
import type { Answering, JsonServer } from '../helpers/json-server.ts';
import { Random } from '../helpers/random.ts';
import { SUI_SCHEMES, ethereumWallet, suiWallet } from '../helpers/wallets.ts';
import type { TestWallet } from '../helpers/wallets.ts';
import { NOW_MS } from './room-stage.ts';

const SECRET = 'a-secret-that-no-answer-may-hold-0123456789';
const URLS = ['turn:turn.example', 'turns:turn.example:443?transport=tcp'];
const PLACE: Place = { origin: 'https://page.example', uri: 'https://relay.example/turn' };
const REST: TurnSettings = {
  offer: 'token',
  ttlS: 3600,
  issuer: { type: 'rest', urls: URLS, secret: SECRET },
  stake: undefined,
};
const WALLET: TurnSettings = { ...REST, offer: 'wallet' };
const key = (seed: number): Uint8Array<ArrayBuffer> => new Random(seed).bytes(32);
const SUI = suiWallet('Ed25519', key(1));
const ETHEREUM = ethereumWallet(key(2));

type Scene = {
  readonly settings?: TurnSettings;
  readonly memory?: TurnMemory;
  readonly nowMs?: number;
  readonly stake?: StakeCheck;
};

function deskOf({ settings = WALLET, memory = turnMemory(), nowMs = NOW_MS, stake }: Scene = {}): TurnDesk {
  const noFetch = (): Promise<Response> => assert.fail('another host was asked');
  return new TurnDesk({ settings, memory, nowMs, fetch: noFetch, ...(stake && { stake }) });
}

function reasonOf(outcome: TurnOutcome): string {
  return 'reason' in outcome ? outcome.reason : 'issued';
}

async function challengeFor({ chain, address }: TestWallet, scene: Scene = {}): Promise<string> {
  const outcome = await deskOf(scene).forWallet({ method: 'turn_challenge', params: { chain, address } }, PLACE);
  assert.ok('result' in outcome && 'message' in outcome.result);
  return outcome.result.message;
}

async function redeem(message: string, signature: string, scene: Scene = {}): Promise<TurnOutcome> {
  return await deskOf(scene).forWallet({ method: 'turn_redeem', params: { message, signature } }, PLACE);
}

describe('TU2: credentials for coturn', () => {
  it('are a time and something random, under a MAC that coturn can make too', async () => {
    const names = new Set<string>();
    for (let i = 0; i < 4; i++) {
      const outcome = await deskOf({ settings: REST }).forToken('a room');
      assert.ok('result' in outcome && 'ice_servers' in outcome.result);
      const { ice_servers, ttl_s } = outcome.result;
      assert.deepEqual([ice_servers.length, ttl_s], [1, 3600]);
      const [server] = ice_servers;
      assert.deepEqual(parseIceServer(server), server);
      const { urls, username = '', credential } = server ?? assert.fail('no server');
      assert.deepEqual(urls, URLS);
      assert.match(username, new RegExp(`^${NOW_MS / 1000 + 3600}:[0-9a-f]{24}$`));
      assert.equal(credential, createHmac('sha1', SECRET).update(username).digest('base64'));
      names.add(username);
    }
    assert.equal(names.size, 4, 'no two have a name in common');
  });
});

describe('TU1, LM18: for a token', () => {
  it('each room is issued so many, whatever the others ask for', async () => {
    const memory = turnMemory();
    const ask = async (room: string, nowMs = NOW_MS): Promise<string> =>
      reasonOf(await deskOf({ settings: REST, memory, nowMs }).forToken(room));
    for (let i = 0; i < TURN_ROOM_BURST; i++) assert.equal(await ask('busy'), 'issued');
    assert.equal(await ask('busy'), 'rate-limited');
    assert.equal(await ask('quiet'), 'issued');
    for (let i = 0; i < TURN_ROOM_PER_S; i++) assert.equal(await ask('busy', NOW_MS + 1000), 'issued');
    assert.equal(await ask('busy', NOW_MS + 1000), 'rate-limited');
  });

  it('all rooms together as well, however many there are; and memory stays bounded', () => {
    const limits = new TurnLimits();
    let issued = 0;
    for (let i = 0; i < 20_000; i++) if (limits.takeForRoom(`room ${i}`, NOW_MS)) issued++;
    assert.equal(issued, TURN_ALL_BURST);
  });

  it('TU5: nothing is issued where the operator wants a wallet, nor to a wallet where he does not', async () => {
    assert.equal(reasonOf(await deskOf({ settings: WALLET }).forToken('a room')), 'wallet-required');
    const { chain, address } = SUI;
    const outcome = await deskOf({ settings: REST }).forWallet(
      { method: 'turn_challenge', params: { chain, address } },
      PLACE,
    );
    assert.equal(reasonOf(outcome), 'method-not-found');
  });
});

describe('TU5–TU7: for a wallet', () => {
  const wallets = [ETHEREUM, ...SUI_SCHEMES.map((scheme) => suiWallet(scheme, key(3)))];
  for (const [index, wallet] of wallets.entries()) {
    it(`of ${wallet.chain} (${index}): a signed challenge is redeemed once`, async () => {
      const memory = turnMemory();
      const message = await challengeFor(wallet, { memory });
      const read = parseTurnMessage(message);
      assert.equal(read?.address.toLowerCase(), wallet.address);
      assert.deepEqual([read?.origin, read?.uri], [PLACE.origin, PLACE.uri]);
      const signature = wallet.sign(message);
      assert.equal(reasonOf(await redeem(message, signature, { memory })), 'issued');
      assert.equal(reasonOf(await redeem(message, signature, { memory })), 'wallet-refused');
      // TU9: another instance of the Worker has not seen it; there it is good once more, until it expires
      assert.equal(reasonOf(await redeem(message, signature)), 'issued');
      const lateMs = NOW_MS + CHALLENGE_LIFE_S * 1000;
      assert.equal(reasonOf(await redeem(message, signature, { nowMs: lateMs })), 'wallet-refused');
    });
  }

  it('nothing of room, peer or wallet is in what is issued', async () => {
    const message = await challengeFor(SUI);
    const outcome = await redeem(message, SUI.sign(message));
    assert.ok('result' in outcome);
    const text = JSON.stringify(outcome.result);
    for (const secret of [SUI.address.slice(2), SECRET]) assert.ok(!text.includes(secret));
  });

  it('a challenge is good for its page, its relay and its wallet alone', async () => {
    const message = await challengeFor(SUI);
    const signature = SUI.sign(message);
    const other = suiWallet('Ed25519', key(9));
    assert.equal(reasonOf(await redeem(message, other.sign(message))), 'wallet-refused');
    for (const place of [
      { ...PLACE, origin: 'https://other.example' },
      { ...PLACE, uri: 'https://other.example/turn' },
      undefined,
    ]) {
      const outcome = await deskOf().forWallet({ method: 'turn_redeem', params: { message, signature } }, place);
      assert.equal(reasonOf(outcome), 'wallet-refused');
    }
    const elsewhere = { ...WALLET, issuer: { type: 'rest', urls: URLS, secret: `${SECRET}x` } } as const;
    assert.equal(reasonOf(await redeem(message, signature, { settings: elsewhere })), 'wallet-refused');
    assert.equal(reasonOf(await redeem(message, signature, { nowMs: NOW_MS - 60_000 })), 'wallet-refused');
  });

  it('whoever writes a challenge himself, or changes ours, is refused however well he signs it', async () => {
    const message = await challengeFor(SUI);
    const changes: readonly string[] = [
      message.replace('page.example', 'evil.example'),
      message.replace(/Nonce: ./, (found) => (found.endsWith('0') ? 'Nonce: 1' : 'Nonce: 0')),
      message.replace(/.\nIssued/, (found) => (found.startsWith('0') ? '1\nIssued' : '0\nIssued')),
      message.replace(/\d\.000Z$/, (found) => `${(Number(found[0]) + 1) % 10}.000Z`),
      message.replace(/Nonce: .*/, `Nonce: ${'0'.repeat(64)}`),
      message.replace(/Nonce: .*/, 'Nonce: 00'),
      message.replace(SUI.address, suiWallet('Ed25519', key(9)).address),
      `${message} `,
    ];
    for (const changed of changes) {
      assert.notEqual(changed, message);
      assert.equal(reasonOf(await redeem(changed, SUI.sign(changed))), 'wallet-refused', changed);
    }
  });

  it('survives fuzzed challenges and signatures, and issues for none of them', async () => {
    const random = new Random(5);
    const memory = turnMemory();
    const message = await challengeFor(SUI, { memory });
    const signature = SUI.sign(message);
    for (let i = 0; i < 3_000; i++) {
      const text = random.chance(0.5) ? brokenText(random, [message]) : message;
      const signed = text === message ? brokenText(random, [signature]) : signature;
      if (text === message && signed === signature) continue;
      // a memory of its own: neither a limit nor what was tried before answers in their stead
      const outcome = await redeem(text, signed, { memory: turnMemory() });
      assert.equal(reasonOf(outcome), 'wallet-refused', `${i}: ${text} ${signed}`);
    }
    assert.equal(reasonOf(await redeem(message, signature, { memory })), 'issued');
  });

  it('LM19: each wallet is issued so many, and so many signatures are looked at', async () => {
    const memory = turnMemory();
    const ask = async (wallet: TestWallet, nowMs: number): Promise<string> => {
      const message = await challengeFor(wallet, { memory, nowMs });
      return reasonOf(await redeem(message, wallet.sign(message), { memory, nowMs }));
    };
    for (let i = 0; i < TURN_WALLET_BURST; i++) assert.equal(await ask(SUI, NOW_MS), 'issued');
    assert.equal(await ask(SUI, NOW_MS), 'rate-limited');
    assert.equal(await ask(ETHEREUM, NOW_MS), 'issued');
    assert.equal(await ask(SUI, NOW_MS + TURN_WALLET_EVERY_MS), 'issued');

    const crowd = turnMemory();
    const strangers = Array.from({ length: Math.ceil(TURN_CHECKS_BURST / CHALLENGE_TRIES) }, () =>
      challengeFor(ETHEREUM, { memory: crowd }),
    );
    const forged = SUI.sign('forged');
    let checks = 0;
    for (const text of await Promise.all(strangers)) {
      for (let i = 0; i < CHALLENGE_TRIES && checks < TURN_CHECKS_BURST; i++, checks++) {
        assert.equal(reasonOf(await redeem(text, forged, { memory: crowd })), 'wallet-refused');
      }
    }
    const message = await challengeFor(SUI, { memory: crowd });
    assert.equal(reasonOf(await redeem(message, SUI.sign(message), { memory: crowd })), 'rate-limited');
    // what is no challenge of ours is not looked at, and costs nothing
    assert.equal(reasonOf(await redeem(`${message} `, forged, { memory: crowd })), 'wallet-refused');
  });

  it('TU9, LM19: attack: a challenge is spent at its third bad signature, and costs no more checks than that', async () => {
    const memory = turnMemory();
    const message = await challengeFor(SUI, { memory });
    const forged = ETHEREUM.sign(message);
    const other = await challengeFor(SUI, { memory });
    for (let i = 1; i < CHALLENGE_TRIES; i++) {
      assert.equal(reasonOf(await redeem(other, forged, { memory })), 'wallet-refused');
    }
    for (let i = 0; i < 2 * TURN_CHECKS_BURST; i++) {
      assert.equal(reasonOf(await redeem(message, forged, { memory })), 'wallet-refused');
    }
    assert.equal(reasonOf(await redeem(message, SUI.sign(message), { memory })), 'wallet-refused', 'spent');
    assert.equal(reasonOf(await redeem(other, SUI.sign(other), { memory })), 'issued', 'one try was left');
  });

  it('LM18: attack: who only asks for challenges uses up none of what is issued', async () => {
    const memory = turnMemory();
    const message = await challengeFor(SUI, { memory });
    const { chain, address } = ETHEREUM;
    const ask = async (nowMs = NOW_MS): Promise<string> =>
      reasonOf(
        await deskOf({ memory, nowMs }).forWallet({ method: 'turn_challenge', params: { chain, address } }, PLACE),
      );
    for (let i = 1; i < TURN_CHALLENGES_BURST; i++) assert.equal(await ask(), 'issued');
    assert.equal(await ask(), 'rate-limited');
    assert.equal(reasonOf(await redeem(message, SUI.sign(message), { memory })), 'issued');
    assert.equal(reasonOf(await deskOf({ settings: REST, memory }).forToken('a room')), 'issued');
    assert.equal(await ask(NOW_MS + 1000), 'issued');
  });

  it('TU8: is asked for its stake only once it has signed, and issued nothing where it is too low or unknown', async () => {
    const asked: string[] = [];
    const message = await challengeFor(SUI);
    const stakes: readonly (readonly [StakeCheck, string])[] = [
      [async () => true, 'issued'],
      [async () => false, 'stake-too-low'],
      [() => Promise.reject(new Error(SECRET)), 'unavailable'],
    ];
    for (const [check, expected] of stakes) {
      const stake: StakeCheck = (wallet) => {
        asked.push(wallet.address);
        return check(wallet);
      };
      assert.equal(reasonOf(await redeem(message, ETHEREUM.sign(message), { stake })), 'wallet-refused');
      assert.equal(reasonOf(await redeem(message, SUI.sign(message), { stake })), expected);
    }
    assert.deepEqual(asked, [SUI.address, SUI.address, SUI.address]);
  });
});

describe('hosts that the issuer asks', () => {
  let host: JsonServer;
  before(async () => {
    host = await startJsonServer();
  });
  afterEach(() => {
    host.asked.length = 0;
  });
  after(() => host?.close());

  const failures: readonly (readonly [string, Answering])[] = [
    ['an error', (response) => response.writeHead(500).end('{}')],
    ['a refusal', (response) => response.writeHead(401).end('{}')],
    ['a redirect', (response) => response.writeHead(307, { Location: `${host.url}/elsewhere` }).end('{}')],
    ['no JSON', (response) => response.end('<html>')],
    ['nothing', (response) => response.end()],
    ['no UTF-8', (response) => response.end(Buffer.of(0x22, 0xff, 0x22))],
    ['too much', (response) => response.end(JSON.stringify('x'.repeat(OUTSIDE_TEXT_MAX)))],
    [
      'half an answer',
      (response) => response.writeHead(200, { 'Content-Length': '10' }).write('{}', () => response.destroy()),
    ],
  ];
  for (const [what, answering] of failures) {
    it(`LM20: that answer with ${what} have not answered`, async () => {
      host.answer = answering;
      const asking = askOutside({ url: host.url, body: {}, headers: { Authorization: SECRET }, fetch });
      await assert.rejects(asking, (error: Error) => error.message === 'turn: no answer from outside' && !error.cause);
      assert.equal(host.asked.length, 1, 'asked once, and nobody else');
    });
  }

  it('LM20: that do not answer in time, or are not there, have not answered', async () => {
    host.answer = () => undefined;
    const slow = askOutside({ url: host.url, body: {}, fetch, timeoutMs: 60 });
    await assert.rejects(slow, /^Error: turn: no answer from outside$/);
    host.answer = (response: Parameters<Answering>[0]) => response.writeHead(200).write('{"a":');
    await assert.rejects(askOutside({ url: host.url, body: {}, fetch, timeoutMs: 60 }), /no answer/);
    await assert.rejects(askOutside({ url: 'http://127.0.0.1:1', body: {}, fetch }), /no answer/);
  });

  describe('TU3: Cloudflare’s API', () => {
    const issuer = { type: 'cloudflare', keyId: 'key-0123', apiToken: 'token-of-cloudflare' } as const;
    const here = (url: string, init: RequestInit): Promise<Response> => {
      assert.ok(url.startsWith(`${API_ORIGIN}/`));
      return fetch(url.replace(API_ORIGIN, host.url), init);
    };
    /** As its documentation shows it. */
    const documented = {
      iceServers: [
        { urls: ['stun:stun.cloudflare.com:3478', 'stun:stun.cloudflare.com:53'] },
        {
          urls: [
            'turn:turn.cloudflare.com:3478?transport=udp',
            'turn:turn.cloudflare.com:53?transport=udp',
            'turn:turn.cloudflare.com:3478?transport=tcp',
            'turn:turn.cloudflare.com:80?transport=tcp',
            'turns:turn.cloudflare.com:5349?transport=tcp',
            'turns:turn.cloudflare.com:443?transport=tcp',
          ],
          username: 'name',
          credential: 'password',
        },
      ],
    };

    it('is asked with the key, and told how long and nothing else; its answer goes on without port 53', async () => {
      host.answer = documented;
      const settings = { ...REST, issuer };
      const desk = new TurnDesk({ settings, memory: turnMemory(), nowMs: NOW_MS, fetch: here });
      const outcome = await desk.forToken('a room');
      assert.ok('result' in outcome && 'ice_servers' in outcome.result);
      const [stun, turn, ...rest] = outcome.result.ice_servers;
      assert.deepEqual(stun, { urls: ['stun:stun.cloudflare.com:3478'] });
      assert.deepEqual([turn?.username, turn?.credential, turn?.urls.length], ['name', 'password', 5]);
      assert.ok(!turn?.urls.some((url) => url.includes(':53?')));
      assert.deepEqual(rest, []);
      const [asked] = host.asked;
      assert.equal(asked?.path, '/v1/turn/keys/key-0123/credentials/generate-ice-servers');
      assert.equal(asked?.headers.authorization, 'Bearer token-of-cloudflare');
      assert.equal(asked?.body, '{"ttl":3600}');
    });

    it('that gives no TURN server leaves the client without', async () => {
      const [stun, turn] = documented.iceServers;
      for (const answer of [
        {},
        [],
        { iceServers: [] },
        { iceServers: [stun] },
        { iceServers: [{ ...turn, credential: '' }] },
        { iceServers: 'x' },
        null,
      ]) {
        host.answer = answer;
        const settings = { ...REST, issuer };
        const desk = new TurnDesk({ settings, memory: turnMemory(), nowMs: NOW_MS, fetch: here });
        assert.equal(reasonOf(await desk.forToken('a room')), 'unavailable', JSON.stringify(answer));
      }
      // before it was a list
      host.answer = { iceServers: turn };
      assert.equal((await cloudflareServers(issuer, 600, here)).length, 1);
    });

    it('survives fuzzing', async () => {
      const random = new Random(8);
      for (let i = 0; i < 2_000; i++) {
        const text = brokenText(random, [JSON.stringify(documented)]);
        const answer = (): Promise<Response> => Promise.resolve(new Response(text));
        const servers = await cloudflareServers(issuer, 600, answer).catch(() => undefined);
        for (const server of servers ?? []) assert.deepEqual(parseIceServer(server), server, text);
      }
    });
  });

  describe('TU8: a Sui node', () => {
    const stake = (status: string, principal: string): object => ({
      stakedSuiId: '0x1',
      stakeRequestEpoch: '62',
      stakeActiveEpoch: '63',
      principal,
      status,
    });
    const validator = (...stakes: object[]): object => ({ validatorAddress: '0x2', stakingPool: '0x3', stakes });
    const ask = (minimum: bigint, coinType?: string): Promise<boolean> =>
      suiStakeCheck({ rpcUrl: `${host.url}/key`, minimum, coinType }, fetch)(SUI);

    it('is asked what the address has staked; what was taken back does not count', async () => {
      const result = [
        validator(stake('Active', '200'), stake('Unstaked', '5000')),
        validator(stake('Pending', '11')),
        validator(),
      ];
      host.answer = { jsonrpc: '2.0', id: 1, result };
      assert.deepEqual([await ask(211n), await ask(212n)], [true, false]);
      const [asked] = host.asked;
      assert.equal(asked?.path, '/key');
      assert.deepEqual(JSON.parse(asked?.body ?? ''), {
        jsonrpc: '2.0',
        id: 1,
        method: 'suix_getStakes',
        params: [SUI.address],
      });
      host.answer = { jsonrpc: '2.0', id: 1, result: [] };
      assert.equal(await ask(1n), false);
    });

    it('or is asked what it has of a coin', async () => {
      const coin = `0x${'0'.repeat(63)}2::sui::SUI`;
      host.answer = {
        jsonrpc: '2.0',
        id: 1,
        result: { coinType: coin, coinObjectCount: 2, totalBalance: '18446744073709551616' },
      };
      assert.deepEqual(
        [await ask(2n ** 64n, '0x2::sui::SUI'), await ask(2n ** 64n + 1n, '0x2::sui::SUI')],
        [true, false],
      );
      assert.deepEqual(JSON.parse(host.asked[0]?.body ?? '').params, [SUI.address, '0x2::sui::SUI']);
      await assert.rejects(ask(1n, '0x2::other::COIN'), /no answer about the stake/);
    });

    it('is not asked about an Ethereum account, which has nothing there', async () => {
      const check = suiStakeCheck({ rpcUrl: host.url, minimum: 1n, coinType: undefined }, fetch);
      assert.equal(await check(ETHEREUM), false);
      assert.deepEqual(host.asked, []);
    });

    it('that answers with an error, or with what is no answer, has not answered', async () => {
      const good = validator(stake('Active', '200'));
      const results: readonly unknown[] = [
        undefined,
        null,
        {},
        'x',
        [{}],
        [validator({ principal: '1' })],
        [validator(stake('Active', '-1'))],
        [validator(stake('Active', '1e9'))],
        [good, null],
        Array.from({ length: 1001 }, () => ({ stakes: [] })),
      ];
      for (const result of results) {
        host.answer = { jsonrpc: '2.0', id: 1, result };
        await assert.rejects(ask(1n), /no answer about the stake/, JSON.stringify(result)?.slice(0, 80));
      }
      for (const answer of [
        { jsonrpc: '2.0', id: 1, error: { code: -32602, message: 'x' } },
        { id: 2, result: [good] },
        [],
      ]) {
        host.answer = answer;
        await assert.rejects(ask(1n), /no answer about the stake/);
      }
    });

    it('survives fuzzing', async () => {
      const random = new Random(9);
      const sample = JSON.stringify({ jsonrpc: '2.0', id: 1, result: [validator(stake('Active', '200'))] });
      const verdicts = new Map<unknown, number>();
      for (let i = 0; i < 5_000; i++) {
        const text = brokenText(random, [sample]);
        const answer = (): Promise<Response> => Promise.resolve(new Response(text));
        const check = suiStakeCheck({ rpcUrl: host.url, minimum: 100n, coinType: undefined }, answer);
        const verdict = await check(SUI).catch(() => 'unknown');
        verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
      }
      assert.ok((verdicts.get(true) ?? 0) > 100 && (verdicts.get('unknown') ?? 0) > 100, JSON.stringify([...verdicts]));
    });
  });
});
