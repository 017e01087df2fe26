/**
 * RL21–RL24, PM13, PM14 together: clients that number, acknowledge and repeat, at the relay's own room, where between any two messages a socket
 * is lost or half-open, a reader stalls, the room sleeps, or the relay is killed and started again.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Deliveries } from '../../src/engine/deliveries.ts';
import { asciiBytes, fromBase64Url, toBase64Url } from '../../src/engine/protocol/bytes.ts';
import { parseDelivery } from '../../src/engine/protocol/delivery.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { isRecord, parseJson } from '../../src/engine/protocol/json.ts';
import { StreamPosition } from '../../src/engine/transport/stream-position.ts';
import type { MemorySocket } from '../helpers/memory-socket.ts';
import { Random } from '../helpers/random.ts';
import { ALICE, BOB, CAROL, ROOM, peerIdOf } from '../helpers/samples.ts';
import { Stage, toPeer } from './room-stage.ts';

const PEERS = [ALICE, BOB, CAROL, peerIdOf(0xda)];
const SEEDS = 60;
const EVENTS = 500;
const SETTLED_WITHIN = 3_000;

class Client {
  readonly peerId: PeerId;
  readonly deliveries: Deliveries<string>;
  readonly position = new StreamPosition();
  socket: MemorySocket | undefined;
  /** Nothing goes through it any more, and neither side knows. */
  isHalfOpen = false;
  joinNumber = 0;
  /** Of every payload that came, in the order of coming. */
  readonly heard: string[] = [];
  readonly taken = new Map<PeerId, string[]>();
  gaps = 0;
  repeated = 0;
  readonly #stage: Stage;
  #isResuming = false;

  constructor(stage: Stage, peerId: PeerId) {
    this.#stage = stage;
    this.peerId = peerId;
    this.deliveries = new Deliveries(
      () => stage.nowMs,
      (message) => message.length,
    );
  }

  connect(): void {
    if (this.socket) this.lose();
    this.isHalfOpen = false;
    this.#isResuming = false;
    this.socket = this.#stage.enter(this.peerId, this.joinNumber, { place: this.position.place });
    this.read();
    this.deliveries.hasten();
  }

  /** The page has lost it. Whether the relay has is another matter. */
  lose(): void {
    this.socket = undefined;
  }

  say(to: PeerId, message: string): boolean {
    const added = this.deliveries.add(to, message);
    if (added?.isDue) this.#carry(to, message, added.id);
    return added !== undefined;
  }

  repeat(): void {
    for (const { to, id, message } of this.deliveries.due(() => true)) this.#carry(to, message, id);
    for (const to of this.deliveries.owed()) this.#carry(to, 'ack');
  }

  read(): void {
    for (const message of this.socket?.take() ?? []) {
      if (this.isHalfOpen) continue;
      if (message.type !== 'notification') {
        if (message.id === 'resume') this.#isResuming = false;
      } else if (message.method === 'welcome') {
        this.joinNumber = message.params.join_number;
        if (!this.position.place) this.position.begin({ ep: message.params.ep, n: 0 });
      } else if (message.method === 'gap') {
        this.gaps++;
        this.position.begin(message.params);
        this.deliveries.hasten();
      } else if (message.method === 'probe') {
        if (this.socket) this.#stage.answeredAtMs.set(this.socket, this.#stage.nowMs);
      } else if (message.method === 'relay_message') this.#hear(message.params);
    }
  }

  #hear(params: { sender_peer_id: PeerId; payload: string; ep: string; n: number }): void {
    const taken = this.position.take(params);
    if (taken === 'again') {
      this.repeated++;
      return;
    }
    if (taken === 'ahead' && !this.#isResuming && this.socket && this.position.place) {
      this.#isResuming = true;
      const place = this.position.place;
      this.#stage.send(this.socket, { method: 'resume', params: { room_id: ROOM, ...place } }, 'resume');
    }
    this.heard.push(params.payload);
    const value = parseJson(new TextDecoder().decode(fromBase64Url(params.payload)));
    assert.ok(isRecord(value) && typeof value['message'] === 'string');
    const delivery = parseDelivery(value['delivery']);
    assert.ok(delivery);
    const from = params.sender_peer_id;
    for (const message of this.deliveries.receive(from, delivery, value['message'])) {
      if (message !== 'ack') this.taken.set(from, [...(this.taken.get(from) ?? []), message]);
    }
  }

  #carry(to: PeerId, message: string, id?: number): void {
    const delivery = this.deliveries.fieldsFor(to, id);
    if (!delivery || !this.socket) return;
    this.deliveries.carried(to, delivery);
    if (this.isHalfOpen) return;
    // what was sealed anew is another payload each time
    const nonce = (serial += 1);
    const payload = toBase64Url(asciiBytes(JSON.stringify({ nonce, message, delivery })));
    this.#stage.send(this.socket, toPeer(to, payload), 'said');
  }
}

let serial = 0;

type Played = { readonly said: number; readonly gaps: number; readonly whole: number; readonly repeated: number };

function play(seed: number): Played {
  const random = new Random(seed);
  const stage = new Stage({ iceServers: [] });
  const clients = PEERS.map((peerId) => new Client(stage, peerId));
  for (const client of clients) client.connect();
  const said = new Map<string, string[]>();
  let total = 0;

  const tick = (): void => {
    for (const client of clients) {
      client.read();
      client.repeat();
      if (client.socket?.closed) client.lose();
    }
  };
  const kill = (): void => {
    stage.attachments.clear();
    stage.sleep();
    for (const client of clients) client.lose();
  };
  const misfortune = (client: Client): void => {
    switch (random.below(7)) {
      case 0:
        // the relay notices; the page does a little later
        if (client.socket) stage.gone(client.socket);
        client.isHalfOpen = true;
        return;
      case 1:
        client.isHalfOpen = true;
        return;
      case 2:
        return client.lose();
      case 3:
        if (client.socket) client.socket.bufferedAmount = random.pick([0, 300_000]);
        return;
      case 4:
        stage.sleep();
        return;
      case 5:
        stage.nowMs += random.below(40_000);
        return;
      case 6:
        if (random.chance(0.3)) kill();
    }
  };

  for (let event = 0; event < EVENTS; event++) {
    stage.nowMs += random.below(200);
    const client = random.pick(clients);
    if (random.chance(0.06)) misfortune(client);
    else if (!client.socket || (client.isHalfOpen && random.chance(0.2))) {
      if (random.chance(0.5)) client.connect();
    } else if (random.chance(0.5)) {
      const to = random.pick(PEERS.filter((peerId) => peerId !== client.peerId));
      const pair = `${client.peerId} ${to}`;
      const list = said.get(pair) ?? [];
      const message = String(list.length + 1);
      if (client.say(to, message)) {
        said.set(pair, [...list, message]);
        total++;
      }
    }
    if (random.chance(0.6)) tick();
    for (const one of clients) assert.ok(!one.socket?.closed || one.socket.closed.reason !== 'rate-limited');
  }

  // quiet again: everybody comes back, and what is missing comes with time
  for (const client of clients) client.connect();
  const isTaken = ([pair, list]: readonly [string, string[]]): boolean => {
    const [from, to] = pair.split(' ');
    return clients.find(({ peerId }) => peerId === to)?.taken.get(from as PeerId)?.length === list.length;
  };
  for (let turn = 0; ![...said].every(isTaken); turn++) {
    assert.ok(turn < SETTLED_WITHIN, 'something never arrives');
    stage.nowMs += 200;
    tick();
    for (const client of clients) if (!client.socket) client.connect();
  }

  for (const [pair, list] of said) {
    const [from, to] = pair.split(' ');
    const receiver = clients.find(({ peerId }) => peerId === to);
    assert.deepEqual(receiver?.taken.get(from as PeerId), list, 'lost, twice, or out of order');
  }
  for (const { heard } of clients) assert.equal(new Set(heard).size, heard.length, 'one payload twice');
  return {
    said: total,
    gaps: clients.reduce((sum, { gaps }) => sum + gaps, 0),
    whole: clients.filter(({ gaps }) => gaps === 0).length,
    repeated: clients.reduce((sum, { repeated }) => sum + repeated, 0),
  };
}

/** One loses its socket again and again, in a room that stays awake: the ring alone has to bring everything. */
function comeBack(seed: number): number {
  const random = new Random(seed);
  const stage = new Stage({ iceServers: [] });
  const [alice, bob] = [new Client(stage, ALICE), new Client(stage, BOB)];
  alice.connect();
  bob.connect();
  const sent: string[] = [];
  for (let event = 0; event < 300; event++) {
    stage.nowMs += random.below(200);
    if (random.chance(0.8)) {
      const payload = toBase64Url(asciiBytes(JSON.stringify({ message: String(event) })));
      assert.ok(bob.socket);
      stage.answeredAtMs.set(bob.socket, stage.nowMs);
      stage.send(bob.socket, toPeer(ALICE, payload));
      bob.read();
      sent.push(payload);
    }
    if (random.chance(0.1)) alice.isHalfOpen = true;
    if (random.chance(0.1) && alice.socket && !alice.socket.closed) {
      stage.gone(alice.socket);
      alice.isHalfOpen = true;
    }
    if (alice.isHalfOpen ? random.chance(0.2) : random.chance(0.05)) alice.connect();
    else alice.read();
  }
  alice.connect();
  assert.equal(alice.gaps, 0);
  assert.deepEqual(alice.heard, sent);
  return sent.length;
}

describe('clients that lose their relay', () => {
  it(`fuzz: ${SEEDS} × ${EVENTS} events lose nothing that is acknowledged, and bring nothing twice or out of order`, () => {
    const reached = { said: 0, gaps: 0, whole: 0, repeated: 0 };
    for (let seed = 1; seed <= SEEDS; seed++) {
      try {
        const played = play(seed);
        reached.said += played.said;
        reached.gaps += played.gaps;
        reached.whole += played.whole;
        reached.repeated += played.repeated;
      } catch (cause) {
        throw new Error(`seed ${seed}`, { cause });
      }
    }
    const isEnough = reached.said > SEEDS * 80 && reached.gaps > SEEDS && reached.whole > 0;
    assert.ok(isEnough, `${JSON.stringify(reached)}: the fuzz reaches too little`);
  });

  it('RL21: fuzz: in a room that stays awake the ring brings all, in order, without anything being said again', () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      try {
        assert.ok(comeBack(seed) > 200);
      } catch (cause) {
        throw new Error(`seed ${seed}`, { cause });
      }
    }
  });
});
