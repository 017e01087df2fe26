import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Assurance } from '../../src/engine/assurance.ts';
import type { AssuranceOptions } from '../../src/engine/assurance.ts';
import { toBase64Url } from '../../src/engine/protocol/bytes.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { PeerMessage } from '../../src/engine/protocol/peer.ts';
import type { RoomEvent } from '../../src/engine/room/events.ts';
import { ALICE, BOB, CAROL, ROOM } from '../helpers/samples.ts';
import { TWO, commitOf, nonceOf } from '../keys/code-messages.ts';
import { hashOf } from '../keys/code-room.ts';

/** Alice's, with keys that nobody asks: what is said about codes alone. Her clock is set by the test. */
class Stage {
  readonly sent: PeerMessage[] = [];
  readonly events: RoomEvent[] = [];
  nowMs = 0;
  readonly assurance: Assurance;

  constructor() {
    const options: Pick<AssuranceOptions, 'roomId' | 'self' | 'now' | 'send' | 'onEvent' | 'onCode' | 'onDropped'> = {
      roomId: ROOM,
      self: ALICE,
      now: () => this.nowMs,
      send: (_to, message) => this.sent.push(message),
      onEvent: (event) => this.events.push(event),
      onCode: () => undefined,
      onDropped: () => undefined,
    };
    const proofs = {
      report: () => undefined,
      rosterHash: (members: readonly { readonly peerId: PeerId }[]) => hashOf(members.map(({ peerId }) => peerId)),
    };
    // codes use nothing else of the proofs, and neither pins nor the record
    this.assurance = new Assurance({ ...options, proofs } as unknown as AssuranceOptions);
  }

  announce(peerIds: readonly PeerId[], isChange: boolean, isAsking = false): void {
    const members = peerIds.map((peerId) => ({ peerId, certificate: toBase64Url(nonceOf(0)) }));
    this.assurance.announce({ type: 'announce-roster', seq: 1, members, to: [], isAsking, isChange });
  }

  commit(round: number): void {
    const message = commitOf(BOB, TWO, round, nonceOf(round));
    if (message.type === 'code-commit') this.assurance.receive(BOB, message);
    this.nowMs += 5_000;
  }
}

describe('RC1: a new round', () => {
  it('begins with a change of the roster, and not with an answer or a beat', () => {
    const stage = new Stage();
    stage.announce(TWO, false);
    stage.announce(TWO, false, true);
    assert.deepEqual(stage.sent, []);
    stage.announce(TWO, true);
    assert.equal(stage.sent.length, 1);
    stage.announce([...TWO, CAROL], false);
    assert.equal(stage.sent.length, 1);
    stage.announce(TWO, false, true);
    assert.equal(stage.sent.length, 2, 'what is missing is asked for');
  });
});

describe('RC2: a member that holds its nonces back', () => {
  it('is told after five rounds that had no code for its silence, once', () => {
    const stage = new Stage();
    stage.announce(TWO, true);
    for (let round = 1; round <= 5; round++) stage.commit(round);
    assert.deepEqual(stage.events, []);
    stage.commit(6);
    assert.deepEqual(stage.events, [{ type: 'peer-doubted', peerId: BOB, reason: 'withheld-nonce' }]);
    for (let round = 7; round <= 20; round++) stage.commit(round);
    assert.equal(stage.events.length, 1);
  });

  it('is told once it is here again, where it has left in between and gone on', () => {
    const stage = new Stage();
    stage.announce(TWO, true);
    for (let round = 1; round <= 5; round++) stage.commit(round);
    stage.announce([ALICE, CAROL], true);
    assert.deepEqual(stage.events, [], 'nobody here has done it');
    stage.announce(TWO, true);
    for (const round of [8, 9]) stage.commit(round);
    assert.deepEqual(stage.events, [{ type: 'peer-doubted', peerId: BOB, reason: 'withheld-nonce' }]);
  });
});
