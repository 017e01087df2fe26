/** From the element's properties to the store's options, and from the store's state to what is shown. */
import type { Device, IceServer, PeerId, SessionView } from '../../engine/index.ts';
import { defaultRelay } from '../internal/default-relay.ts';
import { isEncrypted, roomEncryption } from '../internal/encryption.ts';
import type { Room } from '../internal/room-context.ts';
import type { RoomConfig, RoomStore } from '../internal/room-store.ts';
import type { StringKey, Strings } from '../internal/strings.ts';

export type SelfView = {
  readonly peerId: PeerId | undefined;
  readonly name: string;
  readonly microphone: Device;
  readonly camera: Device;
  readonly microphoneTrack: MediaStreamTrack | undefined;
  readonly cameraTrack: MediaStreamTrack | undefined;
};

export type RoomProperties = {
  readonly relay: string | undefined;
  readonly room: string | undefined;
  readonly displayName: string | undefined;
  readonly media: string;
  readonly autoJoin: boolean;
  readonly noLobby: boolean;
  readonly noInvite: boolean;
  readonly workerUrl: string | undefined;
  readonly private: boolean;
  readonly e2ee: string | undefined;
  readonly roomSecret: Uint8Array | string | undefined;
  readonly iceServers: readonly IceServer[] | undefined;
};

export function configOf(properties: RoomProperties): RoomConfig {
  const { displayName, iceServers, workerUrl } = properties;
  const media = properties.media.split(/\s+/);
  return {
    relay: properties.relay || defaultRelay() || location.origin,
    roomName: properties.room ?? '',
    roomSecret: properties.roomSecret,
    offers: { microphone: media.includes('audio'), camera: media.includes('video') },
    hasLobby: !properties.noLobby,
    isAutoJoin: properties.autoJoin,
    refusal: refusalOf(properties),
    ...(displayName && { displayName }),
    ...(iceServers && { iceServers }),
    ...(workerUrl && { workerUrl }),
  };
}

/** A protection that was asked for and is not there must not be passed over in silence. */
function refusalOf(properties: RoomProperties): StringKey | undefined {
  if (properties.private) return 'error-private';
  const hasChoice = properties.e2ee !== undefined && properties.e2ee !== null;
  return hasChoice ? 'error-e2ee' : undefined;
}

export function roomOf(properties: RoomProperties, store: RoomStore, strings: Strings): Room {
  const { view, problem, isNew, wants, devices } = store.state;
  return {
    view,
    strings,
    problem,
    isReady: store.address !== undefined,
    isNew,
    roomKind: store.address?.kind ?? 'private',
    offers: configOf(properties).offers,
    wants,
    isOn: { microphone: store.isOn('microphone'), camera: store.isOn('camera') },
    devices,
    hasInvite: !properties.noInvite,
    invite: store.address ? store.createInvite() : '',
    actions: store,
  };
}

export function selfOf(view: SessionView): SelfView {
  const { selfId, name, microphone, camera, microphoneTrack, cameraTrack } = view;
  return { peerId: selfId, name, microphone, camera, microphoneTrack, cameraTrack };
}

/** The CSS states, each with whether it is on. */
export function statesOf(view: SessionView): readonly (readonly [string, boolean])[] {
  const { phase } = view;
  return [
    ['idle', phase === 'idle' || phase === 'left'],
    ['lobby', phase === 'lobby'],
    ['joining', phase === 'joining'],
    ['joined', phase === 'joined'],
    ['reconnecting', phase === 'reconnecting'],
    ['encrypted', isEncrypted(roomEncryption(view).overall)],
  ];
}
