/** FO: the second connection in whole sessions, over links of memory. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { MemoryRelay } from './memory-relay.ts';
import { Page, settle, until } from './page.ts';
import type { PageOptions } from './page.ts';

const STUN = { urls: ['stun:stun.test'] } as const;
const TURN = { urls: ['turn:turn.test'], username: 'u', credential: 'c' } as const;

let pages: Page[] = [];
afterEach(() => {
  for (const page of pages) page.session.close();
  pages = [];
});

function going(candidateType: string): () => RTCStatsReport {
  return () =>
    new Map<string, object>([
      ['pair', { type: 'candidate-pair', selected: true, localCandidateId: 'local' }],
      ['local', { type: 'local-candidate', candidateType }],
    ]) as unknown as RTCStatsReport;
}

/** Ada is there when Bob comes: he makes the connections. Both speak. */
async function call(options: PageOptions): Promise<readonly [Page, Page]> {
  const relay = new MemoryRelay();
  const join = async (name: string): Promise<Page> => {
    const page = new Page(relay, name, { isDirect: true, stats: going('host'), ...options });
    pages.push(page);
    page.session.dispatch({ type: 'set-microphone', isOn: true });
    await page.join();
    return page;
  };
  const both = [await join('Ada'), await join('Bob')] as const;
  await settle(both);
  return both;
}

/** What the clock has due, and what it leads to. */
async function standBy([ada, bob]: readonly [Page, Page]): Promise<void> {
  for (const page of [ada, bob]) page.fire('frames-check');
  await until('Bob has looked at the way', () => bob.world.clock?.running.includes(`standby:${ada.id}`) ?? false);
  bob.fire(`standby:${ada.id}`);
  await until('both have a second connection', () => [ada, bob].every(({ world }) => world.links.length === 2));
  await until('both hold the keys of both', () =>
    [ada, bob].every(({ world }) => [...(world.frames?.links.values() ?? [])].every(({ open }) => open.size > 0)),
  );
}

const callsOf = (page: Page, link: number): readonly string[] => page.world.links[link]?.calls ?? [];
const flow = (page: Page, link: number, isFlowing: boolean): void =>
  void [undefined, 0].map((stream) => page.world.frames?.handlers.onFlow(`link ${link + 1}`, isFlowing, stream));
const track = (id: string): MediaStreamTrack => ({ id, kind: 'audio' }) as unknown as MediaStreamTrack;
const heard = (page: Page): string | undefined => page.view.participants[0]?.audioTrack?.id;

describe('FO1: a standby', () => {
  it('goes through TURN alone, sends nothing, and has frame keys of its own', async () => {
    const [ada, bob] = await call({ iceServers: [STUN, TURN] });
    await standBy([ada, bob]);
    for (const page of [ada, bob]) {
      const [first, second] = page.world.links;
      assert.deepEqual([first?.options.isRelayed, second?.options.isRelayed], [false, true]);
      assert.deepEqual([first?.options.isIdle, second?.options.isIdle], [false, true]);
      assert.deepEqual(second?.options.iceServers, [TURN]);
      const held = [...(page.world.frames?.links.values() ?? [])];
      assert.equal(held.length, 2);
      assert.ok(held.every(({ seal, open }) => seal && open.size > 0));
      assert.notDeepEqual(held[0]?.seal?.key, held[1]?.seal?.key);
    }
  });

  it('is none without a TURN server, until there is one', async () => {
    const [ada, bob] = await call({ iceServers: [STUN] });
    bob.fire('frames-check');
    await until('Bob has looked at the way', () => bob.fire(`standby:${ada.id}`));
    assert.equal(bob.world.links.length, 1);
    assert.equal(bob.view.participants[0]?.link, 'connected');
  });
});

describe('FO3–FO6: a path that dies', () => {
  it('is left for the standby and taken again; what is heard changes with the first frame, and messages go where something comes', async () => {
    const [ada, bob] = await call({ iceServers: [TURN] });
    await standBy([ada, bob]);
    for (const [page, other] of [
      [ada, bob],
      [bob, ada],
    ] as const) {
      for (const link of [0, 1]) page.world.links[link]?.options.onTrack('microphone', track(`${other.name} ${link}`));
      flow(page, 0, true);
      assert.equal(heard(page), `${other.name} 0`);
    }
    flow(ada, 0, false);
    await until('Bob sends on both', () => callsOf(bob, 1).includes('used'));
    assert.ok(!callsOf(bob, 0).includes('idle'));
    assert.equal(heard(ada), 'Bob 0');
    flow(ada, 1, true);
    assert.equal(heard(ada), 'Bob 1');
    bob.fire(`overlap:${ada.id}`);
    assert.ok(callsOf(bob, 0).includes('idle'));
    assert.equal(heard(bob), 'Ada 0', 'the other direction is as it was');
    const carried = ada.world.sent;
    ada.rename('Ada Lovelace');
    await until('it is heard', () => bob.view.participants[0]?.name === 'Ada Lovelace');
    assert.ok(ada.world.sent > carried);
    ada.fire(`return:${bob.id}`);
    await until('Bob sends on the first again', () => callsOf(bob, 0).includes('used'));
    flow(ada, 0, true);
    assert.equal(heard(ada), 'Bob 0');
  });

  it('takes nobody off the screen: who is reached by the standby is connected', async () => {
    const [ada, bob] = await call({ iceServers: [TURN] });
    await standBy([ada, bob]);
    flow(ada, 0, true);
    ada.world.links[0]?.options.onTransport('failed');
    flow(ada, 1, true);
    assert.equal(ada.view.participants[0]?.link, 'connected');
    ada.world.links[1]?.options.onTransport('failed');
    assert.equal(ada.view.participants[0]?.link, 'failed');
  });

  it('statistics are those of both; how it goes, of the one on which something has come last', async () => {
    let asked = 0;
    const stats = (): RTCStatsReport => {
      const isSecond = asked++ % 2 === 1;
      return new Map<string, object>([
        ['pair', { type: 'candidate-pair', selected: true, localCandidateId: 'local' }],
        ['local', { type: 'local-candidate', candidateType: isSecond ? 'relay' : 'host' }],
        ['in', { type: 'inbound-rtp', bytesReceived: 10, lastPacketReceivedTimestamp: isSecond ? 2 : 1 }],
      ]) as unknown as RTCStatsReport;
    };
    const [ada, bob] = await call({ iceServers: [TURN] });
    await standBy([ada, bob]);
    for (const { link } of ada.world.links) link.stats = async () => stats();
    const [peer] = Object.values((await ada.session.getStats()).peers);
    assert.deepEqual([peer?.link, peer?.bytesReceived], ['relay', 20]);
  });

  it('SK7: whom frames went to past the seal on one connection, nothing is sent to on the other', async () => {
    const [ada, bob] = await call({ iceServers: [TURN] });
    await standBy([ada, bob]);
    let sent = 0;
    for (const { link } of ada.world.links) {
      link.stats = async () =>
        new Map([['out', { type: 'outbound-rtp', kind: 'audio', packetsSent: sent }]]) as unknown as RTCStatsReport;
    }
    for (; sent <= 500 && !callsOf(ada, 0).includes('silence'); sent += 50) {
      ada.fire('frames-check');
      await until('it is looked at again', () => ada.world.clock?.running.includes('frames-check') ?? false);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(callsOf(ada, 0).includes('silence') && callsOf(ada, 1).includes('silence'));
    assert.equal(ada.view.participants[0]?.encryption, 'unsupported');
  });

  it('PR: hiding that is switched on beside a standby leaves no connection that hides nothing', async () => {
    let candidateType = 'host';
    const [ada, bob] = await call({ iceServers: [TURN], stats: () => going(candidateType)() });
    await standBy([ada, bob]);
    candidateType = 'relay';
    ada.session.dispatch({ type: 'set-private', isOn: true });
    await until('hidden connections alone', () => {
      const open = ada.world.frames?.links.size ?? 0;
      return open === 1 && ada.world.links.length === 3;
    });
    assert.ok(ada.world.links[2]?.options.hidden);
    await until('Bob hears of it', () => bob.view.participants[0]?.isAddressHidden === true);
    bob.fire('frames-check');
    assert.ok(!bob.fire(`standby:${ada.id}`) || bob.world.links.length === 3);
  });
});

describe('SK: a standby', () => {
  it('beside the first link is opened by an offer, and neither pushes the other out', async () => {
    const [ada, bob] = await call({ iceServers: [TURN] });
    await standBy([ada, bob]);
    const newest = (): readonly number[] =>
      [...(ada.world.frames?.links.values() ?? [])].map(({ open }) => Math.max(...open.keys()));
    const before = newest();
    void bob.session.rotateKey().catch(() => undefined);
    await until('Ada holds new keys of both', () => newest().every((each, i) => each > (before[i] ?? 0)));
    assert.equal(before.length, 2);
  });
});
