/**
 * Sealing and opening one frame (RFC 9605 §4.4.3, §4.4.4; PROTOCOL.md FR1). Which key and which counter, and whether the counter was
 * there before, is for `SframeSender` and `SframeReceiver` to say.
 *
 * ```text
 *  +-----------------+------------------+---------------------------------+----------+
 *  | clear, by codec | SFrame header     | the whole frame, AES-GCM        | tag (16) |   and the codec's framing
 *  +-----------------+------------------+---------------------------------+----------+
 *  associated data:  SFrame header ‖ version (1) ‖ kind (1) ‖ codec (1) ‖ SSRC (4) ‖ RTP timestamp (4) ‖ clear
 * ```
 * Nonce: the key's salt XOR the counter. It runs for every frame: one set of buffers for all of them, since WebCrypto takes
 * its copy of all input before it returns; and the only copy made here is the one that puts the header in front.
 */
import type { Bytes } from '../protocol/bytes.ts';
import { SFRAME_HEADER_MAX_BYTES, sframeHeaderLength, writeSframeHeader } from '../protocol/sframe-header.ts';
import { CLEAR_MAX_BYTES } from './frame-layout/layout.ts';
import type { FrameLayout } from './frame-layout/layout.ts';
import { release } from './release.ts';
import type { SframeKey } from './sframe-key.ts';

/** The part of a frame's metadata that is the same at both ends of a connection. Nothing of it where somebody in between changes it. */
export type FrameMetadata = { readonly synchronizationSource?: number; readonly rtpTimestamp?: number };

const VERSION = 1;
const METADATA_BYTES = 11;
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

export class FrameCipher {
  readonly #nonce = new Uint8Array(NONCE_BYTES);
  readonly #data = new Uint8Array(SFRAME_HEADER_MAX_BYTES + METADATA_BYTES + CLEAR_MAX_BYTES);
  readonly #algorithm = { name: 'AES-GCM', iv: this.#nonce, additionalData: this.#data };

  /** What `wrapSealed` makes a frame of; rejects where WebCrypto does. The caller never gives the same key and counter again. */
  encrypt(
    { kid, key, salt }: SframeKey,
    ctr: number,
    frame: ArrayBuffer,
    clear: Bytes,
    layout: FrameLayout,
    metadata: FrameMetadata,
  ): Promise<ArrayBuffer> {
    this.#prepare(kid, salt, ctr, clear, clear.length, layout, metadata);
    return globalThis.crypto.subtle.encrypt(this.#algorithm, key, frame);
  }

  /** What was sealed; rejects where it does not open. `clear` are the first `clearLength` bytes. */
  open(
    { kid, key, salt }: SframeKey,
    ctr: number,
    sealed: Bytes,
    clear: Bytes,
    clearLength: number,
    layout: FrameLayout,
    metadata: FrameMetadata,
  ): Promise<ArrayBuffer> {
    this.#prepare(kid, salt, ctr, clear, clearLength, layout, metadata);
    return globalThis.crypto.subtle.decrypt(this.#algorithm, key, sealed);
  }

  #prepare(
    kid: number,
    salt: Bytes,
    ctr: number,
    clear: Bytes,
    clearLength: number,
    { kind, codec }: FrameLayout,
    { synchronizationSource, rtpTimestamp }: FrameMetadata,
  ): void {
    const nonce = this.#nonce;
    nonce.set(salt);
    // not by shifts, which end at 32 bits
    for (let at = NONCE_BYTES - 1, rest = ctr; rest > 0; at--, rest = Math.floor(rest / 256)) {
      nonce[at] = (salt[at] as number) ^ (rest % 256);
    }
    const data = this.#data;
    let at = writeSframeHeader(data, 0, kid, ctr);
    data[at++] = VERSION;
    data[at++] = kind;
    data[at++] = codec;
    at = writeUint32(data, at, synchronizationSource);
    at = writeUint32(data, at, rtpTimestamp);
    for (let i = 0; i < clearLength; i++) data[at++] = clear[i] as number;
    if (this.#algorithm.additionalData.length !== at) this.#algorithm.additionalData = data.subarray(0, at);
  }
}

/** The frame to send, around what `encrypt` gave, whose memory goes back. */
export function wrapSealed(
  encrypted: ArrayBuffer,
  kid: number,
  ctr: number,
  clear: Bytes,
  { packing }: FrameLayout,
): ArrayBuffer {
  const size = sframeHeaderLength(kid, ctr) + encrypted.byteLength;
  const start = packing ? clear.length + packing.before(size) : clear.length;
  const output = new Uint8Array(packing ? start + size + packing.after : start + size);
  output.set(clear);
  output.set(new Uint8Array(encrypted), writeSframeHeader(output, start, kid, ctr));
  release(encrypted);
  return packing ? packing.pack(output, clear.length, size).buffer : output.buffer;
}

/** Absent is 0. */
function writeUint32(target: Bytes, at: number, value = 0): number {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
  return at + 4;
}
