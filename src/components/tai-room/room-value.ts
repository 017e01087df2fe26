/** From the element's properties to the store's options, and from the store's state to what is shown. */
import type { PropertyDeclarations } from 'lit';
import { TaiError } from '../../engine/index.ts';
import type {
  Admission,
  Device,
  IceServer,
  ParticipantView,
  PeerId,
  Phase,
  SessionView,
  TurnWallet,
} from '../../engine/index.ts';
import { defaultRelay } from '../internal/default-relay.ts';
import { isEncrypted, isInCall, isRefused, markOf, roomEncryption } from '../internal/encryption.ts';
import type { Problem, Room } from '../internal/room-context.ts';
import type { RoomStore } from '../internal/room-store.ts';
import type { Refusal, RoomConfig } from '../internal/store-state.ts';
import type { Strings } from '../internal/strings.ts';

export type SelfView = {
  readonly peerId: PeerId | undefined;
  readonly name: string;
  readonly microphone: Device;
  readonly camera: Device;
  readonly microphoneTrack: MediaStreamTrack | undefined;
  readonly cameraTrack: MediaStreamTrack | undefined;
};

/** What the lobby offers where the page does not say. */
export const DEFAULT_MEDIA = 'audio video';

/** Not given = a guest. Who asks for another kind must not silently get one that nobody can know again. */
const IDENTITIES: readonly RoomProperties['identity'][] = ['guest', 'device', '', null, undefined];

/** As Lit reads them. */
export const ROOM_PROPERTIES = {
  relay: {},
  room: {},
  displayName: { attribute: 'display-name' },
  media: {},
  autoJoin: { type: Boolean, attribute: 'auto-join' },
  noLobby: { type: Boolean, attribute: 'no-lobby' },
  noInvite: { type: Boolean, attribute: 'no-invite' },
  layout: {},
  workerUrl: { attribute: 'worker-url' },
  sharePath: { type: Boolean, attribute: 'share-path' },
  private: { type: Boolean },
  e2ee: {},
  identity: {},
  hosted: { type: Boolean },
  knock: { type: Boolean },
  admission: { attribute: false },
  roomSecret: { attribute: false },
  iceServers: { attribute: false },
  turnWallet: { attribute: false },
  strings: { attribute: false },
} as const satisfies PropertyDeclarations;

/** A change of any of these means another session. */
export const ADDRESS_PROPERTIES = [
  ...(['relay', 'room', 'roomSecret', 'iceServers', 'turnWallet', 'workerUrl', 'admission'] as const),
  ...(['media', 'noLobby', 'e2ee', 'identity', 'sharePath'] as const),
];

/** A property is `null` once its attribute was taken away. */
export type RoomProperties = {
  readonly relay: string | null | undefined;
  readonly room: string | null | undefined;
  readonly displayName: string | null | undefined;
  readonly media: string | null | undefined;
  readonly autoJoin: boolean;
  readonly noLobby: boolean;
  readonly noInvite: boolean;
  readonly workerUrl: string | null | undefined;
  readonly private: boolean;
  readonly e2ee: string | null | undefined;
  readonly identity: string | null | undefined;
  readonly sharePath: boolean;
  readonly roomSecret: Uint8Array | string | null | undefined;
  readonly iceServers: readonly IceServer[] | null | undefined;
  readonly turnWallet: TurnWallet | null | undefined;
  readonly hosted: boolean;
  readonly knock: boolean;
  readonly admission: Admission | null | undefined;
};

export function configOf(properties: RoomProperties): RoomConfig {
  const { displayName, iceServers, turnWallet, workerUrl, admission } = properties;
  const media = (properties.media ?? DEFAULT_MEDIA).split(/\s+/);
  return {
    relay: relayOf(properties),
    roomName: properties.room ?? '',
    roomSecret: properties.roomSecret ?? undefined,
    offers: { microphone: media.includes('audio'), camera: media.includes('video') },
    hasLobby: !properties.noLobby,
    isAutoJoin: properties.autoJoin,
    isHosted: properties.hosted || properties.knock,
    isKnock: properties.knock,
    refusal: refusalOf(properties),
    sharePath: properties.sharePath,
    private: properties.private,
    ...(properties.identity === 'device' && { identity: properties.identity }),
    ...(displayName && { displayName }),
    ...(iceServers && { iceServers }),
    ...(turnWallet && { turnWallet }),
    ...(workerUrl && { workerUrl }),
    ...(admission && { admission }),
  };
}

/** Empty where there is none: the page's own origin says nothing about a relay. */
function relayOf({ relay }: RoomProperties): string {
  return relay || defaultRelay() || '';
}

/** A protection that was asked for and is not there must not be passed over in silence. */
function refusalOf(properties: RoomProperties): Refusal | undefined {
  if (!['required', null, undefined].includes(properties.e2ee))
    return { text: 'error-e2ee', detail: 'e2ee: must be "required", or left out' };
  if (!IDENTITIES.includes(properties.identity))
    return { text: 'error-identity', detail: 'identity: must be "guest" or "device"' };
  if (properties.admission && typeof properties.admission !== 'function')
    return { text: 'error-admission', detail: 'admission: must be a function that gives a JWT' };
  if (relayOf(properties) !== '') return undefined;
  return { text: 'error-no-relay', detail: 'relay: must be the address of a relay' };
}

export function roomOf(properties: RoomProperties, store: RoomStore, strings: Strings): Room {
  const { view, problem, isNew, wants, devices, verifying } = store.state;
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
    verifying: isInCall(view.phase) ? verifying : undefined,
    actions: store,
  };
}

export function selfOf(view: SessionView): SelfView {
  const { selfId, name, microphone, camera, microphoneTrack, cameraTrack } = view;
  return { peerId: selfId, name, microphone, camera, microphoneTrack, cameraTrack };
}

const PHASES: readonly Phase[] = ['idle', 'lobby', 'joining', 'joined', 'reconnecting', 'left'];

/** The CSS states, each with whether it is on; of those that are a phase always one. */
function statesOf(view: SessionView): readonly (readonly [string, boolean])[] {
  const phases = PHASES.map((phase) => [phase, view.phase === phase] as const);
  const { overall } = roomEncryption(view);
  const atDoor = [
    ['knocking', view.isKnocking],
    ['locked', view.door === 'locked'],
  ] as const;
  const hidden = ['private', view.encryption.isAddressHidden] as const;
  return [...phases, ...atDoor, hidden, ['encrypted', isEncrypted(overall)], ['verified', overall === 'verified']];
}

export function showStates(shown: CustomStateSet, view: SessionView): void {
  for (const [state, isOn] of statesOf(view)) {
    if (isOn) shown.add(state);
    else shown.delete(state);
  }
}

/** Throws `TaiError('usage')` for one that is not here. */
export function peerOf(participants: readonly ParticipantView[], method: string, peerId: PeerId): ParticipantView {
  const peer = participants.find((each) => each.peerId === peerId);
  if (!peer) throw new TaiError('usage', `${method}: peerId must be one of the participants`);
  return peer;
}

/** Throws `TaiError('usage')` where there is nothing to compare; agreed on our side is enough. */
export function requireKeys(method: string, peer: ParticipantView): void {
  if (peer.identity && !isRefused(markOf(peer))) return;
  throw new TaiError('usage', `${method}: no keys are agreed with this peer`);
}

/** What a call throws that cannot be carried out. */
export function errorFrom({ code, detail, text }: Problem, texts: Strings): Error {
  const said = detail ?? texts[text];
  return code ? new TaiError(code, said) : new Error(said);
}
