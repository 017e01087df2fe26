/** AD8–AD15, LM16, LM17 on sockets in memory: who comes in, who waits, who is put out, and who only says so. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import {
  FAULTS_MAX,
  HOST_STATEMENTS_BURST,
  KICKED_MAX,
  RING_AGE_MAX_MS,
  SOCKET_MESSAGES_BURST,
  WAITING_MAX,
} from '../../relay-worker/limits.ts';
import { parsePeerId } from '../../src/engine/protocol/ids.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { ClientRequest, RelayMessage } from '../../src/engine/protocol/relay.ts';
import { createHostedTestRoom, hostClaims, hostRequest, signHostClaims } from '../helpers/hosts.ts';
import type { HostedRoom } from '../helpers/hosts.ts';
import type { MemorySocket } from '../helpers/memory-socket.ts';
import { Random } from '../helpers/random.ts';
import { ALICE, BOB, CAROL, ROOM, peerIdOf } from '../helpers/samples.ts';
import { HOST, HostedStage, NOTE } from './hosted-stage.ts';
import { Stage, errorOf, leftOf } from './room-stage.ts';

const DAVE = peerIdOf(0xda);

let room: HostedRoom;
let stranger: HostedRoom;

before(async () => {
  room = await createHostedTestRoom();
  stranger = await createHostedTestRoom();
});

class Hosted extends HostedStage {
  constructor(maxPeers = 8) {
    super(room, maxPeers);
  }
}

function methodsOf(socket: MemorySocket): string[] {
  return socket.take().map((message) => (message.type === 'notification' ? message.method : message.type));
}

function told(method: 'door_changed', params: { door: 'open' | 'knock' | 'locked' }): RelayMessage {
  return { type: 'notification', method, params };
}

function knockOf(peerId: PeerId, note = NOTE): RelayMessage {
  return { type: 'notification', method: 'peer_knocked', params: { peer_id: peerId, note } };
}

function endOf(peerId: PeerId): RelayMessage {
  return { type: 'notification', method: 'knock_ended', params: { peer_id: peerId } };
}

const OTHER_PROOF = { proof: new Uint8Array(16).fill(9) };

describe('AD8: a peer id', () => {
  it('is taken over by nobody who does not show the nonce of its first token', () => {
    const stage = new Stage();
    const [alice] = stage.gather(ALICE, BOB);
    assert.equal(stage.refusalOf(ALICE, OTHER_PROOF), 'token-invalid');
    assert.equal(alice?.closed, undefined);
    assert.equal(stage.refusalOf(ALICE), undefined);
    stage.sleep();
    assert.equal(stage.refusalOf(ALICE, OTHER_PROOF), 'token-invalid', 'after a sleep');
    assert.equal(stage.refusalOf(ALICE), undefined);
  });

  it('is free again once it is left, or its seat is over', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    void stage.send(bob, { method: 'leave', params: { room_id: ROOM } });
    assert.equal(stage.refusalOf(BOB, OTHER_PROOF), undefined);
    stage.gone(alice);
    stage.nowMs += RING_AGE_MAX_MS;
    assert.equal(stage.refusalOf(ALICE, OTHER_PROOF), 'token-invalid', 'RL21: its page may be back');
    stage.nowMs += 1;
    assert.equal(stage.refusalOf(ALICE, OTHER_PROOF), undefined);
  });
});

describe('AD11: a lock', () => {
  it('keeps everybody new out, is told to those who are in, and in every welcome', async () => {
    const stage = new Hosted();
    const [bob] = stage.gather(BOB) as [MemorySocket];
    await stage.act('lock');
    assert.deepEqual(bob.take(), [told('door_changed', { door: 'locked' })]);
    assert.equal(stage.refusalOf(CAROL), 'room-locked');
    assert.equal(stage.refusalOf(BOB), undefined);
    const [welcome] = stage.enter(BOB).take();
    assert.ok(welcome?.type === 'notification' && welcome.method === 'welcome');
    assert.equal(welcome.params.door, 'locked');
    await stage.act('open');
    assert.equal(stage.refusalOf(CAROL), undefined);
  });

  it('lets those come back who have lost their socket, by their proof, and nobody in their name', async () => {
    const stage = new Hosted();
    const [bob, carol] = stage.gather(BOB, CAROL) as [MemorySocket, MemorySocket];
    await stage.act('lock');
    stage.gone(bob);
    void stage.send(carol, { method: 'leave', params: { room_id: room.roomId } });
    stage.sleep();
    assert.equal(stage.refusalOf(BOB, OTHER_PROOF), 'token-invalid', 'another in his name');
    assert.equal(stage.refusalOf(CAROL), 'room-locked', 'she has left');
    assert.equal(stage.refusalOf(BOB), undefined);
    stage.enter(BOB, 17);
    assert.equal(stage.refusalOf(BOB, OTHER_PROOF), 'token-invalid');
  });

  it('attack: who is expected back is not kept out by somebody under its id, here or outside', async () => {
    const stage = new Hosted();
    const [bob] = stage.gather(BOB) as [MemorySocket];
    await stage.act('knock');
    stage.gone(bob);
    stage.nowMs += RING_AGE_MAX_MS + 1;
    stage.answeredAtMs.set(stage.alice, stage.nowMs);
    stage.sleep();
    assert.equal(stage.refusalOf(BOB, OTHER_PROOF), 'token-invalid');
    assert.equal(stage.refusalOf(BOB), undefined);
    assert.deepEqual(methodsOf(stage.enter(BOB, 17)), ['welcome']);
  });

  it('expects also those who have gone while the door was open, through a sleep', async () => {
    const stage = new Hosted();
    const [bob, carol] = stage.gather(BOB, CAROL) as [MemorySocket, MemorySocket];
    stage.gone(bob);
    void stage.send(carol, { method: 'leave', params: { room_id: room.roomId } });
    stage.sleep();
    await stage.act('lock');
    assert.equal(stage.refusalOf(CAROL), 'room-locked', 'she has left');
    assert.equal(stage.refusalOf(BOB, OTHER_PROOF), 'token-invalid');
    assert.equal(stage.refusalOf(BOB), undefined);
  });

  it('lets another page of the host in', async () => {
    const stage = new Hosted();
    await stage.act('lock');
    assert.equal(stage.refusalOf(DAVE), 'room-locked');
    assert.equal(stage.refusalOf(DAVE, HOST), undefined);
  });

  it('sleeps with the room, outlives the host, and goes with the last who is here', async () => {
    const stage = new Hosted();
    const [bob] = stage.gather(BOB) as [MemorySocket];
    await stage.act('lock');
    stage.gone(stage.alice);
    stage.sleep();
    assert.equal(stage.refusalOf(CAROL), 'room-locked');
    stage.gone(bob);
    stage.sleep();
    assert.equal(stage.refusalOf(CAROL), undefined);
  });

  it('RL5: still leaves one live socket for each peer id', async () => {
    const stage = new Hosted();
    const [bob] = stage.gather(BOB) as [MemorySocket];
    await stage.act('lock');
    assert.equal(stage.refusalOf(BOB), undefined);
    const again = stage.enter(BOB);
    assert.deepEqual(bob.closed, { code: 4004, reason: 'replaced' });
    assert.deepEqual(methodsOf(again), ['welcome']);
    assert.deepEqual(methodsOf(stage.alice), [], 'nobody else notices');
  });
});

describe('AD12: a knock', () => {
  it('is heard by hosts alone; who knocks is told nothing, reaches nobody and is reached by nobody', async () => {
    const stage = new Hosted();
    const [bob] = stage.gather(BOB) as [MemorySocket];
    await stage.act('knock');
    bob.take();
    assert.equal(stage.refusalOf(CAROL), undefined);
    const carol = stage.enter(CAROL);
    const waiting = { room_id: room.roomId, peer_id: CAROL, ep: stage.ep };
    assert.deepEqual(carol.take(), [{ type: 'notification', method: 'waiting', params: waiting }]);
    assert.deepEqual(stage.alice.take(), [], 'not before she has knocked');
    assert.deepEqual(stage.knock(carol), [{ type: 'result', id: 'knock', result: {} }]);
    assert.deepEqual(stage.alice.take(), [knockOf(CAROL)]);
    assert.deepEqual(bob.take(), []);
    const requests: readonly ClientRequest[] = [
      { method: 'relay_message', params: { target_peer_id: ALICE, room_id: room.roomId, payload: 'AQID' } },
      { method: 'fetch_bundle', params: { room_id: room.roomId, peer_id: BOB } },
      { method: 'publish_bundle', params: { room_id: room.roomId, head: 'AA', one_time: [] } },
      { method: 'join', params: { room_id: room.roomId, peer_id: CAROL } },
      hostRequest(room.roomId, await stage.statement('open')),
    ];
    for (const request of requests) assert.deepEqual(stage.ask(carol, request), errorOf('asked', 'not-admitted'));
    const toCarol: ClientRequest = {
      method: 'relay_message',
      params: { target_peer_id: CAROL, room_id: room.roomId, payload: 'AQID' },
    };
    assert.deepEqual(stage.ask(bob, toCarol), errorOf('asked', 'peer-unknown'));
    assert.deepEqual([carol.take(), stage.alice.take(), bob.take()], [[], [], []]);
  });

  it('that is answered with `admit` brings in, as anybody comes in', async () => {
    const stage = new Hosted();
    const [bob] = stage.gather(BOB) as [MemorySocket];
    await stage.act('knock');
    const carol = stage.enter(CAROL);
    stage.knock(carol);
    bob.take();
    stage.sleep();
    await stage.act('admit', CAROL);
    assert.deepEqual(methodsOf(carol), ['welcome']);
    const [joined] = bob.take();
    assert.ok(joined?.type === 'notification' && joined.method === 'peer_joined');
    assert.equal(joined.params.peer_id, CAROL);
    stage.gone(carol);
    stage.sleep();
    const back = stage.enter(CAROL, 5);
    assert.deepEqual(methodsOf(back), ['welcome'], 'who was let in once comes back without knocking');
  });

  it('that is answered with `decline` ends, and so does one that is given up; hosts hear of both', async () => {
    const stage = new Hosted();
    await stage.act('knock');
    const [carol, dave] = [stage.enter(CAROL), stage.enter(DAVE)];
    for (const socket of [carol, dave]) stage.knock(socket);
    stage.alice.take();
    const answer = await stage.say(stage.alice, await stage.statement('decline', CAROL));
    assert.equal(answer?.type, 'result');
    assert.deepEqual(carol.closed, { code: 4014, reason: 'declined' });
    stage.gone(dave);
    assert.deepEqual(stage.alice.take(), [endOf(DAVE)]);
    assert.deepEqual(
      await stage.say(stage.alice, await stage.statement('admit', DAVE)),
      errorOf('said', 'peer-unknown'),
    );
    stage.enter(CAROL);
    assert.deepEqual(stage.alice.take(), [], 'she may come again, and has to knock again');
  });

  it('is heard once, and told to a host that comes later', async () => {
    const stage = new Hosted();
    await stage.act('knock');
    const carol = stage.enter(CAROL);
    stage.knock(carol);
    assert.deepEqual(stage.knock(carol, 'b3RoZXI'), [errorOf('knock', 'rate-limited')]);
    stage.gone(stage.alice);
    stage.sleep();
    const dave = stage.enter(DAVE, 0, HOST);
    const [welcome, knocked, ...rest] = dave.take();
    assert.ok(welcome?.type === 'notification' && welcome.method === 'welcome');
    assert.deepEqual([welcome.params.peers, welcome.params.door], [[], 'knock']);
    assert.deepEqual([knocked, rest], [knockOf(CAROL), []]);
  });

  it('waits on in an empty room: nobody is let in by the others’ leaving', async () => {
    const stage = new Hosted();
    await stage.act('knock');
    const carol = stage.enter(CAROL);
    carol.take();
    stage.gone(stage.alice);
    stage.sleep();
    assert.deepEqual(methodsOf(stage.enter(DAVE)), ['waiting']);
    assert.deepEqual(carol.take(), []);
  });

  it('of who knocks under a peer id that waits already takes its place; nobody else can', async () => {
    const stage = new Hosted();
    await stage.act('knock');
    const carol = stage.enter(CAROL);
    stage.knock(carol);
    stage.alice.take();
    assert.equal(stage.refusalOf(CAROL, OTHER_PROOF), 'token-invalid');
    assert.equal(stage.refusalOf(CAROL), undefined);
    const again = stage.enter(CAROL);
    assert.deepEqual(carol.closed, { code: 4004, reason: 'replaced' });
    assert.deepEqual(methodsOf(again), ['waiting']);
    await stage.act('admit', CAROL);
    assert.deepEqual(methodsOf(again), ['welcome']);
  });

  it('ends in the room when the door opens, and outside when it is locked', async () => {
    const stage = new Hosted();
    await stage.act('knock');
    const carol = stage.enter(CAROL);
    await stage.act('open');
    assert.deepEqual(methodsOf(carol), ['waiting', 'welcome']);
    await stage.act('knock');
    const dave = stage.enter(DAVE);
    await stage.act('lock');
    assert.deepEqual(dave.closed, { code: 4012, reason: 'room-locked' });
  });

  it('LM7: does not make a room larger than it may be', async () => {
    const stage = new Hosted(2);
    await stage.act('knock');
    const [carol, dave] = [stage.enter(CAROL), stage.enter(DAVE)];
    await stage.act('admit', CAROL);
    carol.take();
    assert.deepEqual(await stage.say(stage.alice, await stage.statement('admit', DAVE)), errorOf('said', 'room-full'));
    await stage.act('open');
    assert.deepEqual(dave.closed, { code: 4003, reason: 'room-full' });
  });

  it(`LM16: ${WAITING_MAX} wait at a time, and not for ever without a sign of life`, async () => {
    const stage = new Hosted();
    await stage.act('knock');
    const waiting = Array.from({ length: WAITING_MAX }, (_, n) => stage.enter(peerIdOf(n + 1)));
    for (const socket of waiting) stage.knock(socket);
    assert.equal(stage.refusalOf(CAROL), 'room-full');
    assert.equal(stage.refusalOf(peerIdOf(1)), undefined, 'who waits already may come again');
    stage.nowMs += 90_001;
    stage.answeredAtMs.set(stage.alice, stage.nowMs);
    assert.equal(stage.refusalOf(CAROL), undefined);
    assert.deepEqual(waiting[0]?.closed, { code: 1001, reason: 'silent' });
  });

  it('LM16: attack: who waits and does not knock gives way to who comes after, the oldest first', async () => {
    const stage = new Hosted();
    await stage.act('knock');
    const waiting = Array.from({ length: WAITING_MAX }, (_, n) => {
      stage.nowMs++;
      return stage.enter(peerIdOf(n + 1));
    });
    for (const [n, socket] of waiting.entries()) if (n !== 2 && n !== 5) stage.knock(socket);
    stage.alice.take();
    stage.sleep();
    for (const [peerId, n] of [
      [CAROL, 2],
      [DAVE, 5],
    ] as const) {
      assert.equal(stage.refusalOf(peerId), undefined);
      assert.equal(waiting[n]?.closed, undefined, 'not before somebody has come');
      const socket = stage.enter(peerId);
      assert.deepEqual(methodsOf(socket), ['waiting']);
      assert.deepEqual(waiting[n]?.closed, { code: 4003, reason: 'room-full' });
      stage.knock(socket);
    }
    assert.equal(stage.refusalOf(BOB), 'room-full', 'all have knocked');
    assert.equal(waiting.filter(({ closed }) => closed).length, 2);
    assert.deepEqual(methodsOf(stage.alice), ['peer_knocked', 'peer_knocked']);
  });

  it('LM4: attack: those outside have messages of their own, and use up none of the room’s', async () => {
    const stage = new Hosted();
    const [bob] = stage.gather(BOB) as [MemorySocket];
    await stage.act('knock');
    const waiting = Array.from({ length: WAITING_MAX }, (_, n) => stage.enter(peerIdOf(n + 1)));
    for (const socket of waiting) for (let i = 0; i < SOCKET_MESSAGES_BURST; i++) stage.knock(socket);
    bob.take();
    const params = { room_id: room.roomId, target_peer_id: ALICE, payload: 'AQID' };
    for (let i = 0; i < SOCKET_MESSAGES_BURST; i++) {
      assert.equal(stage.ask(bob, { method: 'relay_message', params }).type, 'result');
    }
  });
});

describe('AD13: a kick', () => {
  it('is told in the host’s own words to everybody, then ends the socket, and keeps that peer id out', async () => {
    const stage = new Hosted();
    const [bob, carol] = stage.gather(BOB, CAROL) as [MemorySocket, MemorySocket];
    for (const socket of [bob, carol]) socket.take();
    const statement = await stage.statement('kick', BOB);
    assert.equal((await stage.say(stage.alice, statement))?.type, 'result');
    const kicked: RelayMessage = { type: 'notification', method: 'peer_kicked', params: { statement } };
    assert.deepEqual(bob.take(), [kicked]);
    assert.deepEqual(bob.closed, { code: 4013, reason: 'kicked' });
    assert.deepEqual(carol.take(), [kicked, leftOf(BOB)]);
    assert.equal(stage.refusalOf(BOB), 'kicked');
    stage.sleep();
    assert.equal(stage.refusalOf(BOB), 'kicked', 'after a sleep');
    assert.equal(stage.refusalOf(DAVE), undefined, 'with a new peer id the link still opens the door');
  });

  it('reaches who waits outside, and who has lost its socket', async () => {
    const stage = new Hosted();
    const [bob] = stage.gather(BOB) as [MemorySocket];
    await stage.act('knock');
    const carol = stage.enter(CAROL);
    stage.gone(bob);
    for (const peerId of [BOB, CAROL]) await stage.act('kick', peerId);
    assert.deepEqual(carol.closed, { code: 4013, reason: 'kicked' });
    for (const peerId of [BOB, CAROL]) assert.equal(stage.refusalOf(peerId), 'kicked');
  });

  it(`AD14: the last ${KICKED_MAX} are remembered`, async () => {
    const stage = new Hosted();
    for (let n = 1; n <= KICKED_MAX + 1; n++) {
      stage.nowMs += 1000;
      await stage.act('kick', peerIdOf(n));
    }
    stage.sleep();
    assert.equal(stage.refusalOf(peerIdOf(1)), undefined);
    assert.equal(stage.refusalOf(peerIdOf(2)), 'kicked');
  });
});

describe('AD10: a statement', () => {
  const invalid = errorOf('said', 'host-invalid');

  it('attack: replayed, is refused; the same words signed anew are not', async () => {
    const stage = new Hosted();
    const lock = await stage.statement('lock');
    assert.equal((await stage.say(stage.alice, lock))?.type, 'result');
    await stage.act('open');
    assert.deepEqual(await stage.say(stage.alice, lock), errorOf('said', 'host-replayed'));
    assert.equal(stage.refusalOf(CAROL), undefined);
    await stage.act('lock');
    assert.equal(stage.refusalOf(CAROL), 'room-locked');
  });

  it('attack: sent twice at once, is taken once', async () => {
    const stage = new Hosted();
    const request = hostRequest(room.roomId, await stage.statement('lock'));
    await Promise.all([stage.send(stage.alice, request, 1), stage.send(stage.alice, request, 2)]);
    const answers = stage.alice.take().filter((message) => message.type !== 'notification');
    assert.deepEqual(answers, [{ type: 'result', id: 1, result: {} }, errorOf(2, 'host-replayed')]);
  });

  it('attack: replayed after the room has slept, is for an instance that is no more', async () => {
    const stage = new Hosted();
    const lock = await stage.statement('lock');
    await stage.say(stage.alice, lock);
    await stage.act('open');
    stage.sleep();
    const now = Math.floor(stage.nowMs / 1000);
    const stale = { ...errorOf('said', 'host-stale'), data: { now, ep: stage.ep } };
    assert.deepEqual(await stage.say(stage.alice, lock), stale);
    assert.equal(stage.refusalOf(CAROL), undefined);
  });

  it('attack: of another room, is refused', async () => {
    const stage = new Hosted();
    const other = await stage.statement('lock', undefined, { roomId: stranger.roomId });
    assert.deepEqual(await stage.say(stage.alice, other), invalid);
    assert.equal(stage.refusalOf(CAROL), undefined);
  });

  it('attack: signed with another key, or changed in one byte, is refused', async () => {
    const stage = new Hosted();
    const issuedS = Math.floor(stage.nowMs / 1000);
    const claims = hostClaims(room, 'lock', { from: ALICE, ep: stage.ep }, { issuedS });
    assert.deepEqual(await stage.say(stage.alice, await signHostClaims(claims, stranger.hostKey)), invalid);
    assert.deepEqual(await stage.say(stage.alice, await signHostClaims(claims, room.privateKey)), invalid);
    const good = await signHostClaims(claims, room.hostKey);
    const forged = good.slice(0, 40) + (good[40] === 'A' ? 'B' : 'A') + good.slice(41);
    assert.deepEqual(await stage.say(stage.alice, forged), invalid);
    assert.equal(stage.refusalOf(CAROL), undefined);
  });

  it('attack: a guest cannot say what the host has signed, nor be taken for it', async () => {
    const stage = new Hosted();
    const [bob] = stage.gather(BOB) as [MemorySocket];
    assert.deepEqual(await stage.say(bob, await stage.statement('kick', ALICE)), invalid);
    assert.equal(stage.alice.closed, undefined);
    assert.deepEqual(await stage.say(bob, await stage.statement('claim', undefined, { ep: '' })), invalid);
    await stage.act('knock');
    bob.take();
    stage.knock(stage.enter(CAROL));
    assert.deepEqual(bob.take(), [], 'knocks are not his to hear');
  });

  it('is refused where its time is more than a minute away, with the relay’s clock', async () => {
    const stage = new Hosted();
    const now = Math.floor(stage.nowMs / 1000);
    for (const issuedS of [now - 61, now + 61]) {
      const answer = await stage.say(stage.alice, await stage.statement('lock', undefined, { issuedS }));
      assert.deepEqual(answer, { ...errorOf('said', 'host-stale'), data: { now, ep: stage.ep } });
    }
    for (const issuedS of [now - 60, now + 60]) {
      const answer = await stage.say(stage.alice, await stage.statement('lock', undefined, { issuedS }));
      assert.equal(answer?.type, 'result');
    }
  });

  it('is refused in a room without host tools', async () => {
    const stage = new Stage({ roomId: room.roomId });
    const [alice] = stage.gather(ALICE) as [MemorySocket];
    const statement = await signHostClaims(hostClaims(room, 'lock', { from: ALICE, ep: stage.ep }), room.hostKey);
    await stage.send(alice, hostRequest(room.roomId, statement), 'said');
    assert.deepEqual(alice.take(), [invalid]);
  });

  it('RL12: that is forged is a fault, and the 32nd ends the socket', async () => {
    const stage = new Hosted();
    const [bob] = stage.gather(BOB) as [MemorySocket];
    for (let i = 0; i < FAULTS_MAX; i++) await stage.send(bob, hostRequest(room.roomId, 'AQID'));
    assert.deepEqual(bob.closed, { code: 4007, reason: 'bad-input' });
  });

  it(`LM17: costs the room one of ${HOST_STATEMENTS_BURST}, whoever says it`, async () => {
    const stage = new Hosted();
    for (let i = 0; i < HOST_STATEMENTS_BURST; i++) await stage.act(i % 2 === 0 ? 'lock' : 'open');
    const more = await stage.statement('lock');
    assert.deepEqual(await stage.say(stage.alice, more), errorOf('said', 'rate-limited'));
    stage.nowMs += 1000;
    assert.equal((await stage.say(stage.alice, more))?.type, 'result', 'and may be said again as it is');
  });

  it('LM17: attack: a guest’s words cost the host nothing', async () => {
    const stage = new Hosted();
    const [bob] = stage.gather(BOB) as [MemorySocket];
    const issuedS = Math.floor(stage.nowMs / 1000);
    for (let i = 0; i < HOST_STATEMENTS_BURST; i++) {
      const forged = await signHostClaims(
        hostClaims(room, 'lock', { from: BOB, ep: stage.ep }, { issuedS }),
        stranger.hostKey,
      );
      assert.deepEqual(await stage.say(bob, forged), invalid);
    }
    await stage.act('lock');
    assert.equal(stage.refusalOf(CAROL), 'room-locked');
  });

  it('AD9: of who holds the host’s key and has not claimed to at connecting is refused', async () => {
    const stage = new Hosted();
    const [bob] = stage.gather(BOB) as [MemorySocket];
    const issuedS = Math.floor(stage.nowMs / 1000);
    const good = await signHostClaims(hostClaims(room, 'lock', { from: BOB, ep: stage.ep }, { issuedS }), room.hostKey);
    assert.deepEqual(await stage.say(bob, good), invalid);
    assert.equal(stage.refusalOf(CAROL), undefined);
    const asHost = stage.enter(BOB, 0, HOST);
    asHost.take();
    assert.equal((await stage.say(asHost, good))?.type, 'result');
  });

  it('does nothing for one that has gone while the signature was checked', async () => {
    const stage = new Hosted();
    const saying = stage.send(stage.alice, hostRequest(room.roomId, await stage.statement('lock')), 'x');
    stage.gone(stage.alice);
    await saying;
    assert.deepEqual(stage.alice.take(), []);
  });
});

const PEERS = Array.from({ length: 6 }, (_, n) => parsePeerId(`0x${`e${n}`.repeat(16)}`) as PeerId);
const DOOR_SEEDS = 20;
const DOOR_EVENTS = 120;

/** Events at random; after each, what a locked or a knocking room owes to those who are in and to those who are not. */
async function play(seed: number): Promise<{ kept: number; waited: number; kicked: number }> {
  const random = new Random(seed);
  const stage = new Hosted();
  const live = new Map<PeerId, MemorySocket>();
  const outside = new Map<PeerId, MemorySocket>();
  const kicked = new Set<PeerId>();
  const counts = { kept: 0, waited: 0, kicked: 0 };
  let door = 'open' as 'open' | 'knock' | 'lock';
  const expected = new Set<PeerId>();
  for (let event = 0; event < DOOR_EVENTS; event++) {
    stage.nowMs += 1000;
    stage.answeredAtMs.set(stage.alice, stage.nowMs);
    for (const socket of [...live.values(), ...outside.values()]) stage.answeredAtMs.set(socket, stage.nowMs);
    const peerId = random.pick(PEERS);
    const kind = random.below(8);
    if (random.chance(0.1)) stage.sleep();
    if (kind < 3) {
      const refusal = stage.refusalOf(peerId);
      const isIn = live.has(peerId) || expected.has(peerId);
      if (kicked.has(peerId)) assert.equal(refusal, 'kicked');
      else if (door === 'lock' && !isIn) assert.equal(refusal, 'room-locked');
      else assert.equal(refusal, undefined, `${door} ${isIn}`);
      if (refusal) counts.kept++;
      else {
        const socket = stage.enter(peerId, random.below(3));
        const method = methodsOf(socket)[0];
        assert.equal(method, door === 'knock' && !isIn ? 'waiting' : 'welcome');
        (method === 'waiting' ? outside : live).set(peerId, socket);
        if (method === 'waiting') counts.waited++;
        expected.delete(peerId);
      }
    } else if (kind === 3) {
      const socket = live.get(peerId) ?? outside.get(peerId);
      if (!socket) continue;
      stage.gone(socket);
      if (live.delete(peerId)) expected.add(peerId);
      outside.delete(peerId);
    } else if (kind === 4) {
      door = random.pick(['open', 'knock', 'lock'] as const);
      await stage.act(door);
      for (const [id, socket] of door === 'knock' ? [] : outside) {
        outside.delete(id);
        if (door === 'open') live.set(id, socket);
        else assert.equal(socket.closed?.reason, 'room-locked');
      }
    } else if (kind === 5 && outside.has(peerId)) {
      await stage.act('admit', peerId);
      live.set(peerId, outside.get(peerId) as MemorySocket);
      outside.delete(peerId);
    } else if (kind === 6 && random.chance(0.2)) {
      await stage.act('kick', peerId);
      kicked.add(peerId);
      expected.delete(peerId);
      live.delete(peerId);
      outside.delete(peerId);
      counts.kicked++;
    } else if (kind === 7) {
      const guest = random.pick([...live.values(), stage.alice]);
      const forged = await signHostClaims(
        hostClaims(room, 'open', { from: random.pick(PEERS), ep: stage.ep }),
        stranger.hostKey,
      );
      if (guest !== stage.alice) await stage.send(guest, hostRequest(room.roomId, forged));
    }
    for (const socket of live.values()) assert.equal(socket.closed, undefined);
    for (const socket of outside.values()) assert.deepEqual([socket.closed, methodsOf(socket)], [undefined, []]);
    for (const socket of live.values()) socket.take();
    stage.alice.take();
  }
  return counts;
}

describe('a door under random events', () => {
  it(`fuzz: ${DOOR_SEEDS} × ${DOOR_EVENTS} events let nobody in who must wait, and keep nobody out who was in`, async () => {
    const reached = { kept: 0, waited: 0, kicked: 0 };
    for (let seed = 1; seed <= DOOR_SEEDS; seed++) {
      try {
        const counts = await play(seed);
        reached.kept += counts.kept;
        reached.waited += counts.waited;
        reached.kicked += counts.kicked;
      } catch (cause) {
        throw new Error(`seed ${seed}`, { cause });
      }
    }
    const isEnough = reached.kept > DOOR_SEEDS && reached.waited > DOOR_SEEDS && reached.kicked > DOOR_SEEDS;
    assert.ok(isEnough, `${JSON.stringify(reached)}: the fuzz reaches too little`);
  });
});
