/**
 * Signatures of wallets over a text (PROTOCOL.md TU7). The one place of the relay that checks a signature which is not the room's;
 * it knows of no room, and nothing of a room's can reach it (test/architecture).
 *
 * - Ethereum: EIP-191 version 0x45, `keccak256("\x19Ethereum Signed Message:\n" ‖ length ‖ text)`, secp256k1 with recovery; of plain
 *   accounts, not of contracts (EIP-1271), which take a chain to ask.
 * - Sui: `flag ‖ signature ‖ public key` over `BLAKE2b-256(intent 03 00 00 ‖ BCS vector of the text)`; flags 0 (Ed25519), 1
 *   (Secp256k1), 2 (Secp256r1); the two curves of ECDSA hash that once more, by SHA-256. Multisig, zkLogin and passkeys are refused.
 *
 * Traps: malleable signatures (high `s`) and Ed25519 keys of small order are refused, so that a signature has one spelling and one signer.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { blake2b } from '@noble/hashes/blake2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { asciiBytes, concatBytes, equalBytes, fromHex, toHex } from '../src/engine/protocol/bytes.ts';
import type { TurnMessage } from '../src/engine/protocol/turn-message.ts';

const ADDRESS_BYTES = 32;
const ETHEREUM_ADDRESS_BYTES = 20;
const SIGNATURE_BYTES = 64;
/** Scope, version and app of a personal message. */
const PERSONAL_MESSAGE_INTENT = Uint8Array.of(3, 0, 0);
const RECOVERY_OFFSET = 27;

/** Whether the account at the address has signed the text. Never throws. */
export function isSignedByWallet(
  { chain, address }: Pick<TurnMessage, 'chain' | 'address'>,
  text: string,
  signature: string,
): boolean {
  const message = new TextEncoder().encode(text);
  try {
    return chain === 'sui'
      ? isSignedBySui(address, message, signature)
      : isSignedByEthereum(address, message, signature);
  } catch {
    // A point that is not on the curve, a number that is out of range.
    return false;
  }
}

/** In the letters of ERC-55, which wallets ask for. `address`: `0x` and 40 hexadecimal digits. */
export function checksummed(address: string): string {
  const digits = address.slice(2).toLowerCase();
  const hash = toHex(keccak_256(asciiBytes(digits)));
  const letters = [...digits].map((digit, at) =>
    Number.parseInt(hash[at] ?? '0', 16) >= 8 ? digit.toUpperCase() : digit,
  );
  return `0x${letters.join('')}`;
}

function isSignedByEthereum(address: string, message: Uint8Array, signature: string): boolean {
  const bytes = signature.startsWith('0x') ? fromHex(signature.slice(2).toLowerCase()) : undefined;
  if (bytes?.length !== SIGNATURE_BYTES + 1) return false;
  const last = bytes[SIGNATURE_BYTES] ?? 0;
  // Hardware wallets leave out the 27.
  const recovery = last >= RECOVERY_OFFSET ? last - RECOVERY_OFFSET : last;
  if (recovery > 1) return false;
  const found = secp256k1.Signature.fromBytes(bytes.subarray(0, SIGNATURE_BYTES), 'compact');
  if (found.hasHighS()) return false;
  const prefix = asciiBytes(`\x19Ethereum Signed Message:\n${message.length}`);
  const key = found.addRecoveryBit(recovery).recoverPublicKey(keccak_256(concatBytes(prefix, message)));
  const owner = keccak_256(key.toBytes(false).subarray(1)).subarray(-ETHEREUM_ADDRESS_BYTES);
  return equalBytes(owner, fromHex(address.slice(2).toLowerCase()) ?? new Uint8Array());
}

type Scheme = {
  readonly keyBytes: number;
  verify(signature: Uint8Array, digest: Uint8Array, key: Uint8Array): boolean;
};

/** By their flag. */
const SUI_SCHEMES: readonly Scheme[] = [
  { keyBytes: 32, verify: (signature, digest, key) => ed25519.verify(signature, digest, key, { zip215: false }) },
  { keyBytes: 33, verify: (signature, digest, key) => secp256k1.verify(signature, digest, key, { lowS: true }) },
  { keyBytes: 33, verify: (signature, digest, key) => p256.verify(signature, digest, key, { lowS: true }) },
];

function isSignedBySui(address: string, message: Uint8Array, signature: string): boolean {
  const bytes = fromBase64(signature);
  const flag = bytes?.[0];
  const scheme = flag === undefined ? undefined : SUI_SCHEMES[flag];
  if (!bytes || !scheme || bytes.length !== 1 + SIGNATURE_BYTES + scheme.keyBytes) return false;
  const key = bytes.subarray(1 + SIGNATURE_BYTES);
  const owner = blake2b(concatBytes(bytes.subarray(0, 1), key), { dkLen: ADDRESS_BYTES });
  if (!equalBytes(owner, fromHex(address.slice(2)) ?? new Uint8Array())) return false;
  const intended = concatBytes(PERSONAL_MESSAGE_INTENT, uleb128(message.length), message);
  return scheme.verify(bytes.subarray(1, 1 + SIGNATURE_BYTES), blake2b(intended, { dkLen: 32 }), key);
}

/** How BCS writes a length. */
function uleb128(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return Uint8Array.from([...bytes, rest]);
    bytes.push((rest & 127) | 128);
  }
}

/** With padding, and in the one spelling that the encoder has. */
function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  const units = atob(text);
  return btoa(units) === text ? Uint8Array.from(units, (unit) => unit.charCodeAt(0)) : undefined;
}
