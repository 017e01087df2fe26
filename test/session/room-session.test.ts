import { strict as assert } from 'node:assert';
import { describe, it } from 'node:test';
import { TaiError } from '../../src/engine/protocol/errors.ts';
import { roomSecretFromBytes } from '../../src/engine/protocol/invite.ts';
import { RoomSession } from '../../src/engine/room-session.ts';
import type { SessionEvent, SessionView } from '../../src/engine/session-types.ts';
import { MemoryRelay } from './memory-relay.ts';
import { memoryWorld } from './memory-world.ts';
import { Page } from './page.ts';
import type { World } from './memory-world.ts';

function open(
  relay: MemoryRelay,
  name: string,
  secretByte = 1,
): { session: RoomSession; world: World; events: SessionEvent[] } {
  const world = memoryWorld(relay, name);
  const room = roomSecretFromBytes(new Uint8Array(32).fill(secretByte));
  if (!room) throw new Error('bad fixture');
  const session = new RoomSession(
    { relay: 'wss://relay.test', room: { kind: 'private', room }, displayName: name },
    world.ports,
  );
  const events: SessionEvent[] = [];
  session.on((event) => events.push(event));
  return { session, world, events };
}

/** The first view that fits. */
function until(session: RoomSession, fits: (view: SessionView) => boolean): Promise<SessionView> {
  if (fits(session.view)) return Promise.resolve(session.view);
  return new Promise((resolve) => {
    const stop = session.subscribe((view) => {
      if (!fits(view)) return;
      stop();
      resolve(view);
    });
  });
}

const isConnected = (view: SessionView): boolean => view.participants.some(({ link }) => link === 'connected');

/** Ada was there first; Bob has come; both are connected. */
async function meet(): Promise<{ relay: MemoryRelay; ada: ReturnType<typeof open>; bob: ReturnType<typeof open> }> {
  const relay = new MemoryRelay();
  const [ada, bob] = [open(relay, 'Ada'), open(relay, 'Bob')];
  ada.session.dispatch({ type: 'join' });
  await until(ada.session, ({ phase }) => phase === 'joined');
  bob.session.dispatch({ type: 'join' });
  await Promise.all([until(ada.session, isConnected), until(bob.session, isConnected)]);
  return { relay, ada, bob };
}

describe('a session', () => {
  it('that gives its keys up outside a call stays where it is', async () => {
    const { session } = new Page(new MemoryRelay(), 'Ada');
    session.dispatch({ type: 'open-lobby', microphone: true, camera: false });
    await session.revokeKey();
    assert.equal(session.view.phase, 'lobby');
    session.close();
  });

  it('two sessions with one secret connect, and know each other by name', async () => {
    const relay = new MemoryRelay();
    const ada = open(relay, 'Ada');
    const bob = open(relay, 'Bob');
    ada.session.dispatch({ type: 'join' });
    await until(ada.session, ({ phase }) => phase === 'joined');
    bob.session.dispatch({ type: 'set-camera', isOn: true });
    bob.session.dispatch({ type: 'join' });
    const [seenByAda, seenByBob] = await Promise.all([
      until(ada.session, isConnected),
      until(bob.session, isConnected),
    ]);
    assert.deepEqual(
      seenByAda.participants.map(({ name, camera }) => [name, camera]),
      [['Bob', { isMuted: false, isOpened: false }]],
    );
    assert.deepEqual(
      seenByBob.participants.map(({ name, camera }) => [name, camera]),
      [['Ada', undefined]],
    );
    // PM2: the newcomer made the offer
    assert.deepEqual(ada.world.links[0]?.calls.includes('accept offer of Bob'), true);
    assert.deepEqual(bob.world.links[0]?.calls.includes('accept answer of Ada'), true);
    assert.deepEqual(
      ada.events.map(({ type }) => type),
      ['joined', 'peer-joined'],
    );
  });

  it('EN1: what the relay is given holds nothing readable', async () => {
    const { relay } = await meet();
    assert.ok(relay.payloads.length >= 2);
    for (const payload of relay.payloads) {
      const bytes = Buffer.from(payload, 'base64url').toString('latin1');
      assert.doesNotMatch(bytes, /offer|answer|Ada|Bob|sdp/);
    }
  });

  it('RL9: one that was let in with another secret is listed, and never shown', async () => {
    const relay = new MemoryRelay();
    const ada = open(relay, 'Ada');
    ada.session.dispatch({ type: 'join' });
    await until(ada.session, ({ phase }) => phase === 'joined');
    const eve = open(relay, 'Eve', 2);
    eve.session.dispatch({ type: 'join' });
    await until(eve.session, ({ phase }) => phase === 'joined');
    const bob = open(relay, 'Bob');
    bob.session.dispatch({ type: 'join' });
    const view = await until(ada.session, isConnected);
    assert.deepEqual(
      view.participants.map(({ name }) => name),
      ['Bob'],
    );
    // she cannot open what Ada has published, so that she has nothing to say
    const { dropped } = await eve.session.getStats();
    assert.ok((dropped['bad-bundle'] ?? 0) > 0);
    assert.deepEqual(eve.session.view.participants, []);
  });

  it('HS7: a replayed body is counted, and changes nothing', async () => {
    const { relay, ada, bob } = await meet();
    const [offer] = relay.payloads;
    const [adaId, bobId, roomId] = [ada.session.view.selfId, bob.session.view.selfId, ada.session.view.roomId];
    if (!offer || !adaId || !bobId || !roomId) throw new Error('nothing to replay');
    const calls = ada.world.links[0]?.calls.length;
    relay.deliver({ from: bobId, to: adaId, payload: offer });
    relay.deliver({ from: bobId, to: adaId, payload: 'AAAA' });
    // A message of Bob's own that comes after both: when it is shown, both were looked at.
    bob.session.dispatch({ type: 'set-name', name: 'Bobby' });
    await until(ada.session, ({ participants }) => participants[0]?.name === 'Bobby');
    assert.equal(ada.world.links[0]?.calls.length, calls);
    const { dropped } = await ada.session.getStats();
    assert.deepEqual([dropped['replayed'], dropped['malformed']], [1, 1]);
  });

  it('leaving says so, sealed; the other is told "left" and gives the link back', async () => {
    const { ada, bob } = await meet();
    bob.session.dispatch({ type: 'leave' });
    await until(ada.session, ({ participants }) => participants.length === 0);
    assert.deepEqual(ada.events.at(-1), {
      type: 'peer-left',
      peerId: ada.world.links.length ? peerOf(ada.events) : '',
      reason: 'left',
    });
    assert.deepEqual(ada.world.released, ['link']);
  });

  it('close gives everything back, tells nobody any more, and refuses commands', async () => {
    const { ada, bob } = await meet();
    bob.session.close();
    bob.session.close();
    await until(ada.session, ({ participants }) => participants.length === 0);
    assert.deepEqual([...new Set(bob.world.released)].sort(), ['clock', 'devices', 'link', 'page', 'relay']);
    assert.equal(bob.session.view.phase, 'left');
    const count = bob.events.length;
    bob.world.devices?.onDevicesChanged();
    assert.equal(bob.events.length, count);
    assert.throws(
      () => bob.session.dispatch({ type: 'join' }),
      (error) => error instanceof TaiError && error.code === 'usage',
    );
  });

  it('who is told of a moment finds it done in the view', async () => {
    const relay = new MemoryRelay();
    const ada = open(relay, 'Ada');
    const bob = open(relay, 'Bob');
    const seen: unknown[] = [];
    ada.session.on(({ type }) => {
      const { phase, participants } = ada.session.view;
      seen.push([type, phase, participants.map(({ name }) => name)]);
    });
    ada.session.dispatch({ type: 'join' });
    await until(ada.session, ({ phase }) => phase === 'joined');
    bob.session.dispatch({ type: 'join' });
    await until(ada.session, isConnected);
    bob.session.dispatch({ type: 'leave' });
    await until(ada.session, ({ participants }) => participants.length === 0);
    ada.session.dispatch({ type: 'leave' });
    assert.deepEqual(seen, [
      ['joined', 'joined', []],
      ['peer-joined', 'joined', ['Bob']],
      ['peer-left', 'joined', []],
      ['left', 'left', []],
    ]);
  });

  it('leaving and joining again on the same page: a new peer id, the same room', async () => {
    const { ada, bob } = await meet();
    const before = bob.session.view.selfId;
    bob.session.dispatch({ type: 'leave' });
    await until(ada.session, ({ participants }) => participants.length === 0);
    bob.session.dispatch({ type: 'join' });
    await Promise.all([until(bob.session, isConnected), until(ada.session, isConnected)]);
    assert.notEqual(bob.session.view.selfId, before);
    assert.equal(ada.session.view.participants[0]?.peerId, bob.session.view.selfId);
  });

  it('a page that goes away leaves', async () => {
    const relay = new MemoryRelay();
    const ada = open(relay, 'Ada');
    ada.session.dispatch({ type: 'join' });
    await until(ada.session, ({ phase }) => phase === 'joined');
    ada.world.hidePage();
    assert.equal(ada.session.view.phase, 'left');
  });

  it('takes ICE servers as pages write them, and refuses what is none', () => {
    const room = roomSecretFromBytes(new Uint8Array(32).fill(1));
    if (!room) throw new Error('bad fixture');
    const make = (urls: string): RoomSession =>
      new RoomSession(
        { relay: 'wss://relay.test', room: { kind: 'private', room }, iceServers: [{ urls } as never] },
        memoryWorld(new MemoryRelay(), 'x').ports,
      );
    const session = make('stun:stun.test');
    assert.equal(session.view.encryption.iceHosts, 1, 'told before joining');
    session.close();
    assert.throws(() => make('https://stun.test'), { name: 'TaiError', code: 'usage' });
  });

  for (const relay of [
    '',
    'relay.example.com',
    'ftp://relay.example.com',
    'ws://relay.example.com',
    'http://10.0.0.1',
    'javascript:1',
  ]) {
    it(`refuses the relay address ${JSON.stringify(relay)}`, () => {
      const room = roomSecretFromBytes(new Uint8Array(32).fill(1));
      if (!room) throw new Error('bad fixture');
      const { ports } = memoryWorld(new MemoryRelay(), 'x');
      assert.throws(
        () => new RoomSession({ relay, room: { kind: 'private', room } }, ports),
        (error) =>
          error instanceof TaiError && error.code === 'usage' && (relay === '' || !error.message.includes(relay)),
      );
    });
  }
});

function peerOf(events: readonly SessionEvent[]): string {
  const joined = events.find((event) => event.type === 'peer-joined');
  return joined?.type === 'peer-joined' ? joined.peerId : '';
}
