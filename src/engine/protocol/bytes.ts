/**
 * Bytes and their text forms. Strict decoders: a text that is not exactly what the encoder would have
 * written gives `undefined`, so that two different texts never stand for the same bytes.
 */

/** Bytes over a buffer that is not shared: what WebCrypto and sockets take. */
export type Bytes = Uint8Array<ArrayBuffer>;

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const NO_DIGIT = 255;
const NOT_ASCII = /[\u0080-\uffff]/;

const BASE64URL_VALUES = valuesOf(BASE64URL);
const HEX_VALUES = valuesOf('0123456789abcdef');

/** By character code: which digit of these it is. */
function valuesOf(digits: string): Uint8Array {
  const values = new Uint8Array(128).fill(NO_DIGIT);
  for (let i = 0; i < digits.length; i++) values[digits.charCodeAt(i)] = i;
  return values;
}

/** How many bytes a text has in UTF-8. A surrogate without its other half counts as U+FFFD: three. */
export function utf8Length(text: string): number {
  let length = text.length;
  // Nearly every text that is counted is ASCII; the search takes half of what the loop does.
  if (!NOT_ASCII.test(text)) return length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    const isPair = unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00;
    length += unit < 0x800 ? 1 : 2;
    // Four bytes for two units.
    if (isPair) i++;
  }
  return length;
}

/** base64url without padding (RFC 4648 §5). */
export function toBase64Url(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const a = bytes[i] ?? 0;
    const b = bytes[i + 1] ?? 0;
    const c = bytes[i + 2] ?? 0;
    const left = bytes.length - i;
    text += BASE64URL.charAt(a >> 2) + BASE64URL.charAt(((a & 3) << 4) | (b >> 4));
    if (left > 1) text += BASE64URL.charAt(((b & 15) << 2) | (c >> 6));
    if (left > 2) text += BASE64URL.charAt(c & 63);
  }
  return text;
}

/** Unpadded base64url to bytes; `undefined` for any other character, length or non-zero trailing bits. */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  const rest = text.length % 4;
  if (rest === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const value = BASE64URL_VALUES[text.charCodeAt(i)] ?? NO_DIGIT;
    if (value === NO_DIGIT) return undefined;
    bits = ((bits << 6) | value) & 0xffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes[at++] = (bits >> held) & 255;
    }
  }
  return (bits & ((1 << held) - 1)) === 0 ? bytes : undefined;
}

/** Lower-case hexadecimal, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** Lower-case hexadecimal to bytes; `undefined` for odd length, capitals or other characters. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    const high = HEX_VALUES[text.charCodeAt(2 * i)] ?? NO_DIGIT;
    const low = HEX_VALUES[text.charCodeAt(2 * i + 1)] ?? NO_DIGIT;
    if (high === NO_DIGIT || low === NO_DIGIT) return undefined;
    bytes[i] = (high << 4) | low;
  }
  return bytes;
}

/** One new array with all parts in order. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Compares public values only: the time it takes depends on the bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** ASCII labels to bytes, for domain separation. Labels are constants, never outside input. */
export function asciiBytes(label: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(label.length);
  for (let i = 0; i < label.length; i++) bytes[i] = label.charCodeAt(i) & 127;
  return bytes;
}

/** An unsigned integer below 2^53, big-endian, in `length` bytes. */
export function uintBytes(value: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let rest = value;
  for (let i = length - 1; i >= 0; i--) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}

/** Reads a big-endian unsigned integer; `undefined` from 2^53 up, where numbers stop being exact. */
export function readUint(bytes: Uint8Array, offset: number, length: number): number | undefined {
  let value = 0;
  for (let i = offset; i < offset + length; i++) {
    const byte = bytes[i];
    if (byte === undefined) return undefined;
    value = value * 256 + byte;
  }
  return Number.isSafeInteger(value) ? value : undefined;
}
