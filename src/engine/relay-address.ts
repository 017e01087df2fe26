/** Where the relay and the page's own ICE servers are: checked once, at the page's call. */
import { TaiError } from './protocol/errors.ts';
import { RELAY_PATH, parseIceServer } from './protocol/relay.ts';
import type { IceServer } from './protocol/relay.ts';
import { parseWalletAddress, parseWalletChain } from './protocol/wallet.ts';
import type { TurnWallet } from './session-types.ts';

const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * `wss:` (or `https:`) address; without TLS only on the machine itself. Path, query and credentials are not taken over, so
 * that the address says nothing about the room. Throws `TaiError('usage')`.
 */
export function relayUrl(relay: string): URL {
  const url = URL.parse(relay);
  const isSecure = url?.protocol === 'wss:' || url?.protocol === 'https:';
  const isOpenly = (url?.protocol === 'ws:' || url?.protocol === 'http:') && isLocal(url);
  if (!url || !(isSecure || isOpenly)) {
    throw new TaiError('usage', 'relay: must be a wss: or https: address (ws: or http: only for this machine)');
  }
  return new URL(`${isSecure ? 'wss' : 'ws'}://${url.host}${RELAY_PATH}`);
}

/** The relay is on this machine: so are, in a trial, the TURN host and the others. */
export function isLocal({ hostname }: URL): boolean {
  return LOOPBACK.test(hostname);
}

/** As the engine uses them. Throws `TaiError('usage')` for one that is none. */
export function checkedIceServers(servers: readonly unknown[] | undefined): readonly IceServer[] | undefined {
  return servers?.map((server) => {
    const checked = parseIceServer(server);
    if (!checked)
      throw new TaiError(
        'usage',
        'iceServers: stun: or turn(s): urls (RFC 7064, 7065), turn with username and credential',
      );
    return checked;
  });
}

/** Throws `TaiError('usage')` for one that could not sign: else it would be found out in a call, when somebody cannot be reached. */
export function checkedWallet(wallet: TurnWallet | undefined): TurnWallet | undefined {
  if (wallet === undefined) return undefined;
  const chain = parseWalletChain(wallet.chain);
  const isGood = chain && parseWalletAddress(chain, wallet.address) !== undefined && typeof wallet.sign === 'function';
  if (isGood) return wallet;
  throw new TaiError('usage', 'turnWallet: chain "sui" or "ethereum", an address of it, and sign(message)');
}

/** `found`: the platform's. Throws `TaiError('unsupported-browser')`: else every attempt would fail, and look like a relay that is away. */
export function requireWebSocket(found: unknown = globalThis.WebSocket): void {
  if (typeof found === 'function') return;
  throw new TaiError('unsupported-browser', 'relay: WebSocket is missing here; Node has it from version 22 on');
}
