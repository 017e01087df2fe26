/** What the room's store is given, and the state it keeps. */
import type { MediaDevice, RoomAddress, Session, SessionOptions, SessionView } from '../../engine/index.ts';
import type { Notice, PerDevice, Problem, VerifyTarget } from './room-context.ts';
import type { StringKey, Strings } from './strings.ts';

/** The part of the engine that the elements use; a test puts its own in this place. */
export type Engine = {
  createSession(options: SessionOptions): Session;
  createPrivateRoom(): RoomAddress;
  createHostedRoom(): Promise<RoomAddress>;
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
  /** A room that is made here has a host: us. */
  readonly isHosted: boolean;
  /** Newcomers have to knock, once its host is there. */
  readonly isKnock: boolean;
  /** Set where the page asks for a protection that this version does not have: then nothing is connected. */
  readonly refusal: Refusal | undefined;
};

/** `detail`: which property, and what it must be; for the page's owner. */
export type Refusal = { readonly text: StringKey; readonly detail: string };

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

export type Toast = { readonly id: number; readonly text: string } & Notice;

export const EMPTY_VIEW: SessionView = {
  phase: 'idle',
  leaveReason: undefined,
  roomId: undefined,
  selfId: undefined,
  name: '',
  privacy: 'off',
  microphone: { state: 'off' },
  camera: { state: 'off' },
  microphoneTrack: undefined,
  cameraTrack: undefined,
  participants: [],
  encryption: {
    isSignallingSealed: false,
    roomKind: 'private',
    isMediaDtls: false,
    isKeyAgreed: false,
    roomCode: undefined,
    roster: 'settling',
    mismatches: [],
    iceHosts: 0,
    iceHostNames: [],
    isFrameSealed: true,
    isVerified: false,
    isAddressHidden: false,
  },
  isHost: false,
  door: 'open',
  isKnocking: false,
  knocks: [],
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
  /** Whose codes are being compared. */
  readonly verifying: VerifyTarget | undefined;
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
  verifying: undefined,
};

const MAX_TOASTS = 3;

/** The newest last, each sentence once. An alarm is never pushed out by what is none. */
export function withToast(toasts: readonly Toast[], text: string, notice: Notice): readonly Toast[] {
  const id = 1 + Math.max(0, ...toasts.map((toast) => toast.id));
  const all = [...toasts.filter((toast) => toast.text !== text), { id, text, ...notice }];
  const alarms = all.filter(({ isAlarm }) => isAlarm).slice(-MAX_TOASTS);
  const others = all.filter(({ isAlarm }) => !isAlarm).slice(-Math.max(1, MAX_TOASTS - alarms.length));
  return all.filter((toast) => alarms.includes(toast) || others.includes(toast));
}
