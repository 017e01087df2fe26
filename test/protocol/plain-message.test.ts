/** RL3, the short way for `relay_message`: what it takes, the long way takes for the same. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  PAYLOAD_TEXT_MAX,
  formatNotification,
  formatRequest,
  parseClientText,
  parsePlainText,
} from '../../src/engine/protocol/relay.ts';
import type { ClientRequest } from '../../src/engine/protocol/relay.ts';
import { FUZZ_INPUTS, brokenText } from '../helpers/fuzz.ts';
import { Random } from '../helpers/random.ts';
import { ALICE, BOB, ROOM } from '../helpers/samples.ts';

const requestOf = (payload: string): ClientRequest => ({
  method: 'relay_message',
  params: { target_peer_id: BOB, room_id: ROOM, payload },
});
const SEED = 5;

/** Whitespace before it is JSON still, and none of what the short way takes. */
const byTheLongWay = (text: string): ReturnType<typeof parseClientText> => parseClientText(` ${text}`);

describe('RL3: a plain message', () => {
  it('is what our clients write, in whatever order they have it', () => {
    for (const id of [undefined, 0, 7, 999_999_999_999_999]) {
      const text = formatRequest(requestOf('abc-_09Z'), id);
      assert.deepEqual(parsePlainText(text), { type: 'request', id, request: requestOf('abc-_09Z') });
    }
    const { target_peer_id, room_id, payload } = { target_peer_id: BOB, room_id: ROOM, payload: 'abc' };
    const turned: ClientRequest = { params: { payload, room_id, target_peer_id }, method: 'relay_message' };
    assert.deepEqual(parsePlainText(formatRequest(turned)), { type: 'request', id: undefined, request: turned });
  });

  it('is no other than that', () => {
    const text = formatRequest(requestOf('abc'), 1);
    for (const other of [
      ` ${text}`,
      `${text}\n`,
      text.replace('"id":1', '"id":01'),
      text.replace('"id":1', '"id":"1"'),
    ]) {
      assert.equal(parsePlainText(other), undefined, other);
    }
    assert.equal(parsePlainText(formatRequest(requestOf(''))), undefined);
    assert.equal(parsePlainText(formatRequest(requestOf('é'))), undefined);
    assert.equal(parsePlainText(formatRequest(requestOf('A'.repeat(PAYLOAD_TEXT_MAX)))) !== undefined, true);
    assert.equal(parsePlainText(formatRequest(requestOf('A'.repeat(PAYLOAD_TEXT_MAX + 1)))), undefined);
    assert.equal(parsePlainText(formatRequest(requestOf('A'.repeat(PAYLOAD_TEXT_MAX + 2000)))), undefined);
  });

  it(`comes to the same as by JSON.parse: ${FUZZ_INPUTS} texts, seed ${SEED}`, () => {
    const random = new Random(SEED);
    const samples = [formatRequest(requestOf('abcdef')), formatRequest(requestOf('ABC-_'), 12)];
    let taken = 0;
    for (let i = 0; i < FUZZ_INPUTS; i++) {
      const text = brokenText(random, samples);
      const plain = parsePlainText(text);
      if (!plain) continue;
      taken++;
      assert.deepEqual(plain, byTheLongWay(text), `seed ${SEED}, input ${i}: ${text}`);
    }
    assert.ok(taken > FUZZ_INPUTS / 100 && taken < FUZZ_INPUTS, `${taken} were taken`);
  });

  it('is passed on as JSON.stringify would write it', () => {
    const params = { sender_peer_id: ALICE, room_id: ROOM, payload: 'abc-_', n: 12, ep: 'aB_-9' };
    const text = formatNotification({ method: 'relay_message', params });
    assert.equal(text, JSON.stringify({ jsonrpc: '2.0', method: 'relay_message', params }));
  });
});
