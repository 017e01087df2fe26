import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, it } from 'node:test';
import { isLoopbackAddress, isPublicAddress, parseIpAddress } from '../../src/engine/protocol/ip-address.ts';
import { Random } from '../helpers/random.ts';

const isPublic = (text: string): boolean => isPublicAddress(parseIpAddress(text) ?? assert.fail(text));

describe('IP addresses as literals', () => {
  it('are read in their one form', () => {
    assert.deepEqual(parseIpAddress('192.0.2.255'), [192, 0, 2, 255]);
    assert.deepEqual(parseIpAddress('::1'), [...Array.from({ length: 15 }, () => 0), 1]);
    assert.deepEqual(parseIpAddress('2001:DB8::a:0102'), [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa, 1, 2]);
    assert.deepEqual(parseIpAddress('1:2:3:4:5:6:7:8')?.length, 16);
    assert.deepEqual(parseIpAddress('::')?.length, 16);
  });

  const NONE = [
    ...[
      '',
      'localhost',
      'a.local',
      '1.2.3',
      '1.2.3.4.5',
      '1.2.3.256',
      '01.2.3.4',
      '1.2.3.4.',
      '0x7f.0.0.1',
      '2130706433',
    ],
    ...[
      '1.2.3.4 ',
      '[::1]',
      'fe80::1%eth0',
      '::ffff:1.2.3.4',
      '1::2::3',
      ':1',
      '1:',
      '12345::',
      '::g',
      '1:2:3:4:5:6:7',
    ],
    ...['1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7::8', ':::', '1.2.3.4:80'],
  ];
  for (const text of NONE) {
    it(`“${text}” is none`, () => assert.equal(parseIpAddress(text), undefined));
  }

  it('whatever is taken, the platform takes too', () => {
    const random = new Random(8839);
    const parts = ['1', '0', '255', '256', 'ff', 'FFFF', '00', '.', '.', '.', ':', ':', ':', '::', '%', 'x'];
    let taken = 0;
    for (let i = 0; i < 100_000; i++) {
      const text = Array.from({ length: 1 + random.below(16) }, () => random.pick(parts)).join('');
      const address = parseIpAddress(text);
      if (!address) continue;
      taken++;
      assert.equal(address.length, isIP(text) === 4 ? 4 : 16, text);
      assert.notEqual(isIP(text), 0, text);
      assert.ok(address.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255));
    }
    assert.ok(taken > 100, `${taken}`);
  });
});

describe('PR6: public addresses', () => {
  const PUBLIC = ['1.1.1.1', '8.8.8.8', '11.0.0.1', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.1'];
  const MORE_PUBLIC = [
    '172.15.0.1',
    '172.32.0.1',
    '192.167.1.1',
    '223.255.255.255',
    '2606:4700::1',
    '2001:200::1',
    '2a00::1',
    '3ffe::1',
  ];
  for (const text of [...PUBLIC, ...MORE_PUBLIC]) it(`${text} is one`, () => assert.ok(isPublic(text)));

  const OWN = [
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '100.127.255.255',
    '127.0.0.1',
    '169.254.1.1',
    '172.16.0.1',
    '172.31.255.255',
  ];
  const RESERVED = [
    '192.0.0.8',
    '192.0.2.1',
    '192.88.99.1',
    '192.168.0.1',
    '198.18.0.1',
    '198.19.255.255',
    '198.51.100.1',
    '203.0.113.9',
  ];
  const MANY = [
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'fc00::1',
    'fd12::1',
    'ff02::1',
  ];
  const INSIDE = [
    '::ffff:102:304',
    '::102:304',
    '64:ff9b::102:304',
    '2002:102:304::1',
    '2001::1',
    '2001:10::1',
    '2001:20::1',
  ];
  for (const text of [...OWN, ...RESERVED, ...MANY, ...INSIDE, '2001:db8::1', '3fff::1', '4000::1', '5f00::1']) {
    it(`${text} is none`, () => assert.ok(!isPublic(text)));
  }

  it('loopback is what is said to be one, and never public', () => {
    const loopback = ['127.0.0.1', '127.255.0.9', '::1'];
    for (const text of loopback) assert.ok(isLoopbackAddress(parseIpAddress(text) ?? []) && !isPublic(text), text);
    for (const text of ['128.0.0.1', '1.0.0.127', '::', '::2', '1::1', '::ffff:7f00:1']) {
      assert.ok(!isLoopbackAddress(parseIpAddress(text) ?? []), text);
    }
  });
});
