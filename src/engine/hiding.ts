/** Whether we hide our addresses from the others, and what a connection opens with then (PROTOCOL.md PR1, PR2). */
import { TaiError } from './protocol/errors.ts';
import { turnOnly } from './protocol/ice-server.ts';
import type { IceServer } from './protocol/ice-server.ts';
import type { HiddenPath, HiddenPathOptions } from './transport/hidden-path.ts';

/** What looks at the texts of hidden connections. */
export type HidingCode = { readonly HiddenPath: typeof HiddenPath };

export type HidingOptions = HiddenPathOptions & { load(): Promise<HidingCode> };

/** `path` is missing where nothing is hidden. */
export type Opening = { readonly servers: readonly IceServer[]; readonly path: HiddenPath | undefined };

export class Hiding {
  readonly #options: HidingOptions;
  #isOn = false;
  #code: HidingCode | undefined;

  constructor(options: HidingOptions) {
    this.#options = options;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  turn(isOn: boolean): void {
    this.#isOn = isOn;
  }

  /** Most pages never need the code for it. Rejects with `TaiError('privacy-failed')` where it cannot be had. */
  async load(): Promise<void> {
    try {
      this.#code ??= await this.#options.load();
    } catch {
      throw new TaiError('privacy-failed', 'private: could not be loaded');
    }
  }

  /** Those of them that a link may use. */
  serversOf(servers: readonly IceServer[]): readonly IceServer[] {
    return this.#isOn ? turnOnly(servers) : servers;
  }

  /** What a link opens with; `undefined`: it must not open, for nothing would hide it, or relay what `isRelayed` says has to be. */
  open(servers: readonly IceServer[], isRelayed = false): Opening | undefined {
    const usable = isRelayed ? turnOnly(servers) : this.serversOf(servers);
    if (isRelayed && usable.length === 0) return undefined;
    if (!this.#isOn) return { servers: usable, path: undefined };
    return this.#code && usable.length > 0
      ? { servers: usable, path: new this.#code.HiddenPath(this.#options) }
      : undefined;
  }
}
