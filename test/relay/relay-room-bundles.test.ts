/** RL16–RL19 on sockets in memory: what the room keeps of its peers' pre-keys, and whom it gives them to. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NO_VISITOR } from '../../relay-worker/door-book.ts';
import { parseAttachment } from '../../relay-worker/attachment.ts';
import { HANDED_PEERS_MAX, PEERS_CEILING, WELCOME_BUNDLES_MAX } from '../../relay-worker/limits.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { RELAY_TEXT_MAX, formatRequest, parseHandedBundle, parseRelayText } from '../../src/engine/protocol/relay.ts';
import type { ClientRequest, HandedBundle, RelayMessage, Welcome } from '../../src/engine/protocol/relay.ts';
import { MemorySocket } from '../helpers/memory-socket.ts';
import { ALICE, BOB, CAROL, ROOM, peerIdOf, roomIdOf } from '../helpers/samples.ts';
import { ICE_SERVERS, Stage, biggestBundle, bundleOf, errorOf, fetchOf, leftOf, nth, publish } from './room-stage.ts';

const DAVE = peerIdOf(0xda);
const REMOVE: ClientRequest = { method: 'delete_bundle', params: { room_id: ROOM } };
const DONE: RelayMessage = { type: 'result', id: 'asked', result: {} };

function handed(peerId: PeerId, bundle: HandedBundle): RelayMessage {
  return { type: 'result', id: 'asked', result: { peer_id: peerId, ...bundle } };
}

function refused(reason: 'no-bundle' | 'peer-unknown' | 'room-mismatch'): RelayMessage {
  return errorOf('asked', reason);
}

function publishedBy(peerId: PeerId): RelayMessage {
  return { type: 'notification', method: 'bundle_published', params: { peer_id: peerId } };
}

function welcomeOf(socket: MemorySocket): Welcome {
  const welcome = nth(socket.take(), 0);
  assert.ok(welcome.type === 'notification' && welcome.method === 'welcome');
  return welcome.params;
}

/** Some peer of many. */
function guest(n: number): PeerId {
  return peerIdOf(n);
}

describe('publishing', () => {
  it('RL16: what a peer has published is what others find, until it publishes anew or takes it away', () => {
    const stage = new Stage();
    const [alice, bob, carol, dave] = stage.gather(ALICE, BOB, CAROL, DAVE) as [
      MemorySocket,
      MemorySocket,
      MemorySocket,
      MemorySocket,
    ];
    assert.deepEqual(stage.ask(bob, fetchOf(ALICE)), refused('no-bundle'));
    const [first, second] = [bundleOf('alice', 1), bundleOf('alice', 1, 2)];
    assert.deepEqual(stage.ask(alice, publish(first)), DONE);
    bob.take();
    carol.take();
    dave.take();
    assert.deepEqual(
      stage.ask(bob, fetchOf(ALICE)),
      handed(ALICE, { head: first.head, one_time: nth(first.one_time, 0) }),
    );
    assert.deepEqual(stage.ask(alice, publish(second)), DONE);
    assert.deepEqual(
      stage.ask(carol, fetchOf(ALICE)),
      handed(ALICE, { head: second.head, one_time: nth(second.one_time, 0) }),
    );
    assert.deepEqual(stage.ask(alice, REMOVE), DONE);
    assert.deepEqual(stage.ask(alice, REMOVE), DONE);
    assert.deepEqual(stage.ask(dave, fetchOf(ALICE)), refused('no-bundle'));
  });

  it('RL16: is only for oneself, and only in one’s own room', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    stage.ask(alice, publish(bundleOf('alice', 2)));
    bob.take();
    const foreign = roomIdOf(0xbb);
    const requests: readonly ClientRequest[] = [
      { method: 'publish_bundle', params: { room_id: foreign, ...bundleOf('bob', 1) } },
      { method: 'fetch_bundle', params: { room_id: foreign, peer_id: ALICE } },
      { method: 'delete_bundle', params: { room_id: foreign } },
      { method: 'exchange_bundles', params: { room_id: foreign, peer_id: ALICE, ...bundleOf('bob', 1) } },
    ];
    for (const request of requests) assert.deepEqual(stage.ask(bob, request), refused('room-mismatch'));
    assert.deepEqual(stage.ask(bob, REMOVE), DONE);
    assert.deepEqual(stage.ask(alice, fetchOf(BOB)), refused('no-bundle'));
    assert.equal(stage.ask(bob, fetchOf(ALICE)).type, 'result', 'Alice’s is there still');
  });

  it('RL16: exchanging publishes and asks in one, and publishes even where the other has nothing', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    const [mine, hers] = [bundleOf('bob', 1), bundleOf('alice', 1)];
    const exchange = (peer_id: PeerId): ClientRequest => ({
      method: 'exchange_bundles',
      params: { room_id: ROOM, peer_id, ...mine },
    });
    assert.deepEqual(stage.ask(bob, exchange(ALICE)), refused('no-bundle'));
    assert.deepEqual(stage.ask(bob, exchange(CAROL)), refused('peer-unknown'));
    assert.deepEqual(
      stage.ask(alice, { method: 'exchange_bundles', params: { room_id: ROOM, peer_id: BOB, ...hers } }),
      handed(BOB, { head: mine.head, one_time: nth(mine.one_time, 0) }),
    );
    bob.take();
    assert.deepEqual(
      stage.ask(bob, exchange(ALICE)),
      handed(ALICE, { head: hers.head, one_time: nth(hers.one_time, 0) }),
    );
  });

  it('RL16: dies with its owner’s presence, and a newer socket of the owner goes on with it', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    stage.ask(alice, publish(bundleOf('alice', 2)));
    bob.take();
    const again = stage.enter(ALICE, 5);
    again.take();
    assert.equal(stage.ask(bob, fetchOf(ALICE)).type, 'result');
    stage.gone(again);
    bob.take();
    assert.deepEqual(stage.ask(bob, fetchOf(ALICE)), refused('peer-unknown'));
    stage.enter(ALICE, 5);
    bob.take();
    assert.deepEqual(stage.ask(bob, fetchOf(ALICE)), refused('no-bundle'));
  });

  it('RL6, RL16: outlives the room’s sleep, the biggest one too, with what is left of it', () => {
    const stage = new Stage();
    const [alice, bob, carol] = stage.gather(ALICE, BOB, CAROL) as [MemorySocket, MemorySocket, MemorySocket];
    const { head, one_time } = { ...biggestBundle(), one_time: bundleOf('alice', 2).one_time };
    stage.ask(alice, publish({ head, one_time }));
    bob.take();
    carol.take();
    assert.deepEqual(stage.ask(bob, fetchOf(ALICE)), handed(ALICE, { head, one_time: nth(one_time, 0) }));
    stage.sleep();
    assert.deepEqual(stage.ask(bob, fetchOf(ALICE)), handed(ALICE, { head }));
    assert.deepEqual(stage.ask(carol, fetchOf(ALICE)), handed(ALICE, { head, one_time: nth(one_time, 1) }));
    const whole = biggestBundle();
    stage.ask(alice, publish(whole));
    stage.sleep();
    const dave = stage.enter(DAVE);
    const bundle = welcomeOf(dave).peers.find((peer) => peer.peer_id === ALICE)?.bundle;
    assert.deepEqual(bundle, { head: whole.head, one_time: nth(whole.one_time, 0) });
  });
});

describe('coming in', () => {
  it('RL17: a newcomer is given the bundles of all that have one; a returning peer is given none', () => {
    const stage = new Stage();
    const [alice] = stage.gather(ALICE, BOB) as [MemorySocket];
    const { head, one_time } = bundleOf('alice', 2);
    stage.ask(alice, publish({ head, one_time }));
    const [first, second] = welcomeOf(stage.enter(CAROL)).peers;
    assert.deepEqual(first, {
      peer_id: ALICE,
      join_number: first?.join_number,
      bundle: { head, one_time: nth(one_time, 0) },
    });
    assert.deepEqual(Object.keys(second ?? {}), ['peer_id', 'join_number']);
    const returning = welcomeOf(stage.enter(DAVE, 77));
    assert.ok(returning.peers.every((peer) => peer.bundle === undefined));
    assert.equal(returning.peers.length, 3);
  });

  it('RL2, RL17: what join answers has no bundles and uses none up', () => {
    const stage = new Stage();
    const [alice] = stage.gather(ALICE) as [MemorySocket];
    const { head, one_time } = bundleOf('alice', 2);
    stage.ask(alice, publish({ head, one_time }));
    const bob = stage.enter(BOB);
    const { peers, ...own } = welcomeOf(bob);
    const join: ClientRequest = { method: 'join', params: { room_id: ROOM, peer_id: BOB } };
    const listed = peers.map(({ peer_id, join_number }) => ({ peer_id, join_number }));
    for (let i = 0; i < 3; i++) {
      assert.deepEqual(stage.ask(bob, join), { type: 'result', id: 'asked', result: { ...own, peers: listed } });
    }
    const [first] = welcomeOf(stage.enter(CAROL)).peers;
    assert.deepEqual(first?.bundle, { head, one_time: nth(one_time, 1) });
  });

  it('RL17: who is welcomed again as a newcomer, because it missed the first, uses no second blob up', () => {
    const stage = new Stage();
    const [alice] = stage.gather(ALICE) as [MemorySocket];
    const { head, one_time } = bundleOf('alice', 2);
    stage.ask(alice, publish({ head, one_time }));
    stage.enter(BOB);
    assert.deepEqual(welcomeOf(stage.enter(BOB)).peers[0]?.bundle, { head });
    assert.deepEqual(welcomeOf(stage.enter(CAROL)).peers[0]?.bundle, { head, one_time: nth(one_time, 1) });
  });

  it(`RL17: only the ${WELCOME_BUNDLES_MAX} that are listed first come with theirs; the others are asked for`, () => {
    const stage = new Stage({ maxPeers: PEERS_CEILING });
    const ids = Array.from({ length: 11 }, (_, n) => guest(n + 1));
    for (const [n, id] of ids.entries()) {
      const socket = stage.enter(id);
      socket.take();
      stage.ask(socket, publish(bundleOf(`guest ${n}`, 1)));
    }
    const late = stage.enter(ALICE);
    const { peers } = welcomeOf(late);
    assert.deepEqual(
      peers.map((peer) => peer.peer_id),
      ids,
    );
    const brought = peers.map((peer) => peer.bundle !== undefined);
    assert.deepEqual(brought, [...Array<boolean>(WELCOME_BUNDLES_MAX).fill(true), false, false, false]);
    const { head, one_time } = bundleOf('guest 10', 1);
    assert.deepEqual(stage.ask(late, fetchOf(guest(11))), handed(guest(11), { head, one_time: nth(one_time, 0) }));
    assert.equal(WELCOME_BUNDLES_MAX, 8);
  });

  it('RL17, LM1: a welcome stays below 64 KiB; what has no room in it is not used up', () => {
    const credential = 'c'.repeat(1024);
    const iceServers = Array.from({ length: 16 }, () => ({
      urls: ['turn:turn.example'],
      username: 'é'.repeat(250),
      credential,
    }));
    const whole = biggestBundle();
    for (const servers of [ICE_SERVERS, iceServers]) {
      const stage = new Stage({ maxPeers: PEERS_CEILING, iceServers: servers });
      for (let n = 1; n <= 8; n++) {
        const socket = stage.enter(guest(n));
        socket.take();
        stage.ask(socket, publish(whole));
      }
      const late = stage.enter(ALICE);
      const [text = ''] = late.takeTexts();
      const message = parseRelayText(text);
      assert.ok(message?.type === 'notification' && message.method === 'welcome');
      const bytes = new TextEncoder().encode(text).length;
      assert.ok(bytes <= RELAY_TEXT_MAX);
      const brought = message.params.peers.filter((peer) => peer.bundle).length;
      assert.ok(servers === ICE_SERVERS ? brought === 8 : brought > 3 && brought < 8, `${brought} in ${bytes} bytes`);
      if (brought === 8) continue;
      const answer = stage.ask(late, fetchOf(guest(8)));
      assert.deepEqual(answer, handed(guest(8), { head: whole.head, one_time: nth(whole.one_time, 0) }));
    }
  });
});

describe('handing out', () => {
  it('RL18: each one-time blob goes to one peer, each peer has one, and then there is the head', () => {
    const stage = new Stage();
    const [alice, bob, carol, dave] = stage.gather(ALICE, BOB, CAROL, DAVE) as [
      MemorySocket,
      MemorySocket,
      MemorySocket,
      MemorySocket,
    ];
    const { head, one_time } = bundleOf('alice', 2);
    stage.ask(alice, publish({ head, one_time }));
    for (const socket of [bob, carol, dave]) socket.take();
    assert.deepEqual(stage.ask(bob, fetchOf(ALICE)), handed(ALICE, { head, one_time: nth(one_time, 0) }));
    for (let i = 0; i < 20; i++) assert.deepEqual(stage.ask(bob, fetchOf(ALICE)), handed(ALICE, { head }));
    assert.deepEqual(stage.ask(carol, fetchOf(ALICE)), handed(ALICE, { head, one_time: nth(one_time, 1) }));
    assert.deepEqual(stage.ask(dave, fetchOf(ALICE)), handed(ALICE, { head }), 'none is left');
  });

  it('RL18: neither a new bundle, nor a new socket of either, nor a sleep gives a peer a second one', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    stage.ask(alice, publish(bundleOf('alice', 8)));
    bob.take();
    const first = bundleOf('alice', 8);
    assert.deepEqual(
      stage.ask(bob, fetchOf(ALICE)),
      handed(ALICE, { head: first.head, one_time: nth(first.one_time, 0) }),
    );
    const { head, one_time } = bundleOf('alice', 8, 2);
    stage.ask(alice, REMOVE);
    stage.ask(alice, publish({ head, one_time }));
    assert.deepEqual(stage.ask(bob, fetchOf(ALICE)), handed(ALICE, { head }));
    const bobAgain = stage.enter(BOB, 3);
    stage.enter(ALICE, 4);
    stage.sleep();
    bobAgain.take();
    assert.deepEqual(stage.ask(bobAgain, fetchOf(ALICE)), handed(ALICE, { head }));
    stage.gone(bobAgain);
    const bobBack = stage.enter(BOB, 3);
    bobBack.take();
    assert.deepEqual(stage.ask(bobBack, fetchOf(ALICE)), handed(ALICE, { head }));
    const alices = welcomeOf(stage.enter(CAROL)).peers.find((peer) => peer.peer_id === ALICE);
    assert.deepEqual(alices?.bundle, { head, one_time: nth(one_time, 0) });
  });

  it('RL18: the blob is gone from what is kept before it is handed out', () => {
    const stage = new Stage();
    const [alice] = stage.gather(ALICE) as [MemorySocket];
    stage.ask(alice, publish(bundleOf('alice', 3)));
    const leftWhenSent: (number | undefined)[] = [];
    class WatchingSocket extends MemorySocket {
      override send(text: string): void {
        const kept = parseAttachment(stage.attachments.get(alice));
        if (text.includes('"one_time"')) leftWhenSent.push(kept?.shelf.bundle?.oneTime.length);
        super.send(text);
      }
    }
    const bob = new WatchingSocket();
    stage.room.admit(bob, BOB, 7, stage.nowMs, NO_VISITOR);
    stage.send(bob, fetchOf(ALICE), 1);
    stage.room.admit(new WatchingSocket(), CAROL, 0, stage.nowMs, NO_VISITOR);
    assert.deepEqual(leftWhenSent, [2, 1]);
  });

  it('RL4, RL18: nothing is handed out for a request without an id; what it publishes is published', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    const { head, one_time } = bundleOf('alice', 1);
    stage.send(alice, publish({ head, one_time }));
    bob.take();
    stage.send(bob, fetchOf(ALICE));
    stage.send(bob, { method: 'exchange_bundles', params: { room_id: ROOM, peer_id: ALICE, ...bundleOf('bob', 0) } });
    stage.send(bob, { method: 'fetch_bundle', params: { room_id: ROOM, peer_id: DAVE } });
    assert.deepEqual([alice.take(), bob.take()], [[], []]);
    assert.deepEqual(stage.ask(bob, fetchOf(ALICE)), handed(ALICE, { head, one_time: nth(one_time, 0) }));
    assert.deepEqual(stage.ask(alice, fetchOf(BOB)), handed(BOB, { head: bundleOf('bob', 0).head }));
    stage.send(bob, REMOVE);
    assert.deepEqual(stage.ask(alice, fetchOf(BOB)), refused('no-bundle'));
  });

  it('RL18: somebody who is not here, and oneself, are unknown; to ask for them is no fault', () => {
    const stage = new Stage();
    const [alice] = stage.gather(ALICE) as [MemorySocket];
    stage.ask(alice, publish(bundleOf('alice', 1)));
    for (let i = 0; i < 40; i++) {
      assert.deepEqual(stage.ask(alice, fetchOf(i % 2 ? ALICE : BOB)), refused('peer-unknown'));
    }
    assert.equal(alice.closed, undefined);
  });

  it('RL18: the list of those that were served is as long as a room, and drops the oldest', () => {
    const stage = new Stage({ maxPeers: 3 });
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    const serve = (round: number): void => {
      stage.ask(alice, publish(bundleOf('alice', 8, round)));
    };
    const isServed = (): boolean => {
      const answer = stage.ask(bob, fetchOf(ALICE));
      return answer.type === 'result' && parseHandedBundle(answer.result)?.one_time !== undefined;
    };
    serve(0);
    bob.take();
    assert.equal(isServed(), true);
    for (let n = 1; n < HANDED_PEERS_MAX; n++) {
      if (n % 8 === 0) serve(n);
      stage.nowMs += 1000;
      for (const here of [alice, bob]) stage.answeredAtMs.set(here, stage.nowMs);
      const socket = stage.enter(guest(n));
      assert.ok(welcomeOf(socket).peers[0]?.bundle?.one_time, `guest ${n}`);
      stage.gone(socket);
      bob.take();
      alice.take();
    }
    assert.equal(isServed(), false, 'sixty-three others came and went');
    serve(HANDED_PEERS_MAX);
    stage.gone(stage.enter(guest(HANDED_PEERS_MAX)));
    bob.take();
    alice.take();
    assert.equal(isServed(), true);
    assert.equal(parseAttachment(stage.attachments.get(alice))?.shelf.handedTo.length, HANDED_PEERS_MAX);
  });
});

describe('telling of it', () => {
  it('RL19: a first bundle is told to those that came later, and to nobody else', () => {
    const stage = new Stage();
    const sockets = stage.gather(ALICE, BOB, CAROL) as [MemorySocket, MemorySocket, MemorySocket];
    stage.send(sockets[1], publish(bundleOf('bob', 1)), 1);
    assert.deepEqual(
      sockets.map((socket) => socket.take()),
      [[], [{ type: 'result', id: 1, result: {} }], [publishedBy(BOB)]],
    );
  });

  it('RL19: once for as long as its owner is here, whatever it publishes, takes away, or sleeps over', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    stage.ask(alice, publish(bundleOf('alice', 1)));
    assert.deepEqual(bob.take(), [publishedBy(ALICE)]);
    stage.ask(alice, publish(bundleOf('alice', 1, 2)));
    stage.ask(alice, REMOVE);
    stage.ask(alice, publish(bundleOf('alice', 1, 3)));
    stage.sleep();
    stage.ask(alice, publish(bundleOf('alice', 1, 4)));
    const again = stage.enter(ALICE, 9);
    again.take();
    stage.ask(again, publish(bundleOf('alice', 1, 5)));
    assert.deepEqual(bob.take(), []);
    stage.gone(again);
    const back = stage.enter(ALICE, 9);
    stage.send(back, publish(bundleOf('alice', 1, 6)));
    assert.deepEqual(bob.take().slice(2), [publishedBy(ALICE)]);
  });

  it('LM6, RL19: is not dropped; who is too far behind for it is closed', () => {
    const stage = new Stage();
    const [alice, bob, carol] = stage.gather(ALICE, BOB, CAROL) as [MemorySocket, MemorySocket, MemorySocket];
    bob.bufferedAmount = 300_000;
    carol.bufferedAmount = 2_000_000;
    stage.send(alice, publish(bundleOf('alice', 1)));
    assert.deepEqual(bob.take(), [publishedBy(ALICE), leftOf(CAROL)]);
    assert.deepEqual(carol.closed, { code: 4008, reason: 'slow-reader' });
  });
});

describe('limits', () => {
  it('LM2, LM3: bundles are paid from the same budgets as messages', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    for (let i = 0; i < 150; i++) stage.send(bob, fetchOf(ALICE), i);
    assert.deepEqual(new Set(bob.take().map((one) => one.type === 'error' && one.reason)), new Set(['no-bundle']));
    stage.send(bob, fetchOf(ALICE), 'x');
    assert.deepEqual(bob.take(), [errorOf('x', 'rate-limited')]);

    const whole = biggestBundle();
    const times = Math.floor((1024 * 1024) / formatRequest(publish(whole), 10).length);
    for (let i = 0; i < times; i++) stage.send(alice, publish(whole), i % 10);
    assert.ok(alice.take().every((one) => one.type === 'result'));
    stage.send(alice, publish(whole), 'y');
    assert.deepEqual(alice.take(), [errorOf('y', 'rate-limited')]);
  });
});
