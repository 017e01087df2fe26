/** AD9–AD13: what the key ring says as a host, hears from one, and seals at the door. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { createNobleSigner } from '../../src/engine/crypto/ed25519.ts';
import { createProvider } from '../../src/engine/crypto/provider.ts';
import type { Provider } from '../../src/engine/crypto/provider.ts';
import { deriveRoomKeys, hostSigner, withHost } from '../../src/engine/crypto/room-keys.ts';
import { sealForRoom } from '../../src/engine/crypto/room-seal.ts';
import { HostKeys } from '../../src/engine/keys/host-keys.ts';
import { asciiBytes, concatBytes, toBase64Url } from '../../src/engine/protocol/bytes.ts';
import { HOST_SUBPROTOCOL_PREFIX, parseHostStatement } from '../../src/engine/protocol/host.ts';
import { NOTE_TEXT_MAX } from '../../src/engine/protocol/host-messages.ts';
import { idBytes } from '../../src/engine/protocol/ids.ts';
import type { RoomSecret } from '../../src/engine/protocol/invite.ts';
import { ALICE, BOB, CAROL } from '../helpers/samples.ts';

const NOW_S = 1_800_000_000;
const SECRET = new Uint8Array(32).fill(5);

let provider: Provider;
let room: Awaited<ReturnType<typeof withHost>>;
let host: HostKeys;
let guest: HostKeys;

async function keysOf(secret: RoomSecret): Promise<HostKeys> {
  return new HostKeys(await deriveRoomKeys(secret), provider);
}

before(async () => {
  provider = await createProvider();
  room = await withHost(SECRET);
  host = await keysOf(room);
  guest = await keysOf({ secret: SECRET, pkHost: room.pkHost });
});

describe('a host’s link', () => {
  it('AD9: makes a host, and a guest’s does not; nor does a seed that is not the room’s', async () => {
    assert.deepEqual([host.isHost, guest.isHost], [true, false]);
    assert.equal((await keysOf({ ...room, hostSeed: new Uint8Array(32).fill(1) })).isHost, false);
    assert.ok(await hostSigner(room, createNobleSigner));
    assert.notDeepEqual((await withHost(SECRET)).hostSeed, room.hostSeed);
  });

  it('AD9: claims at the door, with neither target nor instance; a guest claims nothing', async () => {
    const claim = await host.claim(ALICE, NOW_S);
    assert.ok(claim?.startsWith(HOST_SUBPROTOCOL_PREFIX));
    const { action, hostPeerId, target, ep, issuedS } =
      parseHostStatement(claim?.slice(HOST_SUBPROTOCOL_PREFIX.length))?.claims ?? {};
    assert.deepEqual([action, hostPeerId, target, ep, issuedS], ['claim', ALICE, undefined, '', NOW_S]);
    assert.equal(await guest.claim(ALICE, NOW_S), undefined);
  });

  it('AD10: signs what the platform’s own Ed25519 verifies, and never the same twice', async () => {
    const words = { action: 'admit', from: ALICE, target: BOB, ep: 'ep-1', nowS: NOW_S } as const;
    const said = await host.say(words);
    const statement = parseHostStatement(said);
    assert.ok(statement);
    const key = await crypto.subtle.importKey('raw', room.pkHost, 'Ed25519', false, ['verify']);
    assert.ok(await crypto.subtle.verify('Ed25519', key, statement.signature, statement.signed));
    assert.notEqual(await host.say(words), said);
  });
});

describe('AD13: a kick', () => {
  const words = { action: 'kick', from: ALICE, target: BOB, ep: 'ep-1', nowS: NOW_S } as const;

  it('counts for everybody with the link, in the host’s words alone', async () => {
    const kick = (await host.say(words)) ?? '';
    assert.equal(await guest.kicked(kick), BOB);
    assert.equal(await host.kicked(kick), BOB);
    const other = await keysOf(await withHost(SECRET));
    const elsewhere = await keysOf({ ...room, secret: new Uint8Array(32).fill(6) });
    const bare = await keysOf({ secret: SECRET, pkHost: new Uint8Array(32) });
    for (const stranger of [other, elsewhere, bare]) assert.equal(await stranger.kicked(kick), undefined);
    assert.equal(await guest.kicked((await other.say(words)) ?? ''), undefined);
    assert.equal(await guest.kicked((await host.say({ ...words, action: 'decline' })) ?? ''), undefined);
    assert.equal(await guest.kicked('AQID'), undefined);
    const forged = kick.slice(0, -4) + (kick.endsWith('AAAA') ? 'BBBB' : 'AAAA');
    assert.equal(await guest.kicked(forged), undefined);
  });
});

describe('AD12: a note', () => {
  it('has one size whatever the name is, and opens for everybody with the link', async () => {
    const names = ['', 'Eve', '\u{1f600}'.repeat(32), 'ሴ'.repeat(64)];
    const notes = await Promise.all(names.map((name) => guest.sealNote(BOB, name)));
    assert.equal(new Set(notes.map((note) => note.length)).size, 1);
    assert.ok((notes[0]?.length ?? 0) <= NOTE_TEXT_MAX);
    for (const [index, name] of names.entries()) assert.equal(await host.openNote(BOB, notes[index] ?? ''), name);
  });

  it('is cleaned on both sides, and empty where it is another’s, or none', async () => {
    assert.equal(await host.openNote(BOB, await guest.sealNote(BOB, ' Eve\u202e\n')), 'Eve');
    const note = await guest.sealNote(BOB, 'Eve');
    assert.equal(await host.openNote(CAROL, note), '');
    const stranger = await keysOf({ ...room, secret: new Uint8Array(32).fill(6) });
    assert.equal(await stranger.openNote(BOB, note), '');
    for (const bad of ['', '=', note.slice(4), 'A'.repeat(note.length)])
      assert.equal(await host.openNote(BOB, bad), '');
  });

  it('of another size, by somebody with the link, says nothing; one that lies about its length says no more than there is', async () => {
    const keys = await deriveRoomKeys(room);
    const context = concatBytes(asciiBytes('knock'), idBytes(keys.roomId), idBytes(BOB));
    const sealed = async (plain: Uint8Array<ArrayBuffer>): Promise<string> =>
      toBase64Url(await sealForRoom(await keys.knockKey(BOB), context, plain));
    assert.equal(await host.openNote(BOB, await sealed(new Uint8Array(255))), '');
    const lying = new Uint8Array(256).fill(0xff);
    lying.set(asciiBytes('Eve'), 2);
    assert.match(await host.openNote(BOB, await sealed(lying)), /^Eve/);
  });
});

describe('AD18: the room of a JWT', () => {
  it('is a hash of the room’s id that the relay finds as well', async () => {
    const { jwtRoomOf } = await import('../../relay-worker/jwt.ts');
    const { roomId } = await deriveRoomKeys(room);
    assert.equal(await host.jwtRoom(), await jwtRoomOf(roomId));
    assert.equal(await guest.jwtRoom(), await host.jwtRoom());
  });
});
