import { ContextProvider } from '@lit/context';
import { LitElement } from 'lit';
import type { PropertyDeclarations, PropertyValues, TemplateResult } from 'lit';
import { TaiError, createHostedRoom, createPrivateRoom, createSession, resolveRoom } from '../../engine/index.ts';
import type { Admission, Door, IceServer, KnockView, ParticipantView, PeerId, Phase } from '../../engine/index.ts';
import type { PublicationKind, RoomCode, SafetyNumber, Session, SessionStats, TurnWallet } from '../../engine/index.ts';
import { isInCall, roomEncryption } from '../internal/encryption.ts';
import type { RoomEncryption } from '../internal/encryption.ts';
import { roomContext } from '../internal/room-context.ts';
import { RoomStore } from '../internal/room-store.ts';
import type { Engine } from '../internal/store-state.ts';
import { ENGLISH } from '../internal/strings.ts';
import type { Strings } from '../internal/strings.ts';
import { carryFocus } from './call-focus.ts';
import {
  ADDRESS_PROPERTIES,
  DEFAULT_MEDIA,
  ROOM_PROPERTIES,
  configOf,
  errorFrom,
  peerOf,
  requireKeys,
  roomOf,
  selfOf,
  showStates,
} from './room-value.ts';
import type { SelfView } from './room-value.ts';
import { renderRoom } from './tai-room.template.ts';
import { roomStyles } from './tai-room.styles.ts';

/** The place of the engine, for tests. Not part of the public face. */
export const ENGINE: unique symbol = Symbol('engine');

/**
 * @summary A private video room: lobby, tiles, controls, and what is true about its privacy.
 *
 * Without attributes the first join makes a private room, whose link appears in the address bar; with `#tai=…` in the
 * address it joins that room; with `room="name"` it joins the open room of that name.
 *
 * @attr {string} relay - Address of the relay; by default the origin that served `tai.js`. From npm there is no default.
 * @attr {string} room - Name of an open room, and of this room's entry in the fragment (`#tai.name=`).
 * @attr {string} display-name - A name to show to others: a claim, at most 64 characters.
 * @attr {string} media - What the lobby offers: `audio video` by default; empty = listen only.
 * @attr {boolean} auto-join - Joins as soon as the room is known, without a click.
 * @attr {boolean} no-lobby - One button in place of the lobby.
 * @attr {boolean} no-invite - Hides the room's link.
 * @attr {string} layout - `grid`, the one layout of this version.
 * @attr {string} worker-url - Address of the clock worker, for pages whose CSP allows no `blob:` worker.
 * @attr {string} lang - Language of the texts given by `strings`.
 * @attr {string} identity - Whose keys: `guest` (default) makes new ones with every page, `device` keeps them in this browser,
 *   so that others know it again.
 * @attr {boolean} share-path - Your user agrees that the relay's operator is told once, and by chance wrongly two times in five, whether
 *   the first connection went straight, through a TURN host, or failed. Nothing is told without it.
 * @attr {boolean} private - Hides our IP addresses from the others: all goes through a TURN host, or is not sent. Off only after a call.
 * @attr {string} e2ee - `required`, which holds without it: frames are sealed, or not sent. With any other value the room refuses to connect.
 * @attr {boolean} hosted - A room that is made here has a host: this page. The host's own link is shown once, when it is made.
 * @attr {boolean} knock - As `hosted`; and newcomers have to knock from when its host is there until all have left.
 *
 * @slot - Extra elements, under the tiles. `tai-*` elements find the room by themselves.
 * @slot lobby - In place of the lobby.
 * @slot empty - In place of what is shown while nobody else is here.
 * @slot controls-start - Before the buttons of the bar.
 * @slot controls-end - After the buttons of the bar.
 * @slot side - Beside the tiles.
 *
 * @csspart lobby - The lobby.
 * @csspart stage - The place of the tiles.
 * @csspart tile - A tile.
 * @csspart tile-video - The picture in a tile.
 * @csspart tile-name - The name in a tile.
 * @csspart tile-mark - What is true about the keys of a tile's person.
 * @csspart controls - The bar.
 * @csspart button - A button of the lobby, the bar or a card.
 * @csspart shield - The privacy shield.
 * @csspart dialog - Where codes are compared.
 * @csspart toast - A message.
 * @csspart host - The host's tools.
 *
 * @cssprop --tai-color-accent - Accent.
 * @cssprop --tai-color-on-accent - Text on the accent.
 * @cssprop --tai-color-surface - Surface.
 * @cssprop --tai-color-text - Text.
 * @cssprop --tai-color-danger - Leave, and what is off.
 * @cssprop --tai-color-ok - What is well.
 * @cssprop --tai-radius - Roundness.
 * @cssprop --tai-gap - Space between tiles.
 * @cssprop --tai-font - Font family.
 * @cssprop --tai-tile-ratio - Ratio of a tile, as `16 / 9`; by default a tile fills its place.
 *
 * @cssstate idle - Not in the room, and not in its lobby.
 * @cssstate lobby - In the lobby.
 * @cssstate joining - On the way in.
 * @cssstate joined - In the room.
 * @cssstate reconnecting - In the room, without the relay.
 * @cssstate left - Was in the room.
 * @cssstate knocking - On the way in, and waiting for the host's word.
 * @cssstate locked - In a room that its host has locked.
 * @cssstate private - Our IP addresses are hidden from the other participants.
 * @cssstate encrypted - In the room, keys are agreed with everybody there, and outsiders are kept out.
 * @cssstate verified - And codes were compared with everybody there.
 *
 * @fires {TaiJoinEvent} tai-join - We are in the room.
 * @fires {TaiLeaveEvent} tai-leave - We are out of the room.
 * @fires {TaiStateChangeEvent} tai-state-change - `state` has changed.
 * @fires {TaiPeerJoinEvent} tai-peer-join - Somebody came.
 * @fires {TaiPeerLeaveEvent} tai-peer-leave - Somebody left.
 * @fires {TaiKnockEvent} tai-knock - To the host: somebody stands outside.
 * @fires {TaiEncryptionChangeEvent} tai-encryption-change - What is true of one peer changed, or of the room alone.
 * @fires {TaiVerifyEvent} tai-verify - Codes were compared with somebody's device: equal, different, or taken
 *   back; or a device has come back that was verified before.
 * @fires {TaiPrivacyChangeEvent} tai-privacy-change - Hiding our IP addresses went on or off, is hindered, or has failed.
 * @fires {TaiDeviceChangeEvent} tai-device-change - Microphones or cameras came or went.
 * @fires {TaiErrorEvent} tai-error - Something failed.
 * @fires {TaiJoinRequestEvent} tai-join-request - The participant wants to join. Cancelable.
 * @fires {TaiLeaveRequestEvent} tai-leave-request - The participant wants to leave. Cancelable.
 * @fires {TaiMuteRequestEvent} tai-mute-request - A microphone or a camera should go on or off. Cancelable.
 * @fires {TaiVerifyRequestEvent} tai-verify-request - Codes should be compared. Cancelable.
 * @fires {TaiInviteEvent} tai-invite - The link was copied or shared.
 */
export class TaiRoom extends LitElement {
  static override readonly styles = roomStyles;
  static override readonly properties: PropertyDeclarations = ROOM_PROPERTIES;

  declare relay: string | undefined;
  declare room: string | undefined;
  declare displayName: string | undefined;
  declare media: string;
  declare autoJoin: boolean;
  declare noLobby: boolean;
  declare noInvite: boolean;
  declare layout: 'grid';
  declare workerUrl: string | undefined;
  declare sharePath: boolean;
  declare private: boolean;
  declare e2ee: string | undefined;
  declare identity: 'guest' | 'device' | undefined;
  declare hosted: boolean;
  declare knock: boolean;
  /** Where the relay's operator wants a JWT: gives one, asked anew at every attempt to connect. */
  declare admission: Admission | undefined;
  /** 32 random bytes (or a guest's or host's link as bytes or base64url). Goes before the address of the page. */
  declare roomSecret: Uint8Array | string | undefined;
  /** Used in place of the relay's answer. */
  declare iceServers: readonly IceServer[] | undefined;
  /** Signs for TURN credentials, at a relay that wants a wallet's word for them. It learns of no room, and the room not of it. */
  declare turnWallet: TurnWallet | undefined;
  /** Texts in place of ours, by key. */
  declare strings: Partial<Strings>;

  readonly #internals = this.attachInternals();
  readonly #provider = new ContextProvider(this, { context: roomContext });
  readonly #store: RoomStore;
  #isUpdating = false;
  #texts: Strings = ENGLISH;
  [ENGINE]: Engine = { createSession, createHostedRoom, createPrivateRoom, resolveRoom };

  constructor() {
    super();
    this.media = DEFAULT_MEDIA;
    this.autoJoin = false;
    this.noLobby = false;
    this.noInvite = false;
    this.layout = 'grid';
    this.private = false;
    this.hosted = false;
    this.knock = false;
    this.strings = {};
    carryFocus(this, () => this.#store.view.phase);
    const host = this as TaiRoom;
    this.#store = new RoomStore({
      get engine() {
        return host[ENGINE];
      },
      get config() {
        return configOf(host);
      },
      get strings() {
        return host.#texts;
      },
      dispatchEvent: (event) => this.dispatchEvent(event),
      requestUpdate: () => this.requestUpdate(),
      // a listener may ask during an update of ours: what is set is being taken over then
      flush: () => {
        if (this.isUpdatePending && !this.#isUpdating) this.performUpdate();
      },
    });
  }

  /** Where we stand. */
  get state(): Phase {
    return this.#store.view.phase;
  }

  /** Ourselves: id, name, microphone and camera. */
  get self(): SelfView {
    return selfOf(this.#store.view);
  }

  /** The others, in the order in which they joined. */
  get participants(): readonly ParticipantView[] {
    return this.#store.view.participants;
  }

  /** What is true about encryption, for the room and for each peer. */
  get encryption(): RoomEncryption {
    return roomEncryption(this.#store.view);
  }

  /** To compare with everybody in the room; `undefined` while it is being made, and alone. */
  get roomCode(): RoomCode | undefined {
    return this.#store.view.encryption.roomCode;
  }

  /** Call it inside a click, so that sound may start. Throws `TaiError` where the room cannot be entered. */
  join(): void {
    if (!this.isConnected) throw new TaiError('usage', 'join: the element is not in a document');
    const problem = this.#store.join();
    if (problem) throw errorFrom(problem, this.#texts);
  }

  leave(): void {
    this.#store.leave();
  }

  /** The page's address with what a guest needs to join. Throws `TaiError('usage')` before the room is known. */
  createInvite(): string {
    return this.#store.createInvite();
  }

  /** Whether our link is the host's: without it `lock`, `admit`, `decline` and `kick` throw `TaiError('usage')`. */
  get isHost(): boolean {
    return this.#store.view.isHost;
  }

  /** What the relay says of the room's door. */
  get door(): Door {
    return this.#store.view.door;
  }

  /** To the host: who stands outside, in the order in which they came. */
  get knocks(): readonly KnockView[] {
    return this.#store.view.knocks;
  }

  lock(on = true): void {
    this.#session('lock').dispatch({ type: 'lock', isOn: on });
  }

  admit(peerId: PeerId): void {
    this.#session('admit').dispatch({ type: 'admit', peerId });
  }

  decline(peerId: PeerId): void {
    this.#session('decline').dispatch({ type: 'decline', peerId });
  }

  /** Puts somebody out, who has the link still: lock the room as well, or they can come in again. */
  kick(peerId: PeerId): void {
    this.#session('kick').dispatch({ type: 'kick', peerId });
  }

  /** `on` left out = the opposite of now. */
  toggleMicrophone(on?: boolean): void {
    this.#store.toggle('microphone', on);
  }

  /** `on` left out = the opposite of now. Off closes the device. */
  toggleCamera(on?: boolean): void {
    this.#store.toggle('camera', on);
  }

  setDevice(kind: PublicationKind, deviceId: string): void {
    this.#store.setDevice(kind, deviceId);
  }

  /** As the attribute. Throws `TaiError('usage')` for `false` in a call. */
  setPrivate(on = true): void {
    this.#store.session?.dispatch({ type: 'set-private', isOn: on });
    this.private = on;
  }

  /** Rejects with `TaiError('usage')` before the room is known, as all that follows does, or throws it. */
  async getStats(): Promise<SessionStats> {
    return this.#session('getStats').getStats();
  }

  /**
   * Two people have compared codes and found them equal, or (`false`) take that back. Told by `tai-verify`. Throws
   * `TaiError('usage')` for a peer that is not here, or with whom no keys are agreed.
   */
  verify(peerId: PeerId, isVerified = true): void {
    this.#keysOf('verify', peerId).dispatch({ type: 'set-verified', peerId, isVerified });
  }

  /**
   * Two people have compared codes, and they are different: told by `tai-verify`, and shown as a warning until they are
   * compared again and equal. Throws as `verify` does.
   */
  reportDifference(peerId: PeerId): void {
    this.#keysOf('reportDifference', peerId).dispatch({ type: 'report-difference', peerIds: [peerId] });
  }

  /** Resolves to `undefined` while no keys are agreed with this peer. Rejects with `TaiError('usage')` for one that is not here. */
  async safetyNumber(peerId: PeerId): Promise<SafetyNumber | undefined> {
    peerOf(this.participants, 'safetyNumber', peerId);
    return this.#session('safetyNumber').safetyNumber(peerId);
  }

  /** What happened to keys, hash-chained, as JSON lines: no names, addresses or keys in it. */
  exportAuditLog(): string {
    return this.#session('exportAuditLog').exportAuditLog();
  }

  /** New keys for this device, signed by the old ones, so that those who know it know it still. */
  async rotateKey(): Promise<void> {
    return this.#session('rotateKey').rotateKey();
  }

  /** Declares the keys of this device dead to everybody here, and leaves. The next join has new ones. */
  async revokeKey(): Promise<void> {
    return this.#session('revokeKey').revokeKey();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    globalThis.addEventListener('hashchange', this.#onHashChange);
    this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    globalThis.removeEventListener('hashchange', this.#onHashChange);
    setTimeout(() => {
      if (!this.isConnected) this.#store.close();
    });
  }

  /** Moved within the page: the call goes on. */
  connectedMoveCallback(): void {}

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('strings')) this.#texts = { ...ENGLISH, ...this.strings };
    this.#isUpdating = true;
    try {
      this.#takeOver(changed);
    } finally {
      this.#isUpdating = false;
    }
    this.#provider.setValue(roomOf(this, this.#store, this.#texts));
    showStates(this.#internals.states, this.#store.view);
  }

  #session(method: string): Session {
    const { session } = this.#store;
    if (!session) throw new TaiError('usage', `${method}: the room is not known yet`);
    return session;
  }

  #keysOf(method: string, peerId: PeerId): Session {
    requireKeys(method, peerOf(this.participants, method, peerId));
    return this.#session(method);
  }

  #takeOver(changed: PropertyValues<this>): void {
    if (this.isConnected && !this.#store.isOpen) {
      // not before the first update: only now do we have what the page had set before this class was loaded.
      // Still open where we were only taken out and put in elsewhere within one task.
      void this.#store.open();
    } else if (ADDRESS_PROPERTIES.some((name) => changed.has(name))) {
      this.#reopen();
    } else {
      if (changed.has('displayName')) this.#store.setName(this.displayName ?? '');
      if (changed.has('knock')) this.#store.door.setKnock(this.knock);
    }
    if (changed.has('private')) this.#store.setPrivate(this.private);
  }

  protected override render(): TemplateResult {
    return renderRoom(this.#provider.value, this.#store);
  }

  /** A link pasted into the page's own tab changes the fragment without a reload; other fragments are the page's. */
  readonly #onHashChange = (): void => {
    if (this.#store.isOtherLink(location.hash)) this.#reopen();
  };

  /** Another room, or another way to it. A call that runs goes on, unless it lacks a protection asked for now. */
  #reopen(): void {
    const { phase } = this.#store.view;
    const isBusy = phase === 'joining' || isInCall(phase);
    if (isBusy && configOf(this).refusal === undefined) this.#store.isStale = true;
    else void this.#store.open();
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'tai-room': TaiRoom;
  }
}
