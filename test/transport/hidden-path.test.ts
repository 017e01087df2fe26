/** PR3–PR8: every text of a hidden connection, on its way out and on its way in. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Candidate } from '../../src/engine/protocol/peer.ts';
import { turnOnly } from '../../src/engine/protocol/ice-server.ts';
import { HIDDEN_CANDIDATES_MAX, HiddenPath } from '../../src/engine/transport/hidden-path.ts';

const relayed = (address = '9.8.7.6', port = 61_001, rest = ' raddr 192.168.1.20 rport 4000'): string =>
  `candidate:3 1 udp 92217087 ${address} ${port} typ relay${rest}`;
const HOST = 'candidate:1 1 udp 2122260223 192.168.1.20 51234 typ host';
const told = (candidate: string): Candidate => ({ candidate, sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'u' });
const sdpOf = (ufrag: string, ...candidates: readonly string[]): string =>
  [`v=0`, `m=audio 9 x 111`, `a=ice-ufrag:${ufrag}`, ...candidates.map((each) => `a=${each}`), ''].join('\r\n');

function path(isLocal = false): { readonly hidden: HiddenPath; readonly dropped: string[] } {
  const dropped: string[] = [];
  return { hidden: new HiddenPath({ isLocal, onDropped: (reason) => void dropped.push(reason) }), dropped };
}

describe('what we tell of a hidden connection', () => {
  it('PR3: relayed candidates, without where they come from; others are counted', () => {
    const { hidden, dropped } = path();
    assert.deepEqual(hidden.ownCandidate(told(relayed())), told(relayed('9.8.7.6', 61_001, ' raddr 0.0.0.0 rport 9')));
    assert.equal(hidden.ownCandidate(told(HOST)), undefined);
    assert.equal(hidden.ownCandidate(told('candidate:nonsense')), undefined);
    assert.deepEqual(dropped, ['private-own-candidate', 'private-own-candidate']);
    assert.deepEqual(hidden.ownCandidate(told('')), told(''), 'the end of a generation');
  });

  it('PR4: descriptions that are looked at once more; one with an address left goes nowhere', () => {
    const { hidden, dropped } = path();
    const clean = hidden.ownDescription(sdpOf('u', HOST, relayed()));
    assert.ok(!clean.includes('192.168') && clean.includes('9.8.7.6 61001 typ relay raddr 0.0.0.0 rport 9'), clean);
    assert.deepEqual(dropped, ['private-own-candidate']);
    assert.throws(() => hidden.ownDescription(`${sdpOf('u')}a=note:192.168.1.20\r\n`));
    assert.deepEqual(dropped.slice(1), ['private-description']);
  });

  it('PR8: descriptions that ask for steady sound, and so do those that the browser gets', () => {
    const { hidden } = path();
    const sound = `${sdpOf('u')}a=rtpmap:111 opus/48000/2\r\na=fmtp:111 usedtx=1\r\n`;
    const level = 'a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n';
    for (const sdp of [hidden.ownDescription(sound + level), hidden.peerDescription(sound + level)]) {
      assert.match(sdp, /a=fmtp:111 cbr=1;usedtx=0/);
      assert.ok(!sdp.includes('audio-level'));
    }
  });
});

describe('what we take for a hidden connection', () => {
  const REFUSED = [
    HOST,
    HOST.replace('host', 'srflx'),
    HOST.replace('192.168.1.20', '4c0ff1ce.local'),
    relayed('turn.example'),
    relayed('192.168.1.20'),
    relayed('127.0.0.1'),
    relayed('::ffff:102:304'),
    relayed('fe80::1'),
    relayed('9.8.7.6', 0),
    relayed().replace('udp', 'tcp'),
    'x',
  ];
  for (const text of REFUSED) {
    it(`PR6: not “${text}”, by itself or in a description`, () => {
      const { hidden, dropped } = path();
      assert.deepEqual(hidden.peerCandidates([told(text), told(relayed())]).length, 1);
      assert.deepEqual(dropped, ['private-candidate']);
      const sdp = hidden.peerDescription(
        sdpOf('u', text.startsWith('candidate:') ? text : `candidate:${text}`, relayed()),
      );
      assert.equal(sdp.match(/a=candidate/g)?.length, 1);
    });
  }

  it('PR6: the loopback only where the relay is on this machine, and no other private address even then', () => {
    const { hidden } = path(true);
    const taken = hidden.peerCandidates([relayed('127.0.0.1'), relayed('::1'), relayed('192.168.1.20')].map(told));
    assert.equal(taken.length, 2);
  });

  it('PR6: sixteen of a generation, each place once; a new one begins anew', () => {
    const { hidden, dropped } = path();
    const many = Array.from({ length: 40 }, (_, index) => told(relayed('9.8.7.6', 1_000 + index)));
    hidden.peerDescription(sdpOf('first', many[0]?.candidate ?? ''));
    assert.equal(hidden.peerCandidates(many).length, HIDDEN_CANDIDATES_MAX);
    assert.equal(
      hidden.peerCandidates(many.slice(0, HIDDEN_CANDIDATES_MAX)).length,
      HIDDEN_CANDIDATES_MAX,
      'said again',
    );
    assert.equal(dropped.filter((reason) => reason === 'private-candidates-full').length, 40 - HIDDEN_CANDIDATES_MAX);
    hidden.peerDescription(sdpOf('first'));
    assert.equal(hidden.peerCandidates(many.slice(20)).length, 0, 'the same generation');
    hidden.peerDescription(sdpOf('second'));
    assert.equal(hidden.peerCandidates(many.slice(20)).length, HIDDEN_CANDIDATES_MAX);
  });

  it('PR7: no description with an address that is not a candidate’s', () => {
    const { hidden, dropped } = path();
    assert.throws(() => hidden.peerDescription(`${sdpOf('u')}a=note:10.0.0.1\r\n`));
    assert.deepEqual(dropped, ['private-description']);
    assert.ok(!hidden.peerDescription(`${sdpOf('u')}c=IN IP4 10.0.0.1\r\n`).includes('10.0.0.1'));
  });
});

describe('PR1: the servers of a hidden connection', () => {
  it('are TURN alone, over TLS first, each with its login', () => {
    const login = { username: 'u', credential: 'c' };
    const servers = [
      { urls: ['stun:a.example'] },
      { urls: ['stun:b.example', 'turn:b.example', 'turns:b.example:443'], ...login },
      { urls: ['turn:c.example?transport=tcp'], username: 'v', credential: 'd' },
    ];
    assert.deepEqual(turnOnly(servers), [
      { urls: ['turns:b.example:443'], ...login },
      { urls: ['turn:b.example'], ...login },
      { urls: ['turn:c.example?transport=tcp'], username: 'v', credential: 'd' },
    ]);
    assert.deepEqual(turnOnly([{ urls: ['stun:a.example'] }]), []);
  });
});
