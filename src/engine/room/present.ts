/** The room while others can be in it. Pure. */
import { stepDoorTimer } from './desk.ts';
import { dropPeer, mendGap, refuseAbsent } from './entry.ts';
import type { DeskEvent, Effect, RoomEvent, Step, TimerId } from './events.ts';
import { isFramesTimer, rotateSenderKeys, stepFramesTimer } from './frames.ts';
import { stepLink, stepLinkTimer } from './link-events.ts';
import { NOTHING_HEARD } from './order.ts';
import { goneTimer, isReached, meetPeer, ownOf, relistPeer, unlistPeer, withPeer } from './peers.ts';
import type { Own } from './peers.ts';
import { stepTurnFound } from './privacy.ts';
import { receive } from './receiving.ts';
import { isRosterTimer, retellRoster, stepRosterTimer } from './roster.ts';
import type { Peer, Present, RoomState } from './state.ts';
import { stepTrust } from './trust.ts';

const NOTHING: readonly Effect[] = [];
/** More peers than any mesh has; the relay's list is not to be trusted with our memory. */
const PEERS_MAX = 64;

export type PresentEvent = Exclude<
  RoomEvent,
  {
    type:
      | 'open-lobby'
      | 'join'
      | 'leave'
      | 'set-name'
      | 'set-private'
      | 'set-microphone'
      | 'set-camera'
      | 'set-device'
      | 'device-live'
      | 'device-failed'
      | 'device-ended'
      | 'relay-lost'
      | 'relay-closed'
      | 'keys-failed'
      | 'sealing-failed'
      | 'welcome'
      | DeskEvent['type'];
  }
>;

export function stepPresent(state: RoomState, call: Present, event: PresentEvent): Step {
  const own = ownOf(state, call);
  switch (event.type) {
    case 'peer-listed': {
      if (event.peerId === call.peerId) return [state, NOTHING];
      if (call.refused.has(event.peerId)) return [state, [{ type: 'drop', reason: 'refused-peer' }]];
      const gone = call.gone.get(event.peerId);
      if (gone?.hasLeft) return [state, [{ type: 'drop', reason: 'left-peer' }]];
      const known = call.peers.get(event.peerId);
      // the relay can list anybody: each would cost a connection
      if (!known && call.peers.size >= PEERS_MAX) return [state, [{ type: 'drop', reason: 'too-many-peers' }]];
      const last = call.generations.get(event.peerId);
      const { joinNumber } = event;
      return withPeer(state, call, known ? relistPeer(known, joinNumber) : meetPeer(own, event, last, gone));
    }
    case 'peer-unlisted': {
      const peer = call.peers.get(event.peerId);
      if (!peer) return [state, NOTHING];
      // one that was refused is shown a while longer: who is to know of it must not blink
      if (peer.link.isEnded && !peer.isRefused && !isReached(peer))
        return dropPeer(state, call, peer, 'connection-lost');
      return withPeer(state, call, unlistPeer(peer));
    }
    case 'relay-gap':
      return mendGap(state, call);
    case 'turn-found':
      return stepTurnFound(state, call, own);
    case 'message':
      return receive(state, call, own, event);
    case 'rotate-sender-keys':
      return [state, rotateSenderKeys(call)];
    case 'peer-renewed': {
      const peer = call.peers.get(event.peerId);
      if (!peer) return [state, NOTHING];
      // nothing of the session before opens any more
      const renewed: Peer = { ...peer, heard: NOTHING_HEARD };
      return withPeer(state, call, { peer: renewed, effects: [retellRoster(call, event.peerId)] });
    }
    case 'peer-met':
    case 'peer-identified':
    case 'peer-compared':
    case 'peer-doubted':
    case 'peer-refused': {
      const peer = call.peers.get(event.peerId);
      if (!peer) return event.type === 'peer-refused' ? refuseAbsent(state, call, event) : [state, NOTHING];
      const next = stepTrust(peer, event);
      if (next.peer === peer || !next.peer.isRefused || peer.isListed) return withPeer(state, call, next);
      // nobody will tell any more that it is gone
      const gone = unlistPeer(next.peer);
      return withPeer(state, call, { peer: gone.peer, effects: [...next.effects, ...gone.effects] });
    }
    case 'timer':
      return stepTimer(state, call, own, event.id);
    default: {
      const peer = call.peers.get(event.peerId);
      return peer && !peer.isRefused ? stepLink(state, call, own, peer, event) : [state, NOTHING];
    }
  }
}

function stepTimer(state: RoomState, call: Present, own: Own, id: TimerId): Step {
  if (isRosterTimer(id)) return withCall(state, stepRosterTimer(call, id));
  if (id === 'host-door') return stepDoorTimer(state);
  if (isFramesTimer(id)) return [state, stepFramesTimer(call, id)];
  const peer = [...call.peers.values()].find(({ peerId }) => id.endsWith(peerId));
  if (!peer) return [state, NOTHING];
  if (id !== goneTimer(peer.peerId)) return withPeer(state, call, stepLinkTimer(own, peer, id));
  return peer.isListed || isReached(peer) ? [state, NOTHING] : dropPeer(state, call, peer, 'connection-lost');
}

function withCall(state: RoomState, [call, effects]: readonly [RoomState['call'], readonly Effect[]]): Step {
  return [{ ...state, call }, effects];
}
