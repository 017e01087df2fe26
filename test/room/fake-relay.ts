/** A relay in memory: list, welcome, forward. Nothing is delivered before the test says so, and a crash forgets all. */
import { certificateOf, senderOf } from './step-fixtures.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { PeerMessage, RoomMessage } from '../../src/engine/protocol/peer.ts';
import type { ListedPeer, RoomEvent } from '../../src/engine/room/events.ts';
import { formatPeerMessage, parsePeerMessage } from '../../src/engine/protocol/peer.ts';

const SENDER_KEY = { generation: 1, key: 'A'.repeat(43) };

type Sent = { readonly to: PeerId; readonly text: string } | 'leave';

/** One socket: what is on its way up and down, and whether either side still knows it. */
export class FakeSocket {
  readonly peerId: PeerId;
  readonly up: Sent[] = [];
  readonly down: RoomEvent[] = [];
  isOpenAtPage = true;
  isOpenAtRelay = true;

  constructor(peerId: PeerId) {
    this.peerId = peerId;
  }

  send(to: PeerId, message: PeerMessage): void {
    // the key layer puts its key into these, and takes it out again
    const isDressed = message.type === 'offer' || message.type === 'answer';
    this.up.push({ to, text: formatPeerMessage(isDressed ? { ...message, senderKey: SENDER_KEY } : message) });
  }
}

type Late = { readonly to: PeerId; readonly event: RoomEvent };

type Member = { readonly socket: FakeSocket; readonly joinNumber: number };

/** `clock`: a new number is later than all before it. `count`: one more than the highest now present, as after a crash. */
export type JoinNumbers = 'clock' | 'count';

export class FakeRelay {
  readonly #numbers: JoinNumbers;
  readonly #members = new Map<PeerId, Member>();
  /** Entries that a dishonest relay adds to every list. */
  readonly ghosts: ListedPeer[] = [];
  isUp = true;
  /** What it has put aside of what peers say about themselves: the rest overtakes it. */
  readonly late: Late[] = [];
  /** Whether this message is put aside. */
  holdsBack: () => boolean = () => false;
  #clock = 1_000;

  constructor(numbers: JoinNumbers) {
    this.#numbers = numbers;
  }

  get size(): number {
    return this.#members.size;
  }

  connect(peerId: PeerId, shown: number): FakeSocket {
    const socket = new FakeSocket(peerId);
    const old = this.#members.get(peerId);
    if (old) old.socket.isOpenAtRelay = false;
    this.#members.delete(peerId);
    const joinNumber = old?.joinNumber ?? this.#joinNumber(shown);
    const peers = [...this.#members].map(([id, member]) => ({ peerId: id, joinNumber: member.joinNumber }));
    this.#members.set(peerId, { socket, joinNumber });
    socket.down.push({
      type: 'welcome',
      joinNumber,
      certificate: certificateOf(peerId),
      peers: [...peers, ...this.ghosts],
    });
    // a replaced socket is no news for the others
    if (!old) this.#tellOthers(peerId, { type: 'peer-listed', peerId, joinNumber });
    return socket;
  }

  /** Takes up the next thing that a page sent. */
  receive(socket: FakeSocket): void {
    const sent = socket.up.shift();
    if (sent === undefined || !socket.isOpenAtRelay) return;
    if (sent === 'leave') return this.lose(socket);
    const target = this.#members.get(sent.to);
    const message = roomMessage(parsePeerMessage(sent.text));
    if (!message) throw new Error(`the room sent what no peer can read: ${sent.text}`);
    const event: RoomEvent = { type: 'message', from: socket.peerId, sender: senderOf(socket.peerId), message };
    const isOfState = message.type === 'presence' || message.type === 'roster';
    if (isOfState && this.holdsBack()) this.late.push({ to: sent.to, event });
    else target?.socket.down.push(event);
  }

  /** Brings something that it had put aside. */
  deliverLate({ to, event }: Late): void {
    this.late.splice(
      this.late.findIndex((late) => late.event === event),
      1,
    );
    this.#members.get(to)?.socket.down.push(event);
  }

  /** The relay notices that a socket is gone. */
  lose(socket: FakeSocket): void {
    if (!socket.isOpenAtRelay) return;
    socket.isOpenAtRelay = false;
    this.#members.delete(socket.peerId);
    this.#tellOthers(socket.peerId, { type: 'peer-unlisted', peerId: socket.peerId });
  }

  /** All sockets and all memory are lost, and what had not arrived. */
  crash(): void {
    for (const { socket } of this.#members.values()) socket.isOpenAtRelay = false;
    this.#members.clear();
    this.isUp = false;
  }

  /** A dishonest relay says that a peer is gone, which is not. */
  slander(victim: PeerId): void {
    this.#tellOthers(victim, { type: 'peer-unlisted', peerId: victim });
  }

  #joinNumber(shown: number): number {
    const taken = [...this.#members.values()].map((member) => member.joinNumber);
    if (shown > 0 && !taken.includes(shown)) return shown;
    this.#clock++;
    return Math.max(this.#numbers === 'clock' ? this.#clock : 1, ...taken.map((number) => number + 1));
  }

  #tellOthers(peerId: PeerId, event: RoomEvent): void {
    for (const [id, { socket }] of this.#members) if (id !== peerId) socket.down.push(event);
  }
}

/** What is left for the room of a message. */
function roomMessage(message: PeerMessage | undefined): RoomMessage | undefined {
  if (!message || message.type === 'ack' || message.type === 'kick') return undefined;
  if (message.type === 'e2ee_sender_key' || message.type === 'e2ee_sender_key_ack') return undefined;
  if (message.type !== 'offer' && message.type !== 'answer') return message;
  const { senderKey: _, ...rest } = message;
  return rest;
}
