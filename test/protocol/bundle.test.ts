/** RL16–RL18, LM10: bundles as they are written and read; the relay's part in them is tested in test/relay. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  BUNDLE_HEAD_MAX_BYTES,
  ONE_TIME_BLOBS_MAX,
  ONE_TIME_BLOB_MAX_BYTES,
  blobBytes,
} from '../../src/engine/protocol/bundle.ts';
import { toBase64Url } from '../../src/engine/protocol/bytes.ts';
import {
  RELAY_TEXT_MAX,
  formatNotification,
  formatRequest,
  formatResult,
  parseClientText,
  parseHandedBundle,
  parseRelayText,
  parseWelcome,
} from '../../src/engine/protocol/relay.ts';
import type { HandedBundle, SealedBundle } from '../../src/engine/protocol/relay.ts';
import { fuzzParser } from '../helpers/fuzz.ts';
import { BOB, ROOM, WELCOME } from '../helpers/samples.ts';

function blob(bytes: number): string {
  return toBase64Url(new Uint8Array(bytes).fill(0xff));
}

const BIGGEST: SealedBundle = {
  head: blob(BUNDLE_HEAD_MAX_BYTES),
  one_time: Array.from({ length: ONE_TIME_BLOBS_MAX }, () => blob(ONE_TIME_BLOB_MAX_BYTES)),
};
/** Empty, padded, no base64url, of a length that no bytes have, with bits left over, no text. */
const BAD_BLOBS: readonly unknown[] = ['', 'AA==', 'A A', 'A+', 'A\n', 'AAAAA', 'AB', null, 7, ['AA'], { length: 2 }];

function readPublication(params: object): ReturnType<typeof parseClientText> {
  return parseClientText(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'publish_bundle', params }));
}

describe('a bundle that is published', () => {
  it('LM10: has up to 3,072 bytes of head and 8 one-time blobs of 1,400, and then fits into one message', () => {
    const params = { room_id: ROOM, peer_id: BOB, ...BIGGEST };
    const text = formatRequest({ method: 'exchange_bundles', params }, 'x'.repeat(64));
    assert.ok(text.length <= RELAY_TEXT_MAX);
    const parsed = parseClientText(text);
    assert.ok(parsed.type === 'request');
    assert.deepEqual(parsed.request, { method: 'exchange_bundles', params });
    assert.deepEqual([BUNDLE_HEAD_MAX_BYTES, ONE_TIME_BLOBS_MAX, ONE_TIME_BLOB_MAX_BYTES], [3072, 8, 1400]);
  });

  it('LM10: is refused when it is one byte or one blob bigger', () => {
    const fault = { type: 'fault', id: 1, reason: 'invalid-params' };
    const { head, one_time } = BIGGEST;
    const tooBig: readonly object[] = [
      { head: blob(BUNDLE_HEAD_MAX_BYTES + 1), one_time },
      { head, one_time: [blob(ONE_TIME_BLOB_MAX_BYTES + 1)] },
      { head, one_time: [...one_time, 'AA'] },
    ];
    for (const bundle of tooBig) assert.deepEqual(readPublication({ room_id: ROOM, ...bundle }), fault);
    assert.equal(readPublication({ room_id: ROOM, ...BIGGEST }).type, 'request');
  });

  it('is refused for any blob that is not exactly what the encoder would have written', () => {
    const fault = { type: 'fault', id: 1, reason: 'invalid-params' };
    for (const bad of BAD_BLOBS) {
      const told = JSON.stringify(bad);
      assert.deepEqual(readPublication({ room_id: ROOM, head: bad, one_time: [] }), fault, told);
      assert.deepEqual(readPublication({ room_id: ROOM, head: 'AA', one_time: ['AA', bad] }), fault, told);
    }
    for (const one_time of [undefined, null, 'AA', {}, { 0: 'AA', length: 1 }]) {
      assert.deepEqual(readPublication({ room_id: ROOM, head: 'AA', one_time }), fault);
    }
  });

  it('is refused, as every question about bundles, for a bad room or peer', () => {
    const bundle = { head: 'AA', one_time: [] };
    const bad: readonly (readonly [string, object])[] = [
      ['publish_bundle', bundle],
      ['publish_bundle', { ...bundle, room_id: BOB }],
      ['fetch_bundle', { room_id: ROOM }],
      ['fetch_bundle', { peer_id: BOB }],
      ['fetch_bundle', { room_id: ROOM, peer_id: ROOM }],
      ['delete_bundle', {}],
      ['delete_bundle', { room_id: ROOM.toUpperCase() }],
      ['exchange_bundles', { ...bundle, room_id: ROOM }],
      ['exchange_bundles', { ...bundle, peer_id: BOB }],
      ['exchange_bundles', { room_id: ROOM, peer_id: BOB }],
      ['exchange_bundles', { room_id: ROOM, peer_id: BOB, head: 'AA' }],
    ];
    for (const [method, params] of bad) {
      const text = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
      assert.deepEqual(parseClientText(text), { type: 'fault', id: 1, reason: 'invalid-params' }, text);
    }
  });

  it('has bytes, of every length', () => {
    for (const length of [1, 2, 3, 4, ONE_TIME_BLOB_MAX_BYTES, BUNDLE_HEAD_MAX_BYTES]) {
      assert.deepEqual(blobBytes(blob(length)), new Uint8Array(length).fill(0xff));
    }
  });
});

describe('a bundle that is handed out', () => {
  const handed: HandedBundle = { head: 'AAEC', one_time: 'AwQF' };

  it('reads back from the result of a question, with a one-time blob or without', () => {
    for (const bundle of [handed, { head: 'AAEC' }]) {
      const message = parseRelayText(formatResult(3, { peer_id: BOB, ...bundle }));
      assert.ok(message?.type === 'result');
      assert.deepEqual(parseHandedBundle(message.result), bundle);
    }
  });

  it('is refused for anything else', () => {
    for (const bad of [undefined, null, 'AA', [handed], {}, { one_time: 'AA' }]) {
      assert.equal(parseHandedBundle(bad), undefined);
    }
    for (const bad of BAD_BLOBS) {
      assert.equal(parseHandedBundle({ ...handed, head: bad }), undefined, JSON.stringify(bad));
      assert.equal(parseHandedBundle({ ...handed, one_time: bad }), undefined, JSON.stringify(bad));
    }
    assert.equal(parseHandedBundle({ head: blob(BUNDLE_HEAD_MAX_BYTES + 1) }), undefined);
    assert.equal(parseHandedBundle({ head: 'AA', one_time: blob(ONE_TIME_BLOB_MAX_BYTES + 1) }), undefined);
  });

  it('RL17: comes in a welcome; one that is malformed is left out and takes nobody with it', () => {
    const [bob, carol] = WELCOME.peers as [(typeof WELCOME.peers)[0], (typeof WELCOME.peers)[0]];
    const { bundle, ...place } = bob;
    assert.ok(bundle);
    for (const bad of [null, 7, [bundle], {}, { head: 'AB' }, { ...bundle, one_time: '' }]) {
      const read = parseWelcome({ ...WELCOME, peers: [{ ...place, bundle: bad }, carol] });
      assert.deepEqual(read, { ...WELCOME, peers: [place, carol] });
    }
    const text = formatNotification({ method: 'welcome', params: WELCOME });
    assert.deepEqual(parseRelayText(text), { type: 'notification', method: 'welcome', params: WELCOME });
    assert.equal(parseWelcome({ ...WELCOME, peers: [{ bundle }] }), undefined, 'a bundle makes no place');
  });

  it('fuzz: is refused, or taken the same way again', () => {
    fuzzParser({
      samples: [JSON.stringify(handed), JSON.stringify({ head: 'AAEC' }), JSON.stringify({ peer_id: BOB, ...handed })],
      parse: (text) => {
        try {
          return parseHandedBundle(JSON.parse(text));
        } catch (error) {
          if (error instanceof SyntaxError) return undefined;
          throw error;
        }
      },
      format: (bundle) => JSON.stringify(bundle),
    });
  });
});
