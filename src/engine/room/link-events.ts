/** What a connection to a peer tells, be it the first or the standby. Pure. */
import { dropPeer } from './entry.ts';
import type { Effect, Step, TimerId } from './events.ts';
import { stepFrames, stepUnsealed } from './frames.ts';
import { changeTransport, checkLink, isReached, linkTimer, naming, negotiate, withPeer } from './peers.ts';
import type { Own, PeerStep } from './peers.ts';
import type { PresentEvent } from './present.ts';
import { stepBarred, stepExposed } from './privacy.ts';
import {
  barStandby,
  changeStandby,
  dropStandby,
  followLink,
  isStandbyTimer,
  onStandby,
  stepFlow,
  stepPath,
  stepStandbyTimer,
} from './standby.ts';
import type { Peer, Present, RoomState } from './state.ts';

type LinkEvent = Extract<PresentEvent, { generation: number }>;

const NOTHING: readonly Effect[] = [];

/** Of a connection that is no more it means nothing. */
export function stepLink(state: RoomState, call: Present, own: Own, peer: Peer, event: LinkEvent): Step {
  const isOfStandby = event.generation === peer.standby?.link.generation;
  if (!isOfStandby && event.generation !== peer.link.generation) return [state, NOTHING];
  if (event.type === 'frames-unsealed') {
    // what it does on one connection it does on the other
    const alone = dropStandby(peer);
    const told = stepUnsealed(alone.peer);
    return withPeer(state, call, { peer: told.peer, effects: [...alone.effects, ...told.effects] });
  }
  if (isOfStandby) return withPeer(state, call, stepOnStandby(own, peer, event));
  switch (event.type) {
    case 'transport-changed':
      // what the peer has ended is over, whatever the connection still says
      if (peer.link.isEnded) return [state, NOTHING];
      return withPeer(state, call, followLink(own, changeTransport(peer, event.transport)));
    case 'ended-by-peer': {
      const ended: Peer = { ...peer, link: { ...peer.link, isEnded: true } };
      if (!peer.isListed && !isReached(ended)) return dropPeer(state, call, ended, 'connection-lost');
      return withPeer(state, call, followLink(own, changeTransport(ended, 'failed')));
    }
    case 'link-barred':
      return stepBarred(state, call, peer, own);
    case 'path-exposed':
      return stepExposed(state, call, peer);
    case 'path-found':
      return withPeer(state, call, stepPath(own, peer, event.isRelayed));
    case 'frames-flow':
      return withPeer(state, call, stepFlow(peer, 'link', event));
    default:
      return withPeer(state, call, stepEither(own, peer, event));
  }
}

export function stepLinkTimer(own: Own, peer: Peer, id: TimerId): PeerStep {
  if (isStandbyTimer(id)) return stepStandbyTimer(own, peer, id);
  return id === linkTimer(peer.peerId) ? naming(checkLink(own, peer)) : { peer, effects: NOTHING };
}

function stepOnStandby(own: Own, peer: Peer, event: Exclude<LinkEvent, { type: 'frames-unsealed' }>): PeerStep {
  const { standby } = peer;
  if (!standby) return { peer, effects: NOTHING };
  switch (event.type) {
    case 'transport-changed':
      return changeStandby(own, peer, { ...standby, link: { ...standby.link, transport: event.transport } });
    case 'ended-by-peer':
      return changeStandby(own, peer, { ...standby, link: { ...standby.link, isEnded: true } });
    case 'link-barred':
      return barStandby(peer);
    case 'path-exposed':
    case 'path-found':
      return { peer, effects: NOTHING };
    case 'frames-flow':
      return stepFlow(peer, 'standby', event);
    default:
      return onStandby(peer, standby, (each) => stepEither(own, each, event));
  }
}

type EitherEvent = Exclude<
  LinkEvent,
  {
    type:
      | 'transport-changed'
      | 'ended-by-peer'
      | 'link-barred'
      | 'path-exposed'
      | 'path-found'
      | 'frames-flow'
      | 'frames-unsealed';
  }
>;

function stepEither(own: Own, peer: Peer, event: EitherEvent): PeerStep {
  switch (event.type) {
    case 'offer-made':
    case 'offer-accepted':
      return negotiate(own, peer, event, event.sdp);
    case 'answer-accepted':
      return negotiate(own, peer, event);
    case 'negotiation-failed':
      return negotiate(own, peer, { type: 'failed', work: event.work, round: event.round });
    case 'candidates-found': {
      const { candidates, generation, peerId } = event;
      const message = { type: 'candidates' as const, link: generation, candidates };
      return { peer, effects: [{ type: 'send', to: peerId, message }] };
    }
    case 'frames':
      return stepFrames(peer, event.kind, event.state);
    case 'remote-track':
      return { peer: { ...peer, tracks: { ...peer.tracks, [event.kind]: event.trackId } }, effects: NOTHING };
  }
}
