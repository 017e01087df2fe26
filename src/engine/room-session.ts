/** The session: feeds events to the room, executes its effects through the ports, and tells the page. */
import { KeyRing, randomPeerId } from './keys.ts';
import { Links } from './links.ts';
import { Listeners } from './listeners.ts';
import type { ClockPort, DevicePort, Ports } from './ports.ts';
import { TaiError } from './protocol/errors.ts';
import { checkedIceServers, relayUrl } from './relay-address.ts';
import type { Effect, RoomEvent, TimerId } from './room/events.ts';
import { Store } from './room/store.ts';
import type {
  Command,
  MediaDevice,
  Session,
  SessionEvent,
  SessionOptions,
  SessionStats,
  SessionView,
} from './session-types.ts';
import { Signalling } from './signalling.ts';
import { peerStatsOf } from './stats.ts';
import { viewOf } from './view.ts';

type EffectTable = { readonly [Type in Effect['type']]: (effect: Extract<Effect, { type: Type }>) => void };

export class RoomSession implements Session {
  readonly #options: SessionOptions;
  readonly #ports: Ports;
  readonly #url: URL;
  readonly #iceServers: SessionOptions['iceServers'];
  #keys: Promise<KeyRing> | undefined;
  readonly #store: Store;
  readonly #clock: ClockPort;
  readonly #devices: DevicePort;
  readonly #links: Links;
  readonly #dropped = new Map<string, number>();
  readonly #viewListeners = new Listeners<SessionView>();
  readonly #eventListeners = new Listeners<SessionEvent>();
  /** Told once the view shows what they tell of. */
  readonly #moments: SessionEvent[] = [];
  #signalling: Signalling | undefined;
  #roomId: KeyRing['roomId'] | undefined;
  #view: SessionView;
  readonly #unwatchPage: () => void;
  #isClosed = false;

  constructor(options: SessionOptions, ports: Ports) {
    this.#options = options;
    this.#ports = ports;
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
    const { openLink } = ports;
    this.#links = new Links({ openLink, devices: this.#devices, onEvent, onDropped });
    // Known before anybody joins: the shield must not name these helpers only once they have been asked.
    this.#links.setIceServers(this.#iceServers ?? []);
    // Begun now, so that it is done long before somebody joins; a failure is told to who joins.
    this.#makeKeys().catch(() => this.#count('keys-failed'));
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
    this.#dispatch(command.type === 'join' ? { type: 'join', peerId: randomPeerId() } : command);
  }

  devices(): Promise<readonly MediaDevice[]> {
    return this.#devices.list();
  }

  async getStats(): Promise<SessionStats> {
    const reports = await this.#links.stats();
    const peers = Object.fromEntries([...reports].map(([peerId, report]) => [peerId, peerStatsOf(report)]));
    const totals = { bytesSent: 0, bytesReceived: 0 };
    for (const { bytesSent, bytesReceived } of Object.values(peers)) {
      totals.bytesSent += bytesSent;
      totals.bytesReceived += bytesReceived;
    }
    return { peers, totals, dropped: Object.fromEntries(this.#dropped) };
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
    'connect-relay': ({ peerId }) => {
      this.#signalling = new Signalling(peerId, {
        url: this.#url.href,
        keys: this.#makeKeys(),
        connectRelay: this.#ports.connectRelay,
        onEvent: (event) => this.#dispatch(event),
        onIceServers: (servers) => this.#links.setIceServers(this.#iceServers ?? servers),
        onDropped: (reason) => this.#count(reason),
      });
    },
    'disconnect-relay': () => {
      this.#signalling?.close();
      this.#signalling = undefined;
    },
    send: ({ to, message }) => this.#signalling?.send(to, message),
    'open-link': ({ peerId, generation }) => this.#links.open(peerId, generation),
    'close-link': ({ peerId }) => this.#links.close(peerId),
    'make-offer': ({ peerId, generation, round, isRestart }) =>
      this.#links.get(peerId, generation)?.makeOffer(round, isRestart),
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
      this.#view = this.#select();
      this.#viewListeners.tell(this.#view);
    }
    for (let moment = this.#moments.shift(); moment; moment = this.#moments.shift()) this.#eventListeners.tell(moment);
  }

  /** Made once; again after a failure (a chunk that could not be fetched), for the next join. */
  #makeKeys(): Promise<KeyRing> {
    this.#keys ??= KeyRing.create(this.#options.room.room).then(
      (keys) => {
        this.#roomId = keys.roomId;
        return keys;
      },
      (error: unknown) => {
        this.#keys = undefined;
        throw error;
      },
    );
    return this.#keys;
  }

  #select(): SessionView {
    return viewOf(this.#store.state, {
      roomId: this.#roomId,
      roomKind: this.#options.room.kind,
      iceHosts: this.#links.iceHosts,
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
