/** Accounts of wallets, as both sides write them (PROTOCOL.md TU5). Apart from what is signed: a page checks them before it has that. */

export type WalletChain = 'sui' | 'ethereum';

const ADDRESSES: Record<WalletChain, RegExp> = {
  ethereum: /^0x[0-9a-fA-F]{40}$/,
  sui: /^0x[0-9a-f]{64}$/,
};

export function parseWalletChain(value: unknown): WalletChain | undefined {
  return value === 'sui' || value === 'ethereum' ? value : undefined;
}

/** `undefined` where the chain has no such address. Ethereum's in any letters: which are right takes Keccak to tell. */
export function parseWalletAddress(chain: WalletChain, value: unknown): string | undefined {
  return typeof value === 'string' && ADDRESSES[chain].test(value) ? value : undefined;
}
