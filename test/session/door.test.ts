/** AD8–AD18 in whole sessions: a host's page, its guests, and who is not one of either, over the relay's own room. */
import { strict as assert } from 'node:assert';
import { describe, it } from 'node:test';
import { ADMISSION_WAIT_MS, askForJwt } from '../../src/engine/admission.ts';
import { toBase64Url } from '../../src/engine/protocol/bytes.ts';
import { TaiError } from '../../src/engine/protocol/errors.ts';
import { formatHostStatement, parseHostStatement } from '../../src/engine/protocol/host.ts';
import type { RoomSecret } from '../../src/engine/protocol/invite.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { createHostedRoom } from '../../src/engine/room-address.ts';
import type { SessionEvent } from '../../src/engine/session-types.ts';
import { createHostedTestRoom, hostClaims, signHostClaims } from '../helpers/hosts.ts';
import { DoorRelay } from './door-relay.ts';
import { MemoryRelay } from './memory-relay.ts';
import { ANNOUNCE, Page, settle, until, untilWith } from './page.ts';
import type { PageOptions } from './page.ts';

type Scene = {
  readonly relay: DoorRelay;
  readonly host: Page;
  readonly guests: readonly Page[];
  /** Somebody else with the guests' link, or with the host's. */
  page(name: string, options?: PageOptions & { readonly asHost?: boolean }): Page;
};

/** Ada is the host; the others have come, and all know each other. */
async function scene(...names: readonly string[]): Promise<Scene> {
  const relay = new DoorRelay();
  const wires = new MemoryRelay();
  const { room } = await createHostedRoom();
  const guestRoom: RoomSecret = { secret: room.secret, pkHost: room.pkHost };
  const page: Scene['page'] = (name, { asHost = false, ...options } = {}) =>
    new Page(wires, name, {
      room: asHost ? room : guestRoom,
      instead: { connectRelay: relay.connectRelay },
      ...options,
    });
  const host = page('Ada', { asHost: true });
  await host.join();
  const guests = names.map((name) => page(name));
  for (const guest of guests) await guest.join();
  if (guests.length > 0) await settle([host, ...guests]);
  return { relay, host, guests, page };
}

function only(pages: readonly Page[]): Page {
  const [page] = pages;
  assert.ok(page);
  return page;
}

function left(page: Page): SessionEvent | undefined {
  return page.events.find(({ type }) => type === 'left');
}

function hasLost(page: Page, peerId: PeerId, reason: string): boolean {
  return page.events.some((event) => event.type === 'peer-left' && event.peerId === peerId && event.reason === reason);
}

describe('AD11: a room that its host has locked', () => {
  it('says so to those who are in, and lets nobody else in', async () => {
    const { host, guests, page } = await scene('Bob');
    const bob = only(guests);
    assert.deepEqual([host.view.isHost, bob.view.isHost], [true, false]);
    host.session.dispatch({ type: 'lock', isOn: true });
    await until('both see it', () => [host, bob].every(({ view }) => view.door === 'locked'));
    const eve = page('Eve');
    eve.session.dispatch({ type: 'join' });
    await until('she is refused', () => eve.view.phase === 'left');
    assert.equal(eve.view.leaveReason, 'room-locked');
    assert.deepEqual(eve.errors, [['room-locked', undefined]]);
    host.session.dispatch({ type: 'lock', isOn: false });
    await until('both see it', () => [host, bob].every(({ view }) => view.door === 'open'));
    await eve.join();
    await settle([host, bob, eve]);
  });

  it('lets another page of the host in, which leaves it as it is', async () => {
    const { host, page } = await scene();
    host.session.dispatch({ type: 'lock', isOn: true });
    await until('it is locked', () => host.view.door === 'locked');
    const again = page('Ada again', { asHost: true });
    await again.join();
    assert.equal(again.view.door, 'locked');
    await settle([host, again]);
    assert.equal(host.view.door, 'locked');
    again.session.dispatch({ type: 'lock', isOn: false });
    await until('it is open', () => host.view.door === 'open');
    host.session.dispatch({ type: 'lock', isOn: true });
    await until('and locked again, by the other', () => again.view.door === 'locked');
  });

  it('is for the host alone: a guest’s page is told so at the call', async () => {
    const { guests } = await scene('Bob');
    const bob = only(guests);
    const peerId = bob.id;
    const commands = [
      { type: 'lock', isOn: true },
      ...(['admit', 'decline', 'kick'] as const).map((type) => ({ type, peerId })),
    ];
    for (const command of commands) {
      assert.throws(
        () => bob.session.dispatch(command as { type: 'lock'; isOn: boolean }),
        (error) => error instanceof TaiError && error.code === 'usage' && !error.message.includes(peerId),
      );
    }
    bob.session.dispatch({ type: 'set-knock', isOn: true });
    assert.equal(bob.view.door, 'open');
  });

  it('is locked again by its host after the relay was started anew, once those who were in had the time to come back', async () => {
    const { relay, host, guests, page } = await scene('Bob');
    const bob = only(guests);
    host.session.dispatch({ type: 'lock', isOn: true });
    await until('it is locked', () => host.view.door === 'locked');
    const said = relay.statements.length;
    await relay.restart([host.id]);
    await until('the host is back', () => host.view.phase === 'joined');
    assert.equal(host.view.door, 'open', 'the new relay knows of no lock');
    await relay.restart([host.id, bob.id]);
    await until('both are back', () => [host, bob].every(({ view }) => view.phase === 'joined'));
    assert.equal(relay.statements.length, said, 'not at once');
    assert.ok(host.fire('host-door'));
    await until('it is locked again', () => bob.view.door === 'locked');
    const eve = page('Eve');
    eve.session.dispatch({ type: 'join' });
    await until('she is refused', () => eve.view.leaveReason === 'room-locked');
    await settle([host, bob]);
  });
});

describe('AD12: a room at whose door one has to knock', () => {
  it('tells the host who is there; who is let in meets the others, and is told nothing before', async () => {
    const { host, guests, page } = await scene('Bob');
    const bob = only(guests);
    host.session.dispatch({ type: 'set-knock', isOn: true });
    await until('it is so', () => host.view.door === 'knock');
    const eve = page('Eve \u202e');
    eve.session.dispatch({ type: 'join' });
    await until('the host hears it', () => host.view.knocks.length === 1);
    assert.deepEqual(host.view.knocks, [{ peerId: eve.id, name: 'Eve' }]);
    assert.ok(host.events.some((event) => event.type === 'knocked' && event.name === 'Eve'));
    assert.deepEqual([eve.view.phase, eve.view.isKnocking, eve.view.participants], ['joining', true, []]);
    assert.deepEqual(bob.view.knocks, []);
    host.session.dispatch({ type: 'admit', peerId: eve.id });
    await until('she is in', () => eve.view.phase === 'joined');
    assert.equal(eve.view.isKnocking, false);
    await settle([host, bob, eve]);
    assert.deepEqual(host.view.knocks, []);
  });

  it('turns away whom the host turns away', async () => {
    const { host, page } = await scene();
    host.session.dispatch({ type: 'set-knock', isOn: true });
    await until('it is so', () => host.view.door === 'knock');
    const eve = page('Eve');
    eve.session.dispatch({ type: 'join' });
    await until('the host hears it', () => host.view.knocks.length === 1);
    host.session.dispatch({ type: 'decline', peerId: eve.id });
    await until('she is turned away', () => eve.view.phase === 'left');
    assert.deepEqual(left(eve), { type: 'left', reason: 'declined' });
    await until('nobody is there', () => host.view.knocks.length === 0);
  });

  it('is wanted before the host comes, and so as soon as it is there', async () => {
    const { page } = await scene();
    const host = page('Ada', { asHost: true });
    host.session.dispatch({ type: 'set-knock', isOn: true });
    await host.join();
    await until('it is so', () => host.view.door === 'knock');
  });

  it('attack: a name that was sealed for another peer id, or by nobody with the link, is not shown', async () => {
    const { relay, host, page } = await scene();
    host.session.dispatch({ type: 'set-knock', isOn: true });
    await until('it is so', () => host.view.door === 'knock');
    relay.tamper = (notification) => {
      if (notification.method !== 'peer_knocked') return notification;
      const { params } = notification;
      return { ...notification, params: { ...params, note: toBase64Url(new Uint8Array(284)) } };
    };
    const eve = page('Eve');
    eve.session.dispatch({ type: 'join' });
    await until('the host hears it', () => host.view.knocks.length === 1);
    assert.deepEqual(host.view.knocks, [{ peerId: eve.id, name: '' }]);
  });
});

describe('AD13: a guest that the host puts out', () => {
  it('ends its call, and everybody else’s with it, for the host’s reason', async () => {
    const { host, guests } = await scene('Bob', 'Carol');
    const [bob, carol] = guests as [Page, Page];
    const bobId = bob.id;
    host.session.dispatch({ type: 'kick', peerId: bobId });
    await until('Bob is out', () => bob.view.phase === 'left');
    assert.deepEqual(left(bob), { type: 'left', reason: 'kicked' });
    for (const page of [host, carol]) {
      await until(`${page.name} has lost him`, () => hasLost(page, bobId, 'kicked'));
    }
    await settle([host, carol]);
    assert.ok(bob.world.released.includes('link'));
  });

  it('is out for the others though the relay keeps the host’s word back: it comes sealed as well', async () => {
    const { relay, host, guests } = await scene('Bob', 'Carol');
    const [bob, carol] = guests as [Page, Page];
    const bobId = bob.id;
    relay.tamper = (notification) =>
      notification.method === 'peer_kicked' || notification.method === 'peer_left' ? undefined : notification;
    host.session.dispatch({ type: 'kick', peerId: bobId });
    await until('Carol has lost him', () => hasLost(carol, bobId, 'kicked'));
    await until('the host has', () => hasLost(host, bobId, 'kicked'));
    await untilWith([host, carol], ANNOUNCE, 'they agree', () => host.view.encryption.roster === 'consistent');
    assert.deepEqual(carol.names, ['Ada']);
  });

  it('attack: a kick that the relay has forged, or took from another room, puts nobody out', async () => {
    const { relay, host, guests } = await scene('Bob', 'Carol');
    const [bob, carol] = guests as [Page, Page];
    const stranger = await createHostedTestRoom();
    const roomId = bob.view.roomId;
    assert.ok(roomId);
    const said = { from: host.id, ep: 'instance-1', target: bob.id };
    const forged = [
      await signHostClaims(hostClaims({ roomId }, 'kick', said), stranger.hostKey),
      await signHostClaims(hostClaims(stranger, 'kick', said), stranger.hostKey),
      formatHostStatement(hostClaims({ roomId }, 'kick', said), new Uint8Array(64)),
    ];
    // the relay's own doing: it brings them in the place of a message, and then shuts Bob out
    let next = 0;
    relay.tamper = (notification) => {
      if (notification.method !== 'relay_message') return notification;
      const statement = forged[next++ % forged.length] ?? '';
      return { method: 'peer_kicked', params: { statement } };
    };
    for (let i = 0; i < forged.length; i++) host.rename(`Ada ${i}`);
    for (const page of [bob, carol]) await page.untilDropped('not-the-host', forged.length);
    for (const page of [bob, carol]) assert.deepEqual(page.names.length, 2);
    assert.equal(bob.view.phase, 'joined');
    relay.tamper = (notification) => notification;
  });

  it('attack: RL14: a relay that shuts somebody out as `kicked` ends no call, and tells nobody a lie', async () => {
    const { relay, host, guests } = await scene('Bob', 'Carol');
    const [bob] = guests as [Page, Page];
    const seen = bob.view.participants.length;
    relay.shutOut(bob.id, 'kicked');
    await until('he notices', () => bob.view.phase === 'reconnecting');
    assert.equal(bob.view.participants.length, seen);
    assert.deepEqual([left(bob), bob.errors], [undefined, []]);
    assert.ok(!hasLost(host, bob.id, 'kicked'));
  });

  it('attack: a kick that is said again reaches the peer id that it names, and nobody else', async () => {
    const { relay, host, guests, page } = await scene('Bob', 'Carol');
    const [bob, carol] = guests as [Page, Page];
    host.session.dispatch({ type: 'kick', peerId: bob.id });
    await until('Bob is out', () => bob.view.phase === 'left');
    await settle([host, carol]);
    const [statement = ''] = relay.statements.filter((text) => parseHostStatement(text)?.claims.action === 'kick');
    const again = page('Bob again');
    await again.join();
    await settle([host, carol, again]);
    let isSaid = false;
    relay.tamper = (notification) => {
      if (isSaid || notification.method !== 'relay_message') return notification;
      isSaid = true;
      return { method: 'peer_kicked', params: { statement } };
    };
    host.rename('Ada again');
    await until('it was said again', () => isSaid);
    relay.tamper = (notification) => notification;
    await settle([host, carol, again]);
  });

  it('is not met again in this join, whoever lists it', async () => {
    const { relay, host, guests } = await scene('Bob', 'Carol');
    const [bob, carol] = guests as [Page, Page];
    const bobId = bob.id;
    host.session.dispatch({ type: 'kick', peerId: bobId });
    await until('Carol has lost him', () => hasLost(carol, bobId, 'kicked'));
    relay.tamper = (notification) =>
      notification.method === 'relay_message'
        ? { method: 'peer_joined', params: { peer_id: bobId, join_number: 1 } }
        : notification;
    host.rename('Ada 2');
    await carol.untilDropped('refused-peer');
    assert.deepEqual(carol.names, ['Ada']);
  });
});

describe('AD17: a JWT of the operator’s', () => {
  it('is asked of the page at every attempt, for a room that it is not told, and goes beside the token', async () => {
    const { relay, page } = await scene();
    const asked: string[] = [];
    const admission = async ({ room }: { readonly room: string }): Promise<string> => `a.b.c${asked.push(room)}`;
    const bob = page('Bob', { admission });
    await bob.join();
    await relay.restart([bob.id]);
    await until('he is back', () => bob.view.phase === 'joined');
    assert.deepEqual(
      relay.companions.filter((one) => one.startsWith('tai.jwt.')),
      ['tai.jwt.a.b.c1', 'tai.jwt.a.b.c2'],
    );
    assert.equal(new Set(asked).size, 1);
    assert.match(asked[0] ?? '', /^[A-Za-z0-9_-]{43}$/);
    assert.ok(bob.view.roomId && !bob.view.roomId.includes(asked[0] ?? ''));
  });

  it('that is none is the page’s mistake, and is named nowhere', async () => {
    for (const given of ['SECRET', '', 'a.b.c, tai.token.x', 7, undefined]) {
      await assert.rejects(
        askForJwt(() => given as string, 'room'),
        (error) => error instanceof TaiError && error.code === 'usage' && !error.message.includes('SECRET'),
      );
    }
    assert.equal(await askForJwt(() => 'a.b.c', 'room'), 'a.b.c');
  });

  it('that never comes holds nobody up for ever', async () => {
    assert.equal(ADMISSION_WAIT_MS, 10_000);
    await assert.rejects(
      askForJwt(() => new Promise<string>(() => {}), 'room', 1),
      (error) => error instanceof TaiError && error.code === 'relay-refused',
    );
  });
});
