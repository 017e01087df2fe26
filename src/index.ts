/** Classes, events and types, without any side effect: `define.ts` registers the elements. */
export { TaiControls } from './components/tai-controls/tai-controls.ts';
export { TaiInvite } from './components/tai-invite/tai-invite.ts';
export { TaiLobby } from './components/tai-lobby/tai-lobby.ts';
export { TaiParticipant } from './components/tai-participant/tai-participant.ts';
export { TaiPrivacyShield } from './components/tai-privacy-shield/tai-privacy-shield.ts';
export { TaiRoom } from './components/tai-room/tai-room.ts';
export {
  TaiDeviceChangeEvent,
  TaiEncryptionChangeEvent,
  TaiErrorEvent,
  TaiInviteEvent,
  TaiJoinEvent,
  TaiJoinRequestEvent,
  TaiLeaveEvent,
  TaiLeaveRequestEvent,
  TaiMuteRequestEvent,
  TaiPeerJoinEvent,
  TaiPeerLeaveEvent,
  TaiStateChangeEvent,
} from './components/internal/events.ts';
export type { StringKey, Strings } from './components/internal/strings.ts';
export type { SelfView } from './components/tai-room/room-value.ts';
export { TaiError } from './engine/index.ts';
export type {
  EncryptionView,
  ErrorCode,
  IceServer,
  LeaveReason,
  MediaDevice,
  ParticipantView,
  PeerId,
  PeerLeaveReason,
  PeerStats,
  Phase,
  PublicationKind,
  RoomId,
  SessionStats,
} from './engine/index.ts';
