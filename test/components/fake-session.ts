/** A session without an engine: keeps what was asked, shows what the test says. */
import type {
  Command,
  EncryptionView,
  MediaDevice,
  ParticipantView,
  PeerId,
  PeerIdentity,
  PeerLeaveReason,
  RoomAddress,
  RoomCode,
  SafetyNumber,
  ScanResult,
  Session,
  SessionEvent,
  SessionOptions,
  SessionStats,
  SessionView,
} from '../../src/engine/index.ts';
import { TaiError, createHostedRoom, createPrivateRoom, resolveRoom } from '../../src/engine/index.ts';
import { isInCall } from '../../src/components/internal/encryption.ts';
import { EMPTY_VIEW } from '../../src/components/internal/store-state.ts';
import type { Engine } from '../../src/components/internal/store-state.ts';

export class FakeSession implements Session {
  readonly options: SessionOptions;
  readonly commands: Command[] = [];
  isClosed = false;
  view: SessionView;
  /** Set to an error, the browser lists nothing. */
  deviceList: readonly MediaDevice[] | Error = [];
  /** Set to an error, there is no number to be had. */
  numbers: (peerId: PeerId) => SafetyNumber | undefined | Error | Promise<SafetyNumber> = safetyNumber;
  readonly scans: (readonly [PeerId, string])[] = [];
  /** Asked about keys, in order. */
  readonly keyCalls: string[] = [];
  #listeners = new Set<(view: SessionView) => void>();
  #hearers = new Set<(event: SessionEvent) => void>();

  constructor(options: SessionOptions) {
    this.options = options;
    const encryption = { ...EMPTY_VIEW.encryption, isSignallingSealed: true, roomKind: options.room.kind };
    this.view = { ...EMPTY_VIEW, name: options.displayName ?? '', encryption };
    if (options.private) this.hide('on');
  }

  subscribe(listener: (view: SessionView) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  on(listener: (event: SessionEvent) => void): () => void {
    this.#hearers.add(listener);
    return () => this.#hearers.delete(listener);
  }

  /** Only the lobby opens by itself; everything else waits for the test. */
  dispatch(command: Command): void {
    if (this.isClosed) throw new TaiError('usage', 'session: closed');
    this.commands.push(command);
    if (command.type === 'open-lobby') this.show({ phase: 'lobby' });
    if (command.type === 'set-name') this.show({ name: command.name });
    if (command.type === 'set-private') this.#setPrivate(command.isOn);
  }

  /** As the engine does it. */
  #setPrivate(isOn: boolean): void {
    if (!isOn && this.view.selfId !== undefined) throw new TaiError('usage', 'set-private: not in a call');
    this.hide(isOn ? 'on' : 'off');
  }

  /** How hiding our addresses stands. */
  hide(privacy: SessionView['privacy']): void {
    const isAddressHidden = privacy === 'on' || privacy === 'turn-unavailable';
    this.show({ privacy, encryption: { ...this.view.encryption, isAddressHidden } });
  }

  /** The codes of a peer were compared, as the engine tells it. */
  verified(peer: PeerId, isVerified = true, match: 'match' | 'remembered' = 'match'): void {
    this.change(peer, { encryption: isVerified ? 'verified' : 'encrypted' });
    this.tell({ type: 'verified', peerId: peer, isVerified, comparison: isVerified ? match : 'withdrawn' });
  }

  /** They were compared, and are different, as the engine tells it. */
  differs(peer: PeerId): void {
    const { identity: known } = this.view.participants.find((each) => each.peerId === peer) ?? {};
    this.change(peer, { encryption: 'codes-differ', identity: known && { ...known, standing: 'differs' } });
    this.tell({ type: 'verified', peerId: peer, isVerified: false, comparison: 'differ' });
  }

  /** Its keys were declared dead, as the engine tells it. */
  revoke(peer: PeerId): void {
    const { identity: known } = this.view.participants.find((each) => each.peerId === peer) ?? {};
    const refused = { encryption: 'wrong-key', link: 'failed' } as const;
    this.change(peer, { ...refused, identity: known && { ...known, standing: 'revoked' } });
    this.tell({ type: 'error', code: 'wrong-key', isRecoverable: true, peerId: peer, isRevoked: true });
  }

  /** Something changes about one peer. */
  change(peer: PeerId, change: Partial<ParticipantView>): void {
    this.show({
      participants: this.view.participants.map((each) => (each.peerId === peer ? { ...each, ...change } : each)),
    });
  }

  /** Something changes about encryption. */
  encrypt(change: Partial<EncryptionView>): void {
    this.show({ encryption: { ...this.view.encryption, ...change } });
  }

  show(change: Partial<SessionView>): void {
    const view = { ...this.view, ...change };
    this.view = { ...view, encryption: { ...view.encryption, isVerified: isVerified(view) } };
    for (const listener of this.#listeners) listener(this.view);
  }

  tell(event: SessionEvent): void {
    for (const hearer of this.#hearers) hearer(event);
  }

  /** In the room, alone. */
  enter(change: Partial<SessionView> = {}): void {
    this.show({ phase: 'joined', selfId: peerId(0), ...change });
    this.tell({ type: 'joined' });
  }

  /** Somebody comes. */
  meet(peer: ParticipantView): void {
    const encryption = { ...this.view.encryption, isMediaDtls: true, isKeyAgreed: true };
    this.show({ participants: [...this.view.participants, peer], encryption });
    this.tell({ type: 'peer-joined', peerId: peer.peerId });
  }

  /** Somebody goes. */
  part(peer: PeerId, reason: PeerLeaveReason): void {
    this.show({ participants: this.view.participants.filter(({ peerId }) => peerId !== peer) });
    this.tell({ type: 'peer-left', peerId: peer, reason });
  }

  /** Out of the lobby, or of the room: the view first, then the moment, as ever. */
  exit(): void {
    const { phase } = this.view;
    if (phase === 'lobby') this.show({ phase: 'idle' });
    if (phase !== 'joining' && !isInCall(phase)) return;
    this.show({ phase: 'left', leaveReason: 'left', selfId: undefined, participants: [] });
    this.tell({ type: 'left', reason: 'left' });
  }

  /** How often something was asked. */
  count(type: Command['type']): number {
    return this.commands.filter((command) => command.type === type).length;
  }

  async devices(): Promise<readonly MediaDevice[]> {
    if (this.deviceList instanceof Error) throw this.deviceList;
    return this.deviceList;
  }

  getStats(): Promise<SessionStats> {
    return Promise.resolve({
      peers: {},
      totals: { bytesSent: 1, bytesReceived: 2, framesSealed: 3, framesOpened: 4 },
      dropped: {},
    });
  }

  async safetyNumber(peer: PeerId): Promise<SafetyNumber | undefined> {
    const found = await this.numbers(peer);
    if (found instanceof Error) throw found;
    return found;
  }

  checkScan(peer: PeerId, text: string): ScanResult {
    this.scans.push([peer, text]);
    if (!text.startsWith('TAI:')) return 'unreadable';
    return text === safetyNumber(peer).qr ? 'match' : 'mismatch';
  }

  exportAuditLog(): string {
    return '{"n":0}\n';
  }

  async rotateKey(): Promise<void> {
    this.keyCalls.push('rotate');
  }

  async revokeKey(): Promise<void> {
    this.keyCalls.push('revoke');
  }

  /** Leaves, and tells so; then it is silent for good. */
  close(): void {
    if (this.isClosed) return;
    this.exit();
    this.isClosed = true;
    this.#listeners.clear();
    this.#hearers.clear();
  }
}

/** An engine of fake sessions; rooms and links are the real ones. */
export class FakeEngine implements Engine {
  readonly sessions: FakeSession[] = [];
  readonly devices: MediaDevice[] = [];

  createSession = (options: SessionOptions): FakeSession => {
    const session = new FakeSession(options);
    session.deviceList = this.devices;
    this.sessions.push(session);
    return session;
  };

  createPrivateRoom = (): RoomAddress => createPrivateRoom();

  createHostedRoom = (): Promise<RoomAddress> => createHostedRoom();

  resolveRoom: Engine['resolveRoom'] = (options) => resolveRoom(options);
}

/** As the engine says it. */
function isVerified({ participants, encryption: { roster } }: SessionView): boolean {
  const isEverybody = participants.length > 0 && participants.every(({ encryption }) => encryption === 'verified');
  return isEverybody && roster === 'consistent';
}

export function peerId(number: number): PeerId {
  return `0x${number.toString(16).padStart(32, '0')}` as PeerId;
}

/** As long as a real one. */
export function safetyNumber(peer: PeerId): SafetyNumber {
  const digit = Number.parseInt(peer.slice(-1), 16) % 10;
  const digits = Array.from({ length: 60 }, (_, index) => (index * 7 + digit) % 10).join('');
  return { digits, qr: `TAI:${digits}` };
}

const EMOJI = [
  ['🐶', 'Dog'],
  ['🚲', 'Bicycle'],
  ['🍋', 'Lemon'],
  ['⚓', 'Anchor'],
  ['🎈', 'Balloon'],
  ['☂️', 'Umbrella'],
] as const;

export const ROOM_CODE: RoomCode = {
  emoji: EMOJI.map(([symbol, name]) => ({ symbol, name })),
  digits: '012345678901234567890123456789',
};

export function identity(number: number, change: Partial<PeerIdentity> = {}): PeerIdentity {
  return { kind: 'guest', deviceId: number.toString(16).padStart(64, '0'), standing: 'new', ...change };
}

export function participant(number: number, change: Partial<ParticipantView> = {}): ParticipantView {
  return {
    peerId: peerId(number),
    name: `Peer ${number}`,
    link: 'connected',
    isAddressHidden: false,
    encryption: 'encrypted',
    identity: identity(number),
    microphone: { isMuted: false, isOpened: true },
    camera: { isMuted: false, isOpened: true },
    audioTrack: undefined,
    videoTrack: undefined,
    ...change,
  };
}

/** A moving picture without a camera. */
export function fakeVideoTrack(hue = 180): MediaStreamTrack {
  const canvas = document.createElement('canvas');
  canvas.width = 320;
  canvas.height = 180;
  const context = canvas.getContext('2d');
  const track = canvas.captureStream(10).getVideoTracks()[0];
  if (!context || !track) throw new Error('this browser captures no canvas');
  let frame = 0;
  const draw = (): void => {
    context.fillStyle = `hsl(${hue} 45% ${40 + (frame++ % 2)}%)`;
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (track.readyState === 'live') requestAnimationFrame(draw);
  };
  draw();
  return track;
}
