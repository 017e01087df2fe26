/** RL21: where a client is, in a subprotocol's name; PM13: what goes with a message. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDelivery } from '../../src/engine/protocol/delivery.ts';
import { formatPeerMessage, parseSaid } from '../../src/engine/protocol/peer.ts';
import { formatResumeOffer, parseEp, parseResumeOffer } from '../../src/engine/protocol/resume.ts';

describe('RL21: a place that is shown', () => {
  it('is read as it was written, wherever it stands among the names', () => {
    for (const place of [
      { ep: 'AbC-_9', n: 0 },
      { ep: 'x'.repeat(64), n: 999_999_999_999_999 },
    ]) {
      const name = formatResumeOffer(place);
      assert.match(name, /^[A-Za-z0-9._-]+$/, 'a name that a browser takes');
      assert.deepEqual(parseResumeOffer(`tai.1, ${name}, tai.token.AA`), place);
    }
  });

  it('is none where it is missing, doubled, or malformed', () => {
    const good = formatResumeOffer({ ep: 'e', n: 1 });
    const headers = [
      null,
      '',
      'tai.1',
      `${good}, ${good}`,
      `tai.1, ${good}, tai.resume.2.e`,
      ' '.repeat(20_000) + good,
    ];
    for (const header of headers) assert.equal(parseResumeOffer(header), undefined);
    for (const rest of [
      '',
      '1',
      '1.',
      '.e',
      'e.1',
      '-1.e',
      '1.5.e',
      '1e3.e',
      `${'9'.repeat(16)}.e`,
      '1.é',
      `1.${'x'.repeat(65)}`,
    ]) {
      assert.equal(parseResumeOffer(`tai.1, tai.resume.${rest}`), undefined, rest);
    }
  });

  it('has the name of an instance that can stand in it', () => {
    assert.equal(parseEp('Ab-_9'), 'Ab-_9');
    for (const ep of ['', 'a b', 'a,b', 'a.b', 'é', 'x'.repeat(65), 7, undefined, null]) {
      assert.equal(parseEp(ep), undefined);
    }
  });
});

describe('PM13: what goes with a message', () => {
  it('is read as it was written', () => {
    for (const delivery of [{}, { ack: 0 }, { id: 1, after: 0 }, { id: 2 ** 32 - 1, after: 7, ack: 9 }]) {
      const text = formatPeerMessage({ type: 'leave' }, delivery);
      assert.deepEqual(parseSaid(text), { message: { type: 'leave' }, delivery });
    }
    assert.equal(formatPeerMessage({ type: 'leave' }), '{"type":"leave"}');
  });

  it('takes the message with it where it is malformed', () => {
    const bad: readonly unknown[] = [
      null,
      7,
      [],
      { ack: -1 },
      { ack: 0.5 },
      { ack: '1' },
      { ack: 2 ** 32 },
      { id: 1 },
      { id: 1, after: 1 },
      { id: 1, after: 2 },
      { id: 0, after: 0 },
      { id: 2 ** 32, after: 0 },
      { id: 1, after: -1 },
      { id: 1, after: 0, ack: 'x' },
    ];
    for (const value of bad) {
      assert.equal(parseDelivery(value), undefined, JSON.stringify(value));
      assert.equal(parseSaid(JSON.stringify({ type: 'leave', delivery: value })), undefined);
    }
  });
});
