/** The room: `step(state, event) → [state, effects]`. No clock, no randomness, no I/O; every event is fine in every state. */
import { cleanName } from '../protocol/peer.ts';
import { openDevice, presenceOf, stepDevices } from './devices.ts';
import type { LocalStep } from './devices.ts';
import { stepDesk, stepDoorTimer, welcomeHost } from './desk.ts';
import type { DeskEvent, Effect, RoomEvent } from './events.ts';
import {
  changeTransport,
  checkLink,
  goneTimer,
  greetings,
  isOfferer,
  isShown,
  isStanding,
  linkTimer,
  meetPeer,
  naming,
  negotiate,
  receiveOffer,
  relistPeer,
  renewLink,
  sendPresence,
  stopTimer,
  unlistPeer,
} from './peers.ts';
import type { Own, PeerStep } from './peers.ts';
import { closeByRelay, end, loseRelay, mendGap, welcome } from './entry.ts';
import {
  isFramesTimer,
  rotateSenderKeys,
  stepFrames,
  stepFramesTimer,
  stepUnsealed,
  watchSenderKeys,
} from './frames.ts';
import { NOTHING_HEARD, hear, nextSeq, rememberGone, tellsState } from './order.ts';
import { stepBarred, stepExposed, stepPrivate, stepTurnFound } from './privacy.ts';
import { answerRoster, isRosterTimer, receiveRoster, retellRoster, stepRosterTimer, watchRoster } from './roster.ts';
import { isPresent } from './state.ts';
import type { Peer, PeerLeaveReason, Present, RoomState } from './state.ts';
import { agree, stepTrust, trouble } from './trust.ts';

export type Step = readonly [RoomState, readonly Effect[]];

const NOTHING: readonly Effect[] = [];
const STALE: Effect = { type: 'drop', reason: 'stale-state' };
/** More peers than any mesh has; the relay's list is not to be trusted with our memory. */
const PEERS_MAX = 64;
/** Of as many peers that were given up is the last generation kept. */
const FORGOTTEN_MAX = 64;

export function step(state: RoomState, event: RoomEvent): Step {
  const [next, effects] = stepRoom(state, event);
  const isCallChanged = next.call !== state.call;
  const [watched, told] = isCallChanged
    ? watchRoster(state.call, next.call, [...greetings(state.call, next.call), ...effects])
    : [next.call, effects];
  const isSaid = isPresent(watched) && told.some(tellsState);
  const call = isSaid ? { ...watched, said: nextSeq(watched) } : watched;
  return [call === next.call ? next : { ...next, call }, watchSenderKeys(state.call, call, told)];
}

function stepRoom(state: RoomState, event: RoomEvent): Step {
  switch (event.type) {
    case 'open-lobby': {
      if (state.call.phase !== 'idle' && state.call.phase !== 'left') return [state, NOTHING];
      // idle | left → OpenDevice… → lobby
      const first = event.microphone ? openDevice(state.local, 'microphone') : unchanged(state);
      const second = event.camera ? openDevice(first.local, 'camera') : { local: first.local, effects: NOTHING };
      return [{ ...state, local: second.local, call: { phase: 'lobby' } }, [...first.effects, ...second.effects]];
    }
    case 'join':
      if (state.call.phase === 'joining' || isPresent(state.call)) return [state, NOTHING];
      // idle | lobby | left → ConnectRelay → joining
      return [
        { ...state, call: { phase: 'joining', peerId: event.peerId } },
        [{ type: 'connect-relay', peerId: event.peerId }],
      ];
    case 'leave':
      return end(state, 'left', NOTHING);
    case 'set-name':
      return withLocal(state, { local: { ...state.local, name: cleanName(event.name) }, effects: NOTHING });
    case 'set-microphone':
    case 'set-camera':
    case 'set-device':
    case 'device-live':
    case 'device-failed':
    case 'device-ended':
      return withLocal(state, stepDevices(state.local, event));
    case 'set-private':
      return stepPrivate(state, event.isOn);
    case 'relay-lost':
      return loseRelay(state, state.call.phase === 'joining' ? 'relay-unreachable' : undefined);
    case 'keys-failed':
      return end(state, 'refused', [
        { type: 'tell', moment: { type: 'error', code: 'unsupported-browser', isRecoverable: true } },
      ]);
    case 'sealing-failed':
      if (state.call.phase !== 'joining' && !isPresent(state.call)) return [state, NOTHING];
      return end(state, 'refused', [
        { type: 'tell', moment: { type: 'error', code: event.code, isRecoverable: false } },
      ]);
    case 'relay-closed':
      return closeByRelay(state, event.reason);
    case 'welcome':
      return welcomeHost(state, welcome(state, event), event.door ?? 'open');
    case 'peer-kicked':
      return stepKicked(state, event.peerId);
    case 'host-known':
    case 'lock':
    case 'set-knock':
    case 'admit':
    case 'decline':
    case 'kick':
    case 'waiting':
    case 'door-changed':
    case 'peer-knocked':
    case 'knock-ended':
      return stepDesk(state, event);
    default:
      return isPresent(state.call)
        ? stepPresent(state, state.call, event)
        : [state, event.type === 'message' ? [{ type: 'drop', reason: 'wrong-phase' }] : NOTHING];
  }
}

type PresentEvent = Exclude<
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

function stepPresent(state: RoomState, call: Present, event: PresentEvent): Step {
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
      if (peer.link.isEnded && !peer.isRefused) return dropPeer(state, call, peer, 'connection-lost');
      return withPeer(state, call, unlistPeer(peer));
    }
    case 'relay-gap':
      return mendGap(state, call);
    case 'turn-found':
      return stepTurnFound(state, call, own);
    case 'message':
      return receive(state, call, event);
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
    case 'timer': {
      if (isRosterTimer(event.id)) return withCall(state, stepRosterTimer(call, event.id));
      if (event.id === 'host-door') return stepDoorTimer(state);
      if (isFramesTimer(event.id)) return [state, stepFramesTimer(call, event.id)];
      const peer = [...call.peers.values()].find(({ peerId }) => event.id.endsWith(peerId));
      if (!peer) return [state, NOTHING];
      if (event.id === linkTimer(peer.peerId)) return withPeer(state, call, naming(checkLink(own, peer)));
      return peer.isListed || isStanding(peer.link) ? [state, NOTHING] : dropPeer(state, call, peer, 'connection-lost');
    }
    default: {
      // told by a link: of an older connection it means nothing any more
      const peer = call.peers.get(event.peerId);
      if (peer?.link.generation !== event.generation || peer.isRefused) return [state, NOTHING];
      return stepLink(state, call, peer, event);
    }
  }
}

type LinkEvent = Extract<PresentEvent, { generation: number }>;

function stepLink(state: RoomState, call: Present, peer: Peer, event: LinkEvent): Step {
  const own = ownOf(state, call);
  switch (event.type) {
    case 'offer-made':
    case 'offer-accepted':
      return withPeer(state, call, negotiate(own, peer, event, event.sdp));
    case 'answer-accepted':
      return withPeer(state, call, negotiate(own, peer, event));
    case 'negotiation-failed':
      return withPeer(state, call, negotiate(own, peer, { type: 'failed', work: event.work, round: event.round }));
    case 'candidates-found': {
      const { candidates, generation, peerId } = event;
      const message = { type: 'candidates' as const, link: generation, candidates };
      return withPeer(state, call, { peer, effects: [{ type: 'send', to: peerId, message }] });
    }
    case 'transport-changed':
      // what the peer has ended is over, whatever the connection still says
      return peer.link.isEnded ? [state, NOTHING] : withPeer(state, call, changeTransport(peer, event.transport));
    case 'ended-by-peer': {
      const ended: Peer = { ...peer, link: { ...peer.link, isEnded: true } };
      if (!peer.isListed) return dropPeer(state, call, ended, 'connection-lost');
      return withPeer(state, call, changeTransport(ended, 'failed'));
    }
    case 'link-barred':
      return stepBarred(state, call, peer, own);
    case 'path-exposed':
      return stepExposed(state, call, peer);
    case 'frames':
      return withPeer(state, call, stepFrames(peer, event.kind, event.state));
    case 'frames-unsealed':
      return withPeer(state, call, stepUnsealed(peer));
    case 'remote-track': {
      const tracks = { ...peer.tracks, [event.kind]: event.trackId };
      return withPeer(state, call, { peer: { ...peer, tracks }, effects: NOTHING });
    }
  }
}

function receive(state: RoomState, call: Present, event: Extract<RoomEvent, { type: 'message' }>): Step {
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
      if (heard) return withCall(state, receiveRoster(known, from, message));
      return withCall(state, [known, message.isAsking ? [STALE, answerRoster(known, from)] : [STALE]]);
    }
    case 'code-commit':
    case 'code-reveal':
    case 'e2ee_key_rotation':
    case 'e2ee_key_revoke':
      return withPeer(state, call, { peer, effects: [{ type: 'assure', from, message }] });
  }
  if (message.type === 'leave') return dropPeer(state, call, found, 'left');
  if (found.isExposed && message.type !== 'presence') return [state, [{ type: 'drop', reason: 'exposed-peer' }]];
  if (message.type === 'candidates') {
    if (message.link !== peer.link.generation || peer.link.negotiation.at === 'new') {
      return [state, [{ type: 'drop', reason: 'stale-link' }]];
    }
    const { candidates } = message;
    const effect: Effect = { type: 'add-candidates', peerId: from, generation: message.link, candidates };
    return withPeer(state, call, { peer, effects: [effect] });
  }
  const heard = hear(peer, 'presence', message.seq);
  const present: Peer = heard ? { ...heard, presence: message.presence } : peer;
  // An old one may still ask, or belong to an exchange that goes on: `link` and `round` tell.
  const next = negotiated(ownOf(state, call), present, message);
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
    const isBehind = message.link > peer.link.generation && isOfferer(own, peer) && !peer.isExposed;
    const next = isBehind ? renewLink(own, peer, message.link + 1) : { peer, effects: NOTHING };
    return { peer: next.peer, effects: [...answer, ...next.effects] };
  }
  if (message.type === 'offer') return receiveOffer(own, peer, message.link, message.round, message.sdp);
  if (message.link !== peer.link.generation) return { peer, effects: [{ type: 'drop', reason: 'stale-link' }] };
  return negotiate(own, peer, { type: 'answer-received', round: message.round }, message.sdp);
}

function dropPeer(state: RoomState, call: Present, peer: Peer, reason: PeerLeaveReason): Step {
  const { peerId } = peer;
  const peers = new Map(call.peers);
  peers.delete(peerId);
  const generations = new Map(call.generations).set(peerId, peer.link.generation);
  // the relay can invent any number of peers: the oldest are forgotten
  for (const oldest of generations.keys()) if (generations.size > FORGOTTEN_MAX) generations.delete(oldest);
  const refused = peer.isRefused ? new Set(call.refused).add(peerId) : call.refused;
  const gone = rememberGone(call.gone, peer, reason);
  const effects: Effect[] = [
    stopTimer(linkTimer(peerId)),
    stopTimer(goneTimer(peerId)),
    { type: 'close-link', peerId },
  ];
  // One that was never shown, nobody misses.
  const why = peer.isRefused && reason !== 'kicked' ? 'refused' : reason;
  if (isShown(peer)) effects.push({ type: 'tell', moment: { type: 'peer-left', peerId, reason: why } });
  return [{ ...state, call: { ...call, peers, refused, generations, gone } }, effects];
}

/** AD13: in the host's own words, whoever has brought them. Nothing leads back for this peer id. */
function stepKicked(state: RoomState, peerId: Peer['peerId']): Step {
  const { call } = state;
  if ('peerId' in call && call.peerId === peerId) return end(state, 'kicked', NOTHING);
  if (!isPresent(call)) return [state, NOTHING];
  const refusing = { ...call, refused: new Set(call.refused).add(peerId) };
  const peer = call.peers.get(peerId);
  return peer ? dropPeer(state, refusing, peer, 'kicked') : [{ ...state, call: refusing }, NOTHING];
}

/** It is not here, or not any more; and it does not come back. */
function refuseAbsent(state: RoomState, call: Present, event: Extract<RoomEvent, { type: 'peer-refused' }>): Step {
  const { peerId } = event;
  if (call.refused.has(peerId)) return [state, NOTHING];
  const effects: readonly Effect[] = [
    { type: 'refuse-peer', peerId },
    // of who has spoken to us, people want to know
    ...(call.gone.has(peerId) ? [trouble('wrong-key', peerId, event.isRevoked)] : []),
  ];
  return [{ ...state, call: { ...call, refused: new Set(call.refused).add(peerId) } }, effects];
}

function withCall(state: RoomState, [call, effects]: readonly [RoomState['call'], readonly Effect[]]): Step {
  return [{ ...state, call }, effects];
}

function withPeer(state: RoomState, call: Present, next: PeerStep): Step {
  const peers = new Map(call.peers).set(next.peer.peerId, next.peer);
  return [{ ...state, call: { ...call, peers } }, next.effects];
}

/** Own devices or name changed: peers that were told before are told again. */
function withLocal(state: RoomState, next: LocalStep): Step {
  const { call } = state;
  const before = presenceOf(state.local);
  const presence = presenceOf(next.local);
  const changed: RoomState = { ...state, local: next.local };
  if (!isPresent(call) || JSON.stringify(before) === JSON.stringify(presence)) return [changed, next.effects];
  const own = ownOf(changed, call);
  const told: Effect[] = [];
  for (const peer of call.peers.values()) {
    if (peer.link.negotiation.at !== 'new') told.push(sendPresence(peer, own));
  }
  return [changed, [...next.effects, ...told]];
}

function unchanged(state: RoomState): LocalStep {
  return { local: state.local, effects: NOTHING };
}

function ownOf(state: RoomState, call: Present): Own {
  return { joinNumber: call.joinNumber, presence: presenceOf(state.local), seq: nextSeq(call) };
}
