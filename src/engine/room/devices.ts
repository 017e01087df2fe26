/** Our own microphone and camera: pure transitions. A device is live only once its track is. */
import type { Publication, Presence, PublicationKind } from '../protocol/peer.ts';
import { PUBLICATION_KINDS } from '../protocol/peer.ts';
import type { Effect, RoomEvent } from './events.ts';
import { OFF } from './state.ts';
import type { Device, Local } from './state.ts';

export type LocalStep = { readonly local: Local; readonly effects: readonly Effect[] };

type DeviceEvent = Extract<
  RoomEvent,
  { type: 'set-microphone' | 'set-camera' | 'set-device' | 'device-live' | 'device-failed' | 'device-ended' }
>;

/** What the peers are told about us. */
export function presenceOf(local: Local): Presence {
  const publications: Publication[] = [];
  for (const kind of PUBLICATION_KINDS) {
    const device = local[kind];
    if (device.state === 'live') publications.push({ kind, isMuted: device.isMuted });
  }
  return { name: local.name, publications, ...(local.privacy !== 'off' && { isPrivate: true }) };
}

export function openDevice(local: Local, kind: PublicationKind, asked?: string): LocalStep {
  const deviceId = asked ?? local.preferred[kind];
  // Asked for twice, it comes once; another device than the one on its way is another wish.
  if (local[kind].state === 'starting' && asked === undefined) return { local, effects: [] };
  // A live device stays live until the next one is: switching costs no gap, and a failure costs nothing.
  const device: Device = local[kind].state === 'live' ? local[kind] : { state: 'starting', deviceId };
  return { local: { ...local, [kind]: device }, effects: [{ type: 'open-device', kind, deviceId }] };
}

export function closeDevice(local: Local, kind: PublicationKind): LocalStep {
  if (local[kind].state === 'off') return { local, effects: [] };
  return {
    local: { ...local, [kind]: OFF },
    effects: [
      { type: 'close-device', kind },
      { type: 'publish-track', kind },
    ],
  };
}

export function stepDevices(local: Local, event: DeviceEvent): LocalStep {
  switch (event.type) {
    case 'set-microphone': {
      const device = local.microphone;
      // live ⇄ muted: the device stays open, so that unmuting takes no time
      if (device.state === 'live') return mute(local, 'microphone', !event.isOn);
      return event.isOn ? openDevice(local, 'microphone') : closeDevice(local, 'microphone');
    }
    case 'set-camera':
      // live → off: the camera's light must go out
      if (event.isOn && local.camera.state === 'live') return { local, effects: [] };
      return event.isOn ? openDevice(local, 'camera') : closeDevice(local, 'camera');
    case 'set-device': {
      const { kind, deviceId } = event;
      const chosen = { ...local, preferred: { ...local.preferred, [kind]: deviceId } };
      // off → off: choosing a device must not switch it on
      return local[kind].state === 'off' ? { local: chosen, effects: [] } : openDevice(chosen, kind, deviceId);
    }
    case 'device-live': {
      const { kind, trackId, deviceId, label } = event;
      const before = local[kind];
      // off → CloseDevice: it was asked for, and given up before it came
      if (before.state === 'off') return { local, effects: [{ type: 'close-device', kind }] };
      const isMuted = before.state === 'live' && before.isMuted;
      const live: Device = { state: 'live', trackId, deviceId, label, isMuted };
      const effects: Effect[] = [{ type: 'publish-track', kind }];
      if (isMuted) effects.unshift({ type: 'mute-device', kind, isMuted });
      return { local: { ...local, [kind]: live }, effects };
    }
    case 'device-failed': {
      const error: Effect = { type: 'tell', moment: { type: 'error', code: event.code, isRecoverable: true } };
      const before = local[event.kind];
      if (before.state === 'off') return { local, effects: [] };
      // live → live: the one we have goes on
      if (before.state === 'live') return { local, effects: [error] };
      return { local: { ...local, [event.kind]: { state: 'failed', code: event.code } }, effects: [error] };
    }
    case 'device-ended': {
      const device = local[event.kind];
      if (device.state !== 'live' || device.trackId !== event.trackId) return { local, effects: [] };
      const closed = closeDevice(local, event.kind);
      const code = 'device-not-found';
      return {
        local: { ...closed.local, [event.kind]: { state: 'failed', code } },
        effects: [...closed.effects, { type: 'tell', moment: { type: 'error', code, isRecoverable: true } }],
      };
    }
  }
}

function mute(local: Local, kind: PublicationKind, isMuted: boolean): LocalStep {
  const device = local[kind];
  if (device.state !== 'live' || device.isMuted === isMuted) return { local, effects: [] };
  return {
    local: { ...local, [kind]: { ...device, isMuted } },
    effects: [{ type: 'mute-device', kind, isMuted }],
  };
}
