/** The operator's ICE servers, told to every peer in `welcome`. None by default: no third party learns of a call. */
import { isRecord, parseJson } from '../src/engine/protocol/json.ts';
import { ICE_SERVERS_MAX, parseIceServer } from '../src/engine/protocol/relay.ts';
import type { IceServer } from '../src/engine/protocol/relay.ts';

/**
 * Reads the `ICE_SERVERS` setting: JSON text (or the list itself) of `RTCIceServer` entries. Entries that are no
 * `stun(s):` or `turn(s):` servers are left out, so that one typing error does not take the others away.
 */
export function parseIceServers(setting: unknown): readonly IceServer[] {
  const value = typeof setting === 'string' ? parseJson(setting) : setting;
  const entries: readonly unknown[] = Array.isArray(value) ? value : isRecord(value) ? [value] : [];
  return entries
    .map((entry) => parseIceServer(entry))
    .filter((server) => server !== undefined)
    .slice(0, ICE_SERVERS_MAX);
}
