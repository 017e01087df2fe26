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
 * - `alone`: in a private room where nobody else is: there are no keys to speak of, only a link that keeps others out.
 * - `open-room`: keys are agreed, but anyone who sees the page can come in, or step between two who have not compared codes.
 * `verified` needs everybody compared, and that all have said that they see the same people.
 */
export type EncryptionState = 'none' | 'alone' | 'open-room' | PeerEncryption;

export type RoomEncryption = EncryptionView & {
  readonly overall: EncryptionState;
  readonly peers: ReadonlyMap<PeerId, PeerEncryption>;
};

/** What to show of a peer: its encryption, that another device came under a name we know, or that its keys were declared dead. */
export type PeerMark = PeerEncryption | 'changed' | 'revoked';

/** From the worst. With any of these the room has no better word. */
const FLAWS: readonly PeerEncryption[] = ['wrong-key', 'codes-differ', 'unsupported', 'waiting-key'];

const ALARMS = ['wrong-key', 'revoked', 'changed', 'codes-differ'] as const satisfies readonly PeerMark[];

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
  if (encryption === 'encrypted' && identity?.standing === 'changed') return 'changed';
  return encryption === 'wrong-key' && identity?.standing === 'revoked' ? 'revoked' : encryption;
}

/** Whether this is loud: something is not as it has to be, or not as it was. */
export function isAlarming(mark: PeerMark): mark is (typeof ALARMS)[number] {
  return (ALARMS as readonly PeerMark[]).includes(mark);
}

/** Whether the connection was closed for its keys. */
export function isRefused(mark: PeerMark): boolean {
  return mark === 'wrong-key' || mark === 'revoked';
}

/** Whether there are keys to compare codes of. */
export function isComparable(mark: PeerMark): boolean {
  return mark === 'encrypted' || mark === 'verified' || mark === 'changed' || mark === 'codes-differ';
}

/** What the way to comparing is called: who was compared is not to be taken for who was not. */
export function verifyKey(mark: PeerMark): 'verify' | 'verify-once-more' {
  return mark === 'verified' || mark === 'codes-differ' ? 'verify-once-more' : 'verify';
}

/** Whether somebody has to look at this room's people. */
export function hasAlarm({ participants, encryption, privacy }: SessionView): boolean {
  const isExposed = privacy === 'failed';
  return isExposed || encryption.roster === 'mismatch' || participants.some((peer) => isAlarming(markOf(peer)));
}

function overallOf(view: SessionView): EncryptionState {
  const { participants, encryption } = view;
  if (!isInCall(view.phase) || !encryption.isSignallingSealed) return 'none';
  const flaw = FLAWS.find((state) => participants.some((peer) => peer.encryption === state));
  if (flaw) return flaw;
  if (encryption.isVerified && encryption.roster === 'consistent') return 'verified';
  if (encryption.roomKind === 'open') return 'open-room';
  return participants.length === 0 ? 'alone' : 'encrypted';
}
