/** What comes in at a `WebRTCE2EE`: opened, judged, and only then believed; and who the senders are known to be. */
import { parseInner } from './e2ee-format.ts';
import type { Inner } from './e2ee-format.ts';
import { E2eeError } from './e2ee-types.ts';
import type { E2eeFault, E2eePeer } from './e2ee-types.ts';
import type { PinStatus } from './identity/pins.ts';
import type { ClientPeer } from './keys/client-peers.ts';
import type { ClientOpened } from './keys/client-sessions.ts';
import type { OwnClient } from './own-client.ts';
import { equalBytes, toHex } from './protocol/bytes.ts';
import type { Bytes } from './protocol/bytes.ts';
import type { EncryptedMessage } from './protocol/e2ee.ts';
import type { PeerId } from './protocol/ids.ts';

/** How far two clocks may lie apart (PROTOCOL.md HS5). */
export const TIME_AHEAD_MAX_MS = 5 * 60_000;
/** Nothing here lives longer than a guest's certificate. */
export const TIME_AGE_MAX_MS = 24 * 3_600_000;

type Met = Pick<E2eePeer, 'userId' | 'standing'>;
type Judgement = { readonly ok: true; readonly inner: Inner } | { readonly ok: false; readonly fault: E2eeFault };

export class E2eeInbox {
  readonly #own: OwnClient;
  readonly #onChanged: (peerId: PeerId) => void;
  readonly #met = new Map<PeerId, Met>();
  readonly #learning = new Map<PeerId, Promise<void>>();

  /** `onChanged`: a name that was another device's is this peer's now. Called before a message of it is given out. */
  constructor(own: OwnClient, onChanged: (peerId: PeerId) => void) {
    this.#own = own;
    this.#onChanged = onChanged;
  }

  peers(): readonly E2eePeer[] {
    return this.#own.keys.sessions.peers().map(([peerId]) => this.peer(peerId));
  }

  /** Of a peer with a session. */
  peer(peerId: PeerId): E2eePeer {
    // there is a session
    const { current, chosen, isRefused } = this.#own.keys.sessions.get(peerId) as ClientPeer;
    return {
      peerId,
      userId: undefined,
      standing: undefined,
      ...this.#met.get(peerId),
      deviceId: toHex(current.deviceId),
      kind: current.kind,
      isConfirmed: chosen.pair.isConfirmed,
      isRevoked: isRefused,
    };
  }

  setStanding(peerId: PeerId, standing: PinStatus): void {
    const met = this.#met.get(peerId);
    if (met) this.#met.set(peerId, { ...met, standing });
  }

  /** That a message may be of now. It stops no replay: others do (ratchets, pre-keys that are spent). */
  isTimely(timestamp: number): boolean {
    const aheadMs = timestamp - this.#own.keys.party.now();
    return aheadMs <= TIME_AHEAD_MAX_MS && aheadMs >= -TIME_AGE_MAX_MS;
  }

  /** Rejects with an `E2eeError`, and then nothing has changed. */
  async open(message: EncryptedMessage): Promise<{ readonly text: string; readonly isFirst: boolean }> {
    if (!this.isTimely(message.timestamp)) throw new E2eeError('wrong-time');
    const { judgement, opened } = await this.#open(message, true);
    if (judgement?.ok === false) throw new E2eeError(judgement.fault);
    if (!opened.ok) throw new E2eeError(opened.fault);
    // what has opened was judged, and found good
    const { inner } = judgement as Extract<Judgement, { ok: true }>;
    await this.#learn(message.sender_id, inner.userId);
    return { text: inner.text, isFirst: opened.isFirst };
  }

  /** Whether `open` would take it. Changes nothing. */
  async wouldOpen(message: EncryptedMessage): Promise<boolean> {
    return this.isTimely(message.timestamp) && ((await this.#open(message, false)).judgement?.ok ?? false);
  }

  /** `isReal`: whether anything is to change by it. */
  async #open(
    message: EncryptedMessage,
    isReal: boolean,
  ): Promise<{ readonly judgement: Judgement | undefined; readonly opened: ClientOpened }> {
    // by the one session that it opens with
    const judgements: Judgement[] = [];
    const opened = await this.#own.keys.open(message, (text, { hash }) => {
      const judgement = this.#judge(message, text, hash);
      judgements.push(judgement);
      return isReal && judgement.ok;
    });
    return { judgement: judgements[0], opened };
  }

  /** Compares what stands beside the seal with what is in it. */
  #judge({ sender_id, key_id, timestamp }: EncryptedMessage, text: string, certificateHash: Bytes): Judgement {
    const inner = parseInner(text);
    if (!inner) return { ok: false, fault: 'malformed' };
    if (!equalBytes(key_id, certificateHash)) return { ok: false, fault: 'wrong-key-id' };
    if (inner.timestamp !== timestamp) return { ok: false, fault: 'wrong-time' };
    const userId = this.#met.get(sender_id)?.userId ?? inner.userId;
    return inner.userId === userId ? { ok: true, inner } : { ok: false, fault: 'other-device' };
  }

  /** Once for each peer; all its messages wait for it. */
  #learn(peerId: PeerId, userId: string): Promise<void> {
    const known = this.#learning.get(peerId);
    if (known) return known;
    this.#met.set(peerId, { userId, standing: undefined });
    const learning = this.#pin(peerId, userId);
    this.#learning.set(peerId, learning);
    return learning;
  }

  async #pin(peerId: PeerId, userId: string): Promise<void> {
    const { keys, identity } = this.#own;
    // a message of it has opened
    const { certificate } = keys.sessions.get(peerId) as ClientPeer;
    const standing = await identity.pins.pin(keys.party.roomId, userId, certificate);
    this.#met.set(peerId, { userId, standing });
    if (standing === 'changed') this.#onChanged(peerId);
  }
}
