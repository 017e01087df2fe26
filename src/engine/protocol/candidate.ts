/**
 * ICE candidates as text (RFC 8839 §5.1), as far as hidden addresses need them (PROTOCOL.md PR3–PR6). Browsers take more than they
 * should: host names, `.local`, TCP, any address. What is not exactly of this form is not understood, and so not passed on.
 */
import { parseIpAddress } from './ip-address.ts';
import type { IpAddress } from './ip-address.ts';

export type IceCandidate = {
  readonly foundation: string;
  readonly component: number;
  /** In lower case. */
  readonly transport: string;
  readonly priority: number;
  /** As it stands there: an address or a name. */
  readonly host: string;
  /** `undefined` for a name. */
  readonly address: IpAddress | undefined;
  readonly port: number;
  readonly type: string;
  /** What follows the type, less where the candidate comes from (`raddr`, `rport`). */
  readonly extensions: ReadonlyMap<string, string>;
};

const PRIORITY_MAX = 2 ** 31 - 1;
const COMPONENT_MAX = 256;
const PORT_MAX = 65_535;
const HOST_TEXT_MAX = 253;
/** Of those that browsers add, only these say which exchange it belongs to. `network-cost`, for one, tells of a mobile network. */
const KEPT_EXTENSIONS = ['generation', 'ufrag'];

/** The whole text is one candidate, or `undefined`. */
export function parseIceCandidate(text: string): IceCandidate | undefined {
  const [head = '', component = '', transport = '', priority = '', host = '', port = '', typ, type = '', ...rest] =
    text.split(' ');
  const foundation = /^candidate:([\dA-Za-z+/]{1,32})$/.exec(head)?.[1];
  const numbers = [
    parseNumber(component, COMPONENT_MAX),
    parseNumber(priority, PRIORITY_MAX),
    parseNumber(port, PORT_MAX),
  ];
  const [componentId, rank, portNumber] = numbers;
  if (foundation === undefined || componentId === undefined || rank === undefined || portNumber === undefined)
    return undefined;
  if (!/^[A-Za-z-]{1,16}$/.test(transport) || typ !== 'typ' || !/^[a-z]{1,16}$/.test(type)) return undefined;
  if (!/^[\dA-Za-z.:_-]+$/.test(host) || host.length > HOST_TEXT_MAX) return undefined;
  const extensions = parseExtensions(rest);
  if (!extensions) return undefined;
  return {
    foundation,
    component: componentId,
    transport: transport.toLowerCase(),
    priority: rank,
    host,
    address: parseIpAddress(host),
    port: portNumber,
    type,
    extensions,
  };
}

/** Where it comes from is said as RFC 8839 §5.1 has it for who does not want to: the unspecified address, and port 9. */
export function formatRelayed(candidate: IceCandidate): string {
  const { foundation, component, transport, priority, host, port, type, extensions } = candidate;
  const source = candidate.address?.length === 16 ? '::' : '0.0.0.0';
  const kept = KEPT_EXTENSIONS.flatMap((name) => {
    const value = extensions.get(name);
    return value === undefined ? [] : [` ${name} ${value}`];
  });
  const place = `${transport} ${priority} ${host} ${port} typ ${type}`;
  return `candidate:${foundation} ${component} ${place} raddr ${source} rport 9${kept.join('')}`;
}

/** At a TURN host, reached by UDP, on the one component that there is where RTCP is multiplexed. */
export function isRelayed({ type, transport, address, port, component }: IceCandidate): boolean {
  return type === 'relay' && transport === 'udp' && address !== undefined && port > 0 && component === 1;
}

function parseExtensions(words: readonly string[]): ReadonlyMap<string, string> | undefined {
  if (words.length % 2 !== 0 || !words.every((word) => /^[!-~]{1,256}$/.test(word))) return undefined;
  const extensions = new Map<string, string>();
  for (let i = 0; i < words.length; i += 2) {
    const [name = '', value = ''] = words.slice(i, i + 2);
    // of two that say different things, browsers take one or the other
    if (extensions.has(name)) return undefined;
    extensions.set(name, value);
  }
  extensions.delete('raddr');
  extensions.delete('rport');
  return extensions;
}

function parseNumber(text: string, max: number): number | undefined {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : undefined;
  return value !== undefined && value <= max ? value : undefined;
}
