/** RL21–RL23, LM9, LM12–LM14 on sockets in memory: who comes back finds what it has missed, or hears that it is lost. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NO_VISITOR } from '../../relay-worker/door-book.ts';
import {
  BEHIND_CLOSE_BYTES,
  BUFFERED_DROP_BYTES,
  PROBE_WAIT_MS,
  RING_AGE_MAX_MS,
  RING_BYTES_MAX,
  RING_MESSAGES_MAX,
  SILENCE_LOOK_EVERY_MS,
  SILENCE_PROBE_MS,
} from '../../relay-worker/limits.ts';
import { formatError } from '../../src/engine/protocol/relay.ts';
import type { RelayMessage } from '../../src/engine/protocol/relay.ts';
import { MemorySocket } from '../helpers/memory-socket.ts';
import { ALICE, BOB, CAROL, ROOM } from '../helpers/samples.ts';
import { NOW_MS, Stage, errorOf, leftOf, nth, toPeer } from './room-stage.ts';

const PROBE: RelayMessage = { type: 'notification', method: 'probe', params: { room_id: ROOM } };
/** Of the first peer of a stage. */
const ALICE_NUMBER = NOW_MS;
const EP = 'ep-1';
const HALF_OPEN_MAX_MS = 20_000;
const STALLED_MAX_BYTES = 2 * 1024 * 1024;

function gapAt(n: number, ep = EP): RelayMessage {
  return { type: 'notification', method: 'gap', params: { room_id: ROOM, ep, n } };
}

/** The payloads and numbers of the messages among these. */
function bodiesOf(messages: readonly RelayMessage[]): (readonly [number, string])[] {
  return messages.flatMap((one) =>
    one.type === 'notification' && one.method === 'relay_message' ? [[one.params.n, one.params.payload] as const] : [],
  );
}

function methodsOf(messages: readonly RelayMessage[]): (string | undefined)[] {
  return messages.map((one) => (one.type === 'notification' ? one.method : one.type));
}

/** Does not read: what is sent to it waits, and is counted. */
class StalledSocket extends MemorySocket {
  override send(text: string): void {
    super.send(text);
    this.bufferedAmount += text.length;
  }
}

describe('RL21: a peer that lost its socket', () => {
  it('finds what was said to it meanwhile, in order, after its welcome and before anything newer', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    stage.send(bob, toPeer(ALICE, 'heard'));
    alice.take();
    // into a socket that is dead already, and then to a seat
    stage.send(bob, toPeer(ALICE, 'lost1'));
    stage.gone(alice);
    stage.nowMs += RING_AGE_MAX_MS - 1;
    assert.deepEqual(bob.take(), [leftOf(ALICE)], 'the others are told as ever');
    stage.send(bob, toPeer(ALICE, 'lost2'), 1);
    assert.deepEqual(bob.take(), [{ type: 'result', id: 1, result: {} }]);

    const again = stage.enter(ALICE, ALICE_NUMBER, { place: { ep: EP, n: 1 } });
    stage.send(bob, toPeer(ALICE, 'newer'));
    const told = again.take();
    assert.deepEqual(methodsOf(told), ['welcome', 'relay_message', 'relay_message', 'relay_message']);
    assert.deepEqual(bodiesOf(told), [
      [2, 'lost1'],
      [3, 'lost2'],
      [4, 'newer'],
    ]);
    assert.deepEqual(methodsOf(bob.take()), ['peer_joined']);
  });

  it('finds it too where its old socket seems to be alive still, and nobody else notices', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    stage.send(bob, toPeer(ALICE, 'dead1'));
    stage.send(bob, toPeer(ALICE, 'dead2'));
    const again = stage.enter(ALICE, ALICE_NUMBER, { place: { ep: EP, n: 0 } });
    assert.equal(alice.closed?.reason, 'replaced');
    assert.deepEqual(bodiesOf(again.take()), [
      [1, 'dead1'],
      [2, 'dead2'],
    ]);
    assert.deepEqual(bob.take(), []);
  });

  it('that has missed nothing is told nothing', () => {
    const stage = new Stage();
    const [alice] = stage.gather(ALICE, BOB) as [MemorySocket];
    stage.gone(alice);
    assert.deepEqual(methodsOf(stage.enter(ALICE, ALICE_NUMBER, { place: { ep: EP, n: 0 } }).take()), ['welcome']);
  });

  it('that shows no place is told nothing of before, and can still ask', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    stage.gone(alice);
    stage.send(bob, toPeer(ALICE, 'missed'));
    const again = stage.enter(ALICE, ALICE_NUMBER);
    assert.deepEqual(methodsOf(again.take()), ['welcome']);
    stage.send(again, { method: 'resume', params: { room_id: ROOM, ep: EP, n: 0 } }, 1);
    assert.deepEqual(bodiesOf(again.take()), [[1, 'missed']]);
  });

  it('has no seat after 30 s, after a leave, or after it was ended for what it did', () => {
    const ends: readonly ((stage: Stage, alice: MemorySocket) => void)[] = [
      (stage, alice) => {
        stage.gone(alice);
        stage.nowMs += RING_AGE_MAX_MS + 1;
      },
      (stage, alice) => stage.send(alice, { method: 'leave', params: { room_id: ROOM } }),
      (stage, alice) => {
        for (let i = 0; i < 32; i++) stage.receive(alice, 'x');
        assert.equal(alice.closed?.reason, 'bad-input');
      },
    ];
    for (const end of ends) {
      const stage = new Stage();
      const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
      end(stage, alice);
      bob.take();
      stage.send(bob, toPeer(ALICE), 1);
      assert.deepEqual(bob.take(), [errorOf(1, 'peer-unknown')]);
      assert.deepEqual(
        stage
          .enter(ALICE, ALICE_NUMBER, { place: { ep: EP, n: 0 } })
          .take()
          .at(-1),
        gapAt(0),
      );
    }
  });
});

describe('RL22: a gap is told', () => {
  it('where the room is another instance by now', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    stage.sleep();
    stage.send(bob, toPeer(ALICE));
    stage.gone(alice);
    // by its number alone it would have missed nothing that is not kept
    const told = stage.enter(ALICE, ALICE_NUMBER, { place: { ep: EP, n: 0 } }).take();
    assert.deepEqual(told.slice(1), [gapAt(1, 'ep-2')]);
  });

  it('where the ring is too short', () => {
    const stage = new Stage();
    const [alice, bob, carol] = stage.gather(ALICE, BOB, CAROL) as [MemorySocket, MemorySocket, MemorySocket];
    stage.send(bob, toPeer(ALICE));
    stage.gone(alice);
    for (let i = 0; i < RING_MESSAGES_MAX; i++) stage.send(i % 2 ? bob : carol, toPeer(i % 2 ? CAROL : BOB));
    assert.deepEqual(
      stage
        .enter(ALICE, ALICE_NUMBER, { place: { ep: EP, n: 0 } })
        .take()
        .at(-1),
      gapAt(1),
    );
  });

  it('where it is too old', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    stage.send(bob, toPeer(ALICE));
    stage.nowMs += RING_AGE_MAX_MS + 1;
    stage.gone(alice);
    assert.deepEqual(
      stage
        .enter(ALICE, ALICE_NUMBER, { place: { ep: EP, n: 0 } })
        .take()
        .at(-1),
      gapAt(1),
    );
  });

  it('where the place is one that was never reached, and to who does not know the number of this join', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    stage.send(bob, toPeer(ALICE));
    stage.gone(alice);
    const ahead = stage.enter(ALICE, ALICE_NUMBER, { place: { ep: EP, n: 2 } });
    assert.deepEqual(ahead.take().at(-1), gapAt(1));
    stage.gone(ahead);
    assert.deepEqual(
      stage
        .enter(ALICE, 7, { place: { ep: EP, n: 0 } })
        .take()
        .at(-1),
      gapAt(0),
    );
    const [carol] = stage.gather(CAROL) as [MemorySocket];
    stage.send(bob, toPeer(CAROL));
    carol.take();
    assert.deepEqual(
      stage
        .enter(CAROL, 7, { place: { ep: EP, n: 0 } })
        .take()
        .at(-1),
      gapAt(1),
      'nor on a socket that it takes over',
    );
  });
});

describe('RL23: what was dropped', () => {
  it('LM6: is asked for once the peer reads again, and said once more at most', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    alice.bufferedAmount = BUFFERED_DROP_BYTES + 1;
    stage.send(bob, toPeer(ALICE, 'dropped'), 1);
    assert.deepEqual(bob.take(), [errorOf(1, 'rate-limited')]);
    const resume = { method: 'resume', params: { room_id: ROOM, ep: EP, n: 0 } } as const;
    stage.send(alice, resume, 2);
    alice.bufferedAmount = 0;
    stage.send(alice, resume, 3);
    stage.send(alice, resume, 4);
    const told = alice.take();
    assert.deepEqual(bodiesOf(told), [[1, 'dropped']]);
    assert.deepEqual(methodsOf(told), ['error', 'relay_message', 'result', 'result']);
    assert.deepEqual(told[0], errorOf(2, 'rate-limited'), 'who asked hears that it has to ask again');
  });

  it('LM6: whoever only asks, and never reads, is closed', () => {
    const stage = new Stage();
    const alice = new StalledSocket();
    stage.room.enter(alice, ALICE, 0, stage.nowMs, NO_VISITOR);
    alice.bufferedAmount = BEHIND_CLOSE_BYTES - 200;
    const resume = { method: 'resume', params: { room_id: ROOM, ep: EP, n: 0 } } as const;
    stage.send(alice, resume);
    const before = alice.closed;
    for (let i = 0; i < 3; i++) stage.send(alice, resume, i);
    assert.deepEqual([before, alice.closed?.reason], [undefined, 'slow-reader'], 'without an answer it costs nothing');
  });

  it('RL13: of another room is not asked for here; over HTTP there is no such method', () => {
    const stage = new Stage();
    const [alice] = stage.gather(ALICE) as [MemorySocket];
    const params = { room_id: `0x${'bb'.repeat(32)}` as typeof ROOM, ep: EP, n: 0 };
    stage.send(alice, { method: 'resume', params }, 1);
    assert.deepEqual(alice.take(), [errorOf(1, 'room-mismatch')]);
    const text = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'resume', params: { ...params, room_id: ROOM } });
    assert.equal(stage.call(ALICE, text).reason, 'method-not-found');
  });
});

describe('LM12: a socket that is silent', () => {
  it('is asked for a sign of life, and stays where it gives one', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    stage.nowMs += SILENCE_PROBE_MS + 1;
    stage.send(alice, toPeer(CAROL));
    assert.deepEqual(bob.take(), [PROBE]);
    // in the same millisecond, as on a machine that is near
    stage.answeredAtMs.set(bob, stage.nowMs);
    stage.nowMs += PROBE_WAIT_MS;
    stage.send(alice, toPeer(CAROL));
    assert.deepEqual([bob.take(), bob.closed], [[], undefined]);
    stage.nowMs += SILENCE_PROBE_MS;
    stage.send(alice, toPeer(CAROL));
    assert.deepEqual(bob.take(), [PROBE], 'and again after a while');
  });

  it('that is dead is found within 20 s of its last sign, where something happens every three seconds; and keeps its seat', () => {
    for (const every_ms of [500, 1_000, 2_000, 3_000]) {
      const stage = new Stage();
      const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
      while (!bob.closed && stage.nowMs - NOW_MS < 60_000) {
        stage.nowMs += every_ms;
        stage.send(alice, toPeer(BOB, 'AAAA'));
      }
      assert.deepEqual(bob.closed, { code: 1001, reason: 'silent' });
      const took_ms = stage.nowMs - NOW_MS;
      assert.ok(took_ms <= HALF_OPEN_MAX_MS, `${took_ms} ms with a message each ${every_ms} ms`);
      const [place] = bodiesOf(bob.take());
      assert.deepEqual(place, [1, 'AAAA']);
      const again = stage.enter(BOB, NOW_MS + 1, { place: { ep: EP, n: 0 } });
      assert.equal(bodiesOf(again.take()).length, Math.floor(took_ms / every_ms), 'all that it did not hear');
    }
  });

  it('is not ended by a look that comes too early, and not asked twice', () => {
    const stage = new Stage();
    const [alice, bob] = stage.gather(ALICE, BOB) as [MemorySocket, MemorySocket];
    stage.nowMs += SILENCE_PROBE_MS + 1;
    stage.send(alice, toPeer(CAROL));
    stage.nowMs += SILENCE_LOOK_EVERY_MS;
    stage.send(alice, toPeer(CAROL));
    assert.deepEqual([bob.take(), bob.closed], [[PROBE], undefined]);
    stage.send(bob, toPeer(ALICE));
    stage.nowMs += PROBE_WAIT_MS;
    stage.send(alice, toPeer(CAROL));
    assert.equal(bob.closed, undefined, 'a message is a sign of life as well');
  });
});

describe('LM14: a reader that stalls', () => {
  it('costs 2 MiB at most, what is kept for it included, and takes nothing from the others', () => {
    const stage = new Stage();
    const [bob, carol] = stage.gather(BOB, CAROL) as [MemorySocket, MemorySocket];
    const stalled = new StalledSocket();
    stage.room.admit(stalled, ALICE, 0, stage.nowMs, NO_VISITOR);
    const payload = 'A'.repeat(60_000);
    let most = 0;
    for (let sent = 0; !stalled.closed && sent < 200; sent++) {
      // no faster than each of them may
      stage.nowMs += 500;
      stage.send(sent % 2 ? bob : carol, toPeer(ALICE, payload));
      most = Math.max(most, stalled.bufferedAmount);
    }
    assert.equal(stalled.closed?.reason, 'slow-reader');
    assert.ok(most > BUFFERED_DROP_BYTES && most <= BUFFERED_DROP_BYTES + payload.length + 1024, `${most} bytes wait`);
    assert.ok(most + RING_BYTES_MAX <= STALLED_MAX_BYTES);
    stage.nowMs += 60_000;
    for (const socket of [bob, carol]) {
      stage.answeredAtMs.set(socket, stage.nowMs);
      socket.take();
    }
    stage.send(bob, toPeer(CAROL, 'fine'), 1);
    assert.deepEqual(bodiesOf(carol.take()).at(-1)?.[1], 'fine');
  });

  it('is brought no more than the ring when it comes back, and stays below the bound at which it is ended', () => {
    const stage = new Stage();
    const [alice, ...others] = stage.gather(ALICE, BOB, CAROL) as [MemorySocket, MemorySocket, MemorySocket];
    stage.gone(alice);
    for (let i = 0; i < 16; i++) {
      stage.nowMs += 500;
      stage.send(nth(others, i % 2), toPeer(ALICE, 'A'.repeat(60_000)));
    }
    const stalled = new StalledSocket();
    stage.room.admit(stalled, ALICE, ALICE_NUMBER, stage.nowMs, { ...NO_VISITOR, place: { ep: EP, n: 8 } });
    assert.ok(stalled.bufferedAmount > RING_BYTES_MAX - 64 * 1024 && stalled.bufferedAmount < BEHIND_CLOSE_BYTES);
    const before = stalled.bufferedAmount;
    for (let i = 0; i < 20; i++) {
      stage.send(stalled, { method: 'resume', params: { room_id: ROOM, ep: EP, n: 0 } }, i);
    }
    const refusals = 20 * formatError(10, 'rate-limited').length;
    assert.ok(stalled.bufferedAmount - before <= refusals, 'it is told that it has to read, and nothing else');
    assert.ok(stalled.bufferedAmount < BEHIND_CLOSE_BYTES);
  });
});
