import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { presenceOf } from '../../src/engine/room/devices.ts';
import type { RoomEvent } from '../../src/engine/room/events.ts';
import type { Device } from '../../src/engine/room/state.ts';
import { ALICE, BOB } from '../helpers/samples.ts';
import { certificateOf } from './step-fixtures.ts';
import { StepRunner, messagesOf, momentsOf, typesOf } from './step-runner.ts';

const on: RoomEvent = { type: 'set-camera', isOn: true };
const off: RoomEvent = { type: 'set-camera', isOn: false };
const speak: RoomEvent = { type: 'set-microphone', isOn: true };
const mute: RoomEvent = { type: 'set-microphone', isOn: false };

function live(kind: 'microphone' | 'camera', trackId = 't1'): RoomEvent {
  return { type: 'device-live', kind, trackId, deviceId: 'd1', label: 'Device' };
}

function liveDevice(trackId: string, isMuted = false): Device {
  return { state: 'live', trackId, deviceId: 'd1', label: 'Device', isMuted };
}

describe('the camera', () => {
  it('off → starting → live, and is published only then', () => {
    const room = new StepRunner();
    assert.deepEqual(room.run(on), [{ type: 'open-device', kind: 'camera', deviceId: undefined }]);
    assert.deepEqual(presenceOf(room.state.local).publications, []);
    assert.deepEqual(room.run(live('camera')), [{ type: 'publish-track', kind: 'camera' }]);
    assert.deepEqual(room.state.local.camera, liveDevice('t1'));
    assert.deepEqual(presenceOf(room.state.local).publications, [{ kind: 'camera', isMuted: false }]);
  });

  it('live → off closes the device: its light goes out', () => {
    const room = new StepRunner();
    assert.deepEqual(typesOf(room.run(on, live('camera'), off)), ['close-device', 'publish-track']);
    assert.deepEqual(room.state.local.camera, { state: 'off' });
  });

  it('is opened once where it is asked for twice, and is left alone where it is live', () => {
    const room = new StepRunner();
    assert.deepEqual(room.run(on, on), []);
    assert.deepEqual(room.run(live('camera'), on), []);
    assert.deepEqual(new StepRunner().run(off), []);
  });

  it('that comes after it was given up is closed again', () => {
    const room = new StepRunner();
    assert.deepEqual(room.run(on, off, live('camera')), [{ type: 'close-device', kind: 'camera' }]);
    assert.deepEqual(room.state.local.camera, { state: 'off' });
  });

  it('that fails after it was given up is nobody’s concern', () => {
    const failed: RoomEvent = { type: 'device-failed', kind: 'camera', code: 'device-in-use' };
    assert.deepEqual(new StepRunner().run(on, off, failed), []);
  });

  it('starting → failed tells why, and can be tried again', () => {
    const room = new StepRunner();
    const effects = room.run(on, { type: 'device-failed', kind: 'camera', code: 'permission-denied' });
    assert.deepEqual(momentsOf(effects), [{ type: 'error', code: 'permission-denied', isRecoverable: true }]);
    assert.deepEqual(room.state.local.camera, { state: 'failed', code: 'permission-denied' });
    assert.deepEqual(typesOf(room.run(on)), ['open-device']);
  });

  it('is switched without a gap: the old one stays live until the new one is, or when that fails', () => {
    const room = new StepRunner();
    const effects = room.run(on, live('camera'), { type: 'set-device', kind: 'camera', deviceId: 'd2' });
    assert.deepEqual(effects, [{ type: 'open-device', kind: 'camera', deviceId: 'd2' }]);
    assert.deepEqual(room.state.local.camera, liveDevice('t1'));
    const failed = room.run({ type: 'device-failed', kind: 'camera', code: 'device-in-use' });
    assert.deepEqual(typesOf(failed), ['tell error']);
    assert.deepEqual(room.state.local.camera, liveDevice('t1'));
    room.run(live('camera', 't2'));
    assert.deepEqual(room.state.local.camera, liveDevice('t2'));
  });

  it('that is pulled out is failed and unpublished; an older track’s end means nothing', () => {
    const room = new StepRunner();
    room.run(on, live('camera', 't2'));
    assert.deepEqual(room.run({ type: 'device-ended', kind: 'camera', trackId: 't1' }), []);
    const effects = room.run({ type: 'device-ended', kind: 'camera', trackId: 't2' });
    assert.deepEqual(typesOf(effects), ['close-device', 'publish-track', 'tell error']);
    assert.deepEqual(room.state.local.camera, { state: 'failed', code: 'device-not-found' });
  });
});

describe('the microphone', () => {
  it('live ⇄ muted without closing the device', () => {
    const room = new StepRunner();
    room.run(speak, live('microphone'));
    assert.deepEqual(room.run(mute), [{ type: 'mute-device', kind: 'microphone', isMuted: true }]);
    assert.deepEqual(presenceOf(room.state.local).publications, [{ kind: 'microphone', isMuted: true }]);
    assert.deepEqual(room.run(mute), []);
    assert.deepEqual(room.run(speak), [{ type: 'mute-device', kind: 'microphone', isMuted: false }]);
  });

  it('stays muted when it is switched: the new track is muted before it is published', () => {
    const room = new StepRunner();
    room.run(speak, live('microphone'), mute, { type: 'set-device', kind: 'microphone', deviceId: 'd2' });
    assert.deepEqual(typesOf(room.run(live('microphone', 't2'))), ['mute-device', 'publish-track']);
    assert.deepEqual(room.state.local.microphone, liveDevice('t2', true));
  });

  it('starting → off where it is muted before it is live', () => {
    const room = new StepRunner();
    assert.deepEqual(typesOf(room.run(speak, mute)), ['close-device', 'publish-track']);
    assert.deepEqual(room.state.local.microphone, { state: 'off' });
  });
});

describe('what peers are told of devices', () => {
  const joined: readonly RoomEvent[] = [
    { type: 'join', peerId: ALICE },
    { type: 'welcome', joinNumber: 2, certificate: certificateOf(ALICE), peers: [{ peerId: BOB, joinNumber: 1 }] },
  ];

  it('is a new presence at each change, and none where nothing changed', () => {
    const room = new StepRunner();
    room.run(...joined);
    assert.deepEqual(messagesOf(room.run(on)), []);
    assert.deepEqual(messagesOf(room.run(live('camera'))), ['presence']);
    assert.deepEqual(messagesOf(room.run(live('camera', 't2'))), []);
    assert.deepEqual(messagesOf(room.run({ type: 'set-name', name: ' Ada ' })), ['presence']);
    assert.deepEqual(messagesOf(room.run({ type: 'set-name', name: 'Ada' })), []);
    assert.deepEqual(messagesOf(room.run(off)), ['presence']);
  });

  it('is nothing before anything was said on the link: its offer will tell', () => {
    const room = new StepRunner();
    room.run(
      { type: 'join', peerId: ALICE },
      { type: 'welcome', joinNumber: 1, certificate: certificateOf(ALICE), peers: [] },
      { type: 'peer-listed', peerId: BOB, joinNumber: 2 },
    );
    assert.deepEqual(messagesOf(room.run({ type: 'set-name', name: 'Ada' })), []);
  });
});

describe('leaving gives devices back', () => {
  it('in the lobby and in the room', () => {
    const lobby = new StepRunner();
    const opened = lobby.run({ type: 'open-lobby', microphone: true, camera: true });
    assert.deepEqual(typesOf(opened), ['open-device', 'open-device']);
    assert.equal(lobby.state.call.phase, 'lobby');
    const left = typesOf(lobby.run(live('camera'), { type: 'leave' }));
    assert.equal(left.filter((type) => type === 'close-device').length, 2);
    assert.equal(lobby.state.call.phase, 'idle');
    assert.deepEqual(lobby.state.local.camera, { state: 'off' });
  });

  it('where they were opened without a lobby, or after leaving', () => {
    for (const before of [
      [],
      [{ type: 'join', peerId: ALICE }, { type: 'leave' }],
    ] as readonly (readonly RoomEvent[])[]) {
      const room = new StepRunner();
      room.run(...before, on, live('camera'));
      const { phase } = room.state.call;
      assert.deepEqual(typesOf(room.run({ type: 'leave' })), ['close-device', 'publish-track']);
      assert.deepEqual(room.state.local.camera, { state: 'off' });
      assert.equal(room.state.call.phase, phase);
      assert.deepEqual(room.run({ type: 'leave' }), []);
    }
  });

  it('and asks only for what the lobby offers', () => {
    const room = new StepRunner();
    assert.deepEqual(room.run({ type: 'open-lobby', microphone: false, camera: false }), []);
    assert.deepEqual(room.run({ type: 'open-lobby', microphone: true, camera: true }), []);
  });
});
