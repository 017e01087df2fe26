/** Sealed signalling: what the room says leaves as an opened envelope never, what comes is opened, parsed, or counted. */
import type { KeyRing } from './keys.ts';
import type { Ports, RelayPort } from './ports.ts';
import type { PeerId } from './protocol/ids.ts';
import { formatPeerMessage, parsePeerMessage } from './protocol/peer.ts';
import type { PeerMessage } from './protocol/peer.ts';
import type { IceServer, PeerPlace, RelayNotification } from './protocol/relay.ts';
import type { ListedPeer, RoomEvent } from './room/events.ts';

export type SignallingOptions = {
  /** `wss:` address of the relay's socket. */
  readonly url: string;
  readonly keys: Promise<KeyRing>;
  readonly connectRelay: Ports['connectRelay'];
  onEvent(event: RoomEvent): void;
  onIceServers(servers: readonly IceServer[]): void;
  onDropped(reason: string): void;
};

/** The signalling of one join: its own peer id, socket and order of messages. */
export class Signalling {
  readonly #options: SignallingOptions;
  readonly #self: PeerId;
  /** Sealing and opening are asynchronous; these keep what was said in the order in which it was said. */
  #outbox: Promise<void> = Promise.resolve();
  #inbox: Promise<void> = Promise.resolve();
  #relay: RelayPort | undefined;
  #joinNumber = 0;
  #isClosed = false;

  constructor(self: PeerId, options: SignallingOptions) {
    this.#self = self;
    this.#options = options;
    this.#outbox = this.#after(this.#outbox, () => this.#connect());
  }

  send(to: PeerId, message: PeerMessage): void {
    this.#outbox = this.#after(this.#outbox, async () => {
      const keys = await this.#options.keys;
      const payload = await keys.seal(this.#self, to, formatPeerMessage(message));
      if (payload === undefined) this.#options.onDropped('too-large');
      else if (!this.#relay?.send(to, payload)) this.#options.onDropped('relay-away');
    });
  }

  /** Leaves the room once what was sent before is out. */
  close(): void {
    this.#isClosed = true;
    this.#outbox = this.#after(this.#outbox, async () => {
      this.#relay?.close();
      (await this.#options.keys).forget(this.#self);
    });
  }

  async #connect(): Promise<void> {
    const keys = await this.#options.keys.catch(() => undefined);
    if (!keys) this.#tell({ type: 'keys-failed' });
    if (!keys || this.#isClosed) return;
    this.#relay = this.#options.connectRelay({
      url: this.#options.url,
      roomId: keys.roomId,
      token: (nowS) => keys.token(this.#self, this.#joinNumber, nowS),
      onNotification: (notification) => this.#receive(notification, keys),
      onLost: () => this.#tell({ type: 'relay-lost' }),
      onClosed: (reason) => this.#tell({ type: 'relay-closed', reason }),
      onDropped: (reason) => this.#options.onDropped(reason),
    });
  }

  #receive(notification: RelayNotification, keys: KeyRing): void {
    const { method, params } = notification;
    // Everything goes through the one queue: a message must not overtake the news of its sender, nor the reverse.
    this.#inbox = this.#after(this.#inbox, async () => {
      switch (method) {
        case 'welcome':
          if (params.peer_id !== this.#self || params.room_id !== keys.roomId) {
            this.#options.onDropped('relay-mismatch');
            return;
          }
          this.#joinNumber = params.join_number;
          this.#options.onIceServers(params.ice_servers);
          this.#tell({ type: 'welcome', joinNumber: params.join_number, peers: params.peers.map(listedPeer) });
          return;
        case 'peer_joined':
          this.#tell({ type: 'peer-listed', ...listedPeer(params) });
          return;
        case 'peer_left':
          this.#tell({ type: 'peer-unlisted', peerId: params.peer_id });
          return;
        case 'relay_message': {
          const from = params.sender_peer_id;
          const opened = await keys.open(this.#self, from, params.payload);
          const message = opened.ok ? parsePeerMessage(opened.text) : undefined;
          if (message) this.#tell({ type: 'message', from, message });
          else this.#options.onDropped(opened.ok ? 'message-malformed' : opened.fault);
        }
      }
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

function listedPeer(place: PeerPlace): ListedPeer {
  return { peerId: place.peer_id, joinNumber: place.join_number };
}
