/**
 * Texts that are kept for seconds, as bytes in a few large buffers. As strings they would outlive the young generation of the garbage
 * collector, which then copies each of them twice and stops the relay to find it again: most of what keeping them would cost.
 */
import { RELAY_TEXT_MAX } from '../src/engine/protocol/relay.ts';

const CHUNK_BYTES = RELAY_TEXT_MAX;

type Chunk = { readonly bytes: Uint8Array<ArrayBuffer>; used: number; held: number };

/** Where a text stands. Given back to the arena that it is from, once. */
export type KeptText = { readonly chunk: Chunk; readonly start: number; readonly length: number };

export class TextArena {
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();
  #chunk: Chunk | undefined;
  /** One that is free again is used again. */
  #spare: Chunk | undefined;

  /** An ASCII text of at most `RELAY_TEXT_MAX`. */
  keep(text: string): KeptText {
    const { length } = text;
    let chunk = this.#chunk;
    if (!chunk || chunk.used + length > chunk.bytes.length) {
      chunk = this.#spare ?? { bytes: new Uint8Array(CHUNK_BYTES), used: 0, held: 0 };
      this.#spare = undefined;
      this.#chunk = chunk;
    }
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
    if (chunk !== this.#chunk) this.#spare = chunk;
  }
}
