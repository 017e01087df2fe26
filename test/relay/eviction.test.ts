/**
 * RL6 on the real runtime: a room may be put to sleep between any two messages, and nobody can tell; and whatever was
 * said in it, its object has kept nothing, no alarm is set, and nothing of it is in any output. A mailbox too may sleep at any time.
 */
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { mailObjectName } from '../../relay-worker/mailbox-face.ts';
import { toBase64Url } from '../../src/engine/protocol/bytes.ts';
import { HOST_NOTIFICATION_PARSERS } from '../../src/engine/protocol/host-messages.ts';
import { MAIL_ROLES, formatMailRequest, parseMailList } from '../../src/engine/protocol/mailbox.ts';
import type { MailRequest } from '../../src/engine/protocol/mailbox.ts';
import { REQUEST_PARSERS, ROOM_NOTIFICATION_PARSERS, formatRequest } from '../../src/engine/protocol/relay.ts';
import { formatResumeOffer } from '../../src/engine/protocol/resume.ts';
import { brokenText } from '../helpers/fuzz.ts';
import { createHostedTestRoom, hostClaims, signHostClaims } from '../helpers/hosts.ts';
import { blobOf, createTestBox, passFor, postMail } from '../helpers/mail.ts';
import { Random } from '../helpers/random.ts';
import { openRaw } from '../helpers/raw-client.ts';
import { RelayClient, assertUsable, enter, messageText } from '../helpers/relay-client.ts';
import type { Guest } from '../helpers/relay-client.ts';
import { NOTHING_KEPT, startRelayUnderTest } from '../helpers/relay-under-test.ts';
import type { RelayUnderTest } from '../helpers/relay-under-test.ts';
import { ALICE, BOB, REQUESTS, ROOM } from '../helpers/samples.ts';
import { createTestRoom, offerFor, randomPeerId } from '../helpers/tokens.ts';
import { FLOWS, play } from './flows.ts';
import type { Flow } from './flows.ts';

const SEED = 20_261_127;
const FUZZ_ROOMS = 3;
const FUZZ_SOCKETS = 8;
/** One fewer than the faults that end a socket, so that the relay reads them all. */
const FRAMES_A_SOCKET = 31;
const STREAM_MESSAGES = 60;
/** Of a documentation network (RFC 5737), as a proxy would tell it. */
const CLIENT_ADDRESS = '203.0.113.77';

/**
 * Whoever is silent is asked for a sign of life at once, at any moment of a flow, and never given up: what is tested is not how long a
 * room waits. (That is in relay-room-resume.test.ts and half-open.test.ts.)
 */
const ASKED_AT_ONCE = { SILENCE_PROBE_MS: 1, SILENCE_LOOK_EVERY_MS: 0, PROBE_WAIT_MS: 600_000 };

let relay: RelayUnderTest;
const secrets = new Set<string>([CLIENT_ADDRESS]);
const requested = new Set<string>();
const notified = new Set<string>();

before(async () => {
  relay = await startRelayUnderTest({ MAILBOX: 'on' }, ASKED_AT_ONCE);
});

after(async () => {
  await relay.stop();
});

/** What everybody was told in a run in which the room was put to sleep before each of these steps. */
async function toldIn(flow: Flow, isAsleepBefore: (step: number) => boolean): Promise<readonly string[]> {
  const cast = await play(relay.url, flow, async ({ room }, step) => {
    if (isAsleepBefore(step)) await relay.evict(room.roomId);
  });
  assert.deepEqual(await relay.look(cast.room.roomId), NOTHING_KEPT);
  await cast.part();
  assert.deepEqual(await relay.look(cast.room.roomId), NOTHING_KEPT);
  for (const secret of cast.secrets) secrets.add(secret);
  for (const method of cast.requested) requested.add(method);
  for (const method of cast.notified) notified.add(method);
  return cast.told;
}

describe('RL6: a room that is put to sleep', () => {
  for (const [name, flow] of Object.entries(FLOWS)) {
    it(`${name}: at any one moment, or at all, nobody is told anything else`, async () => {
      const expected = await toldIn(flow, () => false);
      const { steps } = flow;
      assert.ok(expected.length > steps.length, 'the flow says too little to be compared');
      const random = new Random(SEED);
      const halves = Array.from({ length: 2 }, () => steps.map(() => random.chance(0.5)));
      const nights: readonly (readonly boolean[])[] = [
        steps.map(() => true),
        ...halves,
        ...steps.map((_, at) => steps.map((_, step) => step === at)),
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

  it('has heard and told everything there is in these flows', () => {
    const all = [...Object.keys(ROOM_NOTIFICATION_PARSERS), ...Object.keys(HOST_NOTIFICATION_PARSERS)];
    assert.deepEqual([...requested].toSorted(), Object.keys(REQUEST_PARSERS).toSorted());
    assert.deepEqual([...notified].toSorted(), all.toSorted());
  });

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

describe('RL21–RL23: who comes back after a sleep', () => {
  it('is brought all that was taken for it, or told of the gap, whenever the room has slept', async () => {
    const ends = await Promise.all(
      // a bit for each of the four moments at which it may be put to sleep
      Array.from({ length: 16 }, async (_, night) => {
        const room = await createTestRoom();
        const [alice, bob] = [await enter(relay.url, room), await enter(relay.url, room)];
        const maybeSleep = async (moment: number): Promise<void> => {
          if (night & (1 << moment)) await relay.evict(room.roomId);
        };
        const say = async (payload: string): Promise<boolean> => {
          alice.client.send(messageText(alice, bob.peerId, payload, payload));
          return (await alice.client.answer(payload)).type === 'result';
        };
        await maybeSleep(0);
        assert.ok(await say('heard'));
        const { ep, n } = await bob.client.notification('relay_message');
        await maybeSleep(1);
        await bob.client.close();
        await alice.client.notification('peer_left');
        const taken: string[] = [];
        for (const payload of ['missed-1', 'missed-2']) {
          await maybeSleep(payload === 'missed-1' ? 2 : 3);
          if (await say(payload)) taken.push(payload);
        }
        const { peerId, welcome } = bob;
        const offer = await offerFor(room, { peerId, joinNumber: welcome.join_number });
        const back = new RelayClient(relay.url, [...offer, formatResumeOffer({ ep, n })]);
        await back.notification('welcome');
        assert.ok(await say('last'));
        const brought: string[] = [];
        while (brought.at(-1) !== 'last') brought.push((await back.notification('relay_message')).payload);
        const isGapTold = back.inbox.some((text) => text.includes('"gap"'));
        if (!isGapTold) assert.deepEqual(brought, [...taken, 'last'], `night ${night}`);
        await Promise.all([alice.client.close(), back.close()]);
        return isGapTold ? 'gap' : taken.length;
      }),
    );
    assert.deepEqual([ends[0], ends[1]], [2, 2], 'awake all the time since it was told something, it misses nothing');
    assert.deepEqual([...new Set(ends)].toSorted(), [2, 'gap'], 'both are seen');
  });
});

describe('a mailbox that is put to sleep', () => {
  it('MB5–MB8: at any one moment, or at all, nobody is told anything else; the content is gone, and an alarm set for the rest', async () => {
    const expected = await mailToldIn(() => false);
    assert.deepEqual(
      Object.keys(MAIL_ROLES).toSorted(),
      [...new Set(MAIL_FLOW.map(({ method }) => method))].toSorted(),
    );
    assert.ok(new Set(expected).size > 5, 'the flow says too little to be compared');
    const nights = [() => true, ...MAIL_FLOW.map((_, at) => (step: number) => step === at)];
    await Promise.all(nights.map(async (night) => assert.deepEqual(await mailToldIn(night), expected)));
  });
});

const MAIL_FLOW: readonly MailRequest[] = [
  { method: 'mailbox_put', params: { blob: blobOf(1) } },
  { method: 'mailbox_put', params: { blob: blobOf(2, 1) } },
  { method: 'mailbox_list', params: {} },
  { method: 'mailbox_ack', params: { ids: [] } },
  { method: 'mailbox_list', params: {} },
  { method: 'mailbox_publish_bundle', params: { head: 'aGVhZCBvZiBhIGJveA', one_time: ['b25lIG9mIGEgYm94'] } },
  { method: 'mailbox_fetch_bundle', params: {} },
  { method: 'mailbox_fetch_bundle', params: {} },
  { method: 'mailbox_put', params: { blob: blobOf(3) } },
  { method: 'mailbox_delete', params: {} },
  { method: 'mailbox_list', params: {} },
  { method: 'mailbox_fetch_bundle', params: {} },
];

/** What the calls of the flow were answered, ids by their order; `mailbox_ack` names what the list before has shown first. */
async function mailToldIn(isAsleepBefore: (step: number) => boolean): Promise<readonly string[]> {
  const box = await createTestBox();
  const object = { box: await mailObjectName(box) };
  const ids: string[] = [];
  const told: string[] = [];
  for (const [step, written] of MAIL_FLOW.entries()) {
    if (isAsleepBefore(step)) await relay.evict(object);
    const request = written.method === 'mailbox_ack' ? { ...written, params: { ids: ids.slice(0, 1) } } : written;
    const body = formatMailRequest(request, step);
    const pass = await passFor(box, MAIL_ROLES[request.method], body);
    // twice: each pass has one effect (MB5)
    const [{ status, text, message }, again] = [
      await postMail(relay.url, body, pass),
      await postMail(relay.url, body, pass),
    ];
    assert.equal(status, 200);
    const list = message?.type === 'result' ? parseMailList(message.result) : undefined;
    ids.push(...(list?.blobs ?? []).map(({ id }) => id).filter((id) => !ids.includes(id)));
    for (const answer of [text, again.text])
      told.push(ids.reduce((all, id, at) => all.replaceAll(id, `id ${at}`), answer));
    secrets.add(pass.split('.').at(-1) ?? '');
  }
  const { tables, keys, alarm } = await relay.look(object);
  const own = tables.filter((table) => !table.startsWith('_cf_'));
  assert.deepEqual([own, keys, alarm !== null], [['rows'], 0, true]);
  for (const key of [box.pkPut, box.pkTake]) secrets.add(toBase64Url(key)).add(`0x${Buffer.from(key).toString('hex')}`);
  return told;
}

describe('RL6: what an object keeps', () => {
  it(`fuzz: after ${FUZZ_ROOMS} × ${FUZZ_SOCKETS * FRAMES_A_SOCKET} broken frames and sleeps in between, nothing`, async () => {
    const random = new Random(SEED);
    for (let rooms = 0; rooms < FUZZ_ROOMS; rooms++) {
      const room = await createHostedTestRoom();
      const [alice, bob] = [await enter(relay.url, room), await enter(relay.url, room)];
      const said = { from: alice.peerId, ep: alice.welcome.ep, target: bob.peerId };
      const statement = await signHostClaims(hostClaims(room, 'kick', said), room.hostKey);
      secrets.add(statement);
      for (let sockets = 0; sockets < FUZZ_SOCKETS; sockets++) {
        const mallory = await enter(relay.url, room);
        for (const one of [room.roomId, alice.peerId, bob.peerId, mallory.peerId]) secrets.add(one);
        const samples = samplesFor(mallory, alice, statement);
        for (let i = 0; i < FRAMES_A_SOCKET; i++) {
          mallory.client.send(random.chance(0.05) ? random.bytes(random.below(50)) : brokenText(random, samples));
          if (random.chance(0.1)) await relay.evict(room.roomId);
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

/** What somebody says of all that can be said, and the words of a host that he is not; but not that he leaves, since then he is not heard. */
function samplesFor(mallory: Guest, alice: Guest, statement: string): string[] {
  const requests = REQUESTS.filter(({ method }) => method !== 'leave').map((request, id) =>
    formatRequest(request, id)
      .replaceAll(ALICE, mallory.peerId)
      .replaceAll(BOB, alice.peerId)
      .replaceAll(ROOM, mallory.roomId),
  );
  const kick = formatRequest({ method: 'host_statement', params: { room_id: mallory.roomId, statement } }, 'kick');
  return [...requests, kick, messageText(mallory, alice.peerId, 'c2VhbGVkIGJvZHk', 1)];
}

async function stateFiles(): Promise<Buffer[]> {
  const entries = await readdir(relay.stateDirectory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  assert.ok(files.length > 0);
  return await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name))));
}
