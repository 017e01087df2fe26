/** relay-worker/turn/turnserver.conf with the real coturn: whom it serves, whom it sends to, and what it writes down. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { BlockList, isIPv6 } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import type { SecureVersion } from 'node:tls';
import { TURN_CONFIGURATION, startCoturn, turnLogin } from '../helpers/coturn.ts';
import type { Coturn, CoturnOptions } from '../helpers/coturn.ts';
import { TurnClient, allocateOnce } from '../helpers/turn-client.ts';

const LINES = readFileSync(TURN_CONFIGURATION, 'utf8').split('\n');

/** Addresses of this machine, of networks behind it, of clouds' own services, and of nobody. */
const DENIED = [
  '0.0.0.1',
  '10.0.0.1',
  '100.64.0.1',
  '100.100.100.200',
  '127.0.0.2',
  '127.255.255.254',
  '168.63.129.16',
  '169.254.169.254',
  '169.254.170.2',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.192',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.0.1',
  '198.18.0.1',
  '198.19.255.255',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',
];
const DENIED_IPV6 = [
  '::1',
  '::a00:1',
  '::ffff:10.0.0.1',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '64:ff9b::a00:1',
  '64:ff9b:1::1',
  '100::1',
  '2001::1',
  '2001:1ff:ffff::1',
  '2001:db8::1',
  '2002:a00:1::1',
  '3fff::1',
  '5f00::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fec0::1',
  'ff02::1',
];
const ALLOWED = [
  '1.1.1.1',
  '8.8.8.8',
  '100.63.255.255',
  '100.128.0.1',
  '172.15.0.1',
  '172.32.0.1',
  '192.0.1.1',
  '223.255.255.254',
];
const ALLOWED_IPV6 = ['2001:200::1', '2001:4860:4860::8888', '2606:4700:4700::1111', '2a00:1450::1', '2003::1'];

describe('its lines', () => {
  it('have no secret, no user, and nothing that opens what they close', () => {
    const names = LINES.map((line) => line.split('=')[0]);
    for (const name of [
      'static-auth-secret',
      'user',
      'no-auth',
      'allow-loopback-peers',
      'allowed-peer-ip',
      'web-admin',
      'cli-password',
      'verbose',
      'syslog',
      'server-relay',
      'mobility',
    ]) {
      assert.ok(!names.includes(name), name);
    }
    for (const name of [
      'use-auth-secret',
      'stale-nonce',
      'user-quota',
      'total-quota',
      'max-bps',
      'no-cli',
      'no-tcp-relay',
      'no-multicast-peers',
      'no-tlsv1',
      'no-tlsv1_1',
      'no-dtls',
    ]) {
      assert.ok(names.includes(name), name);
    }
    assert.ok(LINES.includes('tls-listening-port=443'));
  });

  it('deny every range of addresses that is not the public internet, of both kinds of IP', () => {
    const ranges = LINES.filter((line) => line.startsWith('denied-peer-ip=')).map((line) => line.slice(15).split('-'));
    // one list would take an IPv4 address for its IPv4-mapped one, which is denied
    const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
    const kindOf = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4');
    for (const [first = '', last = first] of ranges) {
      lists[kindOf(first)].addRange(first, last, kindOf(first));
      // coturn takes it for one that all IPv4 is in
      assert.notEqual(first, '::');
    }
    const isDenied = (address: string): boolean => lists[kindOf(address)].check(address, kindOf(address));
    assert.deepEqual(
      [...DENIED, ...DENIED_IPV6].filter((address) => !isDenied(address)),
      [],
    );
    assert.deepEqual([...ALLOWED, ...ALLOWED_IPV6].filter(isDenied), []);
  });
});

describe('coturn under it', () => {
  let coturn: Coturn;
  let client: TurnClient;
  before(async () => {
    coturn = await startCoturn({ isTls: true });
    client = new TurnClient(coturn.port, coturn.iceServer);
    assert.equal(await client.allocate(), 0);
  });
  after(async () => {
    client?.close();
    await coturn?.stop();
  });

  it('understands every line', () => {
    assert.match(coturn.output(), /Default realm: tai\.test/);
    assert.doesNotMatch(coturn.output(), /Bad configuration|Unknown|unrecognized/i);
  });

  it('refuses to send to what is not the public internet (403), and sends to what is', async () => {
    for (const address of DENIED) assert.equal(await client.permit(address), 403, address);
    for (const address of [...ALLOWED, '127.0.0.1']) assert.equal(await client.permit(address), 0, address);
  });

  it('refuses names whose time is over, names under another secret, and whoever has none', async () => {
    const nowS = Math.floor(Date.now() / 1000);
    for (const agoS of [2, 3600])
      assert.equal(await allocateOnce(coturn.port, turnLogin(coturn.secret, nowS - agoS)), 401);
    assert.equal(await allocateOnce(coturn.port, turnLogin(`${coturn.secret}x`, nowS + 600)), 401);
    assert.equal(await allocateOnce(coturn.port, { username: 'tester', credential: 'tester' }), 401);
    assert.equal(await allocateOnce(coturn.port, turnLogin(coturn.secret, nowS + 600)), 0);
  });

  it('relays UDP alone: whoever wants TCP is refused (442)', async () => {
    const other = new TurnClient(coturn.port, coturn.iceServer);
    assert.equal(await other.allocate({ tcp: true }), 442);
    other.close();
  });

  it('gives one name no more than its quota (486), and another name its own', async () => {
    const quota = Number(LINES.find((line) => line.startsWith('user-quota='))?.slice(11));
    assert.ok(quota > 0);
    const login = turnLogin(coturn.secret, Math.floor(Date.now() / 1000) + 600);
    const clients = Array.from({ length: quota + 1 }, () => new TurnClient(coturn.port, login));
    const codes: number[] = [];
    for (const each of clients) codes.push(await each.allocate());
    assert.deepEqual(codes, [...Array.from({ length: quota }, () => 0), 486]);
    assert.equal(await allocateOnce(coturn.port, coturn.iceServer), 0);
    for (const each of clients) each.close();
  });

  it('speaks TLS 1.2 or newer with authenticated ciphers alone', async () => {
    const { tlsPort } = coturn;
    assert.ok(tlsPort !== undefined);
    const good = await handshake(tlsPort, 'TLSv1.2');
    assert.match(good, /^TLSv1\.[23] (TLS_|ECDHE-).*(GCM|CHACHA20)/);
    await assert.rejects(handshake(tlsPort, 'TLSv1.1'));
    await assert.rejects(handshake(tlsPort, 'TLSv1.2', 'ECDHE-ECDSA-AES128-SHA:AES128-SHA'));
  });
});

/** Runs with a coturn of its own, which is ended however that ends. */
async function withCoturn(options: CoturnOptions, run: (coturn: Coturn) => Promise<void>): Promise<void> {
  const coturn = await startCoturn(options);
  try {
    await run(coturn);
  } finally {
    await coturn.stop();
  }
}

it('takes two secrets while one follows the other, as README.md has it changed', async () => {
  const older = 'the-secret-before-this-one-0123456789abcdef';
  await withCoturn({ lines: [`static-auth-secret=${older}`] }, async ({ port, secret }) => {
    const untilS = Math.floor(Date.now() / 1000) + 600;
    const codes: number[] = [];
    for (const each of [secret, older, `${older}x`]) codes.push(await allocateOnce(port, turnLogin(each, untilS)));
    assert.deepEqual(codes, [0, 0, 401]);
  });
});

it('as operators have it, it writes nothing down', async () => {
  await withCoturn({ isSilent: true }, async ({ port, iceServer, output }) => {
    assert.equal(await allocateOnce(port, iceServer), 0);
    assert.equal(await allocateOnce(port, { username: 'x', credential: 'x' }), 401);
    // where a machine has no SCTP, the system's own words about that come before any log
    const said = output().split('\n');
    assert.deepEqual(
      said.filter((line) => line !== '' && !line.startsWith('socket: ')),
      [],
    );
  });
});

function handshake(port: number, version: SecureVersion, ciphers?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls(
      {
        host: '127.0.0.1',
        port,
        minVersion: version,
        maxVersion: version,
        // a certificate of the test's own making
        rejectUnauthorized: false,
        ...(ciphers !== undefined && { ciphers }),
      },
      () => {
        resolve(`${socket.getProtocol()} ${socket.getCipher().name}`);
        socket.destroy();
      },
    );
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
  });
}
