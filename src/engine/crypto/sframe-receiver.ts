/**
 * The receiving side of one sender's keys (PROTOCOL.md FR2, FR3, FR6, FR7). One key for each KID, and none is tried that the frame does
 * not name. Ratchet steps ahead of the newest that has opened a frame are derived, at most four; what they lead to is kept only
 * so that the same forged frame does not cost the same work again, and counts for nothing until a frame has opened.
 */
import {
  GENERATION_MAX,
  STEPS,
  formatFrameKeyId,
  parseFrameKeyId,
  parseSframeHeader,
} from '../protocol/sframe-header.ts';
import type { SframeUint } from '../protocol/sframe-header.ts';
import type { FrameLayout } from './frame-layout/layout.ts';
import { ReplayWindow } from './replay-window.ts';
import { FrameCipher, TAG_BYTES } from './sframe.ts';
import type { FrameMetadata } from './sframe.ts';
import { deriveSframeKey, ratchetBaseKey } from './sframe-key.ts';
import type { SframeKey, SframeSuite } from './sframe-key.ts';

/** Why a frame was not opened; it must not be shown then. */
export type OpenFault = 'malformed' | 'unknown-key' | 'replayed' | 'unopened' | 'unsupported-layout';

/** Steps that a frame may be ahead of the newest. The KIDs of the other three are those of steps behind it. */
export const STEPS_AHEAD_MAX = 4;

type Generation = {
  readonly generation: number;
  /** The latest step that has opened a frame; 0 before. */
  newest: number;
  /** By step, without gaps from the oldest that is alive; up to four ahead of `newest`, as far as frames have asked for them. */
  readonly steps: Map<number, Step>;
};

type Step = {
  readonly baseKey: Promise<CryptoKey>;
  /** When it is over, once there is a later one. */
  endsAtMs: number;
  /** By stream: the same step of two streams has two KIDs. */
  readonly lanes: Map<number, Lane>;
};

type Lane = {
  readonly of: Generation;
  readonly step: number;
  readonly deriving: Promise<SframeKey>;
  key: SframeKey | undefined;
  readonly window: ReplayWindow;
};

export class SframeReceiver {
  readonly #suite: SframeSuite;
  readonly #oldStepMs: number;
  readonly #cipher = new FrameCipher();
  readonly #generations = new Map<number, Generation>();
  #lastRetired = -1;

  /** `oldStepMs`: how long a step still opens frames after a later one has. */
  constructor(suite: SframeSuite, oldStepMs: number) {
    this.#suite = suite;
    this.#oldStepMs = oldStepMs;
  }

  /** `false` where the generation is known, or may have been: its counters would begin anew. */
  add(generation: number, baseKey: CryptoKey): boolean {
    if (!Number.isSafeInteger(generation) || generation <= this.#lastRetired || generation > GENERATION_MAX)
      return false;
    if (this.#generations.has(generation)) return false;
    const first: Step = { baseKey: Promise.resolve(baseKey), endsAtMs: Infinity, lanes: new Map() };
    this.#generations.set(generation, { generation, newest: 0, steps: new Map([[0, first]]) });
    return true;
  }

  /** Nothing of this generation is opened any more, and none up to it can be added again. */
  retire(generation: number): void {
    if (!this.#generations.delete(generation)) return;
    this.#lastRetired = Math.max(this.#lastRetired, generation);
  }

  /** Forgets the keys of steps that are over. Opening does not, for a stream that is silent. */
  sweep(nowMs: number): void {
    for (const { steps } of this.#generations.values()) {
      for (const [step, { endsAtMs }] of steps) if (endsAtMs <= nowMs) steps.delete(step);
    }
  }

  /** The frame as it was before it was sealed, or why not. Never rejects. `nowMs` is monotonic. */
  async open(
    frame: ArrayBuffer,
    layout: FrameLayout | undefined,
    metadata: FrameMetadata,
    nowMs: number,
  ): Promise<ArrayBuffer | OpenFault> {
    if (!layout) return 'unsupported-layout';
    // as is one that was taken away
    if (frame.byteLength === 0) return 'malformed';
    const bytes = new Uint8Array(frame);
    const clearLength = layout.clearLength(bytes);
    if (clearLength === undefined) return 'malformed';
    const body = layout.packing ? layout.packing.unpack(bytes, clearLength) : bytes;
    const start = layout.packing ? 0 : clearLength;
    const header = body && parseSframeHeader(body, start);
    if (!header || body.length - start - header.length < TAG_BYTES) return 'malformed';
    // No sender of ours counts that far.
    if (typeof header.ctr === 'bigint') return 'malformed';
    const lane = this.#laneOf(header.kid, nowMs);
    if (!lane) return 'unknown-key';
    if (!lane.window.isNew(header.ctr)) return 'replayed';
    try {
      lane.key ??= await lane.deriving;
      const sealed = body.subarray(start + header.length);
      const opened = await this.#cipher.open(lane.key, header.ctr, sealed, bytes, clearLength, layout, metadata);
      // Another with the same counter may have been opened meanwhile.
      if (!lane.window.note(header.ctr)) return 'replayed';
      if (lane.step > lane.of.newest) this.#advance(lane, nowMs);
      return opened;
    } catch {
      return 'unopened';
    }
  }

  #laneOf(kid: SframeUint, nowMs: number): Lane | undefined {
    const id = parseFrameKeyId(kid);
    const of = id && this.#generations.get(id.generation);
    if (!of) return undefined;
    // The KID has the step modulo 8: up to four ahead of the newest, or up to three behind.
    const ahead = (id.step - (of.newest % STEPS) + STEPS) % STEPS;
    const step = of.newest + (ahead <= STEPS_AHEAD_MAX ? ahead : ahead - STEPS);
    const found = of.steps.get(step) ?? this.#stepAhead(of, step);
    if (!found || found.endsAtMs <= nowMs) return undefined;
    let lane = found.lanes.get(id.stream);
    if (!lane) {
      const deriving = this.#derive(found, of.generation, id.stream, step);
      lane = { of, step, deriving, key: undefined, window: new ReplayWindow() };
      found.lanes.set(id.stream, lane);
    }
    return lane;
  }

  async #derive({ baseKey }: Step, generation: number, stream: number, step: number): Promise<SframeKey> {
    const kid = Number(formatFrameKeyId({ generation, stream, step }));
    return deriveSframeKey(this.#suite, await baseKey, kid, 'decrypt');
  }

  /** A step after the newest, and those in between. Whether they are the sender's is for a frame to show. */
  #stepAhead({ newest, steps }: Generation, step: number): Step | undefined {
    if (step < newest) return undefined;
    let last = steps.get(newest) as Step;
    for (let each = newest + 1; each <= step; each++) {
      const next = steps.get(each) ?? this.#stepAfter(last);
      steps.set(each, next);
      last = next;
    }
    return last;
  }

  #stepAfter(step: Step): Step {
    const baseKey = step.baseKey.then((key) => ratchetBaseKey(this.#suite, key));
    // whoever derives from it learns of it
    baseKey.catch(() => undefined);
    return { baseKey, endsAtMs: Infinity, lanes: new Map() };
  }

  /** A frame of a later step has opened. */
  #advance({ of, step }: Lane, nowMs: number): void {
    of.newest = step;
    for (const [each, old] of of.steps) {
      if (each < step) old.endsAtMs = Math.min(old.endsAtMs, nowMs + this.#oldStepMs);
      // its KIDs are those of steps ahead now
      if (step - each >= STEPS - STEPS_AHEAD_MAX) of.steps.delete(each);
    }
    this.sweep(nowMs);
  }
}
