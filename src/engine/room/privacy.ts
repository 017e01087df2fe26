/** Addresses that are hidden from the others (PROTOCOL.md PR): switched on, hindered, and failed. Pure. */
import type { Effect, Step } from './events.ts';
import { isOfferer, linkTimer, ownOf, renewLink, replaceLink, restOf, sendPresence, stopTimer } from './peers.ts';
import type { Own } from './peers.ts';
import { dropStandby, wantStandby } from './standby.ts';
import { isPresent } from './state.ts';
import type { Peer, Present, Privacy, RoomState } from './state.ts';

const NOTHING: readonly Effect[] = [];

export function stepPrivate(state: RoomState, isOn: boolean): Step {
  const { call, local } = state;
  const isBusy = call.phase === 'joining' || isPresent(call);
  // what is told to others with it takes both sides to take back
  if ((local.privacy !== 'off') === isOn || (!isOn && isBusy)) return [state, NOTHING];
  const hidden = withPrivacy(state, isOn ? 'on' : 'off');
  const effects: Effect[] = [{ type: 'hide-addresses', isOn }];
  if (!isPresent(call)) return [hidden, effects];
  // on → CloseLink, OpenLink …: a connection that stands goes straight whatever it is told; a new one does not
  const own = ownOf(hidden, call);
  const peers = new Map(call.peers);
  for (const peer of call.peers.values()) {
    // it is one that hides nothing, whatever became of the first connection
    const dropped = dropStandby(peer);
    const isOpen = !peer.isRefused && peer.link.negotiation.at !== 'new';
    const next = isOpen ? replaceLink(own, dropped.peer) : { peer: dropped.peer, effects: NOTHING };
    peers.set(peer.peerId, next.peer);
    effects.push(...dropped.effects, ...next.effects);
  }
  return [{ ...hidden, call: { ...call, peers } }, effects];
}

/** PR2: nothing was opened. The link is as before the first one, so that it is tried again; who we are the peer hears by the relay. */
export function stepBarred(state: RoomState, call: Present, peer: Peer, own: Own): Step {
  const waiting = restOf(peer, peer.link.generation);
  const effects: Effect[] = peer.link.attempts === 0 ? [sendPresence(waiting, own)] : [];
  if (state.local.privacy !== 'on') return [withPeer(state, call, waiting), effects];
  const moment = { type: 'error', code: 'turn-unavailable', isRecoverable: true } as const;
  return [withPrivacy(withPeer(state, call, waiting), 'turn-unavailable'), [...effects, { type: 'tell', moment }]];
}

/** Whom we could not connect to, we can now. */
export function stepTurnFound(state: RoomState, call: Present, own: Own): Step {
  if (state.local.privacy !== 'turn-unavailable') {
    return [state, [...call.peers.values()].flatMap((peer) => wantStandby(own, peer))];
  }
  const peers = new Map(call.peers);
  const effects: Effect[] = [];
  for (const peer of call.peers.values()) {
    if (peer.isRefused || peer.isExposed || peer.link.negotiation.at !== 'new') continue;
    const next = isOfferer(own, peer) ? renewLink(own, peer, peer.link.generation) : replaceLink(own, peer);
    peers.set(peer.peerId, next.peer);
    effects.push(...next.effects);
  }
  return [withPrivacy({ ...state, call: { ...call, peers } }, 'on'), effects];
}

/** PR9: never silently. Closed, said aloud, and not tried again. */
export function stepExposed(state: RoomState, call: Present, peer: Peer): Step {
  const { peerId } = peer;
  const rest = restOf(peer, peer.link.generation);
  const { peer: alone, effects: closing } = dropStandby(rest);
  const closed: Peer = { ...alone, link: { ...rest.link, isEnded: true }, isExposed: true };
  const effects: readonly Effect[] = [
    { type: 'close-link', peerId },
    ...closing,
    stopTimer(linkTimer(peerId)),
    { type: 'tell', moment: { type: 'error', code: 'privacy-failed', isRecoverable: false, peerId } },
  ];
  return [withPrivacy(withPeer(state, call, closed), 'failed'), effects];
}

function withPrivacy(state: RoomState, privacy: Privacy): RoomState {
  return { ...state, local: { ...state.local, privacy } };
}

function withPeer(state: RoomState, call: Present, peer: Peer): RoomState {
  return { ...state, call: { ...call, peers: new Map(call.peers).set(peer.peerId, peer) } };
}
