/** The operator's ICE servers, told to every peer in `welcome`. None by default: no third party learns of a call. */
import { isRecord, parseJson } from '../src/engine/protocol/json.ts';
import { usableIceServers } from '../src/engine/protocol/relay.ts';
import type { IceServer, TurnOffer } from '../src/engine/protocol/relay.ts';
import { turnOffer } from './ice-issuer.ts';
import type { TurnEnv } from './ice-issuer.ts';

/** What `welcome` has room for beside the longest list of peers. */
export const ICE_SERVERS_TEXT_MAX = 32 * 1024;

/**
 * Reads the `ICE_SERVERS` setting: JSON text (or the list itself) of `RTCIceServer` entries. Entries that a browser
 * would refuse are left out, so that one typing error does not take the others away; so are those from the one on that
 * no longer fits into a `welcome`.
 */
export function parseIceServers(setting: unknown): readonly IceServer[] {
  const value = typeof setting === 'string' ? parseJson(setting) : setting;
  const entries: readonly unknown[] = Array.isArray(value) ? value : isRecord(value) ? [value] : [];
  const servers = usableIceServers(entries);
  const ends = servers.map((_, index) => JSON.stringify(servers.slice(0, index + 1)).length);
  return servers.filter((_, index) => (ends[index] ?? Infinity) <= ICE_SERVERS_TEXT_MAX);
}

/** Whether who asks is given the use of a TURN host: credentials for a token, or a password that every `welcome` tells (TU1). */
export function isTurnForTokens(env: TurnEnv & { readonly ICE_SERVERS?: unknown }): boolean {
  const { iceServers, turn } = iceOffer(env);
  return turn === 'token' || iceServers.some(({ credential }) => credential !== undefined);
}

/** What every `welcome` says of helpers: those that the operator lists, and to whom TURN credentials are issued besides (TU1). */
export function iceOffer(env: TurnEnv & { readonly ICE_SERVERS?: unknown }): {
  readonly iceServers: readonly IceServer[];
  readonly turn: TurnOffer | undefined;
} {
  return { iceServers: parseIceServers(env.ICE_SERVERS), turn: turnOffer(env) };
}
