/** What a room does where it cannot do what it was asked: it connects nothing, says why, and leaves nothing hanging. */
import { measureLevel } from '../../src/components/tai-lobby/level-meter.ts';
import { ENGINE } from '../../src/components/tai-room/tai-room.ts';
import { TaiError, createHostedRoom, createPrivateRoom, createSession, resolveRoom } from '../../src/engine/index.ts';
import type { SessionOptions } from '../../src/engine/index.ts';
import { equal, ok, same, throws, until } from './assert.ts';
import { fakeVideoTrack } from './fake-session.ts';
import { LIVE, accessible, button, clear, find, findAll, joined, mount, nextTask, place } from './helpers.ts';
import { settle, texts, uncaught } from './helpers.ts';

describe('<tai-room> fails closed', () => {
  beforeEach(clear);
  after(clear);

  for (const [name, value] of [
    ['e2ee', 'off'],
    ['e2ee', ''],
  ] as const) {
    it(`${name}="${value}" connects nothing`, async () => {
      const { room, engine } = place((element) => element.setAttribute(name, value));
      const codes: string[] = [];
      room.addEventListener('tai-error', ({ code, recoverable }) => codes.push(`${code} ${recoverable}`));
      throws(() => room.join(), 'usage');
      await settle(room);
      ok(texts(room).includes('does not connect'), 'it says why');
      same(codes, ['usage false']);
      equal(engine.sessions.length, 0);
      await accessible(room);
    });
  }

  it('e2ee="required" asks for what holds anyway', async () => {
    const { room, engine } = place((element) => element.setAttribute('e2ee', 'required'));
    await until(() => engine.sessions[0], 'a session');
    ok(!texts(room).includes('does not connect'), 'nothing is refused');
  });

  it('set during a call, it ends the call', async () => {
    const { room, session } = await joined(2);
    room.e2ee = 'off';
    await settle(room);
    ok(session.isClosed, 'closed');
    throws(() => room.join(), 'usage');
  });

  it('taken away, the room opens', async () => {
    const { room, engine } = place((element) => element.setAttribute('e2ee', 'off'));
    await settle(room);
    room.removeAttribute('e2ee');
    await until(() => engine.sessions[0], 'a session');
  });

  it('a bad room name is misuse', async () => {
    const { room, engine } = place((element) => {
      element.room = 'no spaces here';
    });
    await until(() => findAll(room, '[role=alert]').length === 1, 'the alert');
    throws(() => room.join(), 'usage');
    equal(engine.sessions.length, 0);
  });

  it('a broken link opens no other room, but offers a new one', async () => {
    history.replaceState(null, '', '#tai=broken');
    const { room, engine } = place();
    await until(() => texts(room).includes('damaged'), 'the sentence');
    equal(engine.sessions.length, 0);
    button(room, 'Create a new private room').click();
    await settle(room);
    button(room, 'Create a private room').click();
    ok(/^#tai=[\w-]{43}$/.test(location.hash), 'the broken entry is replaced');
  });

  it('e2ee asked for by a listener of the click that joins counts', async () => {
    const { room, engine } = await mount();
    const codes: string[] = [];
    room.addEventListener('tai-error', ({ code }) => codes.push(code));
    room.addEventListener('tai-join-request', () => {
      room.e2ee = 'off';
    });
    button(room, 'Create a private room').click();
    await settle(room);
    equal(
      engine.sessions.reduce((count, session) => count + session.count('join'), 0),
      0,
      'joins',
    );
    ok(texts(room).includes('does not connect'), 'it says why');
    same(codes, ['usage'], 'told once');
  });

  it('joining again from inside what tells of it changes nothing', async () => {
    const { room, session, engine } = await joined(2);
    const tries: string[] = [];
    for (const type of ['tai-leave', 'tai-state-change', 'tai-error'] as const) {
      room.addEventListener(type, () => {
        tries.push(type);
        throws(() => room.join(), 'usage');
      });
    }
    room.e2ee = 'off';
    throws(() => room.join(), 'usage');
    await settle(room);
    same(tries, ['tai-state-change', 'tai-leave', 'tai-state-change', 'tai-error'], 'each told once');
    equal(session.count('join'), 1, 'only the one before');
    equal(engine.sessions.length, 1);
  });

  it('what a listener of the click changes about the room is where the click leads', async () => {
    const { room, session, engine } = await mount();
    room.addEventListener('tai-join-request', () => {
      room.relay = 'wss://other.example';
    });
    button(room, 'Create a private room').click();
    const second = await until(() => engine.sessions[1], 'another session');
    equal(session.count('join'), 0, 'not the first');
    same([second.options.relay, second.count('join')], ['wss://other.example', 1]);
  });

  it('set during a call, it tells that the call is over', async () => {
    const { room } = await joined(2);
    const told: unknown[] = [];
    room.addEventListener('tai-leave', ({ reason }) => told.push(reason));
    room.addEventListener('tai-state-change', ({ state }) => told.push(state));
    room.addEventListener('tai-error', ({ code }) => told.push(code));
    room.e2ee = 'off';
    await settle(room);
    same(told, ['left', 'left', 'idle', 'usage']);
    equal(room.state, 'idle');
  });

  describe('without a relay', () => {
    it('it connects nothing, and says what to set', async () => {
      const { room, engine, events } = place((element) => {
        element.relay = undefined;
      });
      throws(() => room.join(), 'usage');
      await settle(room);
      await nextTask();
      ok(texts(room).includes('Set the relay attribute'), texts(room));
      ok(events.includes('tai-error'), 'told');
      equal(engine.sessions.length, 0);
      await accessible(room);
    });

    it('it opens once there is one', async () => {
      const { room, engine } = place((element) => {
        element.relay = undefined;
      });
      await settle(room);
      room.relay = 'wss://late.example';
      const session = await until(() => engine.sessions[0], 'a session');
      equal(session.options.relay, 'wss://late.example');
    });
  });

  it('the engine makes no session either that would seal less', () => {
    const room = createPrivateRoom();
    const options = { relay: 'wss://relay.example', room };
    throws(() => createSession({ ...options, e2ee: 'off' as 'required' }), 'usage');
    createSession({ ...options, e2ee: 'required' }).close();
  });

  describe('worker-url', () => {
    it('reaches the session', async () => {
      const { session } = await mount((element) => element.setAttribute('worker-url', '/own/session.worker.js'));
      equal(session.options.workerUrl, '/own/session.worker.js');
    });

    it('of another origin is misuse, and makes no session', async () => {
      const made: SessionOptions[] = [];
      const { room } = place((element) => {
        element.setAttribute('worker-url', 'https://elsewhere.example/session.worker.js');
        const real = (options: SessionOptions): ReturnType<typeof createSession> => {
          const session = createSession(options);
          made.push(options);
          return session;
        };
        element[ENGINE] = { createSession: real, createHostedRoom, createPrivateRoom, resolveRoom };
      });
      const codes: string[] = [];
      room.addEventListener('tai-error', ({ code }) => codes.push(code));
      await until(() => findAll(room, '[role=alert]').length === 1, 'the alert');
      same(codes, ['usage']);
      throws(() => room.join(), 'usage');
      equal(made.length, 0);
    });
  });

  describe('when something breaks', () => {
    it('a page that is not secure is told as such', async () => {
      const { room } = place((element) => {
        const resolve = (): Promise<never> => Promise.reject(new TaiError('insecure-context', 'no'));
        element[ENGINE] = { createSession, createHostedRoom, createPrivateRoom, resolveRoom: resolve };
      });
      await until(() => texts(room).includes('need a secure page'), 'the sentence');
      throws(() => room.join(), 'insecure-context');
    });

    for (const breaking of ['resolveRoom', 'createSession'] as const) {
      it(`a bug in ${breaking} is reported as a bug, and shown`, async () => {
        const bug = new TypeError('not a function (on purpose)');
        const codes: string[] = [];
        const caught = await uncaught(async () => {
          const { room, engine } = place();
          engine[breaking] = () => {
            throw bug;
          };
          room.addEventListener('tai-error', ({ code }) => codes.push(code));
          await until(() => texts(room).includes('Something went wrong'), 'the sentence');
          throws(() => room.join(), 'Something went wrong.');
          await accessible(room);
        });
        same([caught.length, caught[0] === bug], [1, true]);
        same(codes, [], 'no code would be true');
      });
    }

    it('a new room that cannot be made says so too', async () => {
      history.replaceState(null, '', '#tai=broken');
      const bug = new Error('bug (on purpose)');
      const caught = await uncaught(async () => {
        const { room, engine } = place();
        engine.createSession = () => {
          throw bug;
        };
        await until(() => texts(room).includes('damaged'), 'the sentence');
        button(room, 'Create a new private room').click();
        await until(() => texts(room).includes('Something went wrong'), 'the sentence');
      });
      same([caught.length, caught[0] === bug], [1, true]);
    });

    it('a browser that lists no devices still has its default one', async () => {
      const caught = await uncaught(async () => {
        const { room, session } = await mount();
        session.deviceList = new Error('not allowed');
        session.tell({ type: 'devices-changed' });
        session.show({ camera: LIVE, cameraTrack: fakeVideoTrack() });
        await settle(room);
        equal(find(room, 'video').hasAttribute('data-live'), true);
      });
      same(caught, []);
    });

    it('a microphone that cannot be listened to shows no level', async () => {
      const caught = await uncaught(async () => {
        const { room, session } = await mount();
        // a picture has no loudness
        session.show({ microphone: LIVE, microphoneTrack: fakeVideoTrack() });
        await settle(room);
        equal(findAll(room, '.level').length, 0);
        button(room, 'Create a private room').click();
        equal(session.count('join'), 1);
      });
      same(caught, []);
    });

    it('what it took for that is given back', async () => {
      const context = new AudioContext();
      equal(
        measureLevel(
          fakeVideoTrack(),
          () => {},
          () => context,
        ),
        undefined,
      );
      await until(() => context.state === 'closed', 'the context to close');
    });
  });

  it('media taken away is the default again; empty is listen only', async () => {
    const { room } = await mount((element) => element.setAttribute('media', ''));
    equal(findAll(room, '.toggle').length, 0);
    const caught = await uncaught(async () => {
      room.removeAttribute('media');
      await until(() => findAll(room, '.toggle').length === 2, 'both devices');
    });
    same(caught, []);
  });

  it('any other attribute taken away is as if it had never been there', async () => {
    const names = ['room', 'display-name', 'worker-url', 'e2ee', 'layout'];
    const caught = await uncaught(async () => {
      const { room, engine } = place((element) => {
        for (const name of names) element.setAttribute(name, 'x');
      });
      await settle(room);
      for (const name of names) room.removeAttribute(name);
      Object.assign(room, { roomSecret: null, iceServers: null, turnWallet: null, strings: null });
      const session = await until(() => engine.sessions[0], 'a session');
      same(Object.keys(session.options).sort(), ['relay', 'room', 'sharePath']);
      ok(!session.options.sharePath, 'nobody has agreed');
      equal(session.options.room.kind, 'private');
    });
    same(caught, []);
  });
});
