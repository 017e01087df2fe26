/** What the room's store is given, and the state it keeps. */
import type { MediaDevice, RoomAddress, Session, SessionOptions, SessionView } from '../../engine/index.ts';
import type { PerDevice, Problem } from './room-context.ts';
import type { StringKey, Strings } from './strings.ts';

/** The part of the engine that the elements use; a test puts its own in this place. */
export type Engine = {
  createSession(options: SessionOptions): Session;
  createPrivateRoom(): RoomAddress;
  resolveRoom(options: {
    relay: string;
    roomName?: string;
    fragment?: string;
    roomSecret?: Uint8Array | string;
  }): Promise<RoomAddress | undefined>;
};

export type RoomConfig = Omit<SessionOptions, 'room'> & {
  readonly roomName: string;
  readonly roomSecret: Uint8Array | string | undefined;
  readonly offers: PerDevice<boolean>;
  readonly hasLobby: boolean;
  readonly isAutoJoin: boolean;
  /** Set where the page asks for a protection that this version does not have: then nothing is connected. */
  readonly refusal: StringKey | undefined;
};

export type RoomStoreHost = {
  readonly engine: Engine;
  readonly config: RoomConfig;
  readonly strings: Strings;
  dispatchEvent(event: Event): boolean;
  /** Something to show has changed. */
  requestUpdate(): void;
  /** Takes over at once what the page has just set, in place of the next update. */
  flush(): void;
};

/** `copyable`: a text to select and copy, or empty. */
export type Toast = { readonly id: number; readonly text: string; readonly copyable: string };

export const EMPTY_VIEW: SessionView = {
  phase: 'idle',
  leaveReason: undefined,
  roomId: undefined,
  selfId: undefined,
  name: '',
  microphone: { state: 'off' },
  camera: { state: 'off' },
  microphoneTrack: undefined,
  cameraTrack: undefined,
  participants: [],
  encryption: {
    isSignallingSealed: false,
    roomKind: 'private',
    isMediaDtls: false,
    iceHosts: 0,
    isFrameSealed: false,
    isVerified: false,
    isAddressHidden: false,
  },
};

export type StoreState = {
  readonly view: SessionView;
  readonly problem: Problem | undefined;
  readonly isNew: boolean;
  readonly isSoundBlocked: boolean;
  readonly wants: PerDevice<boolean>;
  readonly devices: readonly MediaDevice[];
  readonly toasts: readonly Toast[];
  readonly announcement: string;
};

/** Before a room is known, and after it was given back. */
export const BLANK: StoreState = {
  view: EMPTY_VIEW,
  problem: undefined,
  isNew: false,
  isSoundBlocked: false,
  wants: { microphone: true, camera: true },
  devices: [],
  toasts: [],
  announcement: '',
};
