/**
 * Which of a peer's statements about itself is the newest (PROTOCOL.md PM11). What peers say comes by two ways, and the relay can
 * hold back any of it for as long as the ratchet keeps the key of a message that was overtaken: an old statement opens, and must
 * not win over the one that came after it. Pure.
 */
import type { PeerId } from '../protocol/ids.ts';
import type { Effect } from './events.ts';
import type { Gone, Heard, Peer, PeerLeaveReason, Present } from './state.ts';

export const NOTHING_HEARD: Heard = { presence: 0, roster: 0 };

/** More than have keys with us at any time: whoever is forgotten cannot speak but by a new handshake. */
const GONE_MAX = 256;

/** The peer that has said this; `undefined` where something newer of the kind has come before. */
export function hear(peer: Peer, kind: keyof Heard, seq: number): Peer | undefined {
  return seq < peer.heard[kind] ? undefined : { ...peer, heard: { ...peer.heard, [kind]: seq } };
}

/** The number of what is said about us in this step. All of one step have the same: they say the same. */
export function nextSeq({ said }: Pick<Present, 'said'>): number {
  return said + 1;
}

/** After every step: whether its effects have used the number up. */
export function tellsState(effect: Effect): boolean {
  return effect.type === 'announce-roster' || (effect.type === 'send' && 'seq' in effect.message);
}

/** Those that have never spoken are not remembered: the relay can list any number of them. */
export function rememberGone(gone: Present['gone'], peer: Peer, reason: PeerLeaveReason): Present['gone'] {
  const hasLeft = reason === 'left';
  const { peerId, heard, standbys, isExposed } = peer;
  const { asked } = peer.route;
  if (!peer.identity && !hasLeft && !isExposed) return gone;
  const next = new Map<PeerId, Gone>(gone);
  next.delete(peerId);
  next.set(peerId, { heard, asked, standbys, hasLeft, isExposed });
  for (const oldest of next.keys()) if (next.size > GONE_MAX) next.delete(oldest);
  return next;
}
