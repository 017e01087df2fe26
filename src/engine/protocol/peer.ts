/**
 * What two peers say to each other, always sealed (PROTOCOL.md PM1–PM14). The relay never sees any of it.
 * A message that does not parse is counted and dropped; unknown fields are ignored, unknown types dropped.
 */
import { parseCodeMessage, parseDigest } from './code-message.ts';
import type { CodeMessage } from './code-message.ts';
import { parseDelivery } from './delivery.ts';
import type { Delivery } from './delivery.ts';
import { HOST_STATEMENT_TEXT_MAX, parseHostStatement } from './host.ts';
import { parsePeerId } from './ids.ts';
import type { PeerId } from './ids.ts';
import { isRecord, parseCount, parseJson, parseList, parseText } from './json.ts';
import type { JsonRecord } from './json.ts';

export const NAME_MAX_CHARS = 64;
const SDP_MAX_CHARS = 30_000;
const CANDIDATE_MAX_CHARS = 512;
/** In one message. */
export const CANDIDATES_MAX = 64;
const PUBLICATIONS_MAX = 8;
const GENERATION_MAX = 2 ** 32 - 1;
const SEQ_MAX = 2 ** 32 - 1;
/** As many as a room can list, and ourselves. */
const ROSTER_MEMBERS_MAX = 65;
const STATEMENT_MAX_CHARS = 1024;
const BASE64URL_PATTERN = /^[A-Za-z0-9_-]+$/;

/** The kinds of publication; each has one fixed place in every connection. */
export const PUBLICATION_KINDS = ['microphone', 'camera'] as const;
export type PublicationKind = (typeof PUBLICATION_KINDS)[number];

/** One track that a peer offers to its audience. */
export type Publication = { readonly kind: PublicationKind; readonly isMuted: boolean };

/** Who a peer says it is and what it publishes. A name is a claim, not an identity. */
export type Presence = {
  readonly name: string;
  readonly publications: readonly Publication[];
  /** It hides its addresses from the others (PR10). */
  readonly isPrivate?: true;
};

/** RTCIceCandidateInit without the fields we do not use. The empty `candidate` ends a generation. */
export type Candidate = {
  readonly candidate: string;
  readonly sdpMid: string | null;
  readonly sdpMLineIndex: number | null;
  readonly usernameFragment: string | null;
};

/** Of first connections; far below the standbys', so that no next number is one of theirs. */
const LINK_MAX = 2 ** 30;
/** Numbers of connections from here on are those of standbys (FO1). */
export const STANDBY_FROM = 2 ** 31;

export function isStandby(link: number): boolean {
  return link >= STANDBY_FROM;
}

/** When the sender has said how things are with it (PM11): of two messages the one with the higher number is the newer. */
export type Numbered = { readonly seq: number };

export type PeerMessage =
  | (Numbered & {
      readonly type: 'offer';
      readonly link: number;
      readonly round: number;
      readonly sdp: string;
      readonly presence: Presence;
      readonly senderKey?: SenderKey;
    })
  | (Numbered & {
      readonly type: 'answer';
      readonly link: number;
      readonly round: number;
      readonly sdp: string;
      readonly presence: Presence;
      readonly senderKey?: SenderKey;
    })
  | { readonly type: 'candidates'; readonly link: number; readonly candidates: readonly Candidate[] }
  | (Numbered & {
      readonly type: 'presence';
      /** The sender's connection to the receiver, so that one that was given up is noticed. */
      readonly link: number;
      readonly presence: Presence;
      /** The sender was away from the relay and wants the receiver's presence in return. */
      readonly isAsking: boolean;
    })
  | SenderKeyMessage
  /** The receiver's sound and picture are wanted on this connection (FO4). The highest `seq` counts. */
  | { readonly type: 'route'; readonly link: number; readonly seq: number }
  | ({ readonly type: 'roster' } & Numbered & RosterReport)
  | CodeMessage
  /** A signed statement about the sender's device, base64url: its new keys, or that its keys are dead. */
  | { readonly type: 'e2ee_key_rotation' | 'e2ee_key_revoke'; readonly statement: string }
  /** The host's own words about somebody who is put out (AD13), base64url. Only the key layer sees it. */
  | HostMessage
  | AckMessage
  | { readonly type: 'leave' };

export type HostMessage = { readonly type: 'kick'; readonly statement: string };

/** Says nothing but what goes with it: how far the receiver was heard (PM13). */
export type AckMessage = { readonly type: 'ack' };

/** A message as it travels. */
export type Said = { readonly message: PeerMessage; readonly delivery: Delivery };

/** What the sender seals its frames under, on one link; `key` is 32 bytes as base64url. Only the key layer sees it. */
export type SenderKey = { readonly generation: number; readonly key: string };

export type SenderKeyMessage =
  | ({
      readonly type: 'e2ee_sender_key';
      readonly link: number;
      /** SHA-256 of generation and key, base64url: what both can write down. */
      readonly commitment: string;
      /** Of the sender's roster when it made the key. */
      readonly epoch: number;
    } & SenderKey)
  | {
      readonly type: 'e2ee_sender_key_ack';
      readonly link: number;
      /** The newest of the receiver's generations that the sender can open. */
      readonly generation: number;
      /** The receiver's frames do not open: a fresh key is wanted. */
      readonly isAsking: boolean;
    };

/** What says something by itself. */
export type ToldMessage = Exclude<PeerMessage, AckMessage>;

/** What the room acts on: all but what only the key layer sees. */
export type RoomMessage = Exclude<ToldMessage, SenderKeyMessage | HostMessage>;

/** The device that a message comes from, as the handshake has proved; never told, always found. */
export type Sender = {
  /** SHA-256 of the certificate, base64url. */
  readonly certificate: string;
  /** SHA-256 of the signing key, 64 hexadecimal digits: names the device. */
  readonly deviceId: string;
  readonly kind: 'guest' | 'device';
  /** Both sides have shown that they hold the keys. */
  readonly isConfirmed: boolean;
};

/** One of those who may read, by its peer id and its certificate's SHA-256 (base64url). */
export type RosterMember = { readonly peerId: PeerId; readonly certificate: string };

/** Whom the sender has agreed keys with, itself and the receiver included. */
export type RosterReport = {
  readonly members: readonly RosterMember[];
  /** HMAC of the roster's hash under the pair's own key, base64url. */
  readonly mac: string;
  /** The sender wants the receiver's roster in return. */
  readonly isAsking: boolean;
};

/** Of a connection's own making: it can hold addresses of ours. */
export function isOfLink(
  message: PeerMessage,
): message is Extract<PeerMessage, { type: 'offer' | 'answer' | 'candidates' }> {
  return message.type === 'offer' || message.type === 'answer' || message.type === 'candidates';
}

export function formatPeerMessage(message: PeerMessage, delivery: Delivery = {}): string {
  return JSON.stringify(Object.keys(delivery).length > 0 ? { ...message, delivery } : message);
}

export function parsePeerMessage(text: string): PeerMessage | undefined {
  return parseSaid(text)?.message;
}

export function parseSaid(text: string): Said | undefined {
  const value = parseJson(text);
  if (!isRecord(value)) return undefined;
  const message = readPeerMessage(value);
  const delivery = parseDelivery(value['delivery']);
  return message && delivery && { message, delivery };
}

function readPeerMessage(value: JsonRecord): PeerMessage | undefined {
  switch (value['type']) {
    case 'offer':
    case 'answer': {
      const link = parseLink(value['link']);
      const round = parseCount(value['round'], GENERATION_MAX);
      const seq = parseCount(value['seq'], SEQ_MAX);
      const sdp = parseText(value['sdp'], SDP_MAX_CHARS);
      const presence = parsePresence(value['presence']);
      const senderKey = parseSenderKey(value['senderKey']);
      if (link === undefined || round === undefined || seq === undefined || sdp === undefined) return undefined;
      return presence && senderKey && { type: value['type'], link, round, seq, sdp, presence, senderKey };
    }
    case 'candidates': {
      const link = parseLink(value['link']);
      const candidates = parseList(value['candidates'], CANDIDATES_MAX, parseCandidate);
      return link !== undefined && candidates ? { type: 'candidates', link, candidates } : undefined;
    }
    case 'presence': {
      const link = parseLink(value['link']);
      const seq = parseCount(value['seq'], SEQ_MAX);
      const presence = parsePresence(value['presence']);
      if (link === undefined || seq === undefined || !presence) return undefined;
      return { type: 'presence', link, seq, presence, isAsking: value['isAsking'] === true };
    }
    case 'route': {
      const link = parseLink(value['link']);
      const seq = parseCount(value['seq'], SEQ_MAX);
      return link !== undefined && seq !== undefined ? { type: 'route', link, seq } : undefined;
    }
    case 'e2ee_sender_key': {
      const link = parseLink(value['link']);
      const senderKey = parseSenderKey(value);
      const commitment = parseDigest(value['commitment']);
      const epoch = parseCount(value['epoch']);
      if (link === undefined || !senderKey || !commitment || epoch === undefined) return undefined;
      return { type: 'e2ee_sender_key', link, ...senderKey, commitment, epoch };
    }
    case 'e2ee_sender_key_ack': {
      const link = parseLink(value['link']);
      const generation = parseCount(value['generation'], GENERATION_MAX);
      if (link === undefined || generation === undefined) return undefined;
      return { type: 'e2ee_sender_key_ack', link, generation, isAsking: value['isAsking'] === true };
    }
    case 'roster': {
      const members = parseList(value['members'], ROSTER_MEMBERS_MAX, parseRosterMember);
      const mac = parseDigest(value['mac']);
      const seq = parseCount(value['seq'], SEQ_MAX);
      if (!members || !mac || seq === undefined) return undefined;
      return { type: 'roster', seq, members, mac, isAsking: value['isAsking'] === true };
    }
    case 'e2ee_key_rotation':
    case 'e2ee_key_revoke': {
      const statement = parseText(value['statement'], STATEMENT_MAX_CHARS);
      return statement && BASE64URL_PATTERN.test(statement) ? { type: value['type'], statement } : undefined;
    }
    case 'kick': {
      const statement = parseText(value['statement'], HOST_STATEMENT_TEXT_MAX);
      const isKick = parseHostStatement(statement)?.claims.action === 'kick';
      return statement !== undefined && isKick ? { type: 'kick', statement } : undefined;
    }
    case 'ack':
    case 'leave':
      return { type: value['type'] };
    default:
      return parseCodeMessage(value);
  }
}

function parseLink(value: unknown): number | undefined {
  const link = parseCount(value, GENERATION_MAX);
  return link !== undefined && (link <= LINK_MAX || isStandby(link)) ? link : undefined;
}

function parseSenderKey(value: unknown): SenderKey | undefined {
  if (!isRecord(value)) return undefined;
  const generation = parseCount(value['generation'], GENERATION_MAX);
  const key = parseDigest(value['key']);
  return generation !== undefined && key ? { generation, key } : undefined;
}

function parseRosterMember(value: unknown): RosterMember | undefined {
  if (!isRecord(value)) return undefined;
  const peerId = parsePeerId(value['peerId']);
  const certificate = parseDigest(value['certificate']);
  return peerId && certificate ? { peerId, certificate } : undefined;
}

/** A name as it may be shown: no control or bidirectional-override characters, one line, at most 64 units. */
export function cleanName(name: string): string {
  return (
    name
      .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, ' ')
      .replace(/\s+/g, ' ')
      .trim()
      .slice(0, NAME_MAX_CHARS)
      // the cut may have left half a character or a space: the reader cleans again, and must get the same name
      .replace(/\p{Cs}$/u, '')
      .trim()
  );
}

function parsePresence(value: unknown): Presence | undefined {
  if (!isRecord(value)) return undefined;
  const name = parseText(value['name'], NAME_MAX_CHARS);
  const publications = parseList(value['publications'], PUBLICATIONS_MAX, parsePublication);
  if (name === undefined || !publications) return undefined;
  return { name: cleanName(name), publications, ...(value['isPrivate'] === true && { isPrivate: true }) };
}

function parsePublication(value: unknown): Publication | undefined {
  if (!isRecord(value)) return undefined;
  const kind = PUBLICATION_KINDS.find((known) => known === value['kind']);
  const isMuted = value['isMuted'];
  return kind && typeof isMuted === 'boolean' ? { kind, isMuted } : undefined;
}

function parseCandidate(value: unknown): Candidate | undefined {
  if (!isRecord(value)) return undefined;
  const candidate = parseText(value['candidate'], CANDIDATE_MAX_CHARS);
  const sdpMLineIndex = value['sdpMLineIndex'] === null ? null : parseCount(value['sdpMLineIndex'], 255);
  if (candidate === undefined || sdpMLineIndex === undefined) return undefined;
  return {
    candidate,
    sdpMid: shortText(value, 'sdpMid'),
    sdpMLineIndex,
    usernameFragment: shortText(value, 'usernameFragment'),
  };
}

function shortText(value: JsonRecord, key: string): string | null {
  return parseText(value[key], 256) ?? null;
}
