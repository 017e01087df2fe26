/** From a bundle or a first message to a session with one peer (PROTOCOL.md HS3–HS7). Keeps nothing. */
import type { Certificate, DeviceKeys } from '../crypto/certificate.ts';
import { readBundle } from '../crypto/pre-keys.ts';
import type { OwnPreKeys } from '../crypto/pre-keys.ts';
import { initiate, respond } from '../crypto/pqxdh.ts';
import type { RespondFault } from '../crypto/pqxdh.ts';
import type { Provider } from '../crypto/provider.ts';
import { acceptRatchet, initiateRatchet, openMessage } from '../crypto/ratchet.ts';
import type { OpenFault as RatchetFault } from '../crypto/ratchet.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { MODE_REQUIRED, SUITES } from '../crypto/suite.ts';
import type { Bytes } from '../protocol/bytes.ts';
import type { PeerId } from '../protocol/ids.ts';
import { Pair } from './pair.ts';
import type { OpenedBundle } from './wire.ts';

/** Ourselves, in one join. */
export type OwnParty = {
  readonly provider: Provider;
  readonly room: RoomKeys;
  readonly device: DeviceKeys;
  readonly self: PeerId;
  /** SHA-256 of our DTLS certificate, 32 bytes. */
  readonly dtlsFingerprint: Bytes;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds of a clock that nobody sets, neither here nor at the relay: for how long something has been kept. */
  readonly steadyNow: () => number;
  readonly isRevoked: (certificate: Certificate) => Promise<boolean>;
};

export type BeginFault = 'bad-bundle' | 'revoked' | 'refused-key';
export type AnswerFault = RespondFault | RatchetFault | 'revoked';

export type Begun = { readonly ok: true; readonly pair: Pair } | { readonly ok: false; readonly fault: BeginFault };

export type Answered =
  | {
      readonly ok: true;
      readonly pair: Pair;
      readonly plaintext: Bytes;
      /** A one-time pre-key was used, not the last-resort one alone. */
      readonly isOneTime: boolean;
      /** Spends the pre-key that was used. `false`: it has been, so that this is a replay. */
      spend(): boolean;
    }
  | { readonly ok: false; readonly fault: AnswerFault };

/** The newcomer's side: a session out of what the present peer has published. Proves nothing before it is answered. */
export async function beginPair(own: OwnParty, peerId: PeerId, { head, oneTime }: OpenedBundle): Promise<Begun> {
  const { provider, room, now } = own;
  const read = readBundle(provider, { roomId: room.roomId, peerId }, head, oneTime, seconds(now));
  if (!read) return { ok: false, fault: 'bad-bundle' };
  const { bundle } = read;
  const { certificate, dtlsFingerprint, lastResort } = bundle;
  const initiating = initiate(provider, sideOf(own), { peerId, bundle }, roomOf(own));
  const agreeing = initiating.then((initiated) => initiated?.secrets);
  // All at once; what has been agreed is thrown away where a verdict is against it.
  const [isGenuine, isRevoked, begun, ratchet] = await Promise.all([
    read.isGenuine,
    own.isRevoked(certificate),
    initiating,
    initiateRatchet(provider, agreeing, lastResort.dh),
  ]);
  if (!isGenuine) return { ok: false, fault: 'bad-bundle' };
  if (isRevoked) return { ok: false, fault: 'revoked' };
  if (!begun || !ratchet) return { ok: false, fault: 'refused-key' };
  const { header, secrets } = begun;
  const pair = new Pair({ provider, role: 'initiator', header, secrets, ratchet, certificate, dtlsFingerprint });
  return { ok: true, pair };
}

/** The present peer's side: a session out of a first message that opens. Spends no pre-key by itself. */
export async function answerPair(
  own: OwnParty,
  preKeys: OwnPreKeys,
  peerId: PeerId,
  header: Bytes,
  message: Bytes,
): Promise<Answered> {
  const { provider, now, steadyNow } = own;
  const side = { ...sideOf(own), preKeys, suites: SUITES };
  const answer = await respond(provider, side, peerId, header, roomOf(own), seconds(now));
  if (!answer.ok) return answer;
  const { secrets, certificate, dtlsFingerprint, oneTimeId } = answer;
  if (await own.isRevoked(certificate)) return { ok: false, fault: 'revoked' };
  const opened = await openMessage(acceptRatchet(secrets, preKeys.lastResort.dh), message, steadyNow());
  if (!opened.ok) return opened;
  const { ratchet, plaintext } = opened;
  const pair = new Pair({ provider, role: 'responder', header, secrets, ratchet, certificate, dtlsFingerprint });
  return {
    ok: true,
    pair,
    plaintext,
    isOneTime: oneTimeId !== 0,
    spend: () => preKeys.spend(oneTimeId, secrets.transcriptHash),
  };
}

function sideOf({ device, self, dtlsFingerprint }: OwnParty): Parameters<typeof initiate>[1] {
  return { device, peerId: self, dtlsFingerprint };
}

function roomOf({ room }: OwnParty): Parameters<typeof initiate>[3] {
  return { roomId: room.roomId, psk: room.psk, mode: MODE_REQUIRED };
}

function seconds(now: () => number): number {
  return Math.floor(now() / 1000);
}
