/**
 * Any order of events and any text, with sleeps in between, leave a room in which everybody sees the same peers, and in
 * which no one-time blob was given to two of them, nor two of one owner to one.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SILENCE_MAX_MS } from '../../relay-worker/limits.ts';
import { toBase64Url, uintBytes } from '../../src/engine/protocol/bytes.ts';
import { parsePeerId } from '../../src/engine/protocol/ids.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { isRecord } from '../../src/engine/protocol/json.ts';
import { formatRequest, parseHandedBundle, parseRelayText } from '../../src/engine/protocol/relay.ts';
import type { ClientRequest, HandedBundle, ListedPlace } from '../../src/engine/protocol/relay.ts';
import { TOKEN_NONCE_BYTES } from '../../src/engine/protocol/token.ts';
import { brokenText } from '../helpers/fuzz.ts';
import type { MemorySocket } from '../helpers/memory-socket.ts';
import { Random } from '../helpers/random.ts';
import { ALICE, BOB, CAROL, REQUESTS, ROOM, peerIdOf } from '../helpers/samples.ts';
import { Stage, fetchOf, proofOf } from './room-stage.ts';

const PEERS = [ALICE, BOB, CAROL, peerIdOf(0xdd), peerIdOf(0xee)];
const MAX_PEERS = 4;
const SEEDS = 40;
const EVENTS = 600;
const SAMPLES = REQUESTS.flatMap((request) => [formatRequest(request), formatRequest(request, 1)]);

/** A client as the room's messages make it: what it believes about the others. */
type View = {
  readonly peerId: PeerId;
  readonly socket: MemorySocket;
  readonly peers: Map<PeerId, number>;
  /** Whose first bundles it was told of; forgotten when they leave. */
  readonly told: Set<PeerId>;
  number: number;
  /** `n` of the newest message of this instance. */
  heard: number;
};

/** What was handed out so far, to whomever. */
class Ledger {
  readonly #blobs = new Set<string>();
  /** Peers that have had one, with the owner behind them; forgotten with the presence of either. */
  readonly #served = new Map<PeerId, Set<PeerId>>();
  readonly #published = new Set<string>();

  get handedOut(): number {
    return this.#blobs.size;
  }

  /** Blobs that nobody has published before. */
  blobs(count: number): string[] {
    return Array.from({ length: count }, () => {
      const blob = toBase64Url(uintBytes(this.#published.size, 6));
      this.#published.add(blob);
      return blob;
    });
  }

  /** Takes a result, or a peer in a welcome; what holds no bundle is passed over. */
  note(given: { readonly result: unknown } | ListedPlace, to: PeerId): void {
    const { peer_id: owner, bundle } = 'result' in given ? fetched(given.result) : given;
    // what broken samples publish may well be published twice
    if (owner === undefined || bundle?.one_time === undefined || !this.#published.has(bundle.one_time)) return;
    assert.ok(!this.#blobs.has(bundle.one_time), 'handed out twice');
    this.#blobs.add(bundle.one_time);
    const served = this.#served.get(owner) ?? new Set();
    assert.ok(!served.has(to), 'a second one for the same peer');
    this.#served.set(owner, served.add(to));
  }

  left(owner: PeerId): void {
    this.#served.delete(owner);
  }
}

function update(view: View, ledger: Ledger): void {
  for (const message of view.socket.take()) {
    if (message.type === 'result') ledger.note(message, view.peerId);
    if (message.type !== 'notification') continue;
    if (message.method === 'welcome') {
      view.number = message.params.join_number;
      for (const peer of message.params.peers) {
        view.peers.set(peer.peer_id, peer.join_number);
        ledger.note(peer, view.peerId);
      }
    } else if (message.method === 'bundle_published') {
      const number = view.peers.get(message.params.peer_id);
      assert.ok(number !== undefined && number < view.number, 'told of one that came later');
      assert.ok(!view.told.has(message.params.peer_id), 'told twice');
      view.told.add(message.params.peer_id);
    } else if (message.method === 'peer_joined') {
      assert.ok(!view.peers.has(message.params.peer_id), 'joined twice');
      view.peers.set(message.params.peer_id, message.params.join_number);
    } else if (message.method === 'peer_left') {
      assert.ok(view.peers.delete(message.params.peer_id), 'left twice');
      view.told.delete(message.params.peer_id);
    } else if (message.method === 'relay_message') {
      // RL23: what is asked for once more may be of somebody who has gone since
      const isAgain = message.params.n <= view.heard;
      assert.ok(isAgain || view.peers.has(message.params.sender_peer_id), 'a message from nobody');
      view.heard = Math.max(view.heard, message.params.n);
    } else if (message.method !== 'gap' && message.method !== 'probe')
      assert.fail(`${message.method} in a room without a host`);
  }
}

function fetched(result: unknown): {
  readonly peer_id?: PeerId | undefined;
  readonly bundle?: HandedBundle | undefined;
} {
  return isRecord(result) ? { peer_id: parsePeerId(result['peer_id']), bundle: parseHandedBundle(result) } : {};
}

function isHere(view: View): boolean {
  return view.socket.closed === undefined;
}

function assertSameView(views: readonly View[]): void {
  const everyone = new Map(views.map((view) => [view.peerId, view.number]));
  assert.equal(everyone.size, views.length, 'one peer on two live sockets');
  assert.equal(new Set(everyone.values()).size, views.length, 'two peers with one number');
  assert.ok(views.length <= MAX_PEERS);
  for (const view of views) {
    const seen = new Map(view.peers).set(view.peerId, view.number);
    assert.deepEqual([...seen].toSorted(), [...everyone].toSorted());
  }
}

type Played = Readonly<Record<'closed' | 'silent' | 'passed' | 'handed' | 'refused', number>>;

function play(seed: number): Played {
  const random = new Random(seed);
  const stage = new Stage({ maxPeers: MAX_PEERS, iceServers: [] });
  const ledger = new Ledger();
  let live: View[] = [];
  let closed = 0;
  let silent = 0;
  let passed = 0;
  let refused = 0;
  const publication = (peerId: PeerId): ClientRequest => {
    const bundle = { head: 'AA', one_time: ledger.blobs(random.below(9)) };
    return random.chance(0.5)
      ? { method: 'publish_bundle', params: { room_id: ROOM, ...bundle } }
      : { method: 'exchange_bundles', params: { room_id: ROOM, peer_id: peerId, ...bundle } };
  };
  for (let event = 0; event < EVENTS; event++) {
    const view = live.length > 0 ? random.pick(live) : undefined;
    const kind = random.below(26);
    if (random.chance(0.02)) {
      // Long enough that who has not pinged is gone (LM9).
      stage.nowMs += SILENCE_MAX_MS + 1;
      for (const one of live) if (random.chance(0.7)) stage.answeredAtMs.set(one.socket, stage.nowMs);
    } else stage.nowMs += random.below(400) - 40;
    if (random.chance(0.02)) {
      stage.sleep();
      for (const one of live) one.heard = 0;
    }
    if (kind === 0 || !view) {
      const peerId = random.pick(PEERS);
      if (stage.refusalOf(peerId) === undefined) {
        const socket = stage.enter(peerId, random.chance(0.5) ? 0 : random.below(5));
        live.push({ peerId, socket, peers: new Map(), told: new Set(), number: 0, heard: 0 });
      }
    } else if (kind === 1) {
      stage.gone(view.socket);
      live = live.filter((other) => other !== view);
    } else if (kind === 2) {
      view.socket.bufferedAmount = random.pick([0, 300_000, 2_000_000]);
    } else if (kind === 3) {
      stage.receive(view.socket, random.bytes(random.below(20)).buffer);
    } else if (kind < 10) {
      const params = { target_peer_id: random.pick(PEERS), room_id: ROOM, payload: 'AA' };
      stage.send(view.socket, { method: 'relay_message', params }, random.below(9));
      passed++;
    } else if (kind < 16) {
      const request = random.chance(0.5) ? publication(random.pick(PEERS)) : fetchOf(random.pick(PEERS));
      if (random.chance(0.7)) stage.send(view.socket, request, random.below(9));
      else {
        const peerId = random.pick(PEERS);
        const isImpostor = random.chance(0.3);
        const nonce = isImpostor ? random.bytes(TOKEN_NONCE_BYTES) : proofOf(peerId);
        const { text, reason } = stage.call(peerId, formatRequest(request, 1), nonce);
        if (isImpostor && live.some((one) => one.peerId === peerId)) {
          assert.ok(reason === 'token-invalid' || reason === 'rate-limited', 'AD8: in the name of who is here');
          refused++;
        }
        const answer = text === undefined ? undefined : parseRelayText(text);
        if (answer?.type === 'result') ledger.note(answer, peerId);
      }
    } else {
      stage.receive(view.socket, brokenText(random, SAMPLES));
    }
    for (const one of live) update(one, ledger);
    closed += live.filter((one) => !isHere(one)).length;
    silent += live.filter((one) => one.socket.closed?.reason === 'silent').length;
    live = live.filter(isHere);
    assertSameView(live);
    for (const peerId of PEERS) if (!live.some((one) => one.peerId === peerId)) ledger.left(peerId);
  }
  return { closed, silent, passed, handed: ledger.handedOut, refused };
}

describe('a room under random events', () => {
  it(`fuzz: ${SEEDS} × ${EVENTS} events end with one view of the room, and sockets were closed on the way`, () => {
    const reached = { closed: 0, silent: 0, passed: 0, handed: 0, refused: 0 };
    for (let seed = 1; seed <= SEEDS; seed++) {
      try {
        const played = play(seed);
        reached.closed += played.closed;
        reached.silent += played.silent;
        reached.passed += played.passed;
        reached.handed += played.handed;
        reached.refused += played.refused;
      } catch (cause) {
        throw new Error(`seed ${seed}`, { cause });
      }
    }
    const { closed, silent, passed, handed, refused } = reached;
    const isEnough = closed > SEEDS && silent > SEEDS && passed > SEEDS * 50 && handed > SEEDS * 5 && refused > SEEDS;
    assert.ok(isEnough, `${JSON.stringify(reached)}: the fuzz reaches too little`);
  });
});
