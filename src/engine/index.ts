/** The engine's public face: everything that elements and headless pages may use. */
export { createSession } from './session.ts';
export type {
  Admission,
  Command,
  Comparison,
  Door,
  KnockView,
  MediaDevice,
  PeerStats,
  Session,
  SessionEvent,
  SessionOptions,
  SessionStats,
  SessionView,
  ParticipantView,
  PublicationView,
  EncryptionView,
  PeerEncryption,
  PeerIdentity,
  RoomCode,
  RosterMismatch,
  SafetyNumber,
  ScanResult,
  TurnWallet,
  Verification,
} from './session-types.ts';
export { createHostedRoom, createPrivateRoom, hostFragment, resolveRoom, roomFragment } from './room-address.ts';
export type { RoomAddress, RoomAddressOptions, RoomKind } from './room-address.ts';
export { TaiError, ERROR_CODES } from './protocol/errors.ts';
export type { ErrorCode } from './protocol/errors.ts';
export type { IceServer } from './protocol/relay.ts';
export type { PeerId, RoomId } from './protocol/ids.ts';
export type { PublicationKind } from './protocol/peer.ts';
export { fragmentEntry } from './protocol/invite.ts';
export type { RoomSecret } from './protocol/invite.ts';
export type { Device, LeaveReason, LinkTransport, PeerLeaveReason, Phase, Privacy, Standing } from './room/state.ts';
