/** Classes, events and types, without any side effect: `define.ts` registers the elements. */
export { TaiControls } from './components/tai-controls/tai-controls.ts';
export { TaiInvite } from './components/tai-invite/tai-invite.ts';
export { TaiLobby } from './components/tai-lobby/tai-lobby.ts';
export { TaiParticipant } from './components/tai-participant/tai-participant.ts';
export { TaiPrivacyShield } from './components/tai-privacy-shield/tai-privacy-shield.ts';
export { TaiRoom } from './components/tai-room/tai-room.ts';
export { TaiVerify } from './components/tai-verify/tai-verify.ts';
export {
  TaiDeviceChangeEvent,
  TaiEncryptionChangeEvent,
  TaiErrorEvent,
  TaiInviteEvent,
  TaiJoinEvent,
  TaiJoinRequestEvent,
  TaiKnockEvent,
  TaiLeaveEvent,
  TaiLeaveRequestEvent,
  TaiMuteRequestEvent,
  TaiPeerJoinEvent,
  TaiPeerLeaveEvent,
  TaiPrivacyChangeEvent,
  TaiStateChangeEvent,
  TaiVerifyEvent,
  TaiVerifyRequestEvent,
} from './components/internal/events.ts';
export type { EncryptionState, RoomEncryption } from './components/internal/encryption.ts';
export type { StringKey, Strings } from './components/internal/strings.ts';
export type { SelfView } from './components/tai-room/room-value.ts';
export { TaiError } from './engine/index.ts';
export type {
  Admission,
  Door,
  EncryptionView,
  ErrorCode,
  IceServer,
  KnockView,
  LeaveReason,
  MediaDevice,
  ParticipantView,
  PeerEncryption,
  PeerId,
  PeerIdentity,
  PeerLeaveReason,
  PeerStats,
  Phase,
  Privacy,
  PublicationKind,
  RoomCode,
  RoomId,
  RosterMismatch,
  SafetyNumber,
  SessionStats,
} from './engine/index.ts';
