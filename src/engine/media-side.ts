/** What carries sound and picture: the worker, the devices, the links and their helpers, and the watch over their frames, put together. */
import { FrameWatch } from './frame-watch.ts';
import { Hiding } from './hiding.ts';
import { Links } from './links.ts';
import type { Membership } from './membership.ts';
import type { ClockPort, DevicePort, FramePort, Ports, WorkerPort } from './ports.ts';
import type { Bytes } from './protocol/bytes.ts';
import type { PeerId } from './protocol/ids.ts';
import { isLocal } from './relay-address.ts';
import type { Moment, RoomEvent, TimerId } from './room/events.ts';
import { TurnServers } from './turn-servers.ts';
import type { TurnServersOptions } from './turn-servers.ts';

/** Of all timers the one that is not the room's. */
const TURN_TIMER = 'turn-renew';

export type MediaSideOptions = Pick<TurnServersOptions, 'own' | 'wallet' | 'relay' | 'onChanged'> & {
  readonly ports: Ports;
  readonly workerUrl: string | undefined;
  /** Our present join; `undefined` outside the room. */
  membership(): Membership | undefined;
  peerFingerprint(peerId: PeerId): Bytes | undefined;
  onEvent(event: RoomEvent): void;
  onDevicesChanged(): void;
  /** What the room does not know of. */
  onMoment(moment: Moment): void;
  onDropped(reason: string): void;
};

export type MediaSide = {
  readonly clock: ClockPort;
  readonly frames: FramePort;
  readonly every: WorkerPort['every'];
  readonly devices: DevicePort;
  readonly links: Links;
  readonly hiding: Hiding;
  readonly turn: TurnServers;
  readonly frameWatch: FrameWatch;
  /** Whether links can open as they have to: sealed, and hidden where that is wanted. Rejects with a `TaiError`. */
  ready(): Promise<void>;
  close(): void;
};

export function openMediaSide(options: MediaSideOptions): MediaSide {
  const { ports, workerUrl, membership, peerFingerprint, onEvent, onDevicesChanged, onDropped } = options;
  const { clock, frames, every } = ports.startWorker(
    {
      onTimer: (id) => (id === TURN_TIMER ? turn.renew() : onEvent({ type: 'timer', id: id as TimerId })),
      onState: (address, state) => frameWatch.changed(address, state),
      onFlow: (link, isFlowing, stream) => links.flow(link, isFlowing, stream),
      onLost: (isForGood) => {
        links.loseAll();
        if (isForGood) onEvent({ type: 'sealing-failed', code: 'worker-blocked' });
      },
    },
    workerUrl,
  );
  const devices = ports.openDevices({
    onLive: (kind, track) => onEvent({ type: 'device-live', kind, ...liveDevice(track) }),
    onFailed: (kind, code) => onEvent({ type: 'device-failed', kind, code }),
    onEnded: (kind, trackId) => onEvent({ type: 'device-ended', kind, trackId }),
    onDevicesChanged,
  });
  const hiding = new Hiding({ isLocal: isLocal(options.relay), load: () => ports.loadHiding(), onDropped });
  const links = new Links({
    openLink: ports.openLink,
    devices,
    frames,
    hiding,
    peerFingerprint,
    onOpen: (peerId, generation) => membership()?.openLink(peerId, generation),
    onClosed: (peerId, generation) => membership()?.closeLink(peerId, generation),
    onMessage: (peerId, payload) => membership()?.receiveDirect(peerId, payload),
    onEvent,
    onDropped,
  });
  // Known before anybody joins: the shield must not name these helpers only once they have been asked.
  links.setIceServers(options.own ?? []);
  const turn = new TurnServers({
    ...options,
    steadyNow: () => performance.now(),
    onServers: (servers) => links.setIceServers(servers),
    startTimer: (delay_ms) => clock.start(TURN_TIMER, delay_ms),
    stopTimer: () => clock.stop(TURN_TIMER),
  });
  const onFailing = (peerId: PeerId, generation: number): void => membership()?.askForKey(peerId, generation);
  const frameWatch = new FrameWatch({ links, frames, onFailing, onEvent });
  const ready = async (): Promise<void> => {
    await Promise.all([frames.ready(), hiding.isOn && hiding.load()]);
  };
  const close = (): void => {
    turn.leave();
    links.closeAll();
    devices.dispose();
    clock.close();
    frames.close();
  };
  return { clock, frames, every, devices, links, hiding, turn, frameWatch, ready, close };
}

function liveDevice(track: MediaStreamTrack): { trackId: string; deviceId: string; label: string } {
  return { trackId: track.id, deviceId: track.getSettings().deviceId ?? '', label: track.label };
}
