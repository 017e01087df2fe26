/** What the page sees of the state: pure selection, with tracks looked up by id. */
import type { RoomId } from './protocol/ids.ts';
import { PUBLICATION_KINDS } from './protocol/peer.ts';
import type { PublicationKind } from './protocol/peer.ts';
import type { RoomKind } from './room-address.ts';
import { isReached, isShown } from './room/peers.ts';
import { isPresent } from './room/state.ts';
import type { Peer, RoomState, Way } from './room/state.ts';
import type {
  EncryptionView,
  ParticipantView,
  PeerEncryption,
  PublicationView,
  RoomCode,
  SessionView,
} from './session-types.ts';

export type ViewSources = {
  readonly roomId: RoomId | undefined;
  readonly roomKind: RoomKind;
  readonly iceHosts: number;
  readonly iceHostNames: readonly string[];
  readonly roomCode: RoomCode | undefined;
  localTrack(kind: PublicationKind): MediaStreamTrack | undefined;
  remoteTrack(trackId: string | undefined): MediaStreamTrack | undefined;
};

export function viewOf(state: RoomState, sources: ViewSources): SessionView {
  const { call, local, desk } = state;
  const peers = isPresent(call) ? [...call.peers.values()] : [];
  const { microphone, camera } = local;
  return {
    phase: call.phase,
    leaveReason: call.phase === 'left' ? call.reason : undefined,
    roomId: sources.roomId,
    selfId: 'peerId' in call ? call.peerId : undefined,
    name: local.name,
    privacy: local.privacy,
    microphone,
    camera,
    microphoneTrack: microphone.state === 'live' ? sources.localTrack('microphone') : undefined,
    cameraTrack: camera.state === 'live' ? sources.localTrack('camera') : undefined,
    participants: peers
      .filter(isShown)
      .sort((a, b) => a.joinNumber - b.joinNumber)
      .map((peer) => participantOf(peer, sources)),
    encryption: encryptionOf(state, sources),
    isHost: desk.isHost,
    door: desk.door,
    isKnocking: call.phase === 'joining' && desk.isWaiting,
    knocks: [...desk.knocks].map(([peerId, name]) => ({ peerId, name })),
  };
}

function participantOf(peer: Peer, sources: ViewSources): ParticipantView {
  const publication = (kind: PublicationKind): PublicationView | undefined => {
    const found = peer.presence?.publications.find((published) => published.kind === kind);
    return found && { isMuted: found.isMuted, isOpened: shownWay(peer, kind).frames[kind] === 'opened' };
  };
  return {
    peerId: peer.peerId,
    encryption: peerEncryption(peer),
    identity: peer.identity && {
      kind: peer.identity.kind,
      deviceId: peer.identity.deviceId,
      standing: peer.identity.standing,
    },
    name: peer.presence?.name ?? '',
    link: isReached(peer) ? 'connected' : peer.link.isEnded ? 'failed' : peer.link.transport,
    isAddressHidden: peer.presence?.isPrivate ?? false,
    microphone: publication('microphone'),
    camera: publication('camera'),
    audioTrack: sources.remoteTrack(shownWay(peer, 'microphone').tracks.microphone),
    videoTrack: sources.remoteTrack(shownWay(peer, 'camera').tracks.camera),
  };
}

/** Of two connections the one whose sound or picture is shown. */
function shownWay(peer: Peer, kind: PublicationKind): Way {
  return peer.route.shown[kind] === 'standby' && peer.standby ? peer.standby : peer;
}

function peerEncryption(peer: Peer): PeerEncryption {
  const { identity, isRefused, isUnsealed } = peer;
  if (isRefused || PUBLICATION_KINDS.some((kind) => isFailing(peer, kind))) return 'wrong-key';
  if (isUnsealed) return 'unsupported';
  if (identity?.standing === 'differs') return 'codes-differ';
  if (!identity?.isConfirmed) return 'waiting-key';
  return identity.standing === 'verified' ? 'verified' : 'encrypted';
}

/** What is switched off sends nothing that could fail, or open again. */
function isFailing(peer: Peer, kind: PublicationKind): boolean {
  const { presence } = peer;
  return (
    shownWay(peer, kind).frames[kind] === 'failing' &&
    presence?.publications.find((each) => each.kind === kind)?.isMuted === false
  );
}

/** Only what this version does. What it does not do yet is `false`, not hoped for. */
function encryptionOf(
  { call, local }: RoomState,
  { roomKind, iceHosts, iceHostNames, roomCode }: ViewSources,
): EncryptionView {
  const peers = isPresent(call) ? [...call.peers.values()].filter(isShown) : [];
  const encryptions = peers.map(peerEncryption);
  return {
    isSignallingSealed: true,
    roomKind,
    isMediaDtls: true,
    iceHosts,
    iceHostNames,
    isKeyAgreed: encryptions.every((encryption) => encryption === 'encrypted' || encryption === 'verified'),
    // while somebody comes or goes, the code is that of a room that is no more
    roomCode:
      isPresent(call) && call.roster.verdict === 'consistent' && !call.roster.isAnnounceDue ? roomCode : undefined,
    roster: isPresent(call) ? call.roster.verdict : 'settling',
    mismatches: isPresent(call) ? call.roster.mismatches : [],
    isFrameSealed: !peers.some(({ isUnsealed }) => isUnsealed),
    isVerified:
      encryptions.length > 0 &&
      encryptions.every((encryption) => encryption === 'verified') &&
      isPresent(call) &&
      call.roster.verdict === 'consistent',
    isAddressHidden: local.privacy === 'on' || local.privacy === 'turn-unavailable',
  };
}
