/** RL15: ICE servers as the operator sets them, as the relay passes them on, and as a page takes them. */
import { utf8Length } from './bytes.ts';
import { parseIceUrl } from './ice-url.ts';
import { isRecord, parseList, parseText } from './json.ts';

export const ICE_SERVERS_MAX = 16;
const ICE_URLS_MAX = 16;
/** RFC 8489 §14.3; browsers throw for more. */
const TURN_USERNAME_MAX_BYTES = 509;
const TURN_CREDENTIAL_TEXT_MAX = 1024;

export type IceServer = {
  readonly urls: readonly string[];
  readonly username?: string;
  readonly credential?: string;
};

/** RL15: the first good entries; a bad one does not take the others away, or the whole welcome with it. */
export function usableIceServers(list: readonly unknown[]): readonly IceServer[] {
  return list
    .map((entry) => parseIceServer(entry))
    .filter((server) => server !== undefined)
    .slice(0, ICE_SERVERS_MAX);
}

/**
 * RL15: one entry of the operator's ICE setting, also as the relay passes it on. What this takes, every browser takes;
 * `turn(s):` needs a username and a credential, and without such a URL both are left out.
 */
export function parseIceServer(value: unknown): IceServer | undefined {
  if (!isRecord(value)) return undefined;
  const listed = typeof value['urls'] === 'string' ? [value['urls']] : value['urls'];
  const urls = parseList(listed, ICE_URLS_MAX, parseIceUrl);
  if (!urls || urls.length === 0) return undefined;
  if (!urls.some((url) => url.startsWith('turn'))) return { urls };
  const username = parseText(value['username'], TURN_USERNAME_MAX_BYTES);
  const credential = parseText(value['credential'], TURN_CREDENTIAL_TEXT_MAX);
  if (!username || !credential || utf8Length(username) > TURN_USERNAME_MAX_BYTES) return undefined;
  return { urls, username, credential };
}

/** PR1: TURN alone, and first what looks like any other TLS. */
export function turnOnly(servers: readonly IceServer[]): readonly IceServer[] {
  return ['turns:', 'turn:'].flatMap((scheme) =>
    servers.flatMap((server) => {
      const urls = server.urls.filter((url) => url.startsWith(scheme));
      return urls.length > 0 ? [{ ...server, urls }] : [];
    }),
  );
}
