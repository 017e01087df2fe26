/** Wallets of tests: keys in memory that sign texts as the real ones do. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { blake2b } from '@noble/hashes/blake2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { asciiBytes, concatBytes, toHex } from '../../src/engine/protocol/bytes.ts';
import type { WalletChain } from '../../src/engine/protocol/wallet.ts';

export type TestWallet = { readonly chain: WalletChain; readonly address: string; sign(text: string): string };

export const SUI_SCHEMES = ['Ed25519', 'Secp256k1', 'Secp256r1'] as const;
export type SuiScheme = (typeof SUI_SCHEMES)[number];

export function suiWallet(scheme: SuiScheme, secret: Uint8Array): TestWallet {
  const key = publicKeyOf(scheme, secret);
  const flag = Uint8Array.of(SUI_SCHEMES.indexOf(scheme));
  return {
    chain: 'sui',
    address: `0x${toHex(blake2b(concatBytes(flag, key), { dkLen: 32 }))}`,
    sign: (text) => {
      const message = new TextEncoder().encode(text);
      if (message.length >= 128 * 128) throw new Error('longer than two bytes of ULEB128 say');
      const { length } = message;
      const size = length < 128 ? [length] : [(length & 127) | 128, length >> 7];
      const digest = blake2b(concatBytes(Uint8Array.of(3, 0, 0, ...size), message), { dkLen: 32 });
      return base64(concatBytes(flag, signatureOf(scheme, secret, digest), key));
    },
  };
}

export function ethereumWallet(secret: Uint8Array): TestWallet {
  const address = keccak_256(secp256k1.getPublicKey(secret, false).subarray(1)).subarray(-20);
  return {
    chain: 'ethereum',
    address: `0x${toHex(address)}`,
    sign: (text) => {
      const message = new TextEncoder().encode(text);
      const prefix = asciiBytes(`\x19Ethereum Signed Message:\n${message.length}`);
      const hash = keccak_256(concatBytes(prefix, message));
      const signed = secp256k1.sign(hash, secret, { prehash: false, format: 'recovered' });
      return `0x${toHex(signed.subarray(1))}${toHex(Uint8Array.of(27 + (signed[0] ?? 0)))}`;
    },
  };
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function publicKeyOf(scheme: SuiScheme, secret: Uint8Array): Uint8Array {
  if (scheme === 'Ed25519') return ed25519.getPublicKey(secret);
  return scheme === 'Secp256k1' ? secp256k1.getPublicKey(secret) : p256.getPublicKey(secret);
}

function signatureOf(scheme: SuiScheme, secret: Uint8Array, digest: Uint8Array): Uint8Array {
  if (scheme === 'Ed25519') return ed25519.sign(digest, secret);
  return scheme === 'Secp256k1' ? secp256k1.sign(digest, secret) : p256.sign(digest, secret, { lowS: true });
}
