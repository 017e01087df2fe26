import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NAME_MAX_CHARS, cleanName, formatPeerMessage, parsePeerMessage } from '../../src/engine/protocol/peer.ts';
import { fuzzParser } from '../helpers/fuzz.ts';
import { Random } from '../helpers/random.ts';
import { PEER_MESSAGES } from '../helpers/samples.ts';

const OFFER = {
  type: 'offer',
  link: 1,
  round: 2,
  seq: 3,
  sdp: 'v=0',
  presence: { name: 'Ada', publications: [{ kind: 'camera', isMuted: false }] },
  senderKey: { generation: 1, key: 'A'.repeat(43) },
};
const CANDIDATE = { candidate: 'c', sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'u' };

function parse(value: unknown): unknown {
  return parsePeerMessage(JSON.stringify(value));
}

describe('peer messages', () => {
  for (const [i, message] of PEER_MESSAGES.entries()) {
    it(`${message.type} (sample ${i + 1}) reads back as it was written`, () => {
      assert.deepEqual(parsePeerMessage(formatPeerMessage(message)), message);
    });
  }

  it('of an unknown type, or of none, are dropped', () => {
    for (const type of ['chat', 'Offer', '', 'constructor', '__proto__', 'toString', null, 1, ['offer']]) {
      assert.equal(parse({ ...OFFER, type }), undefined);
    }
    assert.equal(parse([OFFER]), undefined);
    assert.equal(parse('leave'), undefined);
    assert.equal(parsePeerMessage('leave'), undefined);
  });

  it('lose the fields that nobody knows', () => {
    const more = {
      ...OFFER,
      extra: 1,
      presence: { ...OFFER.presence, admin: true, publications: [{ kind: 'camera', isMuted: false, x: 1 }] },
    };
    assert.deepEqual(parse(more), OFFER);
    assert.deepEqual(parse({ type: 'leave', reason: 'x' }), { type: 'leave' });
  });

  it('an offer or answer is refused for any field that is missing or out of range', () => {
    const bad: Record<string, readonly unknown[]> = {
      link: [undefined, -1, 0.5, 2 ** 32, '1', null],
      round: [undefined, -1, 0.5, 2 ** 32, '1', null],
      seq: [undefined, -1, 0.5, 2 ** 32, '1', null],
      sdp: [undefined, null, 7, 'x'.repeat(30_001)],
      presence: [undefined, null, [], {}, { name: 'Ada' }, { publications: [] }],
      senderKey: [
        undefined,
        null,
        {},
        { generation: 1 },
        { generation: 2 ** 32, key: 'A'.repeat(43) },
        { generation: 1, key: 'A'.repeat(42) },
        { generation: 1, key: 'B'.repeat(43) },
      ],
    };
    for (const type of ['offer', 'answer']) {
      for (const [field, values] of Object.entries(bad)) {
        for (const value of values) {
          assert.equal(parse({ ...OFFER, type, [field]: value }), undefined, `${field} ${String(value)}`);
        }
      }
      assert.deepEqual(parse({ ...OFFER, type, link: 2 ** 32 - 1 }), { ...OFFER, type, link: 2 ** 32 - 1 });
    }
  });

  it('FO1: numbers of first connections end far below those of standbys', () => {
    for (const [link, isTaken] of [
      [2 ** 30, true],
      [2 ** 30 + 1, false],
      [2 ** 31 - 1, false],
      [2 ** 31, true],
      [2 ** 32 - 1, true],
      [2 ** 32, false],
    ] as const) {
      const presence = { type: 'presence', link, seq: 1, presence: OFFER.presence, isAsking: false };
      for (const message of [{ ...OFFER, link }, presence, { type: 'route', link, seq: 1 }]) {
        assert.equal(parsePeerMessage(JSON.stringify(message)) !== undefined, isTaken, JSON.stringify(message));
      }
    }
  });

  it('SK2, SK3: a sender key is refused for any field that is missing or out of range', () => {
    const key = {
      type: 'e2ee_sender_key',
      link: 1,
      generation: 2,
      key: 'A'.repeat(43),
      commitment: 'A'.repeat(43),
      epoch: 0,
    };
    assert.deepEqual(parse({ ...key, more: 1 }), key);
    for (const change of [
      { link: -1 },
      { generation: 1.5 },
      { key: 'A'.repeat(44) },
      { commitment: undefined },
      { epoch: '0' },
    ]) {
      assert.equal(parse({ ...key, ...change }), undefined, JSON.stringify(change));
    }
    const ack = { type: 'e2ee_sender_key_ack', link: 1, generation: 2, isAsking: false };
    assert.deepEqual(parse({ ...ack, isAsking: 'yes' }), ack);
    assert.equal(parse({ ...ack, link: undefined }), undefined);
    assert.equal(parse({ ...ack, generation: 2 ** 32 }), undefined);
  });

  it('a presence is refused for a name or publication that is none', () => {
    const presence = (value: unknown): unknown => parse({ type: 'presence', link: 1, seq: 1, presence: value });
    const bad: readonly unknown[] = [
      { name: 'x'.repeat(65), publications: [] },
      { name: 1, publications: [] },
      { name: '', publications: {} },
      { name: '', publications: [{ kind: 'screen', isMuted: false }] },
      { name: '', publications: [{ kind: 'constructor', isMuted: false }] },
      { name: '', publications: [{ kind: 'camera' }] },
      { name: '', publications: [{ kind: 'camera', isMuted: 0 }] },
      { name: '', publications: [null] },
      { name: '', publications: Array.from({ length: 9 }, () => ({ kind: 'camera', isMuted: true })) },
    ];
    for (const value of bad) assert.equal(presence(value), undefined, JSON.stringify(value));
    for (const count of [undefined, -1, 2 ** 32]) {
      const good = { type: 'presence', link: 1, seq: 1, presence: { name: '', publications: [] } };
      assert.ok(parse(good));
      assert.equal(parse({ ...good, link: count }), undefined);
      assert.equal(parse({ ...good, seq: count }), undefined, 'PM11');
    }
  });

  it('PR10: a presence says that its sender hides with a plain true, and else says nothing of it', () => {
    const presence = { name: 'Ada', publications: [] };
    const read = (isPrivate: unknown): unknown =>
      (parse({ type: 'presence', link: 1, seq: 1, presence: { ...presence, isPrivate } }) as { presence: unknown })
        .presence;
    assert.deepEqual(read(true), { ...presence, isPrivate: true });
    // by who does not know of it, too
    for (const value of [undefined, false, 1, 'true', null, {}]) assert.deepEqual(read(value), presence);
  });

  it('a presence asks only with a plain true', () => {
    for (const isAsking of [undefined, null, 1, 'true', false]) {
      const presence = { name: '', publications: [] };
      assert.deepEqual(parse({ type: 'presence', link: 1, seq: 1, presence, isAsking }), {
        type: 'presence',
        link: 1,
        seq: 1,
        presence,
        isAsking: false,
      });
    }
  });

  it('PM11: a roster is refused without a number, or for a member or MAC that is none', () => {
    const member = { peerId: `0x${'ab'.repeat(16)}`, certificate: 'A'.repeat(43) };
    const good = { type: 'roster', seq: 0, members: [member], mac: 'A'.repeat(43), isAsking: false };
    assert.deepEqual(parse(good), good);
    for (const seq of [undefined, -1, 0.5, 2 ** 32, '1', null]) assert.equal(parse({ ...good, seq }), undefined);
    assert.equal(parse({ ...good, mac: 'A' }), undefined);
    assert.equal(parse({ ...good, members: [{ ...member, peerId: '0x' }] }), undefined);
  });

  it('candidates are refused for their number, length or one bad entry', () => {
    const candidates = (...list: readonly unknown[]): unknown =>
      parse({ type: 'candidates', link: 1, candidates: list });
    assert.deepEqual(candidates(CANDIDATE), { type: 'candidates', link: 1, candidates: [CANDIDATE] });
    assert.equal(candidates(...Array.from({ length: 65 }, () => CANDIDATE)), undefined);
    assert.equal(candidates(CANDIDATE, null), undefined);
    assert.equal(candidates({ ...CANDIDATE, candidate: 'x'.repeat(513) }), undefined);
    assert.equal(candidates({ ...CANDIDATE, sdpMLineIndex: -1 }), undefined);
    assert.equal(candidates({ ...CANDIDATE, sdpMLineIndex: 256 }), undefined);
    assert.equal(parse({ type: 'candidates', link: -1, candidates: [] }), undefined);
    assert.equal(parse({ type: 'candidates', link: 1 }), undefined);
  });

  it('a candidate without a readable mid or fragment has null there', () => {
    const bare = { candidate: '', sdpMLineIndex: null };
    const read = { ...bare, sdpMid: null, usernameFragment: null };
    assert.deepEqual(parse({ type: 'candidates', link: 1, candidates: [bare] }), {
      type: 'candidates',
      link: 1,
      candidates: [read],
    });
    const long = { ...bare, sdpMid: 'x'.repeat(257), usernameFragment: 5 };
    assert.deepEqual(parse({ type: 'candidates', link: 1, candidates: [long] }), {
      type: 'candidates',
      link: 1,
      candidates: [read],
    });
  });

  it('with `__proto__` in them change no prototype', () => {
    const text =
      '{"type":"presence","link":1,"seq":1,"presence":{"name":"x","publications":[],"__proto__":{"isEvil":true}},"__proto__":{"type":"leave"}}';
    const presence = { name: 'x', publications: [] };
    assert.deepEqual(parsePeerMessage(text), { type: 'presence', link: 1, seq: 1, presence, isAsking: false });
    assert.equal(parsePeerMessage('{"__proto__":{"type":"leave"}}'), undefined);
    assert.equal('isEvil' in {}, false);
  });

  it('fuzz: are dropped, or taken the same way again', () => {
    fuzzParser({
      samples: PEER_MESSAGES.map((message) => formatPeerMessage(message)),
      parse: parsePeerMessage,
      format: formatPeerMessage,
    });
  });
});

describe('a shown name', () => {
  it('is one line without control or bidirectional characters', () => {
    assert.equal(cleanName('  Ada\tLove\u2028lace\n'), 'Ada Love lace');
    assert.equal(cleanName('Ada\u202egnp.exe\u2066\u200b\u0000'), 'Ada gnp.exe');
    assert.equal(cleanName('Łukasz 李 🦆'), 'Łukasz 李 🦆');
    assert.equal(cleanName('\u0000\u202e'), '');
  });

  it('has at most 64 units, ends in no space and in no half of a character', () => {
    assert.equal(cleanName('x'.repeat(100)), 'x'.repeat(NAME_MAX_CHARS));
    assert.equal(cleanName(`${'x'.repeat(63)} yz`), 'x'.repeat(63));
    assert.equal(cleanName(`${'x'.repeat(63)}🦆`), 'x'.repeat(63));
    assert.equal(cleanName(`${'x'.repeat(62)} 🦆`), 'x'.repeat(62));
    assert.equal(cleanName(`${'x'.repeat(62)}🦆`), `${'x'.repeat(62)}🦆`);
  });

  it('fuzz: is the same when it is cleaned again, as the peer that reads it does', () => {
    const random = new Random(5);
    const characters = [
      'a',
      ' ',
      '🦆',
      '\ud83e',
      '\udd86',
      '\u202e',
      '\n',
      '\u0301',
      '\u00a0',
      '\u2029',
      'é',
      '\u200d',
    ];
    for (let i = 0; i < 20_000; i++) {
      const name = Array.from({ length: random.below(90) }, () => random.pick(characters)).join('');
      const clean = cleanName(name);
      assert.equal(cleanName(clean), clean, JSON.stringify(name));
      assert.ok(clean.length <= NAME_MAX_CHARS);
      const message = {
        type: 'presence',
        link: 1,
        seq: 1,
        presence: { name: clean, publications: [] },
        isAsking: false,
      } as const;
      assert.deepEqual(parsePeerMessage(formatPeerMessage(message)), message);
    }
  });
});
