/**
 * What is said to a mailbox: JSON-RPC 2.0 over HTTP, one call a request (PROTOCOL.md MB1–MB12). To the relay everything in
 * a box is opaque bytes of a few fixed sizes; what they hold is sealed in `keys/mailbox-keys.ts`.
 */
import { parseHandedBundle, parseSealedBundle } from './bundle.ts';
import type { HandedBundle, SealedBundle } from './bundle.ts';
import { fromBase64Url } from './bytes.ts';
import { isRecord, parseCount, parseList, parseText } from './json.ts';
import type { JsonRecord } from './json.ts';
import { MAIL_NONCE_BYTES } from './mailbox-pass.ts';
import type { MailRole } from './mailbox-pass.ts';
import { parseCall } from './relay.ts';
import type { ParsedCall, RpcId } from './relay.ts';

/** A path of its own, so that no log of addresses tells one box from another. */
export const MAILBOX_RPC_PATH = '/mailbox/rpc';

/** MB6: the sizes that a blob has, sealed: a padding bucket (EN3), and nonce and tag (EN2). No other is taken. */
export const MAIL_BLOB_SIZES_BYTES: readonly number[] = [540, 2_076, 8_220, 32_796];
export const MAIL_BLOB_MAX_BYTES = 32_796;
/** LM21. */
export const MAIL_BLOBS_MAX = 128;
/** MB7: nothing stays for longer. */
export const MAIL_TTL_MAX_S = 86_400;
/** What a list is cut to, so that it fits into the longest text whatever stands around it. */
export const MAIL_LIST_TEXT_MAX = 60 * 1024;

const ID_TEXT = Math.ceil((MAIL_NONCE_BYTES * 4) / 3);

/** 16 random bytes in base64url: the nonce of the pass that it was put with. */
export type MailId = string;

export type MailRequest =
  | { readonly method: 'mailbox_put'; readonly params: { readonly blob: string; readonly ttl_s?: number } }
  | { readonly method: 'mailbox_list'; readonly params: { readonly after?: MailId } }
  | { readonly method: 'mailbox_ack'; readonly params: { readonly ids: readonly MailId[] } }
  | { readonly method: 'mailbox_publish_bundle'; readonly params: SealedBundle & { readonly ttl_s?: number } }
  | { readonly method: 'mailbox_fetch_bundle'; readonly params: Readonly<Record<string, never>> }
  | { readonly method: 'mailbox_delete'; readonly params: Readonly<Record<string, never>> };

/** MB3: who may ask for what. */
export const MAIL_ROLES: Readonly<Record<MailRequest['method'], MailRole>> = {
  mailbox_put: 'put',
  mailbox_list: 'take',
  mailbox_ack: 'take',
  mailbox_publish_bundle: 'take',
  mailbox_fetch_bundle: 'put',
  mailbox_delete: 'take',
};

export type ListedMail = { readonly id: MailId; readonly blob: string };
/** Oldest first. `has_more`: not all that lies there has found room; ask again with the last id as `after`. */
export type MailList = { readonly blobs: readonly ListedMail[]; readonly has_more: boolean };

export type MailResult = MailList | HandedBundle | Readonly<Record<string, never>>;

export type ParsedMailRequest = ParsedCall<MailRequest>;

/** Read by the relay. Batches are refused as `invalid-request` (RL4). */
export function parseMailText(text: string): ParsedMailRequest {
  return parseCall(text, (method) =>
    Object.hasOwn(PARSERS, method) ? PARSERS[method as MailRequest['method']] : undefined,
  );
}

const PARSERS: Record<MailRequest['method'], (params: JsonRecord) => MailRequest | undefined> = {
  mailbox_put: (params) => {
    const blob = parseMailBlob(params['blob']);
    const ttl = parseTtl(params);
    return blob !== undefined && ttl ? { method: 'mailbox_put', params: { blob, ...ttl } } : undefined;
  },
  mailbox_list: (params) => {
    if (params['after'] === undefined) return { method: 'mailbox_list', params: {} };
    const after = parseMailId(params['after']);
    return after === undefined ? undefined : { method: 'mailbox_list', params: { after } };
  },
  mailbox_ack: (params) => {
    const ids = parseList(params['ids'], MAIL_BLOBS_MAX, parseMailId);
    return ids && { method: 'mailbox_ack', params: { ids } };
  },
  mailbox_publish_bundle: (params) => {
    const bundle = parseSealedBundle(params);
    const ttl = parseTtl(params);
    return bundle && ttl ? { method: 'mailbox_publish_bundle', params: { ...bundle, ...ttl } } : undefined;
  },
  mailbox_fetch_bundle: () => ({ method: 'mailbox_fetch_bundle', params: {} }),
  mailbox_delete: () => ({ method: 'mailbox_delete', params: {} }),
};

export function formatMailRequest(request: MailRequest, id?: RpcId): string {
  return JSON.stringify({ jsonrpc: '2.0', ...(id === undefined ? {} : { id }), ...request });
}

/** Read by the client: the result of `mailbox_list`. */
export function parseMailList(value: unknown): MailList | undefined {
  if (!isRecord(value) || typeof value['has_more'] !== 'boolean') return undefined;
  const blobs = parseList(value['blobs'], MAIL_BLOBS_MAX, (item) => {
    if (!isRecord(item)) return undefined;
    const id = parseMailId(item['id']);
    const blob = parseMailBlob(item['blob']);
    return id !== undefined && blob !== undefined ? { id, blob } : undefined;
  });
  return blobs && { blobs, has_more: value['has_more'] };
}

export { parseHandedBundle };

function parseMailId(value: unknown): MailId | undefined {
  const text = parseText(value, ID_TEXT);
  return text !== undefined && fromBase64Url(text)?.length === MAIL_NONCE_BYTES ? text : undefined;
}

function parseMailBlob(value: unknown): string | undefined {
  const text = parseText(value, Math.ceil((MAIL_BLOB_MAX_BYTES * 4) / 3));
  const bytes = text === undefined ? undefined : fromBase64Url(text);
  return bytes && MAIL_BLOB_SIZES_BYTES.includes(bytes.length) ? text : undefined;
}

/** `undefined` for a life that is none; an empty record where none is asked for. */
function parseTtl(params: JsonRecord): { readonly ttl_s?: number } | undefined {
  if (params['ttl_s'] === undefined) return {};
  const ttl_s = parseCount(params['ttl_s'], MAIL_TTL_MAX_S);
  return ttl_s === undefined || ttl_s === 0 ? undefined : { ttl_s };
}
