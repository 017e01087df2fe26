/** Our side of a registry: what we have there is renewed before its one-time keys run out, and no call waits for ever. */
import { E2eeError } from './e2ee-types.ts';
import type { RegistryPort } from './e2ee-types.ts';
import { InOrder } from './keys/in-order.ts';
import { TaiError } from './protocol/errors.ts';
import type { ErrorCode } from './protocol/errors.ts';
import type { PeerId } from './protocol/ids.ts';
import { parseHandedBundle } from './protocol/relay.ts';
import type { HandedBundle, SealedBundle } from './protocol/relay.ts';

export const REGISTRY_TIMEOUT_MS = 15_000;
/** Of the eight one-time keys of a bundle, so many are used when another is published. */
const RENEW_AFTER_SESSIONS = 4;

export type BundleExchangeOptions = {
  readonly self: PeerId;
  /** `undefined`: there is none, and only `fetch` minds. */
  readonly registry: RegistryPort | undefined;
  /** With other one-time keys each time. */
  publication(): Promise<SealedBundle>;
  /** In the background something could not be renewed. */
  onFailed(code: ErrorCode): void;
};

export class BundleExchange {
  readonly #options: BundleExchangeOptions;
  readonly #closing = new AbortController();
  readonly #inOrder = new InOrder();
  #isPublished = false;
  #sessions = 0;

  constructor(options: BundleExchangeOptions) {
    this.#options = options;
  }

  /** Publishes where that has not been done. Rejects with a `TaiError`. */
  async publish(signal: AbortSignal | undefined): Promise<void> {
    await this.#inOrder.run(async () => {
      if (!this.#isPublished) await this.#publish(signal);
    });
  }

  /** Publishes again, where we have published, without anybody waiting for it. */
  renew(): void {
    if (!this.#isPublished || this.#closing.signal.aborted) return;
    this.#inOrder
      .run(() => this.#publish(undefined))
      // what fails here is always one of ours
      .catch((error: TaiError) => this.#closing.signal.aborted || this.#options.onFailed(error.code));
  }

  /** Somebody has begun a session with us. */
  sessionBegun(): void {
    this.#sessions += 1;
    if (this.#sessions % RENEW_AFTER_SESSIONS === 0) this.renew();
  }

  /** Rejects with a `TaiError`: `no-registry`, `no-bundle` and `bad-bundle` among the faults. */
  async fetch(peerId: PeerId, signal: AbortSignal | undefined): Promise<HandedBundle> {
    const { registry } = this.#options;
    if (!registry) throw new E2eeError('no-registry');
    const found = await this.#ask(async (either) => {
      await registry.open?.(either);
      return registry.fetch(peerId, either);
    }, signal);
    if (found === undefined || found === null) throw new E2eeError('no-bundle');
    const bundle = parseHandedBundle(found);
    if (!bundle) throw new E2eeError('bad-bundle');
    return bundle;
  }

  close(): void {
    this.#closing.abort();
    this.#options.registry?.close?.();
  }

  async #publish(signal: AbortSignal | undefined): Promise<void> {
    const { registry, self, publication } = this.#options;
    if (!registry) return;
    await this.#ask(async (either) => {
      // before keys are made: the relay may correct our clock
      await registry.open?.(either);
      await registry.publish(self, await publication(), either);
    }, signal);
    this.#isPublished = true;
  }

  /** The registry may be the page's own: it need not heed the signal, and what it throws is not passed on. */
  async #ask<T>(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const timeout = AbortSignal.timeout(REGISTRY_TIMEOUT_MS);
    const either = AbortSignal.any([this.#closing.signal, timeout, ...(signal ? [signal] : [])]);
    try {
      return await Promise.race([aborted(either), work(either)]);
    } catch (error) {
      throw error instanceof TaiError ? error : new TaiError('relay-unreachable', 'registry: no answer');
    }
  }
}

/** Rejects when the signal is given, at once where it has been. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const giveUp = (): void => reject(new TaiError('relay-unreachable', 'registry: given up'));
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  });
}
