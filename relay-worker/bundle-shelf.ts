/**
 * What one peer has published for newcomers, and who has had a one-time blob of it (PROTOCOL.md RL16–RL18). The blobs are
 * opaque: the relay counts and bounds them, and hands each one-time blob out once.
 *
 * Kept as bytes, since that is what a socket's attachment has room for.
 */
import { blobBytes } from '../src/engine/protocol/bundle.ts';
import type { HandedBundle, SealedBundle } from '../src/engine/protocol/bundle.ts';
import { toBase64Url } from '../src/engine/protocol/bytes.ts';
import type { Bytes } from '../src/engine/protocol/bytes.ts';
import type { PeerId } from '../src/engine/protocol/ids.ts';
import { HANDED_PEERS_MAX } from './limits.ts';

export type KeptBundle = {
  readonly head: Bytes;
  /** Those that nobody has been given yet; the next one first. */
  readonly oneTime: readonly Bytes[];
};

export type ShelfRecord = {
  /** Whether anything was published since its owner came in: told to the others once (RL19). */
  readonly hasPublished: boolean;
  readonly bundle: KeptBundle | undefined;
  /** Who was given a one-time blob, the latest last. Outlives the bundle: a new one is no reason to be given another. */
  readonly handedTo: readonly PeerId[];
};

export const EMPTY_SHELF: ShelfRecord = { hasPublished: false, bundle: undefined, handedTo: [] };

/** The JSON around the two blobs in `welcome`. */
const JSON_AROUND = ',"bundle":{"head":"","one_time":""}'.length;

export class BundleShelf {
  readonly #save: (record: ShelfRecord) => void;
  #record: ShelfRecord;

  /** `save` is called at every change, before anything that depends on the change is told to anybody. */
  constructor(record: ShelfRecord, save: (record: ShelfRecord) => void) {
    this.#record = record;
    this.#save = save;
  }

  get record(): ShelfRecord {
    return this.#record;
  }

  /** In place of what was there. `true` the first time. */
  publish({ head, one_time }: SealedBundle): boolean {
    const isFirst = !this.#record.hasPublished;
    const bundle = { head: blobBytes(head), oneTime: one_time.map((blob) => blobBytes(blob)) };
    this.#change({ ...this.#record, hasPublished: true, bundle });
    return isFirst;
  }

  clear(): void {
    if (this.#record.bundle) this.#change({ ...this.#record, bundle: undefined });
  }

  /** What `handOut` adds to a `welcome` at most, in characters; 0 where there is nothing to hand out. */
  get textMax(): number {
    const { bundle } = this.#record;
    if (!bundle) return 0;
    return base64UrlLength(bundle.head) + base64UrlLength(bundle.oneTime[0]) + JSON_AROUND;
  }

  /**
   * The head, and a one-time blob where this peer has not had one (RL18); without a name, the head alone. `undefined`:
   * nothing is published. The blob is gone from what is kept before it is handed out: one that is lost on its way harms
   * nobody, one that two peers were given does.
   */
  handOut(to: PeerId | undefined): HandedBundle | undefined {
    const { bundle, handedTo } = this.#record;
    if (!bundle) return undefined;
    const head = toBase64Url(bundle.head);
    const [blob, ...oneTime] = bundle.oneTime;
    if (blob === undefined || to === undefined || handedTo.includes(to)) return { head };
    this.#change({
      ...this.#record,
      bundle: { ...bundle, oneTime },
      handedTo: [...handedTo, to].slice(-HANDED_PEERS_MAX),
    });
    return { head, one_time: toBase64Url(blob) };
  }

  #change(record: ShelfRecord): void {
    this.#save(record);
    this.#record = record;
  }
}

function base64UrlLength(bytes: Bytes | undefined): number {
  return Math.ceil(((bytes?.length ?? 0) * 4) / 3);
}
