import assert from 'node:assert/strict';
import { createCipheriv, createHash } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { BODY_MAX_BYTES } from '../../src/engine/crypto/envelope.ts';
import { KeyRing, randomPeerId } from '../../src/engine/keys/key-ring.ts';
import {
  asciiBytes,
  concatBytes,
  fromBase64Url,
  fromHex,
  toBase64Url,
  uintBytes,
} from '../../src/engine/protocol/bytes.ts';
import { idBytes, parsePeerId } from '../../src/engine/protocol/ids.ts';
import { PAYLOAD_TEXT_MAX } from '../../src/engine/protocol/relay.ts';
import { TOKEN_LIFE_MAX_S, parseToken, roomIdPreimage, tokenTimeFault } from '../../src/engine/protocol/token.ts';
import { ALICE, BOB, CAROL } from '../helpers/samples.ts';

const SECRET = Uint8Array.from({ length: 32 }, (_, i) => i + 1);
const ROOM = { secret: SECRET, pkHost: new Uint8Array(32) };
/** The known answers of room-keys.test.ts. */
const ROOM_ID = '0xc87dff933ca8cb0f62d6b91f4e7398cdae4891fc02f5cb6723a201222f7696a5';
const KEY_FROM_ALICE_TO_BOB = '60613a096bbe93910312e077daecaaa5fcbf1a21073479d9653297b7f784c51d';

const UNOPENED = { ok: false, fault: 'unopened' };
const MALFORMED = { ok: false, fault: 'malformed' };
const REPLAYED = { ok: false, fault: 'replayed' };

let alice: KeyRing;
let bob: KeyRing;
let stranger: KeyRing;

async function sealed(text: string): Promise<string> {
  const payload = await alice.seal(ALICE, BOB, text);
  assert.ok(payload);
  return payload;
}

before(async () => {
  const other = { secret: SECRET.with(0, 99), pkHost: ROOM.pkHost };
  [alice, bob, stranger] = await Promise.all([KeyRing.create(ROOM), KeyRing.create(ROOM), KeyRing.create(other)]);
});

describe('two key rings of one room', () => {
  it('open what the other sealed, both ways, in any order', async () => {
    const texts = ['', 'hello', 'ä李🦆', 'x'.repeat(20_000)];
    const there = await Promise.all(texts.map((text) => alice.seal(ALICE, BOB, text)));
    for (const [i, payload] of [...there.entries()].toReversed()) {
      assert.deepEqual(await bob.open(BOB, ALICE, payload!), { ok: true, text: texts[i] });
    }
    const back = await bob.seal(BOB, ALICE, 'back');
    assert.deepEqual(await alice.open(ALICE, BOB, back!), { ok: true, text: 'back' });
  });

  it('are in one room, and the third is not', () => {
    assert.equal(alice.roomId, ROOM_ID);
    assert.equal(bob.roomId, alice.roomId);
    assert.notEqual(stranger.roomId, alice.roomId);
  });

  it('seal what another implementation would', async () => {
    const text = 'known';
    const header = concatBytes(Uint8Array.of(1, 1), uintBytes(1_000, 8), new Uint8Array(12).fill(3));
    const cipher = createCipheriv('aes-256-gcm', fromHex(KEY_FROM_ALICE_TO_BOB)!, header.slice(10));
    const room = fromHex(ROOM_ID.slice(2))!;
    cipher.setAAD(concatBytes(asciiBytes('tai/1 envelope'), header, room, idBytes(ALICE), idBytes(BOB)));
    const padded = concatBytes(uintBytes(text.length, 4), asciiBytes(text), new Uint8Array(512 - 4 - text.length));
    const payload = toBase64Url(concatBytes(header, cipher.update(padded), cipher.final(), cipher.getAuthTag()));
    assert.deepEqual(await bob.open(BOB, ALICE, payload), { ok: true, text });
  });

  it('count their messages from 1, for each receiver and sender alone', async () => {
    const ring = await KeyRing.create(ROOM);
    const idOf = (payload: string | undefined): number => fromBase64Url(payload!)![9]!;
    assert.deepEqual([await ring.seal(ALICE, BOB, ''), await ring.seal(ALICE, BOB, '')].map(idOf), [1, 2]);
    assert.equal(idOf(await ring.seal(ALICE, CAROL, '')), 1);
    assert.equal(idOf(await ring.seal(CAROL, BOB, '')), 1);
  });

  it('give no id twice when many are sealed at once', async () => {
    const ring = await KeyRing.create(ROOM);
    const payloads = await Promise.all(Array.from({ length: 20 }, () => ring.seal(ALICE, BOB, '')));
    assert.equal(new Set(payloads.map((payload) => fromBase64Url(payload!)![9])).size, 20);
  });

  it('open each message once', async () => {
    const payload = await sealed('once');
    const opened = await Promise.all([bob.open(BOB, ALICE, payload), bob.open(BOB, ALICE, payload)]);
    assert.deepEqual(opened.map(({ ok }) => ok).sort(), [false, true]);
    assert.deepEqual(await bob.open(BOB, ALICE, payload), REPLAYED);
  });

  it('do not open their own message sent back to them', async () => {
    const payload = await sealed('mirror');
    assert.deepEqual(await alice.open(ALICE, BOB, payload), UNOPENED);
    assert.deepEqual(await alice.open(BOB, BOB, payload), UNOPENED);
  });

  it('do not open a message under the name of another sender, or for another receiver', async () => {
    const payload = await sealed('named');
    assert.deepEqual(await bob.open(BOB, CAROL, payload), UNOPENED);
    assert.deepEqual(await bob.open(CAROL, ALICE, payload), UNOPENED);
    assert.deepEqual(await bob.open(BOB, ALICE, payload), { ok: true, text: 'named' });
  });

  it('are not hindered by a message that did not open: its id stays free', async () => {
    const payload = await sealed('intact');
    const bytes = fromBase64Url(payload)!;
    const damaged = toBase64Url(bytes.with(40, bytes[40]! ^ 1));
    assert.deepEqual(await bob.open(BOB, ALICE, damaged), UNOPENED);
    assert.deepEqual(await bob.open(BOB, ALICE, payload), { ok: true, text: 'intact' });
  });

  it('call malformed what is no base64url, or too long for any', async () => {
    for (const payload of ['A', '====', 'a b', 'é', 'A'.repeat(PAYLOAD_TEXT_MAX + 1)]) {
      assert.deepEqual(await bob.open(BOB, ALICE, payload), MALFORMED);
    }
    for (const payload of ['', 'AAAA', 'A'.repeat(PAYLOAD_TEXT_MAX)]) {
      assert.deepEqual(await bob.open(BOB, ALICE, payload), UNOPENED);
    }
  });

  it('do not seal what is too long, and then go on', async () => {
    assert.equal(await alice.seal(ALICE, BOB, 'x'.repeat(BODY_MAX_BYTES + 1)), undefined);
    assert.equal(await alice.seal(ALICE, BOB, 'é'.repeat(BODY_MAX_BYTES / 2 + 1)), undefined);
    assert.deepEqual(await bob.open(BOB, ALICE, await sealed('on')), { ok: true, text: 'on' });
  });
});

describe('a key ring of another room', () => {
  it('opens nothing, and nothing of it is opened', async () => {
    assert.deepEqual(await stranger.open(BOB, ALICE, await sealed('secret')), UNOPENED);
    const payload = await stranger.seal(ALICE, BOB, 'intruder');
    assert.deepEqual(await bob.open(BOB, ALICE, payload!), UNOPENED);
  });
});

describe('a key ring', () => {
  it('shows no key: only the room id can be read from it', () => {
    assert.deepEqual(Object.keys(alice), ['roomId']);
    assert.equal(JSON.stringify(alice), `{"roomId":"${ROOM_ID}"}`);
  });

  it('has forgotten its pairs once their join is over', async () => {
    const [one, two] = await Promise.all([KeyRing.create(ROOM), KeyRing.create(ROOM)]);
    const payload = await one.seal(ALICE, BOB, 'first');
    assert.deepEqual(await two.open(BOB, ALICE, payload!), { ok: true, text: 'first' });
    one.forget(ALICE);
    two.forget(BOB);
    const next = await one.seal(ALICE, BOB, 'next join');
    assert.equal(fromBase64Url(next!)![9], 1);
    assert.deepEqual(await two.open(BOB, ALICE, next!), { ok: true, text: 'next join' });
  });
});

describe('AD1–AD6: the token of a key ring', () => {
  const NOW_S = 1_800_000_000;

  it('verifies under the Ed25519 of the platform, and its keys hash to the room id', async () => {
    const parsed = parseToken(await alice.token(BOB, 42, NOW_S))!;
    const { pkRoom, pkHost, roomId } = parsed.claims;
    const key = await crypto.subtle.importKey('raw', pkRoom, 'Ed25519', true, ['verify']);
    assert.ok(await crypto.subtle.verify('Ed25519', key, parsed.signature, parsed.signed));
    assert.ok(!(await crypto.subtle.verify('Ed25519', key, parsed.signature, parsed.signed.with(20, 0))));
    assert.equal(`0x${createHash('sha256').update(roomIdPreimage(pkRoom, pkHost)).digest('hex')}`, roomId);
    assert.equal(roomId, ROOM_ID);
  });

  it('has the peer, the join number and the longest life allowed', async () => {
    const { claims } = parseToken(await alice.token(BOB, 42, NOW_S))!;
    const { peerId, joinNumber, iatS, expS } = claims;
    assert.deepEqual(
      { peerId, joinNumber, iatS, expS },
      { peerId: BOB, joinNumber: 42, iatS: NOW_S, expS: NOW_S + TOKEN_LIFE_MAX_S },
    );
    assert.equal(tokenTimeFault(claims, NOW_S), undefined);
  });

  it('is another each time', async () => {
    const tokens = await Promise.all(Array.from({ length: 10 }, () => alice.token(BOB, 0, NOW_S)));
    assert.equal(new Set(tokens).size, 10);
  });
});

describe('a random peer id', () => {
  it('is a peer id, and another each time', () => {
    const ids = Array.from({ length: 100 }, () => randomPeerId());
    assert.equal(new Set(ids).size, 100);
    for (const id of ids) assert.equal(parsePeerId(id), id);
  });
});
