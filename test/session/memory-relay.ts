/** One room's relay in memory. It delivers at once, and keeps every payload that it saw; a test can make it hostile. */
import type { PeerId, RoomId } from '../../src/engine/protocol/ids.ts';
import type {
  HandedBundle,
  ListedPlace,
  RelayNotification,
  SealedBundle,
  TurnOffer,
  Welcome,
} from '../../src/engine/protocol/relay.ts';
import { parseToken } from '../../src/engine/protocol/token.ts';
import type { RelaySocketOptions } from '../../src/engine/transport/relay-socket.ts';
import { MemoryWires } from './memory-link.ts';

export type Letter = { readonly from: PeerId; readonly to: PeerId; readonly payload: string };

/** What a hostile relay does in the place of its work. */
export type Tampering = {
  /** `deliver` brings whatever it is given; nothing else is delivered. */
  onLetter?(letter: Letter, deliver: (letter: Letter) => void): void;
  /** What `asker` is handed of `owner`. */
  onBundle?(owner: PeerId, asker: PeerId, bundle: HandedBundle | undefined): HandedBundle | undefined;
  /** Whether `viewer` is told that `subject` is there, comes, or goes. */
  isListed?(viewer: PeerId, subject: PeerId): boolean;
};

type Member = {
  readonly peerId: PeerId;
  readonly joinNumber: number;
  readonly options: RelaySocketOptions;
  bundle?: { readonly head: string; one_time: string[] };
};

export class MemoryRelay {
  readonly payloads: string[] = [];
  /** The links of its room's members find each other here. */
  readonly wires = new MemoryWires();
  tampering: Tampering = {};
  /** Whom it issues TURN credentials to, if anybody. */
  turn: TurnOffer | undefined;
  /** Its clock, in seconds since 1970; clients take it for the right one (AD5). */
  nowS = (): number => Math.floor(Date.now() / 1000);
  readonly #members = new Map<PeerId, Member>();
  #joins = 0;

  async connect(options: RelaySocketOptions): Promise<void> {
    const token = parseToken(await options.token(this.nowS()));
    if (!token) throw new Error('no token');
    const { peerId, joinNumber: shown } = token.claims;
    // RL5: a newer socket of the same id takes the place, and nobody else notices
    const replaced = this.#members.get(peerId);
    const joinNumber = shown || replaced?.joinNumber || ++this.#joins;
    const others = [...this.#members.values()].filter((member) => member !== replaced);
    this.#members.set(peerId, { peerId, joinNumber, options });
    replaced?.options.onClosed('replaced');
    const seen = others.filter((other) => this.#isListed(peerId, other.peerId));
    const peers = seen.map((other) => this.#placeOf(other, peerId, shown === 0));
    this.#notify(peerId, { method: 'welcome', params: this.welcomeOf(options.roomId, peerId, joinNumber, peers) });
    if (replaced) return;
    const params = { peer_id: peerId, join_number: joinNumber };
    for (const other of others) {
      if (this.#isListed(other.peerId, peerId)) this.#notify(other.peerId, { method: 'peer_joined', params });
    }
  }

  welcomeOf(room_id: RoomId, peer_id: PeerId, join_number: number, peers: readonly ListedPlace[]): Welcome {
    const turn = this.turn && { turn: this.turn };
    return { room_id, peer_id, join_number, ep: 'memory', peers, ice_servers: [], ...turn };
  }

  publish(options: RelaySocketOptions, bundle: SealedBundle): boolean {
    const owner = this.#memberOf(options);
    if (!owner) return false;
    const isFirst = owner.bundle === undefined;
    owner.bundle = { head: bundle.head, one_time: [...bundle.one_time] };
    const later = [...this.#members.values()].filter((member) => member.joinNumber > owner.joinNumber);
    const params = { peer_id: owner.peerId };
    for (const { peerId } of isFirst ? later : []) {
      if (this.#isListed(peerId, owner.peerId)) this.#notify(peerId, { method: 'bundle_published', params });
    }
    return true;
  }

  fetch(options: RelaySocketOptions, owner: PeerId): HandedBundle | undefined {
    const asker = this.#memberOf(options);
    return asker && this.#hand(owner, asker.peerId);
  }

  /** What lies here of a peer. Takes nothing away. */
  published(owner: PeerId): SealedBundle | undefined {
    return this.#members.get(owner)?.bundle;
  }

  forward(options: RelaySocketOptions, to: PeerId, payload: string): boolean {
    const sender = this.#memberOf(options);
    if (!sender) return false;
    this.payloads.push(payload);
    const letter = { from: sender.peerId, to, payload };
    if (this.tampering.onLetter) this.tampering.onLetter(letter, (changed) => this.deliver(changed));
    else this.deliver(letter);
    return true;
  }

  /** Brings anything to anyone in anybody's name. */
  deliver({ from, to, payload }: Letter): void {
    const room_id = this.#members.get(to)?.options.roomId;
    const params = { sender_peer_id: from, payload, n: 1, ep: 'memory' };
    if (room_id) this.#notify(to, { method: 'relay_message', params: { ...params, room_id } });
  }

  /** Tells a member whatever one likes. */
  tell(peerId: PeerId, notification: RelayNotification): void {
    this.#notify(peerId, notification);
  }

  /** Ends a member's socket, as a relay that goes away does; the others are told. `connect` with the same options brings it back. */
  lose(peerId: PeerId): RelaySocketOptions | undefined {
    const options = this.#members.get(peerId)?.options;
    if (options) this.leave(options);
    options?.onLost();
    return options;
  }

  leave(options: RelaySocketOptions): void {
    const member = this.#memberOf(options);
    if (!member) return;
    this.#members.delete(member.peerId);
    const params = { peer_id: member.peerId };
    for (const { peerId } of this.#members.values()) {
      if (this.#isListed(peerId, member.peerId)) this.#notify(peerId, { method: 'peer_left', params });
    }
  }

  #placeOf({ peerId, joinNumber }: Member, viewer: PeerId, isNew: boolean): ListedPlace {
    const bundle = isNew ? this.#hand(peerId, viewer) : undefined;
    return { peer_id: peerId, join_number: joinNumber, ...(bundle && { bundle }) };
  }

  /** Each one-time key once. */
  #hand(owner: PeerId, asker: PeerId): HandedBundle | undefined {
    const { bundle } = this.#members.get(owner) ?? {};
    const one_time = bundle?.one_time.shift();
    const handed = bundle && { head: bundle.head, ...(one_time !== undefined && { one_time }) };
    return this.tampering.onBundle ? this.tampering.onBundle(owner, asker, handed) : handed;
  }

  #isListed(viewer: PeerId, subject: PeerId): boolean {
    return this.tampering.isListed?.(viewer, subject) ?? true;
  }

  #memberOf(options: RelaySocketOptions): Member | undefined {
    return [...this.#members.values()].find((member) => member.options === options);
  }

  #notify(peerId: PeerId, notification: RelayNotification): void {
    this.#members.get(peerId)?.options.onNotification(notification);
  }
}
