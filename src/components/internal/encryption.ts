/** From what the engine knows about encryption to one word for a room and one for each peer. */
import type { EncryptionView, ParticipantView, PeerId, Phase, SessionView } from '../../engine/index.ts';

/**
 * - `none`: nothing to say, or nothing sealed.
 * - `open-room`: sealed, but under keys that anyone who sees the page can derive.
 * - `sealed`: signalling sealed under the link's secret, media under DTLS-SRTP from browser to browser.
 * - `frame-sealed`: each frame has a second seal of its own.
 * - `verified`: and somebody compared safety codes.
 */
export type EncryptionState = 'none' | 'open-room' | 'sealed' | 'frame-sealed' | 'verified';

export type RoomEncryption = EncryptionView & {
  readonly overall: EncryptionState;
  readonly peers: ReadonlyMap<PeerId, EncryptionState>;
};

export function roomEncryption(view: SessionView): RoomEncryption {
  const seal = sealOf(view.encryption);
  return {
    ...view.encryption,
    overall: isInCall(view.phase) ? seal : 'none',
    peers: new Map(view.participants.map((peer) => [peer.peerId, isConnected(peer) ? seal : 'none'])),
  };
}

/** Whether outsiders are kept out: what the CSS state `encrypted` claims. */
export function isEncrypted(state: EncryptionState): boolean {
  return state === 'sealed' || state === 'frame-sealed' || state === 'verified';
}

export function isInCall(phase: Phase): boolean {
  return phase === 'joined' || phase === 'reconnecting';
}

function sealOf(encryption: EncryptionView): EncryptionState {
  if (!encryption.isSignallingSealed) return 'none';
  if (encryption.roomKind === 'open') return 'open-room';
  if (!encryption.isFrameSealed) return 'sealed';
  return encryption.isVerified ? 'verified' : 'frame-sealed';
}

function isConnected(peer: ParticipantView): boolean {
  return peer.link === 'connected';
}
