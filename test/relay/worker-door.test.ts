/** The door of the real relay: JWTs, origins and the limit, and a room whose host locks it, listens for knocks and kicks. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { jwtRoomOf } from '../../relay-worker/jwt.ts';
import type { HostAction } from '../../src/engine/protocol/host.ts';
import { JWT_HEADER, JWT_SUBPROTOCOL_PREFIX } from '../../src/engine/protocol/jwt.ts';
import { MAILBOX_RPC_PATH } from '../../src/engine/protocol/mailbox.ts';
import { COUNTERS_PATH } from '../../src/engine/protocol/path-report.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { RELAY_PATH, RELAY_RPC_PATH, formatRequest, parseRelayText } from '../../src/engine/protocol/relay.ts';
import type { RelayMessage } from '../../src/engine/protocol/relay.ts';
import { SUBPROTOCOL } from '../../src/engine/protocol/token.ts';
import { TURN_PATH } from '../../src/engine/protocol/turn.ts';
import { createHostedTestRoom, hostClaims, hostOfferFor, hostRequest, signHostClaims } from '../helpers/hosts.ts';
import type { HostedRoom } from '../helpers/hosts.ts';
import { AUDIENCE, createLoginKey, signJwt, startKeyServer, unsigned } from '../helpers/jwts.ts';
import { openRaw } from '../helpers/raw-client.ts';
import { bearer, callRelay } from '../helpers/relay-calls.ts';
import { RelayClient, enter } from '../helpers/relay-client.ts';
import type { Closed, Guest } from '../helpers/relay-client.ts';
import { startRelayProcess } from '../helpers/relay-process.ts';
import type { RelayProcess, RelayProcessOptions } from '../helpers/relay-process.ts';
import { createTestRoom, offerFor, randomPeerId } from '../helpers/tokens.ts';

/** The platform puts an object to sleep that had nothing to do for 10 s. */
const ASLEEP_AFTER_MS = 11_000;
const SECRET = 'a secret of more than thirty-two bytes';
const HMAC = { alg: 'HS256', key: new TextEncoder().encode(SECRET) };
const JWT_REFUSED = { code: 4011, reason: 'jwt-invalid' };

function nowS(): number {
  return Math.floor(Date.now() / 1000);
}

/** Whether a guest with this JWT is let in; how it is refused where it is not. */
async function comeWith(relay: RelayProcess, jwt: string | undefined): Promise<Closed | 'welcome'> {
  const offer = await offerFor(await createTestRoom());
  const client = new RelayClient(relay.url, jwt === undefined ? offer : [...offer, JWT_SUBPROTOCOL_PREFIX + jwt]);
  try {
    await client.notification('welcome');
    await client.close();
    return 'welcome';
  } catch {
    return await client.closed();
  }
}

async function withRelay(options: RelayProcessOptions, use: (relay: RelayProcess) => Promise<void>): Promise<void> {
  const relay = await startRelayProcess(options);
  try {
    await use(relay);
  } finally {
    await relay.stop();
  }
}

describe('AD17: JWTs at the door', () => {
  it('HS256: one that is good lets in, over the socket and over HTTP; no other does; none is in the output', async () => {
    await withRelay({ vars: { JWT_SECRET: SECRET, JWT_AUDIENCE: AUDIENCE } }, async (relay) => {
      const good = await signJwt(HMAC);
      const bad: readonly (string | undefined)[] = [
        undefined,
        'a.b',
        await signJwt(HMAC, { exp: nowS() - 60 }),
        await signJwt(HMAC, { aud: 'other' }),
        await signJwt({ ...HMAC, alg: 'HS512' }),
        unsigned(good),
        await signJwt({ ...HMAC, key: new TextEncoder().encode(`${SECRET}!`) }),
      ];
      assert.equal(await comeWith(relay, good), 'welcome');
      for (const jwt of bad) assert.deepEqual(await comeWith(relay, jwt), JWT_REFUSED, String(jwt));

      const room = await createTestRoom();
      const forRoom = await signJwt(HMAC, { room: await jwtRoomOf(room.roomId) });
      const alice = new RelayClient(relay.url, [...(await offerFor(room)), JWT_SUBPROTOCOL_PREFIX + forRoom]);
      await alice.notification('welcome');
      assert.equal(alice.socket.protocol, SUBPROTOCOL, 'of what was offered our subprotocol alone comes back');
      assert.deepEqual(await comeWith(relay, forRoom), JWT_REFUSED, 'it is for one room');
      await alice.close();

      const body = formatRequest({ method: 'delete_bundle', params: { room_id: room.roomId } }, 1);
      const call = async (jwt: string | undefined): Promise<[number, string]> => {
        const headers = new Headers({ Authorization: await bearer(room) });
        if (jwt !== undefined) headers.set(JWT_HEADER, jwt);
        const response = await fetch(`${relay.url}${RELAY_RPC_PATH}`, { method: 'POST', headers, body });
        return [response.status, await response.text()];
      };
      assert.match((await call(forRoom))[1], /peer-unknown/);
      for (const jwt of bad) {
        const [status, text] = await call(jwt);
        assert.equal(status, 401);
        assert.match(text, /jwt-invalid/);
      }
      const output = relay.output();
      assert.match(output, /GET \/relay 101/);
      for (const part of [...good.split('.'), ...forRoom.split('.').slice(1), SECRET]) {
        assert.ok(!output.includes(part), 'in the output');
      }
    });
  });

  it('AD19: a key set is fetched by the Worker once, again for a new key, and its loss keeps nobody in the dark', async () => {
    const [old, next] = [await createLoginKey('EdDSA', 'old'), await createLoginKey('EdDSA', 'next')];
    const server = await startKeyServer([old.jwk]);
    try {
      const vars = { JWT_JWKS_URL: server.url, JWT_AUDIENCE: AUDIENCE };
      await withRelay({ runtime: 'workerd', vars }, async (relay) => {
        const byOld = await signJwt(old, {}, { kid: 'old' });
        const byNext = await signJwt(next, {}, { kid: 'next' });
        for (let i = 0; i < 3; i++) assert.equal(await comeWith(relay, byOld), 'welcome');
        assert.equal(server.asked(), 1);
        assert.deepEqual(await comeWith(relay, unsigned(byOld)), JWT_REFUSED);
        assert.deepEqual(await comeWith(relay, byNext), JWT_REFUSED, 'unknown, and the set is too fresh to ask again');
        assert.equal(server.asked(), 1);
        // a relay that begins anew has to ask, and finds the keys changed
        server.answer = { body: JSON.stringify({ keys: [next.jwk] }) };
        await relay.kill();
        await relay.restart();
        assert.equal(await comeWith(relay, byNext), 'welcome');
        assert.deepEqual(await comeWith(relay, byOld), JWT_REFUSED);
        assert.equal(server.asked(), 2);
        server.answer = { status: 500, body: '' };
        await relay.kill();
        await relay.restart();
        // not a close code that says the JWT is bad: a handshake that fails, to be tried again
        assert.equal(((await comeWith(relay, byNext)) as Closed).code, 1006);
        assert.ok(!relay.output().includes(byNext.split('.')[1] ?? ''));
      });
    } finally {
      await server.stop();
    }
  });

  it('fails closed on a slip in its settings, and /healthz names the setting and no value', async () => {
    const vars = { JWT_SECERT: SECRET };
    await withRelay({ runtime: 'workerd', vars, isMisconfigured: true }, async (relay) => {
      const health = await fetch(`${relay.url}/healthz`);
      const told = { ok: false, protocol: SUBPROTOCOL, mailbox: false, counters: false, faults: 'JWT_SECERT' };
      assert.deepEqual([health.status, await health.json()], [503, told]);
      assert.deepEqual(await comeWith(relay, await signJwt(HMAC)), JWT_REFUSED);
    });
  });
});

describe('AD16: origins at the door', () => {
  it('a page of another origin, or of none, is refused before its token is read, and is told why', async () => {
    const vars = { ALLOWED_ORIGINS: 'https://example.org https://*.example.net' };
    await withRelay({ runtime: 'workerd', vars }, async (relay) => {
      const room = await createTestRoom();
      for (const origin of ['https://example.org', 'https://a.example.net']) {
        const client = await openRaw(relay.port, await offerFor(room), [`Origin: ${origin}`]);
        client.socket.destroy();
        assert.match(client.head, /Sec-WebSocket-Protocol: tai\.1/i);
      }
      const others: readonly (readonly string[])[] = [['Origin: https://evil.example'], ['Origin: null'], []];
      for (const headers of others) {
        const client = await openRaw(relay.port, [SUBPROTOCOL, 'tai.token.broken'], headers);
        assert.deepEqual(await client.closed(), { code: 4010, reason: 'origin-refused' });
        client.socket.destroy();
      }
      const bare = await fetch(`${relay.url}${RELAY_PATH}`, { headers: { Origin: 'https://evil.example' } });
      assert.deepEqual([bare.status, await bare.json()], [403, { error: 'origin-refused' }]);
      for (const path of [RELAY_RPC_PATH, TURN_PATH, MAILBOX_RPC_PATH, COUNTERS_PATH]) {
        const ask = async (method: string, Origin: string): Promise<[boolean, string | null]> => {
          const { status, headers } = await fetch(relay.url + path, { method, headers: { Origin } });
          return [status === 403, headers.get('Access-Control-Allow-Origin')];
        };
        for (const method of ['OPTIONS', 'POST']) {
          assert.deepEqual(await ask(method, 'https://example.org'), [false, 'https://example.org'], path);
          assert.deepEqual(await ask(method, 'https://evil.example'), [true, null], path);
        }
      }
    });
  });
});

describe('LM15: the limit at the door', () => {
  it('refuses who comes too often, by the platform’s own counter, and writes no address down', async () => {
    await withRelay({ doorLimit: 5 }, async (relay) => {
      const ends: string[] = [];
      for (let i = 0; i < 7; i++) {
        const end = await comeWith(relay, undefined);
        ends.push(end === 'welcome' ? end : `${end.code} ${end.reason}`);
      }
      assert.deepEqual(ends, [...Array<string>(5).fill('welcome'), ...Array<string>(2).fill('4005 rate-limited')]);
      for (const path of [RELAY_RPC_PATH, TURN_PATH, MAILBOX_RPC_PATH, COUNTERS_PATH]) {
        const response = await fetch(relay.url + path, { method: 'POST', body: '{}' });
        assert.deepEqual([response.status, response.headers.get('Retry-After')], [429, '1'], path);
      }
      assert.equal((await fetch(`${relay.url}/healthz`)).status, 200, 'who looks after it is not counted');
    });
  });
});

describe('AD9–AD15: a room with a host', () => {
  let relay: RelayProcess;

  before(async () => {
    relay = await startRelayProcess({ runtime: 'workerd' });
  });

  after(async () => {
    await relay.stop();
  });

  type Host = Guest & { readonly room: HostedRoom; ep: string; asked: number };

  async function enterAsHost(room: HostedRoom, peerId = randomPeerId()): Promise<Host> {
    const client = new RelayClient(relay.url, await hostOfferFor(room, peerId));
    const welcome = await client.notification('welcome');
    return { client, peerId, roomId: room.roomId, welcome, room, ep: welcome.ep, asked: 0 };
  }

  /** As the host's page does: a statement for an instance that is no more is made anew for the one that answers. */
  async function act(host: Host, action: HostAction, target?: PeerId): Promise<RelayMessage> {
    const said = { from: host.peerId, ep: host.ep, target };
    const statement = await signHostClaims(hostClaims(host.room, action, said), host.room.hostKey);
    const id = `${action} ${++host.asked}`;
    host.client.send(formatRequest(hostRequest(host.roomId, statement), id));
    const answer = await host.client.answer(id);
    if (answer.type !== 'error' || answer.reason !== 'host-stale' || answer.data?.ep === host.ep) return answer;
    host.ep = answer.data?.ep ?? '';
    return await act(host, action, target);
  }

  async function refusalOf(offer: readonly string[]): Promise<Closed> {
    const client = new RelayClient(relay.url, offer);
    const closed = await client.closed();
    assert.deepEqual(client.inbox, []);
    return closed;
  }

  it('AD9: a claim to be its host is good from the host alone', async () => {
    const room = await createHostedTestRoom();
    const stranger = await createHostedTestRoom();
    const peerId = randomPeerId();
    const claim = async (overrides: object, key = room.hostKey): Promise<string[]> => {
      const claims = hostClaims(room, 'claim', { from: peerId, ep: '' }, overrides);
      return [...(await offerFor(room, { peerId })), `tai.host.${await signHostClaims(claims, key)}`];
    };
    const good = await claim({});
    const bad = [
      await claim({}, stranger.hostKey),
      await claim({}, room.privateKey),
      await claim({ roomId: stranger.roomId }),
      await claim({ hostPeerId: randomPeerId() }),
      await claim({ issuedS: nowS() - 120 }),
      await claim({ action: 'open', ep: 'ep-1' }),
      [...good, (await claim({}))[2] ?? ''],
      [...good.slice(0, 2), 'tai.host.AQID'],
    ];
    for (const offer of bad) assert.deepEqual(await refusalOf(offer), { code: 4001, reason: 'token-invalid' });
    const host = await enterAsHost(room, peerId);
    await host.client.close();
  });

  // At once: each is asleep for most of its time.
  describe('that sleeps', { concurrency: true }, () => {
    it('AD11, AD8: a lock outlives the room’s sleep; who was in comes back, nobody in its name and nobody new does', async () => {
      const room = await createHostedTestRoom();
      const host = await enterAsHost(room);
      const bob = await enter(relay.url, room);
      assert.equal((await act(host, 'lock')).type, 'result');
      assert.deepEqual(await bob.client.notification('door_changed'), { door: 'locked' });
      const locked = { code: 4012, reason: 'room-locked' };
      assert.deepEqual(await refusalOf(await offerFor(room)), locked);
      const fetchHost = { method: 'fetch_bundle', params: { room_id: room.roomId, peer_id: host.peerId } } as const;
      const heard = async (peerId: PeerId): Promise<unknown> => {
        const { status, message } = await callRelay(relay.url, room, { peerId }, fetchHost);
        return [status, message?.type === 'error' && message.reason];
      };
      assert.deepEqual(
        await heard(randomPeerId()),
        [403, 'not-admitted'],
        'RL20: nor does a call tell a stranger anything',
      );
      assert.deepEqual(await heard(bob.peerId), [200, 'no-bundle']);
      await bob.client.close();
      await host.client.notification('peer_left');
      await delay(ASLEEP_AFTER_MS);
      assert.deepEqual(await refusalOf(await offerFor(room)), locked, 'after a sleep');
      const inHisName = await offerFor(room, { peerId: bob.peerId, nonce: new Uint8Array(16) });
      const taken = { code: 4001, reason: 'token-invalid' };
      assert.deepEqual(await refusalOf(inHisName), taken, 'he is expected back');
      const { join_number: joinNumber } = bob.welcome;
      const again = await openRaw(relay.port, await offerFor(room, { peerId: bob.peerId, joinNumber }));
      assert.deepEqual(await refusalOf(inHisName), taken, 'nor while he is here');

      // RL5: one live socket a peer id, locked or not
      const newer = await enter(relay.url, room, { peerId: bob.peerId, joinNumber });
      assert.deepEqual(await again.closed(), { code: 4004, reason: 'replaced' });
      again.socket.destroy();
      assert.notEqual(newer.welcome.ep, bob.welcome.ep, 'it has slept');
      assert.deepEqual([newer.welcome.door, newer.welcome.join_number], ['locked', joinNumber]);
      await Promise.all([host.client.close(), newer.client.close()]);
    });

    it('AD12: a knock outlives the room’s sleep, and is answered by the host', async () => {
      const room = await createHostedTestRoom();
      const host = await enterAsHost(room);
      assert.equal((await act(host, 'knock')).type, 'result');
      const [carol, dave] = [randomPeerId(), randomPeerId()];
      const knock = formatRequest({ method: 'knock', params: { room_id: room.roomId, note: 'c2VhbGVkLW5hbWU' } }, 'k');
      const outside = new RelayClient(relay.url, await offerFor(room, { peerId: carol }));
      assert.equal((await outside.notification('waiting')).peer_id, carol);
      outside.send(knock);
      assert.equal((await outside.answer('k')).type, 'result');
      assert.deepEqual(await host.client.notification('peer_knocked'), { peer_id: carol, note: 'c2VhbGVkLW5hbWU' });
      await delay(ASLEEP_AFTER_MS);
      const other = new RelayClient(relay.url, await offerFor(room, { peerId: dave }));
      await other.notification('waiting');
      other.send(knock);
      await host.client.notification('peer_knocked');
      assert.equal((await act(host, 'admit', carol)).type, 'result');
      const welcome = await outside.notification('welcome');
      assert.deepEqual(
        welcome.peers.map(({ peer_id }) => peer_id),
        [host.peerId],
      );
      assert.deepEqual(await host.client.notification('knock_ended'), { peer_id: carol });
      assert.equal((await act(host, 'decline', dave)).type, 'result');
      assert.deepEqual(await other.closed(), { code: 4014, reason: 'declined' });
      assert.equal((await other.answer('k')).type, 'result');
      assert.deepEqual(other.inbox, [], 'it was told nothing of who is in');
      await Promise.all([outside.close(), host.client.close()]);
    });
  });

  it('AD13: a kick is told in the host’s words and keeps that peer id out; the link alone still opens the door', async () => {
    const room = await createHostedTestRoom();
    const host = await enterAsHost(room);
    const carol = await enter(relay.url, room);
    const bobId = randomPeerId();
    const bob = await openRaw(relay.port, await offerFor(room, { peerId: bobId }));
    assert.equal((await act(host, 'kick', bobId)).type, 'result');
    assert.deepEqual(await bob.closed(), { code: 4013, reason: 'kicked' });
    bob.socket.destroy();
    const { statement } = await carol.client.notification('peer_kicked');
    const told = bob.texts.map((text) => parseRelayText(text));
    assert.deepEqual(told.at(-1), { type: 'notification', method: 'peer_kicked', params: { statement } });
    assert.deepEqual(await carol.client.notification('peer_left'), { peer_id: bobId });
    assert.deepEqual(await refusalOf(await offerFor(room, { peerId: bobId })), { code: 4013, reason: 'kicked' });

    carol.client.send(formatRequest(hostRequest(room.roomId, statement), 'again'));
    const answer = await carol.client.answer('again');
    assert.equal(answer.type === 'error' && answer.reason, 'host-invalid', 'a guest replays the host');
    const another = await enter(relay.url, room);
    await Promise.all([host, carol, another].map(({ client }) => client.close()));
    assert.ok(!relay.output().includes(statement));
  });

  it('AD15: is forgotten with its last socket', async () => {
    const room = await createHostedTestRoom();
    const host = await enterAsHost(room);
    assert.equal((await act(host, 'lock')).type, 'result');
    assert.deepEqual(await refusalOf(await offerFor(room)), { code: 4012, reason: 'room-locked' });
    await host.client.close();
    await relay.kill();
    await relay.restart();
    const guest = await enter(relay.url, room);
    assert.equal(guest.welcome.door, undefined);
    await guest.client.close();
  });
});
