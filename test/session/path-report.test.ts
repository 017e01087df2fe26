/** OP4: what a browser tells the operator, when, and that it tells nothing that it was not asked to. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { reportPath } from '../../src/engine/path-report.ts';
import type { PathReportPorts, WatchedSession } from '../../src/engine/path-report.ts';
import { parsePathReport } from '../../src/engine/protocol/path-report.ts';
import type { PeerStats, SessionEvent, SessionView } from '../../src/engine/session-types.ts';
import { BOB } from '../helpers/samples.ts';

type Sent = { readonly url: string; readonly init: RequestInit };

/** A session of which only what is looked at is there. */
class FakeSession implements WatchedSession {
  view = { participants: [] } as unknown as SessionView;
  path: PeerStats['link'] = 'none';
  readonly views = new Set<(view: SessionView) => void>();
  readonly events = new Set<(event: SessionEvent) => void>();

  subscribe(listener: (view: SessionView) => void): () => void {
    this.views.add(listener);
    return () => void this.views.delete(listener);
  }

  on(listener: (event: SessionEvent) => void): () => void {
    this.events.add(listener);
    return () => void this.events.delete(listener);
  }

  async getStats(): ReturnType<WatchedSession['getStats']> {
    return { peers: { [BOB]: { link: this.path } } } as unknown as Awaited<ReturnType<WatchedSession['getStats']>>;
  }

  async show(link: string, path: PeerStats['link']): Promise<void> {
    this.path = path;
    this.view = { participants: [{ peerId: BOB, link }] } as unknown as SessionView;
    for (const listener of this.views) listener(this.view);
    await turn();
  }

  fail(code: string): void {
    for (const listener of this.events) listener({ type: 'error', code } as unknown as SessionEvent);
  }
}

/** `bytes`: what randomness gives, in order. */
function ports(...bytes: number[]): PathReportPorts & { readonly sent: Sent[] } {
  const sent: Sent[] = [];
  return {
    sent,
    fetch: async (url, init) => {
      sent.push({ url: String(url), init: init ?? {} });
      throw new TypeError('no network');
    },
    randomBytes: (target) => void target.fill(bytes.shift() ?? assert.fail('more randomness than expected')),
  };
}

function wordOf(sent: readonly Sent[]): string | undefined {
  assert.equal(sent.length, 1);
  return parsePathReport(String(sent[0]?.init.body));
}

describe('OP4: a browser whose user has agreed', () => {
  it('reports once, by a word, to the relay’s own address, with nothing that tells whose it is', async () => {
    const [session, world] = [new FakeSession(), ports(0)];
    reportPath(session, 'wss://relay.example/elsewhere?x=1', world);
    await session.show('connecting', 'none');
    assert.equal(world.sent.length, 0);
    await session.show('connected', 'relay');
    await session.show('connected', 'direct');
    session.fail('peer-unreachable');
    assert.equal(wordOf(world.sent), 'relayed');
    const [sent] = world.sent;
    assert.ok(sent);
    const { url, init } = sent;
    assert.equal(url, 'https://relay.example/counters');
    assert.deepEqual(
      { ...init, body: undefined },
      {
        method: 'POST',
        body: undefined,
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
        cache: 'no-store',
        keepalive: true,
        redirect: 'error',
      },
    );
    assert.deepEqual([session.views.size, session.events.size], [0, 0]);
  });

  it('says another word where the dice say so, each equally likely', async () => {
    const words: (string | undefined)[] = [];
    // 255 would favour the first of five and is thrown away
    for (const bytes of [[0], [1], [2], [3], [4], [5], [255, 4]]) {
      const [session, world] = [new FakeSession(), ports(...bytes)];
      reportPath(session, 'wss://relay.example', world);
      await session.show('connected', 'direct');
      words.push(wordOf(world.sent));
    }
    assert.deepEqual(words, ['direct', 'direct', 'direct', 'relayed', 'failed', 'direct', 'failed']);
  });

  it('reports a connection that failed, and waits for one whose path is not known yet', async () => {
    const [failed, world] = [new FakeSession(), ports(0)];
    reportPath(failed, 'ws://localhost:8787', world);
    failed.fail('permission-denied');
    assert.equal(world.sent.length, 0);
    failed.fail('peer-unreachable');
    assert.equal(wordOf(world.sent), 'failed');
    assert.equal(world.sent[0]?.url, 'http://localhost:8787/counters');

    const [slow, later] = [new FakeSession(), ports(0)];
    reportPath(slow, 'wss://relay.example', later);
    await slow.show('connected', 'none');
    assert.equal(later.sent.length, 0);
    await slow.show('connected', 'direct');
    assert.equal(wordOf(later.sent), 'direct');
  });

  it('can take it back', async () => {
    const [session, world] = [new FakeSession(), ports()];
    reportPath(session, 'wss://relay.example', world)();
    await session.show('connected', 'direct');
    session.fail('peer-unreachable');
    assert.equal(world.sent.length, 0);
  });
});

describe('OP4: without consent', () => {
  it('the code that reports is not even loaded: one place asks for it, behind the option', () => {
    const read = (path: string): string =>
      readFileSync(fileURLToPath(new URL(`../../src/${path}`, import.meta.url)), 'utf8');
    const asking = read('engine/session.ts')
      .split('\n')
      .filter((line) => line.includes('path-report'));
    assert.equal(asking.length, 1);
    assert.match(read('engine/session.ts'), /if \(options\.sharePath\)[^;]*import\('\.\/path-report\.ts'\)/);
    for (const path of ['engine/room-session.ts', 'engine/index.ts', 'components/internal/room-store.ts']) {
      assert.ok(!read(path).includes('path-report'), path);
    }
  });
});
