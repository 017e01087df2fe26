/** RL16–RL20 from the client's side: the real relay on the platform's runtime, and answers that no relay should give. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { BundleRegistry } from '../../src/engine/bundle-registry.ts';
import type { BundleRegistryOptions } from '../../src/engine/bundle-registry.ts';
import type { Admission } from '../../src/engine/e2ee-types.ts';
import { TaiError } from '../../src/engine/protocol/errors.ts';
import type { ErrorCode } from '../../src/engine/protocol/errors.ts';
import { RELAY_TEXT_MAX } from '../../src/engine/protocol/relay.ts';
import type { SealedBundle } from '../../src/engine/protocol/relay.ts';
import { brokenText } from '../helpers/fuzz.ts';
import { Random } from '../helpers/random.ts';
import { enter } from '../helpers/relay-client.ts';
import { startRelayProcess } from '../helpers/relay-process.ts';
import type { RelayProcess } from '../helpers/relay-process.ts';
import { createTestRoom, randomPeerId, signToken, testClaims } from '../helpers/tokens.ts';
import type { TestRoom } from '../helpers/tokens.ts';

const SEED = 5;
const FUZZ_INPUTS = 300;
const BUNDLE: SealedBundle = { head: 'c2VhbGVkIGhlYWQ', one_time: ['b25l', 'dHdv'] };

let relay: RelayProcess;

before(async () => {
  relay = await startRelayProcess({ runtime: 'workerd' });
});

after(async () => {
  await relay.stop();
});

function admissionTo(room: TestRoom, peerId = randomPeerId()): Admission {
  return {
    roomId: room.roomId,
    peerId,
    token: async (nowS) => signToken(room, testClaims(room, { peerId, joinNumber: 1, iatS: nowS })),
  };
}

async function fails(call: Promise<unknown>, code: ErrorCode, words?: RegExp): Promise<void> {
  const error = await call.then(
    () => assert.fail(`did not fail with ${code}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof TaiError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, words ?? /^relay: [a-z -]+$/);
}

describe('the relay’s registry', () => {
  it('takes and gives bundles: each one-time record once, to who is there', async () => {
    const room = await createTestRoom();
    const [ada, bob] = [await enter(relay.url, room), await enter(relay.url, room)];
    const own = new BundleRegistry({ relay: relay.url, admission: admissionTo(room, ada.peerId) });
    const others = new BundleRegistry({ relay: relay.url, admission: admissionTo(room, bob.peerId) });
    const stranger = new BundleRegistry({ relay: relay.url, admission: admissionTo(room) });
    assert.equal(await others.fetch(ada.peerId), undefined);
    await own.publish(BUNDLE);
    assert.deepEqual(await others.fetch(ada.peerId), { head: BUNDLE.head, one_time: 'b25l' });
    assert.deepEqual(await others.fetch(ada.peerId), { head: BUNDLE.head });
    assert.deepEqual(await stranger.fetch(ada.peerId), { head: BUNDLE.head });
    assert.deepEqual(await others.exchange(ada.peerId, { head: 'Ym9i', one_time: [] }), { head: BUNDLE.head });
    assert.deepEqual(await own.fetch(bob.peerId), { head: 'Ym9i' });
    await own.remove();
    assert.equal(await others.fetch(ada.peerId), undefined);
    assert.equal(await others.fetch(randomPeerId()), undefined);
    await Promise.all([ada.client.close(), bob.client.close()]);
  });

  it('keeps nothing of who has no socket there', async () => {
    const room = await createTestRoom();
    const registry = new BundleRegistry({ relay: relay.url, admission: admissionTo(room) });
    await fails(registry.publish(BUNDLE), 'relay-refused', /^relay: peer-unknown$/);
    assert.equal(await registry.exchange(randomPeerId(), BUNDLE), undefined);
    await fails(registry.remove(), 'relay-refused');
  });

  it('is asked again by its own clock, where ours is wrong, and by that from then on', async () => {
    const room = await createTestRoom();
    for (const wrongMs of [-3_600_000, 3_600_000]) {
      const admission = admissionTo(room);
      const asked: number[] = [];
      const token = async (nowS: number): Promise<string> => {
        asked.push(nowS);
        return admission.token(nowS);
      };
      const now = (): number => Date.now() + wrongMs;
      const registry = new BundleRegistry({ relay: relay.url, admission: { ...admission, token }, now });
      assert.equal(await registry.fetch(randomPeerId()), undefined);
      assert.equal(await registry.fetch(randomPeerId()), undefined);
      assert.equal(asked.length, 3);
      for (const nowS of asked.slice(1)) assert.ok(Math.abs(nowS - Date.now() / 1000) < 10);
    }
  });

  it('refuses a foreign token, and a room that is not the token’s', async () => {
    const [room, other] = [await createTestRoom(), await createTestRoom()];
    const good = admissionTo(room);
    const bad: readonly Admission[] = [
      { ...good, token: async () => 'tai.token.AAAA' },
      { ...good, token: async (nowS) => admissionTo({ ...room, privateKey: other.privateKey }).token(nowS) },
      { ...good, roomId: other.roomId },
    ];
    for (const admission of bad) {
      await fails(new BundleRegistry({ relay: relay.url, admission }).fetch(randomPeerId()), 'relay-refused');
    }
  });

  it('says when it is asked too much', async () => {
    const room = await createTestRoom();
    const registry = new BundleRegistry({ relay: relay.url, admission: admissionTo(room) });
    const results = await Promise.allSettled(Array.from({ length: 80 }, () => registry.fetch(randomPeerId())));
    const codes = new Set(results.map((result) => (result.status === 'rejected' ? result.reason.code : 'answered')));
    assert.deepEqual([...codes].sort(), ['answered', 'rate-limited']);
  });
});

/** A relay that answers as the test says, and what it was sent. */
function fakeRelay(answer: (body: string, signal: AbortSignal | null) => Response | Promise<Response>) {
  const sent: { readonly url: string; readonly init: RequestInit }[] = [];
  const fetch = async (url: unknown, init: RequestInit = {}): Promise<Response> => {
    sent.push({ url: String(url), init });
    return answer(String(init.body), init.signal ?? null);
  };
  return { sent, fetch: fetch as typeof globalThis.fetch };
}

async function registryOn(
  answer: Parameters<typeof fakeRelay>[0],
  options: Partial<BundleRegistryOptions> = {},
): Promise<{ readonly registry: BundleRegistry; readonly sent: ReturnType<typeof fakeRelay>['sent'] }> {
  const { sent, fetch } = fakeRelay(answer);
  const admission = admissionTo(await createTestRoom());
  return { registry: new BundleRegistry({ relay: 'wss://relay.example', admission, fetch, ...options }), sent };
}

function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), { status });
}

const PEER = randomPeerId();
const RESULT = { jsonrpc: '2.0', id: 1, result: { peer_id: PEER, head: 'aGVhZA' } };

function errorOf(reason: unknown, data: object = {}): object {
  return { jsonrpc: '2.0', id: null, error: { code: -32000, message: 'x', data: { reason, ...data } } };
}

describe('a call', () => {
  it('shows nobody but the relay a token, and no cookie and no page', async () => {
    const { registry, sent } = await registryOn(() => json(RESULT), { relay: 'https://user:pw@relay.example/x?y#z' });
    assert.deepEqual(await registry.fetch(PEER), { head: 'aGVhZA' });
    const [{ url, init }] = sent as [(typeof sent)[0]];
    assert.equal(url, 'https://relay.example/relay/rpc');
    assert.equal(init.method, 'POST');
    assert.deepEqual(
      [init.credentials, init.referrerPolicy, init.cache, init.redirect],
      ['omit', 'no-referrer', 'no-store', 'error'],
    );
    const { Authorization } = init.headers as { readonly Authorization: string };
    assert.match(Authorization, /^Bearer tai\.token\.[A-Za-z0-9_-]{279}$/);
    const loopback = await registryOn(() => json(RESULT), { relay: 'ws://127.0.0.1:8787' });
    await loopback.registry.fetch(PEER);
    assert.equal(loopback.sent[0]?.url, 'http://127.0.0.1:8787/relay/rpc');
  });

  it('is not made to an address that is none, or not safe', async () => {
    const admission = admissionTo(await createTestRoom());
    for (const bad of ['', 'relay', 'http://relay.example', 'ftp://relay.example']) {
      assert.throws(
        () => new BundleRegistry({ relay: bad, admission }),
        (error) => error instanceof TaiError && error.code === 'usage',
      );
    }
  });

  it('takes what the platform gives, where no other is given', async () => {
    const admission = admissionTo(await createTestRoom());
    // nobody listens there
    const registry = new BundleRegistry({ relay: 'ws://127.0.0.1:9', admission });
    await fails(registry.fetch(PEER), 'relay-unreachable', /^relay: no answer$/);
  });

  it('ends where there is no answer: by time, by the caller, or before it begins', async () => {
    const never = (_: string, signal: AbortSignal | null): Promise<Response> =>
      new Promise((__, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    const slow = await registryOn(never, { timeoutMs: 20 });
    await fails(slow.registry.fetch(PEER), 'relay-unreachable', /^relay: given up$/);
    const { registry } = await registryOn(never);
    const controller = new AbortController();
    const call = registry.fetch(PEER, controller.signal);
    controller.abort(new Error('on purpose: secret'));
    await fails(call, 'relay-unreachable', /^relay: given up$/);
    const refused = await registryOn((_, signal) => {
      signal?.throwIfAborted();
      return json(RESULT);
    });
    await fails(refused.registry.publish(BUNDLE, AbortSignal.abort()), 'relay-unreachable', /^relay: given up$/);
  });

  it('has the code of what the relay says', async () => {
    const codes: readonly (readonly [string, ErrorCode])[] = [
      ['rate-limited', 'rate-limited'],
      ['too-large', 'too-large'],
      ['unavailable', 'relay-unreachable'],
      ['token-invalid', 'relay-refused'],
      ['room-mismatch', 'relay-refused'],
      ['invalid-params', 'relay-refused'],
      ['peer-unknown', 'relay-refused'],
    ];
    for (const [reason, code] of codes) {
      const { registry } = await registryOn(() => json(errorOf(reason), 500));
      await fails(registry.publish(BUNDLE), code, new RegExp(`^relay: ${reason}$`));
    }
  });

  it('says nothing that a relay could have put into its words', async () => {
    for (const reason of ['your password is 1234', '__proto__', 'constructor', 'toString']) {
      const { registry } = await registryOn(() => json(errorOf(reason)));
      await fails(registry.publish(BUNDLE), 'relay-refused', /^relay: refused$/);
    }
    const { registry } = await registryOn(() => {
      throw new Error('on purpose: https://user:pw@relay.example');
    });
    await fails(registry.publish(BUNDLE), 'relay-unreachable', /^relay: no answer$/);
  });

  it('is made twice for a wrong clock, and not a third time', async () => {
    const nowS = Math.floor(Date.now() / 1000) + 7200;
    const { registry, sent } = await registryOn(() => json(errorOf('token-expired', { now: nowS }), 401));
    await fails(registry.fetch(PEER), 'relay-refused', /^relay: token-expired$/);
    assert.equal(sent.length, 2);
    for (const data of [{}, { now: 'x' }, { now: -1 }, { now: 2e12 }, { now: 1.5 }]) {
      const other = await registryOn(() => json(errorOf('token-expired', data), 401));
      await fails(other.registry.fetch(PEER), 'relay-refused');
      assert.equal(other.sent.length, 1);
    }
  });

  it('is answered by nothing but an answer to it', async () => {
    const bad: readonly (() => Response)[] = [
      () => new Response(null),
      () => new Response(''),
      () => new Response('<html>'),
      () => json([RESULT]),
      () => json({ ...RESULT, jsonrpc: '1.0' }),
      () => json({ ...RESULT, id: 2 }),
      () => json({ ...RESULT, id: null }),
      () => json({ ...errorOf('no-bundle'), id: 2 }),
      () => json({ jsonrpc: '2.0', method: 'peer_left', params: { peer_id: PEER } }),
      () => json({ ...RESULT, result: null }),
      () => json({ ...RESULT, result: {} }),
      () => json({ ...RESULT, result: { head: 'aGVhZA' } }),
      () => json({ ...RESULT, result: { ...RESULT.result, peer_id: randomPeerId() } }),
      () => json({ ...RESULT, result: { ...RESULT.result, head: 'a=' } }),
      () => json({ ...RESULT, result: { ...RESULT.result, one_time: ['b25l'] } }),
      () => json({ ...RESULT, result: { ...RESULT.result, head: 'A'.repeat(5_000) } }),
      () => new Response(`${JSON.stringify(RESULT)}${' '.repeat(RELAY_TEXT_MAX)}`),
    ];
    for (const [i, answer] of bad.entries()) {
      const { registry } = await registryOn(answer);
      await fails(registry.fetch(PEER), 'relay-unreachable').catch((cause: unknown) => {
        throw new Error(`answer ${i}`, { cause });
      });
    }
  });

  it('reads no more than an answer can have', async () => {
    let pulled = 0;
    const endless = (): Response =>
      new Response(
        new ReadableStream({
          pull(controller) {
            pulled++;
            controller.enqueue(new Uint8Array(8 * 1024).fill(0x20));
          },
        }),
      );
    const { registry } = await registryOn(endless);
    await fails(registry.fetch(PEER), 'relay-unreachable');
    assert.ok(pulled <= RELAY_TEXT_MAX / (8 * 1024) + 2, `${pulled} pieces were read`);
  });

  it('survives answers that are half right', async () => {
    const random = new Random(SEED);
    const bundle = { ...RESULT, result: { ...RESULT.result, one_time: 'b25l' } };
    const samples = [RESULT, bundle, errorOf('no-bundle'), errorOf('room-mismatch')].map((each) =>
      JSON.stringify(each),
    );
    const seen = new Set<string>();
    for (let i = 0; i < FUZZ_INPUTS; i++) {
      const text = brokenText(random, samples);
      const { registry } = await registryOn(() => new Response(text));
      const result = await registry.fetch(PEER).then(
        (found) => (found ? 'bundle' : 'nothing'),
        (error: unknown) => (error instanceof TaiError ? error.code : assert.fail(`seed ${SEED}, input ${i}: ${text}`)),
      );
      seen.add(result);
    }
    assert.deepEqual([...seen].sort(), ['bundle', 'nothing', 'relay-refused', 'relay-unreachable']);
  });
});
