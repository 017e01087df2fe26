/**
 * Takes a host's statements (PROTOCOL.md AD10, AD11): which are of this room, this peer and this moment, made for this
 * instance of the relay, and seen for the first time. Carries nothing out.
 */
import { toBase64Url } from '../src/engine/protocol/bytes.ts';
import type { ErrorData } from '../src/engine/protocol/relay.ts';
import { HOST_STATEMENT_SKEW_MAX_S, parseHostStatement } from '../src/engine/protocol/host.ts';
import type { HostStatement } from '../src/engine/protocol/host.ts';
import type { PeerId, RoomId } from '../src/engine/protocol/ids.ts';
import { HOST_STATEMENTS_BURST, HOST_STATEMENTS_PER_S, bucketOf } from './limits.ts';

export type HostDeskOptions = {
  readonly roomId: RoomId;
  readonly ep: string;
  /** Whether this room's host has signed it. Left out: the room has no host. Never rejects. */
  readonly verify: ((statement: HostStatement) => Promise<boolean>) | undefined;
};

export type HostVerdict =
  | { readonly type: 'good'; readonly statement: HostStatement }
  | {
      readonly type: 'bad';
      readonly reason: 'host-invalid' | 'host-stale' | 'host-replayed' | 'rate-limited';
      readonly data?: ErrorData;
    };

const INVALID: HostVerdict = { type: 'bad', reason: 'host-invalid' };
const REPLAYED: HostVerdict = { type: 'bad', reason: 'host-replayed' };

export class HostDesk {
  readonly #options: HostDeskOptions;
  readonly #budget = bucketOf(HOST_STATEMENTS_PER_S, HOST_STATEMENTS_BURST);
  /**
   * Nonces of statements that were taken, with the second until which they would still count. In memory alone: an instance
   * that has forgotten them has another name (`ep`), for which none of them was made.
   */
  readonly #taken = new Map<string, number>();

  constructor(options: HostDeskOptions) {
    this.#options = options;
  }

  /** `from`: the peer over whose socket it came. */
  async judge(text: string, from: PeerId, nowMs: number): Promise<HostVerdict> {
    const { roomId, ep, verify } = this.#options;
    const statement = parseHostStatement(text);
    const nowS = Math.floor(nowMs / 1000);
    if (!verify || !statement) return INVALID;
    const { claims } = statement;
    if (claims.action === 'claim' || claims.roomId !== roomId || claims.hostPeerId !== from) return INVALID;
    const isNow = Math.abs(nowS - claims.issuedS) <= HOST_STATEMENT_SKEW_MAX_S;
    if (claims.ep !== ep || !isNow) return { type: 'bad', reason: 'host-stale', data: { now: nowS, ep } };
    if (!this.#budget.take(1, nowMs)) return { type: 'bad', reason: 'rate-limited' };
    const nonce = toBase64Url(claims.nonce);
    for (const [old, untilS] of this.#taken) if (untilS < nowS) this.#taken.delete(old);
    if (this.#taken.has(nonce)) return REPLAYED;
    if (!(await verify(statement))) return INVALID;
    // the same one may have been looked at meanwhile
    if (this.#taken.has(nonce)) return REPLAYED;
    this.#taken.set(nonce, claims.issuedS + HOST_STATEMENT_SKEW_MAX_S);
    return { type: 'good', statement };
  }
}
