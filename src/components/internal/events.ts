/** The events of the elements. All bubble and cross shadow roots, so that a page can listen where it likes. */
import type {
  ErrorCode,
  LeaveReason,
  PeerId,
  PeerLeaveReason,
  Phase,
  Privacy,
  PublicationKind,
  Verification,
} from '../../engine/index.ts';
import type { EncryptionState } from './encryption.ts';

const TOLD: EventInit = { bubbles: true, composed: true };
const ASKED: EventInit = { ...TOLD, cancelable: true };

/** We are in the room. Not told again after a reconnect. */
export class TaiJoinEvent extends Event {
  constructor() {
    super('tai-join', TOLD);
  }
}

/** We are out of the room. */
export class TaiLeaveEvent extends Event {
  readonly reason: LeaveReason;
  constructor(reason: LeaveReason) {
    super('tai-leave', TOLD);
    this.reason = reason;
  }
}

export class TaiStateChangeEvent extends Event {
  readonly state: Phase;
  constructor(state: Phase) {
    super('tai-state-change', TOLD);
    this.state = state;
  }
}

export class TaiPeerJoinEvent extends Event {
  readonly peerId: PeerId;
  constructor(peerId: PeerId) {
    super('tai-peer-join', TOLD);
    this.peerId = peerId;
  }
}

export class TaiPeerLeaveEvent extends Event {
  readonly peerId: PeerId;
  readonly reason: PeerLeaveReason;
  constructor(peerId: PeerId, reason: PeerLeaveReason) {
    super('tai-peer-leave', TOLD);
    this.peerId = peerId;
    this.reason = reason;
  }
}

/** To the host: somebody stands outside. The name is what they say it is, and may be empty. */
export class TaiKnockEvent extends Event {
  readonly peerId: PeerId;
  readonly name: string;
  constructor(peerId: PeerId, name: string) {
    super('tai-knock', TOLD);
    this.peerId = peerId;
    this.name = name;
  }
}

/**
 * What is true of one peer has changed; `overall` is the room's word by then. Once more without `peerId` only where the
 * room's word has changed and no peer's: we came in, somebody left, or the others' lists of people did.
 */
export class TaiEncryptionChangeEvent extends Event {
  readonly peerId: PeerId | undefined;
  readonly state: EncryptionState;
  readonly overall: EncryptionState;
  constructor(peerId: PeerId | undefined, state: EncryptionState, overall: EncryptionState) {
    super('tai-encryption-change', TOLD);
    this.peerId = peerId;
    this.state = state;
    this.overall = overall;
  }
}

/**
 * Codes were compared with this peer's device: they are the same, or different, or what was said of them was taken back. Or
 * the device has come back that was verified before, and nobody has compared anything now (`remembered`).
 */
export class TaiVerifyEvent extends Event {
  readonly peerId: PeerId;
  readonly isVerified: boolean;
  /** `match`; `differ`: somebody may sit between; `withdrawn`: who was verified is so no longer; `remembered`: verified before. */
  readonly comparison: Verification;
  constructor(peerId: PeerId, comparison: Verification) {
    super('tai-verify', TOLD);
    this.peerId = peerId;
    this.isVerified = comparison === 'match' || comparison === 'remembered';
    this.comparison = comparison;
  }
}

/** Our addresses are hidden from the others from now on, or no longer; or that is hindered, or has failed. */
export class TaiPrivacyChangeEvent extends Event {
  readonly privacy: Privacy;
  constructor(privacy: Privacy) {
    super('tai-privacy-change', TOLD);
    this.privacy = privacy;
  }
}

/** Microphones or cameras came or went. */
export class TaiDeviceChangeEvent extends Event {
  constructor() {
    super('tai-device-change', TOLD);
  }
}

export class TaiErrorEvent extends Event {
  readonly code: ErrorCode;
  /** Whether the room goes on, or tries again, without the page's help. */
  readonly recoverable: boolean;
  /**
   * Of a `usage` error that an argument or attribute causes: which one, and what it must be; never its value. Of
   * `wrong-key`: `revoked`, where who held the keys has declared them dead.
   */
  readonly detail: string | undefined;
  /** Whom it is about, where it is about one. */
  readonly peerId: PeerId | undefined;
  constructor(code: ErrorCode, recoverable: boolean, detail?: string, peerId?: PeerId) {
    super('tai-error', TOLD);
    this.code = code;
    this.recoverable = recoverable;
    this.detail = detail;
    this.peerId = peerId;
  }
}

/** The participant took the link to give it away. `url` opens the room: treat it as a secret in a private room. */
export class TaiInviteEvent extends Event {
  readonly url: string;
  constructor(url: string) {
    super('tai-invite', TOLD);
    this.url = url;
  }
}

/** The participant wants to join; `preventDefault()` refuses. */
export class TaiJoinRequestEvent extends Event {
  constructor() {
    super('tai-join-request', ASKED);
  }
}

/** The participant wants to leave; `preventDefault()` refuses. */
export class TaiLeaveRequestEvent extends Event {
  constructor() {
    super('tai-leave-request', ASKED);
  }
}

/** The participant wants a microphone or a camera on or off; `preventDefault()` refuses. */
export class TaiMuteRequestEvent extends Event {
  readonly kind: PublicationKind;
  readonly muted: boolean;
  constructor(kind: PublicationKind, muted: boolean) {
    super('tai-mute-request', ASKED);
    this.kind = kind;
    this.muted = muted;
  }
}

/** The participant wants to compare codes: of one peer, or (`undefined`) of the room; `preventDefault()` keeps our dialog away. */
export class TaiVerifyRequestEvent extends Event {
  readonly peerId: PeerId | undefined;
  constructor(peerId: PeerId | undefined) {
    super('tai-verify-request', ASKED);
    this.peerId = peerId;
  }
}

declare global {
  interface HTMLElementEventMap {
    'tai-join': TaiJoinEvent;
    'tai-leave': TaiLeaveEvent;
    'tai-state-change': TaiStateChangeEvent;
    'tai-peer-join': TaiPeerJoinEvent;
    'tai-peer-leave': TaiPeerLeaveEvent;
    'tai-knock': TaiKnockEvent;
    'tai-encryption-change': TaiEncryptionChangeEvent;
    'tai-verify': TaiVerifyEvent;
    'tai-privacy-change': TaiPrivacyChangeEvent;
    'tai-device-change': TaiDeviceChangeEvent;
    'tai-error': TaiErrorEvent;
    'tai-invite': TaiInviteEvent;
    'tai-join-request': TaiJoinRequestEvent;
    'tai-leave-request': TaiLeaveRequestEvent;
    'tai-mute-request': TaiMuteRequestEvent;
    'tai-verify-request': TaiVerifyRequestEvent;
  }
}
