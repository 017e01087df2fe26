import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concatBytes, toBase64Url, toHex } from '../../src/engine/protocol/bytes.ts';
import { TaiError } from '../../src/engine/protocol/errors.ts';
import { formatRoomSecret } from '../../src/engine/protocol/invite.ts';
import {
  createHostedRoom,
  createPrivateRoom,
  hostFragment,
  resolveRoom,
  roomFragment,
} from '../../src/engine/room-address.ts';
import type { RoomAddressOptions } from '../../src/engine/room-address.ts';

const RELAY = 'wss://relay.example/relay';
const bytesOf = (fill: number, length = 32): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(fill);
const linkOf = (fill: number): string => formatRoomSecret({ secret: bytesOf(fill), pkHost: bytesOf(9) });

async function secretOf(options: Omit<RoomAddressOptions, 'relay'>, relay = RELAY): Promise<string | undefined> {
  const address = await resolveRoom({ relay, ...options });
  return address && toHex(address.room.secret);
}

async function codeOf(options: Partial<RoomAddressOptions>): Promise<string> {
  try {
    await resolveRoom({ relay: RELAY, ...options });
  } catch (error) {
    assert.ok(error instanceof TaiError, String(error));
    return error.code;
  }
  return 'none';
}

describe('which room a page means', () => {
  it('is told by the property first, then by the fragment, then by the name', async () => {
    const all = { roomSecret: bytesOf(1), fragment: `#tai.team=${linkOf(2)}`, roomName: 'team' };
    assert.equal(await secretOf(all), '01'.repeat(32));
    const { roomSecret: _, ...withoutProperty } = all;
    assert.equal(await secretOf(withoutProperty), '02'.repeat(32));
    assert.equal((await resolveRoom({ relay: RELAY, ...withoutProperty }))?.kind, 'private');
    assert.equal((await resolveRoom({ relay: RELAY, roomName: 'team' }))?.kind, 'open');
  });

  it('is none without property, entry and name', async () => {
    assert.equal(await resolveRoom({ relay: RELAY }), undefined);
    assert.equal(await resolveRoom({ relay: RELAY, fragment: '#top', roomName: '' }), undefined);
    assert.equal(await resolveRoom({ relay: RELAY, fragment: `#tai.team=${linkOf(2)}` }), undefined);
  });

  it('may be given as bytes or as their base64url, of a secret, a guest or a host', async () => {
    const { secret, pkHost, hostSeed } = (await createHostedRoom()).room;
    assert.ok(hostSeed);
    const host = concatBytes(secret, pkHost, hostSeed);
    for (const bytes of [bytesOf(4, 32), bytesOf(4, 64), host]) {
      const [fromBytes, fromText] = await Promise.all([
        resolveRoom({ relay: RELAY, roomSecret: bytes }),
        resolveRoom({ relay: RELAY, roomSecret: toBase64Url(bytes) }),
      ]);
      assert.deepEqual(fromBytes, fromText);
      assert.equal(fromBytes?.kind, 'private');
      assert.equal(fromBytes?.room.hostSeed !== undefined, bytes === host);
    }
  });
});

describe('an open room', () => {
  it('is another for another relay or name, the same for every way to write the relay', async () => {
    const team = await secretOf({ roomName: 'team' });
    assert.notEqual(await secretOf({ roomName: 'teams' }), team);
    assert.notEqual(await secretOf({ roomName: 'Team' }), team);
    assert.notEqual(await secretOf({ roomName: 'team' }, 'wss://relay.test/relay'), team);
    assert.notEqual(await secretOf({ roomName: 'team' }, 'wss://relay.example:8443'), team);
    assert.equal(await secretOf({ roomName: 'team' }, 'https://RELAY.example:443/'), team);
  });
});

describe('misuse and damage', () => {
  it('LK4: a host’s link whose keys do not belong together is damaged, not a guest’s', async () => {
    const broken = bytesOf(6, 96);
    assert.equal(await codeOf({ roomSecret: broken }), 'usage');
    assert.equal(await codeOf({ fragment: `#tai=${toBase64Url(broken)}` }), 'link-invalid');
  });

  it('a bad name is a usage error', async () => {
    for (const roomName of ['a b', 'é', 'x'.repeat(65), 'a&b', '#']) assert.equal(await codeOf({ roomName }), 'usage');
  });

  it('a bad secret is a usage error, whose message does not repeat it', async () => {
    const bad = [bytesOf(1, 31), bytesOf(0), new Uint8Array(), '', 'not base64!', toBase64Url(bytesOf(1, 33))];
    for (const roomSecret of bad) {
      assert.equal(await codeOf({ roomSecret, fragment: `#tai=${linkOf(1)}` }), 'usage');
    }
    await assert.rejects(
      resolveRoom({ relay: RELAY, roomSecret: 'hunter2!' }),
      (error: Error) => !error.message.includes('hunter2'),
    );
  });

  it('a damaged link is link-invalid, never another room', async () => {
    const link = linkOf(1);
    for (const text of ['', link.slice(0, -1), `${link}A`, `${link.slice(0, -1)}%`]) {
      assert.equal(await codeOf({ fragment: `#tai=${text}` }), 'link-invalid');
      assert.equal(await codeOf({ fragment: `#tai.team=${text}`, roomName: 'team' }), 'link-invalid');
    }
  });

  it('a relay that is no address is a usage error, where it is needed', async () => {
    assert.equal(await codeOf({ relay: 'nonsense', roomName: 'team' }), 'usage');
    assert.equal(await codeOf({ relay: '', roomName: 'team' }), 'usage');
  });
});

describe('a new private room', () => {
  it('is random, without host tools', () => {
    const rooms = Array.from({ length: 20 }, () => createPrivateRoom());
    assert.equal(new Set(rooms.map(({ room }) => toHex(room.secret))).size, 20);
    for (const { kind, room } of rooms) {
      assert.equal(kind, 'private');
      assert.equal(room.secret.length, 32);
      assert.deepEqual(room.pkHost, new Uint8Array(32));
      assert.equal('hostSeed' in room, false);
    }
  });

  it('is found again through its link, beside what the page has there', async () => {
    const address = createPrivateRoom();
    const fragment = roomFragment('#chapter-2&x=1', address);
    assert.ok(fragment.startsWith('#chapter-2&x=1&tai='));
    assert.deepEqual(await resolveRoom({ relay: RELAY, fragment }), address);
    const named = roomFragment(fragment, address, 'team');
    assert.deepEqual(await resolveRoom({ relay: RELAY, fragment: named, roomName: 'team' }), address);
    assert.deepEqual(await resolveRoom({ relay: RELAY, fragment: named }), address);
  });

  it("a host's link as the page has it gives guests no seed", async () => {
    const host = await createHostedRoom();
    const found = await resolveRoom({ relay: RELAY, fragment: roomFragment('', host) });
    assert.ok(host.room.hostSeed);
    assert.equal(found?.room.hostSeed, undefined);
    assert.deepEqual(found?.room.pkHost, host.room.pkHost);
    const own = await resolveRoom({ relay: RELAY, fragment: hostFragment(host) ?? '' });
    assert.deepEqual(own?.room, host.room);
    assert.equal(hostFragment(createPrivateRoom()), undefined);
  });
});
