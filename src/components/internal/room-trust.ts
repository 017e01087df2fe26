/** What people do about keys, over whatever session the room has now. */
import type { PeerId, SafetyNumber, ScanResult, Session } from '../../engine/index.ts';
import type { TrustActions, VerifyTarget } from './room-context.ts';

type TrustHost = {
  readonly session: Session | undefined;
  showVerify(target: VerifyTarget | undefined): void;
};

export class RoomTrust implements TrustActions {
  readonly #host: TrustHost;

  constructor(host: TrustHost) {
    this.#host = host;
  }

  open(target: VerifyTarget): void {
    this.#host.showVerify(target);
  }

  close(): void {
    this.#host.showVerify(undefined);
  }

  setVerified(peerIds: readonly PeerId[], isVerified: boolean): void {
    for (const peerId of peerIds) this.#host.session?.dispatch({ type: 'set-verified', peerId, isVerified });
  }

  reportDifference(peerIds: readonly PeerId[]): void {
    this.#host.session?.dispatch({ type: 'report-difference', peerIds });
  }

  async safetyNumber(peerId: PeerId): Promise<SafetyNumber | undefined> {
    try {
      return await this.#host.session?.safetyNumber(peerId);
    } catch {
      return undefined; // a session that ended meanwhile has no keys
    }
  }

  checkScan(peerId: PeerId, text: string): ScanResult {
    return this.#host.session?.checkScan(peerId, text) ?? 'unreadable';
  }
}
