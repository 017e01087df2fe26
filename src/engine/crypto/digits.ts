/** Digits for people to compare, as Signal's numeric fingerprint makes them. */
import { readUint } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';

const GROUP_BYTES = 5;
const GROUP_DIGITS = 5;

/**
 * Six groups of five digits without spaces, each of five bytes from `offset` on: big-endian, modulo 10⁵. There have to be 30
 * bytes. 2⁴⁰ is no multiple of 10⁵, so that some groups are likelier than others, by one part in 10⁷: of the 99.7 bits of 30
 * digits that takes less than a millionth of one.
 */
export function thirtyDigits(bytes: Bytes, offset: number): string {
  let digits = '';
  for (let at = offset; digits.length < 30; at += GROUP_BYTES) {
    // five bytes that are there are always a number
    const value = readUint(bytes, at, GROUP_BYTES) as number;
    digits += String(value % 10 ** GROUP_DIGITS).padStart(GROUP_DIGITS, '0');
  }
  return digits;
}
