import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Effect, RoomEvent } from '../../src/engine/room/events.ts';
import { FRAMES_CHECK_MS, SENDER_KEY_ACK_MS, SENDER_KEY_MS } from '../../src/engine/room/frames.ts';
import { BOB, CAROL } from '../helpers/samples.ts';
import { join, linked, listed, newcomer, offer, onLink, senderOf, welcome } from './step-fixtures.ts';
import { StepRunner, momentsOf } from './step-runner.ts';

const ROTATE: readonly Effect[] = [{ type: 'start-timer', id: 'sender-keys', delay_ms: SENDER_KEY_MS }];

const TIMERS = ['sender-keys', 'frames-check'];

/** Of the effects, what has to do with frames. */
function framesOf(effects: readonly Effect[]): readonly Effect[] {
  return effects.filter((effect) => {
    if (effect.type === 'start-timer' || effect.type === 'stop-timer') return TIMERS.includes(effect.id);
    return ['rotate-sender-keys', 'switch-sender-keys', 'check-frames'].includes(effect.type);
  });
}

function frames(kind: 'microphone' | 'camera', state: 'opened' | 'failing', generation = 1): RoomEvent {
  return { type: 'frames', peerId: BOB, generation, kind, state };
}

describe('SK4: sender keys', () => {
  it('change when somebody comes', () => {
    const room = new StepRunner();
    assert.deepEqual(framesOf(room.run(join, welcome(1))), [], 'alone, nobody hears us');
    assert.deepEqual(framesOf(room.run(listed(BOB, 2))), [], 'nor does whom the relay only lists');
    assert.deepEqual(framesOf(room.run(offer())), [
      { type: 'start-timer', id: 'frames-check', delay_ms: FRAMES_CHECK_MS },
      { type: 'rotate-sender-keys', epoch: 1 },
      ...ROTATE,
    ]);
  });

  it('change when somebody goes, and stop when nobody is left', () => {
    const room = linked();
    room.run(listed(CAROL, 3), {
      type: 'message',
      from: CAROL,
      sender: senderOf(CAROL),
      message: { type: 'roster', seq: 1, members: [], mac: '', isAsking: false },
    });
    const leave = (from: typeof BOB): RoomEvent => ({
      type: 'message',
      from,
      sender: senderOf(from),
      message: { type: 'leave' },
    });
    assert.deepEqual(framesOf(room.run(leave(CAROL))), [{ type: 'rotate-sender-keys', epoch: 3 }, ...ROTATE]);
    const stops = TIMERS.map((id) => ({ type: 'stop-timer', id }));
    assert.deepEqual(framesOf(room.run(leave(BOB))), stops);
  });

  it('stop when we leave', () => {
    const stops = TIMERS.map((id) => ({ type: 'stop-timer', id }));
    assert.deepEqual(framesOf(linked().run({ type: 'leave' })), stops);
  });

  it('change after five minutes, and when they are asked to', () => {
    const room = linked();
    assert.deepEqual(framesOf(room.run({ type: 'timer', id: 'sender-keys' })), [
      { type: 'rotate-sender-keys', epoch: 1 },
      ...ROTATE,
    ]);
    assert.deepEqual(framesOf(room.run({ type: 'rotate-sender-keys' })), [
      { type: 'rotate-sender-keys', epoch: 1 },
      ...ROTATE,
    ]);
    assert.deepEqual(new StepRunner().run({ type: 'rotate-sender-keys' }), []);
  });

  it('are used in time, whoever has not answered', () => {
    const effects = framesOf(linked().run({ type: 'timer', id: 'frames-check' }));
    assert.deepEqual(effects[1], { type: 'switch-sender-keys', age_ms: SENDER_KEY_ACK_MS });
  });
});

describe('SK6: frames that come', () => {
  it('are told from those that do not open; the page hears of it once', () => {
    const room = linked();
    assert.deepEqual(room.peer(BOB)?.frames, {});
    room.run(frames('camera', 'opened'));
    assert.deepEqual(room.peer(BOB)?.frames, { camera: 'opened' });
    const wrong = { type: 'error', code: 'wrong-key', isRecoverable: true, peerId: BOB };
    assert.deepEqual(momentsOf(room.run(frames('microphone', 'failing'))), [wrong]);
    assert.deepEqual(momentsOf(room.run(frames('camera', 'failing'))), []);
    assert.deepEqual(room.run(frames('camera', 'failing')), []);
    room.run(frames('camera', 'opened'), frames('microphone', 'opened'));
    assert.deepEqual(room.peer(BOB)?.frames, { camera: 'opened', microphone: 'opened' });
    assert.deepEqual(momentsOf(room.run(frames('camera', 'failing'))), [wrong], 'told again after it was good');
  });

  it('of an older connection mean nothing, and a new one begins with none', () => {
    const room = linked();
    room.run(frames('camera', 'opened', 2));
    assert.deepEqual(room.peer(BOB)?.frames, {});
    room.run(frames('camera', 'opened'), { type: 'ended-by-peer', ...onLink }, { type: 'timer', id: `link:${BOB}` });
    assert.equal(room.peer(BOB)?.link.generation, 2);
    assert.deepEqual(room.peer(BOB)?.frames, {});
  });
});

describe('SK7: frames that were sent and not sealed', () => {
  it('are told once', () => {
    const room = linked();
    const event: RoomEvent = { type: 'frames-unsealed', ...onLink };
    assert.deepEqual(momentsOf(room.run(event)), [
      { type: 'error', code: 'frames-unsealed', isRecoverable: true, peerId: BOB },
    ]);
    assert.ok(room.peer(BOB)?.isUnsealed);
    assert.deepEqual(room.run(event), []);
  });

  it('are not forgotten with the connection that they were sent on', () => {
    const room = linked();
    const ended: RoomEvent = { type: 'ended-by-peer', ...onLink };
    room.run({ type: 'frames-unsealed', ...onLink }, ended, { type: 'timer', id: `link:${BOB}` });
    assert.equal(room.peer(BOB)?.link.generation, 2);
    assert.ok(room.peer(BOB)?.isUnsealed);
  });

  it('are looked for every two seconds while somebody is there', () => {
    assert.deepEqual(linked().run({ type: 'timer', id: 'frames-check' }), [
      { type: 'check-frames' },
      { type: 'switch-sender-keys', age_ms: SENDER_KEY_ACK_MS },
      { type: 'repeat-messages' },
      { type: 'start-timer', id: 'frames-check', delay_ms: FRAMES_CHECK_MS },
    ]);
  });
});

describe('where no frame can be sealed', () => {
  for (const code of ['unsupported-browser', 'worker-blocked'] as const) {
    it(`nothing is joined: ${code}`, () => {
      const room = new StepRunner();
      const failed: RoomEvent = { type: 'sealing-failed', code };
      assert.deepEqual(room.run(failed), [], 'before joining it is nothing yet');
      assert.deepEqual(momentsOf(room.run(join, failed)), [
        { type: 'error', code, isRecoverable: false },
        { type: 'left', reason: 'refused' },
      ]);
    });
  }

  it('a call ends', () => {
    const room = newcomer();
    room.run({ type: 'sealing-failed', code: 'worker-blocked' });
    assert.deepEqual(room.state.call, { phase: 'left', reason: 'refused' });
  });
});
