import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toBase64Url } from '../../src/engine/protocol/bytes.ts';
import {
  formatRoomSecret,
  isRoomName,
  parseFragment,
  parseRoomSecret,
  roomSecretFromBytes,
  withFragmentRoom,
} from '../../src/engine/protocol/invite.ts';
import type { RoomSecret } from '../../src/engine/protocol/invite.ts';
import { fuzzParser } from '../helpers/fuzz.ts';

const secret = new Uint8Array(32).fill(1);
const pkHost = new Uint8Array(32).fill(2);
const hostSeed = new Uint8Array(32).fill(3);
const GUEST: RoomSecret = { secret, pkHost };
const HOST: RoomSecret = { secret, pkHost, hostSeed };
const GUEST_TEXT = formatRoomSecret(GUEST);

describe('the secret of a room', () => {
  it('reads back in its form for guests and in that for the host', () => {
    assert.deepEqual(parseRoomSecret(GUEST_TEXT), GUEST);
    assert.deepEqual(parseRoomSecret(formatRoomSecret(HOST, true)), HOST);
    assert.equal(formatRoomSecret(GUEST, true), GUEST_TEXT);
  });

  it("never has the host's seed in a guest's form", () => {
    assert.equal(formatRoomSecret(HOST), GUEST_TEXT);
    assert.ok(!formatRoomSecret(HOST).includes(toBase64Url(hostSeed).slice(0, 16)));
    assert.ok(!withFragmentRoom('', HOST).includes(toBase64Url(hostSeed).slice(0, 16)));
  });

  it('alone is a room without host tools', () => {
    assert.deepEqual(parseRoomSecret(toBase64Url(secret)), { secret, pkHost: new Uint8Array(32) });
  });

  it('is refused with any other length, in another spelling, and all zero', () => {
    for (let length = 0; length <= 130; length++) {
      const isKnown = [32, 64, 96].includes(length);
      assert.equal(roomSecretFromBytes(new Uint8Array(length).fill(7)) !== undefined, isKnown, `${length} bytes`);
    }
    assert.equal(parseRoomSecret(`${GUEST_TEXT}=`), undefined);
    assert.equal(parseRoomSecret(`${GUEST_TEXT} `), undefined);
    assert.equal(parseRoomSecret(encodeURIComponent(`${GUEST_TEXT}/`)), undefined);
    assert.equal(roomSecretFromBytes(new Uint8Array(64).fill(5, 32)), undefined);
  });

  it('is a copy: the bytes given may be wiped', () => {
    const bytes = new Uint8Array(96).fill(9);
    const room = roomSecretFromBytes(bytes)!;
    bytes.fill(0);
    assert.deepEqual([room.secret[0], room.pkHost[0], room.hostSeed?.[0]], [9, 9, 9]);
  });

  it('fuzz: is taken only in the form in which it is written', () => {
    const samples = [GUEST_TEXT, formatRoomSecret(HOST, true), toBase64Url(secret)];
    fuzzParser({ samples, parse: parseRoomSecret, format: (room) => formatRoomSecret(room, true) });
  });
});

describe("a room's name", () => {
  it('is 1 to 64 letters, digits, dots, underscores or hyphens', () => {
    for (const name of ['a', 'Team-7_b.c', 'x'.repeat(64), '__proto__']) assert.ok(isRoomName(name), name);
    for (const name of ['', 'x'.repeat(65), 'a b', 'é', 'a=b', 'a&b', 'a\n', 'a/b', '%41']) {
      assert.ok(!isRoomName(name), name);
    }
  });
});

describe("a room's entry in a fragment", () => {
  it('is found with and without the hash, and among entries of the page', () => {
    for (const fragment of [`#tai=${GUEST_TEXT}`, `tai=${GUEST_TEXT}`, `#top&tai=${GUEST_TEXT}&x=1`]) {
      assert.deepEqual(parseFragment(fragment), { type: 'room', room: GUEST });
    }
  });

  it('is that of its name only', () => {
    const fragment = `#tai.team=${GUEST_TEXT}`;
    assert.deepEqual(parseFragment(fragment, 'team'), { type: 'room', room: GUEST });
    assert.deepEqual(parseFragment(fragment), { type: 'none' });
    assert.deepEqual(parseFragment(fragment, 'tea'), { type: 'none' });
    assert.deepEqual(parseFragment(fragment, 'teams'), { type: 'none' });
    assert.deepEqual(parseFragment(`#tai=${GUEST_TEXT}`, 'team'), { type: 'none' });
  });

  it('is invalid where it is damaged, never absent', () => {
    for (const text of ['', GUEST_TEXT.slice(0, -1), `${GUEST_TEXT}A`, `${GUEST_TEXT}%20`, 'x']) {
      assert.deepEqual(parseFragment(`#tai=${text}`), { type: 'invalid' }, text);
    }
  });

  it('is none in a fragment of the page', () => {
    for (const fragment of ['', '#', '#top', '#tail', '#xtai=1', '&&&', '#tai.=1']) {
      assert.deepEqual(parseFragment(fragment), { type: 'none' }, fragment);
    }
  });

  it('LK4: is damaged, not missing, where its sign was lost or written otherwise', () => {
    for (const fragment of ['#tai', '#tai=', '#tai=x', '#x&tai', '#tai%3D', `#tai=${GUEST_TEXT}.`]) {
      assert.deepEqual(parseFragment(fragment), { type: 'invalid' }, fragment);
    }
    for (const fragment of [`#tai%3D${GUEST_TEXT}`, `#tai%3d${GUEST_TEXT}`]) {
      assert.equal(parseFragment(fragment).type, 'room', fragment);
    }
    assert.deepEqual(parseFragment('#tai.support', 'support'), { type: 'invalid' });
    assert.equal(parseFragment(`#tai.support%3D${GUEST_TEXT}`, 'support').type, 'room');
    assert.deepEqual(parseFragment(`#tai.support%3D${GUEST_TEXT}`), { type: 'none' });
  });

  it('is set beside the others, which stay as they are', () => {
    assert.equal(withFragmentRoom('', GUEST), `#tai=${GUEST_TEXT}`);
    assert.equal(withFragmentRoom('#', GUEST), `#tai=${GUEST_TEXT}`);
    assert.equal(withFragmentRoom('#top&x=%20', GUEST), `#top&x=%20&tai=${GUEST_TEXT}`);
    assert.equal(withFragmentRoom('#tai=old&y', GUEST), `#y&tai=${GUEST_TEXT}`);
    const two = withFragmentRoom(withFragmentRoom('#tai=a&tai=b', GUEST), GUEST, 'team');
    assert.equal(two, `#tai=${GUEST_TEXT}&tai.team=${GUEST_TEXT}`);
  });

  it('fuzz: is none, invalid, or reads back', () => {
    fuzzParser({
      samples: [`#tai=${GUEST_TEXT}`, `#top&tai=${GUEST_TEXT}&x=1`, `#tai=${formatRoomSecret(HOST, true)}`],
      parse: (text) => {
        const found = parseFragment(text);
        return found.type === 'room' ? found.room : undefined;
      },
      format: (room) =>
        withFragmentRoom('#a&tai=x', room).replace(formatRoomSecret(room), formatRoomSecret(room, true)),
    });
  });
});
