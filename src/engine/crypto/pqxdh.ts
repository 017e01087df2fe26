/**
 * Key agreement in one message, after Signal's PQXDH (revision 3, §3): the newcomer (initiator) takes the published
 * bundle of a present peer (responder), and both derive the same keys from X25519 and ML-KEM-768 together.
 *
 * ```text
 *  DH1 = DH(IK_i, SPK_r)   DH2 = DH(EK_i, IK_r)   DH3 = DH(EK_i, SPK_r)   DH4 = DH(EK_i, OPK_r)
 *  key material = HKDF-SHA-512(ikm  = 0xFF × 32 ‖ DH1 ‖ DH2 ‖ DH3 [‖ DH4] ‖ ss ‖ psk,
 *                              salt = 64 zeros,
 *                              info = "tai/1 PQXDH" ‖ SHA-512(transcript), 128 bytes)
 *               = root key ‖ initiator's header key ‖ responder's header key ‖ exporter secret, 32 bytes each
 * ```
 * IK is the X25519 key of a certificate, EK a fresh one, SPK the one of the last-resort record, OPK the one of the
 * one-time record; ss is ML-KEM's for the one-time record. Where there is none, DH4 is left out and ss is for the
 * last-resort record. The psk follows from the room's secret.
 *
 * What this shows, and when. A header proves nothing by itself: the responder knows the initiator once the first message
 * under these keys has opened, the initiator knows the responder once an answer has. Only IK's holder can do either, and
 * both saw the same transcript (pqxdh-transcript.ts), so that whoever strips a part, swaps a fingerprint or puts in
 * another suite, mode or certificate gets keys that fit nobody's.
 *
 * Replays. `respond` spends nothing, since anybody with the link could otherwise use up one-time keys by headers without
 * a first message that opens. The caller opens that message and then asks `preKeys.spend`: a header that is played again
 * gives `unknown-pre-key` from then on where it used a one-time key; where it used the last-resort key it derives the same
 * secrets as before, and `spend` gives `false`. Played to another peer id, room or presence it opens nothing.
 */
import { asciiBytes, concatBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import type { PeerId, RoomId } from '../protocol/ids.ts';
import { isValid, parseCertificate } from './certificate.ts';
import type { Certificate, DeviceKeys } from './certificate.ts';
import { hkdfSha512 } from './kdf.ts';
import { formatPqxdhHeader, parsePqxdhHeader } from './pqxdh-header.ts';
import { transcriptHash } from './pqxdh-transcript.ts';
import { publicPreKey } from './pre-key-record.ts';
import type { OwnPreKeys, PeerBundle } from './pre-keys.ts';
import { SHARED_SECRET_BYTES } from './provider.ts';
import type { DhKey, Provider } from './provider.ts';
import { SUITE } from './suite.ts';

/** What a caller needs besides. */
export { HEADER_BYTES } from './pqxdh-header.ts';
export { MODE_REQUIRED, SUITES } from './suite.ts';

/** Signal's PQXDH §2.2: keeps the input apart from that of XEdDSA on this curve. */
const CURVE_PREFIX = new Uint8Array(32).fill(0xff);
const SALT = new Uint8Array(64);
const INFO_LABEL = asciiBytes('tai/1 PQXDH');

/** 32 bytes each, but for the hash. */
export type SessionSecrets = {
  readonly rootKey: Bytes;
  readonly initiatorHeaderKey: Bytes;
  readonly responderHeaderKey: Bytes;
  readonly exporter: Bytes;
  /** SHA-512 of the transcript, 64 bytes: associated data of the session's messages. Not secret. */
  readonly transcriptHash: Bytes;
};

/** Ourselves, as the other side is to see us. */
export type OwnSide = {
  readonly device: DeviceKeys;
  readonly peerId: PeerId;
  /** SHA-256 of our DTLS certificate, 32 bytes. */
  readonly dtlsFingerprint: Bytes;
};

export type HandshakeRoom = {
  readonly roomId: RoomId;
  /** 32 bytes. */
  readonly psk: Bytes;
  readonly mode: number;
};

export type Initiated = { readonly header: Bytes; readonly secrets: SessionSecrets };

export type RespondFault =
  | 'malformed'
  | 'wrong-mode'
  | 'wrong-suite'
  | 'bad-certificate'
  | 'unknown-pre-key'
  | 'refused-key';

export type Responded =
  | {
      readonly ok: true;
      readonly secrets: SessionSecrets;
      /** The initiator's, valid; that it is there is shown by the first message. */
      readonly certificate: Certificate;
      /** The initiator's. */
      readonly dtlsFingerprint: Bytes;
      /** For `OwnPreKeys.spend`; 0: none was used. */
      readonly oneTimeId: number;
    }
  | { readonly ok: false; readonly fault: RespondFault };

/** `undefined`: the bundle is of another mode, offers no suite of ours, or holds a key that is refused. */
export async function initiate(
  provider: Provider,
  own: OwnSide,
  peer: { readonly peerId: PeerId; readonly bundle: PeerBundle },
  room: HandshakeRoom,
): Promise<Initiated | undefined> {
  const { bundle } = peer;
  const { lastResort, oneTime } = bundle;
  if (bundle.mode !== room.mode || !bundle.suites.includes(SUITE)) return undefined;
  const [{ ephemeral, agreeing }, encapsulated] = await Promise.all([
    beginAgreeing(provider, own.device.dh, bundle),
    provider.encapsulate((oneTime ?? lastResort).kem),
  ]);
  if (!encapsulated) return undefined;
  const { certificate } = own.device;
  const hashing = transcriptHash({
    mode: room.mode,
    suitesOffered: bundle.suites,
    suite: SUITE,
    roomId: room.roomId,
    initiator: { peerId: own.peerId, certificate, dtlsFingerprint: own.dtlsFingerprint },
    responder: { peerId: peer.peerId, certificate: bundle.certificate, dtlsFingerprint: bundle.dtlsFingerprint },
    ephemeralKey: ephemeral.publicKey,
    lastResort,
    oneTime,
    kemCiphertext: encapsulated.ciphertext,
  });
  const [shared, hash] = await Promise.all([agreeing, hashing]);
  const secrets = deriveSecrets([...shared, encapsulated.secret], room.psk, hash);
  if (!secrets) return undefined;
  const header = formatPqxdhHeader({
    suite: SUITE,
    mode: room.mode,
    certificate: certificate.bytes,
    dtlsFingerprint: own.dtlsFingerprint,
    ephemeralKey: ephemeral.publicKey,
    lastResortId: lastResort.id,
    oneTimeId: oneTime?.id ?? 0,
    kemCiphertext: encapsulated.ciphertext,
  });
  return { header, secrets };
}

/** DH1..4 of the initiator, begun as soon as there is an ephemeral key: each `undefined` where it is refused. */
async function beginAgreeing(
  provider: Provider,
  identity: DhKey,
  { certificate, lastResort, oneTime }: PeerBundle,
): Promise<{ readonly ephemeral: DhKey; readonly agreeing: Promise<readonly (Bytes | undefined)[]> }> {
  const dh1 = identity.agree(lastResort.dh);
  const ephemeral = await provider.generateDh();
  const agreeing = Promise.all([
    dh1,
    ephemeral.agree(certificate.dhKey),
    ephemeral.agree(lastResort.dh),
    ...(oneTime ? [ephemeral.agree(oneTime.dh)] : []),
  ]);
  return { ephemeral, agreeing };
}

/**
 * The responder's side of a header from `peerId`. `suites`: as they stand in our published head. Spends no pre-key:
 * `own.preKeys.spend` does, once the first message has opened.
 */
export async function respond(
  provider: Provider,
  own: OwnSide & { readonly preKeys: OwnPreKeys; readonly suites: readonly number[] },
  peerId: PeerId,
  header: Bytes,
  room: HandshakeRoom,
  nowS: number,
): Promise<Responded> {
  const parsed = parsePqxdhHeader(header);
  if (!parsed) return refusal('malformed');
  const { ephemeralKey, oneTimeId, kemCiphertext, dtlsFingerprint } = parsed;
  if (parsed.mode !== room.mode) return refusal('wrong-mode');
  if (parsed.suite !== SUITE || !own.suites.includes(SUITE)) return refusal('wrong-suite');
  const { lastResort } = own.preKeys;
  // 0 is no key's id
  const oneTime = own.preKeys.peekOneTime(oneTimeId);
  if (parsed.lastResortId !== lastResort.id || (oneTimeId !== 0 && !oneTime)) return refusal('unknown-pre-key');
  const certificate = parseCertificate(parsed.certificate);
  if (!certificate) return refusal('bad-certificate');
  const hashing = transcriptHash({
    mode: room.mode,
    suitesOffered: own.suites,
    suite: SUITE,
    roomId: room.roomId,
    initiator: { peerId, certificate, dtlsFingerprint },
    responder: {
      peerId: own.peerId,
      certificate: own.device.certificate,
      dtlsFingerprint: own.dtlsFingerprint,
    },
    ephemeralKey,
    lastResort: publicPreKey(lastResort),
    oneTime: oneTime && publicPreKey(oneTime),
    kemCiphertext,
  });
  const working = Promise.all([
    isValid(provider, certificate, nowS),
    lastResort.dh.agree(certificate.dhKey),
    own.device.dh.agree(ephemeralKey),
    lastResort.dh.agree(ephemeralKey),
    ...(oneTime ? [oneTime.dh.agree(ephemeralKey)] : []),
    (oneTime ?? lastResort).kem.decapsulate(kemCiphertext),
  ]);
  const [[isGenuine, ...shared], hash] = await Promise.all([working, hashing]);
  if (!isGenuine) return refusal('bad-certificate');
  const secrets = deriveSecrets(shared, room.psk, hash);
  return secrets ? { ok: true, secrets, certificate, dtlsFingerprint, oneTimeId } : refusal('refused-key');
}

function refusal(fault: RespondFault): Responded {
  return { ok: false, fault };
}

/** `shared`: DH1, DH2, DH3, DH4 where there is one, ss; they are zeros afterwards. `undefined` where one was refused. */
function deriveSecrets(shared: readonly (Bytes | undefined)[], psk: Bytes, hash: Bytes): SessionSecrets | undefined {
  const parts = shared.filter((part) => part !== undefined);
  if (parts.length < shared.length) return undefined;
  const input = concatBytes(CURVE_PREFIX, ...parts, psk);
  const material = hkdfSha512(input, SALT, concatBytes(INFO_LABEL, hash), 4 * SHARED_SECRET_BYTES);
  const secret = (index: number): Bytes =>
    material.slice(index * SHARED_SECRET_BYTES, (index + 1) * SHARED_SECRET_BYTES);
  const secrets = {
    rootKey: secret(0),
    initiatorHeaderKey: secret(1),
    responderHeaderKey: secret(2),
    exporter: secret(3),
    transcriptHash: hash,
  };
  for (const used of [...parts, input, material]) used.fill(0);
  return secrets;
}
