/** Tells what becomes true in a session: by events to the page, by words to who looks or listens. */
import type { Device, ErrorCode, PeerId, PeerLeaveReason, Verification } from '../../engine/index.ts';
import type { PublicationKind, SessionEvent, SessionView } from '../../engine/index.ts';
import { isInCall, roomEncryption } from './encryption.ts';
import {
  TaiDeviceChangeEvent,
  TaiEncryptionChangeEvent,
  TaiErrorEvent,
  TaiJoinEvent,
  TaiKnockEvent,
  TaiLeaveEvent,
} from './events.ts';
import {
  TaiPeerJoinEvent,
  TaiPeerLeaveEvent,
  TaiPrivacyChangeEvent,
  TaiStateChangeEvent,
  TaiVerifyEvent,
} from './events.ts';
import { PUBLICATIONS } from './room-context.ts';
import type { RoomActions } from './room-context.ts';
import type { RoomStoreHost } from './store-state.ts';
import { errorKey, fill } from './strings.ts';
import type { StringKey } from './strings.ts';

/** What must not be overlooked, nor pushed aside by a device that is missing. */
const ALARMS: readonly ErrorCode[] = ['wrong-key', 'identity-changed', 'roster-mismatch', 'privacy-failed'];

const GONE = {
  left: 'peer-left',
  'connection-lost': 'peer-left',
  refused: 'peer-refused',
  kicked: 'peer-kicked',
} as const satisfies { readonly [Reason in PeerLeaveReason]: StringKey };

const COMPARED = {
  match: 'peer-verified',
  differ: 'peer-differs',
  withdrawn: 'peer-unverified',
  remembered: 'peer-verified',
} as const satisfies { readonly [Said in Verification]: StringKey };

type TroubleMoment = Extract<SessionEvent, { type: 'error' }>;

export class RoomTeller {
  readonly #host: RoomStoreHost;
  readonly #board: Pick<RoomActions, 'announce' | 'notify'>;
  /** Of everybody who is here, or was a moment ago. */
  readonly #names = new Map<PeerId, string>();
  /** Failures already put into words: a new failure is a new object. */
  readonly #toldFailures = new WeakSet<Device>();
  /** How often codes of somebody of this name were compared here and found equal. */
  readonly #matches = new Map<string, number>();

  constructor(host: RoomStoreHost, board: Pick<RoomActions, 'announce' | 'notify'>) {
    this.#host = host;
    this.#board = board;
  }

  /** Another room begins with nobody. */
  forget(): void {
    this.#names.clear();
    this.#matches.clear();
  }

  tellView(before: SessionView, view: SessionView): void {
    for (const { peerId, name } of view.participants) this.#names.set(peerId, name);
    if (before.phase !== view.phase) this.#fire(new TaiStateChangeEvent(view.phase));
    if (before.privacy !== view.privacy) this.#fire(new TaiPrivacyChangeEvent(view.privacy));
    if (before.door !== view.door && isInCall(before.phase) && isInCall(view.phase)) {
      this.#board.announce(this.#host.strings[`door-${view.door}`]);
    }
    if (!before.isKnocking && view.isKnocking) this.#board.announce(this.#host.strings['knocking-title']);
    const old = roomEncryption(before);
    const { overall, peers } = roomEncryption(view);
    const changed = [...peers].filter(([peerId, state]) => old.peers.get(peerId) !== state);
    for (const [peerId, state] of changed) this.#fire(new TaiEncryptionChangeEvent(peerId, state, overall));
    // each of those has told it already
    if (changed.length === 0 && old.overall !== overall) {
      this.#fire(new TaiEncryptionChangeEvent(undefined, overall, overall));
    }
  }

  /** `view`: the one in which the moment is true already. */
  tellMoment(moment: SessionEvent, view: SessionView): void {
    switch (moment.type) {
      case 'joined':
        return this.#fire(new TaiJoinEvent());
      case 'left':
        this.#board.announce('');
        return this.#fire(new TaiLeaveEvent(moment.reason));
      case 'peer-joined':
        this.#announce('peer-joined', moment.peerId);
        return this.#fire(new TaiPeerJoinEvent(moment.peerId));
      case 'peer-left':
        this.#announce(GONE[moment.reason], moment.peerId);
        this.#names.delete(moment.peerId);
        return this.#fire(new TaiPeerLeaveEvent(moment.peerId, moment.reason));
      case 'verified':
        if (moment.comparison === 'match') this.#countMatch(this.#names.get(moment.peerId));
        this.#announce(COMPARED[moment.comparison], moment.peerId);
        return this.#fire(new TaiVerifyEvent(moment.peerId, moment.comparison));
      case 'knocked': {
        const { strings } = this.#host;
        this.#board.announce(fill(strings['knock-of'], { name: moment.name || strings['knock-unnamed'] }));
        return this.#fire(new TaiKnockEvent(moment.peerId, moment.name));
      }
      case 'devices-changed':
        return this.#fire(new TaiDeviceChangeEvent());
      case 'error':
        this.#notify(view, moment);
        return this.#fire(
          new TaiErrorEvent(moment.code, moment.isRecoverable, moment.isRevoked && 'revoked', moment.peerId),
        );
    }
  }

  #fire(event: Event): void {
    this.#host.dispatchEvent(event);
  }

  #name(peerId: PeerId | undefined): string {
    const { strings } = this.#host;
    return peerId === undefined ? strings.somebody : this.#names.get(peerId) || strings.guest;
  }

  #announce(key: StringKey, peerId: PeerId): void {
    this.#board.announce(fill(this.#host.strings[key], { name: this.#name(peerId) }));
  }

  #countMatch(name: string | undefined): void {
    if (name) this.#matches.set(name, (this.#matches.get(name) ?? 0) + 1);
  }

  /**
   * Who was revoked comes back as another peer, with keys that were remembered or not. Only that people have compared codes
   * with somebody of this name since answers it.
   */
  #returnOf(peerId: PeerId | undefined): (view: SessionView) => boolean {
    const name = (peerId !== undefined && this.#names.get(peerId)) || '';
    const before = this.#matches.get(name) ?? 0;
    return ({ phase }) => phase === 'joining' || (this.#matches.get(name) ?? 0) > before;
  }

  /** A device's failure stands in the lobby as long as there is one; the bar of a call has no room for a sentence. */
  #notify(view: SessionView, moment: TroubleMoment): void {
    const { code, peerId, isRevoked } = moment;
    const { strings } = this.#host;
    const failed = PUBLICATIONS.filter((kind) => isFailedWith(view[kind], code));
    const isSettled = isRevoked ? this.#returnOf(peerId) : settlingOf(moment, failed, view);
    const say = (device: string): void => {
      const text = fill(strings[sentenceKey(moment, view)], { device, name: this.#name(peerId) });
      this.#board.notify(text, { isAlarm: ALARMS.includes(code), ...(isSettled && { isSettled }) });
    };
    if (failed.length === 0) say(strings['the-device']);
    for (const kind of failed) {
      if (this.#toldFailures.has(view[kind])) continue;
      this.#toldFailures.add(view[kind]);
      if (view.phase !== 'lobby') say(strings[`the-${kind}`]);
    }
  }
}

function sentenceKey({ code, peerId, isRevoked }: TroubleMoment, { privacy }: SessionView): StringKey {
  if (isRevoked) return 'error-revoked';
  if (code === 'turn-unavailable' && privacy === code) return 'error-private-turn';
  if (code === 'privacy-failed' && peerId !== undefined) return 'error-privacy-failed-name';
  return code === 'peer-unreachable' && peerId !== undefined ? 'error-peer-unreachable-name' : errorKey(code);
}

function isFailedWith(device: Device, code: ErrorCode): boolean {
  return device.state === 'failed' && device.code === code;
}

/**
 * When a message of this kind has nothing to say any more; `undefined`: when somebody has read it. `told`: the view that it
 * is told in.
 */
function settlingOf(
  { code, peerId }: TroubleMoment,
  failed: readonly PublicationKind[],
  told: SessionView,
): ((view: SessionView) => boolean) | undefined {
  const isVerified = ({ participants }: SessionView): boolean =>
    participants.some((peer) => peer.peerId === peerId && peer.encryption === 'verified');
  switch (code) {
    // Stays to be read after the one it is about is gone: else an impostor has only to leave. A comparison answers it, but
    // none that was made before: about who is verified already, it is for somebody to dismiss.
    case 'identity-changed':
    case 'wrong-key': {
      const wasVerified = isVerified(told);
      return (view) => view.phase === 'joining' || (!wasVerified && isVerified(view));
    }
    case 'roster-mismatch':
      return ({ encryption }) => encryption.roster !== 'mismatch';
    case 'relay-unreachable':
    case 'relay-refused':
    case 'room-full':
    case 'room-locked':
      return ({ phase }) => phase === 'joined';
    case 'turn-unavailable':
    case 'peer-unreachable':
      if (told.privacy === code) return ({ privacy }) => privacy !== code;
      return ({ phase, participants }) => {
        const meant = participants.filter((peer) => peerId === undefined || peer.peerId === peerId);
        return !isInCall(phase) || meant.every(({ link }) => link === 'connected');
      };
    default:
      return failed.length === 0 ? undefined : (view) => failed.every((kind) => !isFailedWith(view[kind], code));
  }
}
