/**
 * Pre-key bundles on the way to, at, and from the relay (PROTOCOL.md RL16–RL20, LM10): a head and one-time blobs beside
 * it, sealed under the room's secret. To the relay they are opaque bytes of a bounded size; what they hold is drawn in
 * `crypto/pre-keys.ts`.
 */
import { fromBase64Url } from './bytes.ts';
import type { Bytes } from './bytes.ts';
import { parsePeerId, parseRoomId } from './ids.ts';
import type { PeerId, RoomId } from './ids.ts';
import { isRecord, parseList, parseText } from './json.ts';
import type { JsonRecord } from './json.ts';

/** LM10, in bytes, the seal included. Together with the places of their owner they fit into a socket's attachment. */
export const BUNDLE_HEAD_MAX_BYTES = 3072;
export const ONE_TIME_BLOB_MAX_BYTES = 1400;
/** One-time blobs that the relay keeps for one peer. */
export const ONE_TIME_BLOBS_MAX = 8;

/** As its owner publishes it. Blobs are unpadded base64url, of at least one byte. */
export type SealedBundle = { readonly head: string; readonly one_time: readonly string[] };

/** As it is handed out to one other peer. Without `one_time` where none is left, or this peer has had its own (RL18). */
export type HandedBundle = { readonly head: string; readonly one_time?: string };

/** The result of `fetch_bundle` and `exchange_bundles`. */
export type FetchedBundle = HandedBundle & { readonly peer_id: PeerId };

export type BundleRequest =
  | { readonly method: 'publish_bundle'; readonly params: { readonly room_id: RoomId } & SealedBundle }
  | { readonly method: 'fetch_bundle'; readonly params: { readonly room_id: RoomId; readonly peer_id: PeerId } }
  | { readonly method: 'delete_bundle'; readonly params: { readonly room_id: RoomId } }
  | {
      readonly method: 'exchange_bundles';
      /** `peer_id` is the other peer, whose bundle is asked for. */
      readonly params: { readonly room_id: RoomId; readonly peer_id: PeerId } & SealedBundle;
    };

export function parsePublishBundle(params: JsonRecord): BundleRequest | undefined {
  const room_id = parseRoomId(params['room_id']);
  const bundle = parseSealedBundle(params);
  return room_id && bundle && { method: 'publish_bundle', params: { room_id, ...bundle } };
}

export function parseFetchBundle(params: JsonRecord): BundleRequest | undefined {
  const room_id = parseRoomId(params['room_id']);
  const peer_id = parsePeerId(params['peer_id']);
  return room_id && peer_id && { method: 'fetch_bundle', params: { room_id, peer_id } };
}

export function parseDeleteBundle(params: JsonRecord): BundleRequest | undefined {
  const room_id = parseRoomId(params['room_id']);
  return room_id && { method: 'delete_bundle', params: { room_id } };
}

export function parseExchangeBundles(params: JsonRecord): BundleRequest | undefined {
  const room_id = parseRoomId(params['room_id']);
  const peer_id = parsePeerId(params['peer_id']);
  const bundle = parseSealedBundle(params);
  return room_id && peer_id && bundle && { method: 'exchange_bundles', params: { room_id, peer_id, ...bundle } };
}

/** A bundle in `welcome` or in a result; whatever else stands beside it is left out. */
export function parseHandedBundle(value: unknown): HandedBundle | undefined {
  if (!isRecord(value)) return undefined;
  const head = parseBlob(value['head'], BUNDLE_HEAD_MAX_BYTES);
  if (head === undefined) return undefined;
  if (value['one_time'] === undefined) return { head };
  const one_time = parseOneTime(value['one_time']);
  return one_time === undefined ? undefined : { head, one_time };
}

/** The bytes of a blob that a parser here has let through. */
export function blobBytes(blob: string): Bytes {
  // the same decoder took it before
  return fromBase64Url(blob) as Bytes;
}

/** `head` and `one_time` among the parameters of a call. */
export function parseSealedBundle(params: JsonRecord): SealedBundle | undefined {
  const head = parseBlob(params['head'], BUNDLE_HEAD_MAX_BYTES);
  const one_time = parseList(params['one_time'], ONE_TIME_BLOBS_MAX, parseOneTime);
  return head !== undefined && one_time ? { head, one_time } : undefined;
}

function parseOneTime(value: unknown): string | undefined {
  return parseBlob(value, ONE_TIME_BLOB_MAX_BYTES);
}

function parseBlob(value: unknown, maxBytes: number): string | undefined {
  const text = parseText(value, Math.ceil((maxBytes * 4) / 3));
  return text !== undefined && text.length > 0 && fromBase64Url(text) ? text : undefined;
}
