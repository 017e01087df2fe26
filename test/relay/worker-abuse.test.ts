/** The real relay (`wrangler dev`) under bad input and floods: a clear error or close code, and nobody else suffers. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  RATE_ERRORS_BURST,
  RATE_ERRORS_PER_S,
  SOCKET_MESSAGES_BURST,
  SOCKET_MESSAGES_PER_S,
} from '../../relay-worker/limits.ts';
import { RPC_ERRORS, closeReasonOf } from '../../src/engine/protocol/errors.ts';
import type { RpcErrorReason } from '../../src/engine/protocol/errors.ts';
import { PING_TEXT, PONG_TEXT, formatRequest } from '../../src/engine/protocol/relay.ts';
import { flood } from '../helpers/flood.ts';
import { RelayClient, assertUsable, enter, messageText } from '../helpers/relay-client.ts';
import type { Guest } from '../helpers/relay-client.ts';
import { startRelayProcess } from '../helpers/relay-process.ts';
import type { RelayProcess } from '../helpers/relay-process.ts';
import { createTestRoom, offerFor, randomPeerId } from '../helpers/tokens.ts';

const FLOOD_MESSAGES = 10_000;
const CALM_MESSAGES = 100;
/** How many pings of the same room may overtake a message of the others at the worst moment of a flood. */
const FLOOD_PINGS_MAX = 50;

let relay: RelayProcess;

before(async () => {
  relay = await startRelayProcess();
});

after(async () => {
  await relay.stop();
});

describe('bad input', () => {
  it('RL11: is answered by its own error, and the socket is kept', async () => {
    const room = await createTestRoom();
    const [mallory, bob] = [await enter(relay.url, room), await enter(relay.url, room)];
    const cases: readonly (readonly [string | Uint8Array<ArrayBuffer>, number | null, RpcErrorReason])[] = [
      ['not json', null, 'parse-error'],
      ['[]', null, 'invalid-request'],
      [`[${formatRequest({ method: 'leave', params: { room_id: room.roomId } }, 1)}]`, null, 'invalid-request'],
      ['{"jsonrpc":"1.0","id":2,"method":"join","params":{}}', 2, 'invalid-request'],
      ['{"jsonrpc":"2.0","id":3,"method":"subscribe","params":{}}', 3, 'method-not-found'],
      ['{"jsonrpc":"2.0","id":4,"method":"relay_message","params":{"payload":"x y"}}', 4, 'invalid-params'],
      [new Uint8Array([1, 2, 3]), null, 'invalid-request'],
      ['x'.repeat(1_000_000), null, 'too-large'],
    ];
    for (const [data, id, reason] of cases) {
      mallory.client.send(data);
      assert.deepEqual(await mallory.client.answer(id), { type: 'error', id, code: RPC_ERRORS[reason], reason });
    }
    await assertUsable(mallory, bob);
    await Promise.all([mallory.client.close(), bob.client.close()]);
  });

  it('LM1: a message above 1 MiB ends its socket; the others are told that it left', async () => {
    const room = await createTestRoom();
    const [mallory, bob, carol] = [
      await enter(relay.url, room),
      await enter(relay.url, room),
      await enter(relay.url, room),
    ] as const;
    await bob.client.notification('peer_joined');
    mallory.client.send('x'.repeat(1024 * 1024 + 1));
    assert.deepEqual(await mallory.client.closed(), { code: 4006, reason: 'too-large' });
    assert.deepEqual(await bob.client.notification('peer_left'), { peer_id: mallory.peerId });
    await assertUsable(bob, carol);
    await Promise.all([bob.client.close(), carol.client.close()]);
  });

  it('RL12: the 32nd fault ends the socket', async () => {
    const room = await createTestRoom();
    const mallory = await enter(relay.url, room);
    for (let i = 0; i < 31; i++) mallory.client.send('x');
    for (let i = 0; i < 31; i++) await mallory.client.answer(null);
    mallory.client.send('ping');
    await mallory.client.text((text) => text === 'pong', 'pong');
    mallory.client.send('x');
    assert.deepEqual(await mallory.client.closed(), { code: 4007, reason: 'bad-input' });
  });

  it('LM7: the ninth peer is refused; a peer that is in may come back; a place that is free is given', async () => {
    const room = await createTestRoom();
    const guests: Guest[] = [];
    for (let i = 0; i < 8; i++) guests.push(await enter(relay.url, room));
    const refused = new RelayClient(relay.url, await offerFor(room));
    assert.deepEqual(await refused.closed(), { code: 4003, reason: 'room-full' });
    const [first, second] = guests as [Guest, Guest];
    const again = await enter(relay.url, room, { peerId: first.peerId });
    assert.equal(again.welcome.peers.length, 7);
    await second.client.close();
    await again.client.notification('peer_left');
    const late = await enter(relay.url, room);
    assert.equal(late.welcome.peers.length, 7);
    await Promise.all([again, late, ...guests.slice(2)].map((guest) => guest.client.close()));
  });
});

/**
 * Pings one after the other. The platform answers them without asking the room (RL7), over the same proxy, in the same process: how many
 * of them overtake a message is how long the room itself keeps it waiting, whatever else the machine has to do.
 */
function startPacer({ client }: Guest): { readonly trips: () => number; readonly stop: () => Promise<number> } {
  let trips = 0;
  const over = new AbortController();
  const running = (async () => {
    for (; !over.signal.aborted; trips++) {
      client.send(PING_TEXT);
      await client.text((text) => text === PONG_TEXT, PONG_TEXT);
    }
  })();
  // told by `stop`, to a test that comes so far
  running.catch(() => undefined);
  return {
    trips: () => trips,
    stop: async () => {
      over.abort();
      await running;
      await client.close();
      return trips;
    },
  };
}

describe('a flood', () => {
  it(`LM5: of ${FLOOD_MESSAGES} messages is cut off, while the messages of the others all arrive at once`, async (t) => {
    const room = await createTestRoom();
    const [alice, bob] = [await enter(relay.url, room), await enter(relay.url, room)];
    const peerId = randomPeerId();
    const text = messageText({ ...alice, peerId }, bob.peerId, 'flood'.repeat(40));
    const options = { url: relay.url, protocols: await offerFor(room, { peerId }), text, times: FLOOD_MESSAGES };
    const pacer = startPacer(await enter(relay.url, room));
    const ended = flood(options);
    const isFlood = (one: string): boolean => one.includes('floodflood');
    await bob.client.text(isFlood, 'the first message of the flood');

    const trips: number[] = [];
    for (let i = 0; i < CALM_MESSAGES; i++) {
      const sentAt = pacer.trips();
      alice.client.send(messageText(alice, bob.peerId, `calm-${i}`));
      await bob.client.text((one) => one.includes(`"calm-${i}"`), `calm message ${i}`);
      trips.push(pacer.trips() - sentAt);
    }
    const pings = await pacer.stop();
    const report = await ended;
    trips.sort((a, b) => a - b);
    const [p50, p99, max] = [0.5, 0.99, 1].map((share) => trips[Math.ceil(share * CALM_MESSAGES) - 1] ?? Infinity);
    t.diagnostic(`sent in ${report.sendMs.toFixed(0)} ms, closed after ${report.untilClosedMs.toFixed(0)} ms`);
    t.diagnostic(
      `of ${pings} pings, so many were answered before a message of the others: p50 ${p50}, p99 ${p99}, max ${max}`,
    );

    assert.equal(closeReasonOf(report.closed.code), 'rate-limited');
    assert.equal(report.closed.reason, 'rate-limited');
    const reasons = new Set(report.answers.map((answer) => JSON.parse(answer).error?.message));
    assert.deepEqual([...reasons], ['rate-limited']);
    // what a flooder may, for as long as it took on this machine
    const tookS = report.untilClosedMs / 1000;
    const toldMax = RATE_ERRORS_BURST + RATE_ERRORS_PER_S * tookS;
    assert.ok(report.answers.length <= toldMax, `${report.answers.length} errors were told in ${tookS} s`);
    assert.ok(pings > CALM_MESSAGES / 10, `only ${pings} pings were answered: they measure nothing`);
    assert.ok((max ?? Infinity) < FLOOD_PINGS_MAX, `${max} pings were answered before the slowest message`);
    await bob.client.text((one) => one.includes('peer_left') && one.includes(peerId), 'the end of the flooder');
    const passed = 1 + bob.client.inbox.filter(isFlood).length;
    const passedMax = SOCKET_MESSAGES_BURST + SOCKET_MESSAGES_PER_S * tookS;
    assert.ok(
      passed >= SOCKET_MESSAGES_BURST && passed <= passedMax,
      `${passed} of the flood were passed on in ${tookS} s`,
    );
    await assertUsable(bob, alice);
    await Promise.all([alice.client.close(), bob.client.close()]);
  });
});
