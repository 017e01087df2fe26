import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { idBytes, parsePeerId, parseRoomId, peerIdFromBytes, roomIdFromBytes } from '../../src/engine/protocol/ids.ts';
import { fuzzParser } from '../helpers/fuzz.ts';

const room = `0x${'0f'.repeat(32)}`;
const peer = `0x${'a9'.repeat(16)}`;

describe('ID1: a room id', () => {
  it('is 32 bytes behind 0x, there and back', () => {
    assert.equal(parseRoomId(room), room);
    assert.deepEqual(idBytes(parseRoomId(room)!), new Uint8Array(32).fill(0x0f));
    assert.equal(roomIdFromBytes(new Uint8Array(32).fill(0x0f)), room);
  });

  it('is refused in capitals, without 0x, with another length or a line break', () => {
    for (const bad of [
      room.toUpperCase(),
      room.replace('f', 'F'),
      room.slice(2),
      `${room}00`,
      room.slice(0, -2),
      `${room}\n`,
    ]) {
      assert.equal(parseRoomId(bad), undefined, JSON.stringify(bad));
    }
    assert.equal(parseRoomId(`${room.slice(0, -1)}\n`), undefined);
    assert.equal(parseRoomId(peer), undefined);
    assert.equal(roomIdFromBytes(new Uint8Array(31)), undefined);
    assert.equal(roomIdFromBytes(new Uint8Array(33)), undefined);
  });

  it('is refused where it is no string', () => {
    for (const bad of [undefined, null, 7, [room], { toString: () => room }, new String(room)]) {
      assert.equal(parseRoomId(bad), undefined);
    }
  });

  it('fuzz: is taken as it is or not at all', () => {
    fuzzParser({ samples: [room], parse: parseRoomId, format: (id) => id });
  });
});

describe('ID2: a peer id', () => {
  it('is 16 bytes behind 0x, there and back', () => {
    assert.equal(parsePeerId(peer), peer);
    assert.deepEqual(idBytes(parsePeerId(peer)!), new Uint8Array(16).fill(0xa9));
    assert.equal(peerIdFromBytes(new Uint8Array(16).fill(0xa9)), peer);
  });

  it('is refused with another length or spelling', () => {
    for (const bad of [room, peer.toUpperCase(), peer.slice(2), `${peer}0`, 16, undefined]) {
      assert.equal(parsePeerId(bad), undefined);
    }
    assert.equal(peerIdFromBytes(new Uint8Array(15)), undefined);
  });

  it('fuzz: is taken as it is or not at all', () => {
    fuzzParser({ samples: [peer], parse: parsePeerId, format: (id) => id });
  });
});
