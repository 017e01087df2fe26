/**
 * The life of the frames' keys, and what the worker tells of frames (PROTOCOL.md SK4–SK7). Which keys there are, nobody here
 * knows; only when they change. Pure.
 */
import type { PeerId } from '../protocol/ids.ts';
import type { PublicationKind } from '../protocol/peer.ts';
import type { Effect } from './events.ts';
import type { PeerStep } from './peers.ts';
import { rosterMembers } from './roster.ts';
import { isPresent } from './state.ts';
import type { Call, Peer, Present } from './state.ts';

/** A key seals so long at most. */
export const SENDER_KEY_MS = 300_000;
/**
 * A peer that has not said that it has our new key by then is waited for no longer. Long, for a lost packet can hold the key back for
 * seconds, and frames under a key that has not come are lost: nobody else ever had the old one.
 */
export const SENDER_KEY_ACK_MS = 10_000;
/** So often the worker's count is held against the browser's. */
export const FRAMES_CHECK_MS = 2_000;

const TIMERS = ['sender-keys', 'frames-check'] as const;
export type FramesTimer = (typeof TIMERS)[number];

export function isFramesTimer(id: string): id is FramesTimer {
  return TIMERS.some((timer) => timer === id);
}

/** After every step: who may hear us has changed, and so do the keys (SK4). Nothing runs while we are alone. */
export function watchSenderKeys(before: Call, after: Call, effects: readonly Effect[]): readonly Effect[] {
  const epochBefore = isPresent(before) ? before.roster.epoch : undefined;
  const wasAlone = !isPresent(before) || rosterMembers(before).length < 2;
  if (!isPresent(after) || rosterMembers(after).length < 2)
    return wasAlone ? effects : [...effects, ...TIMERS.map(stop)];
  if (epochBefore === after.roster.epoch) return effects;
  const watch = wasAlone ? [start('frames-check', FRAMES_CHECK_MS)] : [];
  return [...effects, ...watch, ...rotateSenderKeys(after)];
}

export function rotateSenderKeys({ roster }: Present): readonly Effect[] {
  return [{ type: 'rotate-sender-keys', epoch: roster.epoch }, start('sender-keys', SENDER_KEY_MS)];
}

export function stepFramesTimer(call: Present, id: FramesTimer): readonly Effect[] {
  switch (id) {
    case 'sender-keys':
      return rotateSenderKeys(call);
    case 'frames-check':
      return [
        { type: 'check-frames' },
        { type: 'switch-sender-keys', age_ms: SENDER_KEY_ACK_MS },
        { type: 'repeat-messages' },
        start('frames-check', FRAMES_CHECK_MS),
      ];
  }
}

/** Frames of one place have begun, or ceased, to open. */
export function stepFrames(peer: Peer, kind: PublicationKind, state: 'opened' | 'failing'): PeerStep {
  if (peer.frames[kind] === state) return { peer, effects: [] };
  const next: Peer = { ...peer, frames: { ...peer.frames, [kind]: state } };
  const isNews = state === 'failing' && !Object.values(peer.frames).includes('failing');
  return { peer: next, effects: isNews ? [tell('wrong-key', peer.peerId)] : [] };
}

/** More was sent than sealed: the link is silent, and says so (SK7). */
export function stepUnsealed(peer: Peer): PeerStep {
  if (peer.isUnsealed) return { peer, effects: [] };
  return { peer: { ...peer, isUnsealed: true }, effects: [tell('frames-unsealed', peer.peerId)] };
}

function tell(code: 'wrong-key' | 'frames-unsealed', peerId: PeerId): Effect {
  return { type: 'tell', moment: { type: 'error', code, isRecoverable: true, peerId } };
}

function start(id: FramesTimer, delay_ms: number): Effect {
  return { type: 'start-timer', id, delay_ms };
}

function stop(id: FramesTimer): Effect {
  return { type: 'stop-timer', id };
}
