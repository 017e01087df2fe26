/** One room's session on the page's side: makes it, asks of it, and keeps what the elements show. */
import { TaiError } from '../../engine/index.ts';
import type { ErrorCode, MediaDevice, PublicationKind, RoomAddress, Session } from '../../engine/index.ts';
import type { SessionEvent, SessionView } from '../../engine/index.ts';
import { AudioSink } from './audio-sink.ts';
import { isInCall } from './encryption.ts';
import { TaiErrorEvent, TaiStateChangeEvent } from './events.ts';
import { RoomDoor } from './room-door.ts';
import { hostUrl, inviteUrl, linkEntry, publishLink } from './room-link.ts';
import { PUBLICATIONS, isDeviceOn } from './room-context.ts';
import type { Notice, Problem, RoomActions } from './room-context.ts';
import { RoomTeller } from './room-teller.ts';
import { RoomTrust } from './room-trust.ts';
import { BLANK, EMPTY_VIEW, withToast } from './store-state.ts';
import type { RoomStoreHost, StoreState } from './store-state.ts';
import { errorKey } from './strings.ts';
import type { StringKey } from './strings.ts';

export class RoomStore implements RoomActions {
  readonly #host: RoomStoreHost;
  #session: Session | undefined;
  #sink: AudioSink | undefined;
  #address: RoomAddress | undefined;
  /** Counts openings, so that an address that arrives late meets no newer room. */
  #opening = 0;
  #isOpen = false;
  /** This room's entry in the page's address, as last seen. */
  #entry = '';
  #isJoinWanted = false;
  #state = BLANK;
  readonly #teller: RoomTeller;
  readonly trust: RoomTrust;
  readonly door: RoomDoor;

  constructor(host: RoomStoreHost) {
    this.#host = host;
    this.#teller = new RoomTeller(host, this);
    this.trust = new RoomTrust(this);
    this.door = new RoomDoor(this);
  }

  /** The page has changed which room this is, during a call: the next join opens it. */
  isStale = false;

  get state(): StoreState {
    return this.#state;
  }

  /** The newest state, also between a moment and its view. */
  get view(): SessionView {
    return this.#session?.view ?? EMPTY_VIEW;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get session(): Session | undefined {
    return this.#session;
  }

  get address(): RoomAddress | undefined {
    return this.#address;
  }

  /** Finds out which room, and makes a session for it. Asks the browser for nothing, and never rejects. */
  async open(): Promise<void> {
    this.#leaveAloud();
    this.#isOpen = true;
    const opening = this.#opening;
    try {
      const { config, engine } = this.#host;
      this.#entry = linkEntry(location.hash, config.roomName);
      this.#set({ wants: config.offers });
      if (config.refusal) return this.#refuse('usage', config.refusal.text, config.refusal.detail);
      const { relay, roomName, roomSecret } = config;
      const secret = roomSecret === undefined ? {} : { roomSecret };
      const found = await engine.resolveRoom({ relay, roomName, fragment: location.hash, ...secret });
      if (opening !== this.#opening) return;
      if (found) return this.#begin(found, false);
      await this.#make(opening);
    } catch (error) {
      if (opening === this.#opening) this.#fail(error);
    }
  }

  /** Leaves, and gives everything back. No event tells of it: the element is no longer in the page. */
  close(): void {
    const session = this.#session;
    // forgotten first: what it tells of its end is for nobody
    this.#session = undefined;
    session?.close();
    this.#opening++;
    this.#isOpen = false;
    this.isStale = false;
    this.#isJoinWanted = false;
    this.#sink?.close();
    this.#sink = undefined;
    this.#address = undefined;
    this.#teller.forget();
    this.#set(BLANK);
  }

  /**
   * Goes in, or says what keeps us out. Everything that needs the click happens in the same task, and what the page has
   * set in this task counts: a listener of `tai-join-request` may just have asked for a protection.
   */
  join(): Problem | undefined {
    const host = this.#host;
    host.flush();
    const { refusal, roomName, roomSecret } = host.config;
    const { problem, isNew, view, wants } = this.#state;
    if (problem) return problem;
    // fail closed, also where the state does not show it yet
    if (refusal) return { code: 'usage', ...refusal };
    if (this.isStale && view.phase === 'left') void this.open();
    const session = this.#session;
    if (!session || !this.#address) {
      this.#isJoinWanted = true;
      return undefined;
    }
    if (view.phase === 'joining' || isInCall(view.phase)) return undefined;
    this.#sink ??= new AudioSink((isSoundBlocked) => this.#set({ isSoundBlocked }));
    this.#sink.start();
    const opens = (kind: PublicationKind): boolean => wants[kind] && view[kind].state === 'off';
    if (view.phase === 'lobby') {
      for (const kind of PUBLICATIONS) if (opens(kind)) this.#switch(kind, true);
    } else {
      session.dispatch({ type: 'open-lobby', microphone: opens('microphone'), camera: opens('camera') });
    }
    if (isNew && roomSecret === undefined) {
      publishLink(this.#address, roomName);
      this.#entry = linkEntry(location.hash, roomName);
      this.#showHostLink();
    }
    session.dispatch({ type: 'join' });
    return undefined;
  }

  leave(): void {
    this.#isJoinWanted = false;
    this.#session?.dispatch({ type: 'leave' });
  }

  setName(name: string): void {
    this.#session?.dispatch({ type: 'set-name', name });
  }

  /** What the page wants of it during a call is taken over after it, where it cannot be before. */
  setPrivate(isOn: boolean): void {
    const { phase } = this.view;
    if (isOn || !(phase === 'joining' || isInCall(phase))) this.#session?.dispatch({ type: 'set-private', isOn });
  }

  toggle(kind: PublicationKind, on = !this.isOn(kind)): void {
    this.#set({ wants: { ...this.#state.wants, [kind]: on } });
    if (on || this.#state.view[kind].state !== 'off') this.#switch(kind, on);
  }

  /** In a call: what is true. Before: what will be, once joined. */
  isOn(kind: PublicationKind): boolean {
    const { view, wants } = this.#state;
    const isAhead = !isInCall(view.phase) && view[kind].state === 'off';
    return isAhead ? wants[kind] : isDeviceOn(view, kind);
  }

  setDevice(kind: PublicationKind, deviceId: string): void {
    if (!PUBLICATIONS.includes(kind)) throw new TaiError('usage', 'setDevice: kind must be "microphone" or "camera"');
    this.#session?.dispatch({ type: 'set-device', kind, deviceId });
  }

  createInvite(): string {
    if (!this.#address) throw new TaiError('usage', 'createInvite: the room is not known yet');
    return inviteUrl(location.href, this.#address, this.#host.config.roomName);
  }

  renew(): void {
    const { config } = this.#host;
    if (config.refusal) return;
    this.#leaveAloud();
    this.#isOpen = true;
    this.#set({ wants: config.offers });
    const opening = this.#opening;
    this.#make(opening).catch((error: unknown) => opening === this.#opening && this.#fail(error));
  }

  /** Whether a fragment names a room that is not the one we have. */
  isOtherLink(fragment: string): boolean {
    const entry = linkEntry(fragment, this.#host.config.roomName);
    return this.#isOpen && entry !== '' && entry !== this.#entry;
  }

  announce(text: string): void {
    this.#set({ announcement: text });
  }

  notify(text: string, notice: Notice = {}): void {
    this.#set({ toasts: withToast(this.#state.toasts, text, notice) });
  }

  dismiss(id: number): void {
    this.#set({ toasts: this.#state.toasts.filter((toast) => toast.id !== id) });
  }

  showVerify(verifying: StoreState['verifying']): void {
    this.#set({ verifying });
  }

  /** The way out of a blocked autoplay: call it inside a click. */
  hear(): void {
    this.#sink?.start();
  }

  /** A room of our own. With a host it takes a moment, since its key has to be made. */
  async #make(opening: number): Promise<void> {
    const { config, engine } = this.#host;
    if (!config.isHosted) return this.#begin(engine.createPrivateRoom(), true);
    const address = await engine.createHostedRoom();
    if (opening === this.#opening) this.#begin(address, true);
  }

  /** Once, to who has made the room: it stands in no address, no attribute and no storage. */
  #showHostLink(): void {
    const url = this.#address && hostUrl(location.href, this.#address, this.#host.config.roomName);
    if (url !== undefined) this.notify(this.#host.strings['host-link'], { copyable: url });
  }

  #begin(address: RoomAddress, isNew: boolean): void {
    const { config, engine } = this.#host;
    const { relay, identity, displayName, iceServers, turnWallet, workerUrl, sharePath, admission } = config;
    const session = engine.createSession({
      relay,
      room: address,
      sharePath,
      ...(identity !== undefined && { identity }),
      ...(displayName !== undefined && { displayName }),
      ...(iceServers !== undefined && { iceServers }),
      ...(turnWallet !== undefined && { turnWallet }),
      ...(workerUrl !== undefined && { workerUrl }),
      ...(admission !== undefined && { admission }),
      ...(config.private && { private: true }),
    });
    this.#session = session;
    this.#address = address;
    this.#set({ isNew, view: session.view });
    session.subscribe((view) => this.#show(session, view));
    session.on((event) => this.#tell(session, event));
    if (config.isKnock) this.door.setKnock(true);
    if (config.hasLobby) session.dispatch({ type: 'open-lobby', microphone: false, camera: false });
    if (config.isAutoJoin || this.#isJoinWanted) this.join();
    void this.#refreshDevices(session);
  }

  /** Out of a room while the element stays: whoever listens to it hears how the session ended. */
  #leaveAloud(): void {
    this.#session?.close();
    const { phase } = this.view;
    this.close();
    if (phase !== 'idle') this.#host.dispatchEvent(new TaiStateChangeEvent('idle'));
  }

  #set(change: Partial<StoreState>): void {
    this.#state = { ...this.#state, ...change };
    this.#host.requestUpdate();
  }

  #refuse(code: ErrorCode, text: StringKey, detail?: string): void {
    this.#set({ problem: { code, text, detail } });
    this.#host.dispatchEvent(new TaiErrorEvent(code, false, detail));
  }

  /** The room could not be made: a world that says why is told; anything else is a bug, for which no code would be true. */
  #fail(error: unknown): void {
    this.#leaveAloud();
    this.#isOpen = true;
    if (error instanceof TaiError) {
      // misuse is the page's: its owner has to know which argument
      return this.#refuse(error.code, errorKey(error.code), error.code === 'usage' ? error.message : undefined);
    }
    this.#set({ problem: { code: undefined, text: 'error' } });
    reportError(error);
  }

  #switch(kind: PublicationKind, isOn: boolean): void {
    this.#session?.dispatch(kind === 'microphone' ? { type: 'set-microphone', isOn } : { type: 'set-camera', isOn });
  }

  #show(session: Session, view: SessionView): void {
    const before = this.#state.view;
    if (session !== this.#session || view === before) return;
    this.#set({ view });
    this.#settleToasts(view);
    this.#sink?.setTracks(view.participants.flatMap(({ audioTrack }) => (audioTrack ? [audioTrack] : [])));
    const hasNewLabels = PUBLICATIONS.some((kind) => before[kind].state !== 'live' && view[kind].state === 'live');
    if (hasNewLabels) void this.#refreshDevices(session);
    this.#teller.tellView(before, view);
  }

  #tell(session: Session, event: SessionEvent): void {
    if (session !== this.#session) return;
    // whoever listens to the moment may look at the state
    this.#show(session, session.view);
    if (event.type === 'joined') this.#set({ isNew: false });
    if (event.type === 'left') {
      this.#sink?.close();
      this.#sink = undefined;
      this.showVerify(undefined);
      this.setPrivate(this.#host.config.private ?? false);
    }
    if (event.type === 'devices-changed') void this.#refreshDevices(session);
    this.#teller.tellMoment(event, session.view);
    // no view tells a comparison of now from one of before
    if (event.type === 'verified') this.#settleToasts(session.view);
  }

  #settleToasts(view: SessionView): void {
    const toasts = this.#state.toasts.filter(({ isSettled }) => !isSettled?.(view));
    if (toasts.length < this.#state.toasts.length) this.#set({ toasts });
  }

  async #refreshDevices(session: Session): Promise<void> {
    let devices: readonly MediaDevice[];
    try {
      devices = await session.devices();
    } catch {
      return; // a browser that lists nothing still opens the default device
    }
    if (session === this.#session) this.#set({ devices });
  }
}
