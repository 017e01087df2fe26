/** The session: feeds events to the room, executes its effects through the ports, and tells the page. */
import { Links } from './links.ts';
import { Listeners } from './listeners.ts';
import { OwnSide } from './own-side.ts';
import type { ClockPort, DevicePort, Ports } from './ports.ts';
import { TaiError } from './protocol/errors.ts';
import type { PeerId } from './protocol/ids.ts';
import { checkedIceServers, relayUrl } from './relay-address.ts';
import type { Effect, RoomEvent, TimerId } from './room/events.ts';
import { Store } from './room/store.ts';
import type {
  Command,
  MediaDevice,
  SafetyNumber,
  ScanResult,
  Session,
  SessionEvent,
  SessionOptions,
  SessionStats,
  SessionView,
} from './session-types.ts';
import { sessionStats } from './stats.ts';
import { viewOf } from './view.ts';

type EffectTable = { readonly [Type in Effect['type']]: (effect: Extract<Effect, { type: Type }>) => void };

export class RoomSession implements Session {
  readonly #url: URL;
  readonly #options: SessionOptions;
  readonly #iceServers: SessionOptions['iceServers'];
  readonly #own: OwnSide;
  readonly #store: Store;
  readonly #clock: ClockPort;
  readonly #devices: DevicePort;
  readonly #links: Links;
  readonly #dropped = new Map<string, number>();
  readonly #viewListeners = new Listeners<SessionView>();
  readonly #eventListeners = new Listeners<SessionEvent>();
  /** Told once the view shows what they tell of. */
  readonly #moments: SessionEvent[] = [];
  #view: SessionView;
  readonly #unwatchPage: () => void;
  #isClosed = false;

  constructor(options: SessionOptions, ports: Ports) {
    this.#options = options;
    this.#url = relayUrl(options.relay);
    this.#iceServers = checkedIceServers(options.iceServers);
    this.#store = new Store(
      (effect) => this.#execute(effect),
      (isChanged) => this.#settled(isChanged),
    );
    const onEvent = (event: RoomEvent): void => this.#dispatch(event);
    const onDropped = (reason: string): void => this.#count(reason);
    this.#clock = ports.createClock((id) => onEvent({ type: 'timer', id: id as TimerId }), options.workerUrl);
    this.#devices = ports.openDevices({
      onLive: (kind, track) => onEvent({ type: 'device-live', kind, ...liveDevice(track) }),
      onFailed: (kind, code) => onEvent({ type: 'device-failed', kind, code }),
      onEnded: (kind, trackId) => onEvent({ type: 'device-ended', kind, trackId }),
      onDevicesChanged: () => this.#eventListeners.tell({ type: 'devices-changed' }),
    });
    const { openLink, createDtlsIdentity } = ports;
    this.#links = new Links({
      openLink,
      devices: this.#devices,
      onEvent,
      onDropped,
      peerFingerprint: (peerId) => this.#own.dtlsFingerprint(peerId),
      onMessage: (peerId, payload) => this.#own.membership?.receiveDirect(peerId, payload),
    });
    // Known before anybody joins: the shield must not name these helpers only once they have been asked.
    this.#links.setIceServers(this.#iceServers ?? []);
    this.#own = new OwnSide({
      room: options.room.room,
      identity: options.identity ?? 'guest',
      createDtlsIdentity,
      url: this.#url.href,
      connectRelay: ports.connectRelay,
      now: Date.now,
      steadyNow: () => performance.now(),
      sendDirect: (to, payload) => this.#links.send(to, payload),
      call: () => this.#store.state.call,
      onDtls: ({ certificate }) => this.#links.setCertificate(certificate),
      onEvent,
      onCode: () => this.#settled(true),
      onIceServers: (servers) => this.#links.setIceServers(this.#iceServers ?? servers),
      onDropped,
    });
    // A page that goes away says so while it still can; peers see the connection end at once.
    this.#unwatchPage = ports.watchPage(() => {
      if (this.#view.selfId !== undefined) this.#dispatch({ type: 'leave' });
    });
    this.#view = this.#select();
    if (options.displayName) this.dispatch({ type: 'set-name', name: options.displayName });
  }

  get view(): SessionView {
    return this.#view;
  }

  subscribe(listener: (view: SessionView) => void): () => void {
    return this.#viewListeners.add(listener);
  }

  on(listener: (event: SessionEvent) => void): () => void {
    return this.#eventListeners.add(listener);
  }

  dispatch(command: Command): void {
    if (this.#isClosed) throw new TaiError('usage', 'session: closed');
    if (command.type === 'set-verified') this.#own.compared(command.peerId, command.isVerified ? 'match' : 'withdrawn');
    else if (command.type === 'report-difference')
      for (const peerId of command.peerIds) this.#own.compared(peerId, 'differ');
    else this.#dispatch(command.type === 'join' ? { type: 'join', peerId: this.#own.newPeerId() } : command);
  }

  devices(): Promise<readonly MediaDevice[]> {
    return this.#devices.list();
  }

  async getStats(): Promise<SessionStats> {
    return sessionStats(await this.#links.stats(), this.#dropped);
  }

  safetyNumber(peerId: PeerId): Promise<SafetyNumber | undefined> {
    return this.#own.safetyNumber(peerId);
  }

  checkScan(peerId: PeerId, text: string): ScanResult {
    return this.#own.checkScan(peerId, text);
  }

  exportAuditLog(): string {
    return this.#own.exportAuditLog();
  }

  rotateKey(): Promise<void> {
    return this.#own.rotate(() => this.#store.state.call);
  }

  async revokeKey(): Promise<void> {
    await this.#own.revoke(() => this.#store.state.call);
    // outside a call there is nothing to leave, and a lobby to keep
    if (this.#view.selfId !== undefined) this.#dispatch({ type: 'leave' });
  }

  close(): void {
    if (this.#isClosed) return;
    this.dispatch({ type: 'leave' });
    this.#isClosed = true;
    this.#unwatchPage();
    this.#links.closeAll();
    this.#devices.dispose();
    this.#clock.close();
    this.#viewListeners.clear();
    this.#eventListeners.clear();
  }

  readonly #effects: EffectTable = {
    'open-device': ({ kind, deviceId }) => this.#devices.open(kind, deviceId),
    'close-device': ({ kind }) => this.#devices.close(kind),
    'mute-device': ({ kind, isMuted }) => this.#devices.mute(kind, isMuted),
    'publish-track': ({ kind }) => this.#links.publish(kind),
    'connect-relay': ({ peerId }) => this.#own.join(peerId),
    'disconnect-relay': () => this.#own.leave(),
    send: ({ to, message }) => this.#own.membership?.send(to, message),
    'announce-roster': (effect) => this.#own.membership?.announce(effect),
    assure: (effect) => this.#own.membership?.assure(effect),
    'meet-again': ({ peerId }) => this.#own.membership?.meetAgain(peerId),
    'refuse-peer': ({ peerId }) => this.#own.membership?.refuse(peerId),
    'open-link': ({ peerId, generation }) => this.#links.open(peerId, generation),
    'close-link': ({ peerId }) => this.#links.close(peerId),
    'make-offer': ({ peerId, generation, round, isRestart }) =>
      this.#links.get(peerId, generation)?.makeOffer(round, isRestart),
    'repeat-offer': ({ peerId, generation, round }) => this.#links.get(peerId, generation)?.repeatOffer(round),
    'repeat-answer': ({ peerId, generation, round }) => this.#links.get(peerId, generation)?.repeatAnswer(round),
    'accept-offer': ({ peerId, generation, round, sdp }) =>
      this.#links.get(peerId, generation)?.acceptOffer(round, sdp),
    'accept-answer': ({ peerId, generation, round, sdp }) =>
      this.#links.get(peerId, generation)?.acceptAnswer(round, sdp),
    'add-candidates': ({ peerId, generation, candidates }) =>
      this.#links.get(peerId, generation)?.addCandidates(candidates),
    'start-timer': ({ id, delay_ms }) => this.#clock.start(id, delay_ms),
    'stop-timer': ({ id }) => this.#clock.stop(id),
    tell: ({ moment }) => this.#moments.push(moment),
    drop: ({ reason }) => this.#count(reason),
  };

  #execute(effect: Effect): void {
    // The table's type pairs every effect with its own executor; a lookup by a union cannot express that.
    (this.#effects[effect.type] as (effect: Effect) => void)(effect);
  }

  #dispatch(event: RoomEvent): void {
    if (!this.#isClosed) this.#store.dispatch(event);
  }

  /** First the view, then what has happened: who is told of a change finds it done. */
  #settled(isChanged: boolean): void {
    if (isChanged) {
      this.#own.membership?.settled(this.#store.state.call);
      this.#view = this.#select();
      this.#viewListeners.tell(this.#view);
    }
    for (let moment = this.#moments.shift(); moment; moment = this.#moments.shift()) this.#eventListeners.tell(moment);
  }

  #select(): SessionView {
    return viewOf(this.#store.state, {
      roomId: this.#own.roomId,
      roomKind: this.#options.room.kind,
      iceHosts: this.#links.iceHosts,
      roomCode: this.#own.roomCode,
      localTrack: (kind) => this.#devices.track(kind),
      remoteTrack: (id) => this.#links.remoteTrack(id),
    });
  }

  #count(reason: string): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1);
  }
}

function liveDevice(track: MediaStreamTrack): { trackId: string; deviceId: string; label: string } {
  return { trackId: track.id, deviceId: track.getSettings().deviceId ?? '', label: track.label };
}
