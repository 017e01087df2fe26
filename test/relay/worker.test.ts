/** The real relay (`wrangler dev`) over real sockets: coming in, passing on, being refused, and what it leaves behind. */
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { formatRequest, parseExpiredClose } from '../../src/engine/protocol/relay.ts';
import type { ClientRequest } from '../../src/engine/protocol/relay.ts';
import { SUBPROTOCOL } from '../../src/engine/protocol/token.ts';
import type { TokenClaims } from '../../src/engine/protocol/token.ts';
import { openRaw } from '../helpers/raw-client.ts';
import { postCall } from '../helpers/relay-calls.ts';
import { RelayClient, enter, messageText } from '../helpers/relay-client.ts';
import { startRelayProcess } from '../helpers/relay-process.ts';
import type { RelayProcess } from '../helpers/relay-process.ts';
import { createTestRoom, offerFor, randomPeerId, signToken, testClaims } from '../helpers/tokens.ts';
import { FLOWS, play } from './flows.ts';

/** Of a documentation network (RFC 5737), as a proxy would tell it. */
const CLIENT_ADDRESS = '203.0.113.77';

let relay: RelayProcess;

before(async () => {
  relay = await startRelayProcess();
});

after(async () => {
  await relay.stop();
});

function nowS(): number {
  return Math.floor(Date.now() / 1000);
}

describe('over HTTP', () => {
  it('/healthz answers, a static file is served, and nothing else is there', async () => {
    const health = await fetch(`${relay.url}/healthz`);
    const { deployment, ...told } = (await health.json()) as Record<string, unknown>;
    assert.deepEqual([health.status, told], [200, { ok: true, protocol: 'tai.1', mailbox: false, counters: false }]);
    assert.equal(typeof deployment, 'string');
    const page = await fetch(`${relay.url}/`);
    assert.equal(page.status, 200);
    assert.match(await page.text(), /relay under test/);
    const missing = await fetch(`${relay.url}/relay/other`);
    assert.equal(missing.status, 404);
    assert.equal(await missing.text(), '');
  });

  it('AD2: /relay wants a WebSocket and says so', async () => {
    for (const method of ['GET', 'POST']) {
      const response = await fetch(`${relay.url}/relay`, { method });
      assert.equal(response.status, 426);
      assert.deepEqual(await response.json(), { error: 'websocket-expected' });
      assert.equal(response.headers.get('X-Content-Type-Options'), 'nosniff');
    }
  });

  it('RL20: /relay/rpc is the Worker’s, and refuses whoever has no token', async () => {
    const { status, message } = await postCall(relay.url, '{}');
    assert.deepEqual([status, message?.type === 'error' && message.reason], [401, 'token-invalid']);
  });
});

describe('a room', () => {
  it('AD2, RL1: selects our subprotocol alone and welcomes', async () => {
    const room = await createTestRoom();
    const alice = await enter(relay.url, room);
    assert.equal(alice.client.socket.protocol, SUBPROTOCOL);
    assert.deepEqual([alice.welcome.room_id, alice.welcome.peer_id], [room.roomId, alice.peerId]);
    assert.deepEqual([alice.welcome.peers, alice.welcome.ice_servers], [[], []]);
    const bob = await enter(relay.url, room);
    assert.deepEqual(bob.welcome.peers, [{ peer_id: alice.peerId, join_number: alice.welcome.join_number }]);
    const joined = await alice.client.notification('peer_joined');
    assert.deepEqual(joined, { peer_id: bob.peerId, join_number: bob.welcome.join_number });
    assert.ok(bob.welcome.join_number > alice.welcome.join_number);
    await Promise.all([alice.client.close(), bob.client.close()]);
  });

  it('RL3: passes a payload to its target alone', async () => {
    const room = await createTestRoom();
    const alice = await enter(relay.url, room);
    const bob = await enter(relay.url, room);
    const carol = await enter(relay.url, room);
    alice.client.send(messageText(alice, bob.peerId, 'c2VhbGVkLWJvZHk', 1));
    alice.client.send(messageText(alice, carol.peerId, 'last', 2));
    assert.deepEqual(await bob.client.notification('relay_message'), {
      sender_peer_id: alice.peerId,
      room_id: room.roomId,
      payload: 'c2VhbGVkLWJvZHk',
      n: 1,
      ep: alice.welcome.ep,
    });
    assert.deepEqual(await alice.client.answer(1), { type: 'result', id: 1, result: {} });
    // Carol's one message was sent after Bob's: had she been given his, it would be the first.
    assert.equal((await carol.client.notification('relay_message')).payload, 'last');
    await Promise.all([alice, bob, carol].map((guest) => guest.client.close()));
  });

  it('RL2: join answers what welcome said, again and again', async () => {
    const room = await createTestRoom();
    const alice = await enter(relay.url, room);
    const params = { room_id: room.roomId, peer_id: alice.peerId };
    for (const id of [1, 'two']) {
      alice.client.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'join', params }));
      assert.deepEqual(await alice.client.answer(id), { type: 'result', id, result: alice.welcome });
    }
    await alice.client.close();
  });

  it('AD7, RL5: the same peer comes back in place of its old socket, with its number, unseen by the others', async () => {
    const room = await createTestRoom();
    const peerId = randomPeerId();
    const old = await openRaw(relay.port, await offerFor(room, { peerId }));
    const bob = await enter(relay.url, room);
    const [number = 0] = bob.welcome.peers.map((peer) => peer.join_number);
    const again = await enter(relay.url, room, { peerId, joinNumber: number });
    assert.deepEqual(await old.closed(), { code: 4004, reason: 'replaced' });
    old.socket.destroy();
    assert.ok(number > 0);
    assert.equal(again.welcome.join_number, number);
    bob.client.send(messageText(bob, peerId, 'back', 1));
    assert.equal((await again.client.notification('relay_message')).payload, 'back');
    await bob.client.answer(1);
    assert.deepEqual(bob.client.inbox, []);

    await again.client.close();
    await bob.client.notification('peer_left');
    const later = await enter(relay.url, room, { peerId, joinNumber: number });
    assert.equal(later.welcome.join_number, number);
    await Promise.all([later.client.close(), bob.client.close()]);
  });

  it('RL10: a peer that leaves, and one that just goes, are told to the others', async () => {
    const room = await createTestRoom();
    const [alice, bob, carol] = [
      await enter(relay.url, room),
      await enter(relay.url, room),
      await enter(relay.url, room),
    ] as const;
    alice.client.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'leave', params: { room_id: room.roomId } }));
    assert.deepEqual(await alice.client.answer(1), { type: 'result', id: 1, result: {} });
    assert.deepEqual(await alice.client.closed(), { code: 1000, reason: 'left' });
    assert.deepEqual(await carol.client.notification('peer_left'), { peer_id: alice.peerId });
    await bob.client.close();
    assert.deepEqual(await carol.client.notification('peer_left'), { peer_id: bob.peerId });
    await carol.client.close();
  });

  it('RL7: ping is answered with pong', async () => {
    const alice = await enter(relay.url, await createTestRoom());
    alice.client.send('ping');
    assert.equal(await alice.client.text((text) => text === 'pong', 'pong'), 'pong');
    await alice.client.close();
  });

  it('RL3, RL13: does not reach peers of another room, and refuses its id', async () => {
    const [here, there] = [await createTestRoom(), await createTestRoom()];
    const alice = await enter(relay.url, here);
    const mallory = await enter(relay.url, there);
    mallory.client.send(messageText(mallory, alice.peerId, 'x', 1));
    mallory.client.send(messageText({ ...mallory, roomId: here.roomId }, alice.peerId, 'x', 2));
    const refusals = [await mallory.client.answer(1), await mallory.client.answer(2)];
    assert.deepEqual(
      refusals.map((one) => one.type === 'error' && one.reason),
      ['peer-unknown', 'room-mismatch'],
    );
    // The same peer id in two rooms is two peers.
    const twin = await enter(relay.url, there, { peerId: alice.peerId });
    assert.deepEqual(
      twin.welcome.peers.map((peer) => peer.peer_id),
      [mallory.peerId],
    );
    alice.client.send(messageText(alice, mallory.peerId, 'x', 3));
    assert.equal((await alice.client.answer(3)).type, 'error');
    assert.deepEqual(alice.client.inbox, []);
    await Promise.all([alice, mallory, twin].map((guest) => guest.client.close()));
  });
});

describe('a token', () => {
  async function closeOf(overrides: Partial<TokenClaims>): Promise<{ code: number; reason: string }> {
    const client = new RelayClient(relay.url, await offerFor(await createTestRoom(), overrides));
    const closed = await client.closed();
    assert.deepEqual(client.inbox, []);
    return closed;
  }

  it('AD5: that is expired, or from the future, is refused with the relay’s clock', async () => {
    for (const iatS of [nowS() - 3600, nowS() + 3600]) {
      const { code, reason } = await closeOf({ iatS });
      const told = parseExpiredClose(code, reason);
      assert.ok(told !== undefined && Math.abs(told - nowS()) <= 2, `${code} ${reason}`);
    }
  });

  it('AD5: that lives too long, names a foreign room or was signed by another is refused without a reason', async () => {
    const stranger = await createTestRoom();
    const room = await createTestRoom();
    const refused = { code: 4001, reason: 'token-invalid' };
    assert.deepEqual(await closeOf({ expS: nowS() + 1000 }), refused);
    assert.deepEqual(await closeOf({ roomId: stranger.roomId }), refused);
    assert.deepEqual(await closeOf({ pkHost: new Uint8Array(32).fill(7) }), refused);
    const forged = await signToken({ ...room, privateKey: stranger.privateKey }, testClaims(room));
    assert.deepEqual(await new RelayClient(relay.url, [SUBPROTOCOL, forged]).closed(), refused);
  });

  it('AD5: that is missing, cut or doubled is refused', async () => {
    const room = await createTestRoom();
    const [, token = ''] = await offerFor(room);
    const [, other = ''] = await offerFor(room);
    const refused = { code: 4001, reason: 'token-invalid' };
    for (const offer of [[], [SUBPROTOCOL], [SUBPROTOCOL, token.slice(0, -4)], [SUBPROTOCOL, token, other]]) {
      assert.deepEqual(await new RelayClient(relay.url, offer).closed(), refused);
    }
  });
});

describe('what the relay keeps', () => {
  it('RL6: no id, token, body or address is in its output or on its disk, whatever happens, and no object has a row of ours', async () => {
    const casts = await Promise.all(Object.values(FLOWS).map((flow) => play(relay.url, flow)));
    for (const cast of casts) await cast.part();
    const told = [`CF-Connecting-IP: ${CLIENT_ADDRESS}`, `X-Forwarded-For: ${CLIENT_ADDRESS}`];
    const proxied = await openRaw(relay.port, await offerFor(await createTestRoom()), told);
    proxied.socket.destroy();
    const room = await createTestRoom();
    const peerId = randomPeerId();
    const offer = await offerFor(room, { peerId });
    const client = new RelayClient(relay.url, offer);
    await client.notification('welcome');
    const bob = await enter(relay.url, room);
    client.send(messageText({ ...bob, peerId }, bob.peerId, 'c2VhbGVkLWJvZHk'));
    await bob.client.notification('relay_message');
    const publication: ClientRequest = {
      method: 'publish_bundle',
      params: { room_id: room.roomId, head: 'c2VhbGVkLWJvZHk', one_time: ['c2VhbGVkLWJvZHk'] },
    };
    client.send(formatRequest(publication, 'p'));
    await client.answer('p');
    const called = await postCall(relay.url, formatRequest(publication, 'q'), `Bearer ${offer[1]}`);
    assert.equal(called.message?.type, 'result');
    client.send('c2VhbGVkLWJvZHk is no JSON');
    await client.answer(null);
    const late = await offerFor(room, { iatS: 1 });
    await new RelayClient(relay.url, late).closed();
    await Promise.all([client.close(), bob.client.close()]);
    const own = ['c2VhbGVkLWJvZHk', room.roomId, peerId, bob.peerId, ...offer.slice(1), ...late.slice(1)];
    const secrets = [CLIENT_ADDRESS, ...own, ...casts.flatMap((cast) => [...cast.secrets])];
    assert.ok(secrets.length > 60, `only ${secrets.length} were used`);

    const output = relay.output();
    assert.match(output, /GET \/relay 101/);
    assert.match(output, /POST \/relay\/rpc 200/);
    await relay.kill();
    const kept = await filesUnder(relay.stateDirectory);
    assert.ok(kept.length > 0);
    for (const secret of secrets) {
      const name = secret.replace(/^0x|^tai\.token\./, '');
      assert.ok(!output.includes(name), 'in the output');
      const forms = secret.startsWith('0x') ? [Buffer.from(name), Buffer.from(name, 'hex')] : [Buffer.from(name)];
      for (const { path, bytes } of kept) assert.ok(!forms.some((form) => bytes.includes(form)), `in ${path}`);
    }
    const objects = kept.filter(({ path }) => /RoomObject\/[0-9a-f]{64}\.sqlite$/.test(path));
    assert.ok(objects.length > 0);
    for (const { path } of objects) assert.deepEqual(tablesOf(path), []);
  });
});

async function filesUnder(directory: string): Promise<{ readonly path: string; readonly bytes: Buffer }[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return await Promise.all(paths.map(async (path) => ({ path, bytes: await readFile(path) })));
}

/** Tables in an object's storage, but for the one in which the local platform notes the object's name. */
function tablesOf(path: string): unknown[] {
  const database = new DatabaseSync(path);
  try {
    const names = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    return names.map(({ name }) => name).filter((name) => name !== '__miniflare_do_name');
  } finally {
    database.close();
  }
}
