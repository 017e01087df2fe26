/** From what the engine knows about encryption to one word for a room and one for each peer. */
import type {
  EncryptionView,
  ParticipantView,
  PeerEncryption,
  PeerId,
  Phase,
  SessionView,
} from '../../engine/index.ts';

/**
 * A room's word, the worst that is true of anybody in it. Beside those of a peer:
 * - `none`: not in a room, or nothing sealed.
 * - `open-room`: keys are agreed, but anyone who sees the page can come in, or step between two who have not compared codes.
 * `encrypted` holds also alone; `verified` needs somebody, everybody compared, and that all have said that they see the same people.
 */
export type EncryptionState = 'none' | 'open-room' | PeerEncryption;

export type RoomEncryption = EncryptionView & {
  readonly overall: EncryptionState;
  readonly peers: ReadonlyMap<PeerId, PeerEncryption>;
};

/** What to show of a peer: its encryption, or that another device came under a name we know. */
export type PeerMark = PeerEncryption | 'changed';

/** From the worst. With any of these the room has no better word. */
const FLAWS: readonly PeerEncryption[] = ['wrong-key', 'unsupported', 'waiting-key'];

export function roomEncryption(view: SessionView): RoomEncryption {
  return {
    ...view.encryption,
    overall: overallOf(view),
    peers: new Map(view.participants.map((peer) => [peer.peerId, peer.encryption])),
  };
}

/** Whether outsiders are kept out: what the CSS state `encrypted` claims. */
export function isEncrypted(state: EncryptionState): boolean {
  return state === 'encrypted' || state === 'verified';
}

export function isInCall(phase: Phase): boolean {
  return phase === 'joined' || phase === 'reconnecting';
}

export function markOf({ encryption, identity }: Pick<ParticipantView, 'encryption' | 'identity'>): PeerMark {
  return encryption === 'encrypted' && identity?.standing === 'changed' ? 'changed' : encryption;
}

/** Whether this is loud: something is not as it has to be, or not as it was. */
export function isAlarming(mark: PeerMark): boolean {
  return mark === 'wrong-key' || mark === 'changed';
}

/** Whether there are keys to compare codes of. */
export function isComparable(mark: PeerMark): boolean {
  return mark === 'encrypted' || mark === 'verified' || mark === 'changed';
}

/** Whether somebody has to look at this room's people. */
export function hasAlarm({ participants, encryption }: SessionView): boolean {
  return encryption.roster === 'mismatch' || participants.some((peer) => isAlarming(markOf(peer)));
}

function overallOf(view: SessionView): EncryptionState {
  const { participants, encryption } = view;
  if (!isInCall(view.phase) || !encryption.isSignallingSealed) return 'none';
  const flaw = FLAWS.find((state) => participants.some((peer) => peer.encryption === state));
  if (flaw) return flaw;
  if (encryption.isVerified && encryption.roster === 'consistent') return 'verified';
  return encryption.roomKind === 'open' ? 'open-room' : 'encrypted';
}
