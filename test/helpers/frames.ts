/** Frames as encoders make them, and a pair of ends that seal and open them: for Node and for browsers. */
import { frameLayoutOf } from '../../src/engine/crypto/frame-layout/layouts.ts';
import type { FrameLayout } from '../../src/engine/crypto/frame-layout/layout.ts';
import { AES_128_GCM_SHA256_128, importBaseKey } from '../../src/engine/crypto/sframe-key.ts';
import type { SframeSuite } from '../../src/engine/crypto/sframe-key.ts';
import { SframeReceiver } from '../../src/engine/crypto/sframe-receiver.ts';
import { SframeSender } from '../../src/engine/crypto/sframe-sender.ts';
import type { SframeStream } from '../../src/engine/crypto/sframe-sender.ts';
import { concatBytes } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import type { Random } from './random.ts';

export type Codec = 'opus' | 'red' | 'vp8' | 'vp9' | 'av1' | 'h264' | 'h265';
export const CODECS: readonly Codec[] = ['opus', 'red', 'vp8', 'vp9', 'av1', 'h264', 'h265'];
/** Whose frames may be of any bytes, and of none. */
export const ANY_BYTES: readonly Codec[] = ['opus', 'red', 'vp9', 'av1'];

export const OLD_STEP_MS = 3_000;
export const METADATA = { synchronizationSource: 0xdead_beef, rtpTimestamp: 0xffff_fff0 };

const START = Uint8Array.of(0, 0, 0, 1);
const SHORT_START = Uint8Array.of(0, 0, 1);

export function layoutOf(codec: Codec): FrameLayout {
  const layout = frameLayoutOf(`${codec === 'opus' || codec === 'red' ? 'audio' : 'video'}/${codec}`);
  if (!layout) throw new Error(`no layout of ${codec}`);
  return layout;
}

/** Of `size` bytes and a few that the codec wants to have. */
export function sampleFrame(codec: Codec, isKey: boolean, body: Bytes): Bytes {
  switch (codec) {
    case 'vp8':
      return isKey
        ? concatBytes(Uint8Array.of(0x50, 0x42, 0x01, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01), body)
        : concatBytes(Uint8Array.of(0x31), body);
    case 'h264':
      return isKey
        ? concatBytes(
            START,
            Uint8Array.of(9, 0xf0),
            START,
            Uint8Array.of(0x67, 0x42, 0xc0, 0x1f, 0x8c, 0x8d),
            START,
            Uint8Array.of(0x68, 0xce, 0x3c, 0x80),
            SHORT_START,
            Uint8Array.of(6, 5, 1, 0x80),
            SHORT_START,
            Uint8Array.of(0x65, 0xb8),
            body,
          )
        : concatBytes(START, Uint8Array.of(0x41, 0x9a), body);
    case 'h265':
      return isKey
        ? concatBytes(
            ...[32, 33, 34].flatMap((type) => [START, Uint8Array.of(type << 1, 1, 0x0c, type)]),
            START,
            Uint8Array.of(20 << 1, 1, 0xa0),
            body,
          )
        : concatBytes(START, Uint8Array.of(0, 1, 0xd0), body);
    default:
      return body;
  }
}

/** Bytes in which zeros and small values are frequent: what start codes and escapes are made of. */
export function zeroishBytes(random: Random, length: number): Bytes {
  return Uint8Array.from({ length }, () => (random.chance(0.6) ? 0 : random.below(5)));
}

export type Ends = { readonly sender: SframeSender; readonly receiver: SframeReceiver; readonly stream: SframeStream };

export function baseKeyOf(seed: number): Promise<CryptoKey> {
  return importBaseKey(new Uint8Array(32).fill(seed));
}

/** Two ends that share generation 0, and stream 0 of them. */
export async function makeEnds(suite: SframeSuite = AES_128_GCM_SHA256_128): Promise<Ends> {
  const sender = new SframeSender(suite);
  const receiver = new SframeReceiver(suite, OLD_STEP_MS);
  const baseKey = await baseKeyOf(1);
  if (!sender.use(0, baseKey) || !receiver.add(0, baseKey)) throw new Error('a first generation was refused');
  const stream = sender.openStream(0);
  if (!stream) throw new Error('a first stream was refused');
  return { sender, receiver, stream };
}

export async function sealed(
  stream: SframeStream,
  codec: Codec,
  frame: Bytes,
  isKey = false,
  metadata = METADATA,
): Promise<Bytes> {
  const output = await stream.seal(frame.slice().buffer, isKey, layoutOf(codec), metadata);
  if (typeof output === 'string') throw new Error(`not sealed: ${output}`);
  return new Uint8Array(output);
}

/** The bytes, or the fault. */
export async function opened(
  receiver: SframeReceiver,
  codec: Codec,
  frame: Bytes,
  nowMs = 0,
  metadata = METADATA,
): Promise<Bytes | string> {
  const output = await receiver.open(frame.slice().buffer, layoutOf(codec), metadata, nowMs);
  return typeof output === 'string' ? output : new Uint8Array(output);
}
