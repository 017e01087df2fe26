/**
 * Descriptions (RFC 8866) without addresses, in either direction (PROTOCOL.md PR4, PR7), and without what tells of a voice by
 * its packets (PR8).
 */
import { parseIpAddress } from './ip-address.ts';

/** Where there is nothing yet (RFC 8829 §5.2.1), which is what ICE makes of all of them. */
const NOWHERE = 'IN IP4 0.0.0.0';
const NO_PORT = '9';

const AUDIO_LEVEL = /^a=extmap:\S+ urn:ietf:params:rtp-hdrext:(?:ssrc|csrc)-audio-level(?: |$)/i;

/**
 * With those candidates that `keep` gives a text for, and no other address; CRLF throughout. `undefined` where one may be left: such a
 * description goes nowhere.
 */
export function withoutAddresses(sdp: string, keep: (candidate: string) => string | undefined): string | undefined {
  const lines: string[] = [];
  for (const line of linesOf(sdp)) {
    if (/^a=candidate:/i.test(line)) {
      const kept = keep(line.slice('a='.length));
      if (kept !== undefined) lines.push(`a=${kept}`);
      continue;
    }
    // almost one, which may name a host
    if (/^a=[\s:]*candidate/i.test(line)) return undefined;
    // answers of who has no other way to say which pair it took (RFC 8839 §5.2)
    if (/^a=remote-candidates:/i.test(line)) continue;
    const hidden = hideLine(line);
    if (hasAddress(hidden)) return undefined;
    lines.push(hidden);
  }
  return lines.map((line) => `${line}\r\n`).join('');
}

/**
 * Opus is asked for at a constant rate and without pauses (RFC 7587 §6.1), and no header says how loud it is (RFC 6464, RFC 6465):
 * packets of another size or distance tell phrases apart, sealed or not.
 */
export function withSteadySound(sdp: string): string {
  const lines = linesOf(sdp).filter((line) => !AUDIO_LEVEL.test(line));
  // sets, so that a peer's text costs no more than it is long
  const formats = new Set(lines.flatMap((line) => /^a=rtpmap:(\d+) opus\//i.exec(line)?.[1] ?? []));
  const described = new Set(lines.flatMap((line) => /^a=fmtp:(\d+) /.exec(line)?.[1] ?? []));
  const steady = lines.flatMap((line) => {
    const format = /^a=(?:rtpmap|fmtp):(\d+) /.exec(line)?.[1];
    if (format === undefined || !formats.has(format)) return [line];
    if (line.startsWith('a=fmtp:')) return [steadyFormat(line)];
    return described.has(format) ? [line] : [line, `a=fmtp:${format} cbr=1;usedtx=0`];
  });
  return steady.map((line) => `${line}\r\n`).join('');
}

function steadyFormat(line: string): string {
  const at = line.indexOf(' ') + 1;
  const parameters = line
    .slice(at)
    .split(';')
    .map((each) => each.trim());
  const others = parameters.filter((each) => each !== '' && !/^(?:cbr|usedtx)(?:=|$)/i.test(each));
  return `${line.slice(0, at)}${[...others, 'cbr=1', 'usedtx=0'].join(';')}`;
}

function hideLine(line: string): string {
  switch (line.slice(0, 2)) {
    case 'o=':
      // the name in it is the browser's own, with its version
      return line.replace(/^o=\S+ (\d+) (\d+) IN IP[46] \S+$/, `o=- $1 $2 ${NOWHERE}`);
    case 'c=':
      return `c=${NOWHERE}`;
    case 'm=':
      // 0 says that this medium is refused, or is in the bundle of another
      return line.replace(/^(m=\S+) (?!0 )\d+ /, `$1 ${NO_PORT} `);
    default:
      return /^a=rtcp:/i.test(line) ? `a=rtcp:${NO_PORT} ${NOWHERE}` : line;
  }
}

/** Anything in it that could be read as one, but for the address of nowhere. */
function hasAddress(line: string): boolean {
  // of bounded parts, so that a peer's text costs no more than it is long
  const dotted = line.match(/\d{1,3}(?:\.\d{1,3}){3}/g) ?? [];
  // groups and colons: an attribute's own colon may stand before it, a port behind it
  const grouped = (line.match(/[\da-f:]+/gi) ?? []).filter((run) => /:[^:]*:/.test(run));
  const isAddress = (text: string): boolean =>
    cutsOf(text).some((cut) => (parseIpAddress(cut) ?? []).some((byte) => byte > 0));
  return dotted.some((text) => text !== '0.0.0.0') || grouped.some(isAddress) || /\.local/i.test(line);
}

/** A run of groups and colons as it is, and without its first, its last, and both. */
function cutsOf(run: string): readonly string[] {
  const heads = [run, run.replace(/^[\da-f]*:/i, '')];
  return heads.flatMap((head) => [head, head.replace(/:[\da-f]*$/i, '')]);
}

function linesOf(sdp: string): readonly string[] {
  return sdp.split(/\r\n|\r|\n/).filter((line) => line !== '');
}
