/** Any order of events and any text leave a room in which everybody sees the same peers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SILENCE_MAX_MS } from '../../relay-worker/limits.ts';
import { RelayRoom } from '../../relay-worker/relay-room.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { formatRequest } from '../../src/engine/protocol/relay.ts';
import { brokenText } from '../helpers/fuzz.ts';
import { MemorySocket } from '../helpers/memory-socket.ts';
import { Random } from '../helpers/random.ts';
import { ALICE, BOB, CAROL, REQUESTS, ROOM, peerIdOf } from '../helpers/samples.ts';

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
  number: number;
};

function update(view: View): void {
  for (const message of view.socket.take()) {
    if (message.type !== 'notification') continue;
    if (message.method === 'welcome') {
      view.number = message.params.join_number;
      for (const peer of message.params.peers) view.peers.set(peer.peer_id, peer.join_number);
    } else if (message.method === 'peer_joined') {
      assert.ok(!view.peers.has(message.params.peer_id), 'joined twice');
      view.peers.set(message.params.peer_id, message.params.join_number);
    } else if (message.method === 'peer_left') {
      assert.ok(view.peers.delete(message.params.peer_id), 'left twice');
    } else {
      assert.ok(view.peers.has(message.params.sender_peer_id), 'a message from nobody');
    }
  }
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

function play(seed: number): { readonly closed: number; readonly silent: number; readonly passed: number } {
  const random = new Random(seed);
  const pingedMs = new Map<MemorySocket, number>();
  const room = new RelayRoom<MemorySocket>({
    roomId: ROOM,
    ep: 'ep',
    maxPeers: MAX_PEERS,
    iceServers: [],
    answeredAtMs: (socket) => pingedMs.get(socket),
  });
  let nowMs = 1_800_000_000_000;
  let live: View[] = [];
  let closed = 0;
  let silent = 0;
  let passed = 0;
  for (let event = 0; event < EVENTS; event++) {
    const view = live.length > 0 ? random.pick(live) : undefined;
    const kind = random.below(20);
    if (random.chance(0.02)) {
      // Long enough that who has not pinged is gone (LM9).
      nowMs += SILENCE_MAX_MS + 1;
      for (const one of live) if (random.chance(0.7)) pingedMs.set(one.socket, nowMs);
    } else nowMs += random.below(400) - 40;
    if (kind === 0 || !view) {
      const peerId = random.pick(PEERS);
      if (room.refusalOf(peerId, nowMs) === undefined) {
        const socket = new MemorySocket();
        room.admit(socket, peerId, random.chance(0.5) ? 0 : random.below(5), nowMs);
        live.push({ peerId, socket, peers: new Map(), number: 0 });
      }
    } else if (kind === 1) {
      room.gone(view.socket);
      live = live.filter((other) => other !== view);
    } else if (kind === 2) {
      view.socket.bufferedAmount = random.pick([0, 300_000, 2_000_000]);
    } else if (kind === 3) {
      room.receive(view.socket, random.bytes(random.below(20)).buffer, nowMs);
    } else if (kind < 10) {
      const params = { target_peer_id: random.pick(PEERS), room_id: ROOM, payload: 'AA' };
      room.receive(view.socket, formatRequest({ method: 'relay_message', params }, random.below(9)), nowMs);
      passed++;
    } else {
      room.receive(view.socket, brokenText(random, SAMPLES), nowMs);
    }
    for (const one of live) update(one);
    closed += live.filter((one) => !isHere(one)).length;
    silent += live.filter((one) => one.socket.closed?.reason === 'silent').length;
    live = live.filter(isHere);
    assertSameView(live);
  }
  return { closed, silent, passed };
}

describe('a room under random events', () => {
  it(`fuzz: ${SEEDS} × ${EVENTS} events end with one view of the room, and sockets were closed on the way`, () => {
    let closed = 0;
    let silent = 0;
    let passed = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      try {
        const played = play(seed);
        closed += played.closed;
        silent += played.silent;
        passed += played.passed;
      } catch (cause) {
        throw new Error(`seed ${seed}`, { cause });
      }
    }
    const reached = `${closed} closed, ${silent} of them silent, ${passed} passed: the fuzz reaches too little`;
    assert.ok(closed > SEEDS && silent > SEEDS && passed > SEEDS * 50, reached);
  });
});
