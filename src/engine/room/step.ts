/** The room: `step(state, event) → [state, effects]`. No clock, no randomness, no I/O; every event is fine in every state. */
import { cleanName } from '../protocol/peer.ts';
import { follow } from './after.ts';
import { openDevice, presenceOf, stepDevices } from './devices.ts';
import type { LocalStep } from './devices.ts';
import { stepDesk, welcomeHost } from './desk.ts';
import { closeByRelay, end, loseRelay, stepKicked, welcome } from './entry.ts';
import type { Effect, RoomEvent, Step } from './events.ts';
import { ownOf, sendPresence } from './peers.ts';
import { stepPresent } from './present.ts';
import { stepPrivate } from './privacy.ts';
import { isPresent } from './state.ts';
import type { RoomState } from './state.ts';

export type { Step } from './events.ts';

const NOTHING: readonly Effect[] = [];

export function step(state: RoomState, event: RoomEvent): Step {
  return follow(state.call, stepRoom(state, event));
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
