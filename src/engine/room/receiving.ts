/** What peers say about themselves and about their connections to us. Pure. */
import { isStandby } from '../protocol/peer.ts';
import { dropPeer } from './entry.ts';
import type { Effect, RoomEvent, Step } from './events.ts';
import { hear } from './order.ts';
import { isOfferer, negotiate, receiveOffer, renewLink, sendPresence, withPeer } from './peers.ts';
import type { Own, PeerStep } from './peers.ts';
import { answerRoster, receiveRoster } from './roster.ts';
import { onStandby, receiveRoute, receiveStandby } from './standby.ts';
import type { Peer, Present, RoomState } from './state.ts';
import { agree } from './trust.ts';

const NOTHING: readonly Effect[] = [];
const STALE: Effect = { type: 'drop', reason: 'stale-state' };

export function receive(
  state: RoomState,
  call: Present,
  own: Own,
  event: Extract<RoomEvent, { type: 'message' }>,
): Step {
  const { from, message } = event;
  const found = call.peers.get(from);
  // proves itself: a leave that was faster, or a connection that has ended, must not keep it from counting
  if (!found && message.type === 'e2ee_key_revoke') return [state, [{ type: 'assure', from, message }]];
  if (!found) return [state, [{ type: 'drop', reason: 'unknown-peer' }]];
  if (found.isRefused) return [state, [{ type: 'drop', reason: 'refused-peer' }]];
  const peer = agree(found, event.sender);
  switch (message.type) {
    case 'roster': {
      const heard = hear(peer, 'roster', message.seq);
      const known = { ...call, peers: new Map(call.peers).set(from, heard ?? peer) };
      if (!heard) return [{ ...state, call: known }, message.isAsking ? [STALE, answerRoster(known, from)] : [STALE]];
      const [told, effects] = receiveRoster(known, from, message);
      return [{ ...state, call: told }, effects];
    }
    case 'code-commit':
    case 'code-reveal':
    case 'e2ee_key_rotation':
    case 'e2ee_key_revoke':
      return withPeer(state, call, { peer, effects: [{ type: 'assure', from, message }] });
  }
  if (message.type === 'leave') return dropPeer(state, call, found, 'left');
  if (found.isExposed && message.type !== 'presence') return [state, [{ type: 'drop', reason: 'exposed-peer' }]];
  if (message.type === 'route') return withPeer(state, call, receiveRoute(peer, message));
  if (message.type === 'candidates') {
    const link = isStandby(message.link) ? peer.standby?.link : peer.link;
    if (message.link !== link?.generation || link.negotiation.at === 'new') {
      return [state, [{ type: 'drop', reason: 'stale-link' }]];
    }
    const { candidates } = message;
    const effect: Effect = { type: 'add-candidates', peerId: from, generation: message.link, candidates };
    return withPeer(state, call, { peer, effects: [effect] });
  }
  const heard = hear(peer, 'presence', message.seq);
  const present: Peer = heard ? { ...heard, presence: message.presence } : peer;
  // An old one may still ask, or belong to an exchange that goes on: `link` and `round` tell.
  const next = negotiated(own, present, message);
  return withPeer(state, call, heard ? next : { peer: next.peer, effects: [STALE, ...next.effects] });
}

function negotiated(
  own: Own,
  peer: Peer,
  message: Extract<Extract<RoomEvent, { type: 'message' }>['message'], { type: 'offer' | 'answer' | 'presence' }>,
): PeerStep {
  if (message.type === 'presence') {
    const answer = message.isAsking ? [sendPresence(peer, own)] : NOTHING;
    // The peer had given us up, and waits for a connection newer than the one we have.
    const isBehind =
      message.link > peer.link.generation && !isStandby(message.link) && isOfferer(own, peer) && !peer.isExposed;
    const next = isBehind ? renewLink(own, peer, message.link + 1) : { peer, effects: NOTHING };
    return { peer: next.peer, effects: [...answer, ...next.effects] };
  }
  const { link, round, sdp } = message;
  if (message.type === 'offer') {
    const accept = (each: Peer): PeerStep => receiveOffer(own, each, link, round, sdp);
    return isStandby(link) ? receiveStandby(own, peer, link, accept) : accept(peer);
  }
  if (isStandby(link) && peer.standby?.link.generation === link) {
    const answer = (each: Peer): PeerStep => negotiate(own, each, { type: 'answer-received', round }, sdp);
    return onStandby(peer, peer.standby, answer);
  }
  if (link !== peer.link.generation) return { peer, effects: [{ type: 'drop', reason: 'stale-link' }] };
  return negotiate(own, peer, { type: 'answer-received', round }, sdp);
}
