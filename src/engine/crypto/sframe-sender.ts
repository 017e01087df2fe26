/**
 * The sending side of one audience's sender key (PROTOCOL.md FR2, FR3, FR7): generations and ratchet steps for all of its streams, a
 * counter for each. A base key is used here or nowhere: what it has sealed under which counter is remembered in this object only.
 */
import { GENERATION_MAX, STREAMS, formatFrameKeyId } from '../protocol/sframe-header.ts';
import type { FrameLayout } from './frame-layout/layout.ts';
import { FrameCipher, wrapSealed } from './sframe.ts';
import type { FrameMetadata } from './sframe.ts';
import { deriveSframeKey, ratchetBaseKey } from './sframe-key.ts';
import type { SframeKey, SframeSuite } from './sframe-key.ts';

/** The last counter that numbers hold exactly is never used: so nobody has to ask what comes after it. */
export const COUNTER_MAX = Number.MAX_SAFE_INTEGER - 1;

/** Why a frame was not sealed; it must not be sent then. */
export type SealFault = 'no-key' | 'unsupported-layout' | 'exhausted' | 'unsealed';

/** What all streams seal under until something else takes its place. */
type Epoch = {
  readonly generation: number;
  /** Since the base key was new; the KID holds it modulo 8. */
  readonly step: number;
  readonly baseKey: Promise<CryptoKey>;
  /** Whether a frame was sealed under it. */
  isUsed: boolean;
};

type Lane = { readonly epoch: Epoch; readonly deriving: Promise<SframeKey>; key: SframeKey | undefined };

export class SframeSender {
  readonly #suite: SframeSuite;
  readonly #cipher = new FrameCipher();
  readonly #counterMax: number;
  readonly #streams = new Set<number>();
  #epoch: Epoch | undefined;

  constructor(suite: SframeSuite, counterMax: number = COUNTER_MAX) {
    this.#suite = suite;
    this.#counterMax = counterMax;
  }

  /** From here on all streams seal under this key, from counter 0. `false`, and nothing changed, where the generation is not a later one. */
  use(generation: number, baseKey: CryptoKey): boolean {
    const isLater = Number.isSafeInteger(generation) && generation > (this.#epoch?.generation ?? -1);
    if (!isLater || generation > GENERATION_MAX) return false;
    this.#epoch = { generation, step: 0, baseKey: Promise.resolve(baseKey), isUsed: false };
    return true;
  }

  /**
   * One step, where the present one was used: a step that no frame has shown would leave receivers behind, who follow four at
   * most. Counters go on.
   */
  ratchet(): void {
    const epoch = this.#epoch;
    if (!epoch?.isUsed) return;
    const baseKey = epoch.baseKey.then((key) => ratchetBaseKey(this.#suite, key));
    // whoever seals with it learns of it
    baseKey.catch(() => undefined);
    this.#epoch = { generation: epoch.generation, step: epoch.step + 1, baseKey, isUsed: false };
  }

  /** The one writer of a stream, from 0 to 31; `undefined` for a number that has one already, for as long as this sender lives. */
  openStream(stream: number): SframeStream | undefined {
    const isNumber = Number.isSafeInteger(stream) && stream >= 0 && stream < STREAMS;
    if (!isNumber || this.#streams.has(stream)) return undefined;
    this.#streams.add(stream);
    return new SframeStream(
      this.#cipher,
      this.#counterMax,
      () => this.#epoch,
      async ({ generation, step, baseKey }) => {
        const kid = Number(formatFrameKeyId({ generation, stream, step }));
        return deriveSframeKey(this.#suite, await baseKey, kid, 'encrypt');
      },
    );
  }
}

export class SframeStream {
  readonly #cipher: FrameCipher;
  readonly #counterMax: number;
  readonly #epochNow: () => Epoch | undefined;
  readonly #derive: (epoch: Epoch) => Promise<SframeKey>;
  #lane: Lane | undefined;
  #nextCounter = 0;

  constructor(
    cipher: FrameCipher,
    counterMax: number,
    epochNow: () => Epoch | undefined,
    derive: (epoch: Epoch) => Promise<SframeKey>,
  ) {
    this.#cipher = cipher;
    this.#counterMax = counterMax;
    this.#epochNow = epochNow;
    this.#derive = derive;
  }

  /** The frame to send, or why there is none. Never rejects. Counters follow the order of the calls. */
  async seal(
    frame: ArrayBuffer,
    isKey: boolean,
    layout: FrameLayout | undefined,
    metadata: FrameMetadata,
  ): Promise<ArrayBuffer | SealFault> {
    const epoch = this.#epochNow();
    if (!epoch) return 'no-key';
    if (!layout) return 'unsupported-layout';
    try {
      const clear = layout.clear(new Uint8Array(frame), isKey);
      if (!clear) return 'unsupported-layout';
      // No await up to where the counter is taken: two calls never get the same.
      const lane = this.#lane?.epoch === epoch ? this.#lane : this.#enter(epoch);
      if (this.#nextCounter > this.#counterMax) return 'exhausted';
      const counter = this.#nextCounter++;
      epoch.isUsed = true;
      const key = (lane.key ??= await lane.deriving);
      const encrypted = await this.#cipher.encrypt(key, counter, frame, clear, layout, metadata);
      return wrapSealed(encrypted, key.kid, counter, clear, layout);
    } catch {
      // a base key that nothing can be derived from, or a buffer that was taken away
      return 'unsealed';
    }
  }

  #enter(epoch: Epoch): Lane {
    // Steps have keys of their own, but KIDs come again after eight: within a generation no counter does.
    if (this.#lane?.epoch.generation !== epoch.generation) this.#nextCounter = 0;
    this.#lane = { epoch, deriving: this.#derive(epoch), key: undefined };
    return this.#lane;
  }
}
