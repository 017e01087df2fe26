/** MB1–MB6: calls to mailboxes and the passes they are made with, as they are written and read. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PADDING_BUCKETS_BYTES } from '../../src/engine/crypto/padding.ts';
import { ROOM_SEAL_BYTES } from '../../src/engine/crypto/room-seal.ts';
import { toBase64Url } from '../../src/engine/protocol/bytes.ts';
import {
  MAIL_BLOBS_MAX,
  MAIL_BLOB_MAX_BYTES,
  MAIL_BLOB_SIZES_BYTES,
  MAIL_ROLES,
  MAIL_TTL_MAX_S,
  formatMailRequest,
  parseMailList,
  parseMailText,
} from '../../src/engine/protocol/mailbox.ts';
import type { MailRequest } from '../../src/engine/protocol/mailbox.ts';
import {
  MAIL_PASS_BYTES,
  MAIL_PASS_PREFIX,
  formatMailPass,
  mailAddressPreimage,
  mailPassSigningBytes,
  parseMailPass,
} from '../../src/engine/protocol/mailbox-pass.ts';
import type { MailPass } from '../../src/engine/protocol/mailbox-pass.ts';
import { RELAY_TEXT_MAX, readCall } from '../../src/engine/protocol/relay.ts';
import { fuzzParser } from '../helpers/fuzz.ts';
import { blobOf } from '../helpers/mail.ts';

const ID = toBase64Url(new Uint8Array(16).fill(7));
const REQUESTS: readonly MailRequest[] = [
  { method: 'mailbox_put', params: { blob: blobOf(1) } },
  { method: 'mailbox_put', params: { blob: blobOf(2, 3), ttl_s: 60 } },
  { method: 'mailbox_list', params: {} },
  { method: 'mailbox_list', params: { after: ID } },
  { method: 'mailbox_ack', params: { ids: [ID, ID] } },
  { method: 'mailbox_publish_bundle', params: { head: 'AQID', one_time: ['AQ', 'Ag'], ttl_s: MAIL_TTL_MAX_S } },
  { method: 'mailbox_fetch_bundle', params: {} },
  { method: 'mailbox_delete', params: {} },
];

const PASS: MailPass = {
  role: 'take',
  pkPut: new Uint8Array(32).fill(1),
  pkTake: new Uint8Array(32).fill(2),
  iatS: 1_800_000_000,
  expS: 1_800_000_060,
  nonce: new Uint8Array(16).fill(3),
  bodyHash: new Uint8Array(32).fill(4),
};
const SIGNATURE = new Uint8Array(64).fill(5);

function read(method: string, params: unknown): ReturnType<typeof parseMailText> {
  return parseMailText(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
}

describe('a call to a mailbox', () => {
  it('MB1: reads back, every method, with an id and without', () => {
    for (const request of REQUESTS) {
      assert.deepEqual(parseMailText(formatMailRequest(request, 'x')), { type: 'request', id: 'x', request });
      assert.deepEqual(parseMailText(formatMailRequest(request)), { type: 'request', id: undefined, request });
    }
    assert.deepEqual([...new Set(REQUESTS.map(({ method }) => method))].toSorted(), Object.keys(MAIL_ROLES).toSorted());
  });

  it('MB6: has a blob of one of four sizes, which are those of padded and sealed bodies', () => {
    assert.deepEqual(
      MAIL_BLOB_SIZES_BYTES,
      PADDING_BUCKETS_BYTES.map((bytes) => bytes + ROOM_SEAL_BYTES),
    );
    assert.equal(MAIL_BLOB_MAX_BYTES, Math.max(...MAIL_BLOB_SIZES_BYTES));
    for (const size of MAIL_BLOB_SIZES_BYTES) {
      for (const off of [-1, 1]) {
        const blob = toBase64Url(new Uint8Array(size + off));
        assert.equal(read('mailbox_put', { blob }).type, 'fault', `${size + off}`);
      }
    }
    const largest = formatMailRequest(
      { method: 'mailbox_put', params: { blob: blobOf(0, 3), ttl_s: 1 } },
      'x'.repeat(64),
    );
    assert.ok(largest.length <= RELAY_TEXT_MAX);
  });

  it('MB1, RL11: that is none is refused by a reason of the closed set', () => {
    const bad: readonly (readonly [string, unknown])[] = [
      ['mailbox_put', {}],
      ['mailbox_put', { blob: `${blobOf(1)}=` }],
      ['mailbox_put', { blob: blobOf(1), ttl_s: 0 }],
      ['mailbox_put', { blob: blobOf(1), ttl_s: MAIL_TTL_MAX_S + 1 }],
      ['mailbox_put', { blob: blobOf(1), ttl_s: 1.5 }],
      ['mailbox_put', { blob: blobOf(1), ttl_s: '60' }],
      ['mailbox_put', [blobOf(1)]],
      ['mailbox_list', { after: '' }],
      ['mailbox_list', { after: 7 }],
      ['mailbox_list', { after: `${ID}A` }],
      ['mailbox_list', undefined],
      ['mailbox_ack', {}],
      ['mailbox_ack', { ids: [ID, 'x'] }],
      ['mailbox_ack', { ids: Array.from({ length: MAIL_BLOBS_MAX + 1 }, () => ID) }],
      ['mailbox_publish_bundle', { head: '', one_time: [] }],
      ['mailbox_publish_bundle', { head: 'AQID', one_time: [], ttl_s: -1 }],
      ['mailbox_publish_bundle', { head: 'AQID' }],
    ];
    for (const [method, params] of bad) {
      assert.deepEqual(read(method, params), { type: 'fault', id: 1, reason: 'invalid-params' }, method);
    }
    for (const method of ['publish_bundle', 'mailbox_encrypt', 'toString', '__proto__', 'constructor']) {
      assert.deepEqual(read(method, {}), { type: 'fault', id: 1, reason: 'method-not-found' });
    }
    const call = formatMailRequest({ method: 'mailbox_delete', params: {} }, 1);
    assert.deepEqual(parseMailText(`[${call}]`), { type: 'fault', id: null, reason: 'invalid-request' });
    assert.deepEqual(parseMailText('{'), { type: 'fault', id: null, reason: 'parse-error' });
    assert.deepEqual(parseMailText(' '.repeat(RELAY_TEXT_MAX + 1)), { type: 'fault', id: null, reason: 'too-large' });
  });

  it('fuzz: whatever it is, it is read in one way or refused', () => {
    fuzzParser<MailRequest>({
      samples: REQUESTS.filter(({ method }) => method !== 'mailbox_put').map((request) =>
        formatMailRequest(request, 1),
      ),
      parse: (text) => {
        const parsed = parseMailText(text);
        return parsed.type === 'request' ? parsed.request : undefined;
      },
      format: (request) => formatMailRequest(request, 1),
    });
  });

  it('shares its reading with the relay’s other calls', () => {
    const text = '{"jsonrpc":"2.0","id":"a","method":"m","params":[1]}';
    assert.deepEqual(readCall(text), { type: 'call', id: 'a', method: 'm', params: [1] });
  });
});

describe('what a list says', () => {
  const list = { blobs: [{ id: ID, blob: blobOf(1) }], has_more: true };

  it('reads back, and whatever else stands beside it is left out', () => {
    assert.deepEqual(parseMailList({ ...list, x: 1 }), list);
    assert.deepEqual(parseMailList({ blobs: [], has_more: false }), { blobs: [], has_more: false });
  });

  it('is refused where any of it is malformed', () => {
    const bad: readonly unknown[] = [
      undefined,
      [],
      { blobs: [] },
      { has_more: true },
      { ...list, has_more: 1 },
      { ...list, blobs: [null] },
      { ...list, blobs: [{ id: ID }] },
      { ...list, blobs: [{ blob: blobOf(1) }] },
      { ...list, blobs: [{ id: 'x', blob: blobOf(1) }] },
      { ...list, blobs: [{ id: ID, blob: 'AAAA' }] },
    ];
    for (const value of bad) assert.equal(parseMailList(value), undefined);
  });
});

describe('MB3: a pass', () => {
  it('reads back, with the bytes that were signed', () => {
    for (const role of ['put', 'take'] as const) {
      const pass = { ...PASS, role };
      const parsed = parseMailPass(formatMailPass(pass, SIGNATURE));
      assert.deepEqual(parsed, { pass, signed: mailPassSigningBytes(pass), signature: SIGNATURE });
    }
    assert.equal(MAIL_PASS_BYTES, 188);
  });

  it('is signed whole: no byte of it can be another', () => {
    const text = formatMailPass(PASS, SIGNATURE);
    const seen = new Set([toBase64Url(mailPassSigningBytes(PASS))]);
    const body = new Uint8Array(Buffer.from(text.slice(MAIL_PASS_PREFIX.length), 'base64url'));
    for (let at = 0; at < MAIL_PASS_BYTES - SIGNATURE.length; at++) {
      const other = body.slice();
      other[at] = (other[at] ?? 0) ^ 3;
      const parsed = parseMailPass(MAIL_PASS_PREFIX + toBase64Url(other));
      if (at === 0) assert.equal(parsed, undefined);
      else if (at === 1) assert.equal(parsed?.pass.role, 'put');
      if (parsed) seen.add(toBase64Url(parsed.signed));
    }
    assert.equal(seen.size, MAIL_PASS_BYTES - SIGNATURE.length);
  });

  it('of another form is none', () => {
    const good = formatMailPass(PASS, SIGNATURE);
    const bytes = new Uint8Array(Buffer.from(good.slice(MAIL_PASS_PREFIX.length), 'base64url'));
    const withByte = (at: number, value: number): string => {
      const other = bytes.slice();
      other[at] = value;
      return MAIL_PASS_PREFIX + toBase64Url(other);
    };
    const bad = ['', good.slice(1), `${good}A`, `${good}AAAA`, good.slice(0, -4), `tai.token.${good.slice(9)}`];
    for (const text of [...bad, withByte(0, 2), withByte(1, 0), withByte(1, 3)])
      assert.equal(parseMailPass(text), undefined);
  });

  it('MB2: names a box by both of its keys, in their order', () => {
    const { pkPut, pkTake } = PASS;
    assert.notDeepEqual(mailAddressPreimage(pkPut, pkTake), mailAddressPreimage(pkTake, pkPut));
    assert.equal(Buffer.from(mailAddressPreimage(pkPut, pkTake)).toString('latin1', 0, 13), 'tai/1 mailbox');
  });
});
