/** Drives `step` in tests: keeps the state, gives the effects. */
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { Effect, Moment, RoomEvent } from '../../src/engine/room/events.ts';
import { isFramesTimer } from '../../src/engine/room/frames.ts';
import { isRosterTimer } from '../../src/engine/room/roster.ts';
import { INITIAL_STATE, isPresent } from '../../src/engine/room/state.ts';
import type { Peer, RoomState } from '../../src/engine/room/state.ts';
import { step } from '../../src/engine/room/step.ts';

export class StepRunner {
  state: RoomState;

  constructor(state: RoomState = INITIAL_STATE) {
    this.state = state;
  }

  /** The effects of the last of these events. */
  run(...events: readonly RoomEvent[]): readonly Effect[] {
    let last: readonly Effect[] = [];
    for (const event of events) [this.state, last] = step(this.state, event);
    return last;
  }

  peer(peerId: PeerId): Peer | undefined {
    return isPresent(this.state.call) ? this.state.call.peers.get(peerId) : undefined;
  }
}

/** Without what roster and sender keys do whenever somebody comes or goes: that is for roster.test.ts and frames.test.ts. */
export function typesOf(effects: readonly Effect[]): readonly string[] {
  return effects
    .filter((effect) => !isOfOthers(effect))
    .map((effect) => (effect.type === 'tell' ? `tell ${effect.moment.type}` : effect.type));
}

export function momentsOf(effects: readonly Effect[]): readonly Moment[] {
  return effects.flatMap((effect) => (effect.type === 'tell' ? [effect.moment] : []));
}

export function messagesOf(effects: readonly Effect[]): readonly string[] {
  return effects.flatMap((effect) => (effect.type === 'send' ? [effect.message.type] : []));
}

function isOfOthers(effect: Effect): boolean {
  if (effect.type === 'announce-roster' || effect.type === 'rotate-sender-keys') return true;
  const isTimer = effect.type === 'start-timer' || effect.type === 'stop-timer';
  return isTimer && (isRosterTimer(effect.id) || isFramesTimer(effect.id));
}
