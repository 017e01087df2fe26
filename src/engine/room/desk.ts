/**
 * The room's door as its host wants it, and as the relay says it is (PROTOCOL.md AD9–AD15). Pure. Nothing is optimistic: the
 * door is what the relay has said last, and somebody is out when the host's signature was found good.
 */
import type { Door, DoorAction } from '../protocol/host.ts';
import { cleanName } from '../protocol/peer.ts';
import type { DeskEvent, Effect, Step } from './events.ts';
import { isPresent } from './state.ts';
import type { Desk, RoomState } from './state.ts';

/**
 * After a relay has forgotten the door (a restart), those who were in are given this long to come back before it is shut
 * again: it can no longer tell them from who is new.
 */
export const RESHUT_MS = 5_000;
/** A relay can name any number. */
const KNOCKS_MAX = 16;

const NOTHING: readonly Effect[] = [];
const ACTION_FOR: { readonly [D in Door]: DoorAction } = { open: 'open', knock: 'knock', locked: 'lock' };
const STRICTNESS: { readonly [D in Door]: number } = { open: 0, knock: 1, locked: 2 };

export function stepDesk(state: RoomState, event: Exclude<DeskEvent, { type: 'peer-kicked' }>): Step {
  const { desk, call } = state;
  switch (event.type) {
    case 'host-known':
      return withDesk(state, { ...desk, isHost: true });
    case 'lock':
      return actOn(state, { ...desk, wish: { ...desk.wish, isLocked: event.isOn } });
    case 'set-knock':
      return actOn(state, { ...desk, wish: { ...desk.wish, isKnock: event.isOn } });
    case 'admit':
    case 'decline':
    case 'kick': {
      if (!desk.isHost || !isPresent(call)) return [state, NOTHING];
      // who is put out is told as well: its page has to know whose word it was
      const to = event.type === 'kick' ? [...call.peers.keys()] : [];
      return [state, [{ type: 'act-as-host', action: event.type, target: event.peerId, to }]];
    }
    case 'waiting': {
      // joining, or back at a relay that has forgotten us: our call stands meanwhile
      if (call.phase !== 'joining' && !isPresent(call)) return [state, NOTHING];
      return withDesk(state, { ...desk, isWaiting: true }, [{ type: 'knock', name: state.local.name }]);
    }
    case 'door-changed': {
      // another page of the host may have changed it: ours must not change it back
      const isLocked = event.door === 'locked';
      const isKnock = event.door === 'knock' || (isLocked && desk.wish.isKnock);
      return withDesk(state, { ...desk, door: event.door, wish: { isLocked, isKnock } }, [stopReshut]);
    }
    case 'peer-knocked': {
      const isKnown = desk.knocks.has(event.peerId);
      if (!desk.isHost || (!isKnown && desk.knocks.size >= KNOCKS_MAX)) return [state, NOTHING];
      const name = cleanName(event.name);
      const knocks = new Map(desk.knocks).set(event.peerId, name);
      const told: Effect = { type: 'tell', moment: { type: 'knocked', peerId: event.peerId, name } };
      return withDesk(state, { ...desk, knocks }, isKnown ? NOTHING : [told]);
    }
    case 'knock-ended': {
      if (!desk.knocks.has(event.peerId)) return [state, NOTHING];
      const knocks = new Map(desk.knocks);
      knocks.delete(event.peerId);
      return withDesk(state, { ...desk, knocks });
    }
  }
}

/** `before`, and what the relay's welcome has made of it. */
export function welcomeHost(before: RoomState, [state, effects]: Step, door: Door): Step {
  if (state === before) return [state, effects];
  // who knocks is told anew after each welcome
  const fresh: Desk = { ...state.desk, door, isWaiting: false, knocks: new Map() };
  const { wish } = fresh;
  if (!fresh.isHost || STRICTNESS[wishOf(fresh)] <= STRICTNESS[door]) {
    // what was shut while we were away, or by another page of ours, stays shut
    const isLocked = wish.isLocked || door === 'locked';
    const isKnock = wish.isKnock || door === 'knock';
    return [{ ...state, desk: { ...fresh, wish: { isLocked, isKnock } } }, effects];
  }
  const isBack = isPresent(before.call);
  const shutting: Effect = isBack ? { type: 'start-timer', id: 'host-door', delay_ms: RESHUT_MS } : doorEffect(fresh);
  return [{ ...state, desk: fresh }, [...effects, shutting]];
}

/** What was to be shut again, now is. */
export function stepDoorTimer(state: RoomState): Step {
  const { desk, call } = state;
  const isDue = desk.isHost && call.phase === 'joined' && STRICTNESS[wishOf(desk)] > STRICTNESS[desk.door];
  return [state, isDue ? [doorEffect(desk)] : NOTHING];
}

/** Out of the room: nobody is before its door, and we are not either. */
export function leaveDesk(desk: Desk): Desk {
  return { ...desk, door: 'open', knocks: new Map(), isWaiting: false };
}

function actOn(state: RoomState, desk: Desk): Step {
  const isDue = desk.isHost && state.call.phase === 'joined' && wishOf(desk) !== desk.door;
  return withDesk(state, desk, isDue ? [stopReshut, doorEffect(desk)] : NOTHING);
}

const stopReshut: Effect = { type: 'stop-timer', id: 'host-door' };

function doorEffect(desk: Desk): Effect {
  return { type: 'act-as-host', action: ACTION_FOR[wishOf(desk)], to: [] };
}

function wishOf({ wish }: Desk): Door {
  if (wish.isLocked) return 'locked';
  return wish.isKnock ? 'knock' : 'open';
}

function withDesk(state: RoomState, desk: Desk, effects: readonly Effect[] = NOTHING): Step {
  return [{ ...state, desk }, effects];
}
