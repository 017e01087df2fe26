/**
 * The relay as a registry of `WebRTCE2EE`: a socket that shows that we are here, in the client's own room, and calls over HTTP. A
 * bundle lives at the relay as long as its owner's socket (PROTOCOL.md RL16), so that nothing of us is left behind.
 */
import { BundleRegistry } from './bundle-registry.ts';
import type { BundleRegistryOptions } from './bundle-registry.ts';
import type { Admission, RegistryPort } from './e2ee-types.ts';
import { TaiError } from './protocol/errors.ts';
import type { CloseReason, ErrorCode } from './protocol/errors.ts';
import type { PeerId } from './protocol/ids.ts';
import type { SealedBundle } from './protocol/relay.ts';
import { relayUrl, requireWebSocket } from './relay-address.ts';
import { RelaySocket } from './transport/relay-socket.ts';
import type { RelaySocketOptions } from './transport/relay-socket.ts';

/** What the relay ends a socket with that does no good to try again. */
const FINAL: { readonly [Reason in CloseReason]?: ErrorCode } = {
  'room-full': 'room-full',
  'token-invalid': 'relay-refused',
};

export type RelayRegistryOptions = Pick<BundleRegistryOptions, 'relay' | 'now' | 'fetch'> & {
  admission(): Promise<Admission>;
  /** The socket was lost and is back: what was published is gone. */
  onReturn(): void;
  readonly connect?: (options: RelaySocketOptions) => Pick<RelaySocket, 'close'>;
};

export class RelayRegistry implements RegistryPort {
  readonly #options: RelayRegistryOptions;
  readonly #url: string;
  #socket: Pick<RelaySocket, 'close'> | undefined;
  #entered: Promise<BundleRegistry> | undefined;
  #isClosed = false;

  /** Throws `TaiError('usage')` for a bad address. Connects when it is first needed. */
  constructor(options: RelayRegistryOptions) {
    this.#options = options;
    this.#url = relayUrl(options.relay).href;
  }

  /**
   * Only who is there can publish, and is handed one-time records. Rejects where the relay refuses us; pends while it cannot be
   * reached, and after `close`.
   */
  async open(): Promise<void> {
    await this.#enter();
  }

  async publish(_: PeerId, bundle: SealedBundle, signal: AbortSignal): Promise<void> {
    await (await this.#enter()).publish(bundle, signal);
  }

  async fetch(peerId: PeerId, signal: AbortSignal): Promise<unknown> {
    return (await this.#enter()).fetch(peerId, signal);
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.close();
  }

  #enter(): Promise<BundleRegistry> {
    this.#entered ??= this.#connect().catch((error: unknown) => {
      this.#entered = undefined;
      throw error;
    });
    return this.#entered;
  }

  async #connect(): Promise<BundleRegistry> {
    const { relay, now, fetch, onReturn, connect = openSocket } = this.#options;
    const admission = await this.#options.admission();
    if (this.#isClosed) throw new TaiError('relay-unreachable', 'relay: given up');
    await new Promise<void>((resolve, reject) => {
      let hasEntered = false;
      this.#socket = connect({
        url: this.#url,
        roomId: admission.roomId,
        token: (nowS) => admission.token(nowS),
        ...(now && { now }),
        onNotification: ({ method }) => {
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
          reject(new TaiError(code, `relay: ${reason}`));
        },
        onLost: () => undefined,
        onDropped: () => undefined,
      });
    });
    return new BundleRegistry({ relay, admission, ...(now && { now }), ...(fetch && { fetch }) });
  }
}

function openSocket(options: RelaySocketOptions): RelaySocket {
  requireWebSocket();
  return new RelaySocket(options);
}
