import { strict as assert } from 'node:assert';
import { describe, it } from 'node:test';
import { CLOSE_CODES, RPC_ERRORS } from '../../src/engine/protocol/errors.ts';
import type { CloseReason } from '../../src/engine/protocol/errors.ts';
import { parsePeerId, parseRoomId } from '../../src/engine/protocol/ids.ts';
import {
  formatError,
  formatExpiredReason,
  formatNotification,
  formatResult,
  parseClientText,
} from '../../src/engine/protocol/relay.ts';
import type { RelayNotification } from '../../src/engine/protocol/relay.ts';
import { ANSWER_WAIT_MS } from '../../src/engine/transport/questions.ts';
import {
  FIRST_RETRY_MAX_MS,
  PING_EVERY_MS,
  PATIENT_RETRY_MAX_MS,
  RETRY_MAX_MS,
  RelaySocket,
  retryBound,
} from '../../src/engine/transport/relay-socket.ts';
import type { Every } from '../../src/engine/transport/relay-socket.ts';

const ROOM = parseRoomId(`0x${'ab'.repeat(32)}`);
const SELF = parsePeerId(`0x${'01'.repeat(16)}`);
const OTHER = parsePeerId(`0x${'02'.repeat(16)}`);
if (!ROOM || !SELF || !OTHER) throw new Error('bad fixture');

/** A dead socket is found by then, whoever looks for it. */
const HALF_OPEN_MAX_MS = 20_000;

const WELCOME: RelayNotification = {
  method: 'welcome',
  params: { room_id: ROOM, peer_id: SELF, join_number: 5, ep: 'e', peers: [], ice_servers: [] },
};

/** A WebSocket whose other end is the test. */
class FakeWebSocket extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  static made: FakeWebSocket[] = [];
  static onMade: (() => void) | undefined;
  readonly sent: string[] = [];
  readonly protocols: readonly string[];
  readonly url: string;
  binaryType = 'blob';
  bufferedAmount = 0;
  extensions = '';
  protocol = '';
  readyState = FakeWebSocket.CONNECTING;

  constructor(url: string, protocols: string | string[] = []) {
    super();
    this.url = url;
    this.protocols = [protocols].flat();
    FakeWebSocket.made.push(this);
    FakeWebSocket.onMade?.();
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.readyState = FakeWebSocket.CLOSED;
  }

  open(): void {
    this.readyState = FakeWebSocket.OPEN;
    this.dispatchEvent(new Event('open'));
  }

  receive(data: unknown): void {
    this.dispatchEvent(new MessageEvent('message', { data }));
  }

  end(code: number, reason = ''): void {
    this.readyState = FakeWebSocket.CLOSED;
    this.dispatchEvent(Object.assign(new Event('close'), { code, reason, wasClean: true }));
  }
}

type Told = {
  notifications: RelayNotification[];
  lost: number;
  closed: CloseReason[];
  dropped: string[];
  tokens: number[];
};

function connect(
  options: {
    random?: () => number;
    wake?: EventTarget;
    isAwake?: () => boolean;
    now?: () => number;
    every?: Every;
    companions?: () => Promise<readonly string[]>;
  } = {},
) {
  FakeWebSocket.made = [];
  const told: Told = { notifications: [], lost: 0, closed: [], dropped: [], tokens: [] };
  const socket = new RelaySocket({
    url: 'wss://relay.test/relay',
    roomId: ROOM!,
    token: async (nowS) => {
      told.tokens.push(nowS);
      return `tai.token.${told.tokens.length}`;
    },
    ...(options.companions && { companions: options.companions }),
    onNotification: (notification) => void told.notifications.push(notification),
    onLost: () => void told.lost++,
    onClosed: (reason) => void told.closed.push(reason),
    onDropped: (reason) => void told.dropped.push(reason),
    now: options.now ?? (() => 1_000_000_000),
    random: options.random ?? (() => 0),
    ...(options.every && { every: options.every }),
    webSocket: FakeWebSocket as unknown as typeof WebSocket,
    wakeSources: options.wake
      ? [{ target: options.wake, type: 'online', isAwake: options.isAwake ?? (() => true) }]
      : [],
  });
  return { socket, told };
}

/** The next socket that is made: the moment is the condition, no time is waited for. */
function nextSocket(): Promise<FakeWebSocket> {
  return new Promise((resolve) => {
    FakeWebSocket.onMade = () => {
      const made = FakeWebSocket.made.at(-1);
      FakeWebSocket.onMade = undefined;
      // partysocket adds its listeners after the constructor
      if (made) queueMicrotask(() => resolve(made));
    };
  });
}

/** A socket that has been welcomed, and the one that comes after it. */
async function welcomed(options: Parameters<typeof connect>[0] = {}) {
  const made = nextSocket();
  const { socket, told } = connect(options);
  const first = await made;
  first.open();
  first.receive(formatNotification(WELCOME));
  return { socket, told, first, again: nextSocket() };
}

/** A clock, and the heartbeat's ticks, in the test's hand. */
class Ticks {
  nowMs = 1_000_000_000;
  #tick = (): void => undefined;
  readonly options = {
    now: () => this.nowMs,
    every: (_delay_ms: number, tick: () => void) => {
      this.#tick = tick;
      return () => undefined;
    },
  };

  pass(ms: number): void {
    this.nowMs += ms;
    this.#tick();
  }
}

function message(n: number, ep = 'e'): string {
  const params = { sender_peer_id: OTHER!, room_id: ROOM!, payload: 'AA', n, ep };
  return formatNotification({ method: 'relay_message', params });
}

function numbersIn({ notifications }: Told): number[] {
  return notifications.flatMap((one) => (one.method === 'relay_message' ? [one.params.n] : []));
}

function requestsTo(socket: FakeWebSocket) {
  return socket.sent.map((text) => parseClientText(text)).filter((one) => one.type === 'request');
}

describe('the relay socket', () => {
  it('AD2: shows the version and a token as subprotocols, at a constant address', async () => {
    const made = nextSocket();
    const { socket } = connect();
    const ws = await made;
    assert.equal(ws.url, 'wss://relay.test/relay');
    assert.deepEqual(ws.protocols, ['tai.1', 'tai.token.1']);
    socket.close();
  });

  it('AD4: shows a fresh token at every attempt, and tells each loss', async () => {
    const made = nextSocket();
    const { socket, told } = connect();
    const first = await made;
    first.open();
    first.receive(formatNotification(WELCOME));
    const again = nextSocket();
    first.end(1006);
    const second = await again;
    assert.deepEqual(second.protocols.slice(0, 2), ['tai.1', 'tai.token.2']);
    assert.equal(told.lost, 1);
    assert.deepEqual(
      told.notifications.map(({ method }) => method),
      ['welcome'],
    );
    socket.close();
  });

  it('AD9, AD17: offers what goes beside the token, asked anew at every attempt; an attempt without it is a loss, and tried again', async () => {
    let asked = 0;
    const companions = async (): Promise<readonly string[]> => {
      asked++;
      if (asked === 2) throw new Error('the page has no JWT just now');
      return [`tai.jwt.a.b.c${asked}`];
    };
    const made = nextSocket();
    const { socket, told } = connect({ companions });
    const first = await made;
    assert.deepEqual(first.protocols, ['tai.1', 'tai.token.1', 'tai.jwt.a.b.c1']);
    first.open();
    const again = nextSocket();
    first.end(1006);
    assert.deepEqual((await again).protocols, ['tai.1', 'tai.token.3', 'tai.jwt.a.b.c3']);
    assert.ok(told.lost >= 2, 'each is told');
    socket.close();
  });

  it('AD10, AD12: asks as a host and knocks, and hears the answer, or that there is none', async () => {
    const made = nextSocket();
    const { socket } = connect();
    const ws = await made;
    assert.equal(await socket.sayAsHost('AQID'), undefined, 'not open yet');
    ws.open();
    const answer = socket.sayAsHost('AQID');
    socket.knock('bm90ZQ');
    const sent = ws.sent.map((text) => parseClientText(text));
    assert.deepEqual(
      sent.map((parsed) => parsed.type === 'request' && parsed.request),
      [
        { method: 'host_statement', params: { room_id: ROOM, statement: 'AQID' } },
        { method: 'knock', params: { room_id: ROOM, note: 'bm90ZQ' } },
      ],
    );
    const [id] = sent.map((parsed) => (parsed.type === 'request' ? parsed.id : undefined));
    assert.ok(id !== undefined);
    ws.receive(formatError(id, 'host-stale', { now: 7, ep: 'e2' }));
    assert.deepEqual(await answer, {
      ...{ type: 'error', id, code: RPC_ERRORS['host-stale'], reason: 'host-stale' },
      data: { now: 7, ep: 'e2' },
    });
    const unanswered = socket.sayAsHost('AQID');
    socket.close();
    assert.equal(await unanswered, undefined);
  });

  it('AD5: corrects its clock by what an expired token is told', async () => {
    const made = nextSocket();
    const { socket, told } = connect();
    const first = await made;
    assert.deepEqual(told.tokens, [1_000_000]);
    const again = nextSocket();
    first.open();
    first.end(CLOSE_CODES['token-expired'], formatExpiredReason(1_003_600));
    await again;
    assert.deepEqual(told.tokens, [1_000_000, 1_003_600]);
    assert.deepEqual(told.closed, ['token-expired']);
    socket.close();
  });

  for (const reason of ['replaced', 'room-full', 'token-invalid'] satisfies CloseReason[]) {
    it(`tells "${reason}", and tries again until it is closed`, async () => {
      const made = nextSocket();
      const { socket, told } = connect();
      const first = await made;
      first.open();
      const again = nextSocket();
      first.end(CLOSE_CODES[reason], reason);
      assert.deepEqual(told.closed, [reason]);
      await again;
      socket.close();
    });
  }

  it('RL7: gives a socket up by an unanswered question, never by silence alone', async () => {
    let now_ms = 1_000_000_000;
    const wake = new EventTarget();
    const made = nextSocket();
    const { socket } = connect({ wake, now: () => now_ms });
    const first = await made;
    first.open();
    // An hour of sleep, in which nobody could have heard anything: it is asked, not given up.
    now_ms += 3_600_000;
    wake.dispatchEvent(new Event('online'));
    assert.deepEqual(first.sent, ['ping']);
    assert.equal(FakeWebSocket.made.length, 1);
    first.receive('pong');
    now_ms += 3_600_000;
    wake.dispatchEvent(new Event('online'));
    assert.deepEqual(first.sent, ['ping', 'ping']);
    assert.equal(FakeWebSocket.made.length, 1);
    socket.close();
  });

  it('sends nothing while there is no open socket, and keeps nothing for later', async () => {
    const made = nextSocket();
    const { socket } = connect();
    assert.equal(socket.send(OTHER!, 'AAAA'), false);
    const first = await made;
    assert.equal(socket.send(OTHER!, 'BBBB'), false);
    first.open();
    assert.deepEqual(first.sent, []);
    assert.equal(socket.send(OTHER!, 'CCCC'), true);
    const parsed = parseClientText(first.sent[0] ?? '');
    assert.ok(parsed.type === 'request' && parsed.request.method === 'relay_message' && parsed.id === undefined);
    assert.equal(parsed.request.params.payload, 'CCCC');
    socket.close();
  });

  it('says leave when it is closed, once, and listens no more', async () => {
    const made = nextSocket();
    const { socket, told } = connect();
    const first = await made;
    first.open();
    socket.close();
    socket.close();
    const methods = first.sent
      .map((text) => parseClientText(text))
      .map((p) => (p.type === 'request' ? p.request.method : p));
    assert.deepEqual(methods, ['leave']);
    first.receive(formatNotification(WELCOME));
    assert.deepEqual(told.notifications, []);
    assert.equal(told.lost, 0);
  });

  it('counts what it cannot read, and goes on', async () => {
    const made = nextSocket();
    const { socket, told } = connect();
    const first = await made;
    first.open();
    for (const data of ['{', '[]', '{"jsonrpc":"2.0","method":"welcome","params":{}}', new ArrayBuffer(4), 'pong']) {
      first.receive(data);
    }
    first.receive('{"jsonrpc":"2.0","id":null,"error":{"code":-32004,"message":"x","data":{"reason":"rate-limited"}}}');
    first.receive(formatNotification(WELCOME));
    assert.deepEqual(told.dropped, [...Array<string>(4).fill('relay-malformed'), 'relay-rate-limited']);
    assert.equal(told.notifications.length, 1);
    socket.close();
  });

  it('RL8: a wait ends at once when the network is back', async () => {
    const wake = new EventTarget();
    const made = nextSocket();
    // The longest wait of all: without the event, no second socket within this test's life.
    const { socket } = connect({ wake, random: () => 1_000_000 });
    const first = await made;
    first.open();
    const again = nextSocket();
    first.end(1006);
    const poke = setInterval(() => wake.dispatchEvent(new Event('online')), 1);
    await again;
    clearInterval(poke);
    assert.equal(FakeWebSocket.made.length, 2);
    socket.close();
  });

  it('RL8: a page that is hidden asks nothing; one that is shown again does', async () => {
    const page = new EventTarget();
    let isHidden = true;
    const made = nextSocket();
    const { socket } = connect({ wake: page, isAwake: () => !isHidden });
    const first = await made;
    first.open();
    page.dispatchEvent(new Event('online'));
    assert.deepEqual(first.sent, []);
    isHidden = false;
    page.dispatchEvent(new Event('online'));
    assert.deepEqual(first.sent, ['ping']);
    socket.close();
  });

  it('RL7: a half-open socket is given up 15 s after its last sign of life at most, by the ticks it is given', async () => {
    let now_ms = 1_000_000_000;
    const ticking = new Map<() => void, number>();
    const every: Every = (delay_ms, tick) => {
      ticking.set(tick, delay_ms);
      return () => void ticking.delete(tick);
    };
    const beat = (): void => {
      now_ms += PING_EVERY_MS;
      for (const tick of ticking.keys()) tick();
    };
    const made = nextSocket();
    const { socket } = connect({ every, now: () => now_ms });
    const first = await made;
    first.open();
    assert.deepEqual([...ticking.values()], [PING_EVERY_MS]);
    beat();
    first.receive('pong');
    const again = nextSocket();
    const lastSign_ms = now_ms;
    for (let beats = 0; first.readyState === FakeWebSocket.OPEN && beats < 12; beats++) beat();
    const second = await again;
    assert.equal(now_ms - lastSign_ms, 3 * PING_EVERY_MS);
    assert.ok(now_ms - lastSign_ms <= HALF_OPEN_MAX_MS);
    second.open();
    assert.equal(ticking.size, 1, 'the old socket asks no more');
    socket.close();
    assert.equal(ticking.size, 0);
  });

  it('RL21: shows where it is in what has come, once it has been welcomed', async () => {
    const { socket, first, again } = await welcomed();
    first.receive(message(1));
    first.receive(message(2));
    first.end(1006);
    const second = await again;
    assert.deepEqual(second.protocols, ['tai.1', 'tai.token.2', 'tai.resume.2.e']);
    socket.close();
  });

  it('RL21, AD12: shows it beside what else is offered, and keeps it while it waits outside', async () => {
    const companions = async (): Promise<readonly string[]> => ['tai.host.AQID', 'tai.jwt.a.b.c'];
    const { socket, first, again } = await welcomed({ companions });
    first.receive(message(1));
    first.end(1006);
    const offered = (n: number): string[] => [
      ...['tai.1', `tai.token.${n}`, 'tai.host.AQID', 'tai.jwt.a.b.c', 'tai.resume.1.e'],
    ];
    const second = await again;
    assert.deepEqual(second.protocols, offered(2));
    second.open();
    second.receive(formatNotification({ method: 'waiting', params: { room_id: ROOM!, peer_id: OTHER!, ep: 'e' } }));
    const third = nextSocket();
    second.end(1006);
    assert.deepEqual((await third).protocols, offered(3));
    socket.close();
  });

  it('RL21: begins at nothing, and goes on from where a gap ends', async () => {
    const { socket, told, first, again } = await welcomed();
    first.end(1006);
    const second = await again;
    assert.equal(second.protocols[2], 'tai.resume.0.e');
    second.open();
    second.receive(formatNotification({ ...WELCOME, params: { ...WELCOME.params, ep: 'f' } } as RelayNotification));
    second.receive(formatNotification({ method: 'gap', params: { room_id: ROOM!, ep: 'f', n: 4 } }));
    second.receive(message(5, 'f'));
    const third = nextSocket();
    second.end(1006);
    assert.equal((await third).protocols[2], 'tai.resume.5.f');
    assert.deepEqual(
      told.notifications.map(({ method }) => method),
      ['welcome', 'welcome', 'gap', 'relay_message'],
    );
    socket.close();
  });

  it('RL24: takes each message once', async () => {
    const { socket, told, first } = await welcomed();
    for (const n of [1, 2, 2, 1, 3]) first.receive(message(n));
    assert.deepEqual(numbersIn(told), [1, 2, 3]);
    assert.deepEqual(told.dropped, ['relay-repeated', 'relay-repeated']);
    socket.close();
  });

  it('RL23: asks for what is missing, one request at a time, and takes it', async () => {
    const { socket, told, first } = await welcomed();
    for (const n of [1, 3, 5]) first.receive(message(n));
    const [asked, ...others] = requestsTo(first);
    assert.deepEqual(others, []);
    assert.deepEqual(asked?.request, { method: 'resume', params: { room_id: ROOM!, ep: 'e', n: 1 } });
    for (const n of [2, 3, 4, 5]) first.receive(message(n));
    first.receive(formatResult(asked?.id ?? 0, {}));
    assert.deepEqual(numbersIn(told), [1, 3, 5, 2, 4]);
    first.receive(message(7));
    assert.deepEqual(requestsTo(first)[1]?.request.params, { room_id: ROOM!, ep: 'e', n: 5 });
    socket.close();
  });

  it('RL23: asks again at the next message where the relay had no time for it', async () => {
    const { socket, first } = await welcomed();
    first.receive(message(2));
    const [asked] = requestsTo(first);
    first.receive(formatError(asked?.id ?? 0, 'rate-limited'));
    first.receive(message(3));
    assert.equal(requestsTo(first).length, 2);
    socket.close();
  });

  it('RL23: asks again after a few seconds what nobody has answered, or what was refused, without a message in between', async () => {
    const clock = new Ticks();
    const { socket, first } = await welcomed(clock.options);
    first.receive(message(2));
    clock.pass(ANSWER_WAIT_MS - 1);
    assert.equal(requestsTo(first).length, 1, 'an answer may come yet');
    first.receive(message(3));
    assert.equal(requestsTo(first).length, 1);
    clock.pass(1);
    const [unheard, again] = requestsTo(first);
    assert.deepEqual(again?.request, { method: 'resume', params: { room_id: ROOM!, ep: 'e', n: 0 } });
    first.receive(formatResult(unheard?.id ?? 0, {}));
    first.receive(message(4));
    assert.equal(requestsTo(first).length, 2, 'a late answer to the first is none to the second');
    first.receive(formatError(again?.id ?? 0, 'rate-limited'));
    clock.pass(PING_EVERY_MS);
    const [, , third] = requestsTo(first);
    assert.ok(third);
    first.receive(formatResult(third.id ?? 0, {}));
    clock.pass(PING_EVERY_MS);
    assert.equal(requestsTo(first).length, 3, 'what the relay has answered it has nothing more to say to');
    socket.close();
  });

  it('AD10: a question that nobody answers is given up after a few seconds', async () => {
    const clock = new Ticks();
    const { socket, told, first } = await welcomed(clock.options);
    const answer = socket.sayAsHost('AQID');
    const [asked] = requestsTo(first);
    clock.pass(ANSWER_WAIT_MS);
    assert.equal(await answer, undefined);
    first.receive(formatResult(asked?.id ?? 0, {}));
    assert.deepEqual(told.dropped, [], 'and a late answer harms nothing');
    socket.close();
  });

  it('RL24: gives up what 256 later ones have passed, and says so', async () => {
    const { socket, told, first } = await welcomed();
    for (let n = 2; n <= 258; n++) first.receive(message(n));
    assert.deepEqual(
      told.notifications.filter(({ method }) => method === 'gap'),
      [{ method: 'gap', params: { room_id: ROOM, ep: 'e', n: 258 } }],
    );
    first.receive(message(259));
    assert.equal(numbersIn(told).length, 258);
    socket.close();
  });

  it('LM12: answers a probe at once, and tells nobody', async () => {
    const { socket, told, first } = await welcomed();
    first.receive(formatNotification({ method: 'probe', params: { room_id: ROOM! } }));
    assert.deepEqual(first.sent, ['ping']);
    assert.deepEqual(told.notifications.length, 1);
    socket.close();
  });

  it('RL8: bounds of the waits: at once, 500 ms, doubling to 2 s, patient in the end', () => {
    assert.equal(retryBound(0), 0);
    assert.equal(retryBound(1), FIRST_RETRY_MAX_MS);
    assert.equal(retryBound(2), 2 * FIRST_RETRY_MAX_MS);
    assert.equal(retryBound(10), RETRY_MAX_MS);
    assert.equal(retryBound(31), PATIENT_RETRY_MAX_MS);
    assert.equal(retryBound(5_000), PATIENT_RETRY_MAX_MS);
  });
});
