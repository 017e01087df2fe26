/**
 * What page and relay say to each other: JSON-RPC 2.0 over one WebSocket, some of it over HTTP too (PROTOCOL.md
 * RL1–RL25). Both directions are written and read here and, for pre-key bundles, in `bundle.ts`; nowhere else.
 */
import {
  parseDeleteBundle,
  parseExchangeBundles,
  parseFetchBundle,
  parseHandedBundle,
  parsePublishBundle,
} from './bundle.ts';
import type { BundleRequest, FetchedBundle, HandedBundle } from './bundle.ts';
import { CLOSE_CODES, RPC_ERRORS } from './errors.ts';
import type { RpcErrorReason } from './errors.ts';
import { parseDoor } from './host.ts';
import type { Door } from './host.ts';
import { HOST_NOTIFICATION_PARSERS, parseHostRequest, parseKnock } from './host-messages.ts';
import type { HostNotification, HostRequest } from './host-messages.ts';
import { usableIceServers } from './ice-server.ts';
import type { IceServer } from './ice-server.ts';
import { parsePeerId, parseRoomId } from './ids.ts';
import type { PeerId, RoomId } from './ids.ts';
import { isRecord, parseCount, parseJson, parseList, parseText } from './json.ts';
import type { JsonRecord } from './json.ts';
import { formatPassedOn, readPlainMessage } from './plain-message.ts';
import { parseEp, parseRoomPlace } from './resume.ts';
import type { StreamPlace } from './resume.ts';
import type { TurnResult } from './turn.ts';

export { parseHandedBundle } from './bundle.ts';
export { ICE_SERVERS_MAX, parseIceServer, usableIceServers } from './ice-server.ts';
export { parseResumeOffer } from './resume.ts';
export type { HandedBundle, SealedBundle } from './bundle.ts';
export type { IceServer } from './ice-server.ts';

/** Constant, so that no log of addresses tells one room from another. */
export const RELAY_PATH = '/relay';
/** One call a request, without a socket (RL20). */
export const RELAY_RPC_PATH = '/relay/rpc';
/** Text that both sides treat as a heartbeat; answered by the platform without waking the room. */
export const PING_TEXT = 'ping';
export const PONG_TEXT = 'pong';

/**
 * The longest text of a message in either direction. The relay counts bytes of UTF-8 (LM1); the parsers here count
 * UTF-16 units, of which no text has more than bytes.
 */
export const RELAY_TEXT_MAX = 64 * 1024;
/** The longest `payload`, in base64url digits: leaves 1 KiB for the envelope of the JSON around it. */
export const PAYLOAD_TEXT_MAX = RELAY_TEXT_MAX - 1024;
const RPC_ID_TEXT_MAX = 64;
const PEERS_MAX = 64;

export type RpcId = string | number;

export type ClientRequest =
  | { readonly method: 'join'; readonly params: { readonly room_id: RoomId; readonly peer_id: PeerId } }
  | { readonly method: 'leave'; readonly params: { readonly room_id: RoomId } }
  | {
      readonly method: 'relay_message';
      readonly params: { readonly target_peer_id: PeerId; readonly room_id: RoomId; readonly payload: string };
    }
  /** RL23: once more what came after this, where something is missing on a socket that stands. */
  | { readonly method: 'resume'; readonly params: { readonly room_id: RoomId } & StreamPlace }
  | BundleRequest
  | HostRequest;

export type PeerPlace = { readonly peer_id: PeerId; readonly join_number: number };

/** RL17: the `welcome` of a new join brings the pre-keys of those that were there first. */
export type ListedPlace = PeerPlace & { readonly bundle?: HandedBundle };

/** Whom the relay issues TURN credentials to: whoever is admitted, or only who has a wallet sign for it (TU1, TU5). */
export type TurnOffer = 'token' | 'wallet';

/** A peer's place in the room, told once after every (re)connection and as the result of `join`. */
export type Welcome = {
  readonly room_id: RoomId;
  readonly peer_id: PeerId;
  /** Grows with every newcomer and stays with a peer across reconnections; decides who offers and who is polite. */
  readonly join_number: number;
  /** Names this instance of the room's object; a new one means that `n` starts again. 1 to 64 of `A`–`Z`, `a`–`z`, `0`–`9`, `_`, `-`. */
  readonly ep: string;
  readonly peers: readonly ListedPlace[];
  readonly ice_servers: readonly IceServer[];
  /** Left out where the relay issues none. */
  readonly turn?: TurnOffer;
  /** Left out while the door is open. */
  readonly door?: Door;
};

export type RelayNotification =
  | HostNotification
  | { readonly method: 'welcome'; readonly params: Welcome }
  | { readonly method: 'peer_joined'; readonly params: PeerPlace }
  | { readonly method: 'peer_left'; readonly params: { readonly peer_id: PeerId } }
  | { readonly method: 'bundle_published'; readonly params: { readonly peer_id: PeerId } }
  | {
      readonly method: 'relay_message';
      readonly params: {
        readonly sender_peer_id: PeerId;
        readonly room_id: RoomId;
        readonly payload: string;
        readonly n: number;
        readonly ep: string;
      };
    }
  /** RL22: messages for this peer are lost for good; it goes on from here. */
  | { readonly method: 'gap'; readonly params: { readonly room_id: RoomId } & StreamPlace }
  /** LM12: nothing was heard from this socket for a while. It answers with `PING_TEXT`. */
  | { readonly method: 'probe'; readonly params: { readonly room_id: RoomId } };

export type RpcResult = Welcome | FetchedBundle | TurnResult | Record<string, never>;

export type RelayMessage =
  | ({ readonly type: 'notification' } & RelayNotification)
  | { readonly type: 'result'; readonly id: RpcId; readonly result: unknown }
  | {
      readonly type: 'error';
      readonly id: RpcId | null;
      readonly code: number;
      readonly reason: string;
      /** With `host-stale`: what to make the statement anew with. */
      readonly data?: ErrorData;
    };

/** What the relay made of a client's text: a call, or the error to answer with. */
export type ParsedRequest = ParsedCall<ClientRequest>;

export type ParsedCall<Request> =
  | { readonly type: 'request'; readonly id: RpcId | undefined; readonly request: Request }
  | {
      readonly type: 'fault';
      /** `null` where none could be read; `undefined` for a notification, which is not answered (JSON-RPC 2.0 §4.1). */
      readonly id: RpcId | null | undefined;
      readonly reason: RpcErrorReason;
    };

// --- written by the client -------------------------------------------------------------------------

/** Without `id` it is a notification: nothing is answered, not even an error (JSON-RPC 2.0 §4.1). */
export function formatRequest(request: ClientRequest, id?: RpcId): string {
  const head = { jsonrpc: '2.0', ...(id === undefined ? {} : { id }) };
  if (request.method !== 'relay_message') return JSON.stringify({ ...head, ...request });
  // in the order in which the relay reads it in one pass
  const { target_peer_id, room_id, payload } = request.params;
  return JSON.stringify({ ...head, method: request.method, params: { target_peer_id, room_id, payload } });
}

// --- read by the relay -----------------------------------------------------------------------------

/** A call as JSON-RPC 2.0 has it, whatever its method. */
export type ReadCall =
  | { readonly type: 'call'; readonly id: RpcId | undefined; readonly method: string; readonly params: unknown }
  | Extract<ParsedRequest, { type: 'fault' }>;

/** Batches are refused as `invalid-request` (RL4). */
export function readCall(text: string): ReadCall {
  if (text.length > RELAY_TEXT_MAX) return { type: 'fault', id: null, reason: 'too-large' };
  const value = parseJson(text);
  if (value === undefined) return { type: 'fault', id: null, reason: 'parse-error' };
  if (!isRecord(value)) return { type: 'fault', id: null, reason: 'invalid-request' };
  const id = value['id'] === undefined ? undefined : parseRpcId(value['id']);
  const isNotification = value['id'] === undefined;
  if (value['jsonrpc'] !== '2.0' || typeof value['method'] !== 'string' || (!isNotification && id === undefined)) {
    return { type: 'fault', id: id ?? null, reason: 'invalid-request' };
  }
  return { type: 'call', id, method: value['method'], params: value['params'] };
}

/** Of a `relay_message` as our clients write it, and ASCII all through; `undefined` for every other text. */
export function parsePlainText(text: string): ParsedRequest | undefined {
  if (text.length > RELAY_TEXT_MAX) return undefined;
  const message = readPlainMessage(text);
  if (!message || message.payload.length > PAYLOAD_TEXT_MAX) return undefined;
  const { id, ...params } = message;
  return { type: 'request', id, request: { method: 'relay_message', params } };
}

export function parseClientText(text: string): ParsedRequest {
  const plain = parsePlainText(text);
  if (plain) return plain;
  return parseCall(text, (method) =>
    Object.hasOwn(REQUEST_PARSERS, method) ? REQUEST_PARSERS[method as ClientRequest['method']] : undefined,
  );
}

/** `parserOf`: `undefined` for a method that there is not. */
export function parseCall<Request>(
  text: string,
  parserOf: (method: string) => ((params: JsonRecord) => Request | undefined) | undefined,
): ParsedCall<Request> {
  const call = readCall(text);
  if (call.type === 'fault') return call;
  const { id, method, params } = call;
  const fault = (reason: RpcErrorReason): ParsedCall<Request> => ({ type: 'fault', id, reason });
  const parseParams = parserOf(method);
  if (!parseParams) return fault('method-not-found');
  const request = isRecord(params) ? parseParams(params) : undefined;
  return request ? { type: 'request', id, request } : fault('invalid-params');
}

/** Every method there is. */
export const REQUEST_PARSERS: Record<ClientRequest['method'], (params: JsonRecord) => ClientRequest | undefined> = {
  join: (params) => {
    const room_id = parseRoomId(params['room_id']);
    const peer_id = parsePeerId(params['peer_id']);
    return room_id && peer_id && { method: 'join', params: { room_id, peer_id } };
  },
  leave: (params) => {
    const room_id = parseRoomId(params['room_id']);
    return room_id && { method: 'leave', params: { room_id } };
  },
  relay_message: (params) => {
    const target_peer_id = parsePeerId(params['target_peer_id']);
    const room_id = parseRoomId(params['room_id']);
    const payload = parsePayload(params['payload']);
    if (!target_peer_id || !room_id || payload === undefined) return undefined;
    return { method: 'relay_message', params: { target_peer_id, room_id, payload } };
  },
  resume: (params) => {
    const place = parseRoomPlace(params);
    return place && { method: 'resume', params: place };
  },
  publish_bundle: parsePublishBundle,
  fetch_bundle: parseFetchBundle,
  delete_bundle: parseDeleteBundle,
  exchange_bundles: parseExchangeBundles,
  host_statement: parseHostRequest,
  knock: parseKnock,
};

// --- written by the relay --------------------------------------------------------------------------

/** The payload of a `relay_message` must be one that `parseClientText` has let through. */
export function formatNotification(notification: RelayNotification): string {
  if (notification.method === 'relay_message') return formatPassedOn(notification.params);
  return JSON.stringify({ jsonrpc: '2.0', ...notification });
}

export function formatResult(id: RpcId, result: object): string {
  return JSON.stringify({ jsonrpc: '2.0', id, result });
}

/** Of the relay itself: its clock in Unix seconds, and the name of its instance. */
export type ErrorData = { readonly now?: number; readonly ep?: string };

/** Only the code and its name: never what was sent, never a stack. `data` is only for what the relay says of itself. */
export function formatError(id: RpcId | null, reason: RpcErrorReason, data: ErrorData = {}): string {
  const error = { code: RPC_ERRORS[reason], message: reason, data: { reason, ...data } };
  return JSON.stringify({ jsonrpc: '2.0', id, error });
}

/** Close reason of an expired token: tells the relay's clock, so that a client whose own is wrong can correct it (AD5). */
export function formatExpiredReason(nowS: number): string {
  return `token-expired;now=${nowS}`;
}

// --- read by the client ----------------------------------------------------------------------------

/** The relay's clock in Unix seconds, where this close was about an expired token. */
export function parseExpiredClose(code: number, reason: string): number | undefined {
  const match = /^token-expired;now=([0-9]{1,12})$/.exec(reason);
  return code === CLOSE_CODES['token-expired'] && match?.[1] !== undefined ? Number(match[1]) : undefined;
}

/** `undefined` for everything that is not a well-formed message of the relay: counted and dropped by the caller. */
export function parseRelayText(text: string): RelayMessage | undefined {
  const value = text.length > RELAY_TEXT_MAX ? undefined : parseJson(text);
  if (!isRecord(value) || value['jsonrpc'] !== '2.0') return undefined;
  if (typeof value['method'] === 'string') {
    const notification = isRecord(value['params']) ? parseNotification(value['method'], value['params']) : undefined;
    return notification && { type: 'notification', ...notification };
  }
  const error = value['error'];
  if (isRecord(error)) {
    const code = error['code'];
    const reason = isRecord(error['data']) ? parseText(error['data']['reason'], RPC_ID_TEXT_MAX) : undefined;
    if (typeof code !== 'number' || reason === undefined) return undefined;
    const data = reason === 'host-stale' ? parseErrorData(error['data']) : undefined;
    return { type: 'error', id: parseRpcId(value['id']) ?? null, code, reason, ...(data && { data }) };
  }
  const id = parseRpcId(value['id']);
  return id !== undefined && 'result' in value ? { type: 'result', id, result: value['result'] } : undefined;
}

function parseNotification(method: string, params: JsonRecord): RelayNotification | undefined {
  if (Object.hasOwn(HOST_NOTIFICATION_PARSERS, method)) {
    return HOST_NOTIFICATION_PARSERS[method as HostNotification['method']](params);
  }
  return Object.hasOwn(ROOM_NOTIFICATION_PARSERS, method)
    ? ROOM_NOTIFICATION_PARSERS[method as RoomMethod](params)
    : undefined;
}

type RoomMethod = Exclude<RelayNotification, HostNotification>['method'];

/** Every notification there is, beside those of `HOST_NOTIFICATION_PARSERS`. */
export const ROOM_NOTIFICATION_PARSERS: Record<RoomMethod, (params: JsonRecord) => RelayNotification | undefined> = {
  welcome: (params) => {
    const welcome = parseWelcome(params);
    return welcome && { method: 'welcome', params: welcome };
  },
  peer_joined: (params) => {
    const place = parsePlace(params);
    return place && { method: 'peer_joined', params: place };
  },
  peer_left: (params) => {
    const peer_id = parsePeerId(params['peer_id']);
    return peer_id && { method: 'peer_left', params: { peer_id } };
  },
  bundle_published: (params) => {
    const peer_id = parsePeerId(params['peer_id']);
    return peer_id && { method: 'bundle_published', params: { peer_id } };
  },
  relay_message: (params) => {
    const sender_peer_id = parsePeerId(params['sender_peer_id']);
    const room_id = parseRoomId(params['room_id']);
    const payload = parsePayload(params['payload']);
    const n = parseCount(params['n']);
    const ep = parseEp(params['ep']);
    if (!sender_peer_id || !room_id || payload === undefined || n === undefined || ep === undefined) return undefined;
    return { method: 'relay_message', params: { sender_peer_id, room_id, payload, n, ep } };
  },
  gap: (params) => {
    const place = parseRoomPlace(params);
    return place && { method: 'gap', params: place };
  },
  probe: (params) => {
    const room_id = parseRoomId(params['room_id']);
    return room_id && { method: 'probe', params: { room_id } };
  },
};

function parseErrorData(value: unknown): ErrorData | undefined {
  if (!isRecord(value)) return undefined;
  const now = parseCount(value['now']);
  const ep = parseEp(value['ep']);
  return now !== undefined && ep !== undefined ? { now, ep } : undefined;
}

export function parseWelcome(value: unknown): Welcome | undefined {
  if (!isRecord(value)) return undefined;
  const room_id = parseRoomId(value['room_id']);
  const place = parsePlace(value);
  const ep = parseEp(value['ep']);
  const peers = parseList(value['peers'], PEERS_MAX, parseListedPlace);
  const ice_servers: unknown = value['ice_servers'];
  if (!room_id || !place || ep === undefined || !peers || !Array.isArray(ice_servers)) return undefined;
  const turn = value['turn'] === 'token' || value['turn'] === 'wallet' ? value['turn'] : undefined;
  const door = value['door'] === undefined ? 'open' : parseDoor(value['door']);
  if (!door) return undefined;
  const welcome = { room_id, ...place, ep, peers, ice_servers: usableIceServers(ice_servers) };
  return { ...welcome, ...(turn && { turn }), ...(door !== 'open' && { door }) };
}

function parsePlace(value: unknown): PeerPlace | undefined {
  if (!isRecord(value)) return undefined;
  const peer_id = parsePeerId(value['peer_id']);
  const join_number = parseCount(value['join_number']);
  return peer_id && join_number !== undefined ? { peer_id, join_number } : undefined;
}

/** A bundle that is malformed is left out: it can be asked for again, and must not take the whole welcome away. */
function parseListedPlace(value: unknown): ListedPlace | undefined {
  const place = parsePlace(value);
  const bundle = isRecord(value) ? parseHandedBundle(value['bundle']) : undefined;
  return place && bundle ? { ...place, bundle } : place;
}

/** An integer beyond 2^53 may have been another one on the wire: answered with what it was read as, nobody would know it. */
function parseRpcId(value: unknown): RpcId | undefined {
  if (typeof value !== 'number') return parseText(value, RPC_ID_TEXT_MAX);
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? value : undefined;
}

function parsePayload(value: unknown): string | undefined {
  const text = parseText(value, PAYLOAD_TEXT_MAX);
  return text !== undefined && text.length > 0 && /^[A-Za-z0-9_-]+$/.test(text) ? text : undefined;
}
