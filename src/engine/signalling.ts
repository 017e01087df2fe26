/**
 * Sealed signalling: what the room says leaves sealed or not at all, what comes is opened and parsed, or counted.
 * Every peer has its own session of keys; nothing is said to a peer before there is one.
 */
import { Deliveries } from './deliveries.ts';
import { DoorSide } from './door-side.ts';
import type { DoorSideOptions } from './door-side.ts';
import type { JoinKeys, SendFault } from './keys/join-keys.ts';
import type { KeyRing } from './keys/key-ring.ts';
import type { DtlsIdentity, Ports, RelayAccess, RelayPort } from './ports.ts';
import { fromBase64Url, toBase64Url } from './protocol/bytes.ts';
import type { Bytes } from './protocol/bytes.ts';
import { TaiError } from './protocol/errors.ts';
import type { PeerId } from './protocol/ids.ts';
import { formatPeerMessage, isOfLink, parseSaid } from './protocol/peer.ts';
import type { PeerMessage, RoomMessage, Sender, ToldMessage } from './protocol/peer.ts';
import { PAYLOAD_TEXT_MAX } from './protocol/relay.ts';
import type { PeerPlace, RelayNotification, Welcome } from './protocol/relay.ts';
import type { ListedPeer, RoomEvent } from './room/events.ts';
import { PeerOutbox } from './peer-outbox.ts';

export type SignallingOptions = {
  /** `wss:` address of the relay's socket. */
  readonly url: string;
  readonly keys: Promise<KeyRing>;
  readonly dtls: Promise<DtlsIdentity>;
  /** Rejects with a `TaiError` where frames cannot be sealed, or addresses not hidden as asked: then nobody is met. */
  ready(): Promise<void>;
  /** Asked at every attempt to connect, where the operator's relay wants a JWT. */
  readonly admission?: DoorSideOptions['admission'];
  readonly connectRelay: Ports['connectRelay'];
  /** Whether this is the connection with the peer that is open now. */
  isOpen(peerId: PeerId, generation: number): boolean;
  /** Over a connection that stands; `false` where there is none. */
  sendDirect(to: PeerId, payload: Bytes): boolean;
  /** The keys of this join are made; before any event. */
  onKeys(keys: JoinKeys, ring: KeyRing): void;
  /** Whether a message that has opened proves what it has to, beyond being sealed. */
  isGenuine(from: PeerId, message: PeerMessage): boolean;
  /** Takes out what only the key layer sees; `undefined` where nothing is left for the room. */
  takeKeys(from: PeerId, message: ToldMessage): RoomMessage | undefined;
  /** When what has come before is done with; then only is looked at what comes next. */
  taken(): Promise<void> | undefined;
  /** Milliseconds, by a clock that nobody sets. */
  steadyNow(): number;
  onEvent(event: RoomEvent): void;
  /** The way to the relay has begun. */
  onConnecting(access: RelayAccess): void;
  /** What the relay says of ICE servers; nobody is met before it has resolved. */
  onIceServers(welcome: Pick<Welcome, 'ice_servers' | 'turn'>, access: RelayAccess): Promise<void> | undefined;
  onDropped(reason: string): void;
};

/**
 * Said once, and nothing would say it again: these are kept until the peer has acknowledged them. All else is repeated by what it is about
 * (an exchange, a roster, a round, a key of frames), or is said by who is gone then (a leave, a revocation).
 */
const ACKNOWLEDGED: readonly PeerMessage['type'][] = ['e2ee_key_rotation'];
/** The relay can name any number of peers; those that we have no keys with are forgotten, the oldest first. */
const OUTBOXES_MAX = 128;
/** Of one peer: more is a flood, and everybody's messages wait behind it. */
const WAITING_MAX = 64;
/** Somebody who begins as another, or shows keys that cannot be: the page hears of it. */
const LOUD_FAULTS = ['second-handshake', 'copied-certificate', 'revoked', 'wrong-mode'] as const;

/** `id`: of one that is to be acknowledged. */
type Outgoing = { readonly message: PeerMessage; readonly id?: number };

/** The signalling of one join: its own peer id, socket, keys and order of messages. */
export class Signalling {
  readonly #options: SignallingOptions;
  readonly #self: PeerId;
  /** Opening is asynchronous; this keeps what was said in the order in which it was said. */
  #inbox: Promise<void> = Promise.resolve();
  /** Payloads of each peer that came over a connection and wait to be opened. */
  readonly #waiting = new Map<PeerId, number>();
  /** Of whom a session has opened; as many as there can be sessions. */
  readonly #opened = new Set<PeerId>();
  readonly #outboxes = new Map<PeerId, PeerOutbox<Outgoing>>();
  readonly #deliveries: Deliveries<PeerMessage>;
  /** What has come and is not done with yet. */
  #queued = 0;
  /** The room has asked everybody how things are, and has heard nothing over the relay since. */
  #hasAsked = false;
  #relay: RelayPort | undefined;
  #door: DoorSide | undefined;
  #join: JoinKeys | undefined;
  #remakeKeys: (() => Promise<void>) | undefined;
  #joinNumber = 0;
  #isClosed = false;
  readonly #ready: Promise<void>;

  constructor(self: PeerId, options: SignallingOptions) {
    this.#self = self;
    this.#options = options;
    this.#deliveries = new Deliveries(
      () => options.steadyNow(),
      (message) => formatPeerMessage(message).length,
    );
    this.#ready = this.#connect().catch((error: unknown) => this.#tell(failure(error)));
  }

  send(to: PeerId, message: PeerMessage): void {
    if (!ACKNOWLEDGED.includes(message.type)) return this.#outbox(to).send({ message });
    const added = this.#deliveries.add(to, message);
    if (!added) this.#options.onDropped('unacknowledged');
    else if (added.isDue) this.#outbox(to).send({ message, id: added.id });
  }

  /** Says again what is not acknowledged and due, and acknowledges what nothing else has. */
  repeat(): void {
    const canHear = (peerId: PeerId): boolean => this.#join?.hasSession(peerId) ?? false;
    for (const { to, id, message } of this.#deliveries.due(canHear)) this.#outbox(to).send({ message, id });
    for (const to of this.#deliveries.owed()) this.#outbox(to).send({ message: { type: 'ack' } });
  }

  /** To who is not here (any more) nothing is said again. */
  keepOnly(peers: ReadonlySet<PeerId>): void {
    this.#deliveries.keepOnly(peers);
  }

  /** Came over a connection with this peer, not over the relay. */
  receiveDirect(from: PeerId, payload: Bytes): void {
    const waiting = this.#waiting.get(from) ?? 0;
    // no relay limits what comes this way
    if (waiting >= WAITING_MAX) return this.#options.onDropped('rate-limited');
    this.#waiting.set(from, waiting + 1);
    this.#enqueue(async () => {
      this.#waiting.set(from, (this.#waiting.get(from) ?? 1) - 1);
      await this.#open(from, payload);
    });
  }

  /** `undefined` until the room's keys are made. */
  get door(): DoorSide | undefined {
    return this.#door;
  }

  /** A peer that does not answer: what we have begun with it is forgotten, and begun again with what it publishes now. */
  meetAgain(peerId: PeerId): void {
    this.#join?.forgetUnanswered(peerId);
    this.#outbox(peerId).meetAgain();
  }

  /** Leaves the room once what was sent before is out. */
  close(): void {
    this.#isClosed = true;
    for (const outbox of this.#outboxes.values()) outbox.giveUp();
    void Promise.all([this.#ready, this.idle()]).then(() => this.#relay?.close());
  }

  /** When what was said so far is out, as far as there is somebody to say it to. */
  idle(): Promise<unknown> {
    return Promise.all([...this.#outboxes.values()].map((outbox) => outbox.idle()));
  }

  async #connect(): Promise<void> {
    const { keys: ring, dtls: identity } = this.#options;
    const [keys, dtls] = await Promise.all([ring, identity, this.#options.ready()]);
    if (this.#isClosed) return;
    const makeKeys = async (): Promise<void> => {
      this.#join = await keys.join(this.#self, dtls.fingerprint);
      this.#options.onKeys(this.#join, keys);
    };
    const door = new DoorSide({
      self: this.#self,
      ring: keys,
      admission: this.#options.admission,
      relay: () => this.#relay,
      send: (to, message) => this.send(to, message),
      refuse: (peerId) => this.#join?.refuse(peerId),
      onEvent: (event) => this.#tell(event),
      onDropped: this.#options.onDropped,
    });
    this.#door = door;
    // Those that were made ahead, or made while the socket opens.
    const made = makeKeys();
    const token = (nowS: number): Promise<string> => keys.token(this.#self, this.#joinNumber, nowS);
    const access = { token, jwt: async () => await door.jwt(), now: () => keys.now() };
    this.#options.onConnecting(access);
    this.#relay = this.#options.connectRelay({
      url: this.#options.url,
      roomId: keys.roomId,
      token,
      companions: (nowS) => door.companions(nowS),
      onNotification: (notification) => this.#receive(notification, keys, access),
      onLost: () => this.#tell({ type: 'relay-lost' }),
      onClosed: (reason) => this.#tell({ type: 'relay-closed', reason }),
      onDropped: (reason) => this.#options.onDropped(reason),
    });
    await made;
    this.#remakeKeys = makeKeys;
  }

  #receive(notification: RelayNotification, keys: KeyRing, access: RelayAccess): void {
    // Everything goes through the one queue: a message must not overtake the news of its sender, nor the reverse.
    this.#enqueue(async () => {
      await this.#ready;
      const { method, params } = notification;
      switch (method) {
        case 'welcome':
          // the relay may have corrected our clock on the way in
          if (this.#join?.isOutdated && this.#joinNumber === 0) {
            await this.#remakeKeys?.().catch(() => this.#tell({ type: 'keys-failed' }));
          }
          if (params.peer_id === this.#self && params.room_id === keys.roomId) await this.#welcomed(params, access);
          else this.#options.onDropped('relay-mismatch');
          return;
        case 'peer_joined':
          // one who was away came before us
          if (params.join_number < this.#joinNumber) this.#outbox(params.peer_id).meet();
          this.#tell({ type: 'peer-listed', ...listedPeer(params) });
          return;
        case 'peer_left':
          this.#tell({ type: 'peer-unlisted', peerId: params.peer_id });
          return;
        case 'bundle_published':
          this.#outbox(params.peer_id).meet();
          return;
        case 'gap':
          this.#hurry();
          // whoever has just come in has asked already
          if (!this.#hasAsked) this.#tell({ type: 'relay-gap' });
          return;
        case 'relay_message': {
          this.#hasAsked = false;
          const { payload } = params;
          this.#door?.heardOf(params.ep);
          const bytes = payload.length <= PAYLOAD_TEXT_MAX ? fromBase64Url(payload) : undefined;
          if (bytes) await this.#open(params.sender_peer_id, bytes);
          else this.#options.onDropped('malformed');
          return;
        }
        case 'probe':
          return; // answered by the socket
        default:
          await this.#door?.receive(notification);
      }
    });
  }

  async #welcomed(welcome: Welcome, access: RelayAccess): Promise<void> {
    const join = this.#join;
    if (!join) return;
    this.#joinNumber = welcome.join_number;
    this.#door?.heardOf(welcome.ep);
    await this.#options.onIceServers(welcome, access);
    if (this.#isClosed) return;
    for (const place of welcome.peers) {
      // The newcomer begins: the others find its handshake in its first message.
      if (place.join_number < welcome.join_number) this.#outbox(place.peer_id).meet(place.bundle);
    }
    const peers = welcome.peers.map(listedPeer);
    this.#tell({
      type: 'welcome',
      joinNumber: welcome.join_number,
      certificate: toBase64Url(join.certificate.hash),
      peers,
      ...(welcome.door && { door: welcome.door }),
    });
    this.#hasAsked = true;
    // what we said last may have gone into a socket that was dead
    this.#hurry();
    // After what we wait for ourselves: it is for those who come after us.
    this.#publish().catch(() => this.#options.onDropped('publish-failed'));
  }

  async #publish(): Promise<void> {
    const bundle = await this.#join?.publication();
    if (bundle && !this.#relay?.publish(bundle)) this.#options.onDropped('relay-away');
  }

  async #open(from: PeerId, payload: Bytes): Promise<void> {
    const opened = await this.#join?.open(from, payload);
    if (!opened) return;
    if (!opened.ok) {
      this.#options.onDropped(opened.fault);
      const reason = LOUD_FAULTS.find((loud) => loud === opened.fault);
      if (reason) this.#tell({ type: 'peer-doubted', peerId: from, reason });
      return;
    }
    if (opened.isFirst) {
      if (this.#opened.has(from)) this.#tell({ type: 'peer-renewed', peerId: from });
      this.#opened.add(from);
      this.#outbox(from).opened();
      // A handshake has used up one of our pre-keys.
      if (this.#join?.isLow) this.#publish().catch(() => this.#options.onDropped('publish-failed'));
    }
    const said = parseSaid(opened.text);
    if (!said) return this.#options.onDropped('message-malformed');
    for (const message of this.#deliveries.receive(from, said.delivery, said.message)) {
      await this.#take(from, opened.sender, message);
    }
  }

  async #take(from: PeerId, sender: Sender, message: PeerMessage): Promise<void> {
    if (message.type === 'ack') return;
    if (!this.#options.isGenuine(from, message)) return this.#options.onDropped('wrong-mac');
    const forRoom = this.#options.takeKeys(from, message);
    if (forRoom) this.#tell({ type: 'message', from, sender, message: forRoom });
    await this.#options.taken();
  }

  #hurry(): void {
    this.#deliveries.hasten();
    this.repeat();
  }

  #outbox(to: PeerId): PeerOutbox<Outgoing> {
    const known = this.#outboxes.get(to);
    if (known) return known;
    if (this.#outboxes.size >= OUTBOXES_MAX) this.#forgetOutbox();
    const outbox = new PeerOutbox<Outgoing>({
      isSession: () => this.#join?.hasSession(to) ?? false,
      fetch: async () => {
        await this.#ready;
        return this.#relay?.fetchBundle(to);
      },
      begin: async (bundle) => {
        await this.#ready;
        const fault = await this.#join?.meet(to, bundle);
        if (fault === undefined) {
          this.#tell({ type: 'peer-met', peerId: to });
          return true;
        }
        this.#options.onDropped(fault);
        // found out behind the bundle's own signature
        this.#tell({ type: 'peer-doubted', peerId: to, reason: fault, isSigned: fault === 'revoked' });
        return false;
      },
      deliver: (outgoing) => this.#deliver(to, outgoing),
      onDropped: (reason) => this.#options.onDropped(reason),
    });
    this.#outboxes.set(to, outbox);
    return outbox;
  }

  #forgetOutbox(): void {
    for (const [peerId, outbox] of this.#outboxes) {
      if (this.#join?.hasSession(peerId)) continue;
      outbox.giveUp();
      this.#outboxes.delete(peerId);
      return;
    }
  }

  async #deliver(to: PeerId, { message, id }: Outgoing): Promise<void> {
    const delivery = this.#deliveries.fieldsFor(to, id);
    // acknowledged while it waited, or by another message
    if (!delivery || (message.type === 'ack' && delivery.ack === undefined)) return;
    const text = formatPeerMessage(message, delivery);
    // PR11: what a connection has found out about us is not said once it is closed, however long it has waited
    const isCurrent = (): boolean => !isOfLink(message) || this.#options.isOpen(to, message.link);
    if (!isCurrent()) return this.#options.onDropped('link-closed');
    const overRelay = (payload: Bytes): boolean => this.#relay?.send(to, toBase64Url(payload)) ?? false;
    const direct = (payload: Bytes): boolean => this.#options.sendDirect(to, payload);
    const send = async (...ways: readonly ((payload: Bytes) => boolean)[]): Promise<SendFault | undefined> =>
      this.#join?.send(to, text, (payload) => isCurrent() && ways.some((way) => way(payload)));
    // what makes a connection must not depend on it, and what is said last ends it
    const isRelayFirst = isOfLink(message) || message.type === 'leave';
    let fault: SendFault | undefined;
    if (message.type === 'e2ee_key_revoke' || message.type === 'route') {
      // Both, each sealed for itself: the relay may keep it back, and a connection may end before it is through, or be dead already.
      const faults = [await send(overRelay), await send(direct)];
      fault = faults.includes(undefined) ? undefined : faults[0];
    } else fault = await (isRelayFirst ? send(overRelay, direct) : send(direct, overRelay));
    if (fault) this.#options.onDropped(fault === 'not-carried' ? 'relay-away' : fault);
    else this.#deliveries.carried(to, delivery);
  }

  /** What comes is taken one after the other. What it owes is acknowledged together, once nothing waits. */
  #enqueue(work: () => Promise<void>): void {
    this.#queued += 1;
    this.#inbox = this.#after(this.#inbox, work).then(() => {
      this.#queued -= 1;
      if (this.#queued === 0) this.repeat();
    });
  }

  /** One piece of work that fails is counted, and must not stop those after it. */
  #after(queue: Promise<void>, work: () => Promise<void>): Promise<void> {
    return queue.then(work).catch(() => this.#options.onDropped('signalling-failed'));
  }

  #tell(event: RoomEvent): void {
    if (!this.#isClosed) this.#options.onEvent(event);
  }
}

/** Why there is no signalling. */
function failure(error: unknown): RoomEvent {
  const code = error instanceof TaiError ? error.code : undefined;
  if (code === 'unsupported-browser' || code === 'worker-blocked' || code === 'privacy-failed')
    return { type: 'sealing-failed', code };
  return { type: 'keys-failed' };
}

function listedPeer(place: PeerPlace): ListedPeer {
  return { peerId: place.peer_id, joinNumber: place.join_number };
}
