/** RL20, LM11 on the runtime itself: calls over HTTP, good and hostile. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { HTTP_CALLS_BURST } from '../../relay-worker/limits.ts';
import { RPC_ERRORS } from '../../src/engine/protocol/errors.ts';
import type { RpcErrorReason } from '../../src/engine/protocol/errors.ts';
import { RELAY_RPC_PATH, RELAY_TEXT_MAX, formatRequest, parseHandedBundle } from '../../src/engine/protocol/relay.ts';
import type { ClientRequest } from '../../src/engine/protocol/relay.ts';
import { TOKEN_NONCE_BYTES, TOKEN_SUBPROTOCOL_PREFIX } from '../../src/engine/protocol/token.ts';
import { brokenText } from '../helpers/fuzz.ts';
import { Random } from '../helpers/random.ts';
import { codeBlocks, namesIn, tableUnder } from '../helpers/relay-document.ts';
import { bearer, callRelay, postCall, statusOfStream } from '../helpers/relay-calls.ts';
import type { CallResponse } from '../helpers/relay-calls.ts';
import { assertUsable, enter } from '../helpers/relay-client.ts';
import { startRelayProcess } from '../helpers/relay-process.ts';
import type { RelayProcess } from '../helpers/relay-process.ts';
import { createTestRoom, randomPeerId, signToken, testClaims } from '../helpers/tokens.ts';
import type { TestRoom } from '../helpers/tokens.ts';
import { bundleOf, nth } from './room-stage.ts';

const FUZZ_ROOMS = 10;
const FUZZ_SEED = 11;

let relay: RelayProcess;

before(async () => {
  relay = await startRelayProcess({ runtime: 'workerd' });
});

after(async () => {
  await relay.stop();
});

function fetchIn(room: TestRoom, peer_id = randomPeerId()): ClientRequest {
  return { method: 'fetch_bundle', params: { room_id: room.roomId, peer_id } };
}

function assertRefused({ status, message }: CallResponse, expected: number, reason: RpcErrorReason, id: unknown): void {
  assert.deepEqual(
    { status, message },
    { status: expected, message: { type: 'error', id, code: RPC_ERRORS[reason], reason } },
  );
}

describe('a call over HTTP', () => {
  it('RL16, RL20: publishes for its peer, which has a socket, and hands out what the others have', async () => {
    const room = await createTestRoom();
    const [alice, bob] = [await enter(relay.url, room), await enter(relay.url, room)];
    const { head, one_time } = bundleOf('alice', 2);
    const publication: ClientRequest = { method: 'publish_bundle', params: { room_id: room.roomId, head, one_time } };
    const done = await callRelay(relay.url, room, { peerId: alice.peerId }, publication, 'p');
    assert.deepEqual([done.status, done.message], [200, { type: 'result', id: 'p', result: {} }]);
    assert.equal(done.headers.get('Content-Type'), 'application/json');
    assert.deepEqual(await bob.client.notification('bundle_published'), { peer_id: alice.peerId });

    const fetched = await callRelay(relay.url, room, { peerId: bob.peerId }, fetchIn(room, alice.peerId));
    assert.ok(fetched.message?.type === 'result');
    assert.deepEqual(fetched.message.result, { peer_id: alice.peerId, head, one_time: nth(one_time, 0) });
    const stranger = await callRelay(relay.url, room, {}, fetchIn(room, alice.peerId));
    assert.ok(stranger.message?.type === 'result');
    assert.deepEqual(parseHandedBundle(stranger.message.result), { head });
    const carol = await enter(relay.url, room);
    const brought = carol.welcome.peers.map((peer) => peer.bundle);
    assert.deepEqual(brought, [{ head, one_time: nth(one_time, 1) }, undefined]);

    await alice.client.close();
    await bob.client.notification('peer_left');
    assertRefused(await callRelay(relay.url, room, { peerId: alice.peerId }, publication), 200, 'peer-unknown', 1);
    assertRefused(await callRelay(relay.url, room, {}, fetchIn(room, alice.peerId)), 200, 'peer-unknown', 1);
    await Promise.all([bob.client.close(), carol.client.close()]);
  });

  it('RL20: is made as docs/relay-api.md shows it', async () => {
    const room = await createTestRoom();
    const [alice, bob] = [await enter(relay.url, room), await enter(relay.url, room)];
    const [example] = codeBlocks('js').filter((block) => block.includes(RELAY_RPC_PATH));
    assert.ok(example);
    const code = example.replace('https://relay.example.com', relay.url);
    const directory = await mkdtemp(join(tmpdir(), 'tai-example-'));
    try {
      const path = join(directory, 'example.mjs');
      await writeFile(
        path,
        `export async function run(token, room_id, peer_id) {\n${code}return { result, error };\n}\n`,
      );
      const { run } = (await import(pathToFileURL(path).href)) as {
        readonly run: (...parameters: readonly string[]) => Promise<{ readonly error?: { readonly message: string } }>;
      };
      const token = await signToken(room, testClaims(room, { peerId: alice.peerId }));
      assert.equal((await run(token, room.roomId, bob.peerId)).error?.message, 'no-bundle');
    } finally {
      await rm(directory, { recursive: true });
    }
    await Promise.all([alice.client.close(), bob.client.close()]);
  });

  it('RL20: says by its status what docs/relay-api.md says', async () => {
    const rows = tableUnder('Calls over HTTP').map(([status, when = '']) => [Number(status), namesIn(when)] as const);
    const documented = new Map(
      rows.flatMap(([status, reasons]) =>
        reasons.filter((name) => name in RPC_ERRORS).map((reason) => [reason, status] as const),
      ),
    );
    const room = await createTestRoom();
    const told = async (body: string, authorization?: string): Promise<void> => {
      const { status, message } = await postCall(relay.url, body, authorization);
      assert.ok(message?.type === 'error');
      assert.equal(status, documented.get(message.reason), message.reason);
      documented.delete(message.reason);
    };
    const call = formatRequest(fetchIn(room), 1);
    const guest = await enter(relay.url, room);
    await told(call);
    await told(call, await bearer(room, { iatS: 1 }));
    await told('x', await bearer(room));
    await told('[]', await bearer(room));
    await told(call.replace('fetch_bundle', 'encrypt'), await bearer(room));
    await told(call.replace('0x', '0X'), await bearer(room));
    await told(call.padEnd(RELAY_TEXT_MAX + 1), await bearer(room));
    await told(call, await bearer(await createTestRoom()));
    await told(call, await bearer(room));
    await told(formatRequest(fetchIn(room, guest.peerId), 1), await bearer(room));
    // what only a host or an operator's settings refuse: worker-door.test.ts; too fast, and not to be reached: not to be had here
    assert.deepEqual(
      [...documented],
      [
        ['jwt-invalid', 401],
        ['origin-refused', 403],
        ['not-admitted', 403],
        ['rate-limited', 429],
        ['unavailable', 503],
      ],
    );
    await guest.client.close();
  });

  it('RL20: to an empty room is answered, a notification with nothing', async () => {
    const room = await createTestRoom();
    assertRefused(await callRelay(relay.url, room, {}, fetchIn(room)), 200, 'peer-unknown', 1);
    const silent = await postCall(relay.url, formatRequest(fetchIn(room)), await bearer(room));
    assert.deepEqual([silent.status, silent.text], [204, '']);
  });

  it('RL20: is allowed to every origin, without cookies, and is kept by no cache', async () => {
    const room = await createTestRoom();
    const { headers } = await callRelay(relay.url, room, {}, fetchIn(room));
    const refusal = await postCall(relay.url, 'x');
    const preflight = await fetch(`${relay.url}${RELAY_RPC_PATH}`, {
      method: 'OPTIONS',
      headers: {
        Origin: 'https://page.example',
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization,content-type',
      },
    });
    assert.deepEqual([preflight.status, await preflight.text()], [204, '']);
    assert.equal(preflight.headers.get('Access-Control-Allow-Methods'), 'POST');
    assert.equal(preflight.headers.get('Access-Control-Allow-Headers'), 'Authorization, Content-Type, Tai-Jwt');
    for (const each of [headers, refusal.headers, preflight.headers]) {
      assert.equal(each.get('Access-Control-Allow-Origin'), '*');
      assert.equal(each.get('Access-Control-Allow-Credentials'), null);
      assert.equal(each.get('Set-Cookie'), null);
    }
    for (const each of [headers, refusal.headers]) {
      assert.equal(each.get('Cache-Control'), 'no-store');
      assert.equal(each.get('X-Content-Type-Options'), 'nosniff');
    }
  });

  it('RL20: is made by POST, at this one address', async () => {
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
      const response = await fetch(`${relay.url}${RELAY_RPC_PATH}`, { method });
      assert.deepEqual([response.status, response.headers.get('Allow')], [405, 'POST, OPTIONS']);
      assert.equal(((await response.json()) as { error: { message: string } }).error.message, 'invalid-request');
    }
    for (const path of ['/relay/rpc/', '/relay/rpcs', '/relay/encrypt', '/encrypt']) {
      const response = await fetch(`${relay.url}${path}`, { method: 'POST', body: '{}' });
      await response.text();
      // of the static files, which nothing can be posted to
      assert.ok([404, 405, 501].includes(response.status), `${path}: ${response.status}`);
    }
  });
});

describe('its token', () => {
  it('AD4, RL20: that is expired or from the future is refused with the relay’s clock', async () => {
    const room = await createTestRoom();
    const nowS = Math.floor(Date.now() / 1000);
    for (const iatS of [nowS - 3600, nowS + 3600]) {
      const response = await callRelay(relay.url, room, { iatS }, fetchIn(room));
      assertRefused(response, 401, 'token-expired', null);
      const { data } = (JSON.parse(response.text) as { error: { data: { now: number } } }).error;
      assert.ok(Math.abs(data.now - nowS) <= 5);
      assert.equal(response.headers.get('WWW-Authenticate'), 'Bearer');
    }
  });

  it('AD1–AD4, RL20: that is missing, malformed, foreign or forged is refused without a reason', async () => {
    const [room, stranger] = [await createTestRoom(), await createTestRoom()];
    const body = formatRequest(fetchIn(room), 1);
    const good = await signToken(room, testClaims(room));
    const forged = await signToken({ ...room, privateKey: stranger.privateKey }, testClaims(room));
    const offers = [
      undefined,
      '',
      'Bearer',
      good,
      `Basic ${good}`,
      `Bearer ${good} ${good}`,
      `Bearer ${good.slice(TOKEN_SUBPROTOCOL_PREFIX.length)}`,
      `Bearer ${good.slice(0, -4)}`,
      `Bearer ${good}${'A'.repeat(2000)}`,
      `Bearer ${forged}`,
      await bearer(room, { roomId: stranger.roomId }),
      await bearer(room, { expS: Math.floor(Date.now() / 1000) + 1000 }),
    ];
    for (const offer of offers) assertRefused(await postCall(relay.url, body, offer), 401, 'token-invalid', null);
    assertRefused(await postCall(relay.url, body, `bearer  ${good}`), 200, 'peer-unknown', 1);
  });

  it('AD8, RL20: of another page is none for this peer, with a socket here or just gone; the peer itself goes on', async () => {
    const room = await createTestRoom();
    const [alice, bob] = [await enter(relay.url, room), await enter(relay.url, room)];
    const { head, one_time } = bundleOf('alice', 2);
    const params = { room_id: room.roomId, ...bundleOf('mallory', 1) };
    const owner = { peerId: alice.peerId };
    // mallory holds the link, so that the token is good; its nonce is not that of alice's page
    const impostor = { ...owner, nonce: new Uint8Array(TOKEN_NONCE_BYTES).fill(0x66) };
    const published: ClientRequest = { method: 'publish_bundle', params: { room_id: room.roomId, head, one_time } };
    const removed: ClientRequest = { method: 'delete_bundle', params: { room_id: room.roomId } };
    const inHerName: readonly ClientRequest[] = [
      { method: 'publish_bundle', params },
      removed,
      { method: 'exchange_bundles', params: { ...params, peer_id: bob.peerId } },
      fetchIn(room, bob.peerId),
    ];
    const assertAllRefused = async (): Promise<void> => {
      for (const request of inHerName) {
        const refused = await callRelay(relay.url, room, impostor, request);
        assertRefused(refused, 401, 'token-invalid', null);
        assert.equal(refused.headers.get('WWW-Authenticate'), 'Bearer');
        const silent = await postCall(relay.url, formatRequest(request), await bearer(room, impostor));
        assertRefused(silent, 401, 'token-invalid', null);
      }
    };

    await callRelay(relay.url, room, owner, published);
    await callRelay(relay.url, room, { peerId: bob.peerId }, published);
    await assertAllRefused();
    const fetched = await callRelay(relay.url, room, { peerId: bob.peerId }, fetchIn(room, alice.peerId));
    assert.ok(fetched.message?.type === 'result');
    assert.deepEqual(fetched.message.result, { peer_id: alice.peerId, head, one_time: nth(one_time, 0) }, 'untouched');
    const own = await callRelay(relay.url, room, owner, fetchIn(room, bob.peerId));
    assert.ok(own.message?.type === 'result');
    const hers = { peer_id: bob.peerId, head, one_time: nth(one_time, 0) };
    assert.deepEqual(own.message.result, hers, 'what is alice’s to have was given to nobody in her name');
    assert.deepEqual((await callRelay(relay.url, room, owner, removed)).status, 200);

    await alice.client.close();
    await bob.client.notification('peer_left');
    await assertAllRefused();
    const heads = await callRelay(relay.url, room, owner, fetchIn(room, bob.peerId));
    assert.ok(heads.message?.type === 'result');
    assert.deepEqual(heads.message.result, { peer_id: bob.peerId, head });
    await bob.client.close();
  });

  it('RL13, RL20: is good for its own room alone', async () => {
    const [room, other] = [await createTestRoom(), await createTestRoom()];
    assertRefused(await callRelay(relay.url, room, {}, fetchIn(other)), 200, 'room-mismatch', 1);
  });
});

describe('its body', () => {
  it('RL4, RL11, RL20: that is no call is answered by its own error', async () => {
    const room = await createTestRoom();
    const call = formatRequest(fetchIn(room), 1);
    const cases: readonly (readonly [string | Uint8Array<ArrayBuffer>, number, RpcErrorReason, number | null])[] = [
      ['', 400, 'parse-error', null],
      ['SECRET{', 400, 'parse-error', null],
      [Uint8Array.from([...new TextEncoder().encode(call.slice(0, -1)), 0xff, 0x7d]), 400, 'parse-error', null],
      [`\ufeff${call}`, 400, 'parse-error', null],
      [`[${call}]`, 400, 'invalid-request', null],
      [call.replace('2.0', '1.0'), 400, 'invalid-request', 1],
      [call.replace('fetch_bundle', 'encrypt'), 400, 'method-not-found', 1],
      [formatRequest({ method: 'leave', params: { room_id: room.roomId } }, 1), 400, 'method-not-found', 1],
      [call.replace('0x', '0X'), 400, 'invalid-params', 1],
    ];
    for (const [body, status, reason, id] of cases) {
      const response = await postCall(relay.url, body, await bearer(room));
      assertRefused(response, status, reason, id);
      assert.ok(!response.text.includes('SECRET'));
    }
  });

  it('LM1, RL20: has at most 64 KiB, whatever is said of its length', async () => {
    const room = await createTestRoom();
    const call = formatRequest(fetchIn(room), 1);
    const authorization = await bearer(room);
    assertRefused(await postCall(relay.url, call.padEnd(RELAY_TEXT_MAX, ' '), authorization), 200, 'peer-unknown', 1);
    assertRefused(
      await postCall(relay.url, call.padEnd(RELAY_TEXT_MAX + 1, ' '), authorization),
      413,
      'too-large',
      null,
    );
    const pieces = Array.from({ length: 40 }, () => ' '.repeat(4096));
    assert.equal(await statusOfStream(relay.url, authorization, pieces), 413);
    assert.equal(await statusOfStream(relay.url, authorization, [call.slice(0, 10), call.slice(10)]), 200);
    assertRefused(await postCall(relay.url, call, authorization), 200, 'peer-unknown', 1);
  });

  it('fuzz: broken bodies are answered from a closed set, and the room stays usable', async (t) => {
    const random = new Random(FUZZ_SEED);
    const seen = new Map<string, number>();
    for (let rooms = 0; rooms < FUZZ_ROOMS; rooms++) {
      const room = await createTestRoom();
      const [alice, bob] = [await enter(relay.url, room), await enter(relay.url, room)];
      const room_id = room.roomId;
      const samples = [
        formatRequest({ method: 'publish_bundle', params: { room_id, ...bundleOf('mallory', 2) } }, 1),
        formatRequest(
          { method: 'exchange_bundles', params: { room_id, peer_id: bob.peerId, ...bundleOf('mallory', 1) } },
          2,
        ),
        formatRequest({ method: 'delete_bundle', params: { room_id } }, 3),
        formatRequest(fetchIn(room, bob.peerId), 'f'),
      ];
      const authorization = await bearer(room, { peerId: alice.peerId });
      for (let sent = 0; sent < HTTP_CALLS_BURST; sent++) {
        const body = random.chance(0.1) ? random.bytes(random.below(90)) : brokenText(random, samples);
        const { status, message } = await postCall(relay.url, body, authorization);
        const told = `${status} ${message?.type === 'error' ? message.reason : message?.type}`;
        seen.set(told, (seen.get(told) ?? 0) + 1);
      }
      await assertUsable(alice, bob);
      await Promise.all([alice.client.close(), bob.client.close()]);
    }
    t.diagnostic(JSON.stringify(Object.fromEntries(seen)));
    const known = [
      '200 result',
      '200 no-bundle',
      '200 peer-unknown',
      '200 room-mismatch',
      '204 undefined',
      '400 parse-error',
      '400 invalid-request',
      '400 method-not-found',
      '400 invalid-params',
    ];
    assert.deepEqual(
      [...seen.keys()].filter((told) => !known.includes(told)),
      [],
    );
    assert.ok(seen.size >= 6 && (seen.get('200 result') ?? 0) > FUZZ_ROOMS);
  });
});

describe('too many calls', () => {
  it('LM11: are refused with 429, and the peers that are in a call notice nothing', async () => {
    const room = await createTestRoom();
    const [alice, bob] = [await enter(relay.url, room), await enter(relay.url, room)];
    const authorization = await bearer(room);
    const body = formatRequest(fetchIn(room, alice.peerId), 1);
    const responses = await Promise.all(
      Array.from({ length: 3 * HTTP_CALLS_BURST }, () => postCall(relay.url, body, authorization)),
    );
    const refused = responses.filter(({ status }) => status === 429);
    assert.ok(refused.length > HTTP_CALLS_BURST, `${refused.length} were refused`);
    assert.ok(responses.length - refused.length >= HTTP_CALLS_BURST);
    for (const one of refused) {
      assertRefused(one, 429, 'rate-limited', null);
      assert.equal(one.headers.get('Retry-After'), '1');
    }
    await assertUsable(alice, bob);
    await Promise.all([alice.client.close(), bob.client.close()]);
  });
});
