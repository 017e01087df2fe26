/** What only shows on the runtime itself, without wrangler's proxy before it: sleep, readers that stall, restarts. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { enter, messageText } from '../helpers/relay-client.ts';
import type { Guest } from '../helpers/relay-client.ts';
import { startRelayProcess } from '../helpers/relay-process.ts';
import type { RelayProcess } from '../helpers/relay-process.ts';
import { createTestRoom, offerFor, randomPeerId } from '../helpers/tokens.ts';
import type { TestRoom } from '../helpers/tokens.ts';

/** The platform puts an object to sleep that had nothing to do for 10 s. */
const ASLEEP_AFTER_MS = 11_000;
const STALL_DEADLINE_MS = 30_000;
const STUN = { urls: ['stun:stun.example:3478'] };

let relay: RelayProcess;

before(async () => {
  relay = await startRelayProcess({ runtime: 'workerd', vars: { ICE_SERVERS: JSON.stringify([STUN, { urls: 'x' }]) } });
});

after(async () => {
  await relay.stop();
});

/** A peer that completes the handshake and then reads nothing more. */
async function enterWithoutReading(room: TestRoom, peerId: PeerId): Promise<Socket> {
  const offer = await offerFor(room, { peerId });
  const socket = connect(relay.port, '127.0.0.1');
  const head = [
    'GET /relay HTTP/1.1',
    'Host: relay',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    `Sec-WebSocket-Protocol: ${offer.join(', ')}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.match(answer.toString('latin1'), /^HTTP\/1\.1 101 /);
  socket.pause();
  return socket;
}

describe('on the runtime alone', () => {
  it('the operator’s ICE servers are told, but for the bad one', async () => {
    const alice = await enter(relay.url, await createTestRoom());
    assert.deepEqual(alice.welcome.ice_servers, [STUN]);
    await alice.client.close();
  });

  it('RL13: a room that slept knows its peers, and names its new instance', async () => {
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
    assert.deepEqual(await bob.client.closed(), { code: 4004, reason: 'replaced' });
    assert.equal(again.welcome.join_number, bob.welcome.join_number);
    await Promise.all([alice, again, carol].map((guest) => guest.client.close()));
  });

  it('LM6: a peer that does not read is dropped from, then closed, and the others go on', async () => {
    const room = await createTestRoom();
    const stalledId = randomPeerId();
    const stalled = await enterWithoutReading(room, stalledId);
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
    await watcher.client.text((text) => text.includes('peer_left') && text.includes(stalledId), 'the end of the reader');
    watcher.client.send(messageText(watcher, other.peerId, 'go-on'));
    assert.equal((await other.client.notification('relay_message')).payload, 'go-on');
    stalled.destroy();
    await Promise.all(guests.map((guest) => guest.client.close()));
  });

  it('RL3: killed and started again, the room is made anew by its peers, with their numbers', async () => {
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
