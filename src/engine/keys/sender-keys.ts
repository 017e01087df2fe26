/**
 * What our frames and those of the peers are sealed under (PROTOCOL.md SK1–SK7). A key serves one audience, which in a mesh is
 * one link to one peer; it goes there inside the session of that pair, and from here to the worker, nowhere else.
 *
 * Make before break: a new key is told, the peer takes it in and says so, and only then do we seal under it. A peer that
 * does not answer in time has it in all likelihood (the session's messages are reliable), and an old key must not live
 * for ever: then we go on without its word. There is time for that: nobody but this peer ever had the old key.
 */
import { sha256 } from '../crypto/kdf.ts';
import { asciiBytes, concatBytes, equalBytes, fromBase64Url, toBase64Url, uintBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import type { PeerId } from '../protocol/ids.ts';
import { isStandby } from '../protocol/peer.ts';
import type { PeerMessage, RoomMessage, SenderKey, SenderKeyMessage } from '../protocol/peer.ts';
import { TokenBucket } from '../protocol/token-bucket.ts';

/** The worker, as far as keys go to it. */
export type SenderKeyHolder = {
  /** A name for a link that opens, never used before. */
  nameLink(): string;
  setSealKey(link: string, generation: number, key: Bytes): void;
  addOpenKey(link: string, generation: number, key: Bytes): void;
  closeLink(link: string): void;
};

export type SenderKeysOptions = {
  readonly holder: SenderKeyHolder;
  /** 32 random bytes. */
  readonly randomKey: () => Bytes;
  /** Milliseconds, from any start. */
  readonly now: () => number;
  send(to: PeerId, message: SenderKeyMessage): void;
  onDropped(reason: string): void;
};

const COMMITMENT_LABEL = asciiBytes('tai/1 sender key');
const GENERATION_BYTES = 4;
/** Of a peer's keys on one link so many are kept, the newest: the worker may not have opened its link yet. */
const THEIRS_KEPT = 4;
/** A peer that asks again and again gets so many keys at once, and one more each so often. */
const ASKS_BURST = 4;
const ASK_EVERY_MS = 5_000;
/** Nor does anybody change keys faster than this for long: each costs an answer. */
const KEYS_BURST = 16;
const KEY_EVERY_MS = 500;
/** More than any room has. */
const PEERS_MAX = 128;

type Sealing = { readonly generation: number; readonly key: Bytes };

/** One link, from its opening here or the peer's first key for it, whichever comes first. */
type LinkKeys = {
  readonly peerId: PeerId;
  readonly link: number;
  /** What the worker calls it, while our side of it is open. */
  name: string | undefined;
  /** Both have each other's first key: from now on keys change by messages of their own. */
  isExchanged: boolean;
  ours: Sealing;
  next: (Sealing & { readonly toldAt: number }) | undefined;
  /** While `next` is on its way, another was wanted, at this roster epoch: it comes after it. */
  wanted: number | undefined;
  readonly theirs: Map<number, Bytes>;
  readonly asks: TokenBucket;
  readonly told: TokenBucket;
};

export class SenderKeys {
  readonly #options: SenderKeysOptions;
  /** Of each peer the links that are open, the first and the standby, and at most one of each that is not yet. */
  readonly #links = new Map<PeerId, LinkKeys[]>();
  /** Counts all keys of ours in this join: no generation serves twice. */
  #generation = 0;

  constructor(options: SenderKeysOptions) {
    this.#options = options;
  }

  /** Our side of a link opens: what it needs goes to the worker. Its name there; `undefined` where there are too many. */
  open(peerId: PeerId, link: number): string | undefined {
    const keys = this.#find(peerId, link) ?? this.#add(peerId, link);
    if (!keys) return undefined;
    const { holder } = this.#options;
    const name = holder.nameLink();
    keys.name = name;
    holder.setSealKey(name, keys.ours.generation, keys.ours.key);
    for (const [generation, key] of keys.theirs) holder.addOpenKey(name, generation, key);
    return name;
  }

  /**
   * Our side of a link closes. What the peer has told for it is kept a while: it may be opened again (PM9). Or it closes for an offer of
   * a newer one, whose key is then what is kept.
   */
  close(peerId: PeerId, link: number): void {
    const keys = this.#find(peerId, link);
    if (keys?.name === undefined) return;
    this.#options.holder.closeLink(keys.name);
    // a connection made anew under this number is another one: its frames begin to count at zero
    Object.assign(keys, {
      name: undefined,
      isExchanged: false,
      ours: this.#fresh(),
      next: undefined,
      wanted: undefined,
    });
    this.#forgetWaiting(peerId);
  }

  /** All others are gone. */
  keepOnly(peers: ReadonlySet<PeerId>): void {
    for (const [peerId, links] of this.#links) {
      if (peers.has(peerId)) continue;
      for (const { name } of links) if (name !== undefined) this.#options.holder.closeLink(name);
      this.#links.delete(peerId);
    }
  }

  /** Puts our key into an offer or answer (SK2); other messages stay as they are. `undefined`: that link is not open any more. */
  dress(to: PeerId, message: PeerMessage): PeerMessage | undefined {
    if (message.type !== 'offer' && message.type !== 'answer') return message;
    const keys = this.#find(to, message.link);
    if (keys?.name === undefined) return undefined;
    // it has the peer's key, which came with the offer, and the peer will have ours
    if (message.type === 'answer') keys.isExchanged = true;
    const { generation, key } = keys.ours;
    return { ...message, senderKey: { generation, key: toBase64Url(key) } };
  }

  /** Takes the key out of an offer or answer: what is left is for the room. */
  undress(from: PeerId, message: RoomMessage): RoomMessage {
    if (message.type !== 'offer' && message.type !== 'answer') return message;
    const { senderKey, ...rest } = message;
    const keys =
      this.#find(from, message.link) ?? (this.#mayOpen(from, message) ? this.#add(from, message.link) : undefined);
    if (senderKey && keys) this.#take(keys, senderKey);
    if (keys?.name !== undefined && message.type === 'answer') keys.isExchanged = true;
    return rest;
  }

  receive(from: PeerId, message: SenderKeyMessage): void {
    const keys = this.#find(from, message.link);
    if (!keys) return this.#options.onDropped('stale-link');
    if (message.type === 'e2ee_sender_key_ack') return this.#acknowledged(keys, message);
    if (!keys.told.take(1, this.#options.now())) return this.#options.onDropped('rate-limited');
    // parsed: always 32 bytes as base64url
    const commitment = fromBase64Url(message.commitment) as Bytes;
    const key = fromBase64Url(message.key) as Bytes;
    if (!equalBytes(commitment, keyCommitment(message.generation, key))) return this.#options.onDropped('bad-key');
    if (!this.#take(keys, message)) return;
    const { link, generation } = message;
    this.#options.send(from, { type: 'e2ee_sender_key_ack', link, generation, isAsking: false });
  }

  /**
   * New keys on every link that stands: told now, used once the peers have them. `epoch` is the roster's. One at a time is on its
   * way: a peer keeps the newest few, and a flood of them would push out what we still seal under.
   */
  rotate(epoch: number): void {
    for (const keys of this.#all()) {
      if (keys.next) keys.wanted = epoch;
      else if (keys.isExchanged) this.#renew(keys, epoch);
    }
  }

  /** Time is up for those who have been told a new key so long ago, and have not said that they have it. */
  switchOverdue(age_ms: number): void {
    const latest = this.#options.now() - age_ms;
    for (const keys of this.#all()) if (keys.next && keys.next.toldAt <= latest) this.#switch(keys, keys.next);
  }

  /** Frames of this peer come, and none opens. */
  ask(peerId: PeerId, link: number): void {
    const keys = this.#find(peerId, link);
    if (!keys?.isExchanged) return;
    const generation = Math.max(0, ...keys.theirs.keys());
    this.#options.send(peerId, { type: 'e2ee_sender_key_ack', link, generation, isAsking: true });
  }

  #acknowledged(keys: LinkKeys, message: Extract<SenderKeyMessage, { type: 'e2ee_sender_key_ack' }>): void {
    if (!message.isAsking) {
      if (keys.next?.generation === message.generation) this.#switch(keys, keys.next);
    } else if (keys.isExchanged && keys.asks.take(1, this.#options.now())) this.#answerAsk(keys);
    else this.#options.onDropped('rate-limited');
  }

  /** What is on its way may have been lost: it is told once more. */
  #answerAsk(keys: LinkKeys): void {
    if (keys.next) this.#tell(keys, keys.next, 0);
    else this.#renew(keys, 0);
  }

  #renew(keys: LinkKeys, epoch: number): void {
    keys.next = { ...this.#fresh(), toldAt: this.#options.now() };
    this.#tell(keys, keys.next, epoch);
  }

  #tell({ peerId, link }: LinkKeys, { generation, key }: Sealing, epoch: number): void {
    const commitment = toBase64Url(keyCommitment(generation, key));
    const message = { type: 'e2ee_sender_key', link, generation, key: toBase64Url(key), commitment, epoch } as const;
    this.#options.send(peerId, message);
  }

  #switch(keys: LinkKeys, next: Sealing): void {
    // the worker has its own, which nobody can read out
    keys.ours.key.fill(0);
    keys.ours = next;
    keys.next = undefined;
    const { generation, key } = next;
    if (keys.name !== undefined) this.#options.holder.setSealKey(keys.name, generation, key);
    const { wanted } = keys;
    keys.wanted = undefined;
    if (wanted !== undefined) this.#renew(keys, wanted);
  }

  /** A key of the peer: each generation once, and none older than those we have. `true`: we have it. */
  #take(keys: LinkKeys, { generation, key }: SenderKey): boolean {
    const { theirs } = keys;
    const bytes = fromBase64Url(key) as Bytes;
    const known = theirs.get(generation);
    // a connection's restart brings the same again
    if (known && equalBytes(known, bytes)) return true;
    if (known || generation < Math.max(0, ...theirs.keys())) {
      this.#options.onDropped('stale-key');
      return false;
    }
    theirs.set(generation, bytes);
    for (const oldest of theirs.keys()) if (theirs.size > THEIRS_KEPT) theirs.delete(oldest);
    if (keys.name !== undefined) this.#options.holder.addOpenKey(keys.name, generation, bytes);
    return true;
  }

  *#all(): Iterable<LinkKeys> {
    for (const links of this.#links.values()) yield* links;
  }

  #find(peerId: PeerId, link: number): LinkKeys | undefined {
    return this.#links.get(peerId)?.find((keys) => keys.link === link);
  }

  /** Only an offer opens a link, and none below the one that is open: others would push out what waits. */
  #mayOpen(from: PeerId, { type, link }: RoomMessage & { readonly link: number }): boolean {
    const links = this.#links.get(from) ?? [];
    // a standby has numbers of its own
    const ofKind = links.filter((keys) => isStandby(keys.link) === isStandby(link));
    return type === 'offer' && ofKind.every((keys) => keys.name === undefined || keys.link < link);
  }

  /** `undefined` where there are too many. */
  #add(peerId: PeerId, link: number): LinkKeys | undefined {
    this.#forgetWaiting(peerId, link);
    const known = this.#links.get(peerId);
    if (!known && this.#links.size >= PEERS_MAX) {
      this.#options.onDropped('too-many-peers');
      return undefined;
    }
    const keys: LinkKeys = {
      peerId,
      link,
      name: undefined,
      isExchanged: false,
      ours: this.#fresh(),
      next: undefined,
      wanted: undefined,
      theirs: new Map(),
      asks: new TokenBucket({ burst: ASKS_BURST, everyMs: ASK_EVERY_MS }),
      told: new TokenBucket({ burst: KEYS_BURST, everyMs: KEY_EVERY_MS }),
    };
    this.#links.set(peerId, [...(known ?? []), keys]);
    return keys;
  }

  /** Of a peer's links that are not open only one of each kind is kept, the newest where none is named: numbers cost nothing. */
  #forgetWaiting(peerId: PeerId, except?: number): void {
    const links = this.#links.get(peerId) ?? [];
    const waiting = [false, true].map((isOfStandbys) => {
      if (except !== undefined && isStandby(except) === isOfStandbys) return except;
      return Math.max(...links.map(({ link }) => link).filter((link) => isStandby(link) === isOfStandbys));
    });
    const kept = links.filter(({ name, link }) => name !== undefined || waiting.includes(link));
    if (kept.length < links.length) this.#links.set(peerId, kept);
  }

  #fresh(): Sealing {
    this.#generation += 1;
    return { generation: this.#generation, key: this.#options.randomKey() };
  }
}

/** 32 bytes. */
export function keyCommitment(generation: number, key: Bytes): Bytes {
  return sha256(concatBytes(COMMITMENT_LABEL, uintBytes(generation, GENERATION_BYTES), key));
}
