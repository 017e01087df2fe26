import { strict as assert } from 'node:assert';
import { describe, it } from 'node:test';
import { Devices } from '../../src/engine/media/devices.ts';
import type { PublicationKind } from '../../src/engine/protocol/peer.ts';

type Asked = { readonly audio: boolean; readonly video: boolean };

class FakeTrack extends EventTarget {
  enabled = true;
  isStopped = false;
  readonly id: string;
  readonly kind: 'audio' | 'video';
  constructor(kind: 'audio' | 'video', number: number) {
    super();
    this.kind = kind;
    this.id = `${kind}-${number}`;
  }
  stop(): void {
    this.isStopped = true;
  }
}

function named(name: string): Error {
  return Object.assign(new Error('refused'), { name });
}

/** Devices whose answers the test decides; `answer` throws to refuse. */
function setUp(
  answer: (asked: Asked) => void = () => undefined,
  options: { granted?: readonly PublicationKind[]; policy?: boolean } = {},
) {
  const asked: Asked[] = [];
  const told: string[] = [];
  const tracks: FakeTrack[] = [];
  let settle: (() => void) | undefined;
  const settled = (): Promise<void> =>
    new Promise((resolve) => {
      settle = resolve;
    });
  const mediaDevices = Object.assign(new EventTarget(), {
    getUserMedia: async ({ audio, video }: MediaStreamConstraints) => {
      const question = { audio: audio !== undefined, video: video !== undefined };
      asked.push(question);
      answer(question);
      const given: FakeTrack[] = [];
      if (question.audio) given.push(new FakeTrack('audio', asked.length));
      if (question.video) given.push(new FakeTrack('video', asked.length));
      tracks.push(...given);
      return { getTracks: () => given };
    },
    enumerateDevices: async () => [
      { deviceId: '', kind: 'audioinput', label: '' },
      { deviceId: 'm', kind: 'audioinput', label: 'Microphone' },
      { deviceId: 's', kind: 'audiooutput', label: 'Speaker' },
      { deviceId: 'c', kind: 'videoinput', label: 'Camera' },
    ],
  });
  const tell = (text: string): void => {
    told.push(text);
    settle?.();
  };
  const devices = new Devices(
    {
      onLive: (kind, track) => tell(`${kind} ${track.id}`),
      onFailed: (kind, code) => tell(`${kind} ${code}`),
      onEnded: (kind, id) => tell(`${kind} ended ${id}`),
      onDevicesChanged: () => tell('changed'),
    },
    {
      mediaDevices: mediaDevices as unknown as MediaDevices,
      permissionState: async (kind) => {
        if (!options.granted) throw new TypeError('not a permission of this browser');
        return options.granted.includes(kind) ? 'granted' : 'denied';
      },
      isAllowedByPolicy: () => options.policy ?? true,
    },
  );
  /** Until so many things were told. */
  const until = async (count: number): Promise<readonly string[]> => {
    while (told.length < count) await settled();
    return told;
  };
  return { devices, asked, tracks, told, until, mediaDevices };
}

describe('our own devices', () => {
  it('asks once for both', async () => {
    const { devices, asked, until } = setUp();
    devices.open('microphone', undefined);
    devices.open('camera', undefined);
    assert.deepEqual(await until(2), ['microphone audio-1', 'camera video-1']);
    assert.deepEqual(asked, [{ audio: true, video: true }]);
  });

  it('a missing camera does not cost the microphone', async () => {
    const { devices, until } = setUp(({ video }) => {
      if (video) throw named('NotFoundError');
    });
    devices.open('microphone', undefined);
    devices.open('camera', undefined);
    assert.deepEqual(await until(2), ['microphone audio-2', 'camera device-not-found']);
  });

  it('who said no is not asked again', async () => {
    const { devices, asked, until } = setUp(() => {
      throw named('NotAllowedError');
    });
    devices.open('microphone', undefined);
    devices.open('camera', undefined);
    assert.deepEqual(await until(2), ['microphone permission-denied', 'camera permission-denied']);
    assert.equal(asked.length, 1);
  });

  it('one of two that was granted for good is had without a question', async () => {
    const answer = ({ video }: Asked): void => {
      if (video) throw named('NotAllowedError');
    };
    const { devices, until } = setUp(answer, { granted: ['microphone'] });
    devices.open('microphone', undefined);
    devices.open('camera', undefined);
    assert.deepEqual(await until(2), ['microphone audio-2', 'camera permission-denied']);
  });

  for (const [name, code] of [
    ['NotAllowedError', 'permissions-policy'],
    ['SecurityError', 'permissions-policy'],
    ['NotFoundError', 'device-not-found'],
    ['OverconstrainedError', 'device-constraints'],
    ['NotReadableError', 'device-in-use'],
    ['AbortError', 'device-in-use'],
  ] as const) {
    it(`tells ${name} as ${code}`, async () => {
      const refuse = (): void => {
        throw named(name);
      };
      const { devices, until } = setUp(refuse, { policy: false });
      devices.open('camera', undefined);
      assert.deepEqual(await until(1), [`camera ${code}`]);
    });
  }

  it('changing devices stops the one before, and only then is nothing told of its end', async () => {
    const { devices, tracks, until } = setUp();
    devices.open('camera', undefined);
    await until(1);
    devices.open('camera', 'other');
    assert.deepEqual(await until(2), ['camera video-1', 'camera video-2']);
    assert.deepEqual(
      tracks.map(({ isStopped }) => isStopped),
      [true, false],
    );
    tracks[0]?.dispatchEvent(new Event('ended'));
    tracks[1]?.dispatchEvent(new Event('ended'));
    assert.deepEqual(await until(3), ['camera video-1', 'camera video-2', 'camera ended video-2']);
  });

  it('muting keeps the device, closing lets it go', async () => {
    const { devices, tracks, until } = setUp();
    devices.open('microphone', undefined);
    await until(1);
    devices.mute('microphone', true);
    assert.equal(tracks[0]?.enabled, false);
    devices.close('microphone');
    assert.equal(tracks[0]?.isStopped, true);
    assert.equal(devices.track('microphone'), undefined);
  });

  it('lists microphones and cameras that have a name to be chosen by', async () => {
    const { devices } = setUp();
    assert.deepEqual(await devices.list(), [
      { deviceId: 'm', kind: 'microphone', label: 'Microphone' },
      { deviceId: 'c', kind: 'camera', label: 'Camera' },
    ]);
  });

  it('after it was disposed of, a device that comes late is stopped, and nothing is told', async () => {
    let give: (() => void) | undefined;
    const stopped: string[] = [];
    const late = new FakeTrack('video', 1);
    late.stop = () => void stopped.push('late');
    const given = new Promise<void>((resolve) => {
      give = resolve;
    });
    const done = new Promise<void>((resolve) => {
      late.stop = () => {
        stopped.push('late');
        resolve();
      };
    });
    const { devices, told, mediaDevices } = setUp();
    mediaDevices.getUserMedia = async () => {
      await given;
      return { getTracks: () => [late] };
    };
    devices.open('camera', undefined);
    await Promise.resolve();
    devices.dispose();
    give?.();
    await done;
    assert.deepEqual(stopped, ['late']);
    assert.deepEqual(told, []);
  });

  it('in an insecure context there is none', async () => {
    const told: string[] = [];
    await new Promise<void>((resolve) => {
      const devices = new Devices(
        {
          onLive: () => assert.fail(),
          onFailed: (kind, code) => {
            told.push(`${kind} ${code}`);
            resolve();
          },
          onEnded: () => assert.fail(),
          onDevicesChanged: () => assert.fail(),
        },
        { mediaDevices: undefined, permissionState: async () => 'prompt', isAllowedByPolicy: () => true },
      );
      devices.open('camera', undefined);
    });
    assert.deepEqual(told, ['camera insecure-context']);
  });
});
