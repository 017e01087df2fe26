/**
 * What the operator says of TURN credentials (PROTOCOL.md TU1, TU4, TU8): who makes them, for how long, and for whom. Settings are
 * taken as a whole or not at all: where one is missing or malformed, none are issued, and a word says which it is.
 */
import { parseIceUrl } from '../src/engine/protocol/ice-url.ts';
import { parseJson, parseList } from '../src/engine/protocol/json.ts';
import type { TurnOffer } from '../src/engine/protocol/relay.ts';
import { TURN_TTL_MAX_S, TURN_TTL_MIN_S } from '../src/engine/protocol/turn.ts';

/** As the operator has set them: outside input. Three of them are secrets. */
export type TurnEnv = {
  readonly TURN_URLS?: unknown;
  readonly TURN_SECRET?: unknown;
  readonly TURN_TTL_S?: unknown;
  readonly TURN_REQUIRES?: unknown;
  readonly CLOUDFLARE_TURN_KEY_ID?: unknown;
  readonly CLOUDFLARE_TURN_API_TOKEN?: unknown;
  readonly STAKE_RPC_URL?: unknown;
  readonly STAKE_MINIMUM?: unknown;
  readonly STAKE_COIN_TYPE?: unknown;
};

/** Long enough for most calls. A connection that stands outlives it at coturn, and a page asks for more before it is over. */
export const TURN_TTL_DEFAULT_S = 21_600;
/** Whoever learns one pair of name and password can try secrets against it at home, so that they must not be words. */
export const TURN_SECRET_TEXT_MIN = 32;
const TURN_SECRET_TEXT_MAX = 256;
const TURN_URLS_MAX = 8;
const KEY_ID = /^[0-9A-Za-z_-]{8,128}$/;
const API_TOKEN = /^[!-~]{16,512}$/;
/** A Move struct, as `0x2::sui::SUI`. */
const COIN_TYPE = /^0x[0-9a-fA-F]{1,64}::[A-Za-z_][0-9A-Za-z_]{0,127}::[A-Za-z_][0-9A-Za-z_<>:,]{0,255}$/;
const URL_TEXT_MAX = 512;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** The names of settings: the word that `/healthz` says (TU4). */
export type TurnFault = keyof TurnEnv;

export type RestIssuer = { readonly type: 'rest'; readonly urls: readonly string[]; readonly secret: string };
export type CloudflareIssuer = { readonly type: 'cloudflare'; readonly keyId: string; readonly apiToken: string };

export type StakeSettings = {
  readonly rpcUrl: string;
  /** In the smallest unit: MIST, or that of the coin. */
  readonly minimum: bigint;
  /** A balance of this coin counts; without it, what is staked with validators. */
  readonly coinType: string | undefined;
};

export type TurnSettings = {
  readonly offer: TurnOffer;
  readonly ttlS: number;
  readonly issuer: RestIssuer | CloudflareIssuer;
  readonly stake: StakeSettings | undefined;
};

export type TurnSetting =
  | { readonly type: 'off' }
  | { readonly type: 'on'; readonly settings: TurnSettings }
  | { readonly type: 'fault'; readonly fault: TurnFault };

/** An empty text is a setting that was not made. */
export function parseTurnSettings(env: TurnEnv): TurnSetting {
  const fault = (name: TurnFault): TurnSetting => ({ type: 'fault', fault: name });
  const issuer = parseIssuer(env);
  if (typeof issuer === 'string') return fault(issuer);
  const stake = parseStake(env);
  if (typeof stake === 'string') return fault(stake);
  if (!issuer) {
    // asked for, and nobody there to do it
    const isAskedFor = isSet(env.TURN_REQUIRES) || isSet(env.TURN_TTL_S) || stake !== undefined;
    return isAskedFor ? fault('TURN_URLS') : { type: 'off' };
  }
  const offer = isSet(env.TURN_REQUIRES) ? env.TURN_REQUIRES : 'token';
  // a stake without a wallet's word would be anybody's
  if ((offer !== 'token' && offer !== 'wallet') || (stake && offer === 'token')) return fault('TURN_REQUIRES');
  const ttlS = parseTtl(env.TURN_TTL_S);
  return ttlS === undefined ? fault('TURN_TTL_S') : { type: 'on', settings: { offer, ttlS, issuer, stake } };
}

/** What `welcome` says. */
export function turnOffer(env: TurnEnv): TurnOffer | undefined {
  const setting = parseTurnSettings(env);
  return setting.type === 'on' ? setting.settings.offer : undefined;
}

/** What `/healthz` says: nothing where TURN is off, and never a value. */
export function turnHealth(env: TurnEnv): { readonly turn?: string } {
  const setting = parseTurnSettings(env);
  if (setting.type === 'off') return {};
  return { turn: setting.type === 'on' ? setting.settings.offer : `bad ${setting.fault}` };
}

function isSet(setting: unknown): boolean {
  return setting !== undefined && setting !== '';
}

function parseIssuer(env: TurnEnv): RestIssuer | CloudflareIssuer | TurnFault | undefined {
  const { TURN_URLS, TURN_SECRET, CLOUDFLARE_TURN_KEY_ID: keyId, CLOUDFLARE_TURN_API_TOKEN: apiToken } = env;
  const isRest = isSet(TURN_URLS) || isSet(TURN_SECRET);
  const isCloudflare = isSet(keyId) || isSet(apiToken);
  if (isRest && isCloudflare) return 'CLOUDFLARE_TURN_KEY_ID';
  if (isCloudflare) {
    if (typeof keyId !== 'string' || !KEY_ID.test(keyId)) return 'CLOUDFLARE_TURN_KEY_ID';
    if (typeof apiToken !== 'string' || !API_TOKEN.test(apiToken)) return 'CLOUDFLARE_TURN_API_TOKEN';
    return { type: 'cloudflare', keyId, apiToken };
  }
  if (!isRest) return undefined;
  const urls = parseUrls(TURN_URLS);
  if (!urls) return 'TURN_URLS';
  const isSecret =
    typeof TURN_SECRET === 'string' &&
    TURN_SECRET.length >= TURN_SECRET_TEXT_MIN &&
    TURN_SECRET.length <= TURN_SECRET_TEXT_MAX &&
    // coturn reads it from a line of its configuration
    /^[!-~]+$/.test(TURN_SECRET);
  return isSecret ? { type: 'rest', urls, secret: TURN_SECRET } : 'TURN_SECRET';
}

/** JSON text of a list, or the list itself, of `turn:` and `turns:` URLs (RL15). One bad URL, and there are none. */
function parseUrls(setting: unknown): readonly string[] | undefined {
  const urls = parseList(typeof setting === 'string' ? parseJson(setting) : setting, TURN_URLS_MAX, parseIceUrl);
  return urls && urls.length > 0 && urls.every((url) => url.startsWith('turn')) ? urls : undefined;
}

function parseTtl(setting: unknown): number | undefined {
  if (!isSet(setting)) return TURN_TTL_DEFAULT_S;
  const value = typeof setting === 'string' && /^[0-9]{1,6}$/.test(setting) ? Number(setting) : setting;
  const isGood =
    typeof value === 'number' && Number.isInteger(value) && value >= TURN_TTL_MIN_S && value <= TURN_TTL_MAX_S;
  return isGood ? value : undefined;
}

function parseStake(env: TurnEnv): StakeSettings | TurnFault | undefined {
  const { STAKE_RPC_URL, STAKE_MINIMUM, STAKE_COIN_TYPE } = env;
  if (!isSet(STAKE_RPC_URL) && !isSet(STAKE_MINIMUM) && !isSet(STAKE_COIN_TYPE)) return undefined;
  const rpcUrl = parseRpcUrl(STAKE_RPC_URL);
  if (rpcUrl === undefined) return 'STAKE_RPC_URL';
  if (typeof STAKE_MINIMUM !== 'string' || !/^[1-9][0-9]{0,38}$/.test(STAKE_MINIMUM)) return 'STAKE_MINIMUM';
  const coinType = isSet(STAKE_COIN_TYPE) ? STAKE_COIN_TYPE : undefined;
  if (coinType !== undefined && (typeof coinType !== 'string' || !COIN_TYPE.test(coinType))) return 'STAKE_COIN_TYPE';
  return { rpcUrl, minimum: BigInt(STAKE_MINIMUM), coinType };
}

/** Without TLS on this machine only: whoever sits between could say that anybody has a stake. */
function parseRpcUrl(setting: unknown): string | undefined {
  const url = typeof setting === 'string' && setting.length <= URL_TEXT_MAX ? URL.parse(setting) : null;
  if (!url || url.username !== '' || url.password !== '') return undefined;
  const isLocal = url.protocol === 'http:' && LOOPBACK.test(url.hostname);
  return url.protocol === 'https:' || isLocal ? url.href : undefined;
}
