/** TU1, TU5, TU6, TU10 from the page's side: when credentials are asked for, what a wallet is shown, and what goes on without any. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { toHex } from '../../src/engine/protocol/bytes.ts';
import type { IceServer, TurnOffer } from '../../src/engine/protocol/relay.ts';
import { formatTurnMessage, parseTurnMessage } from '../../src/engine/protocol/turn-message.ts';
import type { TurnMessage } from '../../src/engine/protocol/turn-message.ts';
import { parseTurnText, parseTurnWalletText } from '../../src/engine/protocol/turn.ts';
import type { CallOutcome, RelayCallsOptions } from '../../src/engine/relay-calls.ts';
import { RoomSession } from '../../src/engine/room-session.ts';
import type { Moment } from '../../src/engine/room/events.ts';
import type { TurnWallet } from '../../src/engine/session-types.ts';
import { TurnServers } from '../../src/engine/turn-servers.ts';
import { Random } from '../helpers/random.ts';
import { MemoryRelay } from './memory-relay.ts';
import { memoryWorld } from './memory-world.ts';
import { Page, roomOf, settle, until } from './page.ts';

const STUN: IceServer = { urls: ['stun:stun.test'] };
const ORIGIN = 'https://page.test';
/** As that of the page. */
const SAME_ORIGIN = 'wss://page.test/relay';
const TTL_S = 1_000;
const UNREACHABLE: Moment = { type: 'error', code: 'peer-unreachable', isRecoverable: true };
const ADDRESS = `0x${toHex(new Random(4).bytes(32))}`;

function turnServer(n: number): IceServer {
  return { urls: ['turn:turn.test'], username: `${n}`, credential: 'c' };
}

function issued(n: number): CallOutcome {
  return { ok: true, result: { ice_servers: [turnServer(n)], ttl_s: TTL_S } };
}

function challenge(change: Partial<TurnMessage> = {}): CallOutcome {
  const times = { issuedAt: '2027-01-15T08:00:00.000Z', expiresAt: '2027-01-15T08:05:00.000Z' };
  const place = { origin: ORIGIN, uri: 'https://relay.test/turn' };
  const message = formatTurnMessage({
    ...place,
    ...times,
    chain: 'sui',
    address: ADDRESS,
    nonce: 'ab'.repeat(32),
    ...change,
  });
  return { ok: true, result: { message } };
}

/** All that follows from what has happened, without anybody from outside, has happened. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 8; i++) await turn();
}

// What is loaded when it is first needed is there: from then on nothing but turns of the event loop lie between.
before(() => import('../../src/engine/turn-issue.ts'));

/** A page's side of a relay that answers each call when the test says so. */
class Scene {
  now_ms = 0;
  timer: number | undefined;
  servers: readonly IceServer[] = [];
  changes = 0;
  /** What calls to the relay go with. */
  calls: RelayCallsOptions | undefined;
  readonly dropped: string[] = [];
  readonly moments: Moment[] = [];
  readonly asked: string[] = [];
  /** Ends the wait of links, as if its time were over. */
  endWait = (): void => assert.fail('nobody waits');
  readonly turn: TurnServers;
  #answers: ((outcome: CallOutcome | Error) => void)[] = [];

  constructor(
    options: { readonly own?: readonly IceServer[]; readonly wallet?: TurnWallet; readonly relay?: string } = {},
  ) {
    const ask = (text: string): Promise<CallOutcome> => {
      this.asked.push(text);
      return new Promise((resolve, reject) => {
        this.#answers.push((outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)));
      });
    };
    const openly = (path: string, text: string): Promise<CallOutcome> => {
      assert.equal(path, '/turn');
      return ask(text);
    };
    this.turn = new TurnServers({
      own: options.own,
      wallet: options.wallet,
      relay: new URL(options.relay ?? 'wss://relay.test/relay'),
      ports: {
        openCalls: async (calls) => {
          this.calls = calls;
          return { ask, askOpenly: openly };
        },
        pageOrigin: () => ORIGIN,
      },
      steadyNow: () => this.now_ms,
      onServers: (servers) => (this.servers = servers),
      onChanged: () => this.changes++,
      onMoment: (moment) => this.moments.push(moment),
      onDropped: (reason) => this.dropped.push(reason),
      startTimer: (delay_ms) => (this.timer = delay_ms),
      stopTimer: () => (this.timer = undefined),
      wait: () => new Promise((resolve) => (this.endWait = resolve)),
    });
  }

  welcome(turn: TurnOffer | undefined, listed: readonly IceServer[] = [STUN]): Promise<void> | undefined {
    const access = { token: async () => 'token', jwt: async () => 'a.b.c', now: () => 0 };
    return this.turn.welcomed({ ice_servers: listed, ...(turn && { turn }) }, access);
  }

  /** The way in begins. */
  foresee(): void {
    this.turn.foresee({ token: async () => 'token', jwt: async () => undefined, now: () => 0 });
  }

  /** Answers the call that has waited longest, and lets what follows from it happen. */
  async answer(outcome: CallOutcome | Error): Promise<void> {
    await quiet();
    const answer = this.#answers.shift();
    assert.ok(answer, 'nothing was asked');
    answer(outcome);
    await quiet();
  }
}

async function isDone(promise: Promise<void> | undefined): Promise<boolean> {
  if (!promise) return true;
  let done = false;
  void promise.then(() => (done = true));
  await quiet();
  return done;
}

describe('TU10: credentials that are asked for on the way in', () => {
  it('are there when the relay lets us in: nobody waits, and nothing is asked twice', async () => {
    const scene = new Scene({ relay: SAME_ORIGIN });
    scene.foresee();
    await scene.answer(issued(1));
    assert.equal(await isDone(scene.welcome('token')), true);
    assert.deepEqual(scene.servers, [STUN, turnServer(1)]);
    assert.equal(scene.asked.length, 1);
  });

  it('that are on their way are waited for', async () => {
    const scene = new Scene({ relay: SAME_ORIGIN });
    scene.foresee();
    await quiet();
    const held = scene.welcome('token');
    assert.equal(await isDone(held), false);
    await scene.answer(issued(1));
    assert.equal(await isDone(held), true);
    assert.equal(scene.asked.length, 1);
  });

  it('in vain are no news where the relay issues none, and asked for once more where it does', async () => {
    const none = new Scene({ relay: SAME_ORIGIN });
    none.foresee();
    await none.answer({ ok: false, reason: 'method-not-found' });
    assert.equal(await isDone(none.welcome(undefined)), true);
    assert.deepEqual([none.dropped, none.moments, none.timer], [[], [], undefined]);
    const late = new Scene({ relay: SAME_ORIGIN });
    late.foresee();
    await late.answer(new Error('no network yet'));
    const held = late.welcome('token');
    await late.answer(issued(2));
    assert.equal(await isDone(held), true);
    assert.deepEqual(late.servers, [STUN, turnServer(2)]);
    assert.deepEqual(late.dropped, []);
  });

  it('are not asked for by a page with servers or a wallet of its own, nor kept when it leaves meanwhile', async () => {
    const own = new Scene({ own: [STUN], relay: SAME_ORIGIN });
    const wallet = new Scene({
      relay: SAME_ORIGIN,
      wallet: { chain: 'sui', address: ADDRESS, sign: async () => 'signed' },
    });
    for (const scene of [own, wallet]) {
      scene.foresee();
      await quiet();
      assert.deepEqual([scene.asked, scene.calls], [[], undefined]);
    }
    const left = new Scene({ relay: SAME_ORIGIN });
    left.foresee();
    await quiet();
    left.turn.leave();
    await left.answer(issued(3));
    assert.deepEqual(left.servers, []);
    const held = left.welcome('token');
    await left.answer(issued(4));
    assert.equal(await isDone(held), true);
    assert.deepEqual(left.servers, [STUN, turnServer(4)]);
  });

  it('are not asked for of a relay elsewhere, whose page may forbid it, unless it has issued some before', async () => {
    const scene = new Scene();
    scene.foresee();
    await quiet();
    assert.deepEqual([scene.asked, scene.calls], [[], undefined]);
    const held = scene.welcome('token');
    await scene.answer(issued(1));
    assert.equal(await isDone(held), true);
    scene.turn.leave();
    scene.foresee();
    await scene.answer(issued(2));
    assert.equal(await isDone(scene.welcome('token')), true);
    assert.equal(scene.asked.length, 2);
    scene.turn.leave();
    scene.welcome(undefined);
    scene.turn.leave();
    scene.foresee();
    await quiet();
    assert.equal(scene.asked.length, 2, 'it issues none any more');
  });
});

describe('TU1: credentials for a token', () => {
  it('are asked for where the relay issues them; links wait for them, and have them from the start', async () => {
    const scene = new Scene();
    const held = scene.welcome('token');
    assert.equal(await isDone(held), false);
    assert.deepEqual(scene.servers, [STUN]);
    assert.equal(parseTurnText(scene.asked[0] ?? '')?.type, 'request');
    await scene.answer(issued(1));
    assert.equal(await isDone(held), true);
    assert.deepEqual(scene.servers, [STUN, turnServer(1)]);
    assert.equal(scene.changes, 1);
  });

  it('AD17: are asked for with what the operator’s door wants to see', async () => {
    const scene = new Scene();
    void scene.welcome('token');
    await scene.answer(issued(1));
    assert.equal(await scene.calls?.token(7, ''), 'token');
    assert.equal(await scene.calls?.jwt?.(), 'a.b.c');
  });

  it('are waited for no longer than the bound, and count when they come', async () => {
    const scene = new Scene();
    const held = scene.welcome('token');
    scene.endWait();
    assert.equal(await isDone(held), true);
    assert.deepEqual(scene.servers, [STUN]);
    await scene.answer(issued(1));
    assert.deepEqual(scene.servers, [STUN, turnServer(1)]);
  });

  it('are not asked for where the relay issues none, and where the page has servers of its own', async () => {
    const none = new Scene();
    assert.equal(none.welcome(undefined), undefined);
    const own = new Scene({ own: [STUN] });
    assert.equal(own.welcome('token'), undefined);
    await quiet();
    assert.deepEqual([none.asked, own.asked, own.servers], [[], [], []]);
  });

  it('are renewed before they are over, and asked for once only while the relay is away and back', async () => {
    const scene = new Scene();
    void scene.welcome('token');
    await scene.answer(issued(1));
    assert.equal(scene.timer, TTL_S * 800);
    assert.equal(scene.welcome('token'), undefined, 'still good');
    await quiet();
    assert.equal(scene.asked.length, 1);
    scene.now_ms = TTL_S * 800;
    scene.turn.renew();
    assert.deepEqual(scene.servers, [STUN, turnServer(1)], 'the old ones until there are others');
    await scene.answer(issued(2));
    assert.deepEqual(scene.servers, [STUN, turnServer(2)]);
  });

  it('that do not come are asked for again, later and later; links do not wait on', async () => {
    const scene = new Scene();
    const held = scene.welcome('token');
    await scene.answer(new Error('no network'));
    assert.equal(await isDone(held), true);
    const delays = [scene.timer];
    for (let i = 0; i < 7; i++) {
      scene.turn.renew();
      await scene.answer(
        i % 2 === 0 ? { ok: false, reason: 'unavailable' } : { ok: true, result: { ice_servers: [] } },
      );
      delays.push(scene.timer);
    }
    assert.deepEqual(
      delays,
      [30, 60, 120, 240, 480, 600, 600, 600].map((s) => s * 1000),
    );
    scene.turn.renew();
    await scene.answer(issued(1));
    assert.equal(scene.timer, TTL_S * 800);
  });

  for (const reason of ['method-not-found', 'wallet-required', 'refused'] as const) {
    it(`are not asked for again in this join after “${reason}”, and are in the next`, async () => {
      const scene = new Scene();
      void scene.welcome('token');
      await scene.answer({ ok: false, reason });
      assert.equal(scene.timer, undefined);
      assert.equal(scene.welcome('token'), undefined);
      scene.turn.leave();
      void scene.welcome('token');
      await quiet();
      assert.equal(scene.asked.length, 2);
    });
  }

  it('are forgotten with the join, also those that are on their way', async () => {
    const scene = new Scene();
    void scene.welcome('token');
    await scene.answer(issued(1));
    scene.turn.leave();
    assert.deepEqual([scene.servers, scene.timer], [[STUN], undefined]);
    void scene.welcome('token');
    await quiet();
    scene.turn.leave();
    void scene.welcome('token');
    await scene.answer(issued(2));
    assert.deepEqual(scene.servers, [STUN], 'those of a join that was left');
    await scene.answer(issued(3));
    assert.deepEqual(scene.servers, [STUN, turnServer(3)]);
  });
});

describe('TU10: without credentials', () => {
  it('nothing is told until somebody cannot be reached; then it is, once', async () => {
    const scene = new Scene();
    void scene.welcome('token');
    await scene.answer(new Error('no network'));
    assert.deepEqual([scene.moments, scene.dropped], [[], ['turn-unavailable']]);
    assert.equal(scene.turn.troubleOf({ type: 'joined' }), undefined);
    assert.deepEqual(scene.turn.troubleOf(UNREACHABLE), {
      type: 'error',
      code: 'turn-unavailable',
      isRecoverable: true,
    });
    assert.equal(scene.turn.troubleOf(UNREACHABLE), undefined);
  });

  it('it is not TURN’s fault where there are credentials, or where the relay has never offered any', async () => {
    const [with_, without] = [new Scene(), new Scene()];
    void with_.welcome('token');
    await with_.answer(issued(1));
    void without.welcome(undefined);
    assert.equal(with_.turn.troubleOf(UNREACHABLE), undefined);
    assert.equal(without.turn.troubleOf(UNREACHABLE), undefined);
    with_.now_ms = TTL_S * 1000;
    assert.notEqual(with_.turn.troubleOf(UNREACHABLE), undefined, 'when they are over it is');
  });
});

describe('TU6: a wallet', () => {
  const shown: string[] = [];
  const wallet: TurnWallet = {
    chain: 'sui',
    address: ADDRESS,
    sign: async (message) => {
      shown.push(message);
      return 'signature';
    },
  };

  it('is shown the relay’s challenge and signs it; nothing waits for it', async () => {
    shown.length = 0;
    const scene = new Scene({ wallet });
    assert.equal(scene.welcome('wallet'), undefined);
    await quiet();
    const asked = parseTurnWalletText(scene.asked[0] ?? '');
    assert.deepEqual(asked.type === 'request' && asked.request.params, { chain: 'sui', address: ADDRESS });
    await scene.answer(challenge());
    assert.equal(parseTurnMessage(shown[0])?.uri, 'https://relay.test/turn');
    const redeemed = parseTurnWalletText(scene.asked[1] ?? '');
    assert.deepEqual(redeemed.type === 'request' && redeemed.request.params, {
      message: shown[0],
      signature: 'signature',
    });
    await scene.answer(issued(1));
    assert.deepEqual([scene.servers, scene.changes], [[STUN, turnServer(1)], 1]);
  });

  it('is shown nothing that is not of this relay, for this page and this account', async () => {
    shown.length = 0;
    const changes: readonly Partial<TurnMessage>[] = [
      { origin: 'https://bank.test' },
      { uri: 'https://other.test/turn' },
      { uri: 'https://relay.test/transfer' },
      { address: `0x${'0'.repeat(64)}` },
      { chain: 'ethereum', address: `0x${'0'.repeat(40)}` },
    ];
    const outcomes = [
      ...changes.map((change) => challenge(change)),
      { ok: true, result: { message: 'Send all' } } as const,
      { ok: true, result: {} } as const,
    ];
    for (const outcome of outcomes) {
      const scene = new Scene({ wallet });
      void scene.welcome('wallet');
      await scene.answer(outcome);
      assert.deepEqual([scene.dropped, scene.asked.length], [['turn-refused'], 1]);
    }
    assert.deepEqual(shown, []);
  });

  it('that does not sign is asked once in a join, and the page is told; so where the relay refuses what it has signed', async () => {
    const told: Moment = { type: 'error', code: 'wallet-refused', isRecoverable: true };
    const unwilling: readonly TurnWallet['sign'][] = [
      () => Promise.reject(new Error('user rejected')),
      () => {
        throw new Error('gone');
      },
      async () => 1 as unknown as string,
    ];
    for (const sign of unwilling) {
      const scene = new Scene({ wallet: { ...wallet, sign } });
      void scene.welcome('wallet');
      await scene.answer(challenge());
      assert.deepEqual([scene.moments, scene.asked.length], [[told], 1]);
      void scene.welcome('wallet');
      await quiet();
      assert.equal(scene.asked.length, 1);
    }
    const scene = new Scene({ wallet });
    void scene.welcome('wallet');
    await scene.answer(challenge());
    await scene.answer({ ok: false, reason: 'wallet-refused' });
    assert.deepEqual(scene.moments, [told]);
  });

  it('that the page has none of, or whose stake is too low, is nothing to tell of; TURN is away then', async () => {
    const none = new Scene();
    void none.welcome('wallet');
    await quiet();
    const poor = new Scene({ wallet });
    void poor.welcome('wallet');
    await poor.answer(challenge());
    await poor.answer({ ok: false, reason: 'stake-too-low' });
    for (const scene of [none, poor]) {
      assert.deepEqual([scene.moments, scene.timer], [[], undefined]);
      assert.notEqual(scene.turn.troubleOf(UNREACHABLE), undefined);
    }
    assert.deepEqual([none.asked, none.dropped, poor.dropped], [[], ['turn-wallet-required'], ['turn-stake-too-low']]);
  });

  it('that could not sign is misuse, at the call', () => {
    const make = (turnWallet: TurnWallet): void => {
      const room = { kind: 'private', room: roomOf() } as const;
      const { ports } = memoryWorld(new MemoryRelay(), 'x');
      new RoomSession({ relay: 'wss://relay.test', room, turnWallet }, ports).close();
    };
    make(wallet);
    const bad: readonly object[] = [{ chain: 'bitcoin' }, { address: '0x1' }, { chain: 'ethereum' }, { sign: 'x' }];
    for (const change of bad) {
      assert.throws(() => make({ ...wallet, ...change } as TurnWallet), { name: 'TaiError', code: 'usage' });
    }
  });
});

describe('TU1 in a session', () => {
  it('links open with what was issued, standing ones are told of what is new, and the view names the hosts', async () => {
    const relay = new MemoryRelay();
    relay.turn = 'token';
    let round = 0;
    const ask = async (): Promise<CallOutcome> => issued(++round);
    const instead = { openCalls: async () => ({ ask, askOpenly: ask }) };
    const pages = [new Page(relay, 'Ada', { instead }), new Page(relay, 'Bob', { instead })];
    for (const page of pages) await page.join();
    await settle(pages);
    const [ada] = pages;
    assert.ok(ada);
    const [link] = ada.world.links;
    assert.deepEqual(link?.options.iceServers, [turnServer(1)]);
    assert.deepEqual([ada.view.encryption.iceHosts, ada.view.encryption.iceHostNames], [1, ['turn.test']]);
    assert.ok(ada.fire('turn-renew'));
    await until('the link is told', () => link?.calls.includes('servers turn:turn.test') ?? false);
    ada.session.dispatch({ type: 'leave' });
    assert.equal(ada.fire('turn-renew'), false, 'no timer outlives the join');
    for (const page of pages) page.session.close();
  });
});
