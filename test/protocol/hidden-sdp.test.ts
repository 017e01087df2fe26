import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withSteadySound, withoutAddresses } from '../../src/engine/protocol/hidden-sdp.ts';
import { Random } from '../helpers/random.ts';

const RELAYED = 'candidate:3 1 udp 92217087 9.8.7.6 61001 typ relay raddr 0.0.0.0 rport 9';
const PRIVATE = '192.168.1.20';
/** As Chromium and Firefox describe themselves once they have gathered, with every line that has an address. */
const LINES = [
  'v=0',
  `o=mozilla...THIS_IS_SDPARTA-153.0 4596489990601351948 2 IN IP4 ${PRIVATE}`,
  's=-',
  't=0 0',
  'a=fingerprint:sha-256 0A:1B:2C:3D:4E:5F:60:71:82:93:A4:B5:C6:D7:E8:F9:0A:1B:2C:3D:4E:5F:60:71:82:93:A4:B5:C6:D7:E8:F9',
  'a=group:BUNDLE 0 1 2',
  'a=extmap-allow-mixed',
  'm=audio 51234 UDP/TLS/RTP/SAVPF 111 63',
  `c=IN IP4 ${PRIVATE}`,
  `a=rtcp:51234 IN IP4 ${PRIVATE}`,
  `a=candidate:1 1 udp 2122260223 ${PRIVATE} 51234 typ host`,
  `a=${RELAYED}`,
  'a=ice-ufrag:Vd2y',
  'a=ice-pwd:abcdefabcdefabcdefabcdef',
  'a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level',
  'a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level vad=on',
  'a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid',
  'a=rtpmap:111 opus/48000/2',
  'a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1',
  'a=rtpmap:63 red/48000/2',
  'a=fmtp:63 111/111',
  'm=video 0 UDP/TLS/RTP/SAVPF 96',
  'c=IN IP6 2a00:1450::5',
  'a=rtpmap:96 VP8/90000',
  'a=bundle-only',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 0.0.0.0',
  `a=remote-candidates:1 ${PRIVATE} 51234`,
  'a=sctp-port:5000',
];
const SDP = LINES.map((line) => `${line}\r\n`).join('');
const onlyRelayed = (text: string): string | undefined => (text.includes('typ relay') ? text : undefined);

describe('PR4, PR7: descriptions without addresses', () => {
  it('keep the candidates that may stay, and say nothing of any other place', () => {
    const clean = withoutAddresses(SDP, onlyRelayed) ?? assert.fail();
    assert.ok(clean.includes(`a=${RELAYED}\r\n`));
    assert.ok(
      !clean.includes(PRIVATE) && !clean.includes('2a00') && !clean.includes('51234') && !clean.includes('mozilla'),
      clean,
    );
    assert.match(clean, /^o=- 4596489990601351948 2 IN IP4 0\.0\.0\.0$/m);
    assert.match(clean, /^m=audio 9 UDP\/TLS\/RTP\/SAVPF 111 63$/m);
    assert.match(clean, /^m=video 0 /m, 'what is refused, or bundled, stays so');
    assert.equal(clean.match(/^c=IN IP4 0\.0\.0\.0$/gm)?.length, 3);
    assert.match(clean, /^a=rtcp:9 IN IP4 0\.0\.0\.0$/m);
    assert.equal(withoutAddresses(clean, onlyRelayed), clean, 'a second time, it is the same');
    // all else is as it was
    const others = (sdp: string): string[] =>
      sdp.split('\r\n').filter((line) => !/^(?:o=|c=|m=|a=rtcp:|a=candidate|a=remote)/.test(line));
    assert.deepEqual(others(clean), others(SDP));
  });

  const LEFT = [
    `a=x-google-flag:${PRIVATE}`,
    `i=${PRIVATE}`,
    `a=note:at ${PRIVATE}, or so`,
    `o=- 1 1 IN IP4 ${PRIVATE} more`,
    'a=note:2a00:1450::5',
    'a=note:fe80::1%eth0',
    'a=log:fe80::1',
    'a=x-remote-host:2a00:1450::5',
    'i=addr:2a00::5',
    'a=from:2a00::5:80',
    'a=log:::1',
    'a= candidate:1 1 udp 1 host.example 1 typ host',
    'a=note:::ffff:1.2.3.4',
    'a=note:[::1]:80',
    'a=note:4c0ff1ce-1111-4222-8333-444455556666.local',
    `b=AS:${PRIVATE}`,
    `a= candidate:1 1 udp 1 ${PRIVATE} 1 typ host`,
  ];
  for (const line of LEFT) {
    it(`with “${line}” go nowhere`, () => {
      assert.equal(withoutAddresses(`${SDP}${line}\r\n`, onlyRelayed), undefined);
      assert.notEqual(withoutAddresses(`${SDP}a=note:none\r\n`, onlyRelayed), undefined);
    });
  }

  it('however lines end, none is overlooked', () => {
    for (const end of ['\n', '\r', '\n\n', '\r\r\n']) {
      const clean = withoutAddresses(LINES.join(end), onlyRelayed) ?? assert.fail();
      assert.ok(!clean.includes(PRIVATE));
    }
  });

  it('of any text: what comes out has no address but those that were kept', () => {
    const random = new Random(8829);
    const addresses = [PRIVATE, '10.1.2.3', '2a00:1450::5', 'fe80::1', 'x.local', '1.2.3.4'];
    let given = 0;
    for (let i = 0; i < 20_000; i++) {
      const lines = Array.from({ length: 1 + random.below(12) }, () => {
        const line = random.pick(LINES).replace(PRIVATE, () => random.pick(addresses));
        if (!random.chance(0.3)) return line;
        const at = random.below(line.length + 1);
        return line.slice(0, at) + random.pick([...addresses, ' ', '=', 'a=', '\r', ':']) + line.slice(at);
      });
      const clean = withoutAddresses(lines.join(random.pick(['\r\n', '\n'])), onlyRelayed);
      if (clean === undefined) continue;
      given++;
      const rest = clean.replace(/^a=candidate:.*$/gm, '');
      const why = JSON.stringify([lines, clean]);
      assert.ok(!/192\.168\.1\.20|10\.1\.2\.3|1\.2\.3\.4|\.local/.test(rest), why);
      // in the middle of other groups it is none
      assert.ok(!/(?<![\da-f.])(?:2a00:1450::5|fe80::1)(?![\da-f:.])/i.test(rest), why);
      assert.equal(withoutAddresses(clean, onlyRelayed), clean);
    }
    assert.ok(given > 2_000 && given < 20_000, `${given}`);
  });

  it('cost no more than they are long', () => {
    const started = performance.now();
    for (const part of ['1', '1.', 'a', 'a:', ':', '1:', '1.1.1.'])
      withoutAddresses(part.repeat(30_000 / part.length), onlyRelayed);
    assert.ok(performance.now() - started < 2_000);
  });
});

describe('PR8: steady sound', () => {
  it('is asked of Opus, and no header tells how loud it is', () => {
    const steady = withSteadySound(SDP);
    assert.match(steady, /^a=fmtp:111 minptime=10;useinbandfec=1;cbr=1;usedtx=0$/m);
    assert.ok(!steady.includes('audio-level'), steady);
    assert.match(steady, /^a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid$/m);
    assert.match(steady, /^a=fmtp:63 111\/111$/m);
    assert.equal(withSteadySound(steady), steady);
  });

  it('costs no more than it is long', () => {
    const started = performance.now();
    withSteadySound(Array.from({ length: 60_000 }, (_, n) => `a=rtpmap:${n} opus/`).join('\n'));
    assert.ok(performance.now() - started < 2_000);
  });

  it('is asked of an Opus that says nothing of itself, and in place of what it said', () => {
    const bare = ['m=audio 9 x 109 8', 'a=rtpmap:109 OPUS/48000/2', 'a=rtpmap:8 PCMA/8000'].join('\r\n');
    assert.equal(
      withSteadySound(bare),
      `m=audio 9 x 109 8\r\na=rtpmap:109 OPUS/48000/2\r\na=fmtp:109 cbr=1;usedtx=0\r\na=rtpmap:8 PCMA/8000\r\n`,
    );
    const other = ['a=rtpmap:109 opus/48000/2', 'a=fmtp:109 cbr=0; usedtx=1 ;stereo=1'].join('\n');
    assert.equal(withSteadySound(other), 'a=rtpmap:109 opus/48000/2\r\na=fmtp:109 stereo=1;cbr=1;usedtx=0\r\n');
  });
});
