/**
 * IP addresses as they stand in candidates, and which of them belong to nobody's own network (PROTOCOL.md PR6). Only literals in
 * one form each: a name would be looked up, and a form that parsers read differently would pass here and mean something else there.
 */

/** Four or sixteen bytes. */
export type IpAddress = readonly number[];

/** Base 10 alone: `010` is 8 to some. */
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const GROUPS = 8;

/** `undefined` for a name, a zone (`%eth0`), and an IPv6 address with dotted parts. */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (IPV4.test(text)) return text.split('.').map(Number);
  const halves = text.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const [head = [], tail = []] = halves;
  const missing = GROUPS - head.length - tail.length;
  if (halves.length > 2 || (halves.length === 2 ? missing < 1 : missing !== 0)) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => '0'), ...tail];
  if (!groups.every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined;
  return groups.map((group) => Number.parseInt(group, 16)).flatMap((group) => [group >> 8, group & 0xff]);
}

/** First bytes, and how many bits of them count. */
type Range = readonly [bytes: readonly number[], bits: number];

/** IANA's registry of special IPv4 addresses (RFC 6890), without what is globally reachable, and multicast. */
const NOT_PUBLIC_V4: readonly Range[] = [
  [[0], 8],
  [[10], 8],
  [[100, 64], 10],
  [[127], 8],
  [[169, 254], 16],
  [[172, 16], 12],
  [[192, 0, 0], 24],
  [[192, 0, 2], 24],
  [[192, 88, 99], 24],
  [[192, 168], 16],
  [[198, 18], 15],
  [[198, 51, 100], 24],
  [[203, 0, 113], 24],
  // multicast, reserved, broadcast
  [[224], 3],
];

/** What IANA gives out (RFC 4291 §2.4). Mapped, translated (64:ff9b::), unique local and link-local addresses are outside of it. */
const GLOBAL_V6: Range = [[0x20], 3];
const NOT_PUBLIC_V6: readonly Range[] = [
  // protocol assignments, Teredo and ORCHID among them: they lead to other addresses
  [[0x20, 0x01, 0x00], 23],
  [[0x20, 0x01, 0x0d, 0xb8], 32],
  // 6to4: an IPv4 address inside
  [[0x20, 0x02], 16],
  [[0x3f, 0xff, 0x00], 20],
];

export function isPublicAddress(address: IpAddress): boolean {
  if (address.length === 4) return !NOT_PUBLIC_V4.some((range) => isIn(address, range));
  return isIn(address, GLOBAL_V6) && !NOT_PUBLIC_V6.some((range) => isIn(address, range));
}

export function isLoopbackAddress(address: IpAddress): boolean {
  if (address.length === 4) return address[0] === 127;
  return address.every((byte, index) => byte === (index === 15 ? 1 : 0));
}

function isIn(address: IpAddress, [bytes, bits]: Range): boolean {
  return bytes.every((byte, index) => {
    const unused = Math.max(0, (index + 1) * 8 - bits);
    return (address[index] ?? 0) >> unused === byte >> unused;
  });
}
