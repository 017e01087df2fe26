/** A room in memory that has a host, and what the host says there. */
import assert from 'node:assert/strict';
import type { HostAction, HostClaims } from '../../src/engine/protocol/host.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { ClientRequest, RelayMessage } from '../../src/engine/protocol/relay.ts';
import { hostClaims, hostRequest, signHostClaims } from '../helpers/hosts.ts';
import type { HostedRoom } from '../helpers/hosts.ts';
import type { MemorySocket } from '../helpers/memory-socket.ts';
import { ALICE } from '../helpers/samples.ts';
import { Stage } from './room-stage.ts';

export const HOST = { isHost: true };
/** What somebody knocks with. */
export const NOTE = 'c2VhbGVkLW5hbWU';

/** Alice is the host; the others have come in after her, as the door was open. */
export class HostedStage extends Stage {
  readonly hosted: HostedRoom;
  readonly alice: MemorySocket;

  constructor(hosted: HostedRoom, maxPeers = 8) {
    super({ roomId: hosted.roomId, pkHost: hosted.pkHost, maxPeers });
    this.hosted = hosted;
    this.alice = this.enter(ALICE, 0, HOST);
    this.alice.take();
  }

  statement(action: HostAction, target?: PeerId, overrides: Partial<HostClaims> = {}): Promise<string> {
    const said = { from: ALICE, ep: this.ep, target };
    const issuedS = Math.floor(this.nowMs / 1000);
    return signHostClaims(hostClaims(this.hosted, action, said, { issuedS, ...overrides }), this.hosted.hostKey);
  }

  /** What `socket` is answered to a statement. */
  async say(socket: MemorySocket, statement: string): Promise<RelayMessage | undefined> {
    await this.send(socket, hostRequest(this.hosted.roomId, statement), 'said');
    return socket.take().find((message) => message.type !== 'notification');
  }

  async act(action: HostAction, target?: PeerId): Promise<void> {
    const answer = await this.say(this.alice, await this.statement(action, target));
    assert.deepEqual(answer, { type: 'result', id: 'said', result: {} });
  }

  knock(socket: MemorySocket, note = NOTE): RelayMessage[] {
    const request: ClientRequest = { method: 'knock', params: { room_id: this.hosted.roomId, note } };
    void this.send(socket, request, 'knock');
    return socket.take();
  }
}
