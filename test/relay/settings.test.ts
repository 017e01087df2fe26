/** What the relay reads from its operator and from its own sleep: ICE servers, attachments. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { serialize } from 'node:v8';
import {
  ATTACHMENT_MAX_BYTES,
  ATTACHMENT_MIN_BYTES,
  formatAttachment,
  parseAttachment,
} from '../../relay-worker/attachment.ts';
import type { Attachment } from '../../relay-worker/attachment.ts';
import { EMPTY_SHELF } from '../../relay-worker/bundle-shelf.ts';
import { parseIceServers } from '../../relay-worker/ice.ts';
import { OPEN_RECORD } from '../../relay-worker/door-book.ts';
import { ABSENT_MAX, HANDED_PEERS_MAX, KICKED_MAX, PEERS_CEILING } from '../../relay-worker/limits.ts';
import {
  BUNDLE_HEAD_MAX_BYTES,
  ONE_TIME_BLOBS_MAX,
  ONE_TIME_BLOB_MAX_BYTES,
} from '../../src/engine/protocol/bundle.ts';
import { uintBytes } from '../../src/engine/protocol/bytes.ts';
import { peerIdFromBytes } from '../../src/engine/protocol/ids.ts';
import { RELAY_TEXT_MAX, formatResult } from '../../src/engine/protocol/relay.ts';
import { Random } from '../helpers/random.ts';
import { ALICE, BOB, CAROL, ROOM, peerIdOf } from '../helpers/samples.ts';

const STUN = { urls: ['stun:stun.example:3478'] };
const TURN = { urls: ['turn:turn.example', 'turns:turn.example:443'], username: 'u', credential: 'c' };

describe('the ICE_SERVERS setting', () => {
  it('is JSON text of a list, or the list itself, or a single server', () => {
    assert.deepEqual(parseIceServers(JSON.stringify([STUN, TURN])), [STUN, TURN]);
    assert.deepEqual(parseIceServers([TURN]), [TURN]);
    assert.deepEqual(parseIceServers('{"urls":"stun:stun.example:3478"}'), [STUN]);
  });

  it('loses its bad entries and keeps the good ones', () => {
    const open = { urls: 'turn:turn.example' };
    const entries = [null, 'stun:x', { urls: [] }, { urls: 'https://x' }, open, STUN, { urls: ['stun:a', 7] }];
    assert.deepEqual(parseIceServers(JSON.stringify(entries)), [STUN]);
  });

  it('is none where it is missing or unreadable', () => {
    const settings = [undefined, null, '', '[', 'stun:x', '7', true];
    for (const setting of settings) assert.deepEqual(parseIceServers(setting), []);
  });

  it('lists no more than a client reads', () => {
    assert.equal(parseIceServers(Array.from({ length: 40 }, () => STUN)).length, 16);
  });

  it('RL15: lists no more than a welcome to the fullest room has room for', () => {
    const name = (i: number): string => `${'a'.repeat(60)}.`.repeat(4) + `h${i}`;
    const urls = Array.from({ length: 16 }, (_, i) => `turns:${name(i)}:443?transport=tcp`);
    const credential = '\u0000'.repeat(1024);
    const servers = parseIceServers(
      Array.from({ length: 16 }, () => ({ urls, username: 'u'.repeat(509), credential })),
    );
    assert.ok(servers.length > 1 && servers.length < 16);
    const peers = Array.from({ length: PEERS_CEILING }, () => ({ peer_id: ALICE, join_number: 2 ** 48 }));
    const welcome = { room_id: ROOM, peer_id: ALICE, join_number: 2 ** 48, ep: 'x'.repeat(12), peers };
    const text = formatResult('\u0000'.repeat(64), { ...welcome, ice_servers: servers });
    assert.ok(text.length <= RELAY_TEXT_MAX, `${text.length}`);
  });
});

describe('RL6: the attachment of a socket', () => {
  const random = new Random(3);
  const place = {
    roomId: ROOM,
    peerId: ALICE,
    joinNumber: 2 ** 48 - 1,
    admittedMs: 1_800_000_000_000,
    proof: random.bytes(16),
    pkHost: random.bytes(32),
    isHost: false,
    waiting: undefined,
    record: OPEN_RECORD,
  };
  const small: Attachment = { ...place, shelf: EMPTY_SHELF };
  const outside: Attachment = {
    ...small,
    waiting: { note: random.bytes(384) },
    record: { door: 'knock', kicked: [CAROL], absent: [{ peerId: BOB, proof: random.bytes(16) }] },
  };
  const silent: Attachment = { ...outside, waiting: { note: undefined } };
  const usual: Attachment = {
    ...place,
    shelf: {
      hasPublished: true,
      bundle: { head: random.bytes(1570), oneTime: [random.bytes(1313), random.bytes(1), random.bytes(300)] },
      handedTo: [BOB, CAROL],
    },
  };
  const biggest: Attachment = {
    ...place,
    isHost: true,
    record: {
      door: 'locked',
      kicked: Array.from({ length: KICKED_MAX }, (_, n) => peerIdOf(n + 1)),
      absent: Array.from({ length: ABSENT_MAX }, (_, n) => ({ peerId: peerIdOf(n + 1), proof: random.bytes(16) })),
    },
    shelf: {
      hasPublished: true,
      bundle: {
        head: random.bytes(BUNDLE_HEAD_MAX_BYTES),
        oneTime: Array.from({ length: ONE_TIME_BLOBS_MAX }, () => random.bytes(ONE_TIME_BLOB_MAX_BYTES)),
      },
      handedTo: Array.from({ length: HANDED_PEERS_MAX }, (_, n) => peerIdFromBytes(uintBytes(n, 16)) ?? ALICE),
    },
  };
  const emptied: Attachment = {
    ...place,
    shelf: { hasPublished: true, bundle: { head: random.bytes(1), oneTime: [] }, handedTo: [BOB] },
  };

  it('reads back, without a bundle and with any', () => {
    for (const attachment of [small, usual, biggest, emptied, outside, silent]) {
      assert.deepEqual(parseAttachment(formatAttachment(attachment)), attachment);
    }
  });

  it('LM10: is never longer than what the platform keeps, its own wrapping included', () => {
    assert.equal(formatAttachment(small).length, ATTACHMENT_MIN_BYTES);
    const bytes = formatAttachment(biggest);
    assert.equal(bytes.length, ATTACHMENT_MAX_BYTES);
    // The platform serialises as `node:v8` does.
    assert.ok(serialize(bytes).length <= 16_384, `${serialize(bytes).length}`);
  });

  it('is refused in another version, form or length', () => {
    const good = formatAttachment(small);
    const other = good.slice();
    other[0] = 3;
    for (const bad of [null, undefined, '', {}, [...good], good.buffer, other, good.slice(1), new Uint8Array(200)]) {
      assert.equal(parseAttachment(bad), undefined);
    }
    for (const attachment of [small, usual, emptied, outside]) {
      const whole = formatAttachment(attachment);
      assert.equal(parseAttachment(Uint8Array.from([...whole, 0])), undefined);
      for (let length = 0; length < whole.length; length++) {
        assert.equal(parseAttachment(whole.slice(0, length)), undefined, `cut to ${length}`);
      }
    }
  });
});
