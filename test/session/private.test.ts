/** PR: hidden addresses in whole sessions, over links of memory. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { HidingCode } from '../../src/engine/hiding.ts';
import { HiddenPath } from '../../src/engine/transport/hidden-path.ts';
import type { LinkRecord } from './memory-link.ts';
import { MemoryRelay } from './memory-relay.ts';
import { Page, settle, until, untilWith } from './page.ts';
import type { PageOptions } from './page.ts';

const STUN = { urls: ['stun:stun.test'] } as const;
const TURN = { urls: ['turn:turn.test', 'turns:turn.test:443'], username: 'u', credential: 'c' } as const;
const HIDDEN: PageOptions = { private: true, iceServers: [STUN, TURN] };

let pages: Page[] = [];
afterEach(() => {
  for (const page of pages) page.session.close();
  pages = [];
});

async function join(relay: MemoryRelay, name: string, options: PageOptions = {}): Promise<Page> {
  const page = new Page(relay, name, { isDirect: true, ...options });
  pages.push(page);
  await page.join();
  return page;
}

async function call(ofAda: PageOptions, ofBob: PageOptions, relay = new MemoryRelay()): Promise<readonly [Page, Page]> {
  const [ada, bob] = [await join(relay, 'Ada', ofAda), await join(relay, 'Bob', ofBob)];
  await settle([ada, bob]);
  return [ada, bob];
}

const last = (page: Page): LinkRecord => page.world.links.at(-1) ?? assert.fail('no link');
const hides = (page: Page): boolean => last(page).options.hidden !== undefined;
const other = (page: Page): Page['view']['participants'][number] => page.view.participants[0] ?? assert.fail('nobody');
/** What of our state is told to the page as having changed for the worse. */
const codes = (page: Page): readonly string[] => page.errors.map(([code]) => code);

/** Keeps back all pre-keys until it is told otherwise. */
class LateRelay extends MemoryRelay {
  #late: (() => void)[] | undefined = [];

  override publish(...args: Parameters<MemoryRelay['publish']>): boolean {
    if (!this.#late) return super.publish(...args);
    this.#late.push(() => super.publish(...args));
    return true;
  }

  publishAll(): void {
    const late = this.#late ?? [];
    this.#late = undefined;
    for (const publish of late) publish();
  }
}

function statsOf(candidateType: string): RTCStatsReport {
  return new Map<string, object>([
    ['pair', { type: 'candidate-pair', selected: true, localCandidateId: 'local' }],
    ['local', { type: 'local-candidate', candidateType }],
  ]) as unknown as RTCStatsReport;
}

describe('PR: who hides its addresses from the start', () => {
  for (const [who, ofAda, ofBob] of [
    ['who comes first', HIDDEN, {}],
    ['who comes second', {}, HIDDEN],
    ['both', HIDDEN, HIDDEN],
  ] as const) {
    it(`${who}: its links open with TURN alone and the look at every text, and the other is told (PR1, PR10)`, async () => {
      const [ada, bob] = await call(ofAda, ofBob);
      for (const [page, peer, options] of [
        [ada, bob, ofAda],
        [bob, ada, ofBob],
      ] as const) {
        const isHiding = options === HIDDEN;
        assert.equal(hides(page), isHiding);
        const urls = last(page).options.iceServers.flatMap((server) => server.urls);
        assert.deepEqual(urls, isHiding ? ['turns:turn.test:443', 'turn:turn.test'] : []);
        assert.equal(page.view.privacy, isHiding ? 'on' : 'off');
        assert.equal(page.view.encryption.isAddressHidden, isHiding);
        assert.equal(other(peer).isAddressHidden, isHiding);
        assert.deepEqual([other(page).link, codes(page)], ['connected', []]);
      }
      assert.deepEqual(
        ofAda === HIDDEN ? ada.view.encryption.iceHostNames : ['turn.test'],
        ['turn.test'],
        'no STUN host',
      );
    });
  }

  it('the lobby says so before anybody is met, and it can be taken back there', () => {
    const page = new Page(new MemoryRelay(), 'Ada', HIDDEN);
    pages.push(page);
    assert.equal(page.view.privacy, 'on');
    page.session.dispatch({ type: 'set-private', isOn: false });
    assert.equal(page.view.privacy, 'off');
    assert.deepEqual(page.view.encryption.iceHostNames, ['stun.test', 'turn.test']);
  });
});

describe('where what hides cannot be loaded', () => {
  const broken = { instead: { loadHiding: () => Promise.reject(new Error('no network')) } };

  it('nothing is joined', async () => {
    const page = new Page(new MemoryRelay(), 'Ada', { ...HIDDEN, ...broken });
    pages.push(page);
    page.session.dispatch({ type: 'join' });
    await until('it is refused', () => page.view.leaveReason === 'refused');
    assert.deepEqual(page.errors, [['privacy-failed', undefined]]);
    assert.equal(page.world.links.length, 0);
  });

  it('nothing changes in a call, and it is told', async () => {
    const [ada] = await call({ iceServers: [TURN], ...broken }, {});
    const before = ada.world.links.length;
    ada.session.dispatch({ type: 'set-private', isOn: true });
    await until('it is told', () => codes(ada).length > 0);
    assert.deepEqual(ada.errors, [['privacy-failed', undefined]]);
    assert.deepEqual([ada.view.privacy, ada.world.links.length, other(ada).link], ['off', before, 'connected']);
  });
});

describe('PR2: without a TURN host', () => {
  for (const [who, isFirst] of [
    ['who comes first', true],
    ['who comes second', false],
  ] as const) {
    it(`${who} opens no connection, says why, and is named by what the relay carries`, async () => {
      const relay = new MemoryRelay();
      const options: PageOptions = { private: true, iceServers: [STUN] };
      const ada = await join(relay, 'Ada', isFirst ? options : {});
      const bob = await join(relay, 'Bob', isFirst ? {} : options);
      const [hider, peer] = isFirst ? [ada, bob] : [bob, ada];
      await until('the state says why', () => hider.view.privacy === 'turn-unavailable');
      await until('the other sees who it is', () => peer.names.includes(hider.name));
      assert.deepEqual(codes(hider), ['turn-unavailable'], 'told once');
      assert.equal(hider.world.links.length, 0);
      assert.ok(hider.view.encryption.isAddressHidden && other(peer).isAddressHidden);
      // tried again for as long as it lasts, and still nothing opens
      for (let i = 0; i < 4; i++) for (const page of [ada, bob]) page.fireAll(['link:']);
      await untilWith([ada, bob], ['link:'], 'they have tried', () => codes(peer).includes('peer-unreachable'));
      assert.equal(hider.world.links.length, 0);
      assert.deepEqual(codes(hider).filter((code) => code === 'turn-unavailable').length, 1);
    });
  }
});

describe('PR9: a connection that goes another way', () => {
  it('is closed at once, told, and never tried again', async () => {
    let type = 'relay';
    const relay = new MemoryRelay();
    const [ada, bob] = await call({ ...HIDDEN, stats: () => statsOf(type) }, {}, relay);
    assert.equal((await ada.session.getStats()).peers[bob.id]?.link, 'relay');
    assert.equal(ada.view.privacy, 'on');
    const opened = ada.world.links.length;
    type = 'host';
    ada.fire('frames-check');
    await until('it is noticed', () => ada.view.privacy === 'failed');
    assert.deepEqual(ada.errors, [['privacy-failed', bob.id]]);
    assert.ok(ada.world.released.includes('link'));
    assert.equal(ada.view.encryption.isAddressHidden, false, 'nothing is claimed');
    assert.equal(other(ada).link, 'failed');
    await untilWith([bob], ['link:'], 'the other has tried', () => codes(bob).includes('peer-unreachable'));
    assert.ok((await ada.dropped('exposed-peer')) > 0);
    assert.equal(ada.world.links.length, opened);
    // the next join begins anew
    ada.session.dispatch({ type: 'leave' });
    assert.equal(ada.view.privacy, 'on');
  });

  it('of who does not hide is nobody’s business', async () => {
    const [ada] = await call({ stats: () => statsOf('host') }, {});
    ada.fire('frames-check');
    await ada.session.getStats();
    assert.deepEqual([ada.view.privacy, codes(ada)], ['off', []]);
  });
});

describe('PR11: switched on in a call', () => {
  for (const isFirst of [true, false]) {
    it(`by who came ${isFirst ? 'first' : 'second'}: every connection is made anew, hidden`, async () => {
      const servers: PageOptions = { iceServers: [STUN, TURN] };
      const relay = new MemoryRelay();
      const [ada, bob] = await call(servers, servers, relay);
      const cyd = await join(relay, 'Cyd');
      await settle([ada, bob, cyd]);
      const hider = isFirst ? ada : bob;
      const others = [ada, bob, cyd].filter((page) => page !== hider);
      const before = hider.world.links.length;
      hider.session.dispatch({ type: 'set-private', isOn: true });
      await until('it is on', () => hider.view.privacy === 'on');
      // only who makes no connections needs the others' timers, and only where what it said is lost
      await until(
        'all stand again',
        () =>
          [hider, ...others].every((page) => page.view.participants.every(({ link }) => link === 'connected')) &&
          hider.world.links.length >= before + 2,
      );
      const fresh = hider.world.links.slice(before);
      assert.ok(fresh.every(({ options }) => options.hidden !== undefined));
      assert.ok(
        fresh.every(({ options }) =>
          options.iceServers.every(({ urls }) => urls.every((url) => url.startsWith('turn'))),
        ),
      );
      assert.equal(hider.world.released.filter((what) => what === 'link').length, before, 'those before are closed');
      for (const page of others) {
        const seen = page.view.participants.find(({ name }) => name === hider.name);
        assert.equal(seen?.isAddressHidden, true);
      }
      await settle([ada, bob, cyd]);
      assert.deepEqual(codes(hider), []);
    });
  }

  it('cannot be taken back before it is over', async () => {
    const [ada] = await call(HIDDEN, {});
    assert.throws(() => ada.session.dispatch({ type: 'set-private', isOn: false }), { code: 'usage' });
    assert.equal(ada.view.privacy, 'on');
    ada.session.dispatch({ type: 'leave' });
    ada.session.dispatch({ type: 'set-private', isOn: false });
    assert.equal(ada.view.privacy, 'off');
  });

  it('what a connection found out before, and could not say yet, is never said', async () => {
    const relay = new LateRelay();
    // without her keys nothing can be said to her
    const ada = await join(relay, 'Ada');
    const bob = await join(relay, 'Bob', { iceServers: [STUN, TURN] });
    await until('an offer waits', () => bob.world.links.length > 0);
    bob.session.dispatch({ type: 'set-private', isOn: true });
    await until('it is on', () => bob.view.privacy === 'on' && hides(bob));
    relay.publishAll();
    await settle([ada, bob]);
    assert.deepEqual([other(ada).link, other(bob).link], ['connected', 'connected']);
    assert.ok((await bob.dropped('link-closed')) > 0);
    assert.equal(ada.world.links.length, 1, 'none for what is closed');
  });

  for (const isLoaded of [true, false]) {
    it(`while joining: nothing opens in the open, ${isLoaded ? 'whenever it is loaded' : 'and what cannot be loaded ends it'}`, async () => {
      const relay = new MemoryRelay();
      const ada = await join(relay, 'Ada');
      const gate = Promise.withResolvers<HidingCode>();
      let loads = 0;
      const bob = new Page(relay, 'Bob', {
        isDirect: true,
        iceServers: [STUN, TURN],
        instead: {
          loadHiding: () => {
            loads++;
            return gate.promise;
          },
        },
      });
      pages.push(bob);
      bob.session.dispatch({ type: 'join' });
      assert.equal(bob.view.phase, 'joining');
      bob.session.dispatch({ type: 'set-private', isOn: true });
      assert.equal(bob.view.privacy, 'on');
      await until('the relay has let it in, and it waits for what hides', () => loads === 2);
      assert.deepEqual([bob.view.phase, bob.world.links.length, codes(bob)], ['joining', 0, []]);
      if (isLoaded) gate.resolve({ HiddenPath });
      else gate.reject(new Error('no network'));
      if (isLoaded)
        await untilWith(
          [ada, bob],
          ['link:'],
          'they are connected',
          () => bob.view.participants[0]?.link === 'connected',
        );
      else await until('it is refused', () => bob.view.leaveReason === 'refused');
      assert.deepEqual(codes(bob), isLoaded ? [] : ['privacy-failed']);
      assert.ok(bob.world.links.every(({ options }) => options.hidden !== undefined));
    });
  }

  it('without a TURN host it ends the connections, and says why', async () => {
    const [ada, bob] = await call({}, {});
    ada.session.dispatch({ type: 'set-private', isOn: true });
    await until('the state says why', () => ada.view.privacy === 'turn-unavailable');
    await until('the other sees it', () => other(bob).link !== 'connected');
    assert.equal(ada.world.released.filter((what) => what === 'link').length, ada.world.links.length);
  });
});
