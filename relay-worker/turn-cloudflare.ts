/** TURN credentials by Cloudflare's TURN API (PROTOCOL.md TU3): it is told how long they are to be good for, and nothing else. */
import { parseIceUrl } from '../src/engine/protocol/ice-url.ts';
import { isRecord } from '../src/engine/protocol/json.ts';
import { usableIceServers } from '../src/engine/protocol/relay.ts';
import type { IceServer } from '../src/engine/protocol/relay.ts';
import type { CloudflareIssuer } from './ice-issuer.ts';
import { askOutside } from './turn-fetch.ts';
import type { Fetch } from './turn-fetch.ts';

export const API_ORIGIN = 'https://rtc.live.cloudflare.com';

/** Rejects where the API gives no TURN server. */
export async function cloudflareServers(
  { keyId, apiToken }: CloudflareIssuer,
  ttlS: number,
  fetch: Fetch,
): Promise<readonly IceServer[]> {
  const answer = await askOutside({
    url: `${API_ORIGIN}/v1/turn/keys/${keyId}/credentials/generate-ice-servers`,
    headers: { Authorization: `Bearer ${apiToken}` },
    body: { ttl: ttlS },
    fetch,
  });
  const servers = parseServers(answer);
  if (!servers.some(({ urls }) => urls.some((url) => url.startsWith('turn')))) throw new Error('turn: no server');
  return servers;
}

/** URLs that browsers do not take, or block (port 53), do not take the others with them. */
function parseServers(answer: unknown): readonly IceServer[] {
  const list = isRecord(answer) ? answer['iceServers'] : undefined;
  // before it was a list it was a single server
  const entries: readonly unknown[] = Array.isArray(list) ? list : [list];
  return usableIceServers(
    entries.map((entry) => {
      const urls: unknown = isRecord(entry) ? entry['urls'] : undefined;
      const listed: readonly unknown[] = Array.isArray(urls) ? urls : [urls];
      const usable = listed.filter((url) => parseIceUrl(url) !== undefined && !/:53(\?|$)/.test(String(url)));
      return isRecord(entry) ? { ...entry, urls: usable } : undefined;
    }),
  );
}
