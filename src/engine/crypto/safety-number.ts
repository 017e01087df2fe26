/**
 * What two people compare about each other's devices, out loud or by camera, in the manner of Signal's numeric
 * fingerprint (PROTOCOL.md SN1). It is over the signing keys: a renewed certificate of the same device keeps it, and whoever
 * compared once need not do so again.
 */
import { asciiBytes, concatBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { thirtyDigits } from './digits.ts';
import { sha512 } from './kdf.ts';

/** Whom the number is about. A certificate is one. */
export type SafetyParty = {
  /** Ed25519, 32 bytes. */
  readonly signingKey: Bytes;
};

export type SafetyNumber = {
  /** 60 digits without spaces, the same on both sides. */
  readonly digits: string;
  /** For a QR code, in its alphanumeric mode (ISO/IEC 18004 §7.4.4); the peer's own has the two keys the other way round. */
  readonly qr: string;
};

export type ScanResult = 'match' | 'mismatch' | 'unreadable';

/** Gives the page a turn; resolves after it. */
export type Pause = () => Promise<void>;

const LABEL = asciiBytes('tai/1 safety number');
/** Of a key, so that a search for another key with the same 30 digits pays for each try. */
export const SAFETY_ITERATIONS = 5200;
/** Hashed without a pause: about 1 ms on a desktop, where all of it in one piece would hold the page up for 70 to 140 ms. */
const ITERATIONS_A_TURN = 200;

const QR_PREFIX = 'TAI-SAFETY:1:';
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
/** 256 bits in 52 digits: the last four bits of the last are zero in the one way that we write it. */
const QR_PATTERN = /^TAI-SAFETY:1:[A-Z2-7]{51}[AQ]:[A-Z2-7]{51}[AQ]$/;

/**
 * 30 digits of either device, the smaller half first, and the text for a QR code. Takes turns with the page: `pause` is called
 * after every 200 hashes of a device.
 */
export async function safetyNumber(own: SafetyParty, peer: SafetyParty, pause = nextTask): Promise<SafetyNumber> {
  const halves = await Promise.all([digitsOf(own.signingKey, pause), digitsOf(peer.signingKey, pause)]);
  return { digits: halves.sort().join(''), qr: qrText(own, peer) };
}

/**
 * Compares what a camera has read with what the peer has to show: its own key first, ours second. `mismatch` for a code of
 * this kind that says anything else (somebody else's, or our own held up to us), `unreadable` for every other text.
 */
export function compareScan(own: SafetyParty, peer: SafetyParty, text: string): ScanResult {
  if (!QR_PATTERN.test(text)) return 'unreadable';
  return text === qrText(peer, own) ? 'match' : 'mismatch';
}

function qrText(own: SafetyParty, peer: SafetyParty): string {
  return `${QR_PREFIX}${toBase32(own.signingKey)}:${toBase32(peer.signingKey)}`;
}

/** `h₀ = SHA-512(label ‖ key)`, `hᵢ = SHA-512(hᵢ₋₁ ‖ key)`, and of the last one the first 30 bytes. */
async function digitsOf(key: Bytes, pause: Pause): Promise<string> {
  let hash = sha512(concatBytes(LABEL, key));
  const input = concatBytes(hash, key);
  for (let i = 1; i <= SAFETY_ITERATIONS; i++) {
    input.set(hash);
    hash = sha512(input);
    if (i % ITERATIONS_A_TURN === 0) await pause();
  }
  return thirtyDigits(hash, 0);
}

/** 32 bytes in base32 (RFC 4648 §6) without padding: capitals and digits, which a QR code packs into 5.5 bits each. */
function toBase32(bytes: Bytes): string {
  let text = '';
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    bits = ((bits << 8) | byte) & 0xfff;
    held += 8;
    while (held >= 5) {
      held -= 5;
      text += BASE32.charAt((bits >> held) & 31);
    }
  }
  return text + BASE32.charAt((bits << (5 - held)) & 31);
}

function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 0);
  });
}
