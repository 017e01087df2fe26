/**
 * What a connection of ours tells, and takes, while we hide our addresses (PROTOCOL.md PR). The browser does the hiding itself
 * (`iceTransportPolicy: 'relay'`); here every text is looked at once more on its way out, and on its way in. Loaded where it is wanted.
 */
import { formatRelayed, isRelayed, parseIceCandidate } from '../protocol/candidate.ts';
import { withSteadySound, withoutAddresses } from '../protocol/hidden-sdp.ts';
import { isLoopbackAddress, isPublicAddress } from '../protocol/ip-address.ts';
import type { IpAddress } from '../protocol/ip-address.ts';
import type { Candidate } from '../protocol/peer.ts';

/** Of one ICE generation of the peer: each may have our TURN host send to another address. */
export const HIDDEN_CANDIDATES_MAX = 16;

export type HiddenPathOptions = {
  /** The relay is on this machine, and so may others be (PR6). */
  readonly isLocal: boolean;
  onDropped(reason: string): void;
};

export class HiddenPath {
  readonly #options: HiddenPathOptions;
  /** Where the peer says that it can be reached, of its present ICE generation. */
  readonly #known = new Set<string>();
  #generation = '';

  constructor(options: HiddenPathOptions) {
    this.#options = options;
  }

  /** One that we have found, as it may be told; `undefined`: not at all. */
  ownCandidate(candidate: Candidate): Candidate | undefined {
    // the end of a generation
    if (candidate.candidate === '') return candidate;
    const text = this.#own(candidate.candidate);
    return text === undefined ? undefined : { ...candidate, candidate: text };
  }

  /** Ours, as it may be told. Throws where it may not. */
  ownDescription(sdp: string): string {
    return this.#cleaned(sdp, (text) => this.#own(text));
  }

  /** The peer's, as the browser may have it. Throws where it may not. */
  peerDescription(sdp: string): string {
    const generation = sdp.match(/^a=ice-ufrag:.*$/gm)?.join() ?? '';
    if (generation !== this.#generation) this.#known.clear();
    this.#generation = generation;
    return this.#cleaned(sdp, (text) => this.#peer(text));
  }

  peerCandidates(candidates: readonly Candidate[]): readonly Candidate[] {
    return candidates.flatMap((candidate) => {
      if (candidate.candidate === '') return [candidate];
      const text = this.#peer(candidate.candidate);
      return text === undefined ? [] : [{ ...candidate, candidate: text }];
    });
  }

  #cleaned(sdp: string, keep: (text: string) => string | undefined): string {
    const clean = withoutAddresses(sdp, keep);
    if (clean !== undefined) return withSteadySound(clean);
    this.#options.onDropped('private-description');
    throw new Error('link: an address in a description');
  }

  #own(text: string): string | undefined {
    const parsed = parseIceCandidate(text);
    if (parsed && isRelayed(parsed)) return formatRelayed(parsed);
    this.#options.onDropped('private-own-candidate');
    return undefined;
  }

  #peer(text: string): string | undefined {
    const parsed = parseIceCandidate(text);
    const { onDropped } = this.#options;
    if (!parsed?.address || !isRelayed(parsed) || !this.#isReachable(parsed.address)) {
      onDropped('private-candidate');
      return undefined;
    }
    const place = `${parsed.address.join('.')} ${parsed.port}`;
    // descriptions repeat what was told before
    if (!this.#known.has(place) && this.#known.size >= HIDDEN_CANDIDATES_MAX) {
      onDropped('private-candidates-full');
      return undefined;
    }
    this.#known.add(place);
    return formatRelayed(parsed);
  }

  /** Whether our TURN host may be asked to send there. */
  #isReachable(address: IpAddress): boolean {
    return isPublicAddress(address) || (this.#options.isLocal && isLoopbackAddress(address));
  }
}
