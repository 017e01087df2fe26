import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatRelayed, isRelayed, parseIceCandidate } from '../../src/engine/protocol/candidate.ts';
import { fuzzParser } from '../helpers/fuzz.ts';

/** As browsers write them. */
const CHROMIUM =
  'candidate:842163049 1 udp 41885439 9.8.7.6 50312 typ relay raddr 203.0.113.7 rport 61234 generation 0 ufrag Vd2y network-id 3 network-cost 10';
const FIREFOX = 'candidate:3 1 UDP 92217087 9.8.7.6 61001 typ relay raddr 192.168.1.20 rport 61001';
const HOST = 'candidate:1 1 udp 2122260223 192.168.1.20 51234 typ host generation 0 ufrag Vd2y network-id 1';
const MDNS = 'candidate:1 1 udp 2113937151 4c0ff1ce-1111-4222-8333-444455556666.local 51234 typ host';
const TCP = 'candidate:1 1 tcp 1518280447 192.168.1.20 9 typ host tcptype active';

describe('ICE candidates as text', () => {
  it('are read as browsers write them', () => {
    const candidate = parseIceCandidate(CHROMIUM);
    assert.deepEqual(candidate, {
      foundation: '842163049',
      component: 1,
      transport: 'udp',
      priority: 41_885_439,
      host: '9.8.7.6',
      address: [9, 8, 7, 6],
      port: 50_312,
      type: 'relay',
      extensions: new Map([
        ['generation', '0'],
        ['ufrag', 'Vd2y'],
        ['network-id', '3'],
        ['network-cost', '10'],
      ]),
    });
    assert.equal(parseIceCandidate(FIREFOX)?.transport, 'udp');
    assert.equal(parseIceCandidate(MDNS)?.address, undefined);
    assert.equal(parseIceCandidate(TCP)?.extensions.get('tcptype'), 'active');
  });

  it('PR3: are told without where they come from, and without what else a browser adds', () => {
    const told = (text: string): string => formatRelayed(parseIceCandidate(text) ?? assert.fail(text));
    const place = 'candidate:842163049 1 udp 41885439 9.8.7.6 50312 typ relay raddr 0.0.0.0 rport 9';
    assert.equal(told(CHROMIUM), `${place} generation 0 ufrag Vd2y`);
    assert.equal(told(FIREFOX), 'candidate:3 1 udp 92217087 9.8.7.6 61001 typ relay raddr 0.0.0.0 rport 9');
    const v6 = 'candidate:3 1 udp 1 2606:4700::1 7 typ relay raddr 2a00::2 rport 5';
    assert.equal(told(v6), 'candidate:3 1 udp 1 2606:4700::1 7 typ relay raddr :: rport 9');
  });

  it('PR4, PR6: are relayed only at an address, by UDP, on the first component', () => {
    const isGood = (text: string): boolean => isRelayed(parseIceCandidate(text) ?? assert.fail(text));
    assert.ok(isGood(CHROMIUM) && isGood(FIREFOX));
    for (const text of [HOST, MDNS, TCP]) assert.ok(!isGood(text), text);
    const changes: readonly (readonly [string, string])[] = [
      ['typ relay', 'typ srflx'],
      ['typ relay', 'typ prflx'],
      ['typ relay', 'typ relayed'],
      ['udp', 'tcp'],
      ['udp', 'ssltcp'],
      ['9.8.7.6', 'turn.example'],
      ['9.8.7.6', '9.8.7.06'],
      ['9.8.7.6', '::ffff:9.8.7.6'],
      [' 50312 ', ' 0 '],
      [' 1 udp', ' 2 udp'],
    ];
    for (const [from, to] of changes) assert.ok(!isGood(CHROMIUM.replace(from, to)), to);
  });

  const BROKEN: readonly (readonly [string, string])[] = [
    ['', ''],
    ['a line of SDP', `a=${CHROMIUM}`],
    ['two of them', `${FIREFOX}\r\n${HOST}`],
    ['another after it', `${FIREFOX}\n`],
    ['two spaces', FIREFOX.replace(' typ', '  typ')],
    ['a tab', FIREFOX.replace(' typ', '\ttyp')],
    ['no type', FIREFOX.split(' typ')[0] ?? ''],
    ['a type in capitals', FIREFOX.replace('relay', 'RELAY')],
    ['a port out of range', FIREFOX.replace('61001', '65536')],
    ['a port below zero', FIREFOX.replace('61001', '-1')],
    ['a priority out of range', FIREFOX.replace('92217087', '2147483648')],
    ['half an extension', `${FIREFOX} ufrag`],
    ['the same extension twice', `${FIREFOX} ufrag a ufrag b`],
    ['where it comes from, twice', `${FIREFOX} raddr 1.2.3.4`],
    ['a zone', FIREFOX.replace('9.8.7.6', 'fe80::1%eth0')],
    ['a long foundation', FIREFOX.replace(':3 ', `:${'3'.repeat(33)} `)],
  ];
  for (const [what, text] of BROKEN)
    it(`with ${what || 'nothing'} are none`, () => assert.equal(parseIceCandidate(text), undefined));

  it('whatever is taken and told, is read back the same, and gives nothing else away', () => {
    fuzzParser({
      samples: [CHROMIUM, FIREFOX, HOST, MDNS, TCP],
      parse: parseIceCandidate,
      format: (candidate) => {
        const told = formatRelayed(candidate);
        assert.match(told, / raddr (0\.0\.0\.0|::) rport 9( generation \S+)?( ufrag \S+)?$/);
        return told;
      },
    });
  });
});
