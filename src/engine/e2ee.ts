/** The public face of `tai-room/e2ee`: the key agreement, for pages that have no use for the room. */
export { WebRTCE2EE } from './webrtc-e2ee.ts';
export { BundleRegistry } from './bundle-registry.ts';
export type { BundleRegistryOptions } from './bundle-registry.ts';
export { OwnMailbox, PeerMailbox, createMailboxSeed } from './mailbox.ts';
export type { FetchedMailBundle, Mail, MailBundle, MailboxOptions, TakenMail } from './mailbox.ts';
export { E2eeError } from './e2ee-types.ts';
export type {
  Admission,
  CallOptions,
  E2eeEncryptedMessage,
  E2eeEvent,
  E2eeFault,
  E2eeKeyRevoke,
  E2eeKeyRotation,
  E2eeMessage,
  E2eePeer,
  E2eePublicKey,
  KeyPairOptions,
  RegistryPort,
  WebRTCE2EEOptions,
} from './e2ee-types.ts';
export { createPrivateRoom, resolveRoom, roomFragment } from './room-address.ts';
export type { RoomAddress, RoomAddressOptions, RoomKind } from './room-address.ts';
export type { RevokeReason } from './protocol/e2ee.ts';
export { TaiError } from './protocol/errors.ts';
export type { ErrorCode } from './protocol/errors.ts';
export type { PeerId, RoomId } from './protocol/ids.ts';
export type { HandedBundle, SealedBundle } from './protocol/relay.ts';
