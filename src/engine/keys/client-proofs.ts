/** What the devices behind a `WebRTCE2EE` show each other beside messages: who they are, and what became of their keys. */
import { compareScan, safetyNumber } from '../crypto/safety-number.ts';
import { openRevocation, openRotation } from '../crypto/statement.ts';
import type { Revocation, Rotation } from '../crypto/statement.ts';
import { equalBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import type { KeyRevokeMessage, KeyRotationMessage } from '../protocol/e2ee.ts';
import type { PeerId } from '../protocol/ids.ts';
import type { ClientParty } from './client-party.ts';
import type { ClientSessions } from './client-sessions.ts';

export class ClientProofs {
  readonly #party: Pick<ClientParty, 'provider' | 'nowS' | 'isRevoked'>;
  readonly #sessions: ClientSessions;

  constructor(party: Pick<ClientParty, 'provider' | 'nowS' | 'isRevoked'>, sessions: ClientSessions) {
    this.#party = party;
    this.#sessions = sessions;
  }

  /** Of the two devices of the session with this peer; `undefined` without one. */
  async safetyNumber(peerId: PeerId): Promise<Awaited<ReturnType<typeof safetyNumber>> | undefined> {
    const peer = this.#sessions.get(peerId);
    return peer && safetyNumber(peer.chosen.own, peer.certificate);
  }

  checkScan(peerId: PeerId, text: string): ReturnType<typeof compareScan> {
    const peer = this.#sessions.get(peerId);
    return peer ? compareScan(peer.chosen.own, peer.certificate, text) : 'unreadable';
  }

  /** `undefined` without a session with the sender, under another key id than the one it has now, and for a bad statement. */
  async openRotation({ sender_id, key_id, statement }: KeyRotationMessage): Promise<Rotation | undefined> {
    const peer = this.#sessions.get(sender_id);
    if (!peer || !equalBytes(peer.current.hash, key_id)) return undefined;
    const isRevoked = (deviceId: Bytes): Promise<boolean> => this.#party.isRevoked(deviceId);
    return openRotation(this.#party.provider, statement, peer.current, this.#party.nowS(), isRevoked);
  }

  /**
   * A revocation proves itself, whoever brings it, and may be about keys that were not met here. `undefined` for a bad one, and
   * where its sender goes by a key id that is known to be another device's.
   */
  async openRevocation({ sender_id, key_id, statement }: KeyRevokeMessage): Promise<Revocation | undefined> {
    const peer = this.#sessions.get(sender_id);
    const named = [peer?.certificate, peer?.current].find((each) => each && equalBytes(each.hash, key_id));
    const revocation = await openRevocation(this.#party.provider, statement, this.#party.nowS());
    return revocation && (!named || equalBytes(named.deviceId, revocation.deviceId)) ? revocation : undefined;
  }
}
