/**
 * Which URLs of ICE servers we take: those of RFC 7064 and RFC 7065 that every browser takes. `new RTCPeerConnection`
 * throws for all servers where it does not like one, and then no link can be made at all; so this is stricter than any
 * browser, and test/e2e/ice-servers.test.ts holds it against real ones. Traps:
 *
 * - Firefox refuses `stuns:`, and the ports that browsers keep away from (Fetch §2.9) but for 53.
 * - A name whose last part looks like a number is read as an IPv4 address (URL §3.5), so it has to begin with a letter.
 * - Whether a part `xn--…` is well-formed takes a Punycode decoder to tell: such names are not taken.
 */
import { parseText } from './json.ts';

const ICE_URL_TEXT_MAX = 300;
const HOST_TEXT_MAX = 253;
const PORT_MAX = 65_535;

const ICE_URL = /^(stun|turns?):(\[[0-9A-Fa-f:]+\]|[0-9A-Za-z_.-]+)(?::([1-9][0-9]{0,4}))?(\?transport=(?:udp|tcp))?$/;
const IPV4 = /^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}$/;

const BLOCKED_PORTS: ReadonlySet<number> = new Set([
  1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111,
  113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540,
  548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000,
  6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10_080,
]);

/** `scheme:host`, `scheme:host:port`, and for `turn:` and `turns:` also `?transport=udp` or `?transport=tcp`. */
export function parseIceUrl(value: unknown): string | undefined {
  const text = parseText(value, ICE_URL_TEXT_MAX);
  const match = text === undefined ? undefined : ICE_URL.exec(text);
  if (!match) return undefined;
  const [, scheme, host = '', port, query] = match;
  if (scheme === 'stun' && query !== undefined) return undefined;
  if (port !== undefined && !isUsablePort(Number(port))) return undefined;
  return isHost(host) ? text : undefined;
}

/** Name or address, of a URL that `parseIceUrl` has taken. */
export function iceUrlHost(url: string): string {
  return ICE_URL.exec(url)?.[2] ?? '';
}

function isUsablePort(port: number): boolean {
  return port <= PORT_MAX && !BLOCKED_PORTS.has(port);
}

function isHost(host: string): boolean {
  return host.startsWith('[') ? isIpv6(host.slice(1, -1)) : IPV4.test(host) || isName(host);
}

/** Of hexadecimal groups alone (RFC 4291 §2.2, forms 1 and 2). */
function isIpv6(text: string): boolean {
  const halves = text.split('::');
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  if (!groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return false;
  return halves.length === 1 ? groups.length === 8 : halves.length === 2 && groups.length < 8;
}

function isName(host: string): boolean {
  const labels = host.replace(/\.$/, '').split('.');
  const isEachGood = labels.every((label) => /^(?!xn--)[0-9a-z_-]{1,63}$/i.test(label));
  return host.length <= HOST_TEXT_MAX && isEachGood && /^[A-Za-z]/.test(labels.at(-1) ?? '');
}
