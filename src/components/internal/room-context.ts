/** What `<tai-room>` gives to the elements inside it: a value replaced at each change, and actions that stay. */
import { createContext } from '@lit/context';
import type { ErrorCode, MediaDevice, PeerId, PublicationKind, RoomKind } from '../../engine/index.ts';
import type { SafetyNumber, ScanResult, SessionView } from '../../engine/index.ts';
import type { StringKey, Strings } from './strings.ts';

/** A microphone or a camera, or one of each. */
export type PerDevice<Value> = { readonly [Kind in PublicationKind]: Value };

/** Why the room cannot be entered at all. Without a code it is a bug, which the page has been told of as an uncaught error. */
export type Problem = {
  readonly code: ErrorCode | undefined;
  readonly text: StringKey;
  /** For the page's owner: which argument was misused. */
  readonly detail?: string | undefined;
};

/** Whose codes are compared: one peer's, or everybody's at once. */
export type VerifyTarget = PeerId | 'room';

/** What people do about keys. */
export type TrustActions = {
  /** Opens the comparing of codes. */
  open(target: VerifyTarget): void;
  close(): void;
  /** People have compared, or take it back. */
  setVerified(peerIds: readonly PeerId[], isVerified: boolean): void;
  /** People have compared, and their codes are different. */
  reportDifference(peerIds: readonly PeerId[]): void;
  /** `undefined` where there is nothing to compare (yet). Never rejects. */
  safetyNumber(peerId: PeerId): Promise<SafetyNumber | undefined>;
  /** Marks nothing. */
  checkScan(peerId: PeerId, text: string): ScanResult;
};

/** What the host does at the door. Without the host's link the session throws `TaiError('usage')`, but for `setKnock`. */
export type DoorActions = {
  lock(isOn: boolean): void;
  /** Counts once we are the host, and in the room. */
  setKnock(isOn: boolean): void;
  admit(peerId: PeerId): void;
  decline(peerId: PeerId): void;
  kick(peerId: PeerId): void;
};

export type Notice = {
  /** A text to select and copy. */
  readonly copyable?: string;
  /** About keys, and not to be overlooked. */
  readonly isAlarm?: boolean;
  /** Whether what it says is over by now: then it goes by itself. */
  readonly isSettled?: (view: SessionView) => boolean;
};

export type RoomActions = {
  readonly trust: TrustActions;
  readonly door: DoorActions;
  /** Goes in, or says what keeps us out. */
  join(): Problem | undefined;
  leave(): void;
  /** Drops a room that cannot be entered, for a new private one. */
  renew(): void;
  setName(name: string): void;
  /** `on` left out = the opposite of now. */
  toggle(kind: PublicationKind, on?: boolean): void;
  setDevice(kind: PublicationKind, deviceId: string): void;
  /** Throws `TaiError('usage')` while the room's address is not known yet. */
  createInvite(): string;
  /** Puts a sentence where a screen reader says it. */
  announce(text: string): void;
  /** Shows a sentence until it is dismissed. */
  notify(text: string, notice?: Notice): void;
};

export type Room = {
  readonly view: SessionView;
  readonly strings: Strings;
  readonly problem: Problem | undefined;
  /** Whether the room's address is known, so that a click can join in the same task. */
  readonly isReady: boolean;
  /** Whether this page made the room just now. */
  readonly isNew: boolean;
  readonly roomKind: RoomKind;
  /** What the page offers (the attribute `media`). */
  readonly offers: PerDevice<boolean>;
  /** What the participant wants to be on: before anything is asked of the browser, and after joining. */
  readonly wants: PerDevice<boolean>;
  /** In a call: what is on. Before: what will be, once joined. */
  readonly isOn: PerDevice<boolean>;
  readonly devices: readonly MediaDevice[];
  readonly hasInvite: boolean;
  /** The link for guests; empty until the room's address is known. */
  readonly invite: string;
  /** Whose codes are being compared now; only in a call. */
  readonly verifying: VerifyTarget | undefined;
  readonly actions: RoomActions;
};

export const roomContext = createContext<Room>(Symbol.for('tai-room'));

export const PUBLICATIONS: readonly PublicationKind[] = ['microphone', 'camera'];

/** Live and heard or seen; `starting` counts, so that a second click stops it. */
export function isDeviceOn(view: SessionView, kind: PublicationKind): boolean {
  const device = view[kind];
  return device.state === 'starting' || (device.state === 'live' && !device.isMuted);
}
