/** The four calls about pre-key bundles, by socket or over HTTP, and the bundles of a `welcome` (PROTOCOL.md RL16–RL20). */
import type { BundleRequest, SealedBundle } from '../src/engine/protocol/bundle.ts';
import { utf8Length } from '../src/engine/protocol/bytes.ts';
import type { RpcErrorReason } from '../src/engine/protocol/errors.ts';
import type { PeerId } from '../src/engine/protocol/ids.ts';
import { RELAY_TEXT_MAX, formatNotification } from '../src/engine/protocol/relay.ts';
import type { ListedPlace, RpcResult, Welcome } from '../src/engine/protocol/relay.ts';
import { WELCOME_BUNDLES_MAX } from './limits.ts';
import type { Member, Members } from './members.ts';

export type Outcome = { readonly result: RpcResult } | { readonly reason: RpcErrorReason };

const DONE: Outcome = { result: {} };

export class BundleDesk<S> {
  readonly #members: Members<S>;
  readonly #onFirstPublished: (owner: Member<S>) => void;

  /** `onFirstPublished`: once for each peer, as long as it is here. */
  constructor(members: Members<S>, onFirstPublished: (owner: Member<S>) => void) {
    this.#members = members;
    this.#onFirstPublished = onFirstPublished;
  }

  /** `isAnswered`: whether anybody reads the result. Where nobody does, nothing is handed out. */
  handle(peerId: PeerId, request: BundleRequest, isAnswered: boolean): Outcome {
    const own = this.#members.get(peerId);
    if (request.method === 'fetch_bundle') return isAnswered ? this.#fetch(own, request.params.peer_id) : DONE;
    // What is published lives and dies with its owner's socket.
    if (!own) return { reason: 'peer-unknown' };
    switch (request.method) {
      case 'publish_bundle':
        this.#publish(own, request.params);
        return DONE;
      case 'delete_bundle':
        own.shelf.clear();
        return DONE;
      case 'exchange_bundles':
        this.#publish(own, request.params);
        return isAnswered ? this.#fetch(own, request.params.peer_id) : DONE;
    }
  }

  /**
   * RL17: with the bundles of those that are listed first, as many as the longest text has room for. A one-time blob is
   * taken only where it is sure to go out.
   */
  withBundles(welcome: Welcome): Welcome {
    let room = RELAY_TEXT_MAX - utf8Length(formatNotification({ method: 'welcome', params: welcome }));
    const peers = welcome.peers.map((place, index): ListedPlace => {
      const shelf = index < WELCOME_BUNDLES_MAX ? this.#members.get(place.peer_id)?.shelf : undefined;
      if (!shelf || shelf.textMax > room) return place;
      room -= shelf.textMax;
      const bundle = shelf.handOut(welcome.peer_id);
      return bundle ? { ...place, bundle } : place;
    });
    return { ...welcome, peers };
  }

  #publish(own: Member<S>, bundle: SealedBundle): void {
    if (own.shelf.publish(bundle)) this.#onFirstPublished(own);
  }

  /** RL18: without a socket here (`asker` is `undefined`) one is given the head alone. */
  #fetch(asker: Member<S> | undefined, targetPeerId: PeerId): Outcome {
    const target = this.#members.get(targetPeerId);
    if (!target || target === asker) return { reason: 'peer-unknown' };
    const handed = target.shelf.handOut(asker?.peerId);
    return handed ? { result: { peer_id: targetPeerId, ...handed } } : { reason: 'no-bundle' };
  }
}
