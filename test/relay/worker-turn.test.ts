/** TU1–TU9 from end to end: the relay on its runtime issues, and the real coturn, as operators are to run it, takes or refuses. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { HTTP_CALLS_BURST } from '../../relay-worker/limits.ts';
import { TURN_ROOM_BURST } from '../../relay-worker/turn-limits.ts';
import { RPC_ERRORS } from '../../src/engine/protocol/errors.ts';
import type { RpcErrorReason } from '../../src/engine/protocol/errors.ts';
import type { RelayMessage } from '../../src/engine/protocol/relay.ts';
import {
  TURN_PATH,
  formatTurnRequest,
  parseIssuedServers,
  parseTurnChallenge,
} from '../../src/engine/protocol/turn.ts';
import type { IssuedServers, TurnWalletRequest } from '../../src/engine/protocol/turn.ts';
import { parseTurnMessage } from '../../src/engine/protocol/turn-message.ts';
import { startCoturn } from '../helpers/coturn.ts';
import type { Coturn } from '../helpers/coturn.ts';
import { startJsonServer } from '../helpers/json-server.ts';
import type { JsonServer } from '../helpers/json-server.ts';
import { Random } from '../helpers/random.ts';
import { bearer, postCall, postFrom } from '../helpers/relay-calls.ts';
import type { CallResponse } from '../helpers/relay-calls.ts';
import { enter } from '../helpers/relay-client.ts';
import { startRelayProcess } from '../helpers/relay-process.ts';
import type { RelayProcess } from '../helpers/relay-process.ts';
import { codeBlocks } from '../helpers/relay-document.ts';
import { createTestRoom, signToken, testClaims } from '../helpers/tokens.ts';
import type { TestRoom } from '../helpers/tokens.ts';
import { allocateOnce } from '../helpers/turn-client.ts';
import type { Login } from '../helpers/turn-client.ts';
import { ethereumWallet, suiWallet } from '../helpers/wallets.ts';
import type { TestWallet } from '../helpers/wallets.ts';

const PAGE = 'https://page.example';
/** OP1: of a relay as it is delivered. */
const HEALTHY = { ok: true, protocol: 'tai.1', mailbox: false, counters: false };
const ASK = formatTurnRequest({ method: 'turn_credentials', params: {} }, 1);
/** Before `welcome` has said whether there are any. */
const ASK_EARLY = formatTurnRequest({ method: 'turn_credentials', params: { if_any: true } }, 1);
const NONE = { ice_servers: [], ttl_s: 0 };
const SUI = suiWallet('Ed25519', new Random(1).bytes(32));
const POOR = suiWallet('Secp256k1', new Random(2).bytes(32));
const ETHEREUM = ethereumWallet(new Random(3).bytes(32));

let coturn: Coturn;

before(async () => {
  coturn = await startCoturn();
});

after(() => coturn?.stop());

function settings(coturn: Coturn): Record<string, string> {
  return { TURN_URLS: JSON.stringify(coturn.urls), TURN_SECRET: coturn.secret, TURN_TTL_S: '600' };
}

function issuedIn(message: RelayMessage | undefined): IssuedServers {
  const issued = message?.type === 'result' ? parseIssuedServers(message.result) : undefined;
  return issued ?? assert.fail(JSON.stringify(message));
}

function loginIn({ ice_servers: [server] }: IssuedServers): Login {
  const { username, credential } = server ?? assert.fail('no server');
  return { username: username ?? '', credential: credential ?? '' };
}

function assertRefused(
  { status, message }: Pick<CallResponse, 'status' | 'message'>,
  expected: number,
  reason: RpcErrorReason,
  id: unknown = 1,
): void {
  assert.deepEqual([status, message], [expected, { type: 'error', id, code: RPC_ERRORS[reason], reason }]);
}

function exampleWith(word: string): string {
  return codeBlocks('js').find((block) => block.includes(word)) ?? assert.fail(`no example with ${word}`);
}

/** The example with its free names given, against this relay. */
async function runExample(
  code: string,
  url: string,
  given: Readonly<Record<string, unknown>>,
): Promise<{ readonly ice_servers: unknown; readonly ttl_s: unknown }> {
  const directory = await mkdtemp(join(tmpdir(), 'tai-example-'));
  try {
    const path = join(directory, 'example.mjs');
    const body = code.replaceAll('https://relay.example.com', url);
    const names = Object.keys(given).join(', ');
    await writeFile(path, `export async function run({ ${names} }) {\n${body}return { ice_servers, ttl_s };\n}\n`);
    const { run } = (await import(pathToFileURL(path).href)) as {
      readonly run: (given: object) => Promise<{ readonly ice_servers: unknown; readonly ttl_s: unknown }>;
    };
    return await run(given);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** TU10: who asks on the chance of it hears of none, and of no error. */
async function assertNone(relayUrl: string, room: TestRoom): Promise<void> {
  const { status, message } = await postCall(relayUrl, ASK_EARLY, await bearer(room));
  assert.deepEqual([status, message?.type === 'result' && message.result], [200, NONE]);
}

describe('TU1, TU2: to whom the relay has admitted', () => {
  let relay: RelayProcess;
  before(async () => {
    relay = await startRelayProcess({ runtime: 'workerd', vars: settings(coturn) });
  });
  after(() => relay?.stop());

  it('it says in `welcome` that it issues, and what it issues coturn takes', async () => {
    const room = await createTestRoom();
    const guest = await enter(relay.url, room);
    assert.equal(guest.welcome.turn, 'token');
    const answer = await postCall(relay.url, ASK, await bearer(room, { peerId: guest.peerId }));
    const issued = issuedIn(answer.message);
    issuedIn((await postCall(relay.url, ASK_EARLY, await bearer(room))).message);
    assert.deepEqual([answer.status, issued.ttl_s, issued.ice_servers[0]?.urls], [200, 600, coturn.urls]);
    assert.equal(answer.headers.get('Cache-Control'), 'no-store');
    const login = loginIn(issued);
    assert.equal(await allocateOnce(coturn.port, login), 0);
    await guest.client.close();
  });

  it('as docs/relay-api.md shows it', async () => {
    const room = await createTestRoom();
    const example = exampleWith('turn_credentials');
    const token = await signToken(room, testClaims(room));
    const { ice_servers, ttl_s } = await runExample(example, relay.url, { token, fetch });
    assert.deepEqual(parseIssuedServers({ ice_servers, ttl_s })?.ice_servers[0]?.urls, coturn.urls);
  });

  it('coturn takes no other password, no other name, and none longer than it was good for', async () => {
    const room = await createTestRoom();
    const login = loginIn(issuedIn((await postCall(relay.url, ASK, await bearer(room))).message));
    const [time = '', random = ''] = login.username.split(':');
    const changed = (at: number): string => (login.credential[at] === 'A' ? 'B' : 'A');
    const forged: readonly Login[] = [
      { ...login, credential: changed(0) + login.credential.slice(1) },
      { ...login, username: `${Number(time) + 1}:${random}` },
      { ...login, username: `${time}:${random}0` },
      { ...login, username: time },
    ];
    for (const each of forged) assert.equal(await allocateOnce(coturn.port, each), 401, each.username);
    assert.equal(await allocateOnce(coturn.port, login), 0);
  });

  it('without a good token there is nothing, and no more than that is said', async () => {
    const room = await createTestRoom();
    assertRefused(await postCall(relay.url, ASK), 401, 'token-invalid', null);
    assertRefused(await postCall(relay.url, ASK, await bearer(room, { iatS: 1 })), 401, 'token-expired', null);
    const silent = await postCall(relay.url, ASK.replace('"id":1,', ''), await bearer(room));
    assert.deepEqual([silent.status, silent.text], [204, '']);
    const odd = await postCall(relay.url, ASK.replace('{}', '7'), await bearer(room));
    assertRefused(odd, 400, 'invalid-params');
  });

  it('the room is not asked: its own limit of calls (LM11) is not touched, and the socket knows no such method', async () => {
    const room = await createTestRoom();
    assert.ok(TURN_ROOM_BURST > HTTP_CALLS_BURST);
    for (let i = 0; i <= HTTP_CALLS_BURST; i++) {
      assert.equal((await postCall(relay.url, ASK, await bearer(room))).status, 200, `call ${i}`);
    }
    const guest = await enter(relay.url, room);
    guest.client.send(ASK);
    const answer = await guest.client.answer(1);
    assert.equal(answer.type === 'error' && answer.reason, 'method-not-found');
    await guest.client.close();
  });

  it('LM18: a room that asks without end is told to wait, and the next one is not', async () => {
    const [busy, quiet] = [await createTestRoom(), await createTestRoom()];
    let last = await postCall(relay.url, ASK, await bearer(busy));
    for (let i = 0; i < 4 * TURN_ROOM_BURST && last.status === 200; i++) {
      last = await postCall(relay.url, ASK, await bearer(busy));
    }
    assertRefused(last, 429, 'rate-limited');
    assert.equal(last.headers.get('Retry-After'), '1');
    assert.equal((await postCall(relay.url, ASK, await bearer(quiet))).status, 200);
  });

  it('TU5: wallets are nothing to it', async () => {
    const { chain, address } = SUI;
    const text = formatTurnRequest({ method: 'turn_challenge', params: { chain, address } }, 1);
    assertRefused(await postFrom(PAGE, relay.url + TURN_PATH, text), 400, 'method-not-found');
  });

  it('TU4: `/healthz` says that it issues; no secret and no name is in anything that was written', async () => {
    const health = await fetch(`${relay.url}/healthz`);
    assert.deepEqual(await health.json(), { ...HEALTHY, turn: 'token', warnings: 'turn-for-anybody' });
    for (const secret of [coturn.secret, '127.0.0.1:3478']) assert.ok(!relay.output().includes(secret));
    assert.equal(relay.output().trim(), '');
  });
});

describe('TU5–TU9: to wallets', () => {
  let relay: RelayProcess;
  let node: JsonServer;
  before(async () => {
    node = await startJsonServer();
    const stake = { TURN_REQUIRES: 'wallet', STAKE_RPC_URL: `${node.url}/key-of-the-node`, STAKE_MINIMUM: '1000' };
    relay = await startRelayProcess({ runtime: 'workerd', vars: { ...settings(coturn), ...stake } });
    node.answer = { jsonrpc: '2.0', id: 1, result: [{ stakes: [{ principal: '1000', status: 'Active' }] }] };
  });
  after(async () => {
    await relay?.stop();
    await node?.close();
  });

  async function ask(request: TurnWalletRequest, origin: string | undefined = PAGE): Promise<CallResponse> {
    const { status, headers, message } = await postFrom(origin, relay.url + TURN_PATH, formatTurnRequest(request, 1));
    return { status, headers, message, text: '' };
  }

  async function challengeFor({ chain, address }: TestWallet): Promise<string> {
    const { message } = await ask({ method: 'turn_challenge', params: { chain, address } });
    const challenge = message?.type === 'result' ? parseTurnChallenge(message.result) : undefined;
    return challenge?.message ?? assert.fail(JSON.stringify(message));
  }

  it('a token is not enough, and `welcome` says so', async () => {
    const room = await createTestRoom();
    const guest = await enter(relay.url, room);
    assert.equal(guest.welcome.turn, 'wallet');
    assertRefused(await postCall(relay.url, ASK, await bearer(room)), 403, 'wallet-required');
    await assertNone(relay.url, room);
    assertRefused(await postCall(relay.url, ASK), 401, 'token-invalid', null);
    await guest.client.close();
  });

  it('a signed challenge is enough for one that has the stake: coturn takes what it is issued', async () => {
    const message = await challengeFor(SUI);
    const read = parseTurnMessage(message);
    assert.deepEqual([read?.origin, read?.uri, read?.address], [PAGE, relay.url + TURN_PATH, SUI.address]);
    const redeem: TurnWalletRequest = { method: 'turn_redeem', params: { message, signature: SUI.sign(message) } };
    assertRefused(await ask(redeem, 'https://other.example'), 403, 'wallet-refused');
    assert.equal(node.asked.length, 0, 'nobody is asked about a wallet that has not signed for this page');
    const answer = await ask(redeem);
    assert.equal(answer.headers.get('Access-Control-Allow-Origin'), '*');
    assert.equal(await allocateOnce(coturn.port, loginIn(issuedIn(answer.message))), 0);
    assert.equal(node.asked[0]?.path, '/key-of-the-node');
    assertRefused(await ask(redeem), 403, 'wallet-refused');
  });

  it('as docs/relay-api.md shows it', async () => {
    const example = exampleWith('turn_challenge');
    // a browser says by itself where a page is
    const fetchOfPage = (url: string, init: RequestInit): Promise<Response> =>
      fetch(url, { ...init, headers: { ...init.headers, Origin: PAGE } });
    const { address, sign } = SUI;
    const { ice_servers, ttl_s } = await runExample(example, relay.url, { address, sign, fetch: fetchOfPage });
    assert.equal(parseIssuedServers({ ice_servers, ttl_s })?.ttl_s, 600);
  });

  it('one that has too little is told so; where the node does not say, nothing is issued', async () => {
    const [before] = [node.answer];
    for (const [answer, status, reason] of [
      [{ jsonrpc: '2.0', id: 1, result: [] }, 403, 'stake-too-low'],
      [{ jsonrpc: '2.0', id: 1, error: { code: 1, message: 'SECRET' } }, 503, 'unavailable'],
    ] as const) {
      node.answer = answer;
      const message = await challengeFor(POOR);
      const redeem: TurnWalletRequest = { method: 'turn_redeem', params: { message, signature: POOR.sign(message) } };
      assertRefused(await ask(redeem), status, reason);
    }
    node.answer = before;
    const message = await challengeFor(ETHEREUM);
    const signature = ETHEREUM.sign(message);
    assertRefused(await ask({ method: 'turn_redeem', params: { message, signature } }), 403, 'stake-too-low');
  });

  it('what is no such call is answered as everywhere; a request that names no page is refused', async () => {
    const url = relay.url + TURN_PATH;
    assertRefused(await postFrom(PAGE, url, 'x'), 400, 'parse-error', null);
    assertRefused(await postFrom(PAGE, url, '[]'), 400, 'invalid-request', null);
    assertRefused(await postFrom(PAGE, url, ASK), 400, 'method-not-found');
    assertRefused(await postFrom(PAGE, url, ' '.repeat(65 * 1024)), 413, 'too-large', null);
    const { chain, address } = SUI;
    for (const origin of ['null', undefined]) {
      const text = formatTurnRequest({ method: 'turn_challenge', params: { chain, address } }, 1);
      assertRefused(await postFrom(origin, url, text), 403, 'wallet-refused');
    }
    const get = await fetch(url);
    assert.deepEqual([get.status, get.headers.get('Allow')], [405, 'POST, OPTIONS']);
    const preflight = await fetch(url, { method: 'OPTIONS', headers: { Origin: PAGE } });
    assert.deepEqual([preflight.status, preflight.headers.get('Access-Control-Allow-Origin')], [204, '*']);
  });

  it('nothing of secrets, wallets or nodes is in anything that was written', () => {
    assert.equal(relay.output().trim(), '');
  });
});

describe('TU4: a relay', () => {
  it('whose settings are none issues none, and says nothing of it', async () => {
    const relay = await startRelayProcess({ runtime: 'workerd' });
    try {
      const room = await createTestRoom();
      const guest = await enter(relay.url, room);
      assert.equal(guest.welcome.turn, undefined);
      assertRefused(await postCall(relay.url, ASK, await bearer(room)), 400, 'method-not-found');
      await assertNone(relay.url, room);
      const health = await fetch(`${relay.url}/healthz`);
      assert.deepEqual(await health.json(), HEALTHY);
      await guest.client.close();
    } finally {
      await relay.stop();
    }
  });

  it('whose settings are wrong issues none, tells its operator which, and nobody what it holds', async () => {
    const secret = 'too-short-a-secret';
    const relay = await startRelayProcess({ runtime: 'workerd', vars: { ...settings(coturn), TURN_SECRET: secret } });
    try {
      const room = await createTestRoom();
      const guest = await enter(relay.url, room);
      assert.equal(guest.welcome.turn, undefined);
      const answer = await postCall(relay.url, ASK, await bearer(room));
      assertRefused(answer, 503, 'unavailable');
      const health = await (await fetch(`${relay.url}/healthz`)).text();
      assert.deepEqual(JSON.parse(health), { ...HEALTHY, turn: 'bad TURN_SECRET' });
      for (const text of [answer.text, health, relay.output()]) assert.ok(!text.includes(secret));
      await guest.client.close();
    } finally {
      await relay.stop();
    }
  });
});
