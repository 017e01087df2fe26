/**
 * The keys of one join: our pre-keys, and a session with every peer (PROTOCOL.md HS1–HS12). The newcomer makes the
 * handshake out of the bundle that the present peer has published; nothing is sealed to a peer without a session, and
 * nothing is opened but by one.
 */
import type { Certificate, DeviceKeys } from '../crypto/certificate.ts';
import { createPreKeys, openBundle } from '../crypto/pre-keys.ts';
import type { OwnPreKeys } from '../crypto/pre-keys.ts';
import { HEADER_BYTES } from '../crypto/pqxdh-header.ts';
import { initiate, respond } from '../crypto/pqxdh.ts';
import type { RespondFault } from '../crypto/pqxdh.ts';
import type { Provider } from '../crypto/provider.ts';
import { acceptRatchet, initiateRatchet, openMessage } from '../crypto/ratchet.ts';
import type { OpenFault as RatchetFault } from '../crypto/ratchet.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { ROOM_SEAL_BYTES, openForRoom, sealForRoom } from '../crypto/room-seal.ts';
import { MODE_REQUIRED, SUITES } from '../crypto/suite.ts';
import { asciiBytes, concatBytes, equalBytes, fromBase64Url, toBase64Url, toHex } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { idBytes } from '../protocol/ids.ts';
import type { PeerId } from '../protocol/ids.ts';
import type { Sender } from '../protocol/peer.ts';
import type { HandedBundle, SealedBundle } from '../protocol/relay.ts';
import { Pair } from './pair.ts';

const WIRE_VERSION = 1;
/** A handshake and the first message after it. */
export const KIND_PUBLIC_KEY = 1;
/** A message of a session that stands. */
export const KIND_ENCRYPTED_MESSAGE = 2;
const PREFIX_BYTES = 2;
const SEALED_HEADER_BYTES = HEADER_BYTES + ROOM_SEAL_BYTES;
const ONE_TIME_PRE_KEYS = 8;
/** So many are left when new ones are made. */
const ONE_TIME_LOW = 4;
/** More than any room has. */
const PAIRS_MAX = 128;

const HANDSHAKE_CONTEXT = asciiBytes('e2ee_public_key');
const HEAD_CONTEXT = asciiBytes('bundle head');
const ONE_TIME_CONTEXT = asciiBytes('bundle one-time');

export type OpenFault =
  | RatchetFault
  | RespondFault
  /** Sealed by a session that we do not have. */
  | 'no-session'
  /** Both began: the session of the peer with the lower id is the one that counts. */
  | 'crossed'
  /** Somebody begins again as a peer that we have a session with. */
  | 'second-handshake'
  | 'revoked'
  /** We have given this peer up for good. */
  | 'refused-peer'
  | 'too-many-peers';

export type Opened =
  | {
      readonly ok: true;
      readonly text: string;
      /** Who has said so: proved by the handshake. */
      readonly sender: Sender;
      /** The first message of this session that has opened here. */
      readonly isFirst: boolean;
    }
  | { readonly ok: false; readonly fault: OpenFault };

export type MeetFault = 'bad-bundle' | 'revoked' | 'refused-key' | 'too-many-peers';

export type JoinKeysOptions = {
  readonly provider: Provider;
  readonly room: RoomKeys;
  readonly device: DeviceKeys;
  readonly self: PeerId;
  /** SHA-256 of our DTLS certificate, 32 bytes. */
  readonly dtlsFingerprint: Bytes;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** `false` once our clock has turned out to be another than the one that our certificate was made by. */
  readonly isClockRight: () => boolean;
  readonly isRevoked: (certificate: Certificate) => Promise<boolean>;
};

export class JoinKeys {
  readonly #options: JoinKeysOptions;
  readonly #preKeys: OwnPreKeys;
  readonly #pairs = new Map<PeerId, Pair>();
  readonly #refused = new Set<PeerId>();

  private constructor(options: JoinKeysOptions, preKeys: OwnPreKeys) {
    this.#options = options;
    this.#preKeys = preKeys;
  }

  static async create(options: JoinKeysOptions): Promise<JoinKeys> {
    const { provider, device, room, self, dtlsFingerprint } = options;
    const context = { roomId: room.roomId, peerId: self, dtlsFingerprint, mode: MODE_REQUIRED };
    return new JoinKeys(options, await createPreKeys(provider, device, context, ONE_TIME_PRE_KEYS));
  }

  /** Made by a wrong clock: others may refuse our certificate. */
  get isOutdated(): boolean {
    return !this.#options.isClockRight();
  }

  get certificate(): Certificate {
    return this.#options.device.certificate;
  }

  /** What the relay keeps for newcomers: sealed, so that it learns no identity. */
  async publication(): Promise<SealedBundle> {
    const { room, self } = this.#options;
    const key = await room.bundleKey(self);
    const seal = async (context: Bytes, bytes: Bytes): Promise<string> =>
      toBase64Url(await sealForRoom(key, this.#bundleContext(context, self), bytes));
    const { head, oneTime } = this.#preKeys;
    const [sealedHead, ...one_time] = await Promise.all([
      seal(HEAD_CONTEXT, head),
      ...oneTime.map((record) => seal(ONE_TIME_CONTEXT, record)),
    ]);
    return { head: sealedHead, one_time };
  }

  /** Makes new one-time pre-keys where few are left, and says whether to publish again. */
  async refill(): Promise<boolean> {
    if (this.#preKeys.oneTime.length > ONE_TIME_LOW) return false;
    await this.#preKeys.refill();
    return true;
  }

  hasSession(peer: PeerId): boolean {
    return this.#pairs.has(peer) && !this.#refused.has(peer);
  }

  /** Nothing is sealed for this peer or opened from it any more. */
  refuse(peer: PeerId): void {
    this.#refused.add(peer);
  }

  peers(): readonly PeerId[] {
    return [...this.#pairs.keys()];
  }

  /** The session with a peer that has answered; `undefined` until then. For the key layer alone. */
  pair(peer: PeerId): Pair | undefined {
    const pair = this.#pairs.get(peer);
    return pair?.hasOpened ? pair : undefined;
  }

  /** What the peer's handshake has named: SHA-256 of its DTLS certificate (HS8). */
  dtlsFingerprint(peer: PeerId): Bytes | undefined {
    return this.pair(peer)?.dtlsFingerprint;
  }

  /** Begins a session with a peer that was there before us; `undefined` = there is one now. */
  async meet(peer: PeerId, handed: HandedBundle): Promise<MeetFault | undefined> {
    if (this.#pairs.has(peer)) return undefined;
    if (this.#pairs.size >= PAIRS_MAX) return 'too-many-peers';
    const { provider, room, device, self, dtlsFingerprint, now, isRevoked } = this.#options;
    const key = await room.bundleKey(peer);
    const open = async (context: Bytes, text: string | undefined): Promise<Bytes | undefined> => {
      const sealed = text === undefined ? undefined : fromBase64Url(text);
      return sealed && openForRoom(key, this.#bundleContext(context, peer), sealed);
    };
    const [head, oneTime] = await Promise.all([
      open(HEAD_CONTEXT, handed.head),
      open(ONE_TIME_CONTEXT, handed.one_time),
    ]);
    const context = { roomId: room.roomId, peerId: peer };
    const bundle = head && (await openBundle(provider, context, head, oneTime, nowS(now)));
    if (!bundle) return 'bad-bundle';
    if (await isRevoked(bundle.certificate)) return 'revoked';
    const own = { device, peerId: self, dtlsFingerprint };
    const handshake = await initiate(provider, own, { peerId: peer, bundle }, this.#room());
    const ratchet = handshake && (await initiateRatchet(provider, handshake.secrets, bundle.lastResort.dh));
    if (!ratchet) return 'refused-key';
    // theirs may have come meanwhile
    if (this.#pairs.has(peer)) return undefined;
    const { header, secrets } = handshake;
    const { certificate } = bundle;
    const theirs = { certificate, dtlsFingerprint: bundle.dtlsFingerprint };
    this.#pairs.set(peer, new Pair({ provider, role: 'initiator', header, secrets, ratchet, ...theirs }));
    return undefined;
  }

  /** A payload for this peer; `undefined` without a session, and for a text that is too long. */
  async seal(to: PeerId, text: string): Promise<Bytes | undefined> {
    const pair = this.#refused.has(to) ? undefined : this.#pairs.get(to);
    const sealed = await pair?.seal(new TextEncoder().encode(text));
    if (!pair || !sealed) return undefined;
    if (!sealed.isHeaderDue) {
      return concatBytes(Uint8Array.of(WIRE_VERSION, KIND_ENCRYPTED_MESSAGE), sealed.message);
    }
    const { room, self } = this.#options;
    const key = await room.envelopeKey(self, to);
    const header = await sealForRoom(key, this.#handshakeContext(self, to), pair.header);
    return concatBytes(Uint8Array.of(WIRE_VERSION, KIND_PUBLIC_KEY), header, sealed.message);
  }

  /** Opens what is said to come from `from`; the session decides whether that is so. Nothing changes where it does not open. */
  async open(from: PeerId, payload: Bytes): Promise<Opened> {
    const [version, kind] = payload;
    if (this.#refused.has(from)) return { ok: false, fault: 'refused-peer' };
    if (version !== WIRE_VERSION) return { ok: false, fault: 'malformed' };
    if (kind === KIND_PUBLIC_KEY) return this.#openFirst(from, payload);
    const pair = this.#pairs.get(from);
    if (kind !== KIND_ENCRYPTED_MESSAGE) return { ok: false, fault: 'malformed' };
    return pair ? this.#openBy(pair, payload.slice(PREFIX_BYTES)) : { ok: false, fault: 'no-session' };
  }

  /** The next step of every ratchet brings a fresh ML-KEM key (HS10). */
  requestKemSteps(): void {
    for (const pair of this.#pairs.values()) pair.requestKemStep();
  }

  async #openFirst(from: PeerId, payload: Bytes): Promise<Opened> {
    const { provider, room, device, self, dtlsFingerprint, now, isRevoked } = this.#options;
    const key = await room.envelopeKey(from, self);
    const sealed = payload.slice(PREFIX_BYTES, PREFIX_BYTES + SEALED_HEADER_BYTES);
    const header = await openForRoom(key, this.#handshakeContext(from, self), sealed);
    if (!header) return { ok: false, fault: 'unopened' };
    const message = payload.slice(PREFIX_BYTES + SEALED_HEADER_BYTES);
    const known = this.#pairs.get(from);
    if (known?.role === 'responder' && equalBytes(known.header, header)) return this.#openBy(known, message);
    if (known) {
      const isCrossing = known.role === 'initiator' && !known.hasOpened;
      if (!isCrossing) return { ok: false, fault: 'second-handshake' };
      if (self < from) return { ok: false, fault: 'crossed' };
    }
    if (this.#pairs.size >= PAIRS_MAX) return { ok: false, fault: 'too-many-peers' };
    const own = { device, peerId: self, dtlsFingerprint, preKeys: this.#preKeys, suites: SUITES };
    const answer = await respond(provider, own, from, header, this.#room(), nowS(now));
    if (!answer.ok) return answer;
    const { secrets, certificate } = answer;
    if (await isRevoked(certificate)) return { ok: false, fault: 'revoked' };
    const accepted = acceptRatchet(secrets, this.#preKeys.lastResort.dh);
    const opened = await openMessage(provider, accepted, message, now());
    if (!opened.ok) return opened;
    // ours may have begun meanwhile
    if (this.#pairs.get(from) !== known && self < from) return { ok: false, fault: 'crossed' };
    // Only now, when somebody has proved to hold the keys: else anyone could use our pre-keys up.
    if (!this.#preKeys.spend(answer.oneTimeId, secrets.transcriptHash)) return { ok: false, fault: 'replayed' };
    const theirs = { certificate, dtlsFingerprint: answer.dtlsFingerprint };
    const pair = new Pair({ provider, role: 'responder', header, secrets, ratchet: opened.ratchet, ...theirs });
    this.#pairs.set(from, pair);
    return this.#opened(pair, opened.plaintext, true);
  }

  async #openBy(pair: Pair, message: Bytes): Promise<Opened> {
    const opened = await pair.open(message, this.#options.now());
    return opened.ok ? this.#opened(pair, opened.plaintext, opened.isFirst) : opened;
  }

  #opened(pair: Pair, plaintext: Bytes, isFirst: boolean): Opened {
    const text = new TextDecoder().decode(plaintext);
    const { certificate, isConfirmed } = pair;
    const sender: Sender = {
      certificate: toBase64Url(certificate.hash),
      deviceId: toHex(certificate.deviceId),
      kind: certificate.kind,
      isConfirmed,
    };
    return { ok: true, text, sender, isFirst };
  }

  #room(): { readonly roomId: RoomKeys['roomId']; readonly psk: Bytes; readonly mode: number } {
    const { roomId, psk } = this.#options.room;
    return { roomId, psk, mode: MODE_REQUIRED };
  }

  #handshakeContext(from: PeerId, to: PeerId): Bytes {
    return concatBytes(HANDSHAKE_CONTEXT, idBytes(this.#options.room.roomId), idBytes(from), idBytes(to));
  }

  #bundleContext(part: Bytes, owner: PeerId): Bytes {
    return concatBytes(part, idBytes(this.#options.room.roomId), idBytes(owner));
  }
}

function nowS(now: () => number): number {
  return Math.floor(now() / 1000);
}
