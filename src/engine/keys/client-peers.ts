/**
 * Whom `WebRTCE2EE` shares keys with: one device behind each peer id, and one session, or two where both sides began before
 * they heard of each other. The room knows who came first and drops one of the two (PROTOCOL.md HS6); here nobody resends
 * what is lost, so that both open, and one is let go once it is sure that nothing more comes by it.
 */
import type { Certificate } from '../crypto/certificate.ts';
import type { PeerId } from '../protocol/ids.ts';
import type { Pair } from './pair.ts';

/** As long as the ratchet waits for a message that others have overtaken (HS9). */
export const OLD_SESSION_MS = 5 * 60_000;

export type ClientSession = {
  readonly pair: Pair;
  /** Ours with this peer. */
  readonly own: Certificate;
};

export class ClientPeer {
  /** What all sessions with this peer have proved, or are made for. */
  readonly certificate: Certificate;
  /** The certificate that the peer's keys have been rotated to, as far as we were told. */
  current: Certificate;
  isRefused = false;
  readonly #isOursChosen: boolean;
  #sessions: readonly ClientSession[];
  /** Since when the peer is known to send by the chosen session alone. */
  #settledMs: number | undefined;

  constructor(self: PeerId, peerId: PeerId, session: ClientSession) {
    this.certificate = session.pair.certificate;
    this.current = this.certificate;
    this.#isOursChosen = self < peerId;
    this.#sessions = [session];
  }

  get sessions(): readonly ClientSession[] {
    return this.#sessions;
  }

  /** The one to seal by: what the peer has answered, and of two the one that the lower peer id has begun. */
  get chosen(): ClientSession {
    const answered = this.#sessions.filter(({ pair }) => pair.hasOpened);
    const role = this.#isOursChosen ? 'initiator' : 'responder';
    // there is one from the beginning on, and the last one is never taken away
    return answered.find(({ pair }) => pair.role === role) ?? answered[0] ?? (this.#sessions[0] as ClientSession);
  }

  /** What the peer has begun; `undefined` where it has not, or that session is gone. */
  get begunByPeer(): ClientSession | undefined {
    return this.#sessions.find(({ pair }) => pair.role === 'responder');
  }

  /** Whether the peer has begun, or can have begun, all that it ever may: a further handshake is somebody else's, or a fault. */
  get isSettled(): boolean {
    return this.#settledMs !== undefined || this.begunByPeer !== undefined;
  }

  add(session: ClientSession): void {
    this.#sessions = [...this.#sessions, session];
  }

  /** Something has opened: the session that the peer no longer uses is let go, once nothing of it can be on its way. */
  settle(nowMs: number): void {
    const { chosen } = this;
    if (this.#sessions.length === 1 || !chosen.pair.isConfirmed) return;
    this.#settledMs ??= nowMs;
    if (nowMs - this.#settledMs > OLD_SESSION_MS) this.#sessions = [chosen];
  }
}
