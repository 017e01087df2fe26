/** Coming in and going out: the relay's welcome, its loss, its refusals, and our own end of it. Pure. */
import type { CloseReason, ErrorCode } from '../protocol/errors.ts';
import type { PeerId } from '../protocol/ids.ts';
import { leaveDesk } from './desk.ts';
import { closeDevice, presenceOf } from './devices.ts';
import type { Effect, RoomEvent, Step } from './events.ts';
import { nextSeq, rememberGone } from './order.ts';
import { closeStandby, goneTimer, isShown, linkTimer, meetPeer, ownOf, relistPeer } from './peers.ts';
import { sendPresence, stopTimer, unlistPeer } from './peers.ts';
import type { Own, PeerStep } from './peers.ts';
import { NO_ROSTER, askRosters } from './roster.ts';
import { stopStandbyTimers, wantStandby } from './standby.ts';
import { isPresent } from './state.ts';
import type { Call, LeaveReason, Peer, PeerLeaveReason, Peers, Present, RoomState } from './state.ts';
import { trouble } from './trust.ts';

const NOTHING: readonly Effect[] = [];
/** Of as many peers that were given up is the last generation kept. */
const FORGOTTEN_MAX = 64;

export function welcome(state: RoomState, event: Extract<RoomEvent, { type: 'welcome' }>): Step {
  const { call, local } = state;
  if (call.phase !== 'joining' && !isPresent(call)) return [state, NOTHING];
  const said = isPresent(call) ? call.said : 0;
  const own: Own = { joinNumber: event.joinNumber, presence: presenceOf(local), seq: nextSeq({ said }) };
  const known: Peers = isPresent(call) ? call.peers : new Map();
  const refused: Present['refused'] = isPresent(call) ? call.refused : new Set();
  const gone: Present['gone'] = isPresent(call) ? call.gone : new Map();
  const isOver = (peerId: PeerId): boolean => refused.has(peerId) || (gone.get(peerId)?.hasLeft ?? false);
  const listed = event.peers.filter(({ peerId }) => peerId !== call.peerId && !isOver(peerId));
  const peers = new Map<PeerId, Peer>();
  const effects: Effect[] = call.phase === 'joining' ? [{ type: 'tell', moment: { type: 'joined' } }] : [];
  const add = (next: PeerStep): void => {
    peers.set(next.peer.peerId, next.peer);
    effects.push(...next.effects);
  };
  for (const peer of known.values()) {
    const place = listed.find(({ peerId }) => peerId === peer.peerId);
    add(place ? relistPeer(peer, place.joinNumber) : unlistPeer(peer));
    if (place)
      effects.push(sendPresence(peer, own, true), ...wantStandby(own, { ...peer, joinNumber: place.joinNumber }));
  }
  const generations: Present['generations'] = isPresent(call) ? call.generations : new Map();
  for (const place of listed) {
    const { peerId } = place;
    if (!known.has(peerId)) add(meetPeer(own, place, generations.get(peerId), gone.get(peerId)));
  }
  // joining | reconnecting → joined
  const { peerId } = call;
  const { joinNumber, certificate } = event;
  const roster = isPresent(call) ? call.roster : NO_ROSTER;
  const company = { peerId, joinNumber, certificate, roster, peers, refused, generations, gone, said };
  return [{ ...state, call: { phase: 'joined', ...company } }, effects];
}

/** RL22: how things are with everybody, we ask. The links are looked at: an offer or an answer may be among what is lost. */
export function mendGap(state: RoomState, call: Present): Step {
  const own = ownOf(state, call);
  const peers = new Map(call.peers);
  const effects: Effect[] = [];
  for (const peer of call.peers.values()) {
    if (!peer.isListed || peer.isRefused) continue;
    const next = relistPeer(peer, peer.joinNumber);
    peers.set(peer.peerId, next.peer);
    effects.push(...next.effects, sendPresence(peer, own, true));
  }
  return [{ ...state, call: { ...call, peers } }, [...effects, askRosters(call)]];
}

export function loseRelay(state: RoomState, trouble?: ErrorCode): Step {
  const { call } = state;
  // joined → reconnecting: links stand without the relay
  const away: Call = call.phase === 'joined' ? { ...call, phase: 'reconnecting' } : call;
  if (away.phase !== 'joining' && away.phase !== 'reconnecting') return [state, NOTHING];
  if (trouble === undefined || trouble === away.trouble)
    return [away === call ? state : { ...state, call: away }, NOTHING];
  const moment = { type: 'error', code: trouble, isRecoverable: true } as const;
  return [{ ...state, call: { ...away, trouble } }, [{ type: 'tell', moment }]];
}

export function closeByRelay(state: RoomState, reason: CloseReason): Step {
  const isJoining = state.call.phase === 'joining';
  const error = (code: ErrorCode, isRecoverable: boolean): readonly Effect[] => [
    { type: 'tell', moment: { type: 'error', code, isRecoverable } },
  ];
  switch (reason) {
    // Who is on the way in is refused. A call that stands is not the relay's to end: it goes on, and the door is tried again.
    case 'room-full':
      return isJoining ? end(state, 'room-full', error('room-full', true)) : loseRelay(state, 'room-full');
    // A lock and a knock are the relay's to enforce; whether it does so by the host's word, who stands outside cannot see.
    case 'room-locked':
      return isJoining ? end(state, 'room-locked', error('room-locked', true)) : loseRelay(state, 'room-locked');
    case 'declined':
      return isJoining ? end(state, 'declined', []) : loseRelay(state, 'relay-refused');
    // RL14: not by the relay's word alone. The host's own ends the call, wherever it comes from (AD13).
    case 'kicked':
      return isJoining ? end(state, 'refused', error('relay-refused', false)) : loseRelay(state);
    case 'token-invalid':
    case 'origin-refused':
    case 'jwt-invalid':
      return isJoining ? end(state, 'refused', error('relay-refused', false)) : loseRelay(state, 'relay-refused');
    case 'rate-limited':
    case 'too-large':
    case 'bad-input':
    case 'slow-reader':
      return loseRelay(state, 'rate-limited');
    // Our own leave; another socket of ours; a clock that is corrected by the next attempt: nothing to tell.
    default:
      return loseRelay(state);
  }
}

/** joining | joined | reconnecting → left; everything taken is given back. */
export function end(state: RoomState, reason: LeaveReason, errors: readonly Effect[]): Step {
  const { call } = state;
  const microphone = closeDevice(state.local, 'microphone');
  const camera = closeDevice(microphone.local, 'camera');
  const closing = [...microphone.effects, ...camera.effects];
  // what went wrong with hiding ends with the join that it was in
  const privacy = camera.local.privacy === 'off' ? 'off' : 'on';
  if (call.phase === 'lobby') return [{ ...state, local: camera.local, call: { phase: 'idle' } }, closing];
  // idle | left: a device may be open there too, asked for without a lobby
  if (call.phase !== 'joining' && !isPresent(call)) {
    return closing.length > 0 ? [{ ...state, local: camera.local }, closing] : [state, NOTHING];
  }
  const effects: Effect[] = [...errors];
  for (const peer of isPresent(call) ? call.peers.values() : []) {
    const { peerId } = peer;
    if (reason === 'left') effects.push({ type: 'send', to: peerId, message: { type: 'leave' } });
    effects.push(stopTimer(linkTimer(peerId)), stopTimer(goneTimer(peerId)), { type: 'close-link', peerId });
    effects.push(...stopStandbyTimers(peer), ...closeStandby(peer));
  }
  if (state.desk.isHost) effects.push(stopTimer('host-door'));
  effects.push(...closing, { type: 'disconnect-relay' }, { type: 'tell', moment: { type: 'left', reason } });
  const desk = leaveDesk(state.desk);
  return [{ local: { ...camera.local, privacy }, call: { phase: 'left', reason }, desk }, effects];
}

export function dropPeer(state: RoomState, call: Present, peer: Peer, reason: PeerLeaveReason): Step {
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
    ...stopStandbyTimers(peer),
    { type: 'close-link', peerId },
    ...closeStandby(peer),
  ];
  // One that was never shown, nobody misses.
  const why = peer.isRefused && reason !== 'kicked' ? 'refused' : reason;
  if (isShown(peer)) effects.push({ type: 'tell', moment: { type: 'peer-left', peerId, reason: why } });
  return [{ ...state, call: { ...call, peers, refused, generations, gone } }, effects];
}

/** AD13: in the host's own words, whoever has brought them. Nothing leads back for this peer id. */
export function stepKicked(state: RoomState, peerId: PeerId): Step {
  const { call } = state;
  if ('peerId' in call && call.peerId === peerId) return end(state, 'kicked', NOTHING);
  if (!isPresent(call)) return [state, NOTHING];
  const refusing = { ...call, refused: new Set(call.refused).add(peerId) };
  const peer = call.peers.get(peerId);
  return peer ? dropPeer(state, refusing, peer, 'kicked') : [{ ...state, call: refusing }, NOTHING];
}

/** It is not here, or not any more; and it does not come back. */
export function refuseAbsent(
  state: RoomState,
  call: Present,
  event: Extract<RoomEvent, { type: 'peer-refused' }>,
): Step {
  const { peerId } = event;
  if (call.refused.has(peerId)) return [state, NOTHING];
  const effects: readonly Effect[] = [
    { type: 'refuse-peer', peerId },
    // of who has spoken to us, people want to know
    ...(call.gone.has(peerId) ? [trouble('wrong-key', peerId, event.isRevoked)] : []),
  ];
  return [{ ...state, call: { ...call, refused: new Set(call.refused).add(peerId) } }, effects];
}
