/**
 * Payload types of an SDP (RFC 8866 §5.14, §6.6). Firefox, told to prefer some codecs, still describes the feedback of those
 * it left out, and Chromium refuses all of such a description.
 */

/** The description without attributes of payload types that their m-line does not offer. Anything else comes back as it is. */
export function withoutUnofferedFormats(sdp: string): string {
  let offered: readonly string[] | undefined;
  const isKept = (line: string): boolean => {
    if (line.startsWith('m=')) offered = line.trim().split(' ').slice(3);
    const format = /^a=(?:rtpmap|rtcp-fb|fmtp):(\d+)\s/.exec(line)?.[1];
    return format === undefined || offered === undefined || offered.includes(format);
  };
  const lines = sdp.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  return lines.filter(isKept).join('');
}
