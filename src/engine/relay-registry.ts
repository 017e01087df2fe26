/**
 * The relay as a registry of `WebRTCE2EE`: a socket that shows that we are here, in the client's own room, and calls over HTTP. A
 * bundle lives at the relay as long as its owner's socket (PROTOCOL.md RL16), so that nothing of us is left behind.
 */
import { BundleRegistry } from './bundle-registry.ts';
import type { BundleRegistryOptions } from './bundle-registry.ts';
import type { RegistryPort } from './e2ee-types.ts';
import { TaiError } from './protocol/errors.ts';
import type { CloseReason, ErrorCode } from './protocol/errors.ts';
import type { PeerId } from './protocol/ids.ts';
import type { RelayNotification, SealedBundle } from './protocol/relay.ts';
import { relayUrl } from './relay-address.ts';
import { RelaySocket } from './transport/relay-socket.ts';
import type { RelaySocketOptions } from './transport/relay-socket.ts';

/** What the relay ends a socket with that does no good to try again. */
const FINAL: { readonly [Reason in CloseReason]?: ErrorCode } = {
  'room-full': 'room-full',
  'token-invalid': 'relay-refused',
};

export type RelayRegistryOptions = Omit<BundleRegistryOptions, 'timeoutMs'> & {
  /** The socket was lost and is back: what was published is gone. */
  onReturn(): void;
  readonly connect?: (options: RelaySocketOptions) => Pick<RelaySocket, 'close'>;
};

export class RelayRegistry implements RegistryPort {
  readonly #options: RelayRegistryOptions;
  readonly #bundles: BundleRegistry;
  #socket: Pick<RelaySocket, 'close'> | undefined;
  #isIn: Promise<void> | undefined;

  /** Throws `TaiError('usage')` for a bad address. Connects when it is first needed. */
  constructor(options: RelayRegistryOptions) {
    this.#options = options;
    this.#bundles = new BundleRegistry(options);
  }

  publish(_: PeerId, bundle: SealedBundle, signal: AbortSignal): Promise<void> {
    return this.#bundles.publish(bundle, signal);
  }

  fetch(peerId: PeerId, signal: AbortSignal): Promise<unknown> {
    return this.#bundles.fetch(peerId, signal);
  }

  /**
   * Only who is there can publish, and is handed one-time records. Rejects where the relay refuses us; pends while it cannot be
   * reached, and after `close`.
   */
  open(): Promise<void> {
    this.#isIn ??= new Promise((resolve, reject) => {
      let hasEntered = false;
      const { admission, relay, now, onReturn, connect = (options) => new RelaySocket(options) } = this.#options;
      this.#socket = connect({
        url: relayUrl(relay).href,
        roomId: admission.roomId,
        token: (nowS) => admission.token(nowS),
        ...(now && { now }),
        onNotification: ({ method }: RelayNotification) => {
          // Others in this room are found by name; nothing else is said to us here.
          if (method !== 'welcome') return;
          if (hasEntered) onReturn();
          hasEntered = true;
          resolve();
        },
        onClosed: (reason) => {
          const code = FINAL[reason];
          if (hasEntered || !code) return;
          this.#socket?.close();
          this.#isIn = undefined;
          reject(new TaiError(code, `relay: ${reason}`));
        },
        onLost: () => undefined,
        onDropped: () => undefined,
      });
    });
    return this.#isIn;
  }

  close(): void {
    this.#socket?.close();
  }
}
