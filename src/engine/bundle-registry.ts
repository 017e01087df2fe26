/**
 * The relay's bundles over HTTP, for pages without a socket of ours (PROTOCOL.md RL16–RL20): one JSON-RPC 2.0 call a request,
 * under the same admission token. What is published lives as long as a socket of its peer (relay-registry.ts holds one).
 */
import type { Admission } from './e2ee-types.ts';
import type { BundleRequest } from './protocol/bundle.ts';
import { parsePeerId } from './protocol/ids.ts';
import type { PeerId } from './protocol/ids.ts';
import { isRecord } from './protocol/json.ts';
import { formatRequest, parseHandedBundle } from './protocol/relay.ts';
import type { HandedBundle, SealedBundle } from './protocol/relay.ts';
import { CALL_ID, RelayCalls, unreachable } from './relay-calls.ts';
import type { RelayCallsOptions } from './relay-calls.ts';

const NOT_THERE = ['peer-unknown', 'no-bundle'];

export type BundleRegistryOptions = Pick<RelayCallsOptions, 'relay' | 'timeoutMs' | 'now' | 'fetch'> & {
  readonly admission: Admission;
};

/**
 * Every method rejects with a `TaiError`: `relay-unreachable` (network, timeout, an aborted signal, an answer that is none),
 * `relay-refused` (a token that is not taken, or no socket of ours there), `rate-limited` (try again in a second), `too-large`.
 */
export class BundleRegistry {
  readonly #admission: Admission;
  readonly #calls: RelayCalls;

  /** Throws `TaiError('usage')` for a bad address. */
  constructor({ admission, ...options }: BundleRegistryOptions) {
    this.#admission = admission;
    this.#calls = new RelayCalls({ ...options, token: (nowS) => admission.token(nowS) });
  }

  /** Takes the place of what we had there. */
  async publish(bundle: SealedBundle, signal?: AbortSignal): Promise<void> {
    const { roomId } = this.#admission;
    const { head, one_time } = bundle;
    await this.#call({ method: 'publish_bundle', params: { room_id: roomId, head, one_time } }, signal);
  }

  /**
   * What a peer has published; `undefined` where it is not there or has nothing. With a one-time record only for who has a
   * socket there itself, and once (RL18).
   */
  async fetch(peerId: PeerId, signal?: AbortSignal): Promise<HandedBundle | undefined> {
    const { roomId } = this.#admission;
    return this.#ask({ method: 'fetch_bundle', params: { room_id: roomId, peer_id: peerId } }, peerId, signal);
  }

  /** `publish` and `fetch` in one call; `undefined` also where nothing was published, because we have no socket there. */
  async exchange(peerId: PeerId, bundle: SealedBundle, signal?: AbortSignal): Promise<HandedBundle | undefined> {
    const params = { room_id: this.#admission.roomId, peer_id: peerId, ...bundle };
    return this.#ask({ method: 'exchange_bundles', params }, peerId, signal);
  }

  async remove(signal?: AbortSignal): Promise<void> {
    await this.#call({ method: 'delete_bundle', params: { room_id: this.#admission.roomId } }, signal);
  }

  async #ask(request: BundleRequest, peerId: PeerId, signal?: AbortSignal): Promise<HandedBundle | undefined> {
    const result = await this.#call(request, signal, NOT_THERE);
    if (result === undefined) return undefined;
    const bundle =
      isRecord(result) && parsePeerId(result['peer_id']) === peerId ? parseHandedBundle(result) : undefined;
    if (!bundle) throw unreachable('an answer that is none');
    return bundle;
  }

  #call(request: BundleRequest, signal?: AbortSignal, expected?: readonly string[]): Promise<unknown> {
    return this.#calls.call(formatRequest(request, CALL_ID), signal, expected);
  }
}
