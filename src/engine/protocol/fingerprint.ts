/**
 * The DTLS certificate that an SDP names (RFC 8122 §5, RFC 8827 §6.5). Browsers accept whatever a description lists,
 * several fingerprints too, any of which may then connect: here exactly one is good, and only SHA-256.
 */
import { fromHex } from './bytes.ts';
import type { Bytes } from './bytes.ts';

export const DTLS_FINGERPRINT_BYTES = 32;

/** SHA-256 of the one certificate, 32 bytes; `undefined` for none, for two different ones, and for any other hash. */
export function sdpFingerprint(sdp: string): Bytes | undefined {
  let found: string | undefined;
  for (const line of sdp.split(/\r\n|\r|\n/)) {
    if (!/^a=fingerprint(:|\s|$)/i.test(line)) continue;
    const value = /^a=fingerprint:sha-256 ((?:[0-9a-f]{2}:){31}[0-9a-f]{2})\s*$/i.exec(line)?.[1]?.toLowerCase();
    if (value === undefined || (found !== undefined && found !== value)) return undefined;
    found = value;
  }
  return found === undefined ? undefined : fromHex(found.replaceAll(':', ''));
}
