/** The session: feeds events to the room, executes its effects through the ports, and tells the page. */
import { effectTable } from './effects.ts';
import type { EffectTable } from './effects.ts';
import { Listeners } from './listeners.ts';
import { openMediaSide } from './media-side.ts';
import type { MediaSide } from './media-side.ts';
import { OwnSide } from './own-side.ts';
import type { Ports } from './ports.ts';
import { TaiError } from './protocol/errors.ts';
import type { PeerId } from './protocol/ids.ts';
import { checkedIceServers, checkedWallet, relayUrl } from './relay-address.ts';
import type { Effect, Moment, RoomEvent } from './room/events.ts';
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

const HOST_COMMANDS: readonly Command['type'][] = ['lock', 'admit', 'decline', 'kick'];

export class RoomSession implements Session {
  readonly #url: URL;
  readonly #options: SessionOptions;
  readonly #own: OwnSide;
  readonly #store: Store;
  readonly #effects: EffectTable;
  readonly #media: MediaSide;
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
    this.#store = new Store(
      (effect) => this.#execute(effect),
      (isChanged) => this.#settled(isChanged),
    );
    const onEvent = (event: RoomEvent): void => this.#dispatch(event);
    const onDropped = (reason: string): void => this.#count(reason);
    this.#media = openMediaSide({
      ports,
      relay: this.#url,
      own: checkedIceServers(options.iceServers),
      wallet: checkedWallet(options.turnWallet),
      workerUrl: options.workerUrl,
      membership: () => this.#own.membership,
      peerFingerprint: (peerId) => this.#own.dtlsFingerprint(peerId),
      onEvent,
      onDevicesChanged: () => this.#eventListeners.tell({ type: 'devices-changed' }),
      onChanged: () => this.#settled(true),
      onMoment: (moment) => this.#tellOf(moment),
      onDropped,
    });
    const { frames, hiding, links, turn, every } = this.#media;
    this.#own = new OwnSide({
      room: options.room.room,
      identity: options.identity ?? 'guest',
      createDtlsIdentity: ports.createDtlsIdentity,
      url: this.#url.href,
      admission: options.admission,
      // a hidden page slows its own timers down, and would seem to be gone
      connectRelay: (relay) => ports.connectRelay({ ...relay, every }),
      frames,
      ready: () => this.#media.ready(),
      now: Date.now,
      steadyNow: () => performance.now(),
      isOpen: (peerId, generation) => links.get(peerId, generation) !== undefined,
      sendDirect: (to, payload) => links.send(to, payload),
      call: () => this.#store.state.call,
      onDtls: ({ certificate }) => links.setCertificate(certificate),
      onEvent,
      onCode: () => this.#settled(true),
      // an operator's JWT may cost its page a question: that is not asked twice for one way in
      onConnecting: (access) => options.admission || turn.foresee(access),
      // asked to hide while joining: nobody is met before that can be done
      onIceServers: async (welcome, access) => {
        await Promise.all([turn.welcomed(welcome, access), hiding.isOn && hiding.load()]);
      },
      onDropped,
    });
    this.#effects = effectTable({
      ...this.#media,
      own: this.#own,
      onMoment: (moment) => this.#happened(moment),
      onDropped,
    });
    // A page that goes away says so while it still can; peers see the connection end at once.
    this.#unwatchPage = ports.watchPage(() => {
      if (this.#view.selfId !== undefined) this.#dispatch({ type: 'leave' });
    });
    this.#view = this.#select();
    if (options.displayName) this.dispatch({ type: 'set-name', name: options.displayName });
    if (options.room.room.hostSeed) this.#dispatch({ type: 'host-known' });
    if (options.private) this.#setPrivate(true);
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
    if (HOST_COMMANDS.includes(command.type) && !this.#view.isHost) {
      throw new TaiError('usage', `${command.type}: only with the host's link`);
    }
    if (command.type === 'set-private') this.#setPrivate(command.isOn);
    else if (command.type === 'set-verified')
      this.#own.compared(command.peerId, command.isVerified ? 'match' : 'withdrawn');
    else if (command.type === 'report-difference')
      for (const peerId of command.peerIds) this.#own.compared(peerId, 'differ');
    else this.#dispatch(command.type === 'join' ? { type: 'join', peerId: this.#own.newPeerId() } : command);
  }

  devices(): Promise<readonly MediaDevice[]> {
    return this.#media.devices.list();
  }

  getStats(): Promise<SessionStats> {
    return this.#media.frameWatch.stats(this.#dropped);
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
    // outside a call there is nothing to leave, and a lobby to keep
    if (this.#view.selfId !== undefined) this.#dispatch({ type: 'leave' });
  }

  close(): void {
    if (this.#isClosed) return;
    this.dispatch({ type: 'leave' });
    this.#isClosed = true;
    this.#unwatchPage();
    this.#media.close();
    this.#viewListeners.clear();
    this.#eventListeners.clear();
  }

  #execute(effect: Effect): void {
    // The table's type pairs every effect with its own executor; a lookup by a union cannot express that.
    (this.#effects[effect.type] as (effect: Effect) => void)(effect);
  }

  /** PR11: in a call not before there is what hides; before one, the join waits for it. */
  #setPrivate(isOn: boolean): void {
    const { phase } = this.#view;
    if (!isOn && this.#view.selfId !== undefined) {
      throw new TaiError('usage', 'set-private: cannot be switched off in a call');
    }
    const event = { type: 'set-private', isOn } as const;
    // Connections that stand would be closed for nothing if the code did not come. Where there are none yet, nobody is met without it.
    const isIn = phase === 'joined' || phase === 'reconnecting';
    if (!isIn) this.#dispatch(event);
    if (!isOn) return;
    const failed: Moment = { type: 'error', code: 'privacy-failed', isRecoverable: true };
    this.#media.hiding.load().then(
      () => isIn && this.#dispatch(event),
      () => {
        if (isIn) this.#tellOf(failed);
        // in the lobby it is tried again when somebody joins
        else if (phase === 'joining') this.#dispatch({ type: 'sealing-failed', code: 'privacy-failed' });
      },
    );
  }

  #tellOf(moment: Moment): void {
    this.#moments.push(moment);
    this.#settled(false);
  }

  #happened(moment: Moment): void {
    const further = this.#media.turn.troubleOf(moment);
    this.#moments.push(moment, ...(further ? [further] : []));
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
      iceHosts: this.#media.links.iceHosts,
      iceHostNames: this.#media.links.iceHostNames,
      roomCode: this.#own.roomCode,
      localTrack: (kind) => this.#media.devices.track(kind),
      remoteTrack: (id) => this.#media.links.remoteTrack(id),
    });
  }

  #count(reason: string): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1);
  }
}
