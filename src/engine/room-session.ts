/** The session: feeds events to the room, executes its effects through the ports, and tells the page. */
import { effectTable } from './effects.ts';
import type { EffectTable } from './effects.ts';
import { FrameWatch } from './frame-watch.ts';
import { Links } from './links.ts';
import { Listeners } from './listeners.ts';
import { OwnSide } from './own-side.ts';
import type { DevicePort, Ports, WorkerPort } from './ports.ts';
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
import { viewOf } from './view.ts';

export class RoomSession implements Session {
  readonly #url: URL;
  readonly #options: SessionOptions;
  readonly #iceServers: SessionOptions['iceServers'];
  readonly #own: OwnSide;
  readonly #store: Store;
  readonly #worker: WorkerPort;
  readonly #effects: EffectTable;
  readonly #frameWatch: FrameWatch;
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
    const onLost = (isForGood: boolean): void => {
      this.#links.loseAll();
      if (isForGood) onEvent({ type: 'sealing-failed', code: 'worker-blocked' });
    };
    const worker = ports.startWorker(
      {
        onTimer: (id) => onEvent({ type: 'timer', id: id as TimerId }),
        onState: (address, state) => this.#frameWatch.changed(address, state),
        onLost,
      },
      options.workerUrl,
    );
    this.#worker = worker;
    const { frames } = worker;
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
      frames,
      onOpen: (peerId, generation) => this.#own.membership?.openLink(peerId, generation),
      onClosed: (peerId, generation) => this.#own.membership?.closeLink(peerId, generation),
      onEvent,
      onDropped,
      peerFingerprint: (peerId) => this.#own.dtlsFingerprint(peerId),
      onMessage: (peerId, payload) => this.#own.membership?.receiveDirect(peerId, payload),
    });
    this.#frameWatch = new FrameWatch({
      links: this.#links,
      frames,
      onFailing: (peerId, generation) => this.#own.membership?.askForKey(peerId, generation),
      onEvent,
    });
    // Known before anybody joins: the shield must not name these helpers only once they have been asked.
    this.#links.setIceServers(this.#iceServers ?? []);
    this.#own = new OwnSide({
      room: options.room.room,
      identity: options.identity ?? 'guest',
      createDtlsIdentity,
      url: this.#url.href,
      connectRelay: ports.connectRelay,
      frames,
      canSeal: () => frames.ready(),
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
    this.#effects = effectTable({
      devices: this.#devices,
      links: this.#links,
      frameWatch: this.#frameWatch,
      own: this.#own,
      clock: worker.clock,
      onMoment: (moment) => this.#moments.push(moment),
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

  getStats(): Promise<SessionStats> {
    return this.#frameWatch.stats(this.#dropped);
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
    this.#dispatch({ type: 'rotate-sender-keys' });
    return this.#own.rotate(() => this.#store.state.call);
  }

  async revokeKey(): Promise<void> {
    await this.#own.revoke(() => this.#store.state.call);
    this.#dispatch({ type: 'leave' });
  }

  close(): void {
    if (this.#isClosed) return;
    this.dispatch({ type: 'leave' });
    this.#isClosed = true;
    this.#unwatchPage();
    this.#links.closeAll();
    this.#devices.dispose();
    this.#worker.clock.close();
    this.#worker.frames.close();
    this.#viewListeners.clear();
    this.#eventListeners.clear();
  }

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
