/** Our DTLS certificate: one a session, so that every connection of it can be bound to the same handshake. */
import type { Bytes } from '../protocol/bytes.ts';
import { sdpFingerprint } from '../protocol/fingerprint.ts';

/** ECDSA on P-256: what every browser makes in about a millisecond (RFC 8827 §6.5). */
const ALGORITHM: EcKeyGenParams = { name: 'ECDSA', namedCurve: 'P-256' };

/** Rejects where the browser makes no certificate, or does not tell its fingerprint: then nothing can be bound. */
export async function createDtlsIdentity(): Promise<{
  readonly certificate: RTCCertificate;
  readonly fingerprint: Bytes;
}> {
  const certificate = await RTCPeerConnection.generateCertificate(ALGORITHM);
  const fingerprint = sdpFingerprint(ownFingerprints(certificate) ?? (await describe(certificate)));
  if (!fingerprint) throw new Error('DTLS: no fingerprint of our certificate');
  return { certificate, fingerprint };
}

/** As lines of SDP; `undefined` in browsers that do not tell (Firefox). */
function ownFingerprints(certificate: Partial<RTCCertificate>): string | undefined {
  return certificate
    .getFingerprints?.()
    .filter(({ algorithm }) => algorithm === 'sha-256')
    .map(({ algorithm, value }) => `a=fingerprint:${algorithm} ${value}`)
    .join('\n');
}

/** An offer that is never sent names it as well. */
async function describe(certificate: RTCCertificate): Promise<string> {
  const connection = new RTCPeerConnection({ certificates: [certificate] });
  try {
    connection.createDataChannel('');
    const { sdp } = await connection.createOffer();
    return sdp ?? '';
  } finally {
    connection.close();
  }
}
