import assert from 'node:assert/strict';
import { createDecipheriv, createHash, hkdfSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { createNobleSigner } from '../../src/engine/crypto/ed25519.ts';
import { deriveRoomKeys, openRoomSecret } from '../../src/engine/crypto/room-keys.ts';
import { concatBytes, fromHex, toHex } from '../../src/engine/protocol/bytes.ts';
import { roomIdPreimage } from '../../src/engine/protocol/token.ts';
import { ALICE, BOB } from '../helpers/samples.ts';

const SECRET = Uint8Array.from({ length: 32 }, (_, i) => i + 1);
const NO_HOST = new Uint8Array(32);
const ROOM = { secret: SECRET, pkHost: NO_HOST };

/**
 * Known answers for the secret 01 02 … 20, computed by OpenSSL's HKDF, Ed25519 and SHA-256 from the rules KD1–KD4.
 * They pin the whole chain: a change of any label or order makes all existing links into links of other rooms.
 */
const PUBLIC_KEY = '165a014e560ac4a495037d16f632e7f9f76670e0d105bd0ef0c369f528a3d8fc';
const ROOM_ID = '0xc87dff933ca8cb0f62d6b91f4e7398cdae4891fc02f5cb6723a201222f7696a5';
const ROOM_ID_WITH_HOST = '0x4615cb88014d86901474e60fde2afc0330e47d1ffaee470dd2abe4b80db42be5';
const KEY_FROM_ALICE_TO_BOB = '60613a096bbe93910312e077daecaaa5fcbf1a21073479d9653297b7f784c51d';
const OPEN_SECRET = '474c8cf29ba125fb1b53f05b0f2fc60d40dda6207900906b559b52f0faa6d276';

async function encrypted(key: CryptoKey, plain: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv: new Uint8Array(12) }, key, plain));
}

/** AES-256-GCM of another implementation, with a nonce of zeros. */
function decrypted(keyHex: string, sealed: Uint8Array): Uint8Array {
  const decipher = createDecipheriv('aes-256-gcm', fromHex(keyHex)!, new Uint8Array(12));
  decipher.setAuthTag(sealed.slice(-16));
  return new Uint8Array(Buffer.concat([decipher.update(sealed.slice(0, -16)), decipher.final()]));
}

describe("KD1–KD5: the keys of a room's secret", () => {
  it('are the known ones', async () => {
    const keys = await deriveRoomKeys(ROOM);
    assert.equal(toHex(keys.admission.publicKey), PUBLIC_KEY);
    assert.equal(keys.roomId, ROOM_ID);
    assert.equal(
      (await deriveRoomKeys({ secret: SECRET, pkHost: new Uint8Array(32).fill(2) })).roomId,
      ROOM_ID_WITH_HOST,
    );
    const plain = Uint8Array.of(1, 2, 3);
    const sealed = await encrypted(await keys.envelopeKey(ALICE, BOB), plain);
    assert.deepEqual(decrypted(KEY_FROM_ALICE_TO_BOB, sealed), plain);
  });

  it('are the same with the other signer', async () => {
    const keys = await deriveRoomKeys(ROOM, createNobleSigner);
    assert.equal(keys.roomId, ROOM_ID);
    assert.equal(toHex(keys.admission.publicKey), PUBLIC_KEY);
  });

  it('make a room id that certifies itself: the hash of both public keys', async () => {
    const pkHost = new Uint8Array(32).fill(7);
    const keys = await deriveRoomKeys({ secret: SECRET, pkHost });
    const hash = createHash('sha256').update(roomIdPreimage(keys.admission.publicKey, pkHost)).digest('hex');
    assert.equal(keys.roomId, `0x${hash}`);
    assert.deepEqual(keys.pkHost, pkHost);
  });

  it('are others for another secret, host, sender or direction', async () => {
    const other = await deriveRoomKeys({ secret: SECRET.with(31, 0), pkHost: NO_HOST });
    const hosted = await deriveRoomKeys({ secret: SECRET, pkHost: new Uint8Array(32).fill(2) });
    const keys = await deriveRoomKeys(ROOM);
    assert.equal(new Set([keys.roomId, other.roomId, hosted.roomId]).size, 3);
    const envelopes = await Promise.all([
      keys.envelopeKey(ALICE, BOB),
      keys.envelopeKey(BOB, ALICE),
      keys.envelopeKey(ALICE, ALICE),
      other.envelopeKey(ALICE, BOB),
      hosted.envelopeKey(ALICE, BOB),
      keys.bundleKey(ALICE),
      keys.bundleKey(BOB),
      other.bundleKey(ALICE),
    ]);
    const seals = await Promise.all(envelopes.map(async (key) => toHex(await encrypted(key, new Uint8Array(16)))));
    assert.equal(new Set(seals).size, 8);
    const again = await encrypted(await keys.envelopeKey(ALICE, BOB), new Uint8Array(16));
    assert.equal(toHex(again), seals[0]);
  });

  it('mix 32 bytes into every handshake that are HKDF of the secret, under a label of their own', async () => {
    const { psk } = await deriveRoomKeys(ROOM);
    const expected = hkdfSync('sha256', SECRET, Buffer.from('tai/1 secret'), Buffer.from('tai/1 psk'), 32);
    assert.deepEqual(psk, new Uint8Array(expected));
  });

  it('cannot be extracted', async () => {
    const keys = await deriveRoomKeys(ROOM);
    for (const key of await Promise.all([keys.envelopeKey(ALICE, BOB), keys.bundleKey(ALICE)])) {
      assert.equal(key.extractable, false);
      assert.deepEqual([...key.usages].sort(), ['decrypt', 'encrypt']);
      for (const format of ['raw', 'jwk'] as const) await assert.rejects(crypto.subtle.exportKey(format, key));
    }
  });

  it('leave the secret as it was, and no copy of it in what they hand out', async () => {
    const secret = SECRET.slice();
    const keys = await deriveRoomKeys({ secret, pkHost: NO_HOST });
    assert.deepEqual(secret, SECRET);
    assert.deepEqual(Object.keys(keys).sort(), [
      ...['admission', 'bundleKey', 'envelopeKey', 'host', 'knockKey'],
      ...['pkHost', 'psk', 'roomId'],
    ]);
    assert.deepEqual(Object.keys(keys.admission).sort(), ['publicKey', 'sign']);
  });
});

describe('LK5: the secret of an open room', () => {
  it('is the known one', async () => {
    assert.equal(toHex(await openRoomSecret('relay.example', 'team')), OPEN_SECRET);
  });

  it('is another for another relay or name, also where their texts run together', async () => {
    const secrets = await Promise.all([
      openRoomSecret('relay.example', 'team'),
      openRoomSecret('relay.example', 'teams'),
      openRoomSecret('relay.example:8080', 'team'),
      openRoomSecret('relay.examplet', 'eam'),
      openRoomSecret('relay.exampl', 'eteam'),
    ]);
    assert.equal(new Set(secrets.map(toHex)).size, 5);
    assert.ok(secrets.every((secret) => secret.length === 32));
    assert.notEqual(toHex(concatBytes(secrets[0]!)), toHex(SECRET));
  });
});
