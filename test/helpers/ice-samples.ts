/** URLs of ICE servers that our parser takes and those that it does not; held against real browsers in test/e2e. */

export const LOGIN = { username: 'u', credential: 'c' } as const;

const LONGEST_NAME = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`;

const HOSTS = [
  'a',
  'localhost',
  'turn.example',
  'Turn.Example',
  'turn.example.',
  'turn-1.example',
  'turn_1.example',
  '3com.example',
  'a--b.example',
  LONGEST_NAME,
  '192.0.2.1',
  '0.0.0.0',
  '255.255.255.255',
  '[::]',
  '[::1]',
  '[2001:db8::1]',
  '[2001:DB8::A]',
  '[1:2:3:4:5:6:7:8]',
  '[1:2:3:4:5:6:7::]',
  '[::2:3:4:5:6:7:8]',
];
const PORTS = ['', ':53', ':80', ':443', ':3478', ':5349', ':65535'];
const QUERIES = ['', '?transport=udp', '?transport=tcp'];

export const GOOD_ICE_URLS: readonly string[] = HOSTS.flatMap((host) =>
  PORTS.flatMap((port) => [
    `stun:${host}${port}`,
    ...['turn', 'turns'].flatMap((scheme) => QUERIES.map((query) => `${scheme}:${host}${port}${query}`)),
  ]),
);

/** Each of these has at least one browser throw. */
export const THROWING_ICE_URLS: readonly string[] = [
  'stuns:a',
  'stuns:a:5349',
  'stun:',
  'stun://a',
  'stun:a?transport=udp',
  'stun:a:',
  'stun:a:0',
  'stun:a:b',
  'stun:a:1',
  'stun:a:22',
  'stun:a:6667',
  'stun:a:65536',
  'stun:a:99999',
  'stun:a/b',
  'stun:a#b',
  'stun:a b',
  'stun:a.1',
  'stun:a.0x1',
  'stun:256.1.1.1',
  'stun:08.1.1.1',
  'stun:1.2.3.4.5',
  'stun:xn--a',
  'stun:::1',
  'stun:2001:db8::1',
  'stun:[::1',
  'stun:[:::]',
  'stun:[1:2:3:4:5:6:7]',
  'stun:[1:2:3:4:5:6:7::8]',
  'stun:[1::2::3]',
  'stun:[12345::]',
  'stun:[v1.a]',
  'stun:[fe80::1%25eth0]',
  'turn:u@a',
  'turn:a?',
  'turn:a?x=1',
  'turn:a?transport=',
  'turn:a?transport=tls',
  'turn:a?transport=UDP',
  'turn:a?transport=udp&x=1',
];

/** These no browser minds today; they are refused as no RFC allows them, or as nothing that is named so exists. */
const ODD_ICE_URLS: readonly string[] = [
  'STUN:a',
  ' stun:a',
  'stun:a\n',
  'stun:a..b',
  'stun:.a',
  'stun:.',
  'stun:-',
  'stun:999',
  'stun:1.2.3',
  'stun:01.02.03.04',
  'stun:a:03478',
  'stun:%41',
  'stun:bücher.example',
  'stun:xn--bcher-kva.example',
  `stun:${'a'.repeat(64)}`,
  `stun:${LONGEST_NAME}dd`,
];

export const BAD_ICE_URLS: readonly string[] = [...THROWING_ICE_URLS, ...ODD_ICE_URLS];
