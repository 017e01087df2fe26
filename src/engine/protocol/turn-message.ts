/**
 * What a wallet signs to be issued TURN credentials (PROTOCOL.md TU6): the text of ERC-4361, which wallets show as a sign-in
 * and hold against the page's own address; for Sui the same text with its name (CAIP-122). Written and read here by both
 * sides: the relay makes it, and a page looks at it before any wallet does.
 */
import { parseWalletAddress } from './wallet.ts';
import type { WalletChain } from './wallet.ts';

export type TurnMessage = {
  /** Of the page: `https://page.example`, or with `http:`. */
  readonly origin: string;
  readonly chain: WalletChain;
  /** `0x` and 64 lower-case digits (Sui), or 40 in the letters of ERC-55 (Ethereum). */
  readonly address: string;
  /** The issuer: the relay's address with `TURN_PATH`. */
  readonly uri: string;
  /** Hexadecimal. */
  readonly nonce: string;
  /** RFC 3339 in UTC, as `Date.prototype.toISOString` writes it. */
  readonly issuedAt: string;
  readonly expiresAt: string;
};

export const TURN_MESSAGE_TEXT_MAX = 2048;
const ORIGIN_TEXT_MAX = 300;
const NONCE_TEXT_MAX = 128;
const TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$/;

const CHAINS: Record<WalletChain, { readonly name: string; readonly id: string }> = {
  ethereum: { name: 'Ethereum', id: '1' },
  sui: { name: 'Sui', id: 'mainnet' },
};

const STATEMENT = 'Let this page use the TURN servers of a relay. It moves nothing, costs nothing and names no room.';

/** As browsers write it; `null`, which several origins share, is none. */
export function parsePageOrigin(value: unknown): string | undefined {
  const isOrigin = typeof value === 'string' && value.length <= ORIGIN_TEXT_MAX;
  return isOrigin && /^https?:\/\/[0-9a-z.-]+(?::[0-9]{1,5})?$|^https?:\/\/\[[0-9a-f:]+\](?::[0-9]{1,5})?$/.test(value)
    ? value
    : undefined;
}

/** Lines end with `\n`; the last one does not. */
export function formatTurnMessage(message: TurnMessage): string {
  const { origin, chain, address, uri, nonce, issuedAt, expiresAt } = message;
  return [
    `${origin} wants you to sign in with your ${CHAINS[chain].name} account:`,
    address,
    '',
    STATEMENT,
    '',
    `URI: ${uri}`,
    'Version: 1',
    `Chain ID: ${CHAINS[chain].id}`,
    `Nonce: ${nonce}`,
    `Issued At: ${issuedAt}`,
    `Expiration Time: ${expiresAt}`,
  ].join('\n');
}

/** `undefined` for whatever `formatTurnMessage` would not have written. */
export function parseTurnMessage(text: unknown): TurnMessage | undefined {
  if (typeof text !== 'string' || text.length > TURN_MESSAGE_TEXT_MAX) return undefined;
  const [first = '', address, , , , ...fields] = text.split('\n');
  const [, origin, name] = /^(\S+) wants you to sign in with your (\w+) account:$/.exec(first) ?? [];
  const chain = (Object.keys(CHAINS) as WalletChain[]).find((each) => CHAINS[each].name === name);
  const [uri, , , nonce, issuedAt, expiresAt] = fields.map((line) => line.slice(line.indexOf(': ') + 2));
  if (!chain || parsePageOrigin(origin) === undefined || parseWalletAddress(chain, address) === undefined) {
    return undefined;
  }
  if (uri === undefined || !/^https?:\/\/[!-~]+$/.test(uri)) return undefined;
  if (nonce === undefined || nonce.length > NONCE_TEXT_MAX || !/^[0-9a-f]+$/.test(nonce)) return undefined;
  if (!TIME.test(issuedAt ?? '') || !TIME.test(expiresAt ?? '')) return undefined;
  const message = { origin, chain, address, uri, nonce, issuedAt, expiresAt } as TurnMessage;
  return formatTurnMessage(message) === text ? message : undefined;
}
