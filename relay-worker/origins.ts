/**
 * Which pages may use this relay (PROTOCOL.md AD16): the `ALLOWED_ORIGINS` setting against the `Origin` that browsers send
 * with every WebSocket and every POST. It keeps other people's pages away; a program that is no browser says what it likes,
 * and is kept out by the room's token, or by nothing.
 */
export type OriginRule =
  | { readonly type: 'any' }
  | { readonly type: 'listed'; readonly exact: ReadonlySet<string>; readonly suffixes: readonly OriginSuffix[] }
  /** Nobody passes, until the operator has put it right. */
  | { readonly type: 'malformed' };

/** `https://` and `.example.org` of `https://*.example.org`; the port, if any, stands with the host. */
type OriginSuffix = { readonly scheme: string; readonly host: string };

const ANY: OriginRule = { type: 'any' };
const MALFORMED: OriginRule = { type: 'malformed' };
const WILDCARD = '://*.';
/** Stands in for the star while an entry is read as a URL. */
const STAND_IN = 'x';
const ORIGINS_MAX = 256;

/** Entries are split by commas or white space. Not set = any origin; set and empty, or with one bad entry = none. */
export function parseOrigins(setting: unknown): OriginRule {
  if (setting === undefined) return ANY;
  if (typeof setting !== 'string') return MALFORMED;
  const entries = setting.split(/[\s,]+/).filter((entry) => entry !== '');
  if (entries.length === 0 || entries.length > ORIGINS_MAX) return MALFORMED;
  const exact = new Set<string>();
  const suffixes: OriginSuffix[] = [];
  for (const entry of entries) {
    const suffix = parseSuffix(entry);
    if (suffix) suffixes.push(suffix);
    else if (isOrigin(entry)) exact.add(entry);
    else return MALFORMED;
  }
  return { type: 'listed', exact, suffixes };
}

/** `origin`: the header's value. A request without one comes from no page, and is refused where there is a list. */
export function isAllowedOrigin(rule: OriginRule, origin: string | null): boolean {
  if (rule.type === 'any') return true;
  if (rule.type === 'malformed' || origin === null) return false;
  return rule.exact.has(origin) || rule.suffixes.some((suffix) => endsWith(origin, suffix));
}

function parseSuffix(entry: string): OriginSuffix | undefined {
  const at = entry.indexOf(WILDCARD);
  if (at < 0 || !isOrigin(entry.replace('*', STAND_IN))) return undefined;
  const host = entry.slice(at + WILDCARD.length - 1);
  // a star above a whole top-level domain is a slip, never a wish
  return /^\.[^.:]+\.[^.:]+/.test(host) ? { scheme: entry.slice(0, at + 3), host } : undefined;
}

function endsWith(origin: string, { scheme, host }: OriginSuffix): boolean {
  if (!origin.startsWith(scheme) || !origin.endsWith(host) || origin.length <= scheme.length + host.length)
    return false;
  // what the star stands for: labels of a host and nothing that would be read as another part of a URL
  return /^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(origin.slice(scheme.length, origin.length - host.length));
}

/** Exactly as a browser writes it (RFC 6454 §6.2): a default port, capitals or a slash would never match. */
function isOrigin(text: string): boolean {
  if (!/^https?:\/\//.test(text) || text.includes('*')) return false;
  try {
    return new URL(text).origin === text;
  } catch {
    return false;
  }
}
