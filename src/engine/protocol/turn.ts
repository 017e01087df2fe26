/**
 * How TURN credentials are asked for and told (PROTOCOL.md TU1–TU9): over `RELAY_RPC_PATH` under the admission token, or, where
 * the operator wants a wallet's word for it, over `TURN_PATH`, which hears of no room and no peer.
 */
import { isRecord, parseCount, parseText } from './json.ts';
import type { JsonRecord } from './json.ts';
import { parseCall, usableIceServers } from './relay.ts';
import type { IceServer, ParsedCall, RpcId } from './relay.ts';
import { TURN_MESSAGE_TEXT_MAX } from './turn-message.ts';
import { parseWalletAddress, parseWalletChain } from './wallet.ts';
import type { WalletChain } from './wallet.ts';

export const TURN_PATH = '/turn';
/** In seconds: the shortest and the longest life of issued credentials; the longest is what Cloudflare gives. */
export const TURN_TTL_MIN_S = 300;
export const TURN_TTL_MAX_S = 172_800;
/** Base64 of a Sui signature has 132 digits, hexadecimal of an Ethereum one 130. */
const SIGNATURE_TEXT_MAX = 256;

export type TurnRequest = {
  readonly method: 'turn_credentials';
  /** `if_any`: that there are none for a token is an answer, and no error. */
  readonly params: { readonly if_any?: true };
};

export type TurnWalletRequest =
  | { readonly method: 'turn_challenge'; readonly params: { readonly chain: WalletChain; readonly address: string } }
  /** `message`: the challenge as it came. `signature`: as wallets give it, Sui's in base64, Ethereum's as `0x…`. */
  | { readonly method: 'turn_redeem'; readonly params: { readonly message: string; readonly signature: string } };

/** `ttl_s`: so long from now. No point in time: the clocks of pages are wrong. */
export type IssuedServers = { readonly ice_servers: readonly IceServer[]; readonly ttl_s: number };

/** What is answered where a page has asked on the chance of it. */
export const NONE_ISSUED: IssuedServers = { ice_servers: [], ttl_s: 0 };

export type TurnChallenge = { readonly message: string };

export type TurnResult = IssuedServers | TurnChallenge;

export function formatTurnRequest(request: TurnRequest | TurnWalletRequest, id: RpcId): string {
  return JSON.stringify({ jsonrpc: '2.0', id, ...request });
}

/** `undefined` where the text is another call, or none: then it is for the room to say so. */
export function parseTurnText(text: string): ParsedCall<TurnRequest> | undefined {
  const parsed = parseCall(text, (method) => (method === 'turn_credentials' ? parseCredentials : undefined));
  return parsed.type === 'request' || parsed.reason === 'invalid-params' ? parsed : undefined;
}

export function parseTurnWalletText(text: string): ParsedCall<TurnWalletRequest> {
  return parseCall(text, (method) => {
    if (method === 'turn_challenge') return parseChallengeRequest;
    return method === 'turn_redeem' ? parseRedeem : undefined;
  });
}

function parseCredentials(params: JsonRecord): TurnRequest {
  return { method: 'turn_credentials', params: params['if_any'] === true ? { if_any: true } : {} };
}

function parseChallengeRequest(params: JsonRecord): TurnWalletRequest | undefined {
  const chain = parseWalletChain(params['chain']);
  const address = chain && parseWalletAddress(chain, params['address']);
  return address === undefined || !chain ? undefined : { method: 'turn_challenge', params: { chain, address } };
}

function parseRedeem(params: JsonRecord): TurnWalletRequest | undefined {
  const message = parseText(params['message'], TURN_MESSAGE_TEXT_MAX);
  const signature = parseText(params['signature'], SIGNATURE_TEXT_MAX);
  if (message === undefined || signature === undefined) return undefined;
  return { method: 'turn_redeem', params: { message, signature } };
}

/** Entries that no browser would take are left out; `undefined` where none is left. */
export function parseIssuedServers(value: unknown): IssuedServers | undefined {
  if (!isRecord(value) || !Array.isArray(value['ice_servers'])) return undefined;
  const ice_servers = usableIceServers(value['ice_servers'] as readonly unknown[]);
  const ttl_s = parseCount(value['ttl_s'], TURN_TTL_MAX_S);
  return ttl_s !== undefined && ttl_s > 0 && ice_servers.length > 0 ? { ice_servers, ttl_s } : undefined;
}

export function parseTurnChallenge(value: unknown): TurnChallenge | undefined {
  const message = isRecord(value) ? parseText(value['message'], TURN_MESSAGE_TEXT_MAX) : undefined;
  return message === undefined ? undefined : { message };
}
