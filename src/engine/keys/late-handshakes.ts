/** First messages that come beside a session that stands: late ones of the same peer, or somebody else's. */
import { parsePqxdhHeader } from '../crypto/pqxdh-header.ts';
import type { OwnPreKeys } from '../crypto/pre-keys.ts';
import { equalBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import type { PeerId } from '../protocol/ids.ts';
import { TokenBucket } from '../protocol/token-bucket.ts';
import { answerPair } from './handshake.ts';
import type { OwnParty } from './handshake.ts';
import type { Pair } from './pair.ts';

/** An honest peer has begun once or twice too often. More looks cost agreements that somebody with the link can have us make. */
const LOOKS_BURST = 8;
const LOOK_EVERY_MS = 5_000;

export type LateFault =
  /** Somebody begins again as a peer that we have a session with. */
  | 'second-handshake'
  /** The peer itself has begun so, before the session that stands: late, or kept back on the way. */
  | 'stale-handshake';

export class LateHandshakes {
  readonly #own: OwnParty;
  readonly #preKeys: OwnPreKeys;
  readonly #looks = new TokenBucket({ burst: LOOKS_BURST, everyMs: LOOK_EVERY_MS });

  constructor(own: OwnParty, preKeys: OwnPreKeys) {
    this.#own = own;
    this.#preKeys = preKeys;
  }

  /**
   * The session that stands goes on in any case and has no part in this. A peer that had no answer has begun more than once
   * (HS6), and its older beginnings may come later: they are proved to be its own, or name its certificate and a pre-key that
   * we have had and is gone, by which nothing can be proved any more. Everything else is somebody else's.
   */
  async judge(from: PeerId, known: Pair, header: Bytes, message: Bytes): Promise<LateFault> {
    const claimed = parsePqxdhHeader(header);
    if (!claimed || !equalBytes(claimed.certificate, known.certificate.bytes)) return 'second-handshake';
    if (!this.#looks.take(1, this.#own.steadyNow())) return 'second-handshake';
    const answer = await answerPair(this.#own, this.#preKeys, from, header, message);
    if (answer.ok) return 'stale-handshake';
    const isOurs = claimed.lastResortId === this.#preKeys.lastResort.id && this.#preKeys.hasIssued(claimed.oneTimeId);
    return answer.fault === 'unknown-pre-key' && isOurs ? 'stale-handshake' : 'second-handshake';
  }
}
