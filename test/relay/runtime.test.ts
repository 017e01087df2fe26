/** What only shows on the runtime itself, without wrangler's proxy before it: sleep, readers that stall, restarts. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ROOM_ADMISSIONS_BURST } from '../../relay-worker/limits.ts';
import { formatRequest, parseHandedBundle } from '../../src/engine/protocol/relay.ts';
import type { ClientRequest, HandedBundle, SealedBundle } from '../../src/engine/protocol/relay.ts';
import { brokenText } from '../helpers/fuzz.ts';
import { Random } from '../helpers/random.ts';
import { openRaw } from '../helpers/raw-client.ts';
import { RelayClient, assertUsable, enter, messageText } from '../helpers/relay-client.ts';
import type { Closed, Guest } from '../helpers/relay-client.ts';
import { startRelayProcess } from '../helpers/relay-process.ts';
import type { RelayProcess } from '../helpers/relay-process.ts';
import { createTestRoom, offerFor, randomPeerId } from '../helpers/tokens.ts';
import { biggestBundle, bundleOf, nth } from './room-stage.ts';

/** The platform puts an object to sleep that had nothing to do for 10 s. */
const ASLEEP_AFTER_MS = 11_000;
const STALL_DEADLINE_MS = 30_000;
/** Far more than a room lets in during the seconds that trying takes. */
const ADMISSIONS_TRIED_MAX = 400;
const FUZZ_ROOMS = 4;
/** Fewer than a room takes at once (LM4), so that its limit does not answer for its parsers. */
const FUZZ_FRAMES = 600;
/** One fewer than the faults that end a socket, so that the relay reads them all. */
const FRAMES_A_SOCKET = 31;
const FUZZ_SEED = 7;
const STUN = { urls: ['stun:stun.example:3478'] };

let relay: RelayProcess;

before(async () => {
  relay = await startRelayProcess({ runtime: 'workerd', vars: { ICE_SERVERS: JSON.stringify([STUN, { urls: 'x' }]) } });
});

after(async () => {
  await relay.stop();
});

/** What the relay has of a peer for this guest. */
async function fetchBundle(guest: Guest, peer_id: Guest['peerId']): Promise<HandedBundle | undefined> {
  const request: ClientRequest = { method: 'fetch_bundle', params: { room_id: guest.roomId, peer_id } };
  guest.client.send(formatRequest(request, 'fetch'));
  const answer = await guest.client.answer('fetch');
  return answer.type === 'result' ? parseHandedBundle(answer.result) : undefined;
}

async function publishBundle(guest: Guest, bundle: SealedBundle): Promise<void> {
  const request: ClientRequest = { method: 'publish_bundle', params: { room_id: guest.roomId, ...bundle } };
  guest.client.send(formatRequest(request, 'publish'));
  assert.equal((await guest.client.answer('publish')).type, 'result');
}

describe('on the runtime alone', () => {
  it('the operator’s ICE servers are told, but for the bad one', async () => {
    const alice = await enter(relay.url, await createTestRoom());
    assert.deepEqual(alice.welcome.ice_servers, [STUN]);
    await alice.client.close();
  });

  it('compression is not accepted where a client offers it', async () => {
    const offer = ['Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits'];
    const client = await openRaw(relay.port, await offerFor(await createTestRoom()), offer);
    assert.match(client.head, /^HTTP\/1\.1 101 [\s\S]*\r\nsec-websocket-protocol: tai\.1(\r\n|$)/i);
    assert.doesNotMatch(client.head, /sec-websocket-extensions/i);
    client.socket.destroy();
  });

  it('LM8: who comes in again and again is refused before long, and the room stays usable', async () => {
    const room = await createTestRoom();
    const [alice, bob] = [await enter(relay.url, room), await enter(relay.url, room)];
    let admitted = 2;
    let closed: Closed | undefined;
    for (; !closed && admitted < ADMISSIONS_TRIED_MAX; admitted++) {
      const client = new RelayClient(relay.url, await offerFor(room));
      await client.text((text) => text.includes('"welcome"'), 'welcome').catch(() => undefined);
      if (client.isClosed) closed = await client.closed();
      else await client.close();
    }
    assert.deepEqual(closed, { code: 4005, reason: 'rate-limited' });
    assert.ok(admitted > ROOM_ADMISSIONS_BURST, `${admitted} were let in`);
    await assertUsable(alice, bob);
    await Promise.all([alice.client.close(), bob.client.close()]);
  });

  // At once: each is asleep for most of its time.
  describe('a room that slept', { concurrency: true }, () => {
    it('RL6: knows its peers, and names its new instance', async () => {
      const room = await createTestRoom();
      const [alice, bob, gone] = [
        await enter(relay.url, room),
        await enter(relay.url, room),
        await enter(relay.url, room),
      ] as const;
      await gone.client.close();
      await alice.client.notification('peer_left');
      // Idleness is what is tested; a ping is answered without waking the room.
      await delay(ASLEEP_AFTER_MS / 2);
      alice.client.send('ping');
      await alice.client.text((text) => text === 'pong', 'pong');
      await delay(ASLEEP_AFTER_MS / 2);

      alice.client.send(messageText(alice, bob.peerId, 'morning', 1));
      const message = await bob.client.notification('relay_message');
      assert.notEqual(message.ep, alice.welcome.ep, 'it has not slept');
      assert.deepEqual([message.payload, message.sender_peer_id, message.n], ['morning', alice.peerId, 1]);
      alice.client.send(messageText(alice, gone.peerId, 'x', 2));
      assert.equal((await alice.client.answer(2)).type, 'error');
      const carol = await enter(relay.url, room);
      assert.deepEqual(carol.welcome.peers, [
        { peer_id: alice.peerId, join_number: alice.welcome.join_number },
        { peer_id: bob.peerId, join_number: bob.welcome.join_number },
      ]);
      const again = await enter(relay.url, room, { peerId: bob.peerId });
      assert.equal(again.welcome.join_number, bob.welcome.join_number);
      await assertUsable(carol, again);
      await Promise.all([alice, again, carol].map((guest) => guest.client.close()));
    });

    it('RL6, RL16–RL18: has bundles of the biggest size still, gives each blob out once, and forgets them with their owner', async () => {
      const room = await createTestRoom();
      const [alice, bob] = [await enter(relay.url, room), await enter(relay.url, room)];
      const whole = biggestBundle();
      const { head, one_time } = {
        head: whole.head,
        one_time: [...bundleOf('alice', 3).one_time, ...whole.one_time.slice(3)],
      };
      await publishBundle(alice, { head, one_time });
      assert.deepEqual(await bob.client.notification('bundle_published'), { peer_id: alice.peerId });
      assert.deepEqual(await fetchBundle(bob, alice.peerId), { head, one_time: nth(one_time, 0) });
      // Idleness is what is tested.
      await delay(ASLEEP_AFTER_MS);

      const carol = await enter(relay.url, room);
      assert.notEqual(carol.welcome.ep, alice.welcome.ep, 'it has not slept');
      assert.deepEqual(
        carol.welcome.peers.map((peer) => peer.bundle),
        [{ head, one_time: nth(one_time, 1) }, undefined],
      );
      assert.deepEqual(await fetchBundle(bob, alice.peerId), { head }, 'it has had its own before the sleep');
      const dave = await enter(relay.url, room);
      assert.deepEqual(dave.welcome.peers[0]?.bundle, { head, one_time: nth(one_time, 2) });
      await publishBundle(alice, whole);
      assert.deepEqual(
        bob.client.inbox.filter((text) => text.includes('bundle_published')),
        [],
      );
      const again = await enter(relay.url, room, { peerId: alice.peerId, joinNumber: alice.welcome.join_number });
      assert.deepEqual(await fetchBundle(dave, alice.peerId), { head: whole.head });
      await again.client.close();
      await dave.client.notification('peer_left');
      assert.equal(await fetchBundle(dave, alice.peerId), undefined);
      await Promise.all([bob, carol, dave].map((guest) => guest.client.close()));
    });
  });

  it('RL17: a welcome brings eight bundles of the biggest size', async () => {
    const room = await createTestRoom();
    const guests: Guest[] = [];
    for (let i = 0; i < 7; i++) guests.push(await enter(relay.url, room));
    const whole = biggestBundle();
    for (const guest of guests) await publishBundle(guest, whole);
    const late = await enter(relay.url, room);
    const expected = { head: whole.head, one_time: nth(whole.one_time, 0) };
    assert.deepEqual(
      late.welcome.peers.map((peer) => peer.bundle),
      guests.map(() => expected),
    );
    await Promise.all([...guests, late].map((guest) => guest.client.close()));
  });

  it('LM6: a peer that does not read is dropped from, then closed, and the others go on', async () => {
    const room = await createTestRoom();
    const stalledId = randomPeerId();
    const stalled = await openRaw(relay.port, await offerFor(room, { peerId: stalledId }));
    stalled.socket.pause();
    const guests: Guest[] = [];
    for (let i = 0; i < 7; i++) guests.push(await enter(relay.url, room));
    const [watcher, other] = guests as [Guest, Guest];
    const seen = new Set<string>();
    const deadlineMs = Date.now() + STALL_DEADLINE_MS;
    // The kernel takes some megabytes before anything waits in the relay; together the seven have more than that.
    for (let id = 0; !seen.has('peer-unknown') && Date.now() < deadlineMs; id++) {
      const guest = guests[id % guests.length] as Guest;
      guest.client.send(messageText(guest, stalledId, 'A'.repeat(60_000), id));
      const answer = await guest.client.answer(id);
      seen.add(answer.type === 'error' ? answer.reason : 'passed');
    }
    assert.deepEqual([...seen], ['passed', 'rate-limited', 'peer-unknown']);
    await watcher.client.text(
      (text) => text.includes('peer_left') && text.includes(stalledId),
      'the end of the reader',
    );
    await assertUsable(watcher, other);
    stalled.socket.destroy();
    await Promise.all(guests.map((guest) => guest.client.close()));
  });

  it(`fuzz: ${FUZZ_ROOMS} × ${FUZZ_FRAMES} broken frames leave usable rooms`, async (t) => {
    const random = new Random(FUZZ_SEED);
    const codes = new Set<number>();
    let passed = 0;
    for (let rooms = 0; rooms < FUZZ_ROOMS; rooms++) {
      const room = await createTestRoom();
      const [alice, bob] = [await enter(relay.url, room), await enter(relay.url, room)];
      for (let sent = 0; sent < FUZZ_FRAMES; sent += FRAMES_A_SOCKET) {
        const mallory = await enter(relay.url, room);
        const samples = [
          messageText(mallory, alice.peerId, 'AQID', 1),
          formatRequest({ method: 'join', params: { room_id: room.roomId, peer_id: mallory.peerId } }, 'j'),
        ];
        for (let i = 0; i < FRAMES_A_SOCKET; i++) {
          mallory.client.send(random.chance(0.05) ? random.bytes(random.below(50)) : brokenText(random, samples));
        }
        mallory.client.socket.close(1000);
        codes.add((await mallory.client.closed()).code);
      }
      await assertUsable(alice, bob);
      const late = await enter(relay.url, room);
      const here = late.welcome.peers.map((peer) => peer.peer_id);
      assert.deepEqual(here.toSorted(), [alice.peerId, bob.peerId].toSorted());
      passed += alice.client.inbox.filter((text) => text.includes('relay_message')).length;
      await Promise.all([alice, bob, late].map((guest) => guest.client.close()));
    }
    t.diagnostic(`${passed} of the frames were good and passed on`);
    assert.deepEqual([...codes], [1000]);
    assert.ok(passed > (FUZZ_ROOMS * FUZZ_FRAMES) / 50 && passed < FUZZ_ROOMS * FUZZ_FRAMES);
  });

  it('AD7: killed and started again, the room is made anew by its peers, with their numbers', async () => {
    const room = await createTestRoom();
    const [alice, bob] = [await enter(relay.url, room), await enter(relay.url, room)];
    await relay.kill();
    await Promise.all([alice.client.closed(), bob.client.closed()]);
    await relay.restart();
    const bobAgain = await enter(relay.url, room, { peerId: bob.peerId, joinNumber: bob.welcome.join_number });
    const aliceAgain = await enter(relay.url, room, { peerId: alice.peerId, joinNumber: alice.welcome.join_number });
    assert.notEqual(aliceAgain.welcome.ep, alice.welcome.ep);
    assert.equal(aliceAgain.welcome.join_number, alice.welcome.join_number);
    assert.deepEqual(aliceAgain.welcome.peers, [{ peer_id: bob.peerId, join_number: bob.welcome.join_number }]);
    await Promise.all([aliceAgain.client.close(), bobAgain.client.close()]);
  });
});
