/** What the relay reads from its operator and from its own sleep: ICE servers, attachments. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ATTACHMENT_BYTES, formatAttachment, parseAttachment } from '../../relay-worker/attachment.ts';
import { parseIceServers } from '../../relay-worker/ice.ts';
import { PEERS_CEILING } from '../../relay-worker/limits.ts';
import { RELAY_TEXT_MAX, formatResult } from '../../src/engine/protocol/relay.ts';
import { ALICE, ROOM } from '../helpers/samples.ts';

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
  const attachment = { roomId: ROOM, peerId: ALICE, joinNumber: 2 ** 48 - 1, admittedMs: 1_800_000_000_000 };

  it('reads back, is binary, and leaves room for what is to come', () => {
    const bytes = formatAttachment(attachment);
    assert.deepEqual(parseAttachment(bytes), attachment);
    assert.equal(bytes.length, ATTACHMENT_BYTES);
    assert.ok(ATTACHMENT_BYTES < 64);
  });

  it('is refused in another version, length or form', () => {
    const good = formatAttachment(attachment);
    const other = good.slice();
    other[0] = 1;
    for (const bad of [null, undefined, '', {}, [...good], good.buffer, other, good.slice(1), new Uint8Array(200)]) {
      assert.equal(parseAttachment(bad), undefined);
    }
  });
});
