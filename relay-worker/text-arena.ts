/**
 * Texts that are kept for seconds, as bytes in a few large buffers. As strings they would outlive the young generation of the garbage
 * collector, which then copies each of them twice and stops the relay to find it again: most of what keeping them would cost.
 */
import { RELAY_TEXT_MAX } from '../src/engine/protocol/relay.ts';

const CHUNK_BYTES = RELAY_TEXT_MAX;
/** A longer text has a buffer of its own, so that at most a quarter of a full one is empty. */
const SHARED_TEXT_MAX = CHUNK_BYTES / 4;

type Chunk = { readonly bytes: Uint8Array<ArrayBuffer>; used: number; held: number };

/** Where a text stands. Given back to the arena that it is from, once. */
export type KeptText = { readonly chunk: Chunk; readonly start: number; readonly length: number };

export class TextArena {
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();
  /** The one that is being filled. */
  #chunk: Chunk | undefined;
  /** One that is free again is used again. */
  #spare: Chunk | undefined;
  #bytes = 0;

  /**
   * Of all buffers. Where the oldest is always let go first, it is at most 4/3 of the texts and two buffers: a buffer is held for as
   * long as one text in it.
   */
  get bytes(): number {
    return this.#bytes;
  }

  /** An ASCII text of at most `RELAY_TEXT_MAX`. */
  keep(text: string): KeptText {
    const { length } = text;
    const chunk = length > SHARED_TEXT_MAX ? this.#chunkOf(length) : this.#roomFor(length);
    const start = chunk.used;
    this.#encoder.encodeInto(text, chunk.bytes.subarray(start));
    chunk.used += length;
    chunk.held++;
    return { chunk, start, length };
  }

  read({ chunk, start, length }: KeptText): string {
    return this.#decoder.decode(chunk.bytes.subarray(start, start + length));
  }

  release({ chunk }: KeptText): void {
    if (--chunk.held > 0) return;
    chunk.used = 0;
    if (chunk === this.#chunk) return;
    const isSpare = chunk.bytes.length === CHUNK_BYTES && !this.#spare;
    if (isSpare) this.#spare = chunk;
    else this.#bytes -= chunk.bytes.length;
  }

  #roomFor(length: number): Chunk {
    const filled = this.#chunk;
    if (filled && filled.used + length <= CHUNK_BYTES) return filled;
    const chunk = this.#spare ?? this.#chunkOf(CHUNK_BYTES);
    this.#spare = undefined;
    this.#chunk = chunk;
    return chunk;
  }

  #chunkOf(length: number): Chunk {
    this.#bytes += length;
    return { bytes: new Uint8Array(length), used: 0, held: 0 };
  }
}
