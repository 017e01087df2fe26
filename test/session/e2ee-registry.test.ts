/** Where clients find each other's keys: a registry of the page's own, and the relay on the platform's runtime. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { REGISTRY_TIMEOUT_MS } from '../../src/engine/bundle-exchange.ts';
import type { Admission, RegistryPort } from '../../src/engine/e2ee-types.ts';
import type { CloseReason } from '../../src/engine/protocol/errors.ts';
import { TaiError } from '../../src/engine/protocol/errors.ts';
import type { SealedBundle, Welcome } from '../../src/engine/protocol/relay.ts';
import { requireWebSocket } from '../../src/engine/relay-address.ts';
import { RelayRegistry } from '../../src/engine/relay-registry.ts';
import type { RelaySocketOptions } from '../../src/engine/transport/relay-socket.ts';
import { eventually } from '../helpers/eventually.ts';
import { startRelayProcess } from '../helpers/relay-process.ts';
import type { RelayProcess } from '../helpers/relay-process.ts';
import { MemoryRegistry, failed, openPage, pass, refused } from './e2ee-page.ts';
import type { Page } from './e2ee-page.ts';

function never(): Promise<never> {
  return new Promise(() => undefined);
}

describe('a platform without WebSocket', () => {
  it('is told what it lacks, not that the relay is away', () => {
    assert.throws(
      () => requireWebSocket(null),
      (error: unknown) =>
        error instanceof TaiError &&
        error.code === 'unsupported-browser' &&
        error.message.includes('WebSocket is missing'),
    );
    assert.doesNotThrow(() => requireWebSocket(EventTarget));
  });

  it('hears so at its first call to the relay', async (context) => {
    if (typeof globalThis.WebSocket === 'function') return context.skip('there is one here');
    const registry = new RelayRegistry({
      relay: 'ws://127.0.0.1:9',
      admission: () => Promise.resolve({} as Admission),
      onReturn: () => undefined,
    });
    await assert.rejects(registry.open(), { code: 'unsupported-browser' });
    registry.close();
  });
});

describe('a registry of the page', () => {
  it('is how two find each other: one publishes, the other asks', async () => {
    const registry = new MemoryRegistry();
    const [ada, bob] = [openPage('ada', { registry: registry.port() }), openPage('bob', { registry: registry.port() })];
    await refused(ada.e2ee.exchangeKeys(bob.peerId), 'no-bundle', 'peer-unreachable');
    await bob.e2ee.generateKeyPair();
    await ada.e2ee.exchangeKeys(bob.peerId);
    assert.equal(await pass(ada, bob, 'hello'), 'hello');
    assert.equal(await pass(bob, ada, 'hello'), 'hello');
    // a session is there: nobody is asked
    await ada.e2ee.exchangeKeys(bob.peerId);
    await bob.e2ee.exchangeKeys(ada.peerId);
    assert.deepEqual(
      registry.published.map(({ peerId }) => peerId),
      [bob.peerId],
    );
  });

  it('gets a bundle once, and another before its one-time keys run out', async () => {
    const registry = new MemoryRegistry();
    const bob = openPage('bob', { registry: registry.port() });
    await bob.e2ee.generateKeyPair();
    await Promise.all([bob.e2ee.generateKeyPair(), bob.e2ee.generateKeyPair({ isForOne: true })]);
    assert.equal(registry.published.length, 1);
    for (let i = 0; i < 24; i++) {
      const peer = openPage(`peer ${i}`, { registry: registry.port() });
      await peer.e2ee.exchangeKeys(bob.peerId);
      assert.equal(await pass(peer, bob, 'hello'), 'hello');
      await eventually('the next bundle', () => registry.published.length === 1 + Math.floor((i + 1) / 4));
    }
    const given = registry.published.flatMap(({ bundle }) => bundle.one_time);
    assert.equal(new Set(given).size, given.length);
    assert.ok(registry.published.every(({ bundle }) => bundle.one_time.length === 8));
  });

  it('gets a bundle of the new keys after a rotation, and nothing before there was one', async () => {
    const registry = new MemoryRegistry();
    const bob = openPage('bob', { registry: registry.port() });
    await bob.e2ee.rotateKey();
    assert.deepEqual(registry.published, []);
    const { key_id } = await bob.e2ee.generateKeyPair();
    await bob.e2ee.rotateKey();
    await eventually('the new bundle', () => registry.published.length === 2);
    const ada = openPage('ada', { registry: registry.port() });
    await ada.e2ee.exchangeKeys(bob.peerId);
    await pass(ada, bob, 'hello');
    assert.notEqual((await bob.e2ee.encrypt('x')).key_id, key_id);
  });

  it('that swaps, breaks or invents bundles makes no session', async () => {
    const registry = new MemoryRegistry();
    const [bob, eve] = [openPage('bob', { registry: registry.port() }), openPage('eve', { registry: registry.port() })];
    await bob.e2ee.generateKeyPair();
    await eve.e2ee.generateKeyPair();
    const [bobs, eves] = registry.published.map(({ bundle }) => bundle) as [SealedBundle, SealedBundle];
    const bad: readonly unknown[] = [
      'x',
      7,
      [],
      {},
      { head: 7 },
      { head: '' },
      { head: `${bobs.head}=` },
      bobs,
      { head: eves.head },
      { head: bobs.head, one_time: eves.one_time[0] },
      { head: bobs.one_time[0] },
      { head: bobs.head.slice(0, -4) },
      { head: bobs.head.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A')) },
    ];
    for (const found of bad) {
      const ada = openPage('ada', { registry: { publish: never, fetch: async () => found } });
      await refused(ada.e2ee.exchangeKeys(bob.peerId), 'bad-bundle', 'wrong-key');
      assert.deepEqual(ada.e2ee.peers, []);
    }
    const ada = openPage('ada', { registry: { publish: never, fetch: async () => null } });
    await refused(ada.e2ee.exchangeKeys(bob.peerId), 'no-bundle');
  });

  it('that fails, or answers never, is told with a code and none of its words', async () => {
    const broken: RegistryPort = {
      publish: () => Promise.reject(new Error('on purpose: password')),
      fetch: () => {
        throw new Error('on purpose: password');
      },
    };
    const [ada, bob] = [openPage('ada', { registry: broken }), openPage('bob')];
    const broke = [ada.e2ee.generateKeyPair(), ada.e2ee.exchangeKeys(bob.peerId)];
    for (const result of await Promise.allSettled(broke)) {
      const error: unknown = result.status === 'rejected' && result.reason;
      assert.ok(error instanceof TaiError);
      assert.deepEqual([error.code, error.message], ['relay-unreachable', 'registry: no answer']);
    }
    const slow = openPage('slow', { registry: { publish: never, fetch: never } });
    const controller = new AbortController();
    const { signal } = controller;
    const calls = [slow.e2ee.generateKeyPair({ signal }), slow.e2ee.exchangeKeys(bob.peerId, { signal })];
    const ended = Promise.all(calls.map((call) => failed(call, 'relay-unreachable')));
    controller.abort();
    await ended;
    await failed(slow.e2ee.generateKeyPair({ signal }), 'relay-unreachable');
    assert.equal(REGISTRY_TIMEOUT_MS, 15_000);
  });

  it('may have a code of its own', async () => {
    const registry = { publish: never, fetch: () => Promise.reject(new TaiError('rate-limited', 'mine: later')) };
    await failed(openPage('ada', { registry }).e2ee.exchangeKeys(openPage('bob').peerId), 'rate-limited');
  });

  it('that fails once is asked again', async () => {
    const registry = new MemoryRegistry();
    let isBroken = true;
    const port: RegistryPort = {
      ...registry.port(),
      publish: async (...call) => {
        if (isBroken) throw new Error('on purpose');
        return registry.port().publish(...call);
      },
    };
    const bob = openPage('bob', { registry: port });
    await failed(bob.e2ee.generateKeyPair(), 'relay-unreachable');
    isBroken = false;
    await bob.e2ee.generateKeyPair();
    assert.equal(registry.published.length, 1);
    isBroken = true;
    await bob.e2ee.rotateKey();
    await eventually('the failure is told', () => bob.events.length === 1);
    assert.deepEqual(bob.events, [{ type: 'registry-failed', code: 'relay-unreachable' }]);
  });

  it('hears when we are gone, and what is under way then ends', async () => {
    const registry = new MemoryRegistry();
    const bob = openPage('bob', { registry: { ...registry.port(), fetch: never } });
    await bob.e2ee.generateKeyPair();
    const pending = bob.e2ee.exchangeKeys(openPage('ada').peerId);
    await new Promise(setImmediate);
    bob.e2ee.close();
    await failed(pending, 'relay-unreachable');
    assert.equal(registry.closed, 1);
    // one that failed on the way out is nobody's business
    const silent = openPage('silent', { registry: { ...registry.port(), publish: never } });
    const failing = silent.e2ee.generateKeyPair();
    silent.e2ee.close();
    await assert.rejects(failing, TaiError);
    assert.deepEqual(silent.events, []);
  });

  it('is not told of a renewal that ends with us', async () => {
    const registry = new MemoryRegistry();
    let publications = 0;
    const port: RegistryPort = {
      ...registry.port(),
      publish: () => (publications++ === 0 ? Promise.resolve() : never()),
    };
    const bob = openPage('bob', { registry: port });
    await bob.e2ee.generateKeyPair();
    await bob.e2ee.rotateKey();
    await eventually('the renewal is under way', () => publications === 2);
    bob.e2ee.close();
    await new Promise(setImmediate);
    assert.deepEqual(bob.events, []);
  });
});

describe('the relay as a registry', () => {
  let relay: RelayProcess;
  const pages: Page[] = [];
  before(async () => {
    relay = await startRelayProcess({ runtime: 'workerd', vars: { MAX_PEERS: '3' } });
  });
  after(async () => {
    for (const { e2ee } of pages) e2ee.close();
    await relay.stop();
  });
  const open = (userId: string, roomId: string, now = Date.now): Page => {
    const page = openPage(userId, { relay: relay.url, roomId, now });
    pages.push(page);
    return page;
  };

  /** As soon as the relay has heard that another has gone. */
  async function enters({ e2ee }: Page): Promise<void> {
    for (let left = 50; left > 0; left--) {
      const code = await e2ee.generateKeyPair().then(
        () => undefined,
        (error: TaiError) => error.code,
      );
      if (code === undefined) return;
      assert.equal(code, 'room-full');
    }
    assert.fail('there was never room');
  }

  it('is how two pages agree who know nothing but each other’s peer id', async () => {
    const [ada, bob] = [open('ada', 'two'), open('bob', 'two')];
    const key = await bob.e2ee.generateKeyPair();
    assert.equal(key.sender_id, bob.peerId);
    const found = await ada.e2ee.exchangeKeys(bob.peerId);
    assert.equal(found.peerId, bob.peerId);
    assert.equal(await pass(ada, bob, 'hello'), 'hello');
    assert.equal(await pass(bob, ada, 'hello'), 'hello');
    await refused(ada.e2ee.exchangeKeys(openPage('eve').peerId), 'no-bundle');
  });

  it('is another room for another room id', async () => {
    const [ada, bob] = [open('ada', 'here'), open('bob', 'there')];
    await bob.e2ee.generateKeyPair();
    await refused(ada.e2ee.exchangeKeys(bob.peerId), 'no-bundle');
  });

  it('takes clients whose clocks are an hour off', async () => {
    const [ada, bob] = [
      open('ada', 'clocks', () => Date.now() - 3_600_000),
      open('bob', 'clocks', () => Date.now() + 3_600_000),
    ];
    await bob.e2ee.generateKeyPair();
    await ada.e2ee.exchangeKeys(bob.peerId);
    assert.equal(await pass(ada, bob, 'what time is it?'), 'what time is it?');
    assert.equal(await pass(bob, ada, 'yours'), 'yours');
  });

  it('forgets who is gone, at once', async () => {
    const [ada, bob, eve] = [open('ada', 'gone'), open('bob', 'gone'), open('eve', 'gone')];
    await bob.e2ee.generateKeyPair();
    await eve.e2ee.generateKeyPair();
    await ada.e2ee.exchangeKeys(bob.peerId);
    const [revocation] = await bob.e2ee.revokeKey();
    const late = open('late', 'gone');
    await enters(late);
    await late.e2ee.exchangeKeys(eve.peerId);
    await refused(late.e2ee.exchangeKeys(bob.peerId), 'no-bundle');
    assert.equal(await ada.e2ee.acceptKeyChange(revocation), 'revoked');
  });

  it('says when there is no room for us, and can be asked again', async () => {
    const three = ['a', 'b', 'c'].map((name) => open(name, 'full'));
    for (const { e2ee } of three) await e2ee.generateKeyPair();
    const fourth = open('d', 'full');
    await failed(fourth.e2ee.generateKeyPair(), 'room-full');
    three[0]?.e2ee.close();
    await enters(fourth);
  });

  it('that was away is told our keys again', async () => {
    const [ada, bob] = [open('ada', 'away'), open('bob', 'away')];
    await bob.e2ee.generateKeyPair();
    await relay.kill();
    await relay.restart();
    let found = false;
    await eventually('Bob is back', () => {
      void ada.e2ee.exchangeKeys(bob.peerId).then(
        () => (found = true),
        () => undefined,
      );
      return found;
    });
    assert.equal(await pass(ada, bob, 'again'), 'again');
  });
});

describe('the socket that shows that we are there', () => {
  function openRegistry(connect: (options: RelaySocketOptions) => void, closed: string[] = []) {
    let returns = 0;
    const registry = new RelayRegistry({
      relay: 'wss://relay.example',
      admission: () => openPage('ada').e2ee.admission(),
      onReturn: () => void returns++,
      connect: (options) => {
        connect(options);
        return { close: () => void closed.push('closed') };
      },
    });
    return { registry, returns: () => returns };
  }

  /** Nothing of it is read. */
  const WELCOME = {} as Welcome;

  it('is opened once, tells when it is back, and heeds nothing else', async () => {
    const opened: RelaySocketOptions[] = [];
    const closed: string[] = [];
    const { registry, returns } = openRegistry((options) => void opened.push(options), closed);
    const calls = [registry.open(), registry.open()];
    await eventually('it connects', () => opened.length === 1);
    const [options] = opened as [RelaySocketOptions];
    assert.match(await options.token(1_800_000_000), /^tai\.token\./);
    options.onNotification({ method: 'peer_left', params: { peer_id: openPage('x').peerId } });
    options.onLost();
    options.onDropped('relay-malformed');
    options.onClosed('rate-limited');
    options.onNotification({ method: 'welcome', params: WELCOME });
    await Promise.all(calls);
    assert.equal(returns(), 0);
    options.onClosed('room-full');
    options.onNotification({ method: 'welcome', params: WELCOME });
    assert.equal(returns(), 1);
    await registry.open();
    assert.deepEqual([opened.length, closed.length], [1, 0]);
    registry.close();
    assert.equal(closed.length, 1);
  });

  it('that is refused is closed, and opened again when it is needed again', async () => {
    const refusals: readonly (readonly [CloseReason, string])[] = [
      ['room-full', 'room-full'],
      ['token-invalid', 'relay-refused'],
    ];
    for (const [reason, code] of refusals) {
      const opened: RelaySocketOptions[] = [];
      const closed: string[] = [];
      const { registry } = openRegistry((options) => void opened.push(options), closed);
      const call = registry.open();
      await eventually('it connects', () => opened.length === 1);
      opened[0]?.onClosed(reason);
      await assert.rejects(call, (error) => error instanceof TaiError && error.code === code);
      assert.equal(closed.length, 1);
      const again = registry.open();
      await eventually('it connects again', () => opened.length === 2);
      opened[1]?.onNotification({ method: 'welcome', params: WELCOME });
      await again;
    }
  });

  it('is not opened after the end', async () => {
    const { registry } = openRegistry(() => assert.fail('it connected'));
    const call = registry.open();
    registry.close();
    await assert.rejects(call, TaiError);
  });
});
