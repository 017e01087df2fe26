/** The real relay (`wrangler dev`) under bad input and floods: a clear error or close code, and nobody else suffers. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { RPC_ERRORS, closeReasonOf } from '../../src/engine/protocol/errors.ts';
import type { RpcErrorReason } from '../../src/engine/protocol/errors.ts';
import { formatRequest } from '../../src/engine/protocol/relay.ts';
import { flood } from '../helpers/flood.ts';
import { RelayClient, assertUsable, enter, messageText } from '../helpers/relay-client.ts';
import type { Guest } from '../helpers/relay-client.ts';
import { startRelayProcess } from '../helpers/relay-process.ts';
import type { RelayProcess } from '../helpers/relay-process.ts';
import { createTestRoom, offerFor, randomPeerId } from '../helpers/tokens.ts';

const FLOOD_MESSAGES = 10_000;
const FLOOD_LATENCY_MAX_MS = 500;

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

describe('a flood', () => {
  it(`LM5: of ${FLOOD_MESSAGES} messages is cut off, while the messages of the others all arrive at once`, async (t) => {
    const room = await createTestRoom();
    const [alice, bob] = [await enter(relay.url, room), await enter(relay.url, room)];
    const peerId = randomPeerId();
    const text = messageText({ ...alice, peerId }, bob.peerId, 'flood'.repeat(40));
    const options = { url: relay.url, protocols: await offerFor(room, { peerId }), text, times: FLOOD_MESSAGES };
    const ended = flood(options);
    const isFlood = (one: string): boolean => one.includes('floodflood');
    await bob.client.text(isFlood, 'the first message of the flood');

    const latenciesMs: number[] = [];
    for (let i = 0; i < 100; i++) {
      const sentMs = performance.now();
      alice.client.send(messageText(alice, bob.peerId, `calm-${i}`));
      await bob.client.text((one) => one.includes(`"calm-${i}"`), `calm message ${i}`);
      latenciesMs.push(performance.now() - sentMs);
    }
    const report = await ended;
    latenciesMs.sort((a, b) => a - b);
    const [p50, p99, max] = [0.5, 0.99, 1].map((share) => latenciesMs[Math.ceil(share * 100) - 1] ?? Infinity);
    t.diagnostic(`sent in ${report.sendMs.toFixed(0)} ms, closed after ${report.untilClosedMs.toFixed(0)} ms`);
    t.diagnostic(
      `latency of the others: p50 ${p50?.toFixed(1)} ms, p99 ${p99?.toFixed(1)} ms, max ${max?.toFixed(1)} ms`,
    );

    assert.equal(closeReasonOf(report.closed.code), 'rate-limited');
    assert.equal(report.closed.reason, 'rate-limited');
    const reasons = new Set(report.answers.map((answer) => JSON.parse(answer).error?.message));
    assert.deepEqual([...reasons], ['rate-limited']);
    assert.ok(report.answers.length <= 30, `${report.answers.length} errors were told`);
    assert.ok((max ?? Infinity) < FLOOD_LATENCY_MAX_MS, `the slowest message took ${max} ms`);
    await bob.client.text((one) => one.includes('peer_left') && one.includes(peerId), 'the end of the flooder');
    const passed = 1 + bob.client.inbox.filter(isFlood).length;
    assert.ok(passed >= 150 && passed < 600, `${passed} messages of the flood were passed on`);
    await assertUsable(bob, alice);
    await Promise.all([alice.client.close(), bob.client.close()]);
  });
});
