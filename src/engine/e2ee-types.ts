/** Types of the public face of `WebRTCE2EE` (docs/e2ee-client.md). */
import type { Bytes } from './protocol/bytes.ts';
import type { EncryptedMessage, KeyRevokeMessage, KeyRotationMessage, PublicKeyMessage } from './protocol/e2ee.ts';
import { TaiError } from './protocol/errors.ts';
import type { ErrorCode } from './protocol/errors.ts';
import type { PeerId, RoomId } from './protocol/ids.ts';
import type { SealedBundle } from './protocol/relay.ts';
import type { RoomAddress } from './room-address.ts';

/** As JSON has it: bytes are base64url. */
type Wire<M> = {
  readonly [Field in keyof M]: Bytes extends M[Field] ? string | Exclude<M[Field], Bytes> : M[Field];
};

/** Everything that another device needs to begin with this one; the keys themselves stay here. */
export type E2eePublicKey = Wire<PublicKeyMessage>;
export type E2eeEncryptedMessage = Wire<EncryptedMessage>;
export type E2eeKeyRotation = Wire<KeyRotationMessage>;
export type E2eeKeyRevoke = Wire<KeyRevokeMessage>;
/** All can go through `JSON.stringify`, and are taken as its text too. */
export type E2eeMessage = E2eePublicKey | E2eeEncryptedMessage | E2eeKeyRotation | E2eeKeyRevoke;

/**
 * Where bundles lie for others to find: the relay, or a server of the page's own. What is published is sealed under the
 * room's secret. Where a function rejects, or takes longer than 15 s, the call that needed it does with `relay-unreachable`.
 */
export type RegistryPort = {
  /** Called before the others; resolves when they can be asked. */
  open?(signal: AbortSignal): Promise<unknown>;
  /** Takes the place of what this peer had there. Each entry of `one_time` is to be given to one other peer only. */
  publish(peerId: PeerId, bundle: SealedBundle, signal: AbortSignal): Promise<unknown>;
  /** `{head, one_time?}` with one entry of `one_time` at most; anything else (`undefined`) where there is nothing. */
  fetch(peerId: PeerId, signal: AbortSignal): Promise<unknown>;
  /** Removes what this peer had there, if it can. */
  close?(): void;
};

/** How a peer shows the relay that it holds the room's secret (PROTOCOL.md AD1–AD6), in the client's own room. */
export type Admission = {
  readonly roomId: RoomId;
  readonly peerId: PeerId;
  /** A fresh token, as a WebSocket subprotocol and behind `Bearer`. `nowS`: the relay's clock, as far as it is known. */
  token(nowS: number): Promise<string>;
};

export type WebRTCE2EEOptions = {
  /** From `resolveRoom` or `createPrivateRoom`: who has its secret can take part. */
  readonly room: RoomAddress;
  /** `wss:`/`https:` address of a relay to find each other's bundles at. */
  readonly relay?: string;
  /** In place of `relay`: the page's own. Without either, public keys go from page to page by themselves. */
  readonly registry?: RegistryPort;
  /** `guest` (default): keys for this page only. `device`: keys that this browser keeps, so that others know it again. */
  readonly identity?: 'guest' | 'device';
  /** 16 bytes as `0x` and hexadecimal, never used before; random where none is given. */
  readonly peerId?: string;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
};

export type CallOptions = { readonly signal?: AbortSignal };

export type KeyPairOptions = CallOptions & {
  /** The message goes to this peer alone, and gets a one-time key; else it can go to everybody. */
  readonly isForOne?: boolean;
};

/** Who is at the other end of a session. */
export type E2eePeer = {
  readonly peerId: PeerId;
  /** What it calls itself: a claim. `undefined` until a message of it has opened. */
  readonly userId: string | undefined;
  /** SHA-256 of the device's signing key, 64 hexadecimal digits. */
  readonly deviceId: string;
  readonly kind: 'guest' | 'device';
  /** It has shown that it holds the keys that were agreed. */
  readonly isConfirmed: boolean;
  /** Its keys were declared dead, and nothing passes any more. */
  readonly isRevoked: boolean;
  /** `changed`: somebody of this `userId` was met before, with another device's keys. `undefined` as `userId`. */
  readonly standing: 'new' | 'known' | 'verified' | 'changed' | undefined;
};

export type E2eeEvent =
  /** Somebody of this name was met before, with other keys: told before the message is. */
  | { readonly type: 'identity-changed'; readonly peerId: PeerId }
  /** What others find of us could not be renewed. Sessions that stand go on. */
  | { readonly type: 'registry-failed'; readonly code: ErrorCode };

/** What a refusal is about; `code` says what it means for the page. */
const CODES = {
  /** Not one of the messages, or not of the kind that is wanted. */
  malformed: 'usage',
  'no-registry': 'usage',
  /** Which of several peers? */
  ambiguous: 'usage',
  closed: 'usage',
  'no-session': 'peer-unreachable',
  'no-bundle': 'peer-unreachable',
  'too-large': 'too-large',
  'too-many-peers': 'room-full',
  /** Opened before. A message that has come twice is no attack by itself. */
  replayed: 'wrong-key',
  /** Changed on the way, of another session, or for somebody else. */
  unopened: 'wrong-key',
  'too-many-skipped': 'wrong-key',
  /** Another time than the sealed one, more than 5 minutes ahead, or more than a day old. */
  'wrong-time': 'wrong-key',
  /** Not the certificate of who has sealed it. */
  'wrong-key-id': 'wrong-key',
  'bad-signature': 'wrong-key',
  'bad-bundle': 'wrong-key',
  'bad-certificate': 'wrong-key',
  'unknown-pre-key': 'wrong-key',
  'refused-key': 'wrong-key',
  'wrong-mode': 'wrong-key',
  'wrong-suite': 'wrong-key',
  /** Somebody begins again as a peer that we have a session with. */
  'second-handshake': 'wrong-key',
  revoked: 'wrong-key',
  /** Another device, or another `userId`, than this peer id had before. */
  'other-device': 'identity-changed',
  /** The keys could not be made: an algorithm is missing, and its substitute could not be loaded. */
  'keys-failed': 'unsupported-browser',
} as const satisfies Record<string, ErrorCode>;
export type E2eeFault = keyof typeof CODES;

export class E2eeError extends TaiError {
  readonly fault: E2eeFault;
  constructor(fault: E2eeFault) {
    super(CODES[fault], `e2ee: ${fault}`);
    this.fault = fault;
  }
}
