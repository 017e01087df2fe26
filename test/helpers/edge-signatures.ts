/**
 * Ed25519 signatures that implementations disagree on (small order, mixed order, not canonical, S too large), made with
 * noble's points. The verdict asked of every provider: no small order, canonical only, the equation without cofactor.
 */
import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '../../src/engine/crypto/kdf.ts';
import { concatBytes } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';

export type EdgeSignature = {
  readonly name: string;
  readonly publicKey: Bytes;
  readonly message: Bytes;
  readonly signature: Bytes;
  /** What a provider has to say. */
  readonly isSigned: boolean;
};

const { Point } = ed25519;
type Point = InstanceType<typeof Point>;
const L = Point.Fn.ORDER;
const P = Point.Fp.ORDER;
const SIGN_BIT = 1n << 255n;
/** Any secret scalars will do. */
const KEY_SCALAR = 0x1234_5678_9abc_def0n ** 4n % L;
const NONCE_SCALAR = 0x0fed_cba9_8765_4321n ** 4n % L;
const KEY_POINT = Point.BASE.multiply(KEY_SCALAR);
const TORSION = ED25519_TORSION_SUBGROUP.map((hex) => Point.fromHex(hex));
/** Generates the others. */
const ORDER_8 = TORSION.find((point) => !point.double().double().is0()) ?? Point.ZERO;
const MESSAGES = Array.from({ length: 64 }, (_, i) => Uint8Array.of(i));

/** All encodings that decode to a point of small order: the eight canonical ones, a second sign where x = 0, and y + p. */
export const SMALL_ORDER_ENCODINGS: readonly Bytes[] = [...new Set(TORSION.map((point) => point.toAffine().y))]
  .flatMap((y) => (y + P < SIGN_BIT ? [y, y + P] : [y]))
  .flatMap((y) => [littleEndian(y), littleEndian(y + SIGN_BIT)]);

/** Every class that `edgeSignatures` has, and how many of it: for a test to show that none was lost. */
export const EDGE_COUNTS = {
  honest: 1,
  'key of small order': 14,
  'R of small order': 14,
  'mixed order': 3,
  'large S': 3,
};

export function edgeSignatures(): readonly EdgeSignature[] {
  const key = encode(KEY_POINT);
  const nonce = encode(Point.BASE.multiply(NONCE_SCALAR));
  const [message] = MESSAGES as [Bytes];
  const honestS = NONCE_SCALAR + challenge(nonce, key, message) * KEY_SCALAR;
  const mixedKey = encode(KEY_POINT.add(ORDER_8));
  const mixedNonce = encode(Point.BASE.multiply(NONCE_SCALAR).add(ORDER_8));
  const made = (name: string, publicKey: Bytes, message: Bytes, r: Bytes, s: bigint, isSigned = false) => ({
    name,
    publicKey,
    message,
    signature: concatBytes(r, littleEndian(s)),
    isSigned,
  });
  const withMixedKey = (name: string, isSigned: boolean): EdgeSignature => {
    // without cofactor, the key's part of order 8 goes away only where the challenge is a multiple of 8
    const chosen = first(MESSAGES, (text) => (challenge(nonce, mixedKey, text) % 8n === 0n) === isSigned);
    const s = (NONCE_SCALAR + challenge(nonce, mixedKey, chosen) * KEY_SCALAR) % L;
    return made(name, mixedKey, chosen, nonce, s, isSigned);
  };
  return [
    made('honest', key, message, nonce, honestS % L, true),
    // S = 0 and R = −k·A: whoever knows that the key is of small order finds such a message in a few tries
    ...SMALL_ORDER_ENCODINGS.map((encoding, i) => {
      const point = Point.fromBytes(encoding, true);
      const r = encode(Point.ZERO);
      const chosen = first(MESSAGES, (text) => timesSmall(point, challenge(r, encoding, text)).is0());
      return made(`key of small order ${i}`, encoding, chosen, r, 0n);
    }),
    // the owner of an honest key signs with a nonce of 0, R of small order: with cofactor, S fits every one of them
    ...SMALL_ORDER_ENCODINGS.map((r, i) => {
      const s = (challenge(r, key, message) * KEY_SCALAR) % L;
      return made(`R of small order ${i}`, key, message, r, s);
    }),
    withMixedKey('mixed order: key, good with cofactor only', false),
    withMixedKey('mixed order: key, good either way', true),
    made('mixed order: R', key, message, mixedNonce, mixedNonceS(mixedNonce, key, message)),
    made('large S: S + L', key, message, nonce, (honestS % L) + L),
    made('large S: S + 2 L', key, message, nonce, (honestS % L) + 2n * L),
    made('large S: high bits', key, message, nonce, (honestS % L) + 14n * L),
  ];
}

function mixedNonceS(r: Bytes, key: Bytes, message: Bytes): bigint {
  return (NONCE_SCALAR + challenge(r, key, message) * KEY_SCALAR) % L;
}

/** k of RFC 8032 §5.1.7, step 2. */
function challenge(r: Bytes, key: Bytes, message: Bytes): bigint {
  return sha512(concatBytes(r, key, message)).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n) % L;
}

function timesSmall(point: Point, k: bigint): Point {
  return k % 8n === 0n ? Point.ZERO : point.multiplyUnsafe(k % 8n);
}

function encode(point: Point): Bytes {
  return new Uint8Array(point.toBytes());
}

/** 32 bytes. */
export function littleEndian(value: bigint): Bytes {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

function first<T>(items: readonly T[], isIt: (item: T) => boolean): T {
  const item = items.find(isIt);
  if (item === undefined) throw new Error('none fits');
  return item;
}
