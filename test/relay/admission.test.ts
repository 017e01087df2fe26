/** AD1–AD6 without a relay: which offers the Worker lets in. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { admit, objectName, parseBearer, parseOffer } from '../../relay-worker/admission.ts';
import type { Admission } from '../../relay-worker/admission.ts';
import { fromBase64Url, toBase64Url } from '../../src/engine/protocol/bytes.ts';
import {
  SUBPROTOCOL,
  TOKEN_LIFE_MAX_S,
  TOKEN_SKEW_MAX_S,
  TOKEN_SUBPROTOCOL_PREFIX,
} from '../../src/engine/protocol/token.ts';
import type { TokenClaims } from '../../src/engine/protocol/token.ts';
import { createTestRoom, roomIdOfKeys, signToken, testClaims } from '../helpers/tokens.ts';
import type { TestRoom } from '../helpers/tokens.ts';

const NOW_S = 1_800_000_000;

let room: TestRoom;
let stranger: TestRoom;

before(async () => {
  room = await createTestRoom();
  stranger = await createTestRoom();
});

function claims(overrides: Partial<TokenClaims> = {}): TokenClaims {
  return testClaims(room, { iatS: NOW_S, ...overrides });
}

async function judge(token: string, nowS = NOW_S): Promise<Admission> {
  return await admit(parseOffer(`${SUBPROTOCOL}, ${token}`), nowS);
}

async function judgeClaims(overrides: Partial<TokenClaims>, nowS = NOW_S): Promise<string> {
  const admission = await judge(await signToken(room, claims(overrides)), nowS);
  return admission.type === 'refused' ? admission.reason : admission.type;
}

describe('an offer', () => {
  it('AD2: is let in with our subprotocol and one good token', async () => {
    const mine = claims({ joinNumber: 7 });
    const admission = await judge(await signToken(room, mine));
    assert.deepEqual(admission, { type: 'admitted', claims: mine, isHost: false });
  });

  it('AD2: is refused without our subprotocol, without a token, and with two', async () => {
    const token = await signToken(room, claims());
    const offers = [null, '', SUBPROTOCOL, token, `${token}, tai.2`, `${SUBPROTOCOL}, ${token}, ${token}`];
    for (const offer of [...offers, `${SUBPROTOCOL}, ${token}${' '.repeat(1024)}`]) {
      assert.deepEqual(await admit(parseOffer(offer), NOW_S), { type: 'refused', reason: 'token-invalid' });
    }
  });

  it('AD1: is refused for a room id that is not the hash of its keys', async () => {
    assert.equal(await judgeClaims({ roomId: stranger.roomId }), 'token-invalid');
    assert.equal(await judgeClaims({ pkHost: new Uint8Array(32).fill(1) }), 'token-invalid');
    assert.equal(await judgeClaims({ pkRoom: stranger.pkRoom }), 'token-invalid');
  });

  it('AD3: is refused for the signature of another key', async () => {
    const forged = await signToken({ ...room, privateKey: stranger.privateKey }, claims());
    assert.deepEqual(await judge(forged), { type: 'refused', reason: 'token-invalid' });
  });

  it('AD3: is refused for any single byte that was changed', async () => {
    const token = await signToken(room, claims());
    const bytes = fromBase64Url(token.slice(TOKEN_SUBPROTOCOL_PREFIX.length));
    assert.ok(bytes);
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      const admission = await judge(TOKEN_SUBPROTOCOL_PREFIX + toBase64Url(changed));
      assert.equal(admission.type, 'refused', `byte ${at}`);
    }
  });

  it('AD3: is refused, without throwing, for keys and signatures that are no points', async () => {
    for (const fill of [0, 1, 0x7f, 0xff]) {
      const pkRoom = new Uint8Array(32).fill(fill);
      const odd = claims({ pkRoom, roomId: await roomIdOfKeys(pkRoom, room.pkHost) });
      assert.equal((await judge(await signToken(room, odd))).type, 'refused');
    }
  });

  it('AD4: is good from 60 s before its time to the last second of its life', async () => {
    const life = { expS: NOW_S + TOKEN_LIFE_MAX_S };
    assert.equal(await judgeClaims(life, NOW_S - TOKEN_SKEW_MAX_S), 'admitted');
    assert.equal(await judgeClaims(life, NOW_S - TOKEN_SKEW_MAX_S - 1), 'token-expired');
    assert.equal(await judgeClaims(life, NOW_S + TOKEN_LIFE_MAX_S - 1), 'admitted');
    assert.equal(await judgeClaims(life, NOW_S + TOKEN_LIFE_MAX_S), 'token-expired');
  });

  it('AD4: is refused for a life that is too long, empty or backwards', async () => {
    for (const lifeS of [TOKEN_LIFE_MAX_S + 1, 0, -1]) {
      assert.equal(await judgeClaims({ expS: NOW_S + lifeS }), 'token-invalid');
    }
  });
});

describe('a bearer of a token', () => {
  it('RL20: shows it as in the subprotocol, behind the name of the scheme in any letters', async () => {
    const token = await signToken(room, claims());
    for (const header of [`Bearer ${token}`, `bearer ${token}`, `BEARER   ${token}`]) {
      assert.deepEqual(parseBearer(header), parseOffer(`${SUBPROTOCOL}, ${token}`).token);
    }
  });

  it('RL20: is nobody in any other form', async () => {
    const token = await signToken(room, claims());
    const bare = token.slice(TOKEN_SUBPROTOCOL_PREFIX.length);
    const headers = [null, '', 'Bearer', 'Bearer ', token, `Bearer${token}`, `Basic ${token}`, `Bearer ${bare}`];
    const more = [`Bearer ${token} x`, `Bearer x ${token}`, `Bearer ${token},${token}`, ` Bearer ${token}`];
    for (const header of [...headers, ...more, `Bearer ${' '.repeat(1024)}${token}`]) {
      assert.equal(parseBearer(header), undefined, String(header).slice(0, 40));
    }
  });
});

describe('the name of a room’s object', () => {
  it('RL6: is its own for each room, and does not hold the room’s id', async () => {
    const name = await objectName(room.roomId);
    assert.equal(name, await objectName(room.roomId));
    assert.notEqual(name, await objectName(stranger.roomId));
    const bytes = fromBase64Url(name);
    assert.equal(bytes?.length, 32);
    assert.ok(!name.includes(room.roomId.slice(2, 18)));
  });
});
