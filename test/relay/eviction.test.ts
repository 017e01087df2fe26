/**
 * RL6 on the real runtime: a room may be put to sleep between any two messages, and nobody can tell; and whatever was
 * said in it, its object has kept nothing, no alarm is set, and nothing of it is in any output.
 */
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { formatRequest } from '../../src/engine/protocol/relay.ts';
import { brokenText } from '../helpers/fuzz.ts';
import { Random } from '../helpers/random.ts';
import { openRaw } from '../helpers/raw-client.ts';
import { assertUsable, enter, messageText } from '../helpers/relay-client.ts';
import { NOTHING_KEPT, startRelayUnderTest } from '../helpers/relay-under-test.ts';
import type { RelayUnderTest } from '../helpers/relay-under-test.ts';
import { createTestRoom, offerFor, randomPeerId } from '../helpers/tokens.ts';
import { Cast, FLOWS } from './flows.ts';
import type { Step } from './flows.ts';

const SEED = 20_261_127;
const FUZZ_ROOMS = 3;
const FUZZ_SOCKETS = 8;
/** One fewer than the faults that end a socket, so that the relay reads them all. */
const FRAMES_A_SOCKET = 31;
const STREAM_MESSAGES = 60;
/** Of a documentation network (RFC 5737), as a proxy would tell it. */
const CLIENT_ADDRESS = '203.0.113.77';

let relay: RelayUnderTest;
const secrets = new Set<string>([CLIENT_ADDRESS]);

before(async () => {
  relay = await startRelayUnderTest();
});

after(async () => {
  await relay.stop();
});

/** What everybody was told in a run in which the room was put to sleep before each of these steps. */
async function toldIn(flow: readonly Step[], isAsleepBefore: (step: number) => boolean): Promise<readonly string[]> {
  const cast = await Cast.meet(relay.url);
  for (const [index, step] of flow.entries()) {
    if (isAsleepBefore(index)) await relay.evict(cast.room.roomId);
    await step(cast);
    await cast.settle();
  }
  assert.deepEqual(await relay.look(cast.room.roomId), NOTHING_KEPT);
  for (const secret of cast.secrets) secrets.add(secret);
  return cast.told;
}

describe('RL6: a room that is put to sleep', () => {
  for (const [name, flow] of Object.entries(FLOWS)) {
    it(`${name}: at any one moment, or at all, nobody is told anything else`, async () => {
      const expected = await toldIn(flow, () => false);
      assert.ok(expected.length > flow.length, 'the flow says too little to be compared');
      const random = new Random(SEED);
      const halves = Array.from({ length: 2 }, () => flow.map(() => random.chance(0.5)));
      const nights: readonly (readonly boolean[])[] = [
        flow.map(() => true),
        ...halves,
        ...flow.map((_, at) => flow.map((_, step) => step === at)),
      ];
      // At once: each in a room of its own.
      await Promise.all(
        nights.map(async (night) => {
          const told = await toldIn(flow, (step) => night[step] === true);
          assert.deepEqual(told, expected, `asleep before ${JSON.stringify(night)}`);
        }),
      );
    });
  }

  it('in the middle of a stream of messages: all arrive, once and in order, and all are answered', async () => {
    const room = await createTestRoom();
    const [alice, bob] = [await enter(relay.url, room), await enter(relay.url, room)];
    for (let i = 0; i < STREAM_MESSAGES; i++) {
      alice.client.send(messageText(alice, bob.peerId, `stream-${i}`, i));
      // Not waited for: the room is put to sleep while messages are on their way to it.
      if (i % 7 === 3) void relay.evict(room.roomId);
      if (i % 20 === 10) await alice.client.answer(i);
    }
    const epochs = new Set<string>();
    let last = { ep: '', n: 0 };
    for (let i = 0; i < STREAM_MESSAGES; i++) {
      const message = await bob.client.notification('relay_message');
      assert.equal(message.payload, `stream-${i}`);
      assert.equal(message.n, message.ep === last.ep ? last.n + 1 : 1, 'n starts again with the instance alone');
      assert.ok(message.ep === last.ep || !epochs.has(message.ep), 'an instance that came back');
      epochs.add(message.ep);
      last = message;
    }
    await alice.client.answer(STREAM_MESSAGES - 1);
    const left = alice.client.inbox.filter((text) => text.includes('"error"'));
    assert.deepEqual(left, []);
    assert.ok(epochs.size > 1, 'it has not slept');
    await Promise.all([alice.client.close(), bob.client.close()]);
  });
});

describe('RL6: what an object keeps', () => {
  it(`fuzz: after ${FUZZ_ROOMS} × ${FUZZ_SOCKETS * FRAMES_A_SOCKET} broken frames and sleeps in between, nothing`, async () => {
    const random = new Random(SEED);
    for (let rooms = 0; rooms < FUZZ_ROOMS; rooms++) {
      const room = await createTestRoom();
      const [alice, bob] = [await enter(relay.url, room), await enter(relay.url, room)];
      for (let sockets = 0; sockets < FUZZ_SOCKETS; sockets++) {
        const mallory = await enter(relay.url, room);
        for (const one of [room.roomId, alice.peerId, bob.peerId, mallory.peerId]) secrets.add(one);
        const room_id = room.roomId;
        const samples = [
          messageText(mallory, alice.peerId, 'c2VhbGVkIGJvZHk', 1),
          formatRequest({ method: 'join', params: { room_id, peer_id: mallory.peerId } }, 'j'),
          formatRequest({ method: 'publish_bundle', params: { room_id, head: 'aGVhZA', one_time: ['b25l'] } }, 'p'),
          formatRequest({ method: 'fetch_bundle', params: { room_id, peer_id: alice.peerId } }, 'f'),
        ];
        for (let i = 0; i < FRAMES_A_SOCKET; i++) {
          mallory.client.send(random.chance(0.05) ? random.bytes(random.below(50)) : brokenText(random, samples));
          if (random.chance(0.1)) await relay.evict(room_id);
        }
        await mallory.client.close();
      }
      await assertUsable(alice, bob);
      assert.deepEqual(await relay.look(room.roomId), NOTHING_KEPT);
      await Promise.all([alice.client.close(), bob.client.close()]);
      assert.deepEqual(await relay.look(room.roomId), NOTHING_KEPT);
    }
  });

  it('would be seen: a row, an alarm and a line that are planted are found', async () => {
    const room = await createTestRoom();
    await relay.leaveTraces(room.roomId, 'a planted trace');
    const { tables, keys, alarm } = await relay.look(room.roomId);
    assert.deepEqual([tables.length > 0, keys, alarm !== null], [true, 1, true]);
    assert.ok(relay.output().includes('a planted trace'));
    const files = await stateFiles();
    assert.ok(files.some((bytes) => bytes.includes('a planted trace')));
  });

  it('neither output nor files name a room, a peer, a token, a body or an address', async () => {
    const room = await createTestRoom();
    const peerId = randomPeerId();
    const offer = await offerFor(room, { peerId });
    const told = [`CF-Connecting-IP: ${CLIENT_ADDRESS}`, `X-Forwarded-For: ${CLIENT_ADDRESS}`];
    const raw = await openRaw(relay.port, offer, told);
    const late = await offerFor(room, { iatS: 1 });
    const refused = await openRaw(relay.port, late, told);
    assert.equal((await refused.closed()).code, 4002);
    for (const client of [raw, refused]) client.socket.destroy();
    for (const one of [room.roomId, peerId, ...offer.slice(1), ...late.slice(1)]) secrets.add(one);

    assert.ok(secrets.size > 100, `only ${secrets.size} were used`);
    const output = relay.output();
    const files = await stateFiles();
    for (const secret of secrets) {
      const name = secret.replace(/^0x|^tai\.token\./, '');
      const forms = secret.startsWith('0x') ? [Buffer.from(name), Buffer.from(name, 'hex')] : [Buffer.from(name)];
      assert.ok(!output.includes(name), 'in the output');
      assert.ok(!files.some((bytes) => forms.some((form) => bytes.includes(form))), 'in a file');
    }
  });
});

async function stateFiles(): Promise<Buffer[]> {
  const entries = await readdir(relay.stateDirectory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  assert.ok(files.length > 0);
  return await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name))));
}
